//! The way out of one connection: frames are gathered while they come and written at once.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_util::bytes::{Bytes, BytesMut};

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
    /// A reply's frame with its line end.
    Reply(Bytes),
}

/// Writes what comes until nobody sends any more or the client takes nothing.
pub(crate) async fn run(mut frames: mpsc::Receiver<Out>, mut stream: impl AsyncWrite + Unpin) {
    let (mut gathered, mut bytes) = (Vec::with_capacity(GATHERED_MAX), BytesMut::new());
    while frames.recv_many(&mut gathered, GATHERED_MAX).await > 0 {
        let replies = gathered.iter().any(|out| matches!(out, Out::Reply(_)));
        for out in gathered.drain(..) {
            append(out, &mut bytes);
        }
        if replies {
            fail::fail_point!("console.before_send");
        }
        if !written(&bytes, &mut stream).await {
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
fn append(out: Out, bytes: &mut BytesMut) {
    let frame = match out {
        Out::Reply(line) => return bytes.extend_from_slice(&line),
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

async fn written(mut bytes: &[u8], stream: &mut (impl AsyncWrite + Unpin)) -> bool {
    let stall = Duration::from_millis(STALL_MS_MAX);
    while !bytes.is_empty() {
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
    use messages::admin::ActorView;

    use super::*;
    use crate::wire::FRAME_BYTES_MAX;

    #[test]
    fn an_answer_that_fits_no_frame_is_answered_by_saying_so() {
        let view = ActorView { doing: "x".repeat(FRAME_BYTES_MAX), ..ActorView::default() };
        let mut bytes = BytesMut::new();
        append(Out::Frame(FromNode::Answer { n: 4, reply: Answered::Actors(vec![view]) }), &mut bytes);
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
}
