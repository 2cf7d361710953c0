use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use placement::holder::Closed;
use tokio::sync::Notify;

use super::*;

/// Does actions when the test lets them end, and keeps what began and ended.
#[derive(Clone, Default)]
struct Recorder {
    said: Arc<Mutex<Vec<String>>>,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    changed: Arc<Notify>,
    go: Arc<Notify>,
}

impl Recorder {
    async fn act(self, action: Action) {
        let name = match &action {
            Action::Open(unit, epoch) => format!("open {unit} {epoch}"),
            Action::Drain(unit, epoch) => format!("drain {unit} {epoch}"),
            Action::Close(unit, _) => format!("close {unit}"),
            Action::Send(ToHub::Goodbye) => "goodbye".to_owned(),
            other => format!("{other:?}"),
        };
        self.say(format!("{name}: begins"));
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        self.changed.notify_one();
        self.go.notified().await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        self.say(format!("{name}: ended"));
    }

    fn say(&self, words: String) {
        self.said.lock().unwrap().push(words);
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    async fn until_running(&self, count: usize) {
        while self.running.load(Ordering::SeqCst) < count {
            self.changed.notified().await;
        }
    }
}

fn unit(name: &str) -> Unit {
    Unit::parse(name).unwrap()
}

fn begin() -> (Recorder, mpsc::Sender<Job>, tokio::task::JoinHandle<()>) {
    let (recorder, (jobs, taken)) = (Recorder::default(), mpsc::channel(JOBS_MAX));
    let acts = recorder.clone();
    (recorder, jobs, tokio::spawn(run(taken, move |action| acts.clone().act(action))))
}

#[tokio::test]
async fn workspaces_are_closed_beside_each_other_and_no_more_than_a_few_at_once() {
    let (recorder, jobs, ends) = begin();
    for n in 0..AT_ONCE + 3 {
        jobs.send(Job::Do(Action::Drain(unit(&format!("ws/w{n}")), 1))).await.unwrap();
    }
    recorder.until_running(AT_ONCE).await;
    drop(jobs);
    while !ends.is_finished() {
        recorder.go.notify_waiters();
        tokio::task::yield_now().await;
    }
    assert_eq!(recorder.most.load(Ordering::SeqCst), AT_ONCE);
    assert_eq!(recorder.said().iter().filter(|words| words.ends_with("ended")).count(), AT_ONCE + 3);
}

#[tokio::test]
async fn of_one_unit_each_action_ends_before_the_next_and_accounts_are_as_one_unit() {
    for (first, second) in [("ws/home", "ws/home"), ("connector/a", "connector/b")] {
        let (recorder, jobs, ends) = begin();
        jobs.send(Job::Do(Action::Close(unit(first), Closed::NotHeld))).await.unwrap();
        jobs.send(Job::Do(Action::Open(unit(second), 2))).await.unwrap();
        drop(jobs);
        while !ends.is_finished() {
            recorder.go.notify_waiters();
            tokio::task::yield_now().await;
        }
        let (first, second) = (format!("close {first}"), format!("open {second} 2"));
        let wanted = [&first, &first, &second, &second].into_iter().zip([": begins", ": ended", ": begins", ": ended"]);
        assert_eq!(recorder.said(), wanted.map(|(name, what)| format!("{name}{what}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_goodbye_is_said_and_done_is_told_when_all_units_are_closed() {
    let (recorder, jobs, _ends) = begin();
    for name in ["ws/a", "ws/b"] {
        jobs.send(Job::Do(Action::Close(unit(name), Closed::Goodbye))).await.unwrap();
    }
    jobs.send(Job::Do(Action::Send(ToHub::Goodbye))).await.unwrap();
    let (done, mut told) = oneshot::channel();
    jobs.send(Job::Done(done)).await.unwrap();
    while told.try_recv().is_err() {
        recorder.go.notify_waiters();
        tokio::task::yield_now().await;
    }
    assert_eq!(recorder.said()[4..], ["goodbye: begins", "goodbye: ended"]);
}

#[tokio::test]
async fn one_that_panics_holds_up_nothing_behind_it() {
    let (jobs, taken) = mpsc::channel(JOBS_MAX);
    let (done, told) = oneshot::channel();
    jobs.send(Job::Do(Action::Close(unit("ws/a"), Closed::NotHeld))).await.unwrap();
    jobs.send(Job::Do(Action::Resume(unit("ws/a")))).await.unwrap();
    jobs.send(Job::Done(done)).await.unwrap();
    let resumed = Arc::new(AtomicUsize::new(0));
    let counts = resumed.clone();
    let act = move |action| {
        let counts = counts.clone();
        async move {
            assert!(matches!(action, Action::Resume(_)), "it can't be closed");
            counts.fetch_add(1, Ordering::SeqCst);
        }
    };
    tokio::spawn(run(taken, act));
    told.await.unwrap();
    assert_eq!(resumed.load(Ordering::SeqCst), 1);
}
