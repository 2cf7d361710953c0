//! The actor `store`: shows in the tree, and by an alarm, how the store stands. The work is done by the threads, which go on when this
//! actor is restarted.

use std::time::Duration;

use messages::Address;
use messages::store::{StoreMsg, StoreProto, StoreReply};
use runtime::{ReplyPort, Service, ServiceCx, ServiceError};

use crate::handle::StoreHandle;
use crate::shared::Health;

/// How often the tree and the alarms are told what changed.
const LOOK_INTERVAL_MS: u64 = 1_000;

/// The alarm that stands while commits are refused.
const ALARM: &str = "store";

/// The actor.
pub struct StoreService {
    store: StoreHandle,
}

impl StoreService {
    /// Where it is.
    #[must_use]
    pub fn address() -> Address {
        Address::fixed("store")
    }

    /// Shows this store.
    #[must_use]
    pub fn new(store: StoreHandle) -> Self {
        Self { store }
    }
}

impl Service for StoreService {
    type Proto = StoreProto;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        let (store, at) = (self.store.clone(), cx.clone());
        cx.spawn("look at the store", async move {
            // Also the first look tells: an alarm may stand from before a restart.
            let mut said = None;
            loop {
                let doing = troubles(&store.health());
                if said.as_ref() != Some(&doing) {
                    at.doing(&doing);
                    let alarm = Some(format!("the store {doing}")).filter(|_| !doing.is_empty());
                    at.system.alarm(ALARM, alarm);
                    said = Some(doing);
                }
                tokio::time::sleep(Duration::from_millis(LOOK_INTERVAL_MS)).await;
            }
        });
        Ok(())
    }

    async fn handle(&mut self, msg: StoreMsg, reply: ReplyPort<StoreProto>, _: &ServiceCx) -> Result<(), ServiceError> {
        let StoreMsg::Describe = msg;
        reply.send(StoreReply::Described(describe(&self.store.health())));
        Ok(())
    }
}

/// What it is doing, as long as that is not the usual.
fn troubles(health: &Health) -> String {
    health.trouble().unwrap_or_default()
}

/// One sentence on how it stands.
fn describe(health: &Health) -> String {
    let Health { commits, groups, queue, queries, restarts, .. } = health;
    let stands = match troubles(health) {
        trouble if trouble.is_empty() => "writes".to_owned(),
        trouble => trouble,
    };
    format!(
        "{stands}; {commits} commits in {groups} groups, {queue} commits and {queries} queries wait, writer restarted {restarts} times"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_refuses_says_why_and_one_that_writes_says_nothing() {
        let mut health = Health { writable: true, last_error: "the disk was full".into(), ..Health::default() };
        assert_eq!(troubles(&health), "");
        assert!(describe(&health).starts_with("writes; 0 commits in 0 groups"));
        health.writable = false;
        assert_eq!(troubles(&health), "refuses commits: the disk was full");
        let health = Health { writable: true, unreadable: "it is damaged".into(), ..Health::default() };
        assert_eq!(troubles(&health), "can't read some rows: it is damaged");
    }
}
