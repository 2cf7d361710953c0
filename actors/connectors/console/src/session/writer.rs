//! The way out of one connection: frames are gathered while they come and written at once.

use std::time::Duration;

use lane::MaySend;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_util::bytes::BytesMut;

use crate::registry::Handing;
use crate::wire::{Answered, FromNode, WireError, encode};

/// Frames that wait for one connection.
pub(crate) const OUT_MAX: usize = 256;
/// Frames that are written together.
const GATHERED_MAX: usize = 64;
/// How long a client may take no byte before its connection is closed, in milliseconds.
pub(crate) const STALL_MS_MAX: u64 = 60_000;

/// What goes out.
#[derive(Debug)]
pub(crate) enum Out {
    /// A frame.
    Frame(FromNode),
    /// A reply's frame.
    Reply(Handing),
}

/// Writes what comes until nobody sends any more or the client takes nothing.
pub(crate) async fn run(mut frames: mpsc::Receiver<Out>, mut stream: impl AsyncWrite + Unpin) {
    let (mut gathered, mut bytes) = (Vec::with_capacity(GATHERED_MAX), BytesMut::new());
    while frames.recv_many(&mut gathered, GATHERED_MAX).await > 0 {
        let mut may_send = None;
        for out in gathered.drain(..) {
            append(out, &mut bytes, &mut may_send);
        }
        let replies = may_send.is_some();
        if replies {
            fail::fail_point!("console.before_send");
        }
        if !written(&bytes, may_send.as_ref(), &mut stream).await {
            return;
        }
        if replies {
            fail::fail_point!("console.after_send");
        }
        bytes.clear();
    }
    drop(stream.shutdown().await);
}

/// Puts one frame behind the others. An answer too large for a frame is answered by saying so.
fn append(out: Out, bytes: &mut BytesMut, may_send: &mut Option<MaySend>) {
    let frame = match out {
        Out::Reply(handing) => {
            if let Some(line) = handing.hand() {
                bytes.extend_from_slice(line);
                // Of one account all.
                *may_send = Some(handing.may_send.clone());
            }
            return;
        }
        Out::Frame(frame) => frame,
    };
    let Err(error) = encode(&frame, bytes) else { return };
    tracing::warn!(%error, "a frame for a console session could not be written");
    if let (FromNode::Answer { n, .. }, WireError::TooLong { bytes_max }) = (&frame, &error) {
        let reply = Answered::Failed(format!("the answer is longer than {bytes_max} bytes"));
        // Small, so it can't fail as the first did.
        drop(encode(&FromNode::Answer { n: *n, reply }, bytes));
    }
}

async fn written(mut bytes: &[u8], may_send: Option<&MaySend>, stream: &mut (impl AsyncWrite + Unpin)) -> bool {
    let stall = Duration::from_millis(STALL_MS_MAX);
    while !bytes.is_empty() {
        // A client that reads slowly may take its bytes when the account is another node's: half a frame is none.
        if may_send.is_some_and(|may_send| !may_send.now()) {
            tracing::warn!("the lease has ended while a reply was being sent; the connection is closed");
            return false;
        }
        match tokio::time::timeout(stall, stream.write(bytes)).await {
            Ok(Ok(n)) if n > 0 => bytes = bytes.get(n..).unwrap_or_default(),
            Ok(_) => return false,
            Err(_) => {
                tracing::warn!(stall_ms = STALL_MS_MAX, "a console session reads nothing; its connection is closed");
                return false;
            }
        }
    }
    matches!(tokio::time::timeout(stall, stream.flush()).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use lane::Sink as _;
    use messages::admin::ActorView;
    use messages::store::OutboxRow;
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::testing::{Node, Turn};
    use crate::wire::FRAME_BYTES_MAX;

    #[test]
    fn an_answer_that_fits_no_frame_is_answered_by_saying_so() {
        let view = ActorView { doing: "x".repeat(FRAME_BYTES_MAX), ..ActorView::default() };
        let mut bytes = BytesMut::new();
        append(Out::Frame(FromNode::Answer { n: 4, reply: Answered::Actors(vec![view]) }), &mut bytes, &mut None);
        let FromNode::Answer { n: 4, reply: Answered::Failed(why) } = serde_json::from_slice(&bytes).unwrap() else {
            panic!("{bytes:?}")
        };
        assert!(why.contains("longer than"), "{why}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_loses_its_connection() {
        let (near, _far) = tokio::io::duplex(16);
        let (sender, frames) = mpsc::channel(4);
        sender.send(Out::Frame(FromNode::Busy { why: "x".repeat(100) })).await.unwrap();
        let began = tokio::time::Instant::now();
        run(frames, near).await;
        assert_eq!(began.elapsed(), Duration::from_millis(STALL_MS_MAX));
    }

    #[tokio::test]
    async fn a_reply_that_is_half_written_when_the_lease_ends_is_not_written_further_and_is_in_doubt() {
        let node = Node::new(|_| Turn::Never);
        let mut client = node.client("s").await;
        client.submit("s:1", "hi").unwrap();
        client.next().await.unwrap();
        let lease = Arc::new(AtomicBool::new(true));
        let asked = lease.clone();
        let row = OutboxRow { event: "t:1".into(), ..Node::outbox(&node.rows()[0], 7, &"x".repeat(1_000)) };
        let mut place = node.sessions.enter("t", "home/general", &[]);
        let sending = tokio::spawn(node.sessions.send(row, MaySend::by(move || asked.load(Ordering::SeqCst))));
        let push = place.pushes.recv().await.unwrap();
        let (near, mut far) = tokio::io::duplex(16);
        let (sender, frames) = mpsc::channel(4);
        sender.send(Out::Reply(place.handing(push))).await.unwrap();
        let writing = tokio::spawn(run(frames, near));
        let mut some = [0; 16];
        far.read_exact(&mut some).await.unwrap();
        lease.store(false, Ordering::SeqCst);
        let mut rest = String::new();
        far.read_to_string(&mut rest).await.unwrap();
        assert!(rest.len() < 100, "{rest}");
        writing.await.unwrap();
        drop(place);
        assert!(matches!(sending.await.unwrap(), lane::Sending::InDoubt { .. }));
    }
}
