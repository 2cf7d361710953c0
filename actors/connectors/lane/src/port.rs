//! What a lane needs of its connector: a way out.

use std::fmt;
use std::sync::Arc;

use messages::store::OutboxRow;
use messages::turn::Chat;
use runtime::port::BoxFuture;

/// Whether this node may send for the account now: its lease lives.
///
/// To be asked right before each write to a socket. Fences stop commits and no sends: an account whose node was frozen
/// past its lease is another node's when that wakes, and its replies are that one's to send.
#[derive(Clone)]
pub struct MaySend(Arc<dyn Fn() -> bool + Send + Sync>);

impl MaySend {
    /// By asking this.
    pub fn by(ask: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    /// Whether it may at this moment.
    #[must_use]
    pub fn now(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for MaySend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaySend({})", self.now())
    }
}

/// The way out of one connector.
pub trait Sink: Send + Sync + 'static {
    /// Something is there that can take a message for this chat now. While it is not, rows stay pending and the
    /// connector wakes the lane when it changes.
    fn is_ready(&self, chat: &Chat) -> bool;

    /// Sends one message, as long as it may; its attempt is marked already. Bounded by the sink's own time-out.
    fn send(&self, row: OutboxRow, may_send: MaySend) -> BoxFuture<Sending>;

    /// Asks whether a message whose attempt was cut off had been delivered.
    fn find(&self, row: OutboxRow) -> BoxFuture<Found>;
}

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sending {
    /// Confirmed, with the platform's id of the message.
    Sent {
        /// That id.
        platform_id: String,
    },
    /// It is certain that nothing was sent; try again.
    NotSent {
        /// What happened.
        error: String,
        /// Not before so many milliseconds; `None`: when the sink is ready again.
        retry_after_ms: Option<u64>,
    },
    /// The platform refuses it for good.
    Refused {
        /// Why.
        error: String,
    },
    /// It may or may not have arrived.
    InDoubt {
        /// What is known.
        error: String,
    },
}

/// What a platform knows of a message that was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It was delivered.
    Yes {
        /// The platform's id.
        platform_id: String,
    },
    /// It can't tell.
    Unknown,
}
