//! The host of entities: hears, lets decide, commits, answers, performs.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::tasks::Task;
use fail::fail_point;
use messages::store::{Commit, CommitError, QueryError, Write};
use messages::{Address, Protocol as _};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::directory::Handles;
use crate::entity::{AskId, Cx, Decision, Entity, SlowKey, World};
use crate::gauge::{Gauge, Standing};
use crate::mail::{Envelope, Mail, TypedPost};
use crate::service::ReplyPort;
use crate::slow::DeathNotice;
use crate::supervisor::{REOPEN, Start};
use crate::tasks::Tasks;

/// Effects performed in one go before the mailbox is looked at again.
const EFFECTS_IN_A_ROW_MAX: usize = 64;
/// Asks that may wait for an answer inside an entity; those whose asker has gone are dropped first.
const ASKS_MAX: usize = 256;
/// The first wait after the store refused, doubled up to the second.
const STORE_BACKOFF: Duration = Duration::from_millis(20);
const STORE_BACKOFF_MAX: Duration = Duration::from_secs(2);

/// What an entity's actor hears.
pub(crate) enum Heard<E: Entity> {
    Posted(Mail<E::Proto>),
    Slow {
        key: SlowKey,
        run: u64,
        end: Result<Option<E::Event>, String>,
    },
    /// Go on with the effects that are left.
    GoOn,
}

struct Host<E: Entity> {
    world: World<E>,
    gauge: Arc<Gauge>,
    woken: Arc<AtomicBool>,
    tasks: Tasks,
    entity: PhantomData<fn() -> E>,
}

struct Running<E: Entity> {
    state: Option<E::State>,
    todo: VecDeque<E::Effect>,
    slow: HashMap<SlowKey, (u64, Task)>,
    asks: HashMap<AskId, ReplyPort<E::Proto>>,
    next: u64,
}

/// Why an entity's run ends.
enum End {
    /// Its rows are to be read again.
    Reopen(String),
    /// The node stops.
    Stopping,
    Failed(String),
}

pub(crate) async fn spawn<E: Entity>(
    address: Address,
    start: Start,
    deps: Arc<E::Deps>,
    facts: Arc<E::Facts>,
) -> Result<Handles, String> {
    let (gauge, woken) = (start.gauge, Arc::new(AtomicBool::new(false)));
    let depth_max = start.system.options().mailbox_max;
    let on_panic_gauge = gauge.clone();
    let tasks = Tasks::new(Arc::new(move |_, why| on_panic_gauge.failed(&why)));
    let world = World { address, system: start.system, deps, facts };
    let host = Host::<E> { world, gauge: gauge.clone(), woken: woken.clone(), tasks, entity: PhantomData };
    let (actor, _) = Actor::spawn_linked(None, host, (), start.supervisor).await.map_err(|e| e.to_string())?;
    let cell = actor.get_cell();
    let deliver = move |mail, ticket| {
        actor.send_message(Envelope { mail: Heard::<E>::Posted(mail), ticket: Some(ticket) }).is_ok()
    };
    let post = TypedPost::<E::Proto>::new(gauge, woken, depth_max, Box::new(deliver));
    Ok(Handles { cell, post: Some(Arc::new(post)), supervisor: None })
}

impl<E: Entity> Actor for Host<E> {
    type Msg = Envelope<Heard<E>>;
    type State = Running<E>;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<Running<E>, ActorProcessingErr> {
        Ok(Running { state: None, todo: VecDeque::new(), slow: HashMap::new(), asks: HashMap::new(), next: 0 })
    }

    /// Opening reads the store; it is done here so that nobody waits for it but the entity's own mailbox.
    async fn post_start(
        &self,
        myself: ActorRef<Self::Msg>,
        running: &mut Running<E>,
    ) -> Result<(), ActorProcessingErr> {
        Box::pin(self.open(&myself, running)).await
    }

    /// Boxed, as is the opening: kept inline, what they may need while they work would be part of every idle actor.
    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        running: &mut Running<E>,
    ) -> Result<(), ActorProcessingErr> {
        Box::pin(self.hear(&myself, message, running)).await
    }

    async fn post_stop(&self, _: ActorRef<Self::Msg>, _: &mut Running<E>) -> Result<(), ActorProcessingErr> {
        self.tasks.abort_all();
        Ok(())
    }
}

impl<E: Entity> Drop for Host<E> {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

impl<E: Entity> Running<E> {
    fn keep(&mut self, reply: ReplyPort<E::Proto>) -> Option<AskId> {
        if self.asks.len() >= ASKS_MAX {
            self.asks.retain(|_, reply| !reply.is_closed());
        }
        if self.asks.len() >= ASKS_MAX {
            let what = format!("{ASKS_MAX} asks wait for its answer");
            reply.fail(messages::AskError::Busy { what, retry_after: STORE_BACKOFF_MAX });
            return None;
        }
        self.next += 1;
        let ask = AskId(self.next);
        self.asks.insert(ask, reply);
        Some(ask)
    }

    fn slow_ended(&mut self, key: SlowKey, run: u64, end: Result<Option<E::Event>, String>) -> Option<E::Event> {
        if self.slow.get(&key).is_none_or(|(current, _)| *current != run) {
            return None;
        }
        self.slow.remove(&key);
        end.unwrap_or_else(|why| Some(E::slow_died(key, &why)))
    }
}

impl<E: Entity> Host<E> {
    async fn open(
        &self,
        myself: &ActorRef<Envelope<Heard<E>>>,
        running: &mut Running<E>,
    ) -> Result<(), ActorProcessingErr> {
        let rows = match self.read_rows().await {
            Ok(rows) => rows,
            Err(end) => return self.end(myself, end),
        };
        let (state, effects) = E::open(&self.world.address, rows, self.world.system.now())
            .map_err(|why| format!("rows of {} can't be opened: {why}", self.world.address))?;
        running.state = Some(state);
        running.todo.extend(effects);
        self.go_on(myself, running).await
    }

    async fn hear(
        &self,
        myself: &ActorRef<Envelope<Heard<E>>>,
        message: Envelope<Heard<E>>,
        running: &mut Running<E>,
    ) -> Result<(), ActorProcessingErr> {
        let Envelope { mail, ticket } = message;
        drop(ticket);
        let (event, date) = match mail {
            Heard::Posted(Mail::Wake) => {
                self.woken.store(false, Ordering::SeqCst);
                (E::woken(), None)
            }
            Heard::Posted(Mail::Due(name)) => (E::due(&name), Some(name)),
            Heard::Posted(Mail::Ask { msg, reply }) => match running.keep(reply.heard()) {
                Some(ask) => (E::heard(msg, ask), None),
                None => return Ok(()),
            },
            Heard::Posted(Mail::Passivate) => return self.passivate(myself, running),
            Heard::GoOn => return self.go_on(myself, running).await,
            Heard::Slow { key, run, end } => match running.slow_ended(key, run, end) {
                Some(event) => (event, None),
                None => return Ok(()),
            },
        };
        self.gauge.count_handled();
        if let Err(end) = self.decide(running, event, date).await {
            return self.end(myself, end);
        }
        self.go_on(myself, running).await
    }

    async fn read_rows(&self) -> Result<messages::store::Rows, End> {
        let mut wait = STORE_BACKOFF;
        loop {
            match self.world.system.store().query(E::rows(&self.world.address)).await {
                Ok(rows) => {
                    self.gauge.stand(Standing::Running);
                    return Ok(rows);
                }
                Err(error @ (QueryError::Busy { .. } | QueryError::Unavailable(_))) => {
                    self.pause(&error.to_string(), &mut wait).await?;
                }
            }
        }
    }

    /// Performs what is left, front to back, and gives the mailbox its turn after a while.
    async fn go_on(
        &self,
        myself: &ActorRef<Envelope<Heard<E>>>,
        running: &mut Running<E>,
    ) -> Result<(), ActorProcessingErr> {
        for _ in 0..EFFECTS_IN_A_ROW_MAX {
            let Some(effect) = running.todo.pop_front() else {
                break;
            };
            if let Err(end) = self.may_act().await {
                return self.end(myself, end);
            }
            if let Some(key) = E::slow(&effect) {
                self.begin_slow(myself, running, key, effect);
                continue;
            }
            fail_point!(&format!("{}.before_effect", E::Proto::KIND));
            // Boxed: kept inline, the largest effect's future would be part of every idle actor.
            let event = Box::pin(E::perform(&effect, &self.world)).await;
            fail_point!(&format!("{}.after_effect", E::Proto::KIND));
            if let Some(event) = event
                && let Err(end) = self.decide(running, event, None).await
            {
                return self.end(myself, end);
            }
        }
        if !running.todo.is_empty() {
            myself.send_message(Envelope { mail: Heard::GoOn, ticket: None })?;
        }
        if let Some(state) = &running.state {
            self.gauge.doing(&E::doing(state));
            // Whoever opened it has something to say to it: it stays until that was heard.
            if E::is_over(state) && self.gauge.handled() > 0 {
                return self.passivate(myself, running);
            }
        }
        Ok(())
    }

    async fn decide(&self, running: &mut Running<E>, event: E::Event, date: Option<String>) -> Result<(), End> {
        let Some(state) = &mut running.state else {
            return Ok(());
        };
        let cx = Cx {
            now: self.world.system.now(),
            seed: RandomState::new().build_hasher().finish(),
            address: &self.world.address,
            facts: &*self.world.facts,
        };
        let Decision { mut writes, then, answers, abort } = E::decide(state, event, &cx);
        if let Some(name) = date {
            self.drop_date(&mut writes, name);
        }
        if !writes.is_empty() {
            self.commit(writes).await?;
        }
        for key in abort {
            if let Some((_, task)) = running.slow.remove(&key) {
                task.abort();
            }
            // One that waits behind other effects has not begun, and never will.
            running.todo.retain(|effect| E::slow(effect) != Some(key));
        }
        for (ask, reply) in answers {
            if let Some(port) = running.asks.remove(&ask) {
                port.send(reply);
            }
        }
        running.todo.extend(then);
        Ok(())
    }

    /// A date that fired leaves the store with the decision that it led to, unless that set it anew.
    fn drop_date(&self, writes: &mut Vec<Write>, name: String) {
        let anew = |write: &Write| matches!(write, Write::TimerPut { entity, name: put, .. } if *entity == self.world.address && *put == name);
        if !writes.iter().any(anew) {
            writes.push(Write::TimerDrop { entity: self.world.address.clone(), name });
        }
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), End> {
        let mut commit = Commit { by: E::OWNER, fences: Vec::new(), writes };
        let mut wait = STORE_BACKOFF;
        loop {
            // Each time anew: the unit may be another node's by now, and its lease may have ended for a while.
            match self.world.system.fences(&self.world.address) {
                Ok(fences) => commit.fences = fences,
                Err(why) => {
                    self.pause(&why, &mut wait).await?;
                    continue;
                }
            }
            fail_point!(&format!("{}.before_commit", E::Proto::KIND));
            let done = self.world.system.store().commit(commit.clone()).await;
            fail_point!(&format!("{}.after_commit", E::Proto::KIND));
            match done {
                Ok(_) => {
                    self.gauge.stand(Standing::Running);
                    return Ok(());
                }
                Err(error @ (CommitError::Busy { .. } | CommitError::Unavailable(_))) => {
                    self.pause(&error.to_string(), &mut wait).await?;
                }
                Err(error @ (CommitError::Fenced { .. } | CommitError::Conflict(_) | CommitError::Unknown(_))) => {
                    return Err(End::Reopen(error.to_string()));
                }
                Err(error @ CommitError::Refused(_)) => return Err(End::Failed(error.to_string())),
            }
        }
    }

    /// Waits until this node may act for the entity. Fences stop commits and nothing else: what is sent or written to a
    /// file under a lease that has ended may be another's to send and to write.
    async fn may_act(&self) -> Result<(), End> {
        let mut wait = STORE_BACKOFF;
        while let Err(why) = self.world.may_act() {
            self.pause(&why, &mut wait).await?;
        }
        self.gauge.stand(Standing::Running);
        Ok(())
    }

    /// Nothing was written; it is tried again when some time has passed. What waits in the mailbox is bounded.
    async fn pause(&self, why: &str, wait: &mut Duration) -> Result<(), End> {
        if self.world.system.is_stopping() {
            return Err(End::Stopping);
        }
        self.gauge.stand(Standing::Paused);
        self.gauge.failed(why);
        tracing::debug!(actor = %self.world.address, why, "waits for the store");
        self.world.system.again().store_back_within(*wait).await;
        *wait = (*wait * 2).min(STORE_BACKOFF_MAX);
        Ok(())
    }

    fn begin_slow(
        &self,
        myself: &ActorRef<Envelope<Heard<E>>>,
        running: &mut Running<E>,
        key: SlowKey,
        effect: E::Effect,
    ) {
        running.next += 1;
        let run = running.next;
        let mut notice = DeathNotice { actor: myself.clone(), key, run, told: false };
        let world = self.world.clone();
        let task = self.tasks.spawn(E::Proto::KIND, async move {
            let event = E::perform(&effect, &world).await;
            notice.tell(Ok(event));
        });
        if let Some((_, before)) = running.slow.insert(key, (run, task)) {
            before.abort();
        }
    }

    fn passivate(&self, myself: &ActorRef<Envelope<Heard<E>>>, running: &Running<E>) -> Result<(), ActorProcessingErr> {
        let idle = running.state.as_ref().is_some_and(E::is_idle);
        if idle
            && running.todo.is_empty()
            && running.slow.is_empty()
            && running.asks.is_empty()
            && self.gauge.depth() == 0
        {
            // Mail that comes in between is lost with the mailbox: a wake is found by the sweep, an asker is told.
            myself.stop(None);
        }
        Ok(())
    }

    fn end(&self, myself: &ActorRef<Envelope<Heard<E>>>, end: End) -> Result<(), ActorProcessingErr> {
        match end {
            End::Reopen(why) => myself.stop(Some(format!("{REOPEN}{why}"))),
            End::Stopping => myself.stop(None),
            End::Failed(why) => return Err(why.into()),
        }
        Ok(())
    }
}
