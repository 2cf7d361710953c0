//! What a node's side hears, and what it says is to be done.

use messages::cluster::{ToHub, ToNode, Unit};

use crate::timers::Monotonic;

/// What a node hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time has passed.
    Tick,
    /// The link to the hub is up.
    Up,
    /// It has ended.
    Down,
    /// The hub says something.
    Heard(ToNode),
    /// A unit that was told to [`Action::Open`] is open, or can't be.
    Opened {
        /// Which.
        unit: Unit,
        /// Of which epoch.
        epoch: u64,
        /// It is open; `false`: who has it on this host, or what is missing, may go away.
        is_open: bool,
    },
    /// A unit that was told to [`Action::Drain`] has finished: nothing of it runs any more.
    Finished {
        /// Which.
        unit: Unit,
        /// Of which epoch.
        epoch: u64,
    },
    /// A commit under this epoch was refused as stale.
    Fenced {
        /// Which.
        unit: Unit,
        /// The epoch that the commit carried.
        epoch: u64,
    },
    /// The node is to give all its units away, or takes some again.
    Drain(bool),
    /// The node stops: close what is left, and say goodbye.
    Goodbye,
}

/// What is to be done: of one unit in this order, each to its end before the next; a goodbye after everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Say this to the hub. May be lost.
    Send(ToHub),
    /// Take what the unit needs on this host, and end what an earlier epoch has left. Say [`Event::Opened`]; until then nothing
    /// is committed for it.
    Open(Unit, u64),
    /// It may commit: wake its actors.
    Begin(Unit, u64),
    /// Stop committing and sending: the lease is over since then. What is in memory may stay.
    Suspend(Unit, Monotonic),
    /// Go on: it was renewed under the same epoch. What was not done meanwhile is woken.
    Resume(Unit),
    /// Take nothing new, finish what was begun, close, and say [`Event::Finished`].
    Drain(Unit, u64),
    /// Stop at once and forget it; when this is done nothing of it runs any more. Nothing, when it has just finished.
    Close(Unit, Closed),
}

/// Why a unit is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// A commit was refused: it has a newer holder.
    Fenced,
    /// The hub says that it is not held here.
    NotHeld,
    /// It comes again under a higher epoch.
    NewerEpoch,
    /// The lease ended while it was finishing.
    LeaseOver,
    /// The node stops.
    Goodbye,
}
