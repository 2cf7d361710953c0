//! How the cluster stands, for people.

use messages::cluster::{Holds, NodeFacts, Place, Role};
use messages::membership::{ClusterView, DECLARED_SHOWN_MAX, NodeView, UnitView};

use super::Member;

impl Member {
    /// As this node knows it.
    #[must_use]
    pub fn view(&self) -> ClusterView {
        let links = self.links.get().map(|links| links.inner());
        let up = links.map(|links| links.links.up()).unwrap_or_default();
        let refused = links.map(|links| links.refused.all()).unwrap_or_default();
        let table = self.table();
        let units_of = |name: &str| table.places().filter(|(_, place)| is_on(place, name)).count();
        let count = |name: &str| u32::try_from(units_of(name)).unwrap_or(u32::MAX);
        let mine = self.facts.node.to_string();
        let mut nodes = vec![NodeView {
            incarnation: self.facts.incarnation.to_string(),
            roles: self.facts.roles.to_string(),
            program: links.map(|links| links.config.program.clone()).unwrap_or_default(),
            protocol: links.map(|links| links.config.versions.to_string()).unwrap_or_default(),
            at: "here".into(),
            units: count(&mine),
            workspaces: declared(&self.facts()),
            node: mine.clone(),
            ..NodeView::default()
        }];
        nodes.extend(up.values().map(|link| {
            let peer = link.peer();
            NodeView {
                node: peer.node.clone(),
                incarnation: peer.incarnation.clone(),
                roles: peer.roles.to_string(),
                program: peer.program.clone(),
                protocol: format!("version {}", peer.version),
                at: peer.at.clone(),
                up_ms: u64::try_from(link.since.elapsed().as_millis()).unwrap_or(u64::MAX),
                units: count(&peer.node),
                ..NodeView::default()
            }
        }));
        nodes.extend(refused.into_iter().filter(|of| !up.contains_key(&of.node)).map(|of| NodeView {
            units: count(&of.node),
            node: of.node,
            roles: of.roles.to_string(),
            at: of.at,
            why: of.why,
            ..NodeView::default()
        }));
        let mut units: Vec<UnitView> = table.places().map(|(unit, place)| unit_view(unit.to_string(), place)).collect();
        units.iter_mut().for_each(|unit| self.show_refused(unit));
        ClusterView { node: mine, nodes, units }
    }
}

/// The workspaces whose files a node has, as it says.
pub(super) fn declared(facts: &NodeFacts) -> Vec<String> {
    match &facts.holds {
        _ if !facts.roles.has(Role::Worker) => Vec::new(),
        Holds::All => vec!["*".to_owned()],
        Holds::These(these) => these.iter().take(DECLARED_SHOWN_MAX).map(ToString::to_string).collect(),
    }
}

fn is_on(place: &Place, name: &str) -> bool {
    matches!(place, Place::Held { node, .. } if node.as_str() == name)
}

fn unit_view(unit: String, place: &Place) -> UnitView {
    let (node, epoch, why) = match place {
        Place::Held { node, epoch } => (Some(node.to_string()), *epoch, String::new()),
        Place::Waits => (None, 0, "it waits for a node that may hold it".to_owned()),
        Place::Gone => (None, 0, "it is not there any more".to_owned()),
    };
    UnitView { unit, node, epoch, since_ms: None, why, stale: 0, stale_since_ms: None }
}
