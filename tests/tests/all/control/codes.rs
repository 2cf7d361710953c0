//! The exit codes of `chat`.

use messages::InboundId;
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::chat::Scene;

/// What `chat` gives for these lines, by its exit code.
async fn code(scene: &Scene, session: &str, lines: impl Into<Vec<u8>>) -> Option<i32> {
    scene.run(&["chat", "--user", "ann", "--session", session], lines).await.code
}

pub(crate) async fn a_batch_says_by_its_exit_code_how_it_ended(shape: Shape) {
    let scene = Scene::set(shape).await;
    assert_eq!(code(&scene, "a", "hello\n/help\n").await, Some(0));
    assert_eq!(code(&scene, "b", "").await, Some(0), "no line, nothing wrong");
    let long = "x".repeat(70_000);
    assert_eq!(code(&scene, "c", format!("hello\n{long}\n")).await, Some(5), "a line was not accepted");
    scene.model.set(Mode::Unauthorized);
    assert_eq!(code(&scene, "d", "hello\n").await, Some(3), "a turn failed");
    assert_eq!(code(&scene, "e", format!("hello\n{long}\n")).await, Some(3), "the worse of two");
    scene.end().await;
}

pub(crate) async fn a_reply_of_which_nobody_said_that_it_came_is_in_doubt_and_is_not_sent_again(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "doubt").await;
    let inbound = ann.say("hello");
    ann.takes_and_says_nothing().await;
    drop(ann);
    let done = scene.run(&["chat", "--user", "ann", "--session", "doubt", "--json"], "hello\n").await;
    assert_eq!(done.code, Some(4), "{done:?}");
    assert!(done.stdout.contains("\"in_doubt\"") && !done.stdout.contains("echo: hello"), "{}", done.stdout);
    assert_eq!(inbound, InboundId::of("console", "doubt:1"));
    let status = scene.run(&["status"], "").await;
    assert!(status.stdout.contains("1 in doubt") && status.stdout.contains("ALARM"), "{}", status.stdout);
    let why = code(&scene, "why", format!("/why {inbound}\n")).await;
    assert_eq!(why, Some(0));
    scene.end().await;
}

pub(crate) async fn an_id_that_begins_several_ids_is_asked_about(shape: Shape) {
    let scene = Scene::set(shape).await;
    // Among so many sessions some two have ids that begin alike.
    let mut seen = std::collections::HashMap::new();
    let (one, other) = (0..)
        .find_map(|n| {
            let session = format!("s{n}");
            let id = InboundId::of("console", &format!("{session}:1"));
            seen.insert(id.as_str()[..7].to_owned(), session.clone()).map(|earlier| (earlier, session))
        })
        .unwrap();
    for session in [&one, &other] {
        assert_eq!(code(&scene, session, "hello\n").await, Some(0));
    }
    let ids = [&one, &other].map(|session| InboundId::of("console", &format!("{session}:1")));
    let mut ann = scene.chat("ann", "ask").await;
    let told = ann.answered(&format!("/why {}", &ids[0].as_str()[..7])).await;
    assert!(told.contains("several") && ids.iter().all(|id| told.contains(id.as_str())), "{told}");
    let told = ann.answered(&format!("/why {}", ids[1])).await;
    assert!(told.starts_with(&format!("`{}` “hello”", ids[1])), "{told}");
    scene.end().await;
}
