//! What a welcomed session does until its client leaves: it hears all sides at once and does what the core decides.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, SelectAll, Stream};
use futures_util::{FutureExt as _, StreamExt as _};
use messages::store::{InboundKind, Query, QueryError, Rows};
use messages::{Address, InboundId, Trace};
use runtime::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::accept::{Acceptor, Results};
use super::core::{BATCH_MAX, Core, Event, Passing};
use super::writer::Out;
use super::{Reader, refuse};
use crate::port::Asker;
use crate::registry::{Place, Push};
use crate::wire::{Answered, FromClient, FromNode, WireError};

/// How often the store is asked about events that have no outcome yet, in milliseconds.
const SWEEP_MS: u64 = 500;
/// How long one such question may take, in milliseconds.
const QUERY_MS_MAX: u64 = 2_000;
/// An event that has been open for so long may be one of a context whose node is away: it is asked, so often, in milliseconds.
const WAITS_MS: u64 = 5_000;
/// Questions about the node that one session may have open.
pub(crate) const ASKS_MAX: usize = 8;
/// Answers whose previews one session follows at once.
const PREVIEWS_MAX: usize = 16;

type Previews = SelectAll<Pin<Box<dyn Stream<Item = (InboundId, String)> + Send>>>;
type Standing = Result<Rows, QueryError>;

/// A session at work.
pub(super) struct Flow {
    core: Core,
    acceptor: Arc<Acceptor>,
    place: Place,
    lane: Option<Address>,
    began: Instant,
    /// The commit that is out.
    commit: Option<BoxFuture<Results>>,
    /// Replies that wait for it.
    held: Vec<Push>,
    /// The question to the store that is out.
    sweep: Option<BoxFuture<Standing>>,
    asks: FuturesUnordered<BoxFuture<FromNode>>,
    previews: Option<Previews>,
    away: Away,
}

/// Whether the context's node is away: told once, until there is a reply.
#[derive(Default)]
struct Away {
    ask_at_ms: Option<u64>,
    question: Option<BoxFuture<Option<String>>>,
    is_told: bool,
}

/// What woke the session.
enum Heard {
    Replaced,
    Committed(Results),
    Pushed(Option<Push>),
    Swept(Standing),
    Answered(FromNode),
    Waits(Option<String>),
    Tick,
    Preview(InboundId, String),
    Frame(Option<Result<FromClient, WireError>>),
}

/// The session ends.
struct Over;

impl Flow {
    pub(super) fn new(acceptor: Arc<Acceptor>, place: Place, lane: Option<Address>, previews: bool) -> Self {
        Self {
            core: Core::new(acceptor.who.session.clone()),
            acceptor,
            place,
            lane,
            began: Instant::now(),
            commit: None,
            held: Vec::new(),
            sweep: None,
            asks: FuturesUnordered::new(),
            previews: previews.then(SelectAll::new),
            away: Away::default(),
        }
    }

    pub(super) async fn run(mut self, reader: &mut Reader) {
        let mut tick = tokio::time::interval(Duration::from_millis(SWEEP_MS));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.commit.is_none()
                && let Some(batch) = self.core.next_batch()
            {
                self.commit = Some(self.acceptor.clone().accept(batch).boxed());
            }
            let heard = self.hear(reader, &mut tick).await;
            if self.on(heard, reader).await.is_err() {
                return;
            }
        }
    }

    async fn hear(&mut self, reader: &mut Reader, tick: &mut tokio::time::Interval) -> Heard {
        tokio::select! {
            biased;
            _ = &mut self.place.replaced => Heard::Replaced,
            results = slot(&mut self.commit) => Heard::Committed(results),
            push = self.place.pushes.recv() => Heard::Pushed(push),
            standing = slot(&mut self.sweep) => Heard::Swept(standing),
            Some(frame) = self.asks.next(), if !self.asks.is_empty() => Heard::Answered(frame),
            told = slot(&mut self.away.question) => Heard::Waits(told),
            _ = tick.tick() => Heard::Tick,
            frame = reader.next() => Heard::Frame(frame),
            Some((inbound, piece)) = next_piece(&mut self.previews) => Heard::Preview(inbound, piece),
        }
    }

    async fn on(&mut self, heard: Heard, reader: &mut Reader) -> Result<(), Over> {
        match heard {
            Heard::Replaced | Heard::Pushed(None) => {
                refuse(&self.acceptor.out, "another connection has taken this session's name".into()).await;
                Err(Over)
            }
            Heard::Committed(results) => self.committed(results).await,
            Heard::Pushed(Some(push)) => self.pushed(push).await,
            Heard::Swept(standing) => self.stand(standing).await,
            Heard::Answered(frame) => self.say(frame).await,
            Heard::Waits(told) => {
                self.away.is_told |= told.is_some();
                match told {
                    Some(why) => self.say(FromNode::Busy { why }).await,
                    None => Ok(()),
                }
            }
            Heard::Tick => {
                self.look();
                Ok(())
            }
            Heard::Preview(inbound, piece) => self.preview(inbound, piece),
            Heard::Frame(frame) => self.read(frame, reader).await,
        }
    }

    /// Reads one frame, and what else has come, up to one batch.
    async fn read(&mut self, frame: Option<Result<FromClient, WireError>>, reader: &mut Reader) -> Result<(), Over> {
        let mut next = Some(frame);
        for _ in 0..BATCH_MAX {
            match next.take() {
                Some(Some(Ok(frame))) => self.frame(frame).await?,
                Some(Some(Err(error))) => {
                    refuse(&self.acceptor.out, error.to_string()).await;
                    return Err(Over);
                }
                Some(None) => return Err(Over),
                None => break,
            }
            // A commit is out: what comes now is for the next one, and is read when it is its turn.
            next = if self.commit.is_none() && self.core.wants_more() { reader.next().now_or_never() } else { None };
        }
        match next {
            Some(Some(Ok(frame))) => self.frame(frame).await,
            Some(Some(Err(error))) => {
                refuse(&self.acceptor.out, error.to_string()).await;
                Err(Over)
            }
            Some(None) => Err(Over),
            None => Ok(()),
        }
    }

    async fn frame(&mut self, frame: FromClient) -> Result<(), Over> {
        match frame {
            FromClient::Submit { event, text } => self.offer(Event::words(event, text)).await,
            FromClient::Edit { event, target, text } => {
                self.offer(Event::new(event, InboundKind::Edit, Some(target), text)).await
            }
            FromClient::Delete { event, target } => {
                self.offer(Event::new(event, InboundKind::Delete, Some(target), String::new())).await
            }
            FromClient::Flushed { delivery } => {
                fail::fail_point!("console.after_flushed");
                self.flushed(delivery);
                Ok(())
            }
            FromClient::Ask { n, what } => {
                if self.asks.len() >= ASKS_MAX {
                    let reply = Answered::Failed(format!("{ASKS_MAX} questions are open; wait for an answer"));
                    return self.say(FromNode::Answer { n, reply }).await;
                }
                let asker = Asker { context: self.acceptor.context.clone(), user: self.acceptor.who.user.clone() };
                let answer = self.acceptor.host.ask(what, asker);
                self.asks.push(answer.map(move |reply| FromNode::Answer { n, reply }).boxed());
                Ok(())
            }
            FromClient::Hello(_) => {
                refuse(&self.acceptor.out, "hello is said once".into()).await;
                Err(Over)
            }
            FromClient::Bye => Err(Over),
        }
    }

    async fn offer(&mut self, event: Event) -> Result<(), Over> {
        let heard = (event.kind == InboundKind::Message).then(|| event.inbound.clone());
        if let Err(refused) = self.core.offer(event) {
            return self.say(refused).await;
        }
        // Before the commit, so that no piece is missed.
        if let (Some(inbound), Some(previews)) = (heard, self.previews.as_mut().filter(|p| p.len() < PREVIEWS_MAX)) {
            previews.push(pieces(&self.acceptor, inbound));
        }
        Ok(())
    }

    fn flushed(&self, delivery: i64) {
        let again = self.place.flushed(delivery);
        if let Some(lane) = self.lane.as_ref().filter(|_| again) {
            self.acceptor.host.wake(lane);
        }
    }

    async fn committed(&mut self, results: Results) -> Result<(), Over> {
        if results.iter().any(|(_, result)| result.is_ok()) {
            self.acceptor.host.wake(&self.acceptor.context);
        }
        fail::fail_point!("console.before_ack");
        let now_ms = self.now_ms();
        for frame in self.core.committed(now_ms, results) {
            self.say(frame).await?;
        }
        for push in std::mem::take(&mut self.held) {
            self.pushed(push).await?;
        }
        self.look();
        Ok(())
    }

    async fn pushed(&mut self, push: Push) -> Result<(), Over> {
        match self.core.passing(&push.inbound, push.outcome) {
            Passing::AfterCommit => {
                self.held.push(push);
                return Ok(());
            }
            Passing::AfterQuery => {
                let now_ms = self.now_ms();
                let ids = self.core.next_to_ask(now_ms, Some(&push.inbound));
                let standing = ask(&self.acceptor, ids).await;
                self.stand(standing).await?;
            }
            Passing::Now => {}
        }
        let permit = self.acceptor.out.reserve().await.map_err(|_| Over)?;
        if !self.place.awaits(push.delivery) {
            return Ok(());
        }
        // Not sent after all, it comes again, and is passed on as one of an event that is settled.
        self.core.replied(&push.inbound, push.outcome);
        self.away = Away::default();
        permit.send(Out::Reply(self.place.handing(push)));
        Ok(())
    }

    /// Asks the store about events whose time has come, unless a question is out.
    fn look(&mut self) {
        if self.sweep.is_some() {
            return;
        }
        let now_ms = self.now_ms();
        let ids = self.core.next_to_ask(now_ms, None);
        if !ids.is_empty() {
            self.ask_whether_away(now_ms);
            let acceptor = self.acceptor.clone();
            self.sweep = Some(async move { ask(&acceptor, ids).await }.boxed());
        }
    }

    /// An event is open: after a while it is asked whether its context's node is there.
    fn ask_whether_away(&mut self, now_ms: u64) {
        let at = *self.away.ask_at_ms.get_or_insert(now_ms + WAITS_MS);
        if now_ms >= at && !self.away.is_told && self.away.question.is_none() {
            self.away.ask_at_ms = Some(now_ms + WAITS_MS);
            self.away.question = Some(self.acceptor.host.waits(&self.acceptor.context));
        }
    }

    async fn stand(&mut self, standing: Standing) -> Result<(), Over> {
        match standing {
            Ok(Rows::Inbox(rows)) => {
                for frame in self.core.stand(rows) {
                    self.say(frame).await?;
                }
            }
            Ok(_) => tracing::warn!("the store answered a question about inbound events with other rows"),
            // It is asked again with the next sweep.
            Err(error) => tracing::debug!(%error, "events of a console session could not be looked up"),
        }
        Ok(())
    }

    fn preview(&self, inbound: InboundId, piece: String) -> Result<(), Over> {
        if self.core.is_open(&inbound) {
            // A preview that finds no room is lost, as previews may be.
            drop(self.acceptor.out.try_send(Out::Frame(FromNode::Preview { inbound, piece })));
        }
        Ok(())
    }

    async fn say(&mut self, frame: FromNode) -> Result<(), Over> {
        self.acceptor.out.send(Out::Frame(frame)).await.map_err(|_: mpsc::error::SendError<Out>| Over)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

async fn ask(acceptor: &Acceptor, ids: Vec<InboundId>) -> Standing {
    let asked = acceptor.host.query(Query::Inbound { ids });
    let late = |_| Err(QueryError::Unavailable(format!("no answer within {QUERY_MS_MAX} ms")));
    tokio::time::timeout(Duration::from_millis(QUERY_MS_MAX), asked).await.unwrap_or_else(late)
}

fn pieces(acceptor: &Acceptor, inbound: InboundId) -> Pin<Box<dyn Stream<Item = (InboundId, String)> + Send>> {
    let pieces = acceptor.host.listen(&acceptor.context, Trace::of(&inbound));
    Box::pin(futures_util::stream::unfold((pieces, inbound), |(mut pieces, inbound)| async move {
        let piece = pieces.recv().await?;
        Some(((inbound.clone(), piece), (pieces, inbound)))
    }))
}

/// The next preview; `None` at once when none is followed, which disables its branch.
async fn next_piece(previews: &mut Option<Previews>) -> Option<(InboundId, String)> {
    match previews {
        Some(previews) if !previews.is_empty() => previews.next().await,
        _ => None,
    }
}

/// The future in a slot, which is empty again when it has ended; never, while it is empty.
async fn slot<T>(slot: &mut Option<BoxFuture<T>>) -> T {
    let Some(future) = slot else { return std::future::pending().await };
    let value = future.await;
    *slot = None;
    value
}
