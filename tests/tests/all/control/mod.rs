//! What people do to messages that are on their way, over the wire: stop, edit, delete, begin afresh; and what time and
//! other people do to them.

mod chat;
pub(crate) mod codes;
pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod files;

use chat::{Chat, Scene};
use messages::turn::Outcome;
use tests::deployment::Shape;
use tests::fake_model::Mode;

/// A model that takes longer than any test.
const ENDLESS: Mode = Mode::SlowFirstByte { delay_ms: 100_000 };

pub(crate) async fn stop_ends_the_turn_that_runs_and_the_next_one_begins(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    scene.model.set(Mode::Held);
    let long = ann.say("a long story");
    scene.until_running(1, &mut ann).await;
    let next = ann.say("a short one");
    let stop = ann.say("/stop");
    let end = ann.end(&long).await;
    assert_eq!((end.outcome, end.text.as_str()), (Outcome::Cancelled, "Stopped."));
    let end = ann.end(&stop).await;
    assert_eq!((end.outcome, end.text), (Outcome::Replied, format!("Stopped {long}.")));
    scene.model.set(Mode::default());
    assert_eq!(ann.end(&next).await.text, "echo: a short one");
    scene.end().await;
}

pub(crate) async fn nobody_but_an_operator_stops_another_persons_turn(shape: Shape) {
    let scene = Scene::set(shape).await;
    let (mut ann, mut bob) = (scene.chat("ann", "s1").await, scene.chat("bob", "s2").await);
    scene.model.set(ENDLESS);
    let long = ann.say("a long story");
    scene.until_running(1, &mut ann).await;
    let stop = bob.say("/stop");
    assert_eq!(bob.end(&stop).await.outcome, Outcome::Denied);
    let own = ann.say("/stop");
    assert_eq!(ann.end(&own).await.outcome, Outcome::Replied);
    assert_eq!(ann.end(&long).await.outcome, Outcome::Cancelled);
    scene.end().await;
}

pub(crate) async fn what_was_said_before_new_is_not_given_to_the_model(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    ann.answered("the alpha").await;
    ann.answered("the beta").await;
    assert!(scene.last_request().contains("the alpha"), "without /new it is");
    ann.answered("/new").await;
    ann.answered("the gamma").await;
    let asked = scene.last_request();
    assert!(asked.contains("the gamma") && !asked.contains("alpha") && !asked.contains("beta"), "{asked}");
    let scene = scene.restarted().await;
    let mut ann = scene.chat("ann", "s2").await;
    ann.answered("the delta").await;
    let asked = scene.last_request();
    assert!(asked.contains("the gamma") && !asked.contains("alpha"), "after a start, too: {asked}");
    scene.end().await;
}

pub(crate) async fn what_waited_longer_than_its_context_allows_is_not_begun(shape: Shape) {
    let scene = Scene::set(shape).await;
    let mut ann = scene.chat("ann", "s1").await;
    scene.model.set(ENDLESS);
    let long = ann.say("a long story");
    scene.until_running(1, &mut ann).await;
    // Now: the first, which opens the context, may take longer than that to be begun.
    scene.define("limits: {wait_seconds: 1}");
    let late = ann.say("what about me");
    let end = ann.end(&late).await;
    assert_eq!(end.outcome, Outcome::Expired);
    assert!(end.text.contains("waited longer than the 1 s"), "{}", end.text);
    assert_eq!(scene.model.stats().calls, 1, "the model was not asked");
    let stop = ann.say("/stop");
    ann.end(&stop).await;
    ann.end(&long).await;
    scene.end().await;
}

pub(crate) async fn a_turn_that_takes_longer_than_allowed_fails_and_says_so(shape: Shape) {
    let scene = Scene::set(shape).await;
    scene.define("limits: {turn_seconds: 1}");
    let mut ann = scene.chat("ann", "s1").await;
    scene.model.set(ENDLESS);
    let long = ann.say("a long story");
    let end = ann.end(&long).await;
    assert_eq!(end.outcome, Outcome::Failed);
    assert!(end.text.contains("1 s"), "{}", end.text);
    scene.end().await;
}

pub(crate) async fn of_two_clients_in_one_chat_each_gets_its_own_replies(shape: Shape) {
    let scene = Scene::set(shape).await;
    let (mut ann, mut bob) = (scene.chat("ann", "s1").await, scene.chat("bob", "s2").await);
    let mut asked = Vec::new();
    for n in 0..10 {
        asked.push((ann.say(&format!("ann asks {n}")), bob.say(&format!("bob asks {n}"))));
        ann.flush().await;
        bob.flush().await;
    }
    // Both read all the time: the replies of a chat keep their order, so one who does not read holds up the other.
    tokio::join!(
        async {
            for (n, (inbound, _)) in asked.iter().enumerate() {
                assert_eq!(ann.end(inbound).await.text, format!("echo: ann asks {n}"));
            }
        },
        async {
            for (n, (_, inbound)) in asked.iter().enumerate() {
                assert_eq!(bob.end(inbound).await.text, format!("echo: bob asks {n}"));
            }
        }
    );
    for (chat, own) in [(&ann, "ann"), (&bob, "bob")] {
        assert!(chat.ends().all(|text| text.contains(own)), "{:?}", chat.ends().collect::<Vec<_>>());
    }
    scene.end().await;
}

pub(crate) async fn a_reply_waits_until_its_client_is_back(shape: Shape) {
    let scene = Scene::set(shape).await;
    scene.model.set(Mode::SlowFirstByte { delay_ms: 300 });
    let mut ann = scene.chat("ann", "s1").await;
    let asked = ann.say("are you there");
    scene.until_running(1, &mut ann).await;
    drop(ann);
    scene.until("the reply waits", || scene.model.stats().in_flight == 0).await;
    let mut again = scene.chat("ann", "s1").await;
    assert_eq!(again.repeat(1, "are you there"), asked);
    let end = again.end(&asked).await;
    assert_eq!((end.outcome, end.text.as_str()), (Outcome::Replied, "echo: are you there"));
    scene.end().await;
}

/// Everything said in `chats` ends well, `say` by `say`.
async fn all_answered(chat: &mut Chat, words: &[&str]) {
    for text in words {
        assert_eq!(chat.answered(text).await, format!("echo: {text}"));
    }
}
