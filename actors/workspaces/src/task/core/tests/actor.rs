//! An entity as its host runs it, one small step at a time: it hears, decides, commits, performs.

use std::collections::VecDeque;

use messages::Address;
use messages::store::{Owner, Write};
use runtime::{AskId, Cx, Decision, Entity, SlowKey};

/// What waits in a mailbox.
pub(super) enum Mail<E: Entity> {
    Wake,
    Due(String),
    Ask(<E::Proto as messages::Protocol>::Msg, AskId),
    /// A slow effect has ended; of an aborted one nobody hears.
    Slow(u64, E::Event),
}

/// What runs beside the mailbox.
pub(super) struct Slow<E: Entity> {
    pub(super) run: u64,
    pub(super) key: SlowKey,
    pub(super) effect: E::Effect,
    /// Its end waits in the mailbox.
    pub(super) has_ended: bool,
}

pub(super) struct Actor<E: Entity> {
    pub(super) at: Address,
    /// Under which epoch it was opened.
    pub(super) epoch: u64,
    pub(super) state: E::State,
    pub(super) mail: VecDeque<Mail<E>>,
    is_woken: bool,
    pub(super) todo: VecDeque<E::Effect>,
    /// What an effect gave, or the mailbox; it is not decided yet.
    pub(super) heard: Option<(E::Event, Option<String>)>,
    pub(super) slow: Option<Slow<E>>,
    runs: u64,
}

/// What a decision is to become once it is committed.
pub(super) struct Decided<E: Entity> {
    pub(super) writes: Vec<Write>,
    then: Vec<E::Effect>,
    abort: Vec<SlowKey>,
    pub(super) answers: Vec<(AskId, <E::Proto as messages::Protocol>::Reply)>,
}

impl<E: Entity> Actor<E> {
    pub(super) fn new(at: Address, epoch: u64, (state, effects): (E::State, Vec<E::Effect>)) -> Self {
        let (mail, todo) = (VecDeque::new(), effects.into());
        Self { at, epoch, state, mail, is_woken: false, todo, heard: None, slow: None, runs: 0 }
    }

    pub(super) fn owner() -> Owner {
        E::OWNER
    }

    pub(super) fn wake(&mut self) {
        if !std::mem::replace(&mut self.is_woken, true) {
            self.mail.push_back(Mail::Wake);
        }
    }

    /// The next of the mailbox is heard, if nothing else is left to do.
    pub(super) fn hear_next(&mut self) {
        self.heard = match self.mail.pop_front() {
            Some(Mail::Wake) => {
                self.is_woken = false;
                Some((E::woken(), None))
            }
            Some(Mail::Due(name)) => Some((E::due(&name), Some(name))),
            Some(Mail::Ask(msg, ask)) => Some((E::heard(msg, ask), None)),
            Some(Mail::Slow(run, event)) if self.slow.as_ref().is_some_and(|slow| slow.run == run) => {
                self.slow = None;
                Some((event, None))
            }
            Some(Mail::Slow(..)) | None => None,
        };
    }

    pub(super) fn decide(&mut self, event: E::Event, date: Option<String>, cx: &Cx<'_, E::Facts>) -> Decided<E> {
        let Decision { mut writes, then, answers, abort } = E::decide(&mut self.state, event, cx);
        let put_anew = |write: &Write, name: &str| matches!(write, Write::TimerPut { entity, name: put, .. } if *entity == self.at && put == name);
        if let Some(name) = date.filter(|name| !writes.iter().any(|write| put_anew(write, name))) {
            writes.push(Write::TimerDrop { entity: self.at.clone(), name });
        }
        Decided { writes, then, abort, answers }
    }

    /// After the commit. Gives back the slow effect that was aborted.
    pub(super) fn committed(&mut self, decided: Decided<E>) -> Option<E::Effect> {
        let Decided { then, abort, .. } = decided;
        let aborted = self.slow.take_if(|slow| abort.contains(&slow.key)).filter(|slow| !slow.has_ended);
        self.todo.retain(|effect| E::slow(effect).is_none_or(|key| !abort.contains(&key)));
        self.todo.extend(then);
        aborted.map(|slow| slow.effect)
    }

    /// An effect begins beside the mailbox.
    pub(super) fn begin(&mut self, key: SlowKey, effect: E::Effect) {
        assert!(self.slow.is_none(), "{}: {effect:?} begins while another runs", self.at);
        self.runs += 1;
        self.slow = Some(Slow { run: self.runs, key, effect, has_ended: false });
    }

    /// What runs beside the mailbox ends.
    pub(super) fn end_slow(&mut self, event: E::Event) {
        let Some(slow) = self.slow.as_mut() else { return };
        slow.has_ended = true;
        self.mail.push_back(Mail::Slow(slow.run, event));
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.heard.is_none() && self.todo.is_empty() && self.mail.is_empty()
    }

    /// It may be stopped: nothing is under way.
    pub(super) fn may_stop(&self) -> bool {
        self.is_at_rest() && self.slow.is_none() && E::is_idle(&self.state)
    }
}
