use std::sync::atomic::{AtomicUsize, Ordering};

use messages::offer::Offers;
use messages::store::{Counts, Oldest, Query, QueryError, Rows};
use runtime::testing::{ScriptedStore, system};
use runtime::{Child, Children, Intensity, Options, Restart, Strategy};

use super::*;
use crate::metrics::StoreStats;

/// How long an answer may take here.
const WITHIN: Duration = Duration::from_secs(20);

fn config() -> AdminConfig {
    AdminConfig {
        version: "0.0.0-test".into(),
        data: "/".into(),
        store: Arc::new(|| None),
        stats: Arc::new(StoreStats::default),
        http: String::new(),
        offers: Arc::new(Offers::default()),
    }
}

/// A node of this actor alone, on a store that answers so.
async fn node(on_query: impl FnMut(&Query) -> Result<Rows, QueryError> + Send + 'static) -> System {
    let store = ScriptedStore::new(|_| panic!("nothing is written"), on_query);
    let system = system(store, Vec::new(), Options::default());
    let limits = AlarmLimits { disk_free_percent: 0, disk_free_bytes: 0, mailbox_wait_ms: 30_000, tell: None };
    let limits: LiveLimits = Arc::new(Mutex::new(limits));
    let child = Child::service(AlarmsService::address(), Restart::Permanent, move || {
        let service = AlarmsService::new(config(), limits.clone());
        Box::pin(async move { Ok(service) })
    });
    let root = Children { strategy: Strategy::OneForOne, intensity: Intensity::ESCALATE, list: vec![child] };
    system.start(root).await.unwrap();
    system
}

async fn ask(system: &System, msg: Msg) -> Reply {
    system.to::<Alarms>(&AlarmsService::address()).ask(msg, WITHIN).await.unwrap()
}

#[tokio::test]
async fn a_store_that_can_t_be_read_is_not_ready_and_its_metrics_are_left_out() {
    let system = node(|_| Err(QueryError::Unavailable("it is damaged".into()))).await;
    let Reply::Ready(ready) = ask(&system, Msg::Ready).await else { panic!() };
    assert_eq!((ready.ready, ready.not_ready[0].what.as_str()), (false, "store"));
    let Reply::Metrics(metrics) = ask(&system, Msg::Metrics).await else { panic!() };
    assert!(
        metrics.contains("agent_runtime_ready 0\n") && metrics.contains("agent_runtime_uptime_seconds"),
        "{metrics}"
    );
    assert!(!metrics.contains("agent_runtime_events") && !metrics.contains("agent_runtime_oldest"), "{metrics}");
}

#[tokio::test]
async fn a_node_that_is_asked_by_many_looks_once_a_second() {
    let counted = Arc::new(AtomicUsize::new(0));
    let count = counted.clone();
    let system = node(move |query| match query {
        Query::Counts => {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Rows::Counts(Counts { waiting: 7, ..Counts::default() }))
        }
        _ => Ok(Rows::Oldest(Oldest::default())),
    })
    .await;
    let began = std::time::Instant::now();
    for _ in 0..50 {
        let Reply::Metrics(metrics) = ask(&system, Msg::Metrics).await else { panic!() };
        assert!(metrics.contains("agent_runtime_events{state=\"waiting\"} 7\n"), "{metrics}");
    }
    // One look of its own, one for those who ask, and where it takes longer the same each second.
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!(counted.load(Ordering::SeqCst) <= 4 + 2 * seconds, "{counted:?}");
    system.drain();
    let Reply::Ready(ready) = ask(&system, Msg::Ready).await else { panic!() };
    assert_eq!(ready.not_ready[0].what, "stopping");
}
