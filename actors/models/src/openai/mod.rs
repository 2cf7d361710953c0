//! Any OpenAI-compatible endpoint, z.ai among them: `POST <base_url>/chat/completions`, streamed.
//!
//! There is one path, the streamed one; a whole answer is its fold. What an error means and whether a call is tried
//! again is decided in `core.rs`; this file and [`call`] only perform it.

mod call;
mod client;
mod core;
mod fold;
mod sse;
mod wire;

use messages::model::{Answer, Class, Failure, Request};
use tokio::time::Instant;

pub(crate) use self::client::{Limits, OpenAi};
pub(crate) use self::core::Callee;
use self::core::{Attempt, Fault, pause_before_retry};
use crate::provider::{Answering, OnPiece, Provider};

impl Provider for OpenAi {
    fn answer<'a>(&'a self, request: &'a Request, deadline: Instant, on_piece: OnPiece<'a>) -> Answering<'a> {
        Box::pin(async move {
            self.tried(request, deadline, on_piece).await.map_err(|fault| self.without_key(fault.failure))
        })
    }

    fn describe(&self) -> String {
        let key = if self.key.is_some() { "with a key" } else { "without a key" };
        format!("openai-compatible: model {} at {}, {key}", self.callee.model, self.callee.base_url)
    }
}

impl OpenAi {
    async fn tried(&self, request: &Request, deadline: Instant, on_piece: OnPiece<'_>) -> Result<Answer, Fault> {
        let body = wire::body(&self.callee.model, request).map_err(|e| {
            Fault::new(Class::Refused, format!("The question can't be written as JSON: {e}."), "Ask in other words.")
        })?;
        let prepared = self.prepare(body)?;
        let seed = request.trace.0.bytes().fold(0u64, |seed, byte| seed.rotate_left(8) ^ u64::from(byte));
        let (mut made, mut heard) = (0, false);
        loop {
            made += 1;
            let mut on_words = |words: &str| {
                heard = true;
                on_piece(words);
            };
            let fault = match self.call(&prepared, request, &mut on_words).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(pause) = pause_before_retry(&fault, Attempt { made, heard, left, seed }) else {
                return Err(fault);
            };
            tracing::debug!(model = %self.callee.name, trace = %request.trace, made, ?pause, failure = %fault.failure, "call is tried again");
            tokio::time::sleep(pause).await;
        }
    }

    /// Some endpoints repeat the key they refuse.
    fn without_key(&self, mut failure: Failure) -> Failure {
        if let Some(key) = self.key.as_ref().map(crate::Secret::expose).filter(|key| failure.message.contains(key)) {
            failure.message = failure.message.replace(key, "***");
        }
        failure
    }
}
