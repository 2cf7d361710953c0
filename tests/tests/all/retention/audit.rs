//! An audit chain whose oldest records are taken out.

use std::os::unix::fs::PermissionsExt as _;

use tests::process::chaos_program;

use super::{DAY_MS, chain_holds, change, knows_the_date, until_it};
use crate::work::site::{SOON, Site};

const POLICY: &str = "[retention]\naudit_days = 365\n";

/// A stopped node that worked 400 days ago.
async fn old(policy: &str) -> Site {
    let mut site = Site::laid(policy, chaos_program().unwrap()).await;
    let clock = site.path("clock");
    std::fs::write(&clock, (-400 * DAY_MS).to_string()).unwrap();
    site.start_with(&[("AGENT_RUNTIME_TEST_CLOCK_FILE", &clock.display().to_string())]).await;
    let mut ann = site.talk("home", "general").await;
    for _ in 0..5 {
        ann.ask("what was then", SOON).await.unwrap();
    }
    ann.leave().await;
    site.end_node(false).await;
    knows_the_date(&site.data());
    site
}

async fn is_cut(mut site: Site) {
    until_it(&site, "it is cut", |view| view["row"]["cut_ever"] != 0 && !view["row"]["ended"].is_null()).await;
    let mut ann = site.talk("home", "general").await;
    ann.ask("what is now", SOON).await.unwrap();
    ann.leave().await;
    site.verified().await;
    let report = chain_holds(&site).await;
    let begins = report["begins"].as_i64().unwrap();
    assert!(begins > 10, "{report}");
    site.end_node(false).await;
    site.verified().await;
    let told = site.run(&["audit", "verify"]).await.expect_code(0).unwrap().stdout;
    assert!(told.contains(&format!("begins behind record {}", begins - 1)), "{told}");
    change(&site.data(), &format!("DELETE FROM audit WHERE seq <= {begins}"));
    let told = site.run(&["audit", "verify"]).await.expect_code(8).unwrap().stdout;
    assert!(told.contains("BROKEN"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_records_go_into_a_file_and_the_chain_proves_all_from_there_on() {
    let mut site = old(POLICY).await;
    site.start().await;
    until_it(&site, "it is cut", |view| view["row"]["cut_ever"] != 0).await;
    let files: Vec<_> = std::fs::read_dir(site.data().join("agent-runtime/audit-archive")).unwrap().collect();
    let file = files.into_iter().next().unwrap().unwrap().path();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    let records: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<i64> = records.iter().map(|record| record["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=i64::try_from(records.len()).unwrap()).collect::<Vec<_>>(), "all of them, in order");
    assert!(records.iter().any(|record| record["action"] == "turn.settled"));
    is_cut(site).await;
}

#[rstest::rstest]
#[case("retention.after_effect:2")]
#[case("retention.before_commit:2")]
#[case("retention.after_commit:2")]
#[case("retention.after_commit:3")]
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_cuts_the_same(#[case] marker: &str) {
    let mut site = old(POLICY).await;
    site.dies_at(marker).await;
    site.verified().await;
    site.start().await;
    is_cut(site).await;
}
