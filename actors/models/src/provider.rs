//! One provider as an actor: `models/<name>`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use messages::model::{Answer, Billed, Class, Failure, Model, Msg, Reply, Request};
use messages::{Address, AskError, Moment};
use runtime::{Clock, Feed, ReplyPort, Service, ServiceCx, ServiceError};
use tokio::time::{Instant, timeout_at};

use crate::config::{ProviderConfig, ProviderKind, Served, WINDOW_MAX, WINDOW_ZAI_BEGIN};
use crate::fault::{Attempt, Fault, pause_before_retry};
use crate::offline::Offline;
use crate::openai::{Endpoint, Link};
use crate::table::ModelTable;
use crate::window::{Gate, Place, QUEUE_MAX, Rank, Ticket};

/// The longest a question may ask to be worked on, in seconds: a day.
pub(crate) const CALL_SECONDS_MAX: u64 = 86_400;
/// What someone who is turned away is told to wait.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// An answer on its way.
pub(crate) type Answering<'a> = BoxFuture<'a, Result<Answer, Fault>>;
/// Who hears the words of an answer as they come.
pub(crate) type OnPiece<'a> = &'a mut (dyn FnMut(&str) + Send);

/// What can answer: one model.
pub(crate) trait Provider: Send + Sync + 'static {
    /// Asks once; dropped, it stops. The caller keeps the deadline.
    fn answer<'a>(&'a self, request: &'a Request, on_piece: OnPiece<'a>) -> Answering<'a>;
    /// What it is, in one line, without its key.
    fn describe(&self) -> String;
}

/// A provider behind `models/<name>`: so many answers of each model at once, a bounded queue behind them, all beside the
/// mailbox. An answer that nobody waits for any longer is stopped.
pub struct ProviderService {
    name: String,
    /// The default first.
    desks: Vec<Arc<Desk>>,
}

/// One model, and the gate before it.
struct Desk {
    /// As routes name it.
    name: String,
    provider: Box<dyn Provider>,
    gate: Gate,
}

impl ProviderService {
    /// Opens a provider with its models. Connects to nothing yet.
    ///
    /// # Errors
    /// [`ServiceError`] when what is configured can't work: an address that is none, a key that would leave unencrypted,
    /// a window of 0, no model, no TLS provider installed.
    pub fn open(config: &ProviderConfig, table: &ModelTable) -> Result<Self, ServiceError> {
        let name = config.name.clone();
        let wrong = |what: String| ServiceError::new(format!("models.providers.{name}: {what}"));
        if !(1..=WINDOW_MAX).contains(&config.window) {
            return Err(wrong(format!("`window` is {}; it must be from 1 to {WINDOW_MAX}", config.window)));
        }
        let served = config.served(table);
        if served.iter().all(|one| one.offer.model.trim().is_empty()) {
            return Err(wrong("`model` is empty; name the model as the endpoint knows it".to_owned()));
        }
        let link = Link::open(config).map_err(wrong)?.map(Arc::new);
        let desks = served.into_iter().map(|one| Arc::new(desk(config, one, link.as_ref()))).collect();
        Ok(Self { name, desks })
    }

    /// The model that is to be asked: the default where none is named.
    fn desk(&self, model: &str) -> Option<&Arc<Desk>> {
        if model.is_empty() { self.desks.first() } else { self.desks.iter().find(|desk| desk.name == model) }
    }

    fn described(&self) -> Reply {
        let (mut models, mut load) = (Vec::new(), Vec::new());
        for (at, desk) in self.desks.iter().enumerate() {
            let (name, now) = (&desk.name, desk.gate.standing());
            if at == 0 {
                models.push(format!("{name}: {}", desk.provider.describe()));
            }
            if at == 0 || now.running + now.waiting > 0 {
                let most =
                    if now.width < now.width_max { format!(" (at most {})", now.width_max) } else { String::new() };
                load.push(format!("{name}: {} of {}{most} calls, {} waiting", now.running, now.width, now.waiting));
            }
        }
        Reply::Described { models, load }
    }

    fn serve(&self, request: Box<Request>, reply: ReplyPort<Model>, cx: &ServiceCx) {
        let Some(desk) = self.desk(&request.model) else {
            return reply.send(Reply::Failed(self.unknown(&request.model)));
        };
        let rank = if request.interactive { Rank::Interactive } else { Rank::Background };
        let Some(ticket) = desk.gate.enter(rank) else {
            return reply.fail(AskError::Busy {
                what: format!("{QUEUE_MAX} questions wait for model `{}`", desk.name),
                retry_after: BUSY_RETRY_AFTER,
            });
        };
        let (feed, clock) = (cx.system.feed().clone(), Arc::clone(cx.system.clock()));
        let world = World { actor: cx.address.clone(), feed, clock };
        let desk = Arc::clone(desk);
        cx.spawn("model call", async move { desk.serve(&request, reply, ticket, world).await });
    }

    fn unknown(&self, model: &str) -> Failure {
        let (name, have) =
            (&self.name, self.desks.iter().map(|desk| desk.name.as_str()).collect::<Vec<_>>().join(", "));
        let message = format!("`{name}` has no model `{model}`; it has {have}.");
        Fault::new(Class::NotAllowed, message, "Ask `models`, which knows them.").told(model, Moment::default())
    }
}

fn desk(config: &ProviderConfig, served: Served, link: Option<&Arc<Link>>) -> Desk {
    let name = served.offer.name.clone();
    let begin = match config.kind {
        ProviderKind::Zai { .. } => WINDOW_ZAI_BEGIN.min(config.window),
        ProviderKind::Offline | ProviderKind::OpenAi { .. } => config.window,
    };
    let provider: Box<dyn Provider> = match link {
        Some(link) => Box::new(Endpoint::new(served, Arc::clone(link))),
        None => Box::new(Offline { name: name.clone() }),
    };
    Desk { name, provider, gate: Gate::new(begin, config.window) }
}

impl Service for ProviderService {
    type Proto = Model;

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Model>, cx: &ServiceCx) -> Result<(), ServiceError> {
        match msg {
            Msg::Answer(request) => self.serve(request, reply, cx),
            Msg::Describe => reply.send(self.described()),
        }
        Ok(())
    }
}

/// What an answer needs of the node.
struct World {
    actor: Address,
    feed: Feed,
    clock: Arc<dyn Clock>,
}

impl Desk {
    async fn serve(&self, request: &Request, mut reply: ReplyPort<Model>, ticket: Ticket, world: World) {
        tracing::debug!(actor = %world.actor, model = %self.name, trace = %request.trace, "model is asked");
        let answered = tokio::select! {
            biased;
            () = reply.closed() => None,
            answered = self.answered(request, ticket, &world) => Some(answered),
        };
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

    async fn answered(&self, request: &Request, ticket: Ticket, world: &World) -> Result<Answer, Failure> {
        let seconds_max = request.seconds_max.min(CALL_SECONDS_MAX);
        let deadline = Instant::now() + Duration::from_secs(seconds_max);
        let is_asked = AtomicBool::new(false);
        let work = self.tried(request, ticket, world, Call { deadline, is_asked: &is_asked });
        let answered = timeout_at(deadline, work).await.unwrap_or_else(|_| {
            let billed = if is_asked.load(Ordering::Relaxed) { Billed::Unknown } else { Billed::Nothing };
            Err(self.late(seconds_max).costing(billed))
        });
        answered.map_err(|fault| fault.told(&self.name, world.clock.now()))
    }

    /// Asks, and asks again where that costs nothing and may help.
    async fn tried(&self, request: &Request, ticket: Ticket, world: &World, call: Call<'_>) -> Result<Answer, Fault> {
        let seed = request.trace.0.bytes().fold(0u64, |seed, byte| seed.rotate_left(8) ^ u64::from(byte));
        let mut on_piece = |piece: &str| world.feed.publish(&request.trace, piece);
        let mut place = let_in(ticket).await?;
        let mut made = 0;
        loop {
            made += 1;
            call.is_asked.store(true, Ordering::Relaxed);
            let answered = self.provider.answer(request, &mut on_piece).await;
            call.is_asked.store(false, Ordering::Relaxed);
            let fault = match answered {
                Ok(answer) => {
                    place.succeeded();
                    return Ok(answer);
                }
                Err(fault) => fault,
            };
            let left = call.deadline.saturating_duration_since(Instant::now());
            let pause = pause_before_retry(&fault, Attempt { made, left, seed, now: world.clock.now() });
            tracing::debug!(model = %self.name, trace = %request.trace, made, ?pause, failure = %fault.failure, "call failed");
            place = match (fault.failure.class, pause) {
                (Class::RateLimited, pause) => back_off(place, pause, fault).await?,
                (_, None) => return Err(fault),
                (_, Some(pause)) => {
                    tokio::time::sleep(pause).await;
                    place
                }
            };
        }
    }

    fn late(&self, seconds_max: u64) -> Fault {
        let (name, width) = (&self.name, self.gate.standing().width);
        Fault::new(
            Class::TimedOut,
            format!("Model `{name}` gave no whole answer within {seconds_max} s."),
            format!("Ask again, or ask for less at once; {width} questions are answered at a time, the others wait."),
        )
    }
}

/// How long a call may take, and whether the model is being asked at this moment.
#[derive(Clone, Copy)]
struct Call<'a> {
    deadline: Instant,
    is_asked: &'a AtomicBool,
}

/// The provider is asked too much: fewer are asked at once, and nobody until the pause is over.
async fn back_off(place: Place, pause: Option<Duration>, fault: Fault) -> Result<Place, Fault> {
    let holds = place.limited();
    let Some(pause) = pause else { return Err(fault) };
    tokio::time::sleep(pause).await;
    match holds.over() {
        Some(ticket) => let_in(ticket).await,
        None => Err(fault),
    }
}

async fn let_in(ticket: Ticket) -> Result<Place, Fault> {
    ticket.place().await.ok_or_else(|| Fault::new(Class::Upstream, "The model has been closed.", "Ask again."))
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
