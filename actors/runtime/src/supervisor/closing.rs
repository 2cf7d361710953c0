//! Children that are to end while their supervisor goes on: a drain ends many beside each other.

use messages::Address;
use ractor::{ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use super::actor::{Order, State, Supervisor};
use crate::mail::Envelope;

/// A child that was told to end, and has not.
pub(super) struct Closing {
    answer: oneshot::Sender<()>,
    /// What was ordered for its address meanwhile, in order: two must never live at one address.
    after: Vec<Order>,
}

impl Closing {
    pub(super) fn new(answer: oneshot::Sender<()>) -> Self {
        Self { answer, after: Vec::new() }
    }

    /// Follows this order when the child has ended.
    pub(super) fn then(&mut self, order: Order) {
        self.after.push(order);
    }
}

impl Supervisor {
    /// The child has ended, or none lived: it is forgotten, and what was ordered meanwhile follows.
    pub(super) async fn closed(
        &self,
        myself: &ActorRef<Envelope<Order>>,
        state: &mut State,
        address: &Address,
    ) -> Result<(), ActorProcessingErr> {
        let Some(Closing { answer, after }) = state.closing.remove(address) else { return Ok(()) };
        for action in state.core.forget(address) {
            self.act_later(myself, state, action);
        }
        // Whoever gave the order may be gone.
        answer.send(()).unwrap_or_default();
        for order in after {
            Box::pin(self.follow(myself, state, order)).await?;
        }
        Ok(())
    }
}
