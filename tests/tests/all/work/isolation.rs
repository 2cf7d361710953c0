//! What one context has done is nothing that another sees, steers or hears of.

use messages::TaskId;
use messages::admin::TaskDo;
use messages::store::TaskFound;
use messages::task::TaskState;
use tests::fake_model::Mode;

use super::site::{SOON, Site, shown};

const NOBODY_S: &str = "tsk_zzzzzzzzzzzzzzzz";

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_another_context_or_workspace_is_as_one_that_is_not_there() {
    let site = Site::with("").await;
    site.workspace("away").await;
    site.define("home", "other", "");
    site.model.set(Mode::NeverEnds);
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (asked, task) = ann.task("keep the secret xyzzy", SOON).await.unwrap();
    desk.is(&task, TaskState::Running).await;
    let mut others = [site.talk("home", "other").await, site.talk("away", "general").await];
    for other in &mut others {
        for what in ["show", "cancel", "retry", "discard"] {
            let said = other.ask(&format!("/tasks {what} {task}"), SOON).await.unwrap();
            let nobody = other.ask(&format!("/tasks {what} {NOBODY_S}"), SOON).await.unwrap();
            assert_eq!(said.outcome, nobody.outcome, "{what}");
            assert_eq!(said.text, nobody.text.replace(NOBODY_S, task.as_str()), "{what}");
        }
        for list in ["/tasks", "/tasks all", "/status"] {
            let said = other.ask(list, SOON).await.unwrap();
            assert!(!said.text.contains("xyzzy") && !said.text.contains(task.as_str()), "{list}: {said:?}");
        }
        let why = other.ask(&format!("/why {asked}"), SOON).await.unwrap();
        assert!(!why.text.contains("xyzzy"), "{why:?}");
    }
    assert!(matches!(desk.find("away", &task).await, TaskFound::Unknown));
    let said = site.run(&["tasks", "cancel", task.as_str(), "--workspace", "away"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(desk.task("home", &task).await.task.state, TaskState::Running, "nobody has stopped it");
    // What it says goes to its own chat alone.
    desk.act(&task, TaskDo::Cancel).await.unwrap();
    ann.heard(&asked, 1, SOON).await.unwrap();
    for mut other in others {
        other.ask("/whoami", SOON).await.unwrap();
        assert!(other.later.is_empty(), "{:?}", other.later);
        other.leave().await;
    }
    ann.leave().await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_can_t_make_its_task_wait_for_one_of_another_workspace() {
    let site = Site::with("").await;
    site.workspace("away").await;
    site.define("home", "general", "tools: [spawn_task]");
    let mut away = site.talk("away", "general").await;
    let (asked, foreign) = away.task("done over there", SOON).await.unwrap();
    away.heard(&asked, 1, SOON).await.unwrap();
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let words = format!(r#"tools: spawn_task {{"title": "t", "input": "i", "depends_on": ["{foreign}"]}}"#);
    let (_, parent) = ann.task(&words, SOON).await.unwrap();
    desk.is(&parent, TaskState::Succeeded).await;
    let child = TaskId::of("home", &format!("{parent}/1"));
    let rows = desk.is(&child, TaskState::Cancelled).await;
    assert!(rows.depends_on.is_empty(), "it is not told how that one stands: {}", shown(&rows));
    away.leave().await;
    ann.leave().await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_steered_by_who_asked_for_them() {
    let site = Site::with("").await;
    site.model.set(Mode::NeverEnds);
    let mut ann = site.talk("home", "general").await;
    let mut bob = crate::faults::driver::Driver::attach_in(&site.data(), "home", "general", "bob").await.unwrap();
    let mut desk = site.desk().await;
    let (_, task) = ann.task("belong to ann", SOON).await.unwrap();
    desk.is(&task, TaskState::Running).await;
    assert!(bob.ask("/tasks", SOON).await.unwrap().text.contains(task.as_str()), "everyone there may look");
    for what in ["cancel", "retry", "discard"] {
        let said = bob.ask(&format!("/tasks {what} {task}"), SOON).await.unwrap();
        assert!(said.text.contains("Denied: "), "{what}: {said:?}");
    }
    assert_eq!(desk.task("home", &task).await.task.state, TaskState::Running);
    let said = ann.ask(&format!("/tasks cancel {task}"), SOON).await.unwrap();
    assert!(!said.text.contains("Denied"), "{said:?}");
    desk.is(&task, TaskState::Cancelled).await;
    bob.leave().await;
    ann.leave().await;
    site.end().await;
}
