//! What a restored store does, and does not do again.

use messages::turn::Outcome;
use tests::process::{NodeProcess, chaos_program};

use super::{Place, json, names};
use crate::faults::driver::Driver;
use crate::faults::world::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_before_the_backup_is_not_answered_again_when_its_client_repeats_it() {
    let place = Place::new();
    let mut node = place.world.serve().await.unwrap();
    let mut ann = Driver::attach(&place.world.data()).await.unwrap();
    let session = ann.session().to_owned();
    for n in 0..5 {
        ann.ask(&format!("What is plan {n}?"), PATIENCE).await.unwrap();
    }
    ann.status_until(PATIENCE, |status| status.counts.taken == 0).await.unwrap();
    place.created().await;
    for n in 5..8 {
        ann.ask(&format!("What is plan {n}?"), PATIENCE).await.unwrap();
    }
    ann.leave().await;
    node.kill9().unwrap();

    let told = json(&place.restore(&[]).await.expect_code(0).unwrap());
    assert_eq!((told["restored"]["events"].as_u64(), told["restored"]["replies"].as_u64()), (Some(0), Some(0)));
    place.other_is_clean().await;
    let node = place.serve_other().await;
    let mut again = Driver::attach_again(&place.other(), &session).await.unwrap();
    let mut said = Vec::new();
    for n in 0..8 {
        said.push(again.say(&format!("What is plan {n}?")).await.unwrap());
    }
    again.settled(&said, PATIENCE).await.unwrap();
    assert!(said.iter().all(|id| again.ended[id].outcome == Outcome::Replied));
    // The restored store never heard of the last three: to it they are new, as they are to the client that gives them.
    assert_eq!(again.delivered(), 3, "the first five were delivered before the backup");
    again.leave().await;
    node.stop().await.unwrap();
    place.other_is_clean().await;
}

/// The node dies at a marker, and the backup is made of what it leaves; then the store of before goes on and answers.
#[rstest::rstest]
#[case::an_event_that_waited("console.after_accept_commit", (1, 0))]
#[case::a_turn_that_ran("context.before_ask", (1, 0))]
#[case::a_reply_that_waited("lane.before_commit", (0, 1))]
#[case::a_reply_on_its_way("lane.before_send", (0, 1))]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_open_at_the_backup_is_in_doubt_and_neither_answered_nor_sent(
    #[case] marker: &str,
    #[case] (events, replies): (u64, u64),
) {
    let place = Place::new();
    let spec = place.world.spec_of(&chaos_program().unwrap()).unwrap().env("AGENT_RUNTIME_TEST_KILL_AT", marker);
    let mut node = NodeProcess::start(spec, &place.world.data()).await.unwrap();
    let mut ann = Driver::attach(&place.world.data()).await.unwrap();
    let (session, asked) = (ann.session().to_owned(), ann.say("What is the plan?").await.unwrap());
    node.wait(PATIENCE).await.unwrap();
    place.created().await;
    let node = place.world.serve().await.unwrap();
    let mut back = Driver::attach_again(&place.world.data(), &session).await.unwrap();
    let same = back.say("What is the plan?").await.unwrap();
    back.settled(&[same], PATIENCE).await.unwrap();
    back.leave().await;
    node.stop().await.unwrap();

    let told = json(&place.restore(&[]).await.expect_code(0).unwrap());
    let told = &told["restored"];
    assert_eq!((told["events"].as_u64(), told["replies"].as_u64()), (Some(events), Some(replies)));
    let node = place.serve_other().await;
    let mut again = Driver::attach_again(&place.other(), &session).await.unwrap();
    let status = again.status_until(PATIENCE, |status| status.counts.taken == 0).await.unwrap();
    assert_eq!((status.counts.waiting, status.counts.pending, status.counts.in_doubt), (0, 0, replies));
    assert!(status.counts.restored.is_some());
    let same = again.say("What is the plan?").await.unwrap();
    again.settled(std::slice::from_ref(&same), PATIENCE).await.unwrap();
    assert_eq!((same == asked, again.ended[&asked].outcome, again.delivered()), (true, Outcome::InDoubt, 0));
    let why = again.ask(&format!("/why {asked}"), PATIENCE).await.unwrap().text;
    assert!(why.contains("restored from a backup of"), "{why}");
    let status = place.run(&["status", "--data", "other"]).await.expect_code(0).unwrap();
    assert!(status.stdout.contains("restored "), "{}", status.stdout);
    again.leave().await;
    node.stop().await.unwrap();
    place.other_is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_restored_store_answers_is_heard_by_a_client_that_has_heard_the_store_of_before() {
    let place = Place::with_events(1).await;
    place.created().await;
    let node = place.world.serve().await.unwrap();
    let mut ann = Driver::attach(&place.world.data()).await.unwrap();
    for n in 0..5 {
        ann.ask(&format!("What is plan {n}?"), PATIENCE).await.unwrap();
    }
    node.stop().await.unwrap();
    place.run(&["restore", "backup.tar.zst", "--data", "data", "--replace"]).await.expect_code(0).unwrap();
    let node = place.world.serve().await.unwrap();
    // The same client goes on; the numbers of its next replies are those that it has flushed before.
    ann.redial(&place.world.data()).await.unwrap();
    for n in 5..8 {
        assert_eq!(ann.ask(&format!("What is plan {n}?"), PATIENCE).await.unwrap().outcome, Outcome::Replied);
    }
    ann.leave().await;
    node.stop().await.unwrap();
    place.world.is_clean().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_holds_a_store_is_refused_and_with_replace_moved_aside_whole() {
    let place = Place::with_events(2).await;
    place.created().await;
    let into_own = ["restore", "backup.tar.zst", "--data", "data"];
    let refused = place.run(&into_own).await.expect_code(1).unwrap();
    assert!(refused.stderr.contains("--replace, which moves it aside"), "{}", refused.stderr);
    let node = place.world.serve().await.unwrap();
    let replacing = [into_own.as_slice(), &["--replace", "--json"]].concat();
    let refused = place.run(&replacing).await.expect_code(1).unwrap();
    assert!(refused.stderr.contains("is used by another agent-runtime"), "{}", refused.stderr);
    node.stop().await.unwrap();
    let done = json(&place.run(&replacing).await.expect_code(0).unwrap());
    let aside = done["moved_aside"].as_str().unwrap();
    place.run(&["audit", "verify", "--data", aside]).await.expect_code(0).unwrap();
    place.world.is_clean().await.unwrap();
    let audit = place.run(&["audit", "tail", "-n", "1", "--data", "data", "--json"]).await.expect_code(0).unwrap();
    assert!(audit.stdout.contains("store.restored"), "{}", audit.stdout);
    assert_eq!(names(&place.world.data()).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_during_a_restore_leaves_what_was_there_as_it_was_and_says_what_to_do() {
    let place = Place::with_events(2).await;
    place.created().await;
    let args = ["restore", "backup.tar.zst", "--data", "data", "--replace"];
    let before = names(&place.world.data());
    let held = || {
        let read = |name: &str| std::fs::read(place.world.data().join(name)).unwrap();
        [read("agent-runtime/meta.sqlite"), read("workspaces/home/logs/console/general.md")]
    };
    let had = held();
    for order in ["enospc .restore/", "torn .restore/agent-runtime/meta.sqlite", "erofs .restore/"] {
        let failed = place.on_bad_disk(order, &args).await.expect_code(1).unwrap();
        assert!(failed.stderr.contains("the disk has room"), "{order}: {}", failed.stderr);
        assert_eq!(names(&place.world.data()), before, "{order}: nothing is left of it");
        assert!(held() == had, "{order}: what was there is another");
    }
    place.on_bad_disk("ok", &args).await.expect_code(0).unwrap();
    place.world.is_clean().await.unwrap();
}
