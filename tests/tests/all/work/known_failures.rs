//! Failures that systems of this kind are known for, by the public threads that tell of them: none of them happens here.

use std::time::{Duration, Instant};

use messages::admin::TaskDo;
use messages::task::{TaskState, Wait};
use messages::turn::Outcome;
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::desk::shown;
use super::site::{SOON, Site, until};
use crate::faults::driver::Driver;
use crate::faults::world::cpu;

/// Memory that may come on top between the two hundredth task and the two thousandth, while caches of the store fill.
const GROWTH_KIB_MAX: u64 = 16 * 1024;
/// Processor time of a node that has nothing to do, in two seconds.
const IDLE_CPU_MAX: Duration = Duration::from_millis(50);

/// openclaw#51620, openclaw#137355: a restart drops queued follow-ups, and what came in while the node was stopping.
pub(crate) async fn follow_ups_that_were_queued_at_a_kill_are_answered_after_it(shape: Shape) {
    follow_ups_are_answered(shape, true).await;
}

pub(crate) async fn follow_ups_that_were_queued_at_a_stop_are_answered_after_it(shape: Shape) {
    follow_ups_are_answered(shape, false).await;
}

async fn follow_ups_are_answered(shape: Shape, kill: bool) {
    let mut site = Site::of(shape, "").await;
    site.model.set(Mode::NeverEnds);
    let mut ann = site.talk("home", "general").await;
    let mut said = Vec::new();
    for n in 0..20 {
        said.push(ann.say(&format!("follow-up {n}")).await.unwrap());
    }
    let (_, task) = ann_task(&site).await;
    until("both are under way", SOON, || site.model.stats().in_flight == 2).await;
    site.desk().await.is(&task, TaskState::Running).await;
    site.model.set(Mode::default());
    let dead = Instant::now();
    site.end_node(kill).await;
    site.start().await;
    let session = ann.session().to_owned();
    drop(ann);
    let mut ann = site.talk_again(&session).await;
    for (n, inbound) in said.iter().enumerate() {
        assert_eq!(ann.say(&format!("follow-up {n}")).await.unwrap(), *inbound, "the same events");
    }
    ann.settled(&said, SOON).await.unwrap();
    for (n, inbound) in said.iter().enumerate() {
        let ended = &ann.ended[inbound];
        assert_eq!((ended.outcome, ended.text.as_str()), (Outcome::Replied, format!("echo: follow-up {n}").as_str()));
    }
    println!("all were answered {:?} after the end of the node", dead.elapsed());
    site.desk().await.is(&task, TaskState::Succeeded).await;
    ann.leave().await;
    site.end().await;
}

/// A task of a context beside.
async fn ann_task(site: &Site) -> (messages::InboundId, messages::TaskId) {
    site.define("home", "beside", "");
    let mut beside = site.talk("home", "beside").await;
    let made = beside.task("work on", SOON).await.unwrap();
    beside.leave().await;
    made
}

/// openclaw#90282, openclaw#6917, openclaw#138564: what was recovered is in the transcript and was never delivered, as its
/// channel was not ready, or the node was lost between the model's end and the delivery.
pub(crate) async fn the_words_of_a_task_that_ended_while_nobody_was_there_are_delivered_to_who_comes(shape: Shape) {
    let mut site = Site::of(shape, "").await;
    site.model.set(Mode::SlowFirstByte { delay_ms: 1_000 });
    let mut ann = site.talk("home", "general").await;
    let (asked, task) = ann.task("take a while", SOON).await.unwrap();
    drop(ann);
    let mut desk = site.desk().await;
    desk.is(&task, TaskState::Succeeded).await;
    site.end_node(true).await;
    site.start().await;
    let mut bob = site.talk_as("bob", "home", "general").await;
    bob.heard(&asked, 1, SOON).await.unwrap();
    assert!(bob.later[&asked][0].contains("echo: take a while"), "{:?}", bob.later);
    bob.leave().await;
    let mut again = site.talk("home", "general").await;
    again.ask("/whoami", SOON).await.unwrap();
    assert!(again.later.is_empty(), "and to nobody twice: {:?}", again.later);
    again.leave().await;
    site.end().await;
}

/// openclaw#102581, openclaw#121269: a session that is stuck in "failed" swallows every later message, and recovery reports
/// success while the message is dead.
pub(crate) async fn what_failed_swallows_nothing_that_comes_after_it(shape: Shape) {
    let site = Site::of(shape, "[tasks]\nattempts = 1\n").await;
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    for mode in [Mode::code("1000"), Mode::code("1301"), Mode::InvalidJson, Mode::CutInMiddle] {
        let name = mode.name();
        site.model.set(mode);
        let (asked, task) = ann.task("fail", SOON).await.unwrap();
        assert_eq!(ann.ask("fail, too", SOON).await.unwrap().outcome, Outcome::Failed, "{name}");
        let rows = desk.until(&task, "it has ended", |task| task.state.is_terminal()).await;
        assert!(matches!(rows.task.state, TaskState::Failed | TaskState::Dead), "{name}: {}", shown(&rows));
        ann.heard(&asked, 1, SOON).await.unwrap();
        site.model.set(Mode::default());
        let ended = ann.ask("and now?", SOON).await.unwrap();
        assert_eq!((ended.outcome, ended.text.as_str()), (Outcome::Replied, "echo: and now?"), "after {name}");
        let (asked, task) = ann.task("work again", SOON).await.unwrap();
        ann.heard(&asked, 1, SOON).await.unwrap();
        desk.is(&task, TaskState::Succeeded).await;
    }
    ann.leave().await;
    site.end().await;
}

/// Makes so many tasks and waits for all their words.
async fn make(ann: &mut Driver, tasks: usize) {
    let mut asked = Vec::new();
    for n in 0..tasks {
        asked.push(ann.say(&format!("/task number {n}")).await.unwrap());
    }
    ann.settled(&asked, SOON * 2).await.unwrap();
    for inbound in &asked {
        ann.heard(inbound, 1, SOON * 2).await.unwrap();
    }
}

/// openclaw#91588, zeroclaw#9799: memory that grows with all that was ever done, from 350 MB to 15.5 GB; a core that spins
/// after hours. openclaw#67308, openclaw#98556: an idle node that burns tokens all day.
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_tasks_leave_neither_memory_nor_a_busy_core_nor_calls_behind() {
    let site = Site::with("[tasks]\nrunning_per_workspace = 64\nrunning_per_context = 64\n").await;
    // What goes into memory costs calls of its own.
    site.define("home", "general", "limits: {memory_bytes: 0}");
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    make(&mut ann, 200).await;
    let before = desk.status().await.rss_bytes / 1024;
    make(&mut ann, 1_800).await;
    let after = desk.status().await.rss_bytes / 1024;
    println!("{before} KiB after 200 tasks, {after} KiB after 2000");
    assert!(after < before + GROWTH_KIB_MAX, "{before} KiB, {after} KiB");
    ann.leave().await;
    let calls = site.model.stats().calls;
    assert_eq!(calls, 2_000);
    let deadline = Instant::now() + SOON;
    while desk.actors().await.iter().any(|actor| actor.kind == "task") {
        assert!(Instant::now() < deadline, "{:?}", desk.actors().await);
    }
    drop(desk);
    // Records of the last tasks are written a while after them; then nothing is left to do.
    let pid = site.node().pid();
    let mut idle = Duration::MAX;
    let deadline = Instant::now() + SOON;
    while idle > IDLE_CPU_MAX && Instant::now() < deadline {
        let before = cpu(pid).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        idle = cpu(pid).unwrap() - before;
    }
    println!("idle: {idle:?} of processor time in 2 s");
    assert!(idle <= IDLE_CPU_MAX, "{idle:?}");
    assert_eq!(site.model.stats().calls, calls, "nobody asks a model when there is nothing to do");
    site.end().await;
}

/// openclaw#98556, openclaw#67308: $248 on an idle session, as nothing ends what goes in a circle.
pub(crate) async fn work_that_goes_in_a_circle_ends_by_its_limits_and_its_budget(shape: Shape) {
    let site = Site::of(shape, "[tasks]\nmodel_turns = 3\n[budgets]\ntask_tool_calls = 2\n").await;
    site.define("home", "general", "tools: [search]");
    let mut desk = site.desk().await;
    let task = async |lines: &[&str]| {
        let words = lines.join("\n");
        let done = site.run(&["task", &words, "--user", "ann", "--json"]).await.expect_code(0).unwrap();
        let made: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        messages::TaskId::from_row(made["task"].as_str().unwrap().to_owned())
    };
    let search = |n: u32| format!(r#"tools: search {{"query": "number {n}"}}"#);
    let (one, two, three) = (search(1), search(2), search(3));
    // The same call again and again.
    let circle = task(&[&one, &one, &one]).await;
    let rows = desk.is(&circle, TaskState::Failed).await;
    assert!(rows.task.reason.contains("circle"), "{}", rows.task.reason);
    // More uses of tools than its budget holds.
    let calls = site.model.stats().calls;
    let greedy = task(&[&one, &two, &three]).await;
    let rows =
        desk.until(&greedy, "it waits or has ended", |task| task.wait == Some(Wait::Quota) || task.state.is_terminal());
    let rows = rows.await;
    assert_eq!(rows.task.wait, Some(Wait::Quota), "{}", shown(&rows));
    site.called(calls + 3);
    // Given more, it comes to the end of what it may ask its model.
    desk.act(&greedy, TaskDo::Retry).await.unwrap();
    let rows = desk.is(&greedy, TaskState::Failed).await;
    assert!(rows.task.reason.contains("3 model calls"), "{}", rows.task.reason);
    // And is not asked once more.
    site.called(calls + 3);
    site.end().await;
}
