use std::collections::VecDeque;
use std::sync::Mutex;

use messages::Trace;
use runtime::SystemClock;

use super::*;
use crate::fault::{BACKOFF_MS_MAX, BACKOFF_MS_MIN, Wait};

/// Answers the nth call with the nth result, after the time it takes, and remembers when it was called for what.
#[derive(Default)]
struct Scripted {
    results: Mutex<VecDeque<(Duration, Result<Answer, Fault>)>>,
    calls: Mutex<Vec<(String, Instant)>>,
}

struct Script(Arc<Scripted>);

impl Provider for Script {
    fn answer<'a>(&'a self, request: &'a Request, _: OnPiece<'a>) -> Answering<'a> {
        Box::pin(async move {
            self.0.calls.lock().unwrap().push((request.question.clone(), Instant::now()));
            let (takes, result) = self.0.results.lock().unwrap().pop_front().expect("a result for each call");
            tokio::time::sleep(takes).await;
            result
        })
    }

    fn describe(&self) -> String {
        "scripted".to_owned()
    }
}

struct Table {
    desk: Arc<Desk>,
    script: Arc<Scripted>,
}

impl Table {
    fn new(window: usize, results: Vec<(Duration, Result<Answer, Fault>)>) -> Self {
        let script = Arc::new(Scripted { results: Mutex::new(results.into()), ..Scripted::default() });
        let provider: Box<dyn Provider> = Box::new(Script(script.clone()));
        let desk = Arc::new(Desk { name: "zai".into(), provider, gate: Gate::new(window, 8) });
        Self { desk, script }
    }

    /// Lines up at once; answers when it is polled.
    fn ask(
        &self,
        question: &str,
        is_interactive: bool,
        seconds_max: u64,
    ) -> BoxFuture<'static, Result<Answer, Failure>> {
        let rank = if is_interactive { Rank::Interactive } else { Rank::Background };
        let (ticket, desk) = (self.desk.gate.enter(rank).unwrap(), self.desk.clone());
        let request =
            Request { question: question.into(), seconds_max, trace: Trace(question.into()), ..Request::default() };
        Box::pin(async move {
            let actor = messages::Address::fixed("models");
            let world = World { actor, feed: Feed::default(), clock: Arc::new(SystemClock) };
            desk.answered(&request, ticket, &world).await
        })
    }

    fn calls(&self) -> Vec<(String, Instant)> {
        self.script.calls.lock().unwrap().clone()
    }

    /// The time between each call and the next.
    fn pauses(&self) -> Vec<Duration> {
        self.calls().windows(2).map(|pair| pair[1].1 - pair[0].1).collect()
    }
}

fn whole() -> (Duration, Result<Answer, Fault>) {
    (Duration::ZERO, Ok(Answer::default()))
}

fn fails(fault: Fault) -> (Duration, Result<Answer, Fault>) {
    (Duration::ZERO, Err(fault))
}

fn fault(class: Class) -> Fault {
    Fault::new(class, "m", "a")
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_waited_out_with_pauses_that_may_double_until_the_tries_are_used_up() {
    let table = Table::new(2, (0..9).map(|_| fails(fault(Class::RateLimited))).collect());
    let failure = table.ask("q", true, 3_600).await.unwrap_err();
    assert_eq!((failure.class, failure.model.as_str(), failure.billed), (Class::RateLimited, "zai", Billed::Nothing));
    let pauses = table.pauses();
    assert_eq!(pauses.len(), 8);
    for (made, pause) in pauses.iter().enumerate() {
        let most = (BACKOFF_MS_MIN << made).min(BACKOFF_MS_MAX);
        // A paused clock steps in whole milliseconds.
        assert!(*pause <= Duration::from_millis(most + 2), "{made}: {pause:?}");
    }
    assert!(pauses.iter().sum::<Duration>() > Duration::from_secs(1), "{pauses:?}");
    assert_eq!(table.desk.gate.standing().width, 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_asks_to_wait_is_waited_by_all() {
    let limited = Fault { wait: Some(Wait::For(Duration::from_secs(20))), ..fault(Class::RateLimited) };
    let table = Table::new(2, vec![fails(limited), whole(), whole(), whole()]);
    // The second is let in before the refusal; the third must wait it out, though a person waits for it.
    let asked =
        [("first", false), ("second", false), ("third", true)].map(|(name, person)| table.ask(name, person, 60));
    let begun = Instant::now();
    assert!(futures_util::future::join_all(asked).await.iter().all(Result::is_ok));
    let calls = table.calls();
    let order: Vec<&str> = calls.iter().map(|(question, _)| question.as_str()).collect();
    assert_eq!(order, ["first", "second", "first", "third"]);
    for (_, at) in &calls[2..] {
        let waited = *at - begun;
        assert!(waited >= Duration::from_secs(20) && waited <= Duration::from_millis(20_502), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_outlasts_the_call_ends_it_at_once_with_the_date() {
    let limited = Fault { wait: Some(Wait::For(Duration::from_secs(20))), ..fault(Class::RateLimited) };
    let table = Table::new(2, vec![fails(limited)]);
    let begun = Instant::now();
    let failure = table.ask("q", true, 20).await.unwrap_err();
    assert_eq!((failure.class, begun.elapsed()), (Class::RateLimited, Duration::ZERO));
    assert!(failure.retry_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_twice_more_and_what_was_worked_on_never() {
    for class in [Class::Overloaded, Class::Unreachable, Class::Upstream] {
        let table = Table::new(2, (0..3).map(|_| fails(fault(class))).collect());
        assert_eq!(table.ask("q", true, 60).await.unwrap_err().class, class);
        assert_eq!(table.pauses().len(), 2, "{class:?}");
    }
    for class in
        [Class::Empty, Class::Truncated, Class::TimedOut, Class::Unreachable, Class::Upstream, Class::RateLimited]
    {
        let table = Table::new(2, vec![fails(fault(class).costing(Billed::Unknown))]);
        let failure = table.ask("q", true, 60).await.unwrap_err();
        assert_eq!((failure.class, failure.billed, table.calls().len()), (class, Billed::Unknown, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn time_that_ends_while_waiting_cost_nothing_and_while_the_model_works_nobody_knows() {
    let long = Duration::from_secs(100);
    let table = Table::new(1, vec![(long, Ok(Answer::default()))]);
    let (works, waits) = (table.ask("works", true, 10), table.ask("waits", true, 5));
    let (works, waits) = tokio::join!(works, waits);
    let told =
        |failure: Result<Answer, Failure>| failure.map_err(|failure| (failure.class, failure.billed)).unwrap_err();
    assert_eq!(told(works), (Class::TimedOut, Billed::Unknown));
    assert_eq!(told(waits), (Class::TimedOut, Billed::Nothing));
    let standing = table.desk.gate.standing();
    assert_eq!((standing.running, standing.waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_window_grows_with_answers_and_people_go_first() {
    let second = Duration::from_secs(1);
    let table = Table::new(1, (0..6).map(|_| (second, Ok(Answer::default()))).collect());
    let asked = ["b0", "b1", "b2", "p0", "p1", "p2"].map(|name| table.ask(name, name.starts_with('p'), 60));
    let begun = Instant::now();
    assert!(futures_util::future::join_all(asked).await.iter().all(Result::is_ok));
    let mut calls: Vec<(u64, String)> =
        table.calls().into_iter().map(|(question, at)| ((at - begun).as_secs(), question)).collect();
    calls.sort();
    let calls: Vec<(u64, &str)> = calls.iter().map(|(at, question)| (*at, question.as_str())).collect();
    assert_eq!(calls, [(0, "b0"), (1, "p0"), (1, "p1"), (2, "b1"), (2, "b2"), (2, "p2")]);
}
