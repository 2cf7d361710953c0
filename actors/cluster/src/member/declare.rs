//! Which workspaces' files a node has: looked at again and again, since people make workspaces while it runs, and disks come
//! and go.

use std::sync::Arc;
use std::time::Duration;

use messages::Slug;
use messages::cluster::{HOLDS_MAX, Holds, Role};

use super::{Event, Hands, Member};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs as long as the node does.
pub(super) async fn run(member: Arc<Member>, hands: Arc<dyn Hands>) {
    if !member.facts.roles.has(Role::Worker) {
        return;
    }
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let found = hands.workspaces().await;
        let alarm = found.as_ref().err().map(|why| format!("the folder of workspaces can't be read: {why}"));
        if let Some(system) = member.system.get() {
            system.alarm("workspaces", alarm);
        }
        // A folder that can't be read says nothing of what is in it.
        let Ok(found) = found else { continue };
        let now = these(found);
        let is_known = *member.holds() == now;
        if !is_known && member.events.send(Event::Declares(now)).await.is_err() {
            return;
        }
    }
}

/// At most as many as a node may name.
fn these(mut workspaces: Vec<Slug>) -> Holds {
    workspaces.truncate(HOLDS_MAX);
    Holds::These(workspaces)
}
