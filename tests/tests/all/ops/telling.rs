//! Alarms are told in the chat that the configuration names: once each, whatever is killed in between.

use rustix::process::Signal;
use tests::process::program;

use super::SOON;
use crate::work::site::{self, Site};

const TOLD: &str = "[alarms]\ntell = \"home/ops\"\ndisk_free_mib = LIMIT\n";
const NEVER: &str = "disk_free_mib = 0";
/// More than any disk has.
const ALWAYS: &str = "disk_free_mib = 1073741824";

/// A node that hears its file: without the variables that keep tests from looking at the machine's disk.
async fn start(site: &mut Site) {
    let quiet = [("AGENT_RUNTIME_ALARMS__DISK_FREE_PERCENT", "0")];
    site.start_unset("AGENT_RUNTIME_ALARMS__DISK_FREE_MIB", &quiet).await;
}

async fn laid(limit: &str) -> Site {
    let mut site = Site::laid(&TOLD.replace("disk_free_mib = LIMIT", limit), program().unwrap()).await;
    start(&mut site).await;
    // A chat that is not there is named at the start.
    let said = || site.node().said();
    let named = "alarms.tell: There is no context `ops` in workspace `home`";
    site::until("it is named", SOON, || said().contains(named)).await;
    site.run(&["context", "create", "ops"]).await.expect_code(0).unwrap();
    site
}

/// The disk's limit is another from now on; `reload`: the node that runs is told.
async fn limit(site: &Site, from: &str, to: &str, reload: bool) {
    let file = site.path("agent-runtime.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(from, to)).unwrap();
    if reload {
        let node = site.node();
        let before = node.said().matches("was read again").count();
        node.signal(Signal::HUP).unwrap();
        site::until("the limit is another", SOON, || node.said().matches("was read again").count() > before).await;
    }
}

/// How often the chat's log says this.
fn logged(site: &Site, words: &str) -> usize {
    let log = site.data().join("workspaces/home/logs/console/ops.md");
    std::fs::read_to_string(log).unwrap_or_default().matches(words).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_and_its_end_are_told_once_each_to_who_attaches_and_to_nobody_elsewhere() {
    let mut site = laid(NEVER).await;
    let (mut ops, mut general) = (site.talk("home", "ops").await, site.talk("home", "general").await);
    limit(&site, NEVER, ALWAYS, true).await;
    ops.until(SOON, |ops| ops.unasked().len() == 1).await.unwrap();
    assert!(ops.unasked()[0].starts_with("Alarm `disk`: the disk of "), "{:?}", ops.unasked());
    limit(&site, ALWAYS, NEVER, true).await;
    ops.until(SOON, |ops| ops.unasked().len() == 2).await.unwrap();
    assert!(ops.unasked()[1].starts_with("Over: `disk`, after "), "{:?}", ops.unasked());
    // It is no talk: no model is told of it, and nobody elsewhere.
    site::until("both are logged", SOON, || logged(&site, "Over: `disk`") == 1).await;
    ops.ask("hello", SOON).await.unwrap();
    general.ask("hello", SOON).await.unwrap();
    let asked = serde_json::to_string(&site.model.requests()).unwrap();
    assert!(asked.contains("hello") && !asked.contains("`disk`"), "{asked}");
    assert_eq!((general.unasked().len(), ops.unasked().len()), (0, 2));
    ops.leave().await;
    general.leave().await;
    site.end_node(false).await;
    start(&mut site).await;
    let mut ops = site.talk("home", "ops").await;
    ops.ask("hello again", SOON).await.unwrap();
    let asked = serde_json::to_string(&site.model.requests()).unwrap();
    assert!(asked.contains("hello again") && !asked.contains("`disk`"), "after a start, too: {asked}");
    ops.leave().await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_an_alarm_and_its_end_repeats_nothing_and_loses_nothing() {
    let mut site = laid(ALWAYS).await;
    // Nobody is attached: it waits in the store.
    let mut desk = site.desk().await;
    let until = std::time::Instant::now() + SOON;
    while desk.status().await.counts.pending == 0 {
        assert!(std::time::Instant::now() < until, "nothing is told");
    }
    site.end_node(true).await;
    start(&mut site).await;
    let mut ops = site.talk("home", "ops").await;
    ops.until(SOON, |ops| !ops.unasked().is_empty()).await.unwrap();
    assert!(ops.unasked()[0].starts_with("Alarm `disk`"), "{:?}", ops.unasked());
    // The alarm is raised again by this start, and is not told again.
    ops.status_until(SOON, |status| !status.alarms.is_empty()).await.unwrap();
    site::until("it is logged", SOON, || logged(&site, "Alarm `disk`") == 1).await;
    let data = site.data();
    site.end_node(true).await;
    start(&mut site).await;
    ops.redial(&data).await.unwrap();
    ops.status_until(SOON, |status| !status.alarms.is_empty()).await.unwrap();
    limit(&site, ALWAYS, NEVER, true).await;
    // Since it has dialled again nothing has come but the end.
    ops.until(SOON, |ops| !ops.unasked().is_empty()).await.unwrap();
    assert!(ops.unasked()[0].starts_with("Over: `disk`"), "{:?}", ops.unasked());
    site::until("its end is logged", SOON, || logged(&site, "Over: `disk`") == 1).await;
    assert_eq!(logged(&site, "Alarm `disk`"), 1);
    ops.leave().await;
    site.end().await;
}
