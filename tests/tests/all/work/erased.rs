//! Deleting a message erases what a task had of it.

use std::path::Path;

use messages::task::TaskState;
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::desk::shown;
use super::site::{SOON, Site, until};

pub(crate) const SECRET: &str = "xyzzy-plugh";

/// Files that hold the words.
pub(crate) fn holding(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path));
        // What is gone by now holds nothing.
        } else if std::fs::read(&path).is_ok_and(|bytes| bytes.windows(SECRET.len()).any(|w| w == SECRET.as_bytes())) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// The same of all nodes.
pub(crate) fn held(site: &Site) -> Vec<String> {
    site.folders().iter().flat_map(|data| holding(data)).collect()
}

pub(crate) async fn the_words_of_a_task_that_runs_go_with_its_message(shape: Shape) {
    words_go(shape, Mode::NeverEnds, TaskState::Running, TaskState::Cancelled).await;
}

pub(crate) async fn the_words_of_a_task_that_waits_go_with_its_message(shape: Shape) {
    words_go(shape, Mode::code("1308"), TaskState::Waiting, TaskState::Cancelled).await;
}

pub(crate) async fn the_words_of_a_task_that_has_ended_go_with_its_message(shape: Shape) {
    words_go(shape, Mode::default(), TaskState::Succeeded, TaskState::Succeeded).await;
}

async fn words_go(shape: Shape, mode: Mode, before: TaskState, after: TaskState) {
    let mut site = Site::of(shape, "").await;
    site.define("home", "general", "tools: [search, spawn_task]");
    let scripted = mode == Mode::default();
    site.model.set(mode);
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let words = if scripted {
        format!(r#"tools: spawn_task {{"title": "find {SECRET}", "input": "tell of {SECRET}"}}"#)
    } else {
        format!("find {SECRET}")
    };
    let (_, task) = ann.task(&words, SOON).await.unwrap();
    desk.is(&task, before).await;
    let record = site.files("home").join(format!("tasks/{task}.md"));
    until("its record is there", SOON, || std::fs::read_to_string(&record).is_ok_and(|text| text.contains(SECRET)))
        .await;
    let ended = ann.delete(1, SOON).await.unwrap();
    assert_eq!(ended.text, "the words were erased");
    let rows = desk.is(&task, after).await;
    assert!(!shown(&rows).contains(SECRET), "{}", shown(&rows));
    until("the model is left", SOON, || site.model.stats().in_flight == 0).await;
    until("its record is written again", SOON, || {
        std::fs::read_to_string(&record).is_ok_and(|text| !text.contains(SECRET))
    })
    .await;
    for asked in [format!("/tasks show {task}"), "/tasks all".to_owned()] {
        let told = ann.ask(&asked, SOON).await.unwrap();
        assert!(!told.text.contains(SECRET), "{told:?}");
    }
    assert!(ann.ask(&format!("/tasks retry {task}"), SOON).await.unwrap().text.contains("nothing to try again"));
    ann.leave().await;
    site.verified().await;
    // While it runs the write-ahead log may hold it.
    site.end_node(false).await;
    assert_eq!(held(&site), Vec::<String>::new());
    site.verified().await;
}
