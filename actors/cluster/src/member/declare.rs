//! Which workspaces' files a node has: looked at again and again, since people make workspaces while it runs, and disks come
//! and go.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use messages::Slug;
use messages::cluster::{HOLDS_MAX, Holds, Role};

use super::{Event, Hands, Member};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Runs as long as the node does.
pub(super) async fn run(member: Arc<Member>, hands: Arc<dyn Hands>) {
    if !member.facts.roles.has(Role::Worker) {
        return;
    }
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let hands = hands.clone();
        let found = tokio::task::spawn_blocking(move || hands.workspaces()).await;
        let found = found.unwrap_or_else(|error| Err(error.to_string()));
        let alarm = found.as_ref().err().map(|why| format!("the folder of workspaces can't be read: {why}"));
        if let Some(system) = member.system.get() {
            system.alarm("workspaces", alarm);
        }
        if let Ok(found) = found
            && member.events.send(Event::Declares(found)).await.is_err()
        {
            return;
        }
    }
}

/// At most as many as a node may name.
pub(super) fn these(mut workspaces: Vec<Slug>) -> Holds {
    workspaces.truncate(HOLDS_MAX);
    Holds::These(workspaces)
}

impl Member {
    /// From now on it says that it has these. Whether that is news.
    pub(super) fn declare(&self, workspaces: Vec<Slug>) -> bool {
        let now = these(workspaces);
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *holds != now;
        *holds = now;
        is_news
    }
}
