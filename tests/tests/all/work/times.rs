//! What a task may take: each of its times, and its end by a person or with others.

use std::time::{Duration, Instant};

use messages::TaskId;
use messages::admin::TaskDo;
use messages::task::{TaskState, Wait};
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::desk::shown;
use super::site::{SOON, Site, until};

/// A task that was cancelled has ended after so long: the model itself would hang for two minutes.
const CANCELLED_MAX: Duration = Duration::from_secs(40);

pub(crate) async fn one_whose_step_takes_too_long_is_tried_again_and_then_given_up(shape: Shape) {
    given_up(shape, "heartbeat_s = 1\nattempts = 2", "A step may take 1 s").await;
}

pub(crate) async fn one_whose_run_takes_too_long_is_tried_again_and_then_given_up(shape: Shape) {
    given_up(shape, "start_to_close_s = 1\nattempts = 2", "1 s").await;
}

async fn given_up(shape: Shape, tasks: &str, words: &str) {
    let site = Site::of(shape, &format!("[tasks]\n{tasks}\n")).await;
    site.model.set(Mode::NeverEnds);
    let mut ann = site.talk("home", "general").await;
    let (asked, task) = ann.task("wait for ever", SOON).await.unwrap();
    let mut desk = site.desk().await;
    let rows = desk.is(&task, TaskState::Dead).await;
    assert_eq!((rows.task.failures, rows.task.run), (2, 2), "{}", shown(&rows));
    assert!(rows.task.reason.contains(words), "{}", rows.task.reason);
    ann.heard(&asked, 1, SOON).await.unwrap();
    assert!(ann.later[&asked][0].contains("has failed for good"), "{:?}", ann.later);
    until("the model is left", SOON, || site.model.stats().in_flight == 0).await;
    assert_eq!(desk.status().await.alarms.len(), 1, "a dead letter is told until somebody has read it");
    desk.act(&task, TaskDo::Discard).await.unwrap();
    assert_eq!(desk.status().await.alarms, Vec::<String>::new());
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn one_that_is_not_begun_in_time_has_expired(shape: Shape) {
    let site = Site::of(shape, "[tasks]\nschedule_to_start_s = 5\nrunning_per_context = 1\n").await;
    site.model.set(Mode::NeverEnds);
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (_, first) = ann.task("take the slot", SOON).await.unwrap();
    desk.is(&first, TaskState::Running).await;
    let (asked, second) = ann.task("be late", SOON).await.unwrap();
    let rows = desk.is(&second, TaskState::Expired).await;
    assert!(rows.task.reason.contains("not begun in time") && rows.steps.is_empty(), "{}", shown(&rows));
    ann.heard(&asked, 1, SOON).await.unwrap();
    // The other goes on; where its node was killed, again.
    desk.is(&first, TaskState::Running).await;
    desk.act(&first, TaskDo::Cancel).await.unwrap();
    desk.is(&first, TaskState::Cancelled).await;
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn at_its_deadline_a_task_has_expired_whatever_it_does(shape: Shape) {
    let site = Site::of(shape, "[tasks]\ndeadline_s = 10\nrunning_per_context = 1\n").await;
    site.define("home", "stuck", "models: [\"fake/never_ends\"]");
    let (mut stuck, mut ann) = (site.talk("home", "stuck").await, site.talk("home", "general").await);
    let mut desk = site.desk().await;
    let (_, runs) = stuck.task("run", SOON).await.unwrap();
    let (_, queued) = stuck.task("wait for a slot", SOON).await.unwrap();
    site.model.set(Mode::code("1308"));
    let (_, parked) = ann.task("wait for a quota", SOON).await.unwrap();
    desk.waits(&parked, Wait::Quota).await;
    for task in [&runs, &queued, &parked] {
        let rows = desk.is(task, TaskState::Expired).await;
        let took = rows.task.ended_at.unwrap().ms_since(rows.task.created_at);
        println!("expired after {took} ms: {}", rows.task.reason);
        assert!((10_000..40_000).contains(&took), "{}", shown(&rows));
    }
    until("the model is left", SOON, || site.model.stats().in_flight == 0).await;
    stuck.leave().await;
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn a_task_whose_model_hangs_is_cancelled_at_once(shape: Shape) {
    let site = Site::of(shape, "").await;
    site.model.set(Mode::NeverEnds);
    let mut ann = site.talk("home", "general").await;
    let (asked, task) = ann.task("hang", SOON).await.unwrap();
    let mut desk = site.desk().await;
    desk.is(&task, TaskState::Running).await;
    until("the model is asked", SOON, || site.model.stats().in_flight == 1).await;
    let began = Instant::now();
    let told = ann.ask(&format!("/tasks cancel {task}"), SOON).await.unwrap();
    assert!(told.text.contains("cancel"), "{told:?}");
    desk.is(&task, TaskState::Cancelled).await;
    until("the model is left", CANCELLED_MAX, || site.model.stats().in_flight == 0).await;
    assert!(began.elapsed() < CANCELLED_MAX, "{:?}", began.elapsed());
    ann.heard(&asked, 1, SOON).await.unwrap();
    assert!(ann.later[&asked][0].contains("has been cancelled"), "{:?}", ann.later);
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn subtasks_end_with_the_task_they_are_part_of(shape: Shape) {
    let site = Site::of(shape, "").await;
    site.define("home", "general", "tools: [spawn_task]");
    site.model.set(Mode::Sequence { modes: vec![Mode::default(), Mode::NeverEnds, Mode::NeverEnds] });
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (asked, parent) =
        ann.task(r#"tools: spawn_task {"title": "below", "input": "hang, too"}"#, SOON).await.unwrap();
    until("both ask the model", SOON, || site.model.stats().in_flight == 2).await;
    let child = TaskId::of("home", &format!("{parent}/1"));
    desk.is(&child, TaskState::Running).await;
    desk.act(&parent, TaskDo::Cancel).await.unwrap();
    desk.is(&parent, TaskState::Cancelled).await;
    let rows = desk.is(&child, TaskState::Cancelled).await;
    assert!(rows.task.reason.contains("part of"), "{}", rows.task.reason);
    until("the model is left", CANCELLED_MAX, || site.model.stats().in_flight == 0).await;
    ann.heard(&asked, 1, SOON).await.unwrap();
    ann.ask("/whoami", SOON).await.unwrap();
    assert_eq!(ann.later[&asked].len(), 1, "a subtask says nothing in the chat: {:?}", ann.later);
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn one_that_depends_on_a_task_which_does_not_succeed_is_cancelled_unless_it_runs_all_the_same(
    shape: Shape,
) {
    let site = Site::of(shape, "").await;
    site.define("home", "general", "tools: [spawn_task]");
    site.define("home", "stuck", "models: [\"fake/never_ends\"]");
    let (mut stuck, mut ann) = (site.talk("home", "stuck").await, site.talk("home", "general").await);
    let mut desk = site.desk().await;
    let (_, needed) = stuck.task("never end", SOON).await.unwrap();
    let spawn = |more: &str| {
        format!(r#"tools: spawn_task {{"title": "after", "input": "be after it", "depends_on": ["{needed}"]{more}}}"#)
    };
    let (_, careful) = ann.task(&spawn(""), SOON).await.unwrap();
    let (_, bold) = ann.task(&spawn(r#", "on_dependency_failure": "run""#), SOON).await.unwrap();
    let below = [&careful, &bold].map(|parent| TaskId::of("home", &format!("{parent}/1")));
    for (parent, child) in [&careful, &bold].into_iter().zip(&below) {
        desk.waits(parent, Wait::Child).await;
        desk.is(child, TaskState::Blocked).await;
    }
    desk.act(&needed, TaskDo::Cancel).await.unwrap();
    let rows = desk.is(&below[0], TaskState::Cancelled).await;
    assert!(rows.task.reason.contains(needed.as_str()) && rows.steps.is_empty(), "{}", shown(&rows));
    desk.is(&below[1], TaskState::Succeeded).await;
    for parent in [&careful, &bold] {
        desk.is(parent, TaskState::Succeeded).await;
    }
    stuck.leave().await;
    ann.leave().await;
    site.end().await;
}
