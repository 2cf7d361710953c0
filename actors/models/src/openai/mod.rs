//! Any OpenAI-compatible endpoint, z.ai among them: `POST <base_url>/chat/completions`, streamed.
//!
//! There is one path, the streamed one; a whole answer is its fold. What an error means is decided in `classify.rs`, what
//! a stream adds up to in `fold.rs`; this file and [`call`] only perform it.

mod body;
mod call;
mod calls;
mod classify;
mod client;
mod fold;
mod reset;
mod spent;
mod sse;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use messages::model::Request;

pub(crate) use self::client::{Link, endpoint};
use crate::config::{FIRST_BYTE_MS_MAX, FIRST_BYTE_THINKING_MS_MAX, Served};
use crate::fault::Fault;
use crate::key::Secret;
use crate::provider::{Answering, OnPiece, Provider};

/// Who is called, for messages: how routes name it, where it is configured, and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Callee {
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) base_url: String,
}

/// One model of an endpoint.
pub(crate) struct Endpoint {
    callee: Callee,
    served: Served,
    link: Arc<Link>,
}

impl Endpoint {
    pub(crate) fn new(served: Served, link: Arc<Link>) -> Self {
        let offer = &served.offer;
        let callee = Callee {
            name: offer.name.clone(),
            provider: offer.provider.clone(),
            model: offer.model.clone(),
            base_url: link.base_url.clone(),
        };
        Self { callee, served, link }
    }

    /// How long it may take to begin.
    fn first_byte_max(&self, request: &Request) -> Duration {
        let usual = match body::thinks(&self.served, request.purpose) {
            Some(true) => FIRST_BYTE_THINKING_MS_MAX,
            Some(false) | None => FIRST_BYTE_MS_MAX,
        };
        Duration::from_millis(self.link.timeouts.first_byte_ms_max.unwrap_or(usual))
    }

    fn idle_max(&self) -> Duration {
        Duration::from_millis(self.link.timeouts.idle_ms_max)
    }

    /// Some endpoints repeat the key they refuse.
    fn without_key(&self, mut fault: Fault) -> Fault {
        let message = &mut fault.failure.message;
        if let Some(key) = self.link.key.as_ref().map(Secret::expose).filter(|key| message.contains(key)) {
            *message = message.replace(key, "***");
        }
        fault
    }
}

impl Provider for Endpoint {
    fn answer<'a>(&'a self, request: &'a Request, on_piece: OnPiece<'a>) -> Answering<'a> {
        Box::pin(async move { self.call(request, on_piece).await.map_err(|fault| self.without_key(fault)) })
    }

    fn describe(&self) -> String {
        let key = if self.link.key.is_some() { "with a key" } else { "without a key" };
        format!("{}: model {} at {}, {key}", self.link.kind, self.callee.model, self.callee.base_url)
    }
}
