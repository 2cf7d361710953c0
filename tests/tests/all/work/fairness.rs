//! Work in the background does not hold up a conversation.

use std::time::{Duration, Instant};

use messages::task::TaskState;
use messages::turn::Outcome;
use tests::deployment::Shape;

use super::site::{SOON, Site};
use crate::faults::driver::Driver;

const TASKS: usize = 1_000;
const TURNS: usize = 40;

/// Says something and waits for its answer, one after the other; gives the longest but one in a hundred.
async fn p99(ann: &mut Driver) -> Duration {
    let mut took = Vec::new();
    for n in 0..TURNS {
        let began = Instant::now();
        let ended = ann.ask(&format!("turn {n}"), SOON).await.unwrap();
        assert_eq!((ended.outcome, ended.text), (Outcome::Replied, format!("echo: turn {n}")));
        took.push(began.elapsed());
    }
    took.sort();
    took[(TURNS * 99).div_ceil(100) - 1]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tasks_in_the_background_do_not_hold_up_a_conversation() {
    let more = "[models.providers.slow]\nkind = \"openai\"\nmodel = \"slow_first_byte:1000\"\nbase_url = \"";
    let mut site = Site::not_started(Shape::OneProcess, "").await;
    let url = site.model.base_url();
    let routed = |config: &str| config.replace("[models.routes]\n", "[models.routes]\nresearch = [\"slow\"]\n");
    site.configure(|config| format!("{}{more}{url}\"\n", routed(config)));
    site.start().await;
    site.define("home", "other", "");
    let (mut same, mut other) = (site.talk("home", "general").await, site.talk("home", "other").await);
    let alone = p99(&mut other).await;
    let mut made = Vec::new();
    for n in 0..TASKS {
        made.push(same.say(&format!("/task number {n}")).await.unwrap());
    }
    same.settled(&made, SOON * 2).await.unwrap();
    let (beside, within) = (p99(&mut other).await, p99(&mut same).await);
    println!(
        "p99 of a turn alone: {alone:?}; beside {TASKS} tasks: {beside:?} in another context, {within:?} in theirs"
    );
    let mut desk = site.desk().await;
    let tasks = desk.tasks("home").await;
    let of = |state: TaskState| tasks.iter().filter(|task| task.state == state).count();
    println!("{} tasks are queued still, {} have succeeded", of(TaskState::Queued), of(TaskState::Succeeded));
    assert_eq!(tasks.len(), TASKS);
    assert!(of(TaskState::Queued) > TASKS / 2, "the conversations went before them");
    assert!(of(TaskState::Succeeded) > 0, "and they went on all the while");
    same.leave().await;
    other.leave().await;
    site.end().await;
}
