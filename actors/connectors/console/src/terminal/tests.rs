use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc as blocking};

use lane::{MaySend, Sink as _};
use messages::turn::Outcome;

use super::*;
use crate::testing::{Node, Turn};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<String>>);

impl Paper {
    fn put(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap().push_str(text);
        Ok(())
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Face for Paper {
    fn words(&mut self, text: &str) -> io::Result<()> {
        self.put(text)
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        self.put(&format!("[{text}]\n"))
    }

    fn clear_line(&mut self) -> io::Result<()> {
        self.put("<cleared>")
    }

    fn spin(&mut self, _: bool) {}
}

/// The person's hands: asks of the prompt, what is typed, and Ctrl-C.
struct Hands {
    asked: blocking::Receiver<()>,
    typing: mpsc::Sender<Typed>,
    taken: Arc<AtomicBool>,
    interrupt: mpsc::Sender<()>,
    paper: Paper,
}

async fn talk(node: &Arc<Node>) -> (Talk<Paper>, Hands) {
    let (asks, asked) = blocking::sync_channel(1);
    let (typing, typed) = mpsc::channel(1);
    let (interrupt, interrupts) = mpsc::channel(1);
    let (taken, paper) = (Arc::new(AtomicBool::new(false)), Paper::default());
    let prompt = Prompt::of(asks, typed, taken.clone());
    let client = node.client("s").await;
    let face = paper.clone();
    let talk = Talk { client, prompt, interrupts, redial: None, face, screen: Screen::default(), number: 0 };
    (talk, Hands { asked, typing, taken, interrupt, paper })
}

impl Hands {
    async fn asked(&self) {
        self.until(|| self.asked.try_recv().ok()).await;
    }

    async fn until<T>(&self, look: impl Fn() -> Option<T>) -> T {
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn type_line(&self, line: &str) {
        self.asked().await;
        self.typing.send(Typed::Line(line.into())).await.unwrap();
    }

    async fn leave(&self) {
        self.asked().await;
        self.typing.send(Typed::Leave).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_is_answered_and_the_prompt_comes_back() {
    let node = Node::echo();
    let (mut talk, hands) = talk(&node).await;
    let (result, ()) = tokio::join!(talk.run(), async {
        hands.type_line("hi").await;
        hands.type_line("  ").await;
        hands.leave().await;
    });
    result.unwrap();
    assert_eq!(hands.paper.text(), "[hello]\necho hi\n");
    assert_eq!(node.rows().len(), 1, "a blank line is no event");
}

#[tokio::test(start_paused = true)]
async fn ctrl_c_stops_the_turn_that_runs_and_a_second_one_leaves_it() {
    let node = Node::new(|row| if row.text == "/stop" { Turn::Settle(Outcome::Noted) } else { Turn::Never });
    let (mut talk, hands) = talk(&node).await;
    let (result, ()) = tokio::join!(talk.run(), async {
        hands.type_line("long").await;
        hands.until(|| (node.rows().len() == 1).then_some(())).await;
        hands.interrupt.send(()).await.unwrap();
        hands.until(|| (node.rows().len() == 2).then_some(())).await;
        assert_eq!(node.rows()[1].text, "/stop");
        hands.interrupt.send(()).await.unwrap();
        hands.leave().await;
    });
    result.unwrap();
    assert!(hands.paper.text().contains("It goes on"), "{}", hands.paper.text());
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_too_long_is_refused_with_the_limit_and_the_next_is_taken() {
    let node = Node::echo();
    let (mut talk, hands) = talk(&node).await;
    let (result, ()) = tokio::join!(talk.run(), async {
        hands.type_line(&"x".repeat(crate::wire::TEXT_BYTES_MAX + 1)).await;
        hands.type_line("hi").await;
        hands.leave().await;
    });
    result.unwrap();
    assert!(hands.paper.text().contains("65536") && hands.paper.text().ends_with("echo hi\n"));
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_a_line_is_typed_is_shown_in_place_of_the_prompt_which_comes_back() {
    let node = Node::new(|_| Turn::Reply("first".into()));
    let (mut talk, hands) = talk(&node).await;
    let late = async {
        hands.type_line("hi").await;
        hands.asked().await;
        let row = Node::outbox(&node.rows()[0], 99, "late");
        let sending = tokio::spawn(node.sessions.send(row, MaySend::by(|| true)));
        hands.until(|| hands.taken.load(Ordering::SeqCst).then_some(())).await;
        hands.typing.send(Typed::Broken).await.unwrap();
        hands.asked().await;
        assert_eq!(sending.await.unwrap(), lane::Sending::Sent { platform_id: "s/99".into() });
        hands.typing.send(Typed::Leave).await.unwrap();
    };
    let (result, ()) = tokio::join!(talk.run(), late);
    result.unwrap();
    let text = hands.paper.text();
    assert!(text.contains("<cleared>[the reply to in_") && text.contains("was asked before:]\nlate\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_gone_ends_the_talk_with_words() {
    let node = Node::echo();
    let (mut talk, hands) = talk(&node).await;
    let (stream, serving) = node.serve();
    talk.client.reattach(stream).await.unwrap();
    serving.abort();
    let error = talk.run().await.unwrap_err();
    assert!(error.to_string().contains("closed the connection"), "{error}");
    drop(hands);
}
