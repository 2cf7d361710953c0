//! What one context has done is nothing that another sees, steers or hears of: ids of its messages and tasks lead nowhere.

use messages::TaskId;
use messages::admin::TaskDo;
use messages::store::TaskFound;
use messages::task::TaskState;
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::house::{House, PLACES, said};
use crate::work::desk::shown;
use crate::work::site::{SOON, Site};

const NOBODY_S: &str = "tsk_zzzzzzzzzzzzzzzz";
const NEVER_SAID: &str = "in_zzzzzzzzzzzzzzzz";

pub(crate) async fn an_id_of_another_is_as_one_that_nobody_has_be_it_whole_or_its_beginning(shape: Shape) {
    let house = House::of(shape, "", "['*']").await;
    let mut people = Vec::new();
    for place in PLACES {
        let mut person = house.person(&place).await;
        let (asked, task) = person.task(&format!("tell of log{}", place.name), SOON).await.unwrap();
        person.heard(&asked, 1, SOON).await.unwrap();
        people.push((place, person, asked, task));
    }
    let ids: Vec<_> = people.iter().map(|(place, _, asked, task)| (place.name, asked.clone(), task.clone())).collect();
    for (place, person, ..) in &mut people {
        for (of, asked, task) in &ids {
            for length in [7, 8, 12, 40] {
                let cut = |id: &str| id.chars().take(length).collect::<String>();
                for (form, id, nobody) in [
                    ("/why {}", cut(asked.as_str()), cut(NEVER_SAID)),
                    ("/why {}", cut(asked.as_str()).to_uppercase(), cut(NEVER_SAID)),
                    ("/tasks show {}", cut(task.as_str()), cut(NOBODY_S)),
                    ("/tasks cancel {}", cut(task.as_str()), cut(NOBODY_S)),
                    ("/tasks discard {}", cut(task.as_str()), cut(NOBODY_S)),
                ] {
                    let told = said(person, &form.replace("{}", &id)).await;
                    if *of == place.name {
                        place.is_alone_in(&told);
                        continue;
                    }
                    let not_there = said(person, &form.replace("{}", &nobody)).await;
                    assert_eq!(told.replace(&id.to_lowercase(), &nobody), not_there, "{form} {id} in {place:?}");
                }
            }
        }
        for list in ["/tasks", "/tasks all"] {
            place.is_alone_in(&said(person, list).await);
        }
    }
    for (.., person, _, _) in people {
        person.leave().await;
    }
    house.end().await;
}

pub(crate) async fn a_task_of_another_context_or_workspace_is_as_one_that_is_not_there(shape: Shape) {
    let site = Site::of(shape, "").await;
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
    // Nobody has stopped it: it runs, where its node was killed again.
    desk.is(&task, TaskState::Running).await;
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

pub(crate) async fn a_model_can_t_make_its_task_wait_for_one_of_another_context_or_workspace(shape: Shape) {
    let site = Site::of(shape, "").await;
    site.workspace("away").await;
    site.define("home", "general", "tools: [spawn_task]");
    site.define("home", "other", "");
    let mut foreign = vec![NOBODY_S.to_owned()];
    for (workspace, context) in [("away", "general"), ("home", "other")] {
        let mut there = site.talk(workspace, context).await;
        let (asked, task) = there.task("done over there", SOON).await.unwrap();
        there.heard(&asked, 1, SOON).await.unwrap();
        there.leave().await;
        foreign.push(task.to_string());
    }
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let mut told = Vec::new();
    for foreign in foreign {
        let words = format!(r#"tools: spawn_task {{"title": "t", "input": "i", "depends_on": ["{foreign}"]}}"#);
        let (_, parent) = ann.task(&words, SOON).await.unwrap();
        desk.is(&parent, TaskState::Succeeded).await;
        let child = TaskId::of("home", &format!("{parent}/1"));
        let rows = desk.is(&child, TaskState::Cancelled).await;
        assert!(rows.depends_on.is_empty(), "it is not told how that one stands: {}", shown(&rows));
        told.push(rows.task.reason.replace(&foreign, NOBODY_S));
    }
    assert!(told.iter().all(|reason| *reason == told[0]), "{told:?}");
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn tasks_are_steered_by_who_asked_for_them(shape: Shape) {
    let site = Site::of(shape, "").await;
    site.model.set(Mode::NeverEnds);
    let mut ann = site.talk("home", "general").await;
    let mut bob = site.talk_as("bob", "home", "general").await;
    let mut desk = site.desk().await;
    let (_, task) = ann.task("belong to ann", SOON).await.unwrap();
    desk.is(&task, TaskState::Running).await;
    assert!(bob.ask("/tasks", SOON).await.unwrap().text.contains(task.as_str()), "everyone there may look");
    for what in ["cancel", "retry", "discard"] {
        let said = bob.ask(&format!("/tasks {what} {task}"), SOON).await.unwrap();
        assert!(said.text.contains("Denied: "), "{what}: {said:?}");
    }
    desk.is(&task, TaskState::Running).await;
    let said = ann.ask(&format!("/tasks cancel {task}"), SOON).await.unwrap();
    assert!(!said.text.contains("Denied"), "{said:?}");
    desk.is(&task, TaskState::Cancelled).await;
    bob.leave().await;
    ann.leave().await;
    site.end().await;
}
