//! Words past their time.

use std::path::PathBuf;

use tests::process::{chaos_program, program};

use super::{DAY_MS, chain_holds, change, knows_the_date, log, stands, until_it, until_log};
use crate::work::erased::{SECRET, holding};
use crate::work::site::{SOON, Site, until};

const POLICY: &str = "[retention]\nmessages_days = 30\n";

/// A stopped node: of what was said the secret is forty days old, and the rest is not.
async fn said(program: PathBuf, policy: &str) -> Site {
    let mut site = Site::laid(policy, program).await;
    site.start().await;
    let mut ann = site.talk("home", "general").await;
    for words in [SECRET, "kind words"] {
        ann.ask(words, SOON).await.unwrap();
    }
    let (asked, _) = ann.task(&format!("find {SECRET}"), SOON).await.unwrap();
    ann.heard(&asked, 1, SOON).await.unwrap();
    ann.leave().await;
    until("all is in the log", SOON, || log(&site, "home").matches(SECRET).count() >= 4).await;
    site.end_node(false).await;
    let aged = change(
        &site.data(),
        &format!("UPDATE inbox SET settled_at = settled_at - 40 * {DAY_MS} WHERE text LIKE '%{SECRET}%'"),
    );
    assert_eq!(aged, 2);
    site
}

async fn is_erased(mut site: Site) {
    until_log(&site, "home", SECRET, false).await;
    until_it(&site, "the round is over", |view| !view["row"]["ended"].is_null() && view["marked"] == 0).await;
    site.verified().await;
    let records = site.data().join("workspaces/home/tasks");
    until("records are written again", SOON, || !records.is_dir() || holding(&records).is_empty()).await;
    until("no file of the store has it while it runs", SOON, || holding(&site.data().join("agent-runtime")).is_empty())
        .await;
    site.end_node(false).await;
    assert_eq!(holding(&site.data()), Vec::<String>::new());
    assert!(log(&site, "home").contains("kind words") && log(&site, "home").contains("echo: kind words"));
    site.verified().await;
    chain_holds(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_past_their_time_are_nowhere_and_younger_ones_stay() {
    let mut site = said(program().unwrap(), POLICY).await;
    knows_the_date(&site.data());
    site.start().await;
    let view = until_it(&site, "the round is over", |view| !view["row"]["ended"].is_null()).await;
    assert_eq!((&view["row"]["marked"], &view["policy"]["messages_days"]), (&2.into(), &30.into()), "{view}");
    assert_eq!(view["events_past"], 0);
    let told = site.run(&["retention"]).await.expect_code(0).unwrap().stdout;
    assert!(told.contains("messages 30 days") && told.contains("2 events"), "{told}");
    let told = site.run(&["audit", "tail"]).await.expect_code(0).unwrap().stdout;
    assert!(told.contains("words.erased") && told.contains("retention.ran"), "{told}");
    is_erased(site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_policy_everything_stays() {
    let mut site = said(program().unwrap(), "").await;
    knows_the_date(&site.data());
    site.start().await;
    let view = stands(&site).await;
    assert_eq!((&view["policy"]["messages_days"], &view["row"]["marked_ever"]), (&serde_json::Value::Null, &0.into()));
    assert!(log(&site, "home").contains(SECRET));
    site.end().await;
}

#[rstest::rstest]
#[case("retention.before_commit:2")]
#[case("retention.after_commit:2")]
#[case("context.before_commit:1")]
#[case("context.after_commit:1")]
#[case("context.before_effect:5")]
#[case("store.before_answer:6")]
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_erases_the_same(#[case] marker: &str) {
    let mut site = said(chaos_program().unwrap(), POLICY).await;
    knows_the_date(&site.data());
    site.dies_at(marker).await;
    // A log may be behind its rows until the next start.
    chain_holds(&site).await;
    site.start().await;
    is_erased(site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_far_forward_erases_nothing() {
    let mut site = said(chaos_program().unwrap(), POLICY).await;
    knows_the_date(&site.data());
    let clock = site.path("clock");
    std::fs::write(&clock, (400 * DAY_MS).to_string()).unwrap();
    site.start_with(&[("AGENT_RUNTIME_TEST_CLOCK_FILE", &clock.display().to_string())]).await;
    let view = until_it(&site, "it is held", |view| view["held"] != "").await;
    assert_eq!((&view["row"]["marked_ever"], &view["marked"]), (&0.into(), &0.into()), "{view}");
    let told = site.run(&["retention"]).await.expect_code(0).unwrap().stdout;
    assert!(told.contains("HELD"), "{told}");
    site.end_node(false).await;
    assert!(log(&site, "home").contains(SECRET) && log(&site, "home").contains("kind words"));
    site.start().await;
    is_erased(site).await;
}
