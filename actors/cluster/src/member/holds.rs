//! Workspaces that are made while the node runs are told to the hub.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Event, Hands, Member};

/// How often the folder of workspaces is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(member: Arc<Member>, hands: Arc<dyn Hands>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(found) = hands.holds().await else { continue };
        let is_known = *member.holds.lock().unwrap_or_else(PoisonError::into_inner) == found;
        if !is_known && member.events.send(Event::Holds(found)).await.is_err() {
            return;
        }
    }
}
