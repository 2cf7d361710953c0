//! Previews: the words of an answer as they come, for whoever looks on. Lossy on purpose; what counts is the outbox row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use messages::Trace;
use tokio::sync::mpsc;

/// Pieces that a slow onlooker may lag behind before it loses some.
const PIECES_MAX: usize = 256;

/// Where previews are published and listened to, by trace.
#[derive(Clone, Default)]
pub struct Feed {
    listeners: Arc<Mutex<HashMap<Trace, mpsc::Sender<String>>>>,
}

impl Feed {
    /// Listens to one trace. A second listener replaces the first. Ends when it is dropped and the next piece comes.
    #[must_use]
    pub fn listen(&self, trace: Trace) -> mpsc::Receiver<String> {
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|_, sender| !sender.is_closed());
        listeners.insert(trace, sender);
        receiver
    }

    /// Someone listens to this trace, so that pieces are worth making.
    #[must_use]
    pub fn is_heard(&self, trace: &Trace) -> bool {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).contains_key(trace)
    }

    /// Gives a piece to whoever listens; lost if nobody does or the listener lags.
    pub fn publish(&self, trace: &Trace, piece: &str) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = match listeners.get(trace) {
            Some(sender) => matches!(sender.try_send(piece.to_owned()), Err(mpsc::error::TrySendError::Closed(_))),
            None => false,
        };
        if gone {
            listeners.remove(trace);
        }
    }

    /// The answer is complete: the listener's stream ends.
    pub fn close(&self, trace: &Trace) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).remove(trace);
    }
}
