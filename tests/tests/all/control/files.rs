//! Files that people edit behind the node's back: definitions are in force at once, logs are set aside.

use std::path::{Path, PathBuf};

use tests::fake_model::Mode;

use super::all_answered;
use super::chat::Scene;

fn logs(folder: &Path) -> PathBuf {
    folder.join("data/workspaces/home/logs/console")
}

/// Whether a file beside the log holds what a person wrote into it.
fn is_set_aside(folder: &Path, words: &str) -> bool {
    std::fs::read_dir(logs(folder)).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        path.file_name().is_some_and(|name| name != "general.md")
            && std::fs::read_to_string(&path).is_ok_and(|text| text.contains(words))
    })
}

fn scribble(folder: &Path) {
    let log = logs(folder).join("general.md");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replace("one thing", "another thing, says the forger")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_edited_while_the_node_was_away_is_set_aside() {
    let scene = Scene::set(false).await;
    let mut ann = scene.chat("ann", "s1").await;
    all_answered(&mut ann, &["one thing"]).await;
    scene.until("it is logged", || scene.log().contains("echo: one thing")).await;
    ann.leave().await;
    let scene = scene.restarted_after(scribble).await;
    let mut ann = scene.chat("ann", "s2").await;
    all_answered(&mut ann, &["a second thing"]).await;
    scene.until("it is set aside", || is_set_aside(&scene.path("."), "the forger")).await;
    scene.until("the log is made anew", || scene.log().contains("echo: one thing")).await;
    assert!(!scene.log().contains("the forger"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_edited_while_the_node_runs_is_set_aside_with_the_next_entry() {
    let scene = Scene::set(false).await;
    let mut ann = scene.chat("ann", "s1").await;
    all_answered(&mut ann, &["one thing"]).await;
    scene.until("it is logged", || scene.log().contains("echo: one thing")).await;
    scribble(&scene.path("."));
    all_answered(&mut ann, &["a second thing"]).await;
    scene.until("it is set aside", || is_set_aside(&scene.path("."), "the forger")).await;
    scene.until("the log is made anew", || scene.log().contains("echo: one thing")).await;
    assert!(!scene.log().contains("the forger"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_is_edited_is_in_force_with_the_next_message() {
    let scene = Scene::set(false).await;
    scene.model.set(Mode::default());
    let mut ann = scene.chat("ann", "s1").await;
    for prompt in ["Speak like a pirate.", "Speak like a judge.", "Speak like a child."] {
        std::fs::write(scene.path("data/workspaces/home/contexts/general/context.md"), prompt).unwrap();
        ann.answered("hello").await;
        assert!(scene.last_request().contains(prompt), "{}", scene.last_request());
    }
    scene.end().await;
}
