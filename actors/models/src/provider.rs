//! One provider as an actor: `models/<name>`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use messages::model::{Answer, Class, Failure, Model, Msg, Reply, Request};
use messages::{AskError, Trace};
use runtime::{Feed, ReplyPort, Service, ServiceCx, ServiceError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::config::{ProviderConfig, ProviderKind};
use crate::offline::Offline;
use crate::openai::{Callee, Limits, OpenAi};

/// Questions that wait behind a provider's window before the next is answered [`AskError::Busy`].
pub const QUEUE_MAX: usize = 1_024;
/// The longest a question may ask to be worked on, in seconds: a day.
pub(crate) const CALL_SECONDS_MAX: u64 = 86_400;
/// What someone who is turned away is told to wait.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// An answer on its way.
pub(crate) type Answering<'a> = BoxFuture<'a, Result<Answer, Failure>>;
/// Who hears the words of an answer as they come.
pub(crate) type OnPiece<'a> = &'a mut (dyn FnMut(&str) + Send);

/// What can answer.
pub(crate) trait Provider: Send + Sync + 'static {
    /// Answers; dropped, it stops. The caller keeps the deadline; it is given so that no pause outlasts it.
    fn answer<'a>(&'a self, request: &'a Request, deadline: Instant, on_piece: OnPiece<'a>) -> Answering<'a>;
    /// What it is, in one line, without its key.
    fn describe(&self) -> String;
}

/// A provider behind `models/<name>`: so many answers at once, a bounded queue behind them, all beside the mailbox.
/// An answer that nobody waits for any longer is stopped.
pub struct ProviderService {
    desk: Arc<Desk>,
    /// One permit for each question that is answered or waits.
    admission: Arc<Semaphore>,
}

struct Desk {
    name: String,
    provider: Box<dyn Provider>,
    window: usize,
    free: Semaphore,
}

impl ProviderService {
    /// Opens a provider. Connects to nothing yet.
    ///
    /// # Errors
    /// [`ServiceError`] when what is configured can't work: an address that is none, a key that would leave unencrypted,
    /// a window of 0, no TLS provider installed.
    pub fn open(config: &ProviderConfig) -> Result<Self, ServiceError> {
        let provider: Box<dyn Provider> = match &config.kind {
            ProviderKind::Offline => Box::new(Offline { name: config.name.clone() }),
            ProviderKind::OpenAi { base_url, model, key, connect_ms_max, first_byte_ms_max, idle_ms_max } => {
                let ms = Duration::from_millis;
                let limits = Limits {
                    connect_max: ms(*connect_ms_max),
                    first_byte_max: ms(*first_byte_ms_max),
                    idle_max: ms(*idle_ms_max),
                };
                let callee = Callee { name: config.name.clone(), model: model.clone(), base_url: base_url.clone() };
                Box::new(OpenAi::open(callee, key.clone(), limits)?)
            }
        };
        Self::with(provider, config)
    }

    fn with(provider: Box<dyn Provider>, config: &ProviderConfig) -> Result<Self, ServiceError> {
        let (name, window) = (config.name.clone(), config.window);
        if window == 0 || window > Semaphore::MAX_PERMITS - QUEUE_MAX {
            return Err(ServiceError::new(format!(
                "models.providers.{name}: `window` is {window}; it must be at least 1"
            )));
        }
        let desk = Desk { name, provider, window, free: Semaphore::new(window) };
        Ok(Self { desk: Arc::new(desk), admission: Arc::new(Semaphore::new(window + QUEUE_MAX)) })
    }

    fn described(&self) -> Vec<String> {
        let desk = &self.desk;
        let running = desk.window - desk.free.available_permits();
        let inside = desk.window + QUEUE_MAX - self.admission.available_permits();
        vec![
            format!("{}: {}", desk.name, desk.provider.describe()),
            format!("{}: {running} of {} calls, {} waiting", desk.name, desk.window, inside.saturating_sub(running)),
        ]
    }
}

impl Service for ProviderService {
    type Proto = Model;

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Model>, cx: &ServiceCx) -> Result<(), ServiceError> {
        let request = match msg {
            Msg::Answer(request) => request,
            Msg::Describe => {
                reply.send(Reply::Described(self.described()));
                return Ok(());
            }
        };
        match Arc::clone(&self.admission).try_acquire_owned() {
            Ok(place) => {
                let preview = Preview { feed: cx.system.feed().clone(), trace: request.trace.clone() };
                let desk = Arc::clone(&self.desk);
                cx.spawn("model call", async move { desk.serve(&request, reply, place, preview).await });
            }
            Err(_) => reply.fail(AskError::Busy {
                what: format!("{QUEUE_MAX} questions wait for model `{}`", self.desk.name),
                retry_after: BUSY_RETRY_AFTER,
            }),
        }
        Ok(())
    }
}

impl Desk {
    async fn serve(
        &self,
        request: &Request,
        mut reply: ReplyPort<Model>,
        place: OwnedSemaphorePermit,
        preview: Preview,
    ) {
        tracing::debug!(actor = %format_args!("models/{}", self.name), trace = %request.trace, "model is asked");
        let answered = tokio::select! {
            biased;
            () = reply.closed() => None,
            answered = self.answered(request, preview) => Some(answered),
        };
        drop(place);
        match answered {
            Some(Ok(answer)) => reply.send(Reply::Answer(answer)),
            Some(Err(failure)) => {
                tracing::info!(model = %self.name, trace = %request.trace, class = ?failure.class, "no answer: {failure}");
                reply.send(Reply::Failed(failure));
            }
            None => {
                tracing::debug!(model = %self.name, trace = %request.trace, "nobody waits for this answer any longer");
            }
        }
    }

    async fn answered(&self, request: &Request, preview: Preview) -> Result<Answer, Failure> {
        let seconds_max = request.seconds_max.min(CALL_SECONDS_MAX);
        let deadline = Instant::now() + Duration::from_secs(seconds_max);
        let mut on_piece = |piece: &str| preview.feed.publish(&preview.trace, piece);
        let work = async {
            let _turn = self.free.acquire().await;
            self.provider.answer(request, deadline, &mut on_piece).await
        };
        timeout_at(deadline, work).await.unwrap_or_else(|_| Err(self.late(seconds_max)))
    }

    fn late(&self, seconds_max: u64) -> Failure {
        let (name, window) = (&self.name, self.window);
        Failure {
            class: Class::TimedOut,
            message: format!("Model `{name}` gave no whole answer within {seconds_max} s."),
            advice: format!(
                "Ask again, or ask for less at once; {window} questions are answered at a time, the others wait."
            ),
        }
    }
}

/// What onlookers see of an answer that is coming. However the answer ends, their stream ends with it.
struct Preview {
    feed: Feed,
    trace: Trace,
}

impl Drop for Preview {
    fn drop(&mut self) {
        self.feed.close(&self.trace);
    }
}
