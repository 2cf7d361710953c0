//! The read half: whole frames only, each judged; a clock for silence; a switch that ends it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::core::{Gate, Judged};
use crate::limits::FRAME_BYTES_MAX;
use crate::switch::{Armed, Switch};

/// The length before each frame.
const HEAD: usize = 8;
/// Read from the peer at once.
const CHUNK: usize = 16 * 1_024;

/// Reads from `inner`, gives what the gate passes.
pub(crate) struct GateReader<R> {
    inner: R,
    gate: Gate,
    /// Came, and is not a whole frame yet.
    came: Vec<u8>,
    /// Passed, and not yet taken.
    passed: VecDeque<u8>,
    chunk: Box<[u8]>,
    silence: Armed,
    switch: Switch,
}

impl<R> GateReader<R> {
    pub(crate) fn new(inner: R, gate: Gate, silence: Armed, switch: Switch) -> Self {
        let chunk = vec![0; CHUNK].into_boxed_slice();
        Self { inner, gate, came: Vec::new(), passed: VecDeque::new(), chunk, silence, switch }
    }

    /// Judges all whole frames that have come.
    fn judge(&mut self) -> io::Result<()> {
        let mut at = 0;
        while let Some(length) = self.came.get(at..).and_then(frame_length) {
            if length > FRAME_BYTES_MAX as u64 {
                return Err(closed("a frame is larger than it may be"));
            }
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let Some(frame) = self.came.get(at + HEAD..at + HEAD + length) else { break };
            match self.gate.judge(frame) {
                Judged::Pass => put(&mut self.passed, &[frame]),
                Judged::Append(more) => put(&mut self.passed, &[frame, &more]),
                Judged::Replace(other) => put(&mut self.passed, &[&other]),
                Judged::Drop => {}
                Judged::Close(why) => return Err(closed(why)),
            }
            at += HEAD + length;
        }
        self.came.drain(..at);
        if self.came.capacity() > 4 * CHUNK && self.came.len() < CHUNK {
            self.came.shrink_to(CHUNK);
        }
        Ok(())
    }

    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) {
        let (front, _) = self.passed.as_slices();
        let take = front.len().min(buf.remaining());
        buf.put_slice(front.get(..take).unwrap_or_default());
        self.passed.drain(..take);
        if self.passed.is_empty() && self.passed.capacity() > 4 * CHUNK {
            self.passed = VecDeque::new();
        }
    }
}

fn frame_length(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk::<HEAD>().map(|head| u64::from_be_bytes(*head))
}

fn put(passed: &mut VecDeque<u8>, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    passed.extend((length as u64).to_be_bytes());
    for part in parts {
        passed.extend(*part);
    }
}

fn closed(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl<R: AsyncRead + Unpin> AsyncRead for GateReader<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.switch.poll_off(cx) {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            if !this.passed.is_empty() {
                this.hand_out(buf);
                return Poll::Ready(Ok(()));
            }
            let mut chunk = ReadBuf::new(&mut this.chunk);
            // What has come is read before the clock is looked at: after a stall of our own, the peer is not to blame.
            let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(cx, &mut chunk) else {
                ready!(this.silence.poll(cx));
                this.switch.turn_off("it has been silent for too long");
                continue;
            };
            read.inspect_err(|error| this.switch.turn_off(&error.to_string()))?;
            this.silence.again();
            if chunk.filled().is_empty() {
                this.switch.turn_off("it closed the link");
                return Poll::Ready(Ok(()));
            }
            this.came.extend_from_slice(chunk.filled());
            if let Err(error) = this.judge() {
                this.switch.turn_off(&error.to_string());
            }
        }
    }
}
