//! The client's end of a session, for the terminal, for batches, and for programs that drive a node.
//!
//! Bytes go both ways at once while [`Client::next`] waits, so that a client that submits much and a node that answers
//! much never wait for each other. What is submitted is gathered and written when no frame is ready.

mod core;

use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream as _;
use messages::InboundId;
use tokio::io::{AsyncWrite, ReadHalf, WriteHalf};
use tokio::time::Instant;
use tokio_util::bytes::{Buf as _, BytesMut};
use tokio_util::codec::FramedRead;

use self::core::{Memory, Taken};
pub use self::core::{SubmitError, WINDOW};
use crate::port::Duplex;
use crate::socket;
use crate::wire::{AdminAsk, Frames, FromClient, FromNode, Hello, WIRE_VERSION, Welcome, WireError, encode};

/// Bytes that wait to be sent; beyond them nothing is submitted.
pub const OUT_BYTES_MAX: usize = 1024 * 1024;
/// How long a node may take to welcome a client, in milliseconds.
pub const WELCOME_MS_MAX: u64 = 10_000;
/// How long a client waits for a node that is just being given the account of the console: as long as the lease of the node that
/// had it may last, twice.
pub const NOT_NOW_MS_MAX: u64 = 10_000;
/// How long the last frames of a client that leaves may take, in milliseconds.
const LEAVE_MS_MAX: u64 = 2_000;
const REDIAL_MS_MIN: u64 = 50;
/// How long a node that runs may take until it listens: when it starts, and when it closes one door and opens the other.
const LISTENS_MS_MAX: u64 = 2_000;
const REDIAL_MS_MAX: u64 = 1_000;

/// Why there is no session, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The node does not attach the session, or ended it.
    #[error("{0}")]
    Refused(String),
    /// The node has no chat for now; it is worth another try.
    #[error("{0}")]
    NotNow(String),
    /// The connection is gone: the node has stopped.
    #[error("the node has closed the connection")]
    Closed,
    /// The node did not welcome the client in time.
    #[error("the node did not answer within {} seconds", WELCOME_MS_MAX / 1_000)]
    NoWelcome,
    /// The socket can't be used.
    #[error("the node's socket {path} can't be used: {error}")]
    Socket {
        /// Which socket.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// What came is no frame, or the stream failed.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The system gives no random bytes for a session's name.
    #[error("the system gives no random bytes: {0}")]
    Random(std::io::Error),
}

/// Who attaches to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The user's name.
    pub user: String,
    /// The workspace's id.
    pub workspace: String,
    /// The context's name.
    pub context: String,
    /// The session's name, such as [`fresh_session`] gives. Who comes back under it has its events again.
    pub session: String,
    /// Previews of answers are wanted.
    pub previews: bool,
    /// It only asks about the node, and is given no reply.
    pub only_asks: bool,
}

/// A new session's name: `c` and 16 hexadecimal characters.
///
/// # Errors
/// [`ClientError::Random`].
pub fn fresh_session() -> Result<String, ClientError> {
    let mut bytes = [0_u8; 8];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    filled.map_err(|error| ClientError::Random(error.into()))?;
    Ok(format!("c{:016x}", u64::from_be_bytes(bytes)))
}

/// How a client finds its node again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redial {
    /// The data folder.
    pub data: PathBuf,
    /// How long it tries, in milliseconds.
    pub wait_ms_max: u64,
}

/// An attached session.
pub struct Client {
    who: Who,
    welcome: Welcome,
    memory: Memory,
    link: Link,
}

/// One connection.
struct Link {
    reader: FramedRead<ReadHalf<Box<dyn Duplex>>, Frames<FromNode>>,
    writer: WriteHalf<Box<dyn Duplex>>,
    out: BytesMut,
}

impl Client {
    /// Attaches to the node that serves a data folder; `None` when none does. A node that is starting, or just being given the
    /// account of the console, is waited for.
    ///
    /// # Errors
    /// [`ClientError::Socket`] when it is another user's, [`ClientError::Refused`] when the node does not want us,
    /// [`ClientError::NotNow`] when it still does not have the account after [`NOT_NOW_MS_MAX`].
    pub async fn connect(data: &Path, who: Who) -> Result<Option<Self>, ClientError> {
        let until = Instant::now() + Duration::from_millis(NOT_NOW_MS_MAX);
        let listens_by = Instant::now() + Duration::from_millis(LISTENS_MS_MAX);
        let mut not_now = None;
        loop {
            match (dial(data).await?, not_now.take()) {
                (Some(stream), _) => match Self::over(stream, who.clone()).await {
                    Err(error @ ClientError::NotNow(_)) => not_now = Some(error),
                    // The door was closed before we were welcomed: whoever is there now is asked.
                    Err(ClientError::Closed) if Instant::now() < until => {}
                    attached => return attached.map(Some),
                },
                // It closes one door before it opens the other.
                (None, Some(error)) => not_now = Some(error),
                (None, None) if Instant::now() < listens_by && socket::is_served(data) => {}
                (None, None) => return Ok(None),
            }
            if Instant::now() >= until
                && let Some(error) = not_now
            {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(REDIAL_MS_MIN)).await;
        }
    }

    /// Attaches over a stream whose other end a node serves.
    ///
    /// # Errors
    /// [`ClientError::Refused`], [`ClientError::NoWelcome`], [`ClientError::Closed`], [`ClientError::Wire`].
    pub async fn over(stream: impl Duplex + 'static, who: Who) -> Result<Self, ClientError> {
        let mut memory = Memory::new(who.session.clone());
        let (link, welcome) = greet(Box::new(stream), &who, &memory).await?;
        memory.attached(welcome.generation);
        Ok(Self { who, welcome, memory, link })
    }

    /// Goes on over a new stream: reports what was flushed, and submits again what has no outcome.
    ///
    /// # Errors
    /// As [`Client::over`]; the client can be given another stream then.
    pub async fn reattach(&mut self, stream: impl Duplex + 'static) -> Result<(), ClientError> {
        let (mut link, welcome) = greet(Box::new(stream), &self.who, &self.memory).await?;
        self.memory.attached(welcome.generation);
        for frame in self.memory.again() {
            encode(frame, &mut link.out)?;
        }
        (self.link, self.welcome) = (link, welcome);
        Ok(())
    }

    /// Finds the node again after the connection was lost, and goes on.
    ///
    /// # Errors
    /// The last error, when the time is over or the node refuses.
    pub async fn redial(&mut self, redial: &Redial) -> Result<(), ClientError> {
        let until = Instant::now() + Duration::from_millis(redial.wait_ms_max);
        let mut pause_ms = REDIAL_MS_MIN;
        loop {
            let error = match dial(&redial.data).await {
                Ok(None) => ClientError::Closed,
                Ok(Some(stream)) => match self.reattach(stream).await {
                    Err(error) => error,
                    Ok(()) => return Ok(()),
                },
                Err(error) => error,
            };
            let pause = Duration::from_millis(pause_ms);
            if matches!(error, ClientError::Refused(_)) || Instant::now() + pause >= until {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause_ms = (pause_ms * 2).min(REDIAL_MS_MAX);
        }
    }

    /// What the node said first.
    #[must_use]
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// The session's name; its events' ids begin with it and a colon.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.who.session
    }

    /// Another event can be submitted now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.memory.unsettled() < WINDOW && self.link.out.len() < OUT_BYTES_MAX
    }

    /// Events that were submitted and have no outcome yet.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.memory.unsettled()
    }

    /// The event has no outcome yet.
    #[must_use]
    pub fn is_open(&self, inbound: &InboundId) -> bool {
        self.memory.is_open(inbound)
    }

    /// Submits an event under its id, `<session>:<number>`. It leaves with [`Client::next`] or [`Client::flush`].
    ///
    /// # Errors
    /// [`SubmitError`]; nothing was submitted then.
    pub fn submit(&mut self, event: &str, text: &str) -> Result<InboundId, SubmitError> {
        self.put(event, FromClient::Submit { event: event.to_owned(), text: text.to_owned() })
    }

    /// Submits new words for an earlier event.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing was submitted then.
    pub fn edit(&mut self, event: &str, target: &str, text: &str) -> Result<InboundId, SubmitError> {
        let (target, text) = (target.to_owned(), text.to_owned());
        self.put(event, FromClient::Edit { event: event.to_owned(), target, text })
    }

    /// Asks to forget an earlier event.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing was submitted then.
    pub fn delete(&mut self, event: &str, target: &str) -> Result<InboundId, SubmitError> {
        self.put(event, FromClient::Delete { event: event.to_owned(), target: target.to_owned() })
    }

    /// Says that a reply has left the caller's hands. It leaves with [`Client::next`] or [`Client::flush`].
    ///
    /// # Errors
    /// [`ClientError::Wire`], which does not happen to so small a frame.
    pub fn flushed(&mut self, delivery: i64) -> Result<(), ClientError> {
        self.memory.flushed(delivery);
        Ok(encode(&FromClient::Flushed { delivery }, &mut self.link.out)?)
    }

    /// Asks about the node; [`FromNode::Answer`] comes with the same `n`.
    ///
    /// # Errors
    /// [`ClientError::Wire`] when the question fits no frame.
    pub fn ask(&mut self, n: u32, what: AdminAsk) -> Result<(), ClientError> {
        Ok(encode(&FromClient::Ask { n, what }, &mut self.link.out)?)
    }

    /// The next frame. A reply is given once, however often it comes. Can be dropped while it waits; nothing is lost.
    ///
    /// # Errors
    /// [`ClientError::Closed`] when the node is gone, [`ClientError::Refused`] when it ended the session,
    /// [`ClientError::Wire`].
    pub async fn next(&mut self) -> Result<FromNode, ClientError> {
        loop {
            let frame = poll_fn(|cx| self.link.poll_next(cx)).await?;
            if let FromNode::Refused { why } = frame {
                return Err(ClientError::Refused(why));
            }
            match self.memory.take(frame) {
                Taken::Give(frame) => return Ok(frame),
                Taken::Again(delivery) => encode(&FromClient::Flushed { delivery }, &mut self.link.out)?,
                Taken::Drop => {}
            }
        }
    }

    /// Sends what was submitted and said.
    ///
    /// # Errors
    /// [`ClientError::Wire`] when the stream fails.
    pub async fn flush(&mut self) -> Result<(), ClientError> {
        poll_fn(|cx| self.link.poll_flush(cx)).await
    }

    /// Leaves; what was said last is sent first.
    pub async fn leave(mut self) {
        if encode(&FromClient::Bye, &mut self.link.out).is_ok() {
            // A node that is gone need not hear it.
            drop(tokio::time::timeout(Duration::from_millis(LEAVE_MS_MAX), self.flush()).await);
        }
    }

    fn put(&mut self, event: &str, frame: FromClient) -> Result<InboundId, SubmitError> {
        if self.link.out.len() >= OUT_BYTES_MAX {
            return Err(SubmitError::NoRoom);
        }
        self.memory.check(event, &frame)?;
        let bytes_before = self.link.out.len();
        if encode(&frame, &mut self.link.out).is_err() {
            // Texts and ids of their limits fit a frame, so this is not met; nothing was put.
            return Err(SubmitError::TooLong { bytes: bytes_before });
        }
        Ok(self.memory.submit(event, frame))
    }
}

impl Link {
    /// A frame that is there already, else writes what waits while it reads.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<FromNode, ClientError>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.reader).poll_next(cx) {
            return Poll::Ready(frame.map_or(Err(ClientError::Closed), |frame| frame.map_err(closed)));
        }
        // A node that is gone may have left frames; they are read before the error shows as the end.
        match self.poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        while !self.out.is_empty() {
            let n = ready!(Pin::new(&mut self.writer).poll_write(cx, &self.out)).map_err(|e| closed(e.into()))?;
            if n == 0 {
                return Poll::Ready(Err(ClientError::Closed));
            }
            self.out.advance(n);
        }
        Pin::new(&mut self.writer).poll_flush(cx).map_err(|e| closed(e.into()))
    }
}

/// A stream that was cut off is a node that is gone.
fn closed(error: WireError) -> ClientError {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match error {
        WireError::Io(error) if matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof) => {
            ClientError::Closed
        }
        error => ClientError::Wire(error),
    }
}

async fn dial(data: &Path) -> Result<Option<tokio::net::UnixStream>, ClientError> {
    let path = socket::socket_path(data);
    let connected = socket::connect(&path).await;
    connected.map_err(|error| ClientError::Socket { path: path.display().to_string(), error })
}

async fn greet(stream: Box<dyn Duplex>, who: &Who, memory: &Memory) -> Result<(Link, Welcome), ClientError> {
    let (read, writer) = tokio::io::split(stream);
    let mut link = Link { reader: FramedRead::new(read, Frames::default()), writer, out: BytesMut::new() };
    let hello = Hello {
        version: WIRE_VERSION,
        user: who.user.clone(),
        workspace: who.workspace.clone(),
        context: who.context.clone(),
        session: who.session.clone(),
        previews: who.previews,
        only_asks: who.only_asks,
        flushed: memory.reported(),
        generation: memory.generation(),
    };
    encode(&FromClient::Hello(hello), &mut link.out)?;
    let within = Duration::from_millis(WELCOME_MS_MAX);
    let first = tokio::time::timeout(within, poll_fn(|cx| link.poll_next(cx))).await;
    match first.map_err(|_| ClientError::NoWelcome)?? {
        FromNode::Welcome(welcome) => Ok((link, welcome)),
        FromNode::Refused { why } => Err(ClientError::Refused(why)),
        FromNode::Busy { why } => Err(ClientError::NotNow(why)),
        other => Err(WireError::Malformed { why: format!("the first frame is no welcome: {other:?}") }.into()),
    }
}
