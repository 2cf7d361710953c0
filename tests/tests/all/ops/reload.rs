//! SIGHUP, and the alarm of a disk that is low, whose limit it moves.

use rustix::process::Signal;

use super::{SOON, until, value};
use crate::work::site::{self, Site};

/// Writes the configuration with this in place of that, and tells the node.
async fn reload(site: &Site, from: &str, to: &str, says: &str) {
    let file = site.path("agent-runtime.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&file, text.replace(from, to)).unwrap();
    let node = site.node();
    let before = node.said().matches(says).count();
    node.signal(Signal::HUP).unwrap();
    site::until(says, SOON, || node.said().matches(says).count() > before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_reloaded_is_and_the_rest_is_named() {
    let mut site =
        Site::laid("[log]\nlevel = \"info\"\n[node]\nname = \"one\"\n", tests::process::program().unwrap()).await;
    site.start().await;
    reload(&site, "level = \"info\"", "level = \"debug\"", "read again keys=\"log.level\"").await;
    // Now it says more.
    let mut ann = site.talk("home", "general").await;
    ann.ask("hello", SOON).await.unwrap();
    assert!(site.node().said().contains("DEBUG"), "{}", site.node().said());
    reload(&site, "name = \"one\"", "name = \"two\"", "changed, and needs a restart keys=\"node.name\"").await;
    reload(&site, "name = \"two\"", "nmae = \"two\"", "the configuration stays as it was").await;
    assert!(site.node().said().contains("did you mean `name`?"));
    reload(&site, "nmae = \"two\"", "name = \"one\"", "read again keys=\"\"").await;
    ann.leave().await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_low_is_told_everywhere_once_and_so_is_its_end() {
    let mut site = Site::laid("[alarms]\ndisk_free_mib = 0\n", tests::process::program().unwrap()).await;
    // The file must be heard here: without the variable that keeps tests from looking at the machine's disk.
    let quiet = [super::ANY_PORT, ("AGENT_RUNTIME_ALARMS__DISK_FREE_PERCENT", "0")];
    site.start_unset("AGENT_RUNTIME_ALARMS__DISK_FREE_MIB", &quiet).await;
    let address = super::address_of(&site).await;
    until(address, "/readyz", "ready", |page| page.status == 200).await;
    reload(&site, "disk_free_mib = 0", "disk_free_mib = 1073741824", "read again keys=\"alarms.disk_free_mib\"").await;
    let page = until(address, "/readyz", "a low disk", |page| page.status == 503).await;
    assert_eq!(page.not_ready(), ["disk"]);
    let low = |page: &super::Page| value(&page.body, "agent_runtime_alarm{alarm=\"disk\"}") == Some(1.0);
    until(address, "/metrics", "a low disk", low).await;
    let status = site.run(&["status"]).await.expect_code(0).unwrap().stdout;
    assert!(status.contains("ALARM    the disk of") && status.contains("free some space"), "{status}");
    reload(&site, "disk_free_mib = 1073741824", "disk_free_mib = 0", "read again keys=\"alarms.disk_free_mib\"").await;
    until(address, "/readyz", "room again", |page| page.status == 200).await;
    let said = site.node().said();
    assert_eq!(said.matches("the disk of").count(), 1, "{said}");
    assert_eq!(said.matches("over alarm=\"disk\"").count(), 1, "{said}");
    site.end().await;
}
