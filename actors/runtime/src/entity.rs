//! An actor that has rows.
//!
//! One generic host runs any of them: it hears a message, lets the entity decide, commits what the decision writes, and
//! only then answers and performs. State is what the rows say; after a crash the same rows give the same state.

use std::future::Future;
use std::sync::Arc;

use messages::store::{Owner, Query, Rows, Write};
use messages::{Address, Moment, Protocol};

use crate::system::System;

/// Names one ask that waits for its answer within an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

/// Names one slow effect within an entity, so that it can be aborted. A second one with the same key replaces the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlowKey(pub i64);

/// What a decision may look at besides state and event.
#[derive(Debug)]
pub struct Cx<'a, F> {
    /// The time.
    pub now: Moment,
    /// 64 fresh bits, for jitter and salts.
    pub seed: u64,
    /// Where the entity is.
    pub address: &'a Address,
    /// What it decides by: policy, limits.
    pub facts: &'a F,
}

/// What an entity decided: all of `writes` are committed before any of the rest happens.
#[derive(Debug)]
pub struct Decision<E: Entity> {
    /// One transaction.
    pub writes: Vec<Write>,
    /// Performed front to back; an event that one returns is decided and committed before the next begins.
    pub then: Vec<E::Effect>,
    /// Answers to asks.
    pub answers: Vec<(AskId, <E::Proto as Protocol>::Reply)>,
    /// Slow effects to be stopped. A late result of one is ignored.
    pub abort: Vec<SlowKey>,
}

impl<E: Entity> Default for Decision<E> {
    fn default() -> Self {
        Self { writes: Vec::new(), then: Vec::new(), answers: Vec::new(), abort: Vec::new() }
    }
}

impl<E: Entity> Decision<E> {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Only an effect.
    #[must_use]
    pub fn then(effect: E::Effect) -> Self {
        Self { then: vec![effect], ..Self::default() }
    }

    /// Only an answer.
    #[must_use]
    pub fn answer(ask: AskId, reply: <E::Proto as Protocol>::Reply) -> Self {
        Self { answers: vec![(ask, reply)], ..Self::default() }
    }
}

/// One kind of actor with rows.
pub trait Entity: Sized + Send + Sync + 'static {
    /// Its words.
    type Proto: Protocol;
    /// What it performs with: connectors, files, models.
    type Deps: Send + Sync + 'static;
    /// What it decides by.
    type Facts: Send + Sync + 'static;
    /// What it knows.
    type State: Send + 'static;
    /// What it hears.
    type Event: Send + 'static;
    /// What it does after a commit.
    type Effect: Send + Sync + std::fmt::Debug + 'static;

    /// As whom it commits.
    const OWNER: Owner;

    /// The rows it opens from.
    fn rows(address: &Address) -> Query;

    /// State from rows. Every unfinished thing follows from them: that is all of recovery.
    ///
    /// # Errors
    /// Words, when the rows are not those that [`Entity::rows`] asks for or can't be understood.
    fn open(address: &Address, rows: Rows, now: Moment) -> Result<(Self::State, Vec<Self::Effect>), String>;

    /// It was woken: something may have changed in the store.
    fn woken() -> Self::Event;

    /// A date that it had put as a row has come. The row is dropped in the commit of what it decides now, unless that
    /// puts the same name again.
    fn due(name: &str) -> Self::Event;

    /// It was asked.
    fn heard(msg: <Self::Proto as Protocol>::Msg, ask: AskId) -> Self::Event;

    /// A slow effect ended without a result: it panicked.
    fn slow_died(key: SlowKey, why: &str) -> Self::Event;

    /// Decides. Pure: no I/O, no clock, no randomness but `cx`.
    fn decide(state: &mut Self::State, event: Self::Event, cx: &Cx<'_, Self::Facts>) -> Decision<Self>;

    /// Does one effect, and returns what came of it.
    fn perform(effect: &Self::Effect, world: &World<Self>) -> impl Future<Output = Option<Self::Event>> + Send;

    /// The effect runs beside the mailbox, under this key.
    fn slow(effect: &Self::Effect) -> Option<SlowKey>;

    /// Nothing is under way, so that it may be passivated.
    fn is_idle(state: &Self::State) -> bool;

    /// It has ended for ever, so that it is stopped as soon as nothing is under way: nobody wakes it again, and waiting
    /// for passivation would keep it in memory for nothing.
    fn is_over(_: &Self::State) -> bool {
        false
    }

    /// What `actors` shows that it is doing; empty when nothing.
    fn doing(state: &Self::State) -> String;
}

/// What effects are performed with.
pub struct World<E: Entity> {
    /// Where the entity is.
    pub address: Address,
    /// The node.
    pub system: System,
    /// Its own dependencies.
    pub deps: Arc<E::Deps>,
    /// What it decides by.
    pub facts: Arc<E::Facts>,
}

impl<E: Entity> World<E> {
    /// This node may act for the entity at this moment. It is asked right before what no fence can stop, such as the
    /// writing of a file: a node that was frozen past its lease must do nothing more when it wakes.
    ///
    /// # Errors
    /// One sentence, when the entity's unit is another node's or the lease has ended.
    pub fn may_act(&self) -> Result<(), String> {
        self.system.may_act(&self.address)
    }
}

impl<E: Entity> Clone for World<E> {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            system: self.system.clone(),
            deps: self.deps.clone(),
            facts: self.facts.clone(),
        }
    }
}
