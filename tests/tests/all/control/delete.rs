//! Deletes: before the turn, during it, after it. No word is left in the log, in the store, or in `/why`.

use messages::turn::Outcome;
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::chat::{Chat, Scene};

const SECRET: &str = "xyzzy-plugh";

/// Nothing of the words is left anywhere.
async fn is_erased(scene: Scene, mut chat: Chat, id: &str) {
    scene.until("the log is written again", || !scene.log().contains(SECRET)).await;
    let why = chat.answered(&format!("/why {id}")).await;
    assert!(why.contains("(deleted)") && !why.contains(SECRET), "{why}");
    let told = chat.answered("what did I say?").await;
    assert!(!told.contains(SECRET) && !scene.last_request().contains(SECRET), "the model is not told either");
    chat.leave().await;
    scene.verified().await;
    let scene = scene.restarted_after(|scene| scene.folders().iter().for_each(|data| no_file_holds(data))).await;
    scene.end().await;
}

fn no_file_holds(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_file_holds(&path);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(SECRET.len()).any(|w| w == SECRET.as_bytes()), "{} holds it", path.display());
        }
    }
}

pub(crate) async fn what_is_deleted_before_its_turn_is_never_answered(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    scene.model.set(Mode::Held);
    let long = ann.say("a long story");
    scene.until_running(1, &mut ann).await;
    let asked = ann.say(SECRET);
    let delete = ann.delete(2);
    let end = ann.end(&asked).await;
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Cancelled, "deleted by its author"));
    assert_eq!(ann.end(&delete).await.outcome, Outcome::Noted);
    let stop = ann.say("/stop");
    ann.end(&stop).await;
    ann.end(&long).await;
    scene.model.set(Mode::default());
    assert!(scene.model.requests().iter().all(|asked| !asked.to_string().contains(SECRET)));
    is_erased(scene, ann, asked.as_str()).await;
}

pub(crate) async fn what_is_deleted_during_its_turn_is_stopped(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    scene.model.set(Mode::Held);
    let asked = ann.say(SECRET);
    scene.until_running(1, &mut ann).await;
    let delete = ann.delete(1);
    assert_eq!(ann.end(&asked).await.outcome, Outcome::Cancelled);
    assert_eq!(ann.end(&delete).await.outcome, Outcome::Noted);
    scene.until("the model is left", || scene.model.stats().in_flight == 0).await;
    scene.model.set(Mode::default());
    is_erased(scene, ann, asked.as_str()).await;
}

pub(crate) async fn what_is_deleted_after_its_answer_is_erased_with_it(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    let asked = ann.say(SECRET);
    assert_eq!(ann.end(&asked).await.text, format!("echo: {SECRET}"));
    scene.until("both are in the log", || scene.log().matches(SECRET).count() == 2).await;
    let delete = ann.delete(1);
    let end = ann.end(&delete).await;
    assert_eq!((end.outcome, end.reason.as_str()), (Outcome::Noted, "the words were erased"));
    is_erased(scene, ann, asked.as_str()).await;
}

pub(crate) async fn nobody_deletes_what_is_not_there(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    let delete = ann.delete(77);
    let end = ann.end(&delete).await;
    assert_eq!((end.outcome, end.reason.contains("nothing to delete")), (Outcome::Noted, true), "{end:?}");
    scene.end().await;
}
