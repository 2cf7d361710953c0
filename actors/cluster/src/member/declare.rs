//! Which workspaces' files a node has: looked at again and again, since people make workspaces while it runs, and disks come
//! and go.

use std::sync::Arc;
use std::time::Duration;

use messages::Slug;
use messages::cluster::{HOLDS_MAX, Holds, NodeFacts, Role, Unit};

use super::{Event, Hands, Member};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The account of the console.
const CONSOLE: &str = "connector/console";

/// Runs as long as the node does.
pub(super) async fn run(member: Arc<Member>, hands: Arc<dyn Hands>) {
    if !member.facts.roles.has(Role::Worker) {
        return;
    }
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let found = hands.workspaces().await;
        let alarm = match &found {
            Err(why) => Some(format!("the folder of workspaces can't be read: {why}")),
            Ok(found) => too_many(found),
        };
        if let Some(system) = member.system.get() {
            system.alarm("workspaces", alarm);
        }
        // A folder that can't be read says nothing of what is in it.
        let Ok(found) = found else { continue };
        let now = Holds::first_of(found);
        let is_known = *member.holds() == now;
        if !is_known && member.events.send(Event::Declares(now)).await.is_err() {
            return;
        }
    }
}

/// What is beyond what a node may name is opened by nobody.
fn too_many(found: &[Slug]) -> Option<String> {
    let (first, count) = (found.get(HOLDS_MAX)?, found.len());
    Some(format!(
        "this node has the files of {count} workspaces, and a node may name {HOLDS_MAX}: `{first}` and those after it are \
         nobody's; move some to another node"
    ))
}

/// What is there to be held since a node is there: the workspaces that it has files of, the console of a connector.
pub(super) fn units(facts: &NodeFacts) -> Vec<Unit> {
    let mut units = match &facts.holds {
        Holds::All => Vec::new(),
        Holds::These(these) => these.iter().map(Unit::workspace).collect(),
    };
    if facts.roles.has(Role::Connector) {
        units.extend(Unit::parse(CONSOLE));
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_which_workspaces_it_does_not_name() {
        let named = |count: usize| (0..count).map(|n| Slug::parse(&format!("w{n}")).unwrap()).collect::<Vec<_>>();
        assert_eq!(too_many(&named(HOLDS_MAX)), None);
        let told = too_many(&named(HOLDS_MAX + 2)).unwrap();
        assert!(told.contains("4098 workspaces") && told.contains("`w4096` and those after it"), "{told}");
    }
}
