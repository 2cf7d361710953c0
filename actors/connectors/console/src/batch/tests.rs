use std::sync::{Arc, Mutex};

use messages::admin::StatusView;
use messages::store::{OutboxRow, TaskView};
use messages::task::{TaskState, Wait};
use messages::turn::Outcome;
use tokio::io::{AsyncWriteExt as _, BufReader};

use super::core::tests::task;
use super::*;
use crate::testing::{Node, Turn};
use crate::wire::Answered;

/// An output that can be looked at, and that breaks after so many lines.
#[derive(Clone, Default)]
struct Sink {
    text: Arc<Mutex<Vec<u8>>>,
    lines_max: Option<usize>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = self.text.lock().unwrap();
        if self.lines_max.is_some_and(|max| text.iter().filter(|b| **b == b'\n').count() >= max) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }
}

fn options(json: bool) -> Options {
    Options { json, redial: None, quiet_ms_max: QUIET_MS_MAX, wait_tasks: false }
}

async fn batch(node: &Arc<Node>, input: &[u8], options: Options) -> (ExitStatus, String, String) {
    let (out, err) = (Sink::default(), Sink::default());
    let client = node.client("s").await;
    let status = run(client, BufReader::new(input), out.clone(), err.clone(), options).await.unwrap();
    (status, out.text(), err.text())
}

#[tokio::test(start_paused = true)]
async fn every_line_is_acknowledged_and_answered_in_order() {
    let node = Node::echo();
    let (status, out, err) = batch(&node, b"one\n\ntwo\n", options(true)).await;
    assert_eq!((status, err.as_str()), (ExitStatus::AllReplied, ""));
    let objects: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let accepted: Vec<_> = objects.iter().filter(|o| o.get("accepted").is_some()).collect();
    assert_eq!((accepted[0]["event"].as_str(), accepted[0]["line"].as_u64()), (Some("s:1"), Some(1)));
    assert_eq!((accepted[1]["event"].as_str(), accepted[1]["line"].as_u64()), (Some("s:3"), Some(3)));
    let replies: Vec<_> = objects.iter().filter(|o| o.get("text").is_some()).collect();
    assert_eq!((replies[0]["text"].as_str(), replies[1]["text"].as_str()), (Some("echo one"), Some("echo two")));
    assert_eq!(replies[0]["inbound"], accepted[0]["accepted"]);
    assert_eq!((replies[0]["outcome"].as_str(), replies[0]["context"].as_str()), (Some("replied"), Some("general")));
    assert_eq!(objects.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn without_json_the_output_has_the_words_and_nothing_else() {
    let node = Node::echo();
    let (_, out, err) = batch(&node, "a\u{1b}[2J\nb".as_bytes(), options(false)).await;
    assert_eq!(out, "echo a\\u{1b}[2J\necho b\n");
    assert!(err.starts_with("line 1: accepted as in_"), "{err}");
    assert_eq!(node.rows()[0].text, "a\u{1b}[2J", "what is kept is what came");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_lines_are_all_answered() {
    let node = Node::echo();
    let input: String = (0..10_000).map(|n| format!("line {n}\n")).collect();
    let (status, out, _) = batch(&node, input.as_bytes(), options(false)).await;
    assert_eq!(status, ExitStatus::AllReplied);
    let want: String = (0..10_000).map(|n| format!("echo line {n}\n")).collect();
    assert_eq!(out, want);
    assert_eq!(node.rows().len(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_bad_line_is_named_and_costs_no_other() {
    let node = Node::echo();
    let input = [b"ok\n".as_slice(), &vec![b'x'; 1_000_000], b"\nb\xff\nend\n"].concat();
    let (status, out, err) = batch(&node, &input, options(true)).await;
    assert_eq!(status, ExitStatus::NotAccepted);
    assert!(
        err.contains("line 2: not accepted: the text has 1000000 bytes") && err.contains("line 3: not accepted"),
        "{err}"
    );
    assert!(out.contains(r#"{"not_accepted":"s:2","line":2,"#) && out.contains("echo end"), "{out}");
    assert_eq!(node.rows().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_status_tells_failure_from_doubt() {
    for (outcome, status) in [
        (Outcome::Failed, ExitStatus::SomeFailed),
        (Outcome::InDoubt, ExitStatus::SomeInDoubt),
        (Outcome::Noted, ExitStatus::AllReplied),
    ] {
        let node = Node::new(move |row| if row.text == "x" { Turn::Settle(outcome) } else { Turn::Reply("y".into()) });
        let (got, out, _) = batch(&node, b"x\ny\n", options(true)).await;
        assert_eq!(got, status);
        assert!(out.contains(&format!("\"outcome\":\"{outcome}\"")), "{out}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_closed_output_did_not_take_is_not_acknowledged() {
    let node = Node::echo();
    let out = Sink { lines_max: Some(1), ..Sink::default() };
    let client = node.client("s").await;
    let status = run(client, b"a\nb\n".as_slice(), out.clone(), Sink::default(), options(false)).await.unwrap();
    assert_eq!((status, out.text()), (ExitStatus::OutputClosed, "echo a\n".to_owned()));
    tokio::time::sleep(Duration::from_millis(1)).await;
    let sendings = node.sendings();
    assert!(matches!(sendings[..], [lane::Sending::Sent { .. }, lane::Sending::InDoubt { .. }]), "{sendings:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_node_is_told_with_how_many_events_it_left_open() {
    let node = Node::new(|_| Turn::Never);
    let (stream, serving) = node.serve();
    let client = Client::over(stream, crate::testing::who("s")).await.unwrap();
    let err = Sink::default();
    let running = run(client, b"a\nb\n".as_slice(), Sink::default(), err.clone(), options(true));
    let (status, ()) = tokio::join!(running, async {
        while node.rows().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        serving.abort();
    });
    assert_eq!(status.unwrap(), ExitStatus::LostConnection);
    assert!(err.text().contains("2 events have no outcome"), "{}", err.text());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_falls_silent_does_not_hold_a_batch_for_ever() {
    let node = Node::new(|_| Turn::Never);
    let quick = Options { quiet_ms_max: 5_000, ..options(true) };
    let began = Instant::now();
    let (status, ..) = batch(&node, b"a\n", quick).await;
    assert_eq!(status, ExitStatus::LostConnection);
    assert!(began.elapsed() < Duration::from_secs(6));
}

/// Answers to what a batch asks while it waits for one task that comes to these states, one after the other.
fn course(states: &[TaskView]) -> Vec<Answered> {
    let before = vec![task(5, TaskState::Running)];
    let round = |of: &TaskView| [Answered::Tasks(vec![of.clone()]), Answered::Tasks(before.clone())];
    let rounds = states.iter().flat_map(round);
    std::iter::once(Answered::Tasks(before.clone())).chain(rounds).collect()
}

fn at_rest() -> Answered {
    Answered::Status(Box::default())
}

fn busy() -> Answered {
    let mut status = StatusView::default();
    status.counts.pending = 1;
    Answered::Status(Box::new(status))
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_waits_for_tasks_takes_their_words_and_then_ends() {
    for json in [false, true] {
        let node = Node::echo();
        let states = [task(6, TaskState::Queued), task(6, TaskState::Running), task(6, TaskState::Succeeded)];
        node.answer(course(&states).into_iter().chain([busy(), busy(), at_rest()]));
        let words = async {
            while node.sendings().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_millis(700)).await;
            let row = OutboxRow { outcome: None, n: 1, ..Node::outbox(&node.rows()[0], 99, "— task result\ndone") };
            lane::Sink::send(&node.sessions, row, lane::MaySend::by(|| true)).await
        };
        let waits = Options { wait_tasks: true, ..options(json) };
        let ((status, out, _), sending) = tokio::join!(batch(&node, b"/task x\n", waits), words);
        assert_eq!(status, ExitStatus::AllReplied);
        assert_eq!(sending, lane::Sending::Sent { platform_id: "s/99".into() });
        if json {
            assert!(out.lines().last().unwrap().contains(r#""outcome":null,"text":"— task result\ndone""#), "{out}");
        } else {
            assert_eq!(out, "echo /task x\n— task result\ndone\n");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_or_waits_for_a_person_ends_the_wait_and_is_told() {
    let stuck = TaskView { wait: Some(Wait::InDoubt), ..task(6, TaskState::Waiting) };
    for (last, status, word) in [
        (task(6, TaskState::Failed), ExitStatus::SomeFailed, "is failed"),
        (stuck, ExitStatus::SomeInDoubt, "for in_doubt"),
    ] {
        let node = Node::echo();
        node.answer(course(&[last]).into_iter().chain([at_rest()]));
        let (got, _, err) = batch(&node, b"/task x\n", Options { wait_tasks: true, ..options(false) }).await;
        assert_eq!(got, status);
        assert!(err.contains(word), "{err}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_moves_does_not_hold_a_batch_for_ever() {
    let node = Node::echo();
    node.answer(course(&vec![task(6, TaskState::Running); 40]));
    let waits = Options { wait_tasks: true, quiet_ms_max: 2_000, ..options(false) };
    let began = Instant::now();
    let (status, ..) = batch(&node, b"/task x\n", waits).await;
    assert_eq!(status, ExitStatus::LostConnection);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn words_that_come_after_the_outcome_of_their_event_end_nothing_twice() {
    let node = Node::echo();
    let late = async {
        while node.sendings().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let row = OutboxRow { outcome: None, n: 1, ..Node::outbox(&node.rows()[0], 99, "late") };
        lane::Sink::send(&node.sessions, row, lane::MaySend::by(|| true)).await
    };
    let (mut typing, typed) = tokio::io::duplex(64);
    let slow = async move {
        typing.write_all(b"one\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(800)).await;
        typing.write_all(b"two\n").await.unwrap();
    };
    let (out, err) = (Sink::default(), Sink::default());
    let client = node.client("s").await;
    let running = run(client, BufReader::new(typed), out.clone(), err.clone(), options(true));
    let (status, sending, ()) = tokio::join!(running, late, slow);
    assert_eq!(status.unwrap(), ExitStatus::AllReplied);
    assert_eq!(sending, lane::Sending::Sent { platform_id: "s/99".into() });
    assert_eq!(out.text().matches("\"text\":\"late\"").count(), 1, "{}", out.text());
}
