//! A clock that jumps.

use tests::process::chaos_program;

use super::{ANY_PORT, address_of, shift, until, value};
use crate::work::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_is_an_alarm_and_the_node_works_on() {
    let mut site = Site::laid("", chaos_program().unwrap()).await;
    let clock = site.path("clock");
    shift(&clock, 0);
    site.start_with(&[ANY_PORT, ("AGENT_RUNTIME_TEST_CLOCK_FILE", &clock.display().to_string())]).await;
    let address = address_of(&site).await;
    until(address, "/readyz", "ready", |page| page.status == 200).await;
    shift(&clock, 3_600_000);
    let jumped = |page: &super::Page| value(&page.body, "agent_runtime_alarm{alarm=\"clock\"}") == Some(1.0);
    until(address, "/metrics", "a jump", jumped).await;
    let ready = until(address, "/readyz", "the alarm is named", |page| page.json()["alarms"][0] == "clock").await;
    assert_eq!(ready.status, 200, "it works all the same: {}", ready.body);
    let status = site.run(&["status"]).await.expect_code(0).unwrap().stdout;
    assert!(status.contains("the wall clock jumped forward by 3"), "{status}");
    site.end().await;
}
