//! A node that is killed under load keeps what it promises; one that leaves out the marks does not, and is found out.

use tests::chaos::{KillMode, Load, Plan, Without, run};
use tests::process::chaos_program;

fn plan(kills: u32, seed: u64) -> Plan {
    Plan {
        program: chaos_program().unwrap(),
        kills,
        seed,
        mode: KillMode::Both,
        at: None,
        contexts: 6,
        load: Load::Talk,
        wire: false,
        without: None,
        node_day_cents: None,
        disk_delay_ms: None,
        keep: None,
    }
}

#[rstest::rstest]
#[case::plain(false, 11)]
#[case::in_wire_form(true, 12)]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_by_kills_at_markers_and_at_random(#[case] wire: bool, #[case] seed: u64) {
    let report = run(Plan { wire, ..plan(25, seed) }).await.unwrap();
    assert!(report.is_kept(), "{}", report.summary());
    assert!(report.accepted > 100, "the node had little to do:\n{}", report.summary());
    assert!(report.kills_at_points > 8 && report.kills_random > 8, "{}", report.summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_on_a_slow_disk() {
    let report = run(Plan { disk_delay_ms: Some(8), ..plan(8, 13) }).await.unwrap();
    assert!(report.is_kept(), "{}", report.summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_out_the_marks_is_caught_doubling() {
    let at = Some("lane.after_send".to_owned());
    let report =
        run(Plan { without: Some(Without::Marks), mode: KillMode::Failpoints, at, ..plan(10, 14) }).await.unwrap();
    assert!(report.doubled > 0 && !report.is_kept(), "no double was found:\n{}", report.summary());
    assert_eq!(report.lost, 0, "{}", report.summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_kills_with_marks_leave_doubts_and_no_doubles() {
    let at = Some("lane.after_send".to_owned());
    let report = run(Plan { mode: KillMode::Failpoints, at, ..plan(10, 14) }).await.unwrap();
    assert!(report.is_kept(), "{}", report.summary());
    assert!(report.in_doubt > 0, "a reply that was cut off is known to be in doubt:\n{}", report.summary());
}

#[rstest::rstest]
#[case::plain(false, 21)]
#[case::in_wire_form(true, 22)]
#[tokio::test(flavor = "multi_thread")]
async fn no_effect_of_a_tool_is_lost_or_doubled_by_kills_while_tasks_write_post_and_spawn(
    #[case] wire: bool,
    #[case] seed: u64,
) {
    let report = run(Plan { load: Load::Tasks, wire, ..plan(20, seed) }).await.unwrap();
    assert!(report.is_kept(), "{}", report.summary());
    assert!(report.tasks.made > 20 && report.tasks.files > 20, "the tasks had little to do:\n{}", report.summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_s_budget_is_never_exceeded_by_kills_and_what_it_parks_goes_on_under_a_larger_one() {
    let report = run(Plan { load: Load::Tasks, node_day_cents: Some(150), ..plan(20, 23) }).await.unwrap();
    assert!(report.is_kept(), "{}", report.summary());
    assert!(report.tasks.parked + report.tasks.told > 0, "the budget did not end:\n{}", report.summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_out_the_journal_is_caught_doubling() {
    let report = run(at_tools(Some(Without::Journal))).await.unwrap();
    assert!(report.tasks.doubled > 0 && !report.is_kept(), "no double was found:\n{}", report.summary());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_kills_with_the_journal_double_nothing() {
    let report = run(at_tools(None)).await.unwrap();
    assert!(report.is_kept(), "{}", report.summary());
}

/// A few kills, each when a tool has done its work and its journal does not say so yet.
fn at_tools(without: Option<Without>) -> Plan {
    let at = Some("task.after_tool".to_owned());
    Plan { load: Load::Tasks, without, mode: KillMode::Failpoints, at, ..plan(6, 24) }
}
