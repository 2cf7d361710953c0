//! What a lane needs of its connector: a way out.

use messages::store::OutboxRow;
use messages::turn::Chat;
use runtime::port::BoxFuture;

/// The way out of one connector.
pub trait Sink: Send + Sync + 'static {
    /// Something is there that can take a message for this chat now. While it is not, rows stay pending and the
    /// connector wakes the lane when it changes.
    fn is_ready(&self, chat: &Chat) -> bool;

    /// Sends one message; its attempt is marked already. Bounded by the sink's own time-out.
    fn send(&self, row: OutboxRow) -> BoxFuture<Sending>;

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
