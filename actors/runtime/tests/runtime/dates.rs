//! Dates are rows: told when they come, gone with the commit that dealt with them, whatever the clock does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use messages::store::{CommitError, Fence, Write};
use messages::{Address, AskError, Trace};
use runtime::{BoxFuture, Far, Word};

use crate::kit::{Node, Wish, probe};
use crate::probe::Plan;

const HOUR_MS: i64 = 3_600_000;

async fn node() -> Node {
    Node::with(Wish { timers: true, ..Wish::default() }).await
}

fn later(name: &str, in_ms: i64) -> Plan {
    Plan { date: Some((name.into(), in_ms)), ..Plan::default() }
}

#[tokio::test(start_paused = true)]
async fn a_date_is_told_once_and_leaves_with_the_commit_of_what_it_led_to() {
    let (node, at) = (node().await, probe("a"));
    node.ask(&at, later("tea", 0)).await.unwrap();
    node.until("it is told", || node.trace.has("commit due tea")).await;
    node.pass(Duration::from_secs(60)).await;
    assert_eq!((node.trace.count("commit due tea"), node.book.date(&at, "tea")), (1, None));
    let commits = node.book.commits.lock().unwrap();
    let led = commits.iter().find(|c| c.writes.iter().any(|w| matches!(w, Write::TimerDrop { .. }))).unwrap();
    assert!(led.writes.iter().any(|w| matches!(w, Write::Audit { action, .. } if action == "due tea")));
}

#[tokio::test(start_paused = true)]
async fn a_date_whose_commit_failed_is_told_again() {
    let (node, at) = (node().await, probe("a"));
    node.ask(&at, later("tea", HOUR_MS)).await.unwrap();
    node.book.answer_next([CommitError::Conflict("another was first".into())]);
    node.clock.shift_to(HOUR_MS);
    node.until("its first telling is refused", || node.trace.has("refused")).await;
    assert!(node.book.date(&at, "tea").is_some(), "it is still a row");
    node.clock.shift_to(HOUR_MS + 6_000);
    node.until("it is told again", || node.trace.has("commit due tea")).await;
    assert_eq!(node.book.date(&at, "tea"), None);
}

#[tokio::test(start_paused = true)]
async fn a_date_opens_who_sleeps() {
    let (node, at) = (node().await, probe("a"));
    node.book.put_date(&at, "tea", node.now());
    node.until("it is told", || node.trace.has("commit due tea")).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_forward_brings_a_date_within_a_second_and_one_set_back_holds_it() {
    let (node, at) = (node().await, probe("a"));
    node.ask(&at, later("tea", HOUR_MS)).await.unwrap();
    node.pass(Duration::from_secs(5)).await;
    assert!(!node.trace.has("commit due tea"));
    node.clock.shift_to(-HOUR_MS);
    node.pass(Duration::from_secs(5)).await;
    assert!(!node.trace.has("commit due tea"));
    node.clock.shift_to(HOUR_MS);
    node.pass(Duration::from_millis(1_100)).await;
    assert!(node.trace.has("commit due tea"));
}

#[tokio::test(start_paused = true)]
async fn a_date_that_was_told_is_told_after_the_clock_was_set_back_and_came_again() {
    let (node, at) = (node().await, probe("a"));
    node.clock.shift_to(HOUR_MS);
    node.book.put_date(&at, "tea", node.now());
    node.until("it is told", || node.trace.has("commit due tea")).await;
    node.clock.shift_to(0);
    node.book.put_date(&at, "tea", node.now());
    node.until("it is told again", || node.trace.count("commit due tea") == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_date_set_anew_right_after_it_was_told_is_on_time() {
    let (node, at) = (node().await, probe("a"));
    node.ask(&at, later("tea", 0)).await.unwrap();
    node.until("it is told", || node.trace.has("commit due tea")).await;
    node.ask(&at, later("tea", 1)).await.unwrap();
    node.clock.shift_to(100);
    node.pass(Duration::from_millis(2_000)).await;
    assert_eq!(node.trace.count("commit due tea"), 2, "not only when it would be told again anyway");
}

#[tokio::test(start_paused = true)]
async fn a_date_that_nobody_takes_makes_no_haste() {
    let node = node().await;
    node.book.put_date(&crate::kit::probes().child("nobody"), "tea", node.now());
    node.pass(Duration::from_secs(60)).await;
    let asked = node.book.due_asked.load(Ordering::SeqCst);
    assert!((50..=80).contains(&asked), "{asked} looks at the dates in a minute");
}

/// The unit `ws/away` is another node's, which does not answer.
#[derive(Default)]
struct Away {
    told: AtomicU64,
}

impl Far for Away {
    fn is_here(&self, address: &Address) -> bool {
        !address.as_str().starts_with("ws/away/")
    }

    fn tell(&self, _: &Address, _: Word) {
        self.told.fetch_add(1, Ordering::SeqCst);
    }

    fn ask(&self, _: &Address, _: Vec<u8>, _: Duration) -> BoxFuture<Result<Vec<u8>, AskError>> {
        Box::pin(async { Err(AskError::NotOwner) })
    }

    fn listen(&self, _: &Address, _: &Trace) {}

    fn fence(&self, unit: &Address) -> Result<Fence, String> {
        Ok(Fence { unit: unit.clone(), epoch: 1 })
    }

    fn may_begin(&self, _: &Address) -> Result<(), String> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_date_comes_on_time_behind_thousands_whose_unit_waits_for_its_host() {
    let away = Arc::new(Away::default());
    let node = Node::with(Wish { timers: true, far: Some(away.clone()), ..Wish::default() }).await;
    let now = node.now();
    for n in 0..2_000 {
        let at = Address::parse(&format!("ws/away/context/c{n}")).unwrap();
        node.book.put_date(&at, "logs", now);
    }
    let at = probe("a");
    node.ask(&at, later("tea", 300)).await.unwrap();
    node.pass(Duration::from_millis(1_100)).await;
    node.clock.shift_to(300);
    node.pass(Duration::from_millis(1_100)).await;
    assert_eq!((node.trace.count("commit due tea"), node.book.date(&at, "tea")), (1, None));
    node.pass(Duration::from_secs(2)).await;
    assert_eq!(away.told.load(Ordering::SeqCst), 2_000, "each is told once");
    let before = node.book.due_asked.load(Ordering::SeqCst);
    node.pass(Duration::from_secs(60)).await;
    let asked = node.book.due_asked.load(Ordering::SeqCst) - before;
    assert!((50..=140).contains(&asked), "two pages at most are read in a second, not {asked} in a minute");
}
