use std::time::Duration;

use lane::{Found, MaySend, Sending, Sink as _};
use messages::store::{CommitError, InboundKind};
use messages::turn::{Chat, Outcome};
use messages::{Address, Trace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::*;
use crate::client::{Client, ClientError, Who};
use crate::registry::DELIVERY_MS_MAX;
use crate::testing::{Node, Turn, who};
use crate::wire::{AdminAsk, Answered, FRAME_BYTES_MAX, Reply, TEXT_BYTES_MAX};

fn chat() -> Chat {
    Chat { connector: "console".into(), chat: "home/general".into() }
}

fn always() -> MaySend {
    MaySend::by(|| true)
}

async fn reply(client: &mut Client) -> Reply {
    loop {
        if let FromNode::Reply(reply) = client.next().await.unwrap() {
            return reply;
        }
    }
}

/// What the node says to raw frames, until it closes the connection.
async fn says(node: &std::sync::Arc<Node>, bytes: &[u8]) -> String {
    let (mut stream, _) = node.serve();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test(start_paused = true)]
async fn an_event_is_acknowledged_on_disk_then_answered_then_delivered() {
    let node = Node::echo();
    let mut client = node.client("s").await;
    assert_eq!(client.welcome().lines, ["hello"]);
    let inbound = client.submit("s:1", "hi\u{1b}\u{200b}").unwrap();
    let first = client.next().await.unwrap();
    assert_eq!(first, FromNode::Accepted { event: "s:1".into(), inbound: inbound.clone(), duplicate: false });
    let reply = reply(&mut client).await;
    assert_eq!((&reply.inbound, reply.text.as_str()), (&inbound, "echo hi\u{1b}\u{200b}"));
    assert!(node.sendings().is_empty(), "not delivered before the client says so");
    client.flushed(reply.delivery).unwrap();
    client.submit("s:2", "more").unwrap();
    client.next().await.unwrap();
    assert_eq!(node.sendings(), [Sending::Sent { platform_id: "s/1".into() }]);
    let row = node.rows()[0].clone();
    assert_eq!((row.user.as_str(), row.chat, row.kind), ("ann", chat(), InboundKind::Message));
    assert_eq!(row.context.as_str(), "ws/home/context/general");
    assert_eq!((row.received_at.0, row.trace), (42, Trace::of(&inbound)));
    assert_ne!(row.salt, [0; 16]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_attaches_wakes_the_lane_of_its_chat() {
    let node = Node::echo();
    assert!(!node.sessions.is_ready(&chat()));
    let client = node.client("s").await;
    assert!(node.sessions.is_ready(&chat()));
    assert_eq!(node.woken(), [Address::lane(&chat()).unwrap()]);
    client.leave().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(!node.sessions.is_ready(&chat()));
}

#[tokio::test(start_paused = true)]
async fn many_events_ride_in_few_commits_and_none_is_lost() {
    let node = Node::new(|_| Turn::Settle(Outcome::Noted));
    let mut client = node.client("s").await;
    for n in 0..crate::client::WINDOW {
        client.submit(&format!("s:{n}"), "hi").unwrap();
    }
    let mut settled = 0;
    while client.unsettled() > 0 {
        settled += usize::from(matches!(client.next().await.unwrap(), FromNode::Settled { .. }));
    }
    assert_eq!((settled, node.rows().len()), (crate::client::WINDOW, crate::client::WINDOW));
    assert!(node.commits().len() < crate::client::WINDOW / 4, "{:?}", node.commits());
    assert!(node.commits().iter().all(|writes| *writes <= core::BATCH_MAX));
}

#[tokio::test(start_paused = true)]
async fn outcomes_without_a_reply_come_before_the_replies_after_them() {
    let node = Node::new(|row| match row.text.as_str() {
        "note" => Turn::Settle(Outcome::Noted),
        text => Turn::Reply(text.into()),
    });
    let mut client = node.client("s").await;
    for (n, text) in ["note", "a", "note", "note", "b"].into_iter().enumerate() {
        client.submit(&format!("s:{n}"), text).unwrap();
    }
    let mut came = Vec::new();
    while client.unsettled() > 0 {
        match client.next().await.unwrap() {
            FromNode::Reply(reply) => {
                client.flushed(reply.delivery).unwrap();
                came.push(reply.text);
            }
            FromNode::Settled { outcome, .. } => came.push(outcome.to_string()),
            _ => {}
        }
    }
    assert_eq!(came, ["noted", "a", "noted", "noted", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_busy_costs_time_and_no_event() {
    let node = Node::echo();
    let full = || CommitError::Unavailable("disk full".into());
    node.refuse([CommitError::Busy { limit: 9 }, full(), CommitError::Unknown("?".into())]);
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    assert!(matches!(client.next().await.unwrap(), FromNode::Busy { why } if why.contains("queue of 9")));
    assert!(matches!(client.next().await.unwrap(), FromNode::Accepted { .. }));
    node.refuse((0..1_000).map(|_| full()));
    let began = Instant::now();
    client.submit("s:2", "hi").unwrap();
    let why = loop {
        if let FromNode::NotAccepted { why, .. } = client.next().await.unwrap() {
            break why;
        }
    };
    assert!(why.contains("disk full") && why.contains("60 seconds"), "{why}");
    assert!(began.elapsed() <= Duration::from_millis(accept::ACCEPT_MS_MAX));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_about_to_stop_neither_accepts_nor_refuses_and_still_hears_what_was_flushed() {
    let node = Node::echo();
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    let delivery = loop {
        if let FromNode::Reply(reply) = client.next().await.unwrap() {
            break reply.delivery;
        }
    };
    node.draining.store(true, std::sync::atomic::Ordering::SeqCst);
    client.submit("s:2", "too late").unwrap();
    client.flushed(delivery).unwrap();
    client.flush().await.unwrap();
    // Longer than a store that refuses is waited for: nothing is said of it.
    let verdict = async {
        loop {
            match client.next().await.unwrap() {
                FromNode::Accepted { event, .. } | FromNode::NotAccepted { event, .. } if event == "s:2" => {
                    break event;
                }
                _ => {}
            }
        }
    };
    let within = Duration::from_millis(accept::ACCEPT_MS_MAX * 2);
    assert!(tokio::time::timeout(within, verdict).await.is_err());
    assert_eq!(node.rows().len(), 1);
    assert!(node.sessions.list().iter().all(|(_, _, open, _)| *open == 0), "the delivery is known");
}

#[tokio::test(start_paused = true)]
async fn one_event_that_the_store_refuses_costs_no_other() {
    let node = Node::echo();
    let mut client = node.client("s").await;
    for (n, text) in ["a", "poison", "b"].into_iter().enumerate() {
        client.submit(&format!("s:{n}"), text).unwrap();
    }
    let mut refused = Vec::new();
    let mut accepted = 0;
    while accepted + refused.len() < 3 {
        match client.next().await.unwrap() {
            FromNode::Accepted { .. } => accepted += 1,
            FromNode::NotAccepted { event, .. } => refused.push(event),
            _ => {}
        }
    }
    assert_eq!((refused, node.rows().len()), (vec!["s:1".to_owned()], 2));
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_too_long_is_refused_and_the_next_is_taken() {
    let node = Node::echo();
    let hello = r#"{"hello":{"version":2,"user":"a","workspace":"home","context":"general","session":"s"}}"#;
    let long = "x".repeat(1_000_000);
    let (mut stream, _) = node.serve();
    let frames = format!(
        "{hello}\n{{\"submit\":{{\"event\":\"s:1\",\"text\":\"{long}\"}}}}\n{{\"submit\":{{\"event\":\"s:2\",\"text\":\"hi\"}}}}\n"
    );
    stream.write_all(frames.as_bytes()).await.unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(stream));
    let mut got = Vec::new();
    for _ in 0..3 {
        got.push(lines.next_line().await.unwrap().unwrap());
    }
    assert!(got[1].contains("not_accepted") && got[1].contains(&TEXT_BYTES_MAX.to_string()), "{}", got[1]);
    assert!(got[2].starts_with(r#"{"accepted":{"event":"s:2""#), "{}", got[2]);
}

#[tokio::test(start_paused = true)]
async fn who_is_not_wanted_is_told_why() {
    let node = Node::echo();
    let missing = Who { context: "missing".into(), ..who("s") };
    let error = Client::over(node.serve().0, missing).await.err().unwrap();
    assert_eq!(error.to_string(), "there is no context `missing`");
    assert!(says(&node, b"\"bye\"\n").await.contains("must be a hello"));
    assert!(says(&node, b"garbage\n").await.contains("can't be read"));
    let endless = vec![b'x'; FRAME_BYTES_MAX + 2];
    let (mut stream, serving) = node.serve();
    // The node stops reading once it has seen enough.
    drop(stream.write_all(&endless).await);
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("longer than 2097152 bytes"), "{text}");
    serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed() {
    let node = Node::echo();
    let (mut stream, _) = node.serve();
    let began = Instant::now();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("no hello"), "{text}");
    assert_eq!(began.elapsed(), Duration::from_millis(HELLO_MS_MAX));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_dies_with_a_reply_in_its_hands_leaves_it_in_doubt() {
    let node = Node::echo();
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    reply(&mut client).await;
    drop(client);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(matches!(node.sendings()[..], [Sending::InDoubt { .. }]));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_nobody_is_there_for_is_surely_not_sent() {
    let node = Node::new(|_| Turn::Never);
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    client.next().await.unwrap();
    client.leave().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let row = Node::outbox(&node.rows()[0], 7, "late");
    let sending = node.sessions.send(row, always()).await;
    assert!(matches!(sending, Sending::NotSent { retry_after_ms: None, .. }), "{sending:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_long_is_told_once_for_which_node() {
    let node = Node::new(|_| Turn::Never);
    node.is_away("ws/home waits for `worker-2`");
    let mut client = node.client("s").await;
    let began = Instant::now();
    client.submit("s:1", "hi").unwrap();
    client.next().await.unwrap();
    let FromNode::Busy { why } = client.next().await.unwrap() else { panic!("something else") };
    assert_eq!(why, "ws/home waits for `worker-2`");
    assert!(began.elapsed() >= Duration::from_secs(5), "{:?}", began.elapsed());
    client.submit("s:2", "still there?").unwrap();
    client.next().await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(60), client.next()).await.is_err(), "once");
}

#[tokio::test(start_paused = true)]
async fn a_reply_whose_node_has_no_lease_any_more_is_surely_not_sent() {
    let node = Node::new(|_| Turn::Never);
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    client.next().await.unwrap();
    let row = Node::outbox(&node.rows()[0], 7, "not mine to send");
    let sending = node.sessions.send(row.clone(), MaySend::by(|| false)).await;
    assert!(matches!(sending, Sending::NotSent { retry_after_ms: None, .. }), "{sending:?}");
    // By who has the account then, or by the same when its lease was renewed.
    let again = tokio::spawn(node.sessions.send(row, always()));
    let first = reply(&mut client).await;
    client.flushed(first.delivery).unwrap();
    client.flush().await.unwrap();
    assert_eq!(again.await.unwrap(), Sending::Sent { platform_id: "s/7".into() });
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_flush_in_time_costs_one_doubt_and_is_given_no_more() {
    let node = Node::echo();
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    let reply = reply(&mut client).await;
    tokio::time::sleep(Duration::from_millis(DELIVERY_MS_MAX + 1)).await;
    assert!(matches!(node.sendings()[..], [Sending::InDoubt { .. }]));
    assert!(!node.sessions.is_ready(&chat()));
    let lane = Address::lane(&chat()).unwrap();
    let wakes = || node.woken().iter().filter(|a| **a == lane).count();
    let before = wakes();
    client.flushed(reply.delivery).unwrap();
    client.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(node.sessions.is_ready(&chat()));
    assert_eq!(wakes(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_comes_back_says_what_it_flushed_and_has_its_events_again() {
    let node = Node::new(|row| if row.text == "never" { Turn::Never } else { Turn::Reply("yes".into()) });
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    let first = reply(&mut client).await;
    client.submit("s:2", "never").unwrap();
    while !matches!(client.next().await.unwrap(), FromNode::Accepted { .. }) {}
    // The acknowledgement never reaches the first node: it is gone.
    client.flushed(first.delivery).unwrap();
    let again = Node::new(|_| Turn::Never);
    client.reattach(again.serve().0).await.unwrap();
    let row = Node::outbox(&node.rows()[0], first.delivery, "yes");
    assert_eq!(again.sessions.find(row.clone()).await, Found::Yes { platform_id: "s/1".into() });
    assert_eq!(again.sessions.send(row.clone(), always()).await, Sending::Sent { platform_id: "s/1".into() });
    assert_eq!(again.sessions.find(Node::outbox(&node.rows()[0], 99, "")).await, Found::Unknown);
    let accepted = client.next().await.unwrap();
    assert!(matches!(&accepted, FromNode::Accepted { event, .. } if event == "s:2"), "{accepted:?}");
    assert_eq!(again.rows().len(), 1, "the settled one is not submitted again");
}

#[tokio::test(start_paused = true)]
async fn a_resubmitted_event_is_a_duplicate_and_its_outcome_is_told() {
    let node = Node::new(|_| Turn::Never);
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    client.next().await.unwrap();
    node.settle("s:1", Outcome::Cancelled);
    client.reattach(node.serve().0).await.unwrap();
    assert!(matches!(client.next().await.unwrap(), FromNode::Accepted { duplicate: true, .. }));
    assert!(matches!(client.next().await.unwrap(), FromNode::Settled { outcome: Outcome::Cancelled, .. }));
    assert_eq!(node.rows().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_newer_connection_of_the_same_session_takes_its_place() {
    let node = Node::echo();
    let mut older = node.client("s").await;
    let mut newer = node.client("s").await;
    let error = older.next().await.unwrap_err();
    assert!(matches!(&error, ClientError::Refused(why) if why.contains("another connection")), "{error}");
    newer.submit("s:1", "hi").unwrap();
    assert_eq!(reply(&mut newer).await.text, "echo hi");
}

#[tokio::test(start_paused = true)]
async fn stop_gets_through_while_a_turn_runs() {
    let node = Node::new(|row| if row.kind == InboundKind::Stop { Turn::Settle(Outcome::Noted) } else { Turn::Never });
    let mut client = node.client("s").await;
    for n in 0..crate::client::WINDOW {
        client.submit(&format!("s:{n}"), "hi").unwrap();
    }
    let stop = client.submit("s:stop", "/stop").unwrap();
    loop {
        if let FromNode::Settled { inbound, .. } = client.next().await.unwrap() {
            assert_eq!(inbound, stop);
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn edits_and_deletions_name_their_target() {
    let node = Node::new(|_| Turn::Settle(Outcome::Noted));
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    client.edit("s:2", "s:1", "ho").unwrap();
    client.delete("s:3", "s:1").unwrap();
    while client.unsettled() > 0 {
        client.next().await.unwrap();
    }
    let kinds: Vec<_> = node.rows().iter().map(|row| (row.kind, row.text.clone())).collect();
    assert_eq!(
        kinds,
        [(InboundKind::Message, "hi".into()), (InboundKind::Edit, "ho".into()), (InboundKind::Delete, String::new())]
    );
}

#[tokio::test(start_paused = true)]
async fn previews_come_before_the_reply_to_who_wants_them() {
    let node = Node::new(|_| Turn::Never);
    let mut client = node.client("s").await;
    let inbound = client.submit("s:1", "hi").unwrap();
    client.next().await.unwrap();
    node.feed.publish(&Trace::of(&inbound), "He");
    let preview = client.next().await.unwrap();
    assert_eq!(preview, FromNode::Preview { inbound: inbound.clone(), piece: "He".into() });
    let quiet = Who { previews: false, ..who("quiet") };
    let mut client = Client::over(node.serve().0, quiet).await.unwrap();
    let inbound = client.submit("quiet:1", "hi").unwrap();
    client.next().await.unwrap();
    assert!(!node.feed.is_heard(&Trace::of(&inbound)));
}

#[tokio::test(start_paused = true)]
async fn a_question_about_the_node_is_answered_under_its_number() {
    let node = Node::echo();
    let mut client = node.client("s").await;
    client.ask(7, AdminAsk::Context).unwrap();
    let answer = client.next().await.unwrap();
    let FromNode::Answer { n: 7, reply: Answered::Failed(text) } = answer else { panic!("{answer:?}") };
    assert_eq!(text, "Context of ws/home/context/general");
}

#[tokio::test(start_paused = true)]
async fn a_reply_too_large_for_a_frame_is_refused_for_good() {
    let node = Node::new(|_| Turn::Never);
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    client.next().await.unwrap();
    let row = Node::outbox(&node.rows()[0], 1, &"x".repeat(FRAME_BYTES_MAX));
    assert!(matches!(node.sessions.send(row, always()).await, Sending::Refused { .. }));
}

#[test]
fn the_longest_names_make_an_address_of_a_lane() {
    let slug = |c: &str| Slug::parse(&c.repeat(Slug::CHARS_MAX)).unwrap();
    let who = Who { workspace: String::new(), context: String::new(), ..crate::testing::who("s") };
    let who = core::Who { workspace: slug("w"), context: slug("c"), user: who.user, session: who.session };
    assert!(Address::lane(&chat_of(&who)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_only_asks_is_given_no_reply_and_makes_nobody_ready() {
    let node = Node::echo();
    let mut asks = Client::over(node.serve().0, Who { only_asks: true, ..who("q") }).await.unwrap();
    assert!(!node.sessions.is_ready(&chat()));
    assert!(node.woken().is_empty());
    let mut client = node.client("s").await;
    client.submit("s:1", "hi").unwrap();
    let reply = reply(&mut client).await;
    client.flushed(reply.delivery).unwrap();
    client.leave().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let late = Node::outbox(&node.rows()[0], 99, "late");
    assert!(matches!(node.sessions.send(late, always()).await, Sending::NotSent { .. }));
    asks.ask(7, AdminAsk::Models).unwrap();
    let answer = asks.next().await.unwrap();
    assert!(matches!(answer, FromNode::Answer { n: 7, reply: Answered::Failed(_) }), "{answer:?}");
}
