//! Budgets are hard: what might go beyond one is not asked for.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use messages::admin::TaskDo;
use messages::step::{Day, StepStatus};
use messages::task::{TaskState, Wait};
use messages::turn::Outcome;
use tests::deployment::Shape;
use tests::fake_model::Mode;
use tests::process::chaos_program;

use super::desk::{Desk, shown};
use super::site::{SOON, Site, until};

pub(crate) async fn a_task_whose_budget_ends_waits_says_so_and_goes_on_when_it_is_given_once_more(shape: Shape) {
    // The arguments of its first call leave fewer tokens than an answer may need.
    let site = Site::of(shape, "[budgets]\ntask_output_tokens = 300\n").await;
    site.define("home", "general", "tools: [search]");
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let words = format!(r#"tools: search {{"query": "{}"}}"#, "word ".repeat(60).trim());
    let (asked, task) = ann.task(&words, SOON).await.unwrap();
    let rows = desk.waits(&task, Wait::Quota).await;
    assert_eq!((rows.task.not_before, site.model.stats().calls, rows.steps.len()), (None, 1, 2), "{}", shown(&rows));
    ann.heard(&asked, 1, SOON).await.unwrap();
    let told = &ann.later[&asked][0];
    assert!(told.contains(task.as_str()) && told.contains("budget") && told.contains("/tasks retry"), "{told}");
    let told = ann.ask(&format!("/tasks retry {task}"), SOON).await.unwrap();
    assert!(told.text.contains("budget given once more"), "{told:?}");
    let rows = desk.is(&task, TaskState::Succeeded).await;
    assert_eq!(
        (rows.task.budget.output_tokens, site.model.stats().calls, rows.steps.len()),
        (600, 2, 3),
        "{}",
        shown(&rows)
    );
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn the_day_s_budget_ends_for_a_context(shape: Shape) {
    day_ends(shape, "context", "ws/home/context/general", [false, true, true]).await;
}

pub(crate) async fn the_day_s_budget_ends_for_a_workspace(shape: Shape) {
    day_ends(shape, "workspace", "ws/home", [false, false, true]).await;
}

pub(crate) async fn the_day_s_budget_ends_for_the_node(shape: Shape) {
    day_ends(shape, "node", "node", [false, false, false]).await;
}

async fn day_ends(shape: Shape, of: &str, account: &str, answered: [bool; 3]) {
    let site = Site::of(shape, &format!("[budgets]\n{of}_day_cents = 3\n")).await;
    site.workspace("away").await;
    site.define("home", "other", "");
    // It breaks off: all that was put aside for it is charged, and does not fit a second time.
    site.model.set(Mode::Sequence { modes: vec![Mode::CutInMiddle] });
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (asked, task) = ann.task("spend what there is", SOON).await.unwrap();
    let rows = desk.waits(&task, Wait::Quota).await;
    let tomorrow = Day::of(rows.task.moved_at).next().begins();
    assert_eq!((rows.task.not_before, rows.steps[0].status), (Some(tomorrow), StepStatus::Failed), "{}", shown(&rows));
    ann.heard(&asked, 1, SOON).await.unwrap();
    assert!(ann.later[&asked][0].contains(&format!("`{account}` is used up")), "{:?}", ann.later);
    for ((workspace, context), answered) in
        [("home", "general"), ("home", "other"), ("away", "general")].into_iter().zip(answered)
    {
        let mut chat = site.talk(workspace, context).await;
        let ended = chat.ask("anything left?", SOON).await.unwrap();
        let expected = if answered { Outcome::Replied } else { Outcome::Failed };
        assert_eq!(ended.outcome, expected, "{workspace}/{context}: {ended:?}");
        assert_eq!(ended.text.contains(&format!("`{account}` is used up")), !answered, "{ended:?}");
        assert_eq!(chat.ask("/whoami", SOON).await.unwrap().outcome, Outcome::Replied, "commands cost nothing");
        chat.leave().await;
    }
    assert_eq!(site.model.stats().calls, 1 + answered.iter().filter(|yes| **yes).count() as u64);
    ann.leave().await;
    site.end().await;
}

/// What the node had spent and put aside at most, until it is over.
async fn most(mut desk: Desk, is_over: &AtomicBool) -> u64 {
    let mut most = 0;
    while !is_over.load(Ordering::Relaxed) {
        let node = desk.usage().await.remove("node").unwrap_or_default();
        most = most.max(node.micro_usd + node.reserved_micro_usd);
    }
    most
}

pub(crate) async fn calls_at_once_do_not_go_beyond_a_budget_together(shape: Shape) {
    let site = Site::of(shape, "[budgets]\nnode_day_cents = 10\n").await;
    site.model.set(Mode::SlowFirstByte { delay_ms: 2_000 });
    let is_over = AtomicBool::new(false);
    let desk = site.desk().await;
    let chats = (0..12).map(|n| {
        let context = format!("c{n}");
        site.define("home", &context, "");
        let site = &site;
        async move {
            let mut chat = site.talk("home", &context).await;
            let ended = chat.ask("is there money?", SOON).await.unwrap();
            chat.leave().await;
            ended
        }
    });
    let chats: Vec<_> = chats.collect();
    let (ended, most) = tokio::join!(
        async {
            let ended = join_all(chats).await;
            is_over.store(true, Ordering::Relaxed);
            ended
        },
        most(desk, &is_over)
    );
    println!("at most {most} millionths of 100000 were spent or put aside");
    let replied = ended.iter().filter(|ended| ended.outcome == Outcome::Replied).count();
    assert!((1..12).contains(&replied), "some were told that it does not reach: {ended:?}");
    assert!((20_000..=100_000).contains(&most), "{most}");
    let refused = ended.iter().filter(|ended| ended.outcome != Outcome::Replied);
    assert!(refused.clone().all(|ended| ended.text.contains("`node` is used up")), "{ended:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_reservation_and_answer_charges_the_reservation() {
    let mut site = Site::laid("", chaos_program().unwrap()).await;
    site.start_with(&[("AGENT_RUNTIME_TEST_KILL_AT", "task.before_ask:1")]).await;
    let mut ann = site.talk("home", "general").await;
    // Whether its reply comes before the kill is for chance to say.
    let asked = ann.say("/task cost something").await.unwrap();
    let task = ann.task_of(&asked);
    site.take_node().wait(SOON).await.unwrap();
    drop(ann);
    site.start().await;
    let mut desk = site.desk().await;
    let rows = desk.is(&task, TaskState::Succeeded).await;
    let usage = desk.usage().await;
    println!("{usage:?}");
    assert_eq!(site.model.stats().calls, 1, "it was killed before the model was asked");
    let (node, step) = (&usage["node"], &rows.steps[0]);
    assert_eq!((rows.steps.len(), step.attempt, node.calls), (1, 2, 1), "{}", shown(&rows));
    assert!(
        node.micro_usd > 20_000 && step.micro_usd == node.micro_usd,
        "all that was put aside is charged: {}",
        shown(&rows)
    );
    assert_eq!((node.reserved_micro_usd, node.reserved_tokens), (0, 0));
    site.end().await;
}

pub(crate) async fn what_was_spent_adds_up(shape: Shape) {
    let site = Site::of(shape, "").await;
    site.workspace("away").await;
    for (workspace, context) in [("home", "a"), ("home", "b"), ("away", "a")] {
        site.define(workspace, context, "tools: [search]");
        let mut chat = site.talk(workspace, context).await;
        let (asked, _) = chat.task(r#"tools: search {"query": "anything"}"#, SOON).await.unwrap();
        chat.ask("and a turn", SOON).await.unwrap();
        chat.heard(&asked, 1, SOON).await.unwrap();
        chat.leave().await;
    }
    let done = site.run(&["usage", "--json", "--days", "2"]).await.expect_code(0).unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&done.stdout).unwrap();
    for what in ["/calls", "/micro_usd", "/usage/input", "/usage/output"] {
        let sum = |is: &dyn Fn(&str) -> bool| -> u64 {
            let of = rows.iter().filter(|row| is(row["account"].as_str().unwrap()));
            of.map(|row| row.pointer(what).unwrap().as_u64().unwrap()).sum()
        };
        let node = sum(&|account| account == "node");
        assert!(node > 0, "{what}: {rows:?}");
        assert_eq!(node, sum(&|account| account.starts_with("model/")), "{what}");
        assert_eq!(node, sum(&|account| account.starts_with("ws/") && !account.contains("/context/")), "{what}");
        assert_eq!(node, sum(&|account| account.contains("/context/")), "{what}");
    }
    let calls = rows.iter().find(|row| row["account"] == "node").unwrap()["calls"].as_u64();
    assert_eq!(calls, Some(site.model.stats().calls));
    assert!(rows.iter().all(|row| row["reserved_micro_usd"] == 0 && row["reserved_tokens"] == 0), "{rows:?}");
    site.end().await;
}

pub(crate) async fn a_budget_of_nothing_asks_no_model_that_costs(shape: Shape) {
    let site = Site::of(shape, "[budgets]\ntask_cents = 0\nturn_cents = 0\n").await;
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (_, task) = ann.task("cost nothing", SOON).await.unwrap();
    desk.waits(&task, Wait::Quota).await;
    assert_eq!(ann.ask("hello", SOON).await.unwrap().outcome, Outcome::Failed);
    for _ in 0..3 {
        desk.act(&task, TaskDo::Retry).await.unwrap();
        desk.waits(&task, Wait::Quota).await;
    }
    assert_eq!(site.model.stats().calls, 0);
    desk.act(&task, TaskDo::Cancel).await.unwrap();
    until("nothing is asked", SOON, || site.model.stats().in_flight == 0).await;
    ann.leave().await;
    site.end().await;
}
