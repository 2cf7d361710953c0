//! What retention decides: rows and the date in, marks, cuts and records out.

use messages::retention::{Msg, Policy, Reply, View};
use messages::store::{AuditCut, ForgetRow, MARKS_MAX, Person, RetentionRow, RetentionRows, RetentionWrite, Write};
use messages::{Address, Moment, Slug};
use runtime::{AskId, Cx};

use crate::shell::Retention;
use crate::trust::{self, DAY_MS};

pub(crate) type Decision = runtime::Decision<Retention>;

/// A round begins so long after the one before had begun.
pub(crate) const ROUND_EVERY_MS: i64 = DAY_MS;
/// The date, and whether a round is due, is looked at so often.
pub(crate) const LOOK_EVERY_MS: i64 = 3_600_000;
/// While marks wait to be carried out it is looked again so often.
const GO_ON_MS: i64 = 1_000;
/// Marks that wait at a time, of a round and of each forgetting: contexts that have other work are not flooded.
pub(crate) const MARKED_MAX: u64 = 1_024;
/// The one date.
const LOOK: &str = "look";

/// What retention decides by.
#[derive(Debug, Clone, Default)]
pub struct RetentionFacts {
    /// How long what is kept.
    pub policy: Policy,
    /// Who may have a person forgotten: the account that holds the data folder, `console:ann`.
    pub account: String,
}

/// What retention knows.
#[derive(Debug, Default)]
pub struct State {
    row: RetentionRow,
    marked: u64,
    forgets: Vec<ForgetRow>,
    /// Why nothing is erased by its age now.
    held: String,
    next: Option<Moment>,
}

/// What it hears.
#[derive(Debug)]
pub enum Event {
    Woken,
    Heard(Msg, AskId),
    Looked { rows: Box<RetentionRows>, clock_alarm: bool },
    Archived { cut: AuditCut, file: Result<String, String> },
    Cleaned { forget: ForgetRow, done: Result<(), String> },
    Past { ask: AskId, events: u64, audit: u64 },
    Answer(AskId, Reply),
}

/// What it does after a commit.
#[derive(Debug)]
pub enum Effect {
    /// Read its rows and the clock.
    Look,
    /// Write records into a file.
    Archive(AuditCut),
    /// Remove copies of the store from before an upgrade: all when a person is forgotten, else those that are too old.
    Clean(Option<ForgetRow>),
    /// Count what is past its time.
    CountPast(AskId),
    CountWords(AskId, Person, Option<Slug>, i64),
    /// Which number a forgetting was given.
    FindForget(AskId, Person, Option<Slug>),
    ReadForget(AskId, i64),
}

/// What ended before is past its time.
pub(crate) fn before(days: Option<u32>, now: Moment) -> Option<Moment> {
    days.map(|days| now.plus_ms(-i64::from(days).saturating_mul(DAY_MS)))
}

impl State {
    pub(crate) fn decide(&mut self, event: Event, cx: &Cx<'_, RetentionFacts>) -> Decision {
        let mut out = Decision::none();
        match event {
            Event::Woken => {
                out.then.push(Effect::Look);
                // The date that has come is gone with this commit, whatever the look finds.
                self.look_again(LOOK_EVERY_MS, &mut out, cx);
            }
            Event::Heard(msg, ask) => Self::heard(msg, ask, &mut out, cx),
            Event::Looked { rows, clock_alarm } => self.looked(&rows, clock_alarm, &mut out, cx),
            Event::Archived { cut, file } => self.archived(&cut, file, &mut out, cx),
            Event::Cleaned { forget, done } => Self::cleaned(&forget, done, &mut out, cx),
            Event::Past { ask, events, audit } => {
                out.answers.push((ask, Reply::Described(Box::new(self.view(events, audit, cx)))));
            }
            Event::Answer(ask, reply) => out.answers.push((ask, reply)),
        }
        out
    }

    fn heard(msg: Msg, ask: AskId, out: &mut Decision, cx: &Cx<'_, RetentionFacts>) {
        match msg {
            Msg::Describe => out.then.extend([Effect::Look, Effect::CountPast(ask)]),
            Msg::Forgetting { id } => out.then.push(Effect::ReadForget(ask, id)),
            Msg::Count { by, .. } | Msg::Forget { by, .. } if by != cx.facts.account => {
                let why = "only the account that holds the data folder may have a person forgotten".to_owned();
                out.answers.push((ask, Reply::Refused(why)));
            }
            Msg::Count { person, workspace, after, .. } => {
                out.then.push(Effect::CountWords(ask, person, workspace, after));
            }
            Msg::Forget { person, workspace, by } => {
                if person.user.is_empty() {
                    return out.answers.push((ask, Reply::Refused("a person has a name".to_owned())));
                }
                let forget =
                    RetentionWrite::Forget { person: person.clone(), workspace: workspace.clone(), by, at: cx.now };
                out.writes.push(Write::Retention(forget));
                out.then.extend([Effect::FindForget(ask, person, workspace), Effect::Look]);
            }
        }
    }

    fn looked(&mut self, rows: &RetentionRows, clock_alarm: bool, out: &mut Decision, cx: &Cx<'_, RetentionFacts>) {
        (self.marked, self.forgets) = (rows.marked, rows.forgets.clone());
        forget(&rows.forgets, out);
        let (row, held) = trust::look(&rows.row, cx.now, clock_alarm);
        self.held = held.unwrap_or_default();
        if row != rows.row && is_stale(&rows.row, cx.now) {
            out.writes.push(Write::Retention(RetentionWrite::Put(row.clone())));
        }
        self.row = row;
        if self.held.is_empty() && self.has_policy(cx) && is_due(&self.row, cx.now) {
            self.round(rows, out, cx);
        } else {
            self.look_again(LOOK_EVERY_MS, out, cx);
        }
    }

    fn has_policy(&self, cx: &Cx<'_, RetentionFacts>) -> bool {
        let Policy { messages_days, audit_days, .. } = cx.facts.policy;
        messages_days.is_some() || audit_days.is_some()
    }

    /// One step of a round: marks, then cuts, then waits until what is marked is erased.
    fn round(&mut self, rows: &RetentionRows, out: &mut Decision, cx: &Cx<'_, RetentionFacts>) {
        if self.row.ended.is_some() || self.row.began.is_none() {
            (self.row.began, self.row.ended, self.row.marked) = (Some(cx.now), None, 0);
        }
        match &rows.cut {
            _ if !rows.past.is_empty() && rows.marked < MARKED_MAX => {
                let past: Vec<i64> = rows.past.iter().take(MARKS_MAX as usize).copied().collect();
                let many = u64::try_from(past.len()).unwrap_or(0);
                (self.row.marked, self.row.marked_ever) = (self.row.marked + many, self.row.marked_ever + many);
                let memory = cx.facts.policy.memory;
                out.writes.push(Write::Retention(RetentionWrite::Mark { seqs: past, memory }));
                out.then.push(Effect::Look);
            }
            Some(cut) if cx.facts.policy.archive => out.then.push(Effect::Archive(cut.clone())),
            Some(cut) => Self::cut(cut, String::new(), out, cx),
            None if rows.marked > 0 || !rows.past.is_empty() => {}
            None => return self.end_round(out, cx),
        }
        out.writes.push(Write::Retention(RetentionWrite::Put(self.row.clone())));
        self.look_again(GO_ON_MS, out, cx);
    }

    fn end_round(&mut self, out: &mut Decision, cx: &Cx<'_, RetentionFacts>) {
        self.row.ended = Some(cx.now);
        out.writes.push(Write::Retention(RetentionWrite::Put(self.row.clone())));
        if self.row.marked > 0 {
            let detail = serde_json::json!({ "events": self.row.marked }).to_string();
            out.writes.push(audit("retention.ran", String::new(), "words past their time", detail, cx));
        }
        out.then.push(Effect::Clean(None));
        self.look_again(LOOK_EVERY_MS, out, cx);
    }

    fn archived(
        &mut self,
        cut: &AuditCut,
        file: Result<String, String>,
        out: &mut Decision,
        cx: &Cx<'_, RetentionFacts>,
    ) {
        match file {
            Ok(file) => Self::cut(cut, file, out, cx),
            Err(why) => {
                self.held = format!("audit records can't be written into a file: {why}; nothing of them is taken out");
                tracing::warn!(why, "audit records can't be archived; they stay in the chain");
                self.next = None;
                self.look_again(LOOK_EVERY_MS, out, cx);
            }
        }
    }

    fn cut(cut: &AuditCut, archive: String, out: &mut Decision, cx: &Cx<'_, RetentionFacts>) {
        out.writes.push(Write::Retention(RetentionWrite::AuditCut { upto: cut.upto, at: cx.now, archive }));
        out.then.push(Effect::Look);
    }

    fn cleaned(forget: &ForgetRow, done: Result<(), String>, out: &mut Decision, cx: &Cx<'_, RetentionFacts>) {
        if let Err(why) = done {
            // The sweep wakes it again.
            tracing::warn!(why, "a copy of the store from before an upgrade can't be removed; it is tried again");
            return;
        }
        out.writes.push(Write::Retention(RetentionWrite::ForgetDone { id: forget.id, at: cx.now }));
        let detail = serde_json::json!({ "workspace": forget.workspace, "events": forget.events }).to_string();
        let Person { connector, user } = &forget.person;
        out.writes.push(audit("person.forgotten", forget.by.clone(), &format!("{connector}:{user}"), detail, cx));
        out.then.push(Effect::Look);
    }

    fn look_again(&mut self, ms: i64, out: &mut Decision, cx: &Cx<'_, RetentionFacts>) {
        let due = cx.now.plus_ms(ms);
        // One that is earlier than that stands; one farther away than any can be was set before the clock was set back.
        if ms == GO_ON_MS || self.next.is_none_or(|next| next <= cx.now || next > due) {
            self.next = Some(due);
            let (entity, name) = (cx.address.clone(), LOOK.to_owned());
            out.writes.push(Write::TimerPut { entity, name, due });
        }
    }

    fn view(&self, events_past: u64, audit_past: u64, cx: &Cx<'_, RetentionFacts>) -> View {
        View {
            policy: cx.facts.policy,
            row: self.row.clone(),
            events_past,
            audit_past,
            marked: self.marked,
            held: if self.has_policy(cx) { self.held.clone() } else { String::new() },
            next: self.next,
            forgetting: self.forgets.clone(),
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.forgets.is_empty()
    }

    pub(crate) fn doing(&self) -> String {
        let left: u64 = self.forgets.iter().map(|forget| forget.left).sum();
        match (self.forgets.len(), self.marked) {
            (0, 0) => String::new(),
            (0, marked) => format!("{marked} events past their time are being erased"),
            (people, _) => format!("{people} people are being forgotten, {left} events are left"),
        }
    }
}

/// The next step of each forgetting. Between steps the sweep wakes it.
fn forget(forgets: &[ForgetRow], out: &mut Decision) {
    for forget in forgets {
        if forget.next < forget.last && forget.left < MARKED_MAX {
            let next = RetentionWrite::ForgetNext { id: forget.id, from: forget.next };
            out.writes.push(Write::Retention(next));
            if !out.then.iter().any(|effect| matches!(effect, Effect::Look)) {
                out.then.push(Effect::Look);
            }
        } else if forget.next >= forget.last && forget.left == 0 {
            out.then.push(Effect::Clean(Some(forget.clone())));
        }
    }
}

/// A round is under way, or due.
fn is_due(row: &RetentionRow, now: Moment) -> bool {
    match (row.began, row.ended) {
        (Some(began), Some(_)) => began > now || now.ms_since(began) >= ROUND_EVERY_MS,
        _ => true,
    }
}

/// What the row says of the date is old enough to be written anew.
fn is_stale(row: &RetentionRow, now: Moment) -> bool {
    row.seen.is_none_or(|seen| seen > now || now.ms_since(seen) >= LOOK_EVERY_MS / 2) || row.doubted.is_some()
}

fn audit(action: &str, principal: String, subject: &str, detail: String, cx: &Cx<'_, RetentionFacts>) -> Write {
    let (actor, rules): (Address, Vec<String>) = (cx.address.clone(), Vec::new());
    let (action, subject) = (action.to_owned(), subject.to_owned());
    Write::Audit { at: cx.now, actor, principal, action, subject, rules, detail }
}

#[cfg(test)]
mod tests;
