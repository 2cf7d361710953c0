//! A node that ends at each place where its part of a turn is half done: between a decision and its commit, a commit and what
//! follows from it, a reply and the word that it was sent.

use tests::process::chaos_program;
use tokio::sync::watch;

use super::chaos::Talk;
use super::world::{CONNECTOR, HUB, SOON, WORKER, World};

/// The node of this name ends at the marker when it is started next, or at none.
fn ends_at(world: &mut World, name: &str, marker: Option<&str>) {
    let plan = world.cluster.plan_mut(name).unwrap();
    plan.program = marker.map(|_| chaos_program().unwrap());
    plan.env = marker.map(|marker| ("AGENT_RUNTIME_TEST_KILL_AT".to_owned(), marker.to_owned())).into_iter().collect();
}

#[rstest::rstest]
#[case::a_turn_that_was_taken_by_nobody(WORKER, "context.before_commit:6")]
#[case::a_turn_that_was_taken(WORKER, "context.after_commit:6")]
#[case::a_question_that_was_not_asked(WORKER, "context.before_ask:3")]
#[case::an_answer_that_nobody_has(WORKER, "context.after_ask:3")]
#[case::an_effect_that_was_done(WORKER, "context.after_effect:9")]
#[case::a_line_that_was_not_kept(CONNECTOR, "console.before_accept_commit:3")]
#[case::a_line_that_was_kept(CONNECTOR, "console.after_accept_commit:3")]
#[case::a_line_whose_keeping_was_not_told(CONNECTOR, "console.before_ack:3")]
#[case::a_reply_that_was_not_begun(CONNECTOR, "lane.before_commit:3")]
#[case::a_reply_that_was_begun(CONNECTOR, "lane.before_send:3")]
#[case::a_reply_that_was_sent(CONNECTOR, "lane.after_send:3")]
#[case::a_reply_whose_sending_was_kept(CONNECTOR, "lane.after_commit:4")]
#[case::a_commit_that_was_not_made(HUB, "store.before_commit:9")]
#[case::a_commit_that_was_made(HUB, "store.after_commit:9")]
#[case::a_commit_whose_making_was_not_told(HUB, "store.before_answer:9")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_by_the_end_of_a_node(#[case] name: &str, #[case] marker: &str) {
    let mut world = World::running().await;
    let mut talk = Talk::new(world.attach("general").await, &world.data(CONNECTOR));
    world.stop(name).await;
    ends_at(&mut world, name, Some(marker));
    world.spawn(name);
    let stop = watch::Sender::new(false);
    let ends = async {
        let ended = world.node(name).wait(SOON).await;
        ended.unwrap_or_else(|error| panic!("{name} does not come by {marker}: {error:#}\n{}", world.all_said()));
        world.cluster.kill(name).ok();
        ends_at(&mut world, name, None);
        world.spawn(name);
        world.answers().await;
        stop.send_replace(true);
        world
    };
    let (waited, world) = tokio::join!(talk.go_on(stop.subscribe()), ends);
    assert!(!waited.unwrap_or_else(|error| panic!("{error:#}\n{}", world.all_said())).is_empty());
    let faults = talk.faults();
    assert!(faults.is_empty(), "{faults:?}\n{}", world.all_said());
    world.verified().await;
}
