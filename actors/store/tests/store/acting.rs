//! The actor `store` in a tree.

use std::sync::Arc;
use std::time::Duration;

use messages::Address;
use messages::store::{StoreMsg, StoreProto, StoreReply};
use runtime::testing::NoLocks;
use runtime::{Child, Children, Intensity, Options, Restart, Strategy, System, SystemClock, SystemParts};
use store::{StoreHandle, StoreService};

use crate::world::World;

async fn node(store: &StoreHandle) -> System {
    let parts = SystemParts {
        node: "n1".into(),
        incarnation: "i1".into(),
        store: Arc::new(store.clone()),
        clock: Arc::new(SystemClock),
        claimer: Arc::new(NoLocks),
        far: None,
        options: Options::default(),
    };
    let system = System::new(parts, Vec::new());
    let store = store.clone();
    let child = Child::service(StoreService::address(), Restart::Permanent, move || {
        let store = store.clone();
        Box::pin(async move { Ok(StoreService::new(store)) })
    });
    let (strategy, intensity) = (Strategy::OneForOne, Intensity::ESCALATE);
    system.start(Children { strategy, intensity, list: vec![child] }).await.unwrap();
    system
}

#[tokio::test]
async fn the_store_says_how_it_stands() {
    let world = World::new();
    let system = node(&world.store).await;
    let store = system.to::<StoreProto>(&Address::fixed("store"));
    let StoreReply::Described(words) = store.ask(StoreMsg::Describe, Duration::from_secs(10)).await.unwrap();
    assert!(words.starts_with("writes; 0 commits in 0 groups"), "{words}");
}
