//! A typed reference: an address with a protocol.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use messages::{Address, AskError, Protocol};
use tokio::sync::oneshot;

use crate::system::System;
use crate::wire;

/// Whoever serves an address, wherever that is. Cheap to make and to clone.
pub struct Ref<P: Protocol> {
    address: Address,
    system: System,
    protocol: PhantomData<fn() -> P>,
}

impl<P: Protocol> Ref<P> {
    pub(crate) fn new(system: System, address: Address) -> Self {
        Self { address, system, protocol: PhantomData }
    }

    /// Where it points.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Tells it to look at its rows. Wakes coalesce and may be lost: what counts is in the store, and a sweep finds
    /// what was stranded.
    pub fn wake(&self) {
        self.system.wake(&self.address);
    }

    /// Asks, and waits for the answer until `deadline` has passed. Opens the actor if it is not open.
    ///
    /// # Errors
    /// Every [`AskError`]; `Timeout` says nothing about whether it was done.
    pub async fn ask(&self, msg: P::Msg, deadline: Duration) -> Result<P::Reply, AskError> {
        let answered = async {
            match self.system.far_of(&self.address) {
                Some(far) => wire::decode(&far.ask(&self.address, wire::encode(&msg)?, deadline).await?),
                None => self.ask_here(msg).await,
            }
        };
        match tokio::time::timeout(deadline, answered).await {
            Ok(answer) => answer,
            Err(_) => Err(AskError::Timeout(deadline)),
        }
    }

    async fn ask_here(&self, msg: P::Msg) -> Result<P::Reply, AskError> {
        let post = self.system.post(&self.address).await?;
        if self.system.options().force_wire_form {
            let bytes = wire::encode(&msg)?;
            let (sender, receiver) = oneshot::channel();
            post.ask_bytes(&bytes, sender)?;
            let reply = receiver.await.map_err(|_| ended())??;
            return wire::decode(&reply);
        }
        let typed = post
            .as_any()
            .downcast_ref::<crate::mail::TypedPost<P>>()
            .ok_or_else(|| AskError::Decode(format!("{} does not speak the protocol `{}`", self.address, P::KIND)))?;
        let receiver = typed.ask(msg)?;
        drop(post);
        receiver.await.map_err(|_| ended())?
    }
}

fn ended() -> AskError {
    AskError::Failed("it ended before it answered".into())
}

impl<P: Protocol> Clone for Ref<P> {
    fn clone(&self) -> Self {
        Self::new(self.system.clone(), self.address.clone())
    }
}

impl<P: Protocol> fmt::Debug for Ref<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", P::KIND, self.address)
    }
}
