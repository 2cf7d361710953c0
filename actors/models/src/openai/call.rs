//! One call: the request goes out, the stream comes in. Every wait has a limit and every read a size.

use std::time::Duration;

use messages::model::{Answer, Billed, Class, Request};
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use tokio::time::{Instant, timeout, timeout_at};

use super::body::body;
use super::classify::{classify, quoted};
use super::client::root;
use super::fold::{Fold, Step};
use super::reset::retry_after;
use super::sse::{EVENT_BYTES_MAX, Splitter, SseError};
use super::{Endpoint, wire};
use crate::fault::Fault;
use crate::provider::OnPiece;

/// Bytes of an error's body that are read.
const ERROR_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a stream that are read: what is longer than the longest answer, thoughts and wrapping included, has no end.
const STREAM_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long `[DONE]` may follow the reason why the model stopped.
const DONE_MS_MAX: u64 = 1_000;
/// How long the end of the body may follow `[DONE]`: with it the connection can be used again, without it not.
/// A little more than the 40 ms by which Nagle's algorithm and a delayed acknowledgement hold a last small packet back.
const END_MS_MAX: u64 = 50;

impl Endpoint {
    /// Calls once. `on_words` hears the answer as it comes.
    pub(super) async fn call(&self, request: &Request, on_words: OnPiece<'_>) -> Result<Answer, Fault> {
        let body = body(&self.served, request).map_err(|e| {
            Fault::new(Class::Refused, format!("The question can't be written as JSON: {e}."), "Ask in other words.")
        })?;
        let prompt_bytes = body.len();
        let prepared = self.link.prepare(body)?;
        let first_max = self.first_byte_max(request);
        let first_by = Instant::now() + first_max;
        // It was sent and not refused: whether it is worked on, and paid, nobody knows.
        let late = || self.late_first(first_max).costing(Billed::Unknown);
        let sent = timeout_at(first_by, self.link.client.execute(prepared)).await.map_err(|_| late())?;
        let response = sent.map_err(|e| self.unreachable(e))?;
        if !response.status().is_success() || !is_stream(&response) {
            return Err(self.refusal(response).await);
        }
        let mut fold = Fold::new(&self.callee, request.answer_bytes_max);
        match self.read(response, (first_by, first_max), &mut fold, on_words).await {
            Ok(()) => fold.end(request, prompt_bytes),
            Err(fault) => Err(fold.charged(fault)),
        }
    }

    async fn read(
        &self,
        mut response: Response,
        (first_by, first_max): (Instant, Duration),
        fold: &mut Fold<'_>,
        on_words: OnPiece<'_>,
    ) -> Result<(), Fault> {
        let mut splitter = Splitter::default();
        let (mut by, mut bytes_read) = (first_by, 0usize);
        loop {
            let bytes = match timeout_at(by, response.chunk()).await {
                Ok(Ok(bytes)) => bytes,
                // The model has said that it is finished: what is missing is only the farewell.
                _ if fold.has_finished() => return Ok(()),
                Ok(Err(e)) => return Err(self.broken_off(e)),
                Err(_) if by == first_by => return Err(self.late_first(first_max)),
                Err(_) => return Err(self.late_next()),
            };
            let ended = bytes.is_none();
            bytes_read += bytes.as_ref().map_or(0, |bytes| bytes.len());
            if bytes_read > STREAM_BYTES_MAX {
                return Err(self.too_much());
            }
            match bytes {
                Some(bytes) => splitter.push(&bytes).map_err(|e| self.unreadable(e))?,
                None => splitter.end(),
            }
            while let Some(event) = splitter.next() {
                match fold.push(&event)? {
                    Step::Piece { from } => on_words(fold.text().get(from..).unwrap_or_default()),
                    Step::Nothing => {}
                    Step::Done => {
                        read_to_end(response).await;
                        return Ok(());
                    }
                    Step::Full { from } => {
                        on_words(fold.text().get(from..).unwrap_or_default());
                        return Ok(());
                    }
                }
            }
            if ended {
                return Ok(());
            }
            by =
                Instant::now() + if fold.has_finished() { Duration::from_millis(DONE_MS_MAX) } else { self.idle_max() };
        }
    }

    /// What a reply that is no stream of an answer means.
    async fn refusal(&self, response: Response) -> Fault {
        let status = response.status();
        let after = response.headers().get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
        let body = self.error_body(response).await;
        let mut told = wire::told(status.as_u16(), &body);
        told.retry_after = after;
        let names_an_error = !told.code.is_empty() || body.windows(7).any(|w| w == b"\"error\"");
        if status.is_success() && !names_an_error {
            return self.no_stream(&told.message);
        }
        classify(&self.callee, &told)
    }

    async fn error_body(&self, mut response: Response) -> Vec<u8> {
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(bytes)) = response.chunk().await {
                let room = ERROR_BYTES_MAX.saturating_sub(body.len()).min(bytes.len());
                body.extend_from_slice(bytes.get(..room).unwrap_or_default());
                if body.len() >= ERROR_BYTES_MAX {
                    break;
                }
            }
        };
        // What was read until then still says more than nothing.
        timeout(self.idle_max(), read).await.ok();
        body
    }

    fn late_first(&self, first_max: Duration) -> Fault {
        let (name, provider, seconds) = (&self.callee.name, &self.callee.provider, first_max.as_secs_f64());
        Fault::new(
            Class::TimedOut,
            format!("Model `{name}` at {} did not begin to answer within {seconds} s.", self.callee.base_url),
            format!(
                "Ask again; for a model that thinks long, raise `first_byte_s` of `[models.providers.{provider}]` in agent-runtime.toml."
            ),
        )
    }

    fn late_next(&self) -> Fault {
        let (name, provider, seconds) = (&self.callee.name, &self.callee.provider, self.idle_max().as_secs_f64());
        Fault::new(
            Class::TimedOut,
            format!("Model `{name}` fell silent for {seconds} s in the middle of its answer."),
            format!("Ask again; if it stays, raise `idle_s` of `[models.providers.{provider}]` in agent-runtime.toml."),
        )
    }

    fn unreachable(&self, error: reqwest::Error) -> Fault {
        let (name, provider, url) = (&self.callee.name, &self.callee.provider, &self.callee.base_url);
        let advice = format!(
            "Check that {url} is reachable from this host, and `base_url` of `[models.providers.{provider}]` in agent-runtime.toml."
        );
        let why = if error.is_timeout() { ": no connection in time".to_owned() } else { quoted(&root(error)) };
        Fault::new(Class::Unreachable, format!("Model `{name}` at {url} could not be reached{why}."), advice)
    }

    fn broken_off(&self, error: reqwest::Error) -> Fault {
        Fault::new(
            Class::Unreachable,
            format!("Model `{}` broke off in the middle of its answer{}.", self.callee.name, quoted(&root(error))),
            "Ask again; if it stays, something between this node and the model closes connections.",
        )
    }

    fn too_much(&self) -> Fault {
        Fault::new(
            Class::Truncated,
            format!(
                "The answer of model `{}` is longer than {STREAM_BYTES_MAX} bytes with all it thinks.",
                self.callee.name
            ),
            "Ask again, or in other words; a model that does not come to an end is broken.",
        )
    }

    fn unreadable(&self, error: SseError) -> Fault {
        let why = match error {
            SseError::TooLarge => format!("one event is longer than {EVENT_BYTES_MAX} bytes"),
            SseError::NotUtf8 => "it is not UTF-8".to_owned(),
        };
        Fault::new(
            Class::Refused,
            format!("The answer of model `{}` can't be read: {why}.", self.callee.name),
            "Check that the endpoint is OpenAI-compatible and supports `stream: true`.",
        )
    }

    fn no_stream(&self, said: &str) -> Fault {
        let (provider, url) = (&self.callee.provider, &self.callee.base_url);
        Fault::new(
            Class::Refused,
            format!("{url} does not answer as a stream of events{}.", quoted(said)),
            format!(
                "Check `base_url` of `[models.providers.{provider}]`: it ends before /chat/completions, and the endpoint must support `stream: true`."
            ),
        )
    }
}

/// A reply without a content type is given the benefit of the doubt.
fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

async fn read_to_end(mut response: Response) {
    let end = async { while let Ok(Some(_)) = response.chunk().await {} };
    // Late or never: then the connection is closed instead of kept.
    timeout(Duration::from_millis(END_MS_MAX), end).await.ok();
}
