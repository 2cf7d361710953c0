//! What people ask of a cluster at any of its nodes: to drain a node by its name, and the trees of all nodes.

use std::sync::Arc;
use std::time::Duration;

use messages::cluster::{Role, Unit};
use messages::envelope::Kind;
use messages::membership::{ACTORS_SHOWN_MAX, Msg, NodeActors, Reply};
use messages::{Address, AskError, Slug, admin};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{Event, Member, head};
use crate::links::Link;
use crate::serve::Peer;

/// How long another node may take to answer, in milliseconds.
const ASK_MS_MAX: u32 = 3_000;

impl Member {
    /// Has a node give its units away, or take some again; asked here.
    pub(super) async fn drain_of(&self, node: &Slug, away: bool) -> Result<(), String> {
        if *node == self.facts.node {
            return self.drain(away);
        }
        if self.is_hub() {
            return self.drain_linked(node, away).await;
        }
        let hub = self.hub().ok_or("this node has no link to the hub now; ask there, or again later")?;
        let body = postcard::to_stdvec(&Msg::DrainOf { node: node.clone(), away }).map_err(|e| e.to_string())?;
        draining(&ask(&hub, "cluster", &body).await?)
    }

    pub(super) fn drain(&self, away: bool) -> Result<(), String> {
        let said = self.events.try_send(Event::Drain(away));
        said.map_err(|_| "too much waits for the member; try again".to_owned())
    }

    /// From the hub, which may ask anything of the others, by the inspector of the other.
    async fn drain_linked(&self, node: &Slug, away: bool) -> Result<(), String> {
        let link = self.link(node)?;
        let body = postcard::to_stdvec(&admin::Msg::Cluster(Msg::Drain { away })).map_err(|e| e.to_string())?;
        match postcard::from_bytes(&ask(&link, "admin", &body).await?) {
            Ok(admin::Reply::Cluster(Some(Reply::Draining(done)))) => done,
            Ok(_) => Err(format!("`{node}` answered something else")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Asked by another node. One that vouches for people may pass on what they want; a worker speaks for itself.
    pub(super) async fn drain_for(&self, from: &Peer, node: &Slug, away: bool) -> Result<(), String> {
        let may = from.roles.has(Role::Connector) || from.roles.has(Role::Hub) || from.node == node.as_str();
        if !may {
            return Err(format!(
                "a node with the roles {} may drain itself alone; ask at a connector, at the hub, or at `{node}`",
                from.roles
            ));
        }
        if !self.is_hub() {
            return Err("this node is no hub".to_owned());
        }
        self.drain_of(node, away).await
    }

    fn link(&self, node: &Slug) -> Result<Arc<Link>, String> {
        let link = self.links.get().and_then(|links| links.link(node.as_str()));
        link.ok_or_else(|| format!("no node `{node}` is linked here; `agent-runtime nodes` names those that are"))
    }

    /// For what a unit waits, as the hub knows; `None`: for nothing, or the hub can't be asked now.
    pub(super) async fn waits(&self, unit: &Unit) -> Option<String> {
        if self.is_hub() {
            let (sender, told) = oneshot::channel();
            self.events.try_send(Event::Waits(unit.clone(), sender)).ok()?;
            return told.await.ok()?;
        }
        let body = postcard::to_stdvec(&Msg::Waits { unit: unit.clone() }).ok()?;
        match postcard::from_bytes(&ask(&*self.hub()?, "cluster", &body).await.ok()?) {
            Ok(Reply::Waits(told)) => told,
            _ => None,
        }
    }

    /// The trees of this node and of those that it has links to. From another node than the hub nobody may be asked.
    pub(super) async fn actors(&self, node: Option<&Slug>) -> Result<Vec<NodeActors>, String> {
        let own = (node.is_none_or(|node| *node == self.facts.node)).then(|| self.own_actors());
        let links: Vec<Arc<Link>> = match node {
            Some(node) if *node == self.facts.node => Vec::new(),
            Some(_) if !self.is_hub() => {
                return Err("the trees of other nodes are shown at the hub, and each at its own node".to_owned());
            }
            Some(node) => vec![self.link(node)?],
            None if self.is_hub() => {
                self.links.get().map(|links| links.up().values().cloned().collect()).unwrap_or_default()
            }
            None => Vec::new(),
        };
        let mut asked: JoinSet<NodeActors> = links.into_iter().map(actors_of).collect();
        let mut all: Vec<NodeActors> = own.into_iter().collect();
        while let Some(told) = asked.join_next().await {
            all.extend(told.ok());
        }
        all.sort_by(|a, b| a.node.cmp(&b.node));
        let share = ACTORS_SHOWN_MAX / all.len().max(1);
        all.iter_mut().for_each(|of| bound(of, share));
        Ok(all)
    }

    fn own_actors(&self) -> NodeActors {
        let actors = self.system.get().map(|system| system.actors()).ok_or_else(|| "it is starting".to_owned());
        NodeActors { node: self.facts.node.to_string(), actors, left_out: 0 }
    }
}

async fn actors_of(link: Arc<Link>) -> NodeActors {
    let asked = async {
        let body = postcard::to_stdvec(&admin::Msg::Actors).map_err(|e| e.to_string())?;
        match postcard::from_bytes(&ask(&link, "admin", &body).await?) {
            Ok(admin::Reply::Actors(actors)) => Ok(actors),
            Ok(_) => Err("it answered something else".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    };
    let node = link.peer().node.clone();
    NodeActors { node, actors: asked.await, left_out: 0 }
}

/// Leaves out what is above a node's share.
fn bound(of: &mut NodeActors, share: usize) {
    if let Ok(actors) = &mut of.actors {
        of.left_out = u64::try_from(actors.len().saturating_sub(share)).unwrap_or(u64::MAX);
        actors.truncate(share);
    }
}

async fn ask(link: &Link, to: &'static str, body: &[u8]) -> Result<Vec<u8>, String> {
    let wait = Duration::from_millis(u64::from(ASK_MS_MAX));
    let asked = link.ask(head(&Address::fixed(to), Kind::Ask, ASK_MS_MAX), body);
    let answered = tokio::time::timeout(wait, asked).await.unwrap_or(Err(AskError::Timeout(wait)));
    answered.map_err(|error| error.to_string())
}

fn draining(answer: &[u8]) -> Result<(), String> {
    match postcard::from_bytes(answer) {
        Ok(Reply::Draining(done)) => done,
        Ok(_) => Err("the hub answered something else".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_one_node_is_bounded_and_says_how_much_is_left_out() {
        let mut of = NodeActors { node: "a".into(), actors: Ok(vec![admin::ActorView::default(); 12]), left_out: 0 };
        bound(&mut of, 12);
        assert_eq!(of.left_out, 0);
        bound(&mut of, 5);
        assert_eq!((of.actors.as_ref().unwrap().len(), of.left_out), (5, 7));
        let mut silent = NodeActors { node: "a".into(), actors: Err("no answer".into()), left_out: 0 };
        bound(&mut silent, 5);
        assert_eq!(silent.left_out, 0);
    }
}
