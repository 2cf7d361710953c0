//! Tasks survive the node, killed or stopped, wherever they are.

use messages::TaskId;
use messages::admin::TaskDo;
use messages::task::{TaskState, Wait};
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::desk::shown;
use super::site::{SOON, Site, until};

/// Restarts in good order, more than a task may lose nodes.
const RESTARTS: u32 = messages::task::LOST_MAX + 1;

pub(crate) async fn tasks_go_on_after_a_kill_wherever_they_were(shape: Shape) {
    go_on(shape, true).await;
}

pub(crate) async fn tasks_go_on_after_a_stop_wherever_they_were(shape: Shape) {
    go_on(shape, false).await;
}

#[allow(clippy::too_many_lines)] // One scenario, in its order.
async fn go_on(shape: Shape, kill: bool) {
    let mut site = Site::of(shape, "[tasks]\nrunning_per_context = 1\n").await;
    site.define("home", "stuck", "models: [\"fake/never_ends\"]");
    site.define("home", "broken", "models: [\"fake/server_error\"]");
    site.define("home", "general", "tools: [spawn_task]");
    let (mut stuck, mut broken) = (site.talk("home", "stuck").await, site.talk("home", "broken").await);
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (_, runs) = stuck.task("run", SOON).await.unwrap();
    let (_, queued) = stuck.task("wait for the slot", SOON).await.unwrap();
    let spawn = format!(
        r#"tools: spawn_task {{"title": "below", "input": "after it", "depends_on": ["{runs}"], "on_dependency_failure": "run"}}"#
    );
    let (_, parent) = ann.task(&spawn, SOON).await.unwrap();
    let child = TaskId::of("home", &format!("{parent}/1"));
    desk.waits(&parent, Wait::Child).await;
    site.model.set(Mode::code("1308"));
    let (parks, parked) = ann.task("wait for a quota", SOON).await.unwrap();
    let reset = desk.waits(&parked, Wait::Quota).await.task.not_before;
    ann.heard(&parks, 1, SOON).await.unwrap();
    site.model.set(Mode::default());
    let (_, backs_off) = broken.task("fail again and again", SOON).await.unwrap();
    desk.until(&backs_off, "it backs off", |task| task.failures > 0 && task.state == TaskState::Queued).await;
    desk.is(&runs, TaskState::Running).await;
    until("the model is asked", SOON, || site.model.stats().by_mode.get("never_ends") == Some(&1)).await;
    for chat in [stuck, broken, ann] {
        chat.leave().await;
    }

    site.end_node(kill).await;
    site.verified().await;
    site.start().await;

    let (mut stuck, mut desk) = (site.talk("home", "stuck").await, site.desk().await);
    let mut ann = site.talk("home", "general").await;
    until("it asks again", SOON, || site.model.stats().by_mode["never_ends"] == 2).await;
    let rows = desk.is(&runs, TaskState::Running).await;
    let (run, lost) = if kill { (2, 1) } else { (1, 0) };
    assert_eq!((rows.task.run, rows.task.lost, rows.task.failures), (run, lost, 0), "{}", shown(&rows));
    assert_eq!(desk.task("home", &queued).await.task.state, TaskState::Queued);
    let rows = desk.task("home", &parked).await;
    assert_eq!(
        (rows.task.wait, rows.task.not_before, rows.steps.len()),
        (Some(Wait::Quota), reset, 1),
        "{}",
        shown(&rows)
    );
    assert_eq!(desk.task("home", &child).await.task.state, TaskState::Blocked);
    let rows = desk.is(&backs_off, TaskState::Dead).await;
    assert_eq!(
        (rows.task.failures, rows.task.spec.limits.attempts),
        (3, 3),
        "a restart is no failure: {}",
        shown(&rows)
    );
    let told = stuck.ask(&format!("/tasks cancel {runs}"), SOON).await.unwrap();
    assert!(told.text.contains("cancel"), "{told:?}");
    desk.is(&child, TaskState::Succeeded).await;
    let rows = desk.is(&parent, TaskState::Succeeded).await;
    assert!(rows.task.result.contains("below"), "it is told of its subtask: {}", rows.task.result);
    desk.is(&queued, TaskState::Running).await;
    desk.act(&queued, TaskDo::Cancel).await.unwrap();
    let told = ann.ask(&format!("/tasks retry {parked}"), SOON).await.unwrap();
    assert!(told.text.contains("goes on"), "{told:?}");
    desk.is(&parked, TaskState::Succeeded).await;
    stuck.leave().await;
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn a_node_that_is_stopped_in_good_order_is_not_held_to_be_lost_under_its_tasks(shape: Shape) {
    let mut site = Site::of(shape, "").await;
    site.model.set(Mode::NeverEnds);
    let mut ann = site.talk("home", "general").await;
    let (_, task) = ann.task("take long", SOON).await.unwrap();
    ann.leave().await;
    for asked in 1..=u64::from(RESTARTS) {
        until("the model is asked", SOON, || site.model.stats().calls == asked).await;
        site.end_node(false).await;
        site.start().await;
    }
    until("the model is asked", SOON, || site.model.stats().calls == u64::from(RESTARTS) + 1).await;
    let rows = site.desk().await.task("home", &task).await;
    assert_eq!(rows.task.lost, 0, "{}", shown(&rows));
    assert_eq!((rows.task.state, rows.task.run), (TaskState::Running, 1), "{}", shown(&rows));
    site.model.set(Mode::default());
    site.end_node(false).await;
    site.start().await;
    site.desk().await.is(&task, TaskState::Succeeded).await;
    site.end().await;
}
