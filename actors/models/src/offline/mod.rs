//! The offline model: answers at once with quotations from the passages it is given. It is no language model and says so;
//! tools and what they gave mean nothing to it.

mod core;
mod excerpt;

use messages::model::{Class, Request};

use crate::fault::Fault;
use crate::provider::{Answering, OnPiece, Provider};

/// The offline model, by the name it has in the configuration.
pub(crate) struct Offline {
    pub(crate) name: String,
}

impl Provider for Offline {
    fn answer<'a>(&'a self, request: &'a Request, on_piece: OnPiece<'a>) -> Answering<'a> {
        Box::pin(async move {
            let answer = core::answer(&self.name, request).ok_or_else(|| {
                let message = format!("Model `{}` may not use a single byte for its answer.", self.name);
                Fault::new(
                    Class::Refused,
                    message,
                    "Raise the limit of an answer's length in the context's context.md.",
                )
            })?;
            on_piece(&answer.text);
            Ok(answer)
        })
    }

    fn describe(&self) -> String {
        "offline: quotes passages of your notes, understands nothing, needs no network and no key".to_owned()
    }
}
