//! Files that people edit behind the node's back: definitions are in force at once, logs are set aside.

use std::path::PathBuf;

use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::all_answered;
use super::chat::Scene;

fn logs(scene: &Scene) -> PathBuf {
    scene.files().join("logs/console")
}

/// Whether a file beside the log holds what a person wrote into it.
fn is_set_aside(scene: &Scene, words: &str) -> bool {
    std::fs::read_dir(logs(scene)).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        path.file_name().is_some_and(|name| name != "general.md")
            && std::fs::read_to_string(&path).is_ok_and(|text| text.contains(words))
    })
}

fn scribble(scene: &Scene) {
    let log = logs(scene).join("general.md");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replace("one thing", "another thing, says the forger")).unwrap();
}

pub(crate) async fn a_log_that_was_edited_while_the_node_was_away_is_set_aside(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    all_answered(&mut ann, &["one thing"]).await;
    scene.until("it is logged", || scene.log().contains("echo: one thing")).await;
    ann.leave().await;
    let scene = scene.restarted_after(scribble).await;
    let mut ann = scene.chat("ann", "s2").await;
    all_answered(&mut ann, &["a second thing"]).await;
    scene.until("it is set aside", || is_set_aside(&scene, "the forger")).await;
    scene.until("the log is made anew", || scene.log().contains("echo: one thing")).await;
    assert!(!scene.log().contains("the forger"));
    scene.end().await;
}

pub(crate) async fn a_log_that_is_edited_while_the_node_runs_is_set_aside_with_the_next_entry(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    all_answered(&mut ann, &["one thing"]).await;
    scene.until("it is logged", || scene.log().contains("echo: one thing")).await;
    scribble(&scene);
    all_answered(&mut ann, &["a second thing"]).await;
    scene.until("it is set aside", || is_set_aside(&scene, "the forger")).await;
    scene.until("the log is made anew", || scene.log().contains("echo: one thing")).await;
    assert!(!scene.log().contains("the forger"));
    scene.end().await;
}

pub(crate) async fn a_definition_that_is_edited_is_in_force_with_the_next_message(shape: Shape) {
    let scene = Scene::set(shape).await;
    scene.model.set(Mode::default());
    let mut ann = scene.chat("ann", "s1").await;
    for prompt in ["Speak like a pirate.", "Speak like a judge.", "Speak like a child."] {
        std::fs::write(scene.files().join("contexts/general/context.md"), prompt).unwrap();
        ann.answered("hello").await;
        assert!(scene.last_request().contains(prompt), "{}", scene.last_request());
    }
    scene.end().await;
}
