//! What a lane decides.

use std::collections::VecDeque;

use messages::lane::Reply;
use messages::store::{LANE_ROWS_MAX, OutboxRow, OutboxState, Write};
use messages::{Address, Moment};
use runtime::{AskId, Cx, Decision};

use crate::port::{Found, Sending};
use crate::shell::Lane;

/// Attempts after which a row that is surely not sent is given up.
pub const ATTEMPTS_MAX: u32 = 100;
/// The name of a lane's one date: when a refused attempt may be repeated.
pub(crate) const RETRY: &str = "retry";

/// What a lane decides by.
#[derive(Debug, Clone, Copy, Default)]
pub struct LaneFacts {
    /// For a test that must be able to fail: attempts are not marked before they begin.
    #[cfg(feature = "failpoints")]
    pub without_marks: bool,
}

#[cfg(feature = "failpoints")]
fn marks(facts: &LaneFacts) -> bool {
    !facts.without_marks
}

#[cfg(not(feature = "failpoints"))]
fn marks(_: &LaneFacts) -> bool {
    true
}

/// What a lane knows.
#[derive(Debug)]
pub struct State {
    pending: VecDeque<OutboxRow>,
    sending: Option<i64>,
    /// Rows were left in `sending` by an earlier run; they are asked about before anything is sent.
    asking: usize,
    /// Woken while it was busy: there may be more rows than it knows.
    woken: bool,
    /// The last read gave as many rows as one may.
    more: bool,
}

/// What a lane hears.
#[derive(Debug)]
pub enum Event {
    Woken,
    Read { rows: Vec<OutboxRow>, ready: bool },
    Ended { row: Box<OutboxRow>, sending: Sending },
    Found { row: Box<OutboxRow>, found: Found },
    Describe(AskId),
}

/// What a lane does after a commit.
#[derive(Debug)]
pub enum Effect {
    Read,
    Find(Box<OutboxRow>),
    Send(Box<OutboxRow>),
    /// A reply's way has ended: its context logs it and settles the event.
    Tell(Address),
}

impl State {
    pub(crate) fn open(rows: Vec<OutboxRow>) -> (Self, Vec<Effect>) {
        let cut_off: Vec<_> = rows.into_iter().filter(|row| row.state == OutboxState::Sending).collect();
        let state = Self { pending: VecDeque::new(), sending: None, asking: cut_off.len(), woken: false, more: false };
        let mut effects: Vec<_> = cut_off.into_iter().map(|row| Effect::Find(Box::new(row))).collect();
        effects.push(Effect::Read);
        (state, effects)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.sending.is_none() && self.asking == 0 && self.pending.is_empty()
    }

    pub(crate) fn doing(&self) -> String {
        match self.sending {
            Some(id) => format!("sends reply {id}"),
            None => String::new(),
        }
    }

    pub(crate) fn decide(&mut self, event: Event, cx: &Cx<'_, LaneFacts>) -> Decision<Lane> {
        match event {
            Event::Woken if self.sending.is_some() || self.asking > 0 => {
                self.woken = true;
                Decision::none()
            }
            Event::Woken => Decision::then(Effect::Read),
            Event::Read { rows, ready } => self.read(rows, ready, cx),
            Event::Ended { row, sending } => self.ended(&row, sending, cx),
            Event::Found { row, found } => self.found(&row, found, cx.now),
            Event::Describe(ask) => {
                Decision::answer(ask, Reply::Described { pending: self.pending.len(), sending: self.sending })
            }
        }
    }

    fn read(&mut self, rows: Vec<OutboxRow>, ready: bool, cx: &Cx<'_, LaneFacts>) -> Decision<Lane> {
        if self.sending.is_some() || self.asking > 0 {
            return Decision::none();
        }
        self.more = rows.len() >= LANE_ROWS_MAX;
        self.pending = rows.into_iter().filter(|row| row.state == OutboxState::Pending).collect();
        let mut decision = Decision::none();
        if ready {
            self.begin_next(&mut decision, cx);
        }
        if self.sending.is_none() {
            // They are read again when the connector is ready or their date has come.
            self.pending.clear();
        }
        decision
    }

    /// Marks the attempt for the oldest row and sends it. Order within a chat is kept: nobody overtakes a row that waits.
    fn begin_next(&mut self, decision: &mut Decision<Lane>, cx: &Cx<'_, LaneFacts>) {
        let now = cx.now;
        if self.pending.front().is_none_or(|row| must_wait(row, now)) {
            return;
        }
        let Some(row) = self.pending.pop_front() else {
            return;
        };
        self.sending = Some(row.id);
        if marks(cx.facts) {
            decision.writes.push(Write::OutboxSending { id: row.id, at: now });
        }
        decision.then.push(Effect::Send(Box::new(row)));
    }

    fn ended(&mut self, row: &OutboxRow, sending: Sending, cx: &Cx<'_, LaneFacts>) -> Decision<Lane> {
        let (id, at) = (row.id, cx.now);
        self.sending = None;
        let mut decision = Decision::none();
        if !marks(cx.facts) {
            decision.writes.push(Write::OutboxSending { id, at });
        }
        let waits = match sending {
            Sending::Sent { platform_id } => {
                decision.writes.push(Write::OutboxSent { id, platform_id, at });
                false
            }
            Sending::Refused { error } => {
                decision.writes.push(Write::OutboxFailed { id, error, at });
                false
            }
            Sending::InDoubt { error } => {
                decision.writes.push(Write::OutboxDoubt { id, error, at });
                false
            }
            Sending::NotSent { error, .. } if row.attempt + 1 >= ATTEMPTS_MAX => {
                let error = format!("given up after {ATTEMPTS_MAX} attempts: {error}");
                decision.writes.push(Write::OutboxFailed { id, error, at });
                false
            }
            Sending::NotSent { error, retry_after_ms } => {
                decision.writes.extend(self.again(id, error, retry_after_ms, cx));
                true
            }
        };
        if !waits {
            decision.then.push(Effect::Tell(row.context.clone()));
            self.begin_next(&mut decision, cx);
        }
        if self.sending.is_none() {
            self.pending.clear();
            // What was put meanwhile came with a wake; without one there is more only where a read gave all it may.
            if std::mem::take(&mut self.woken) || (!waits && self.more) {
                decision.then.push(Effect::Read);
            }
        }
        decision
    }

    fn again(&self, id: i64, error: String, retry_after_ms: Option<u64>, cx: &Cx<'_, LaneFacts>) -> Vec<Write> {
        let wait_ms = retry_after_ms.map_or(0, |ms| i64::try_from(ms).unwrap_or(i64::MAX));
        let due = cx.now.plus_ms(wait_ms);
        let mut writes = vec![Write::OutboxRetry { id, not_before: due, error }];
        if retry_after_ms.is_some() {
            writes.push(Write::TimerPut { entity: cx.address.clone(), name: RETRY.to_owned(), due });
        }
        writes
    }

    fn found(&mut self, row: &OutboxRow, found: Found, at: Moment) -> Decision<Lane> {
        let id = row.id;
        self.asking = self.asking.saturating_sub(1);
        let write = match found {
            Found::Yes { platform_id } => Write::OutboxSent { id, platform_id, at },
            Found::Unknown => Write::OutboxDoubt {
                id,
                error: "the node ended while this was being sent; whether it arrived is not known".to_owned(),
                at,
            },
        };
        let mut decision = Decision { writes: vec![write], ..Decision::then(Effect::Tell(row.context.clone())) };
        if self.asking == 0 && std::mem::take(&mut self.woken) {
            decision.then.push(Effect::Read);
        }
        decision
    }
}

/// Its date has not come. A clock that was set back behind the last attempt can't say so: nothing waits for it.
fn must_wait(row: &OutboxRow, now: Moment) -> bool {
    row.not_before.is_some_and(|at| at > now) && row.attempted_at.is_none_or(|began| began <= now)
}

#[cfg(test)]
mod tests;
