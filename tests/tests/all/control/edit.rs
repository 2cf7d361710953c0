//! Edits: before the turn, during it, after it.

use messages::turn::Outcome;
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::chat::Scene;
use super::{ENDLESS, all_answered};

pub(crate) async fn an_edit_before_the_turn_replaces_the_words(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    scene.model.set(ENDLESS);
    let long = ann.say("a long story");
    scene.until_running(1, &mut ann).await;
    scene.model.set(Mode::default());
    let asked = ann.say("old words");
    let edit = ann.edit(2, "new words");
    let end = ann.end(&edit).await;
    assert_eq!((end.outcome, end.reason.contains("before their turn")), (Outcome::Noted, true), "{end:?}");
    let stop = ann.say("/stop");
    ann.end(&stop).await;
    assert_eq!(ann.end(&long).await.outcome, Outcome::Cancelled);
    assert_eq!(ann.end(&asked).await.text, "echo: new words");
    assert!(!scene.log().contains("old words"), "{}", scene.log());
    scene.end().await;
}

pub(crate) async fn an_edit_during_the_turn_follows_it(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    scene.model.set(Mode::Held);
    let asked = ann.say("old words");
    scene.until_running(1, &mut ann).await;
    let edit = ann.edit(1, "new words");
    ann.until_taken(2).await;
    scene.model.set(Mode::default());
    assert_eq!(ann.end(&asked).await.text, "echo: old words");
    assert_eq!(ann.end(&edit).await.text, "echo: new words");
    scene.end().await;
}

pub(crate) async fn an_edit_during_the_turn_takes_its_place_where_the_context_says_so(shape: Shape) {
    let scene = Scene::set(shape).await;
    scene.define("edits: restart");
    let mut ann = scene.chat("ann", "s1").await;
    scene.model.set(Mode::Held);
    let asked = ann.say("old words");
    scene.until_running(1, &mut ann).await;
    let edit = ann.edit(1, "new words");
    let end = ann.end(&asked).await;
    assert_eq!((end.outcome, end.reason), (Outcome::Cancelled, format!("edited: {edit} takes its place")));
    scene.model.set(Mode::default());
    assert_eq!(ann.end(&edit).await.text, "echo: new words");
    scene.end().await;
}

pub(crate) async fn an_edit_after_the_answer_is_noted_and_answered_no_second_time(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    all_answered(&mut ann, &["old words"]).await;
    let edit = ann.edit(1, "new words");
    assert_eq!(ann.end(&edit).await.outcome, Outcome::Noted);
    assert!(scene.model.requests().iter().all(|asked| !asked.to_string().contains("new words")));
    scene.end().await;
}
