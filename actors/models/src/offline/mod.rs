//! The offline model: answers at once with quotations from the passages it is given. It is no language model and says so.

mod core;
mod excerpt;

use messages::model::{Failure, Request};
use tokio::time::Instant;

use crate::provider::{Answering, OnPiece, Provider};

/// The offline model, by the name it has in the configuration.
pub(crate) struct Offline {
    pub(crate) name: String,
}

impl Provider for Offline {
    fn answer<'a>(&'a self, request: &'a Request, _deadline: Instant, on_piece: OnPiece<'a>) -> Answering<'a> {
        Box::pin(async move {
            let answer = core::answer(&self.name, request).ok_or_else(|| Failure {
                class: messages::model::Class::Empty,
                message: format!("Model `{}` may not use a single byte for its answer.", self.name),
                advice: "Raise the limit of an answer's length in the context's context.md.".to_owned(),
            })?;
            on_piece(&answer.text);
            Ok(answer)
        })
    }

    fn describe(&self) -> String {
        "offline: quotes passages of your notes, understands nothing, needs no network and no key".to_owned()
    }
}
