//! Running turns: one at a time, each to its answer.

use messages::Address;
use messages::model::Role as Speaker;
use messages::store::{InboxRow, Write};
use messages::turn::Outcome;
use runtime::Cx;

use super::words::{self, Here};
use super::{Answer, Decision, EXPIRE, Effect, Job, Queued, State};
use crate::WorkFacts;
use crate::commands::Input;

/// Wakes whoever lives there, once in a commit.
pub(super) fn wake(whom: Address, out: &mut Decision) {
    if !out.then.iter().any(|effect| matches!(effect, Effect::Wake(at) if *at == whom)) {
        out.then.push(Effect::Wake(whom));
    }
}

/// A reply, and what its delivery makes of the event.
pub(super) struct Say {
    text: String,
    sources: Vec<String>,
    outcome: Outcome,
}

impl Say {
    pub(super) fn new(text: String, outcome: Outcome) -> Self {
        Self { text, sources: Vec::new(), outcome }
    }

    pub(super) fn quoting(self, sources: Vec<String>) -> Self {
        Self { sources, ..self }
    }
}

impl State {
    /// Begins the oldest turn unless one runs. What needs no I/O is answered at once, and the next one begun.
    pub(super) fn begin_next(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        while self.running.is_none()
            && let Some(next) = self.queue.pop_front()
        {
            if self.is_too_old(&next.row, cx) {
                self.too_old(&next, out, cx);
                continue;
            }
            self.log_inbound(&next.row, out, cx);
            match self.at_once(&next, out, cx) {
                Some(text) => Self::reply(&next.row, Say::new(text, Outcome::Replied), out, cx),
                None if next.input == Input::Talk => self.begin_talk(next, out, cx),
                None => self.begin_job(next, out, cx),
            }
        }
        if self.more && self.queue.is_empty() {
            self.more = false;
            out.then.push(Effect::ReadWork { limit: self.room() });
        }
    }

    /// A turn that needs I/O and no model.
    pub(super) fn begin_job(&mut self, next: Queued, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.heard_before(&next);
        let job = Job {
            seq: next.row.seq,
            row: next.row.clone(),
            turn: next.turn.clone(),
            input: next.input.clone(),
            status: self.status_lines(),
            when: self.when(cx),
        };
        out.then.push(Effect::Run(Box::new(job)));
        self.running = Some(next);
    }

    /// What was said before this turn. After a crash its own words are remembered from the log; they are asked once.
    pub(super) fn heard_before(&mut self, next: &Queued) -> Vec<messages::model::Said> {
        self.tail.retain(|heard| heard.seq != next.row.seq);
        let skip = self.tail.len().saturating_sub(self.in_force.context.limits.history);
        let history = self.tail.iter().skip(skip).map(|heard| heard.said.clone()).collect();
        self.remember(next.row.seq, Speaker::User, &next.row.text);
        history
    }

    fn status_lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("- context: `{}` in workspace `{}`", self.slug, self.workspace),
            format!("- definition in force: {}", self.in_force.context.version),
            format!("- turns that wait: {}", self.queue.len()),
        ];
        if let Some(problem) = &self.in_force.broken {
            lines.push(format!("- **broken file, the last good version stays in force**: {problem}"));
        }
        if let Some(problem) = &self.in_force.memory_problem {
            lines.push(format!("- memory: {problem}"));
        }
        lines
    }

    /// The answer to what needs no I/O.
    fn at_once(&mut self, next: &Queued, out: &mut Decision, cx: &Cx<'_, WorkFacts>) -> Option<String> {
        let (facts, role) =
            (self.in_force.context.facts(&self.in_force.workspace), cx.facts.role(&next.turn.principal));
        let here = Here { policy: &cx.facts.policy, facts: &facts, role, turn: &next.turn };
        match &next.input {
            Input::Help => Some(words::help(&here)),
            Input::Whoami => Some(words::whoami(&here)),
            Input::Problem(sentence) => Some(sentence.clone()),
            Input::New => {
                self.begin_afresh(next.row.seq, out, cx);
                Some(
                    "A fresh conversation. What was said before stays in the log and is not looked at any more; what is in memory stays (`/memory`)."
                        .to_owned(),
                )
            }
            Input::Stop => Some("Nothing runs here now.".to_owned()),
            Input::Task(words) => Some(self.make_task(words, next, out, cx)),
            Input::Talk
            | Input::Search(_)
            | Input::Open(..)
            | Input::Status
            | Input::Why(_)
            | Input::Tasks(_)
            | Input::Memory
            | Input::Forget(_) => None,
        }
    }

    fn begin_afresh(&mut self, seq: i64, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        (self.fresh_after, self.rev) = (seq, self.rev + 1);
        self.tail.clear();
        let (rev, fresh_after) = (self.rev, self.fresh_after);
        let definition = self.in_force.kept_text();
        out.writes.push(Write::ContextPut { context: cx.address.clone(), rev, fresh_after, definition });
    }

    /// A turn's work has ended; a late answer of one that was stopped is ignored.
    pub(super) fn ran(&mut self, seq: i64, answer: Answer, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let Some(turn) = self.running.take_if(|turn| turn.row.seq == seq) else { return };
        self.give_up_talk("it failed inside the runtime", out, cx);
        let outcome = if answer.failed { Outcome::Failed } else { Outcome::Replied };
        if !answer.failed {
            self.remember(seq, Speaker::Assistant, &answer.text);
        }
        Self::reply(&turn.row, Say { text: answer.text, sources: answer.sources, outcome }, out, cx);
        self.begin_next(out, cx);
    }

    /// Puts a reply, and wakes the lane that sends it.
    pub(super) fn reply(row: &InboxRow, say: Say, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        out.writes.push(Write::OutboxPut {
            seq: row.seq,
            n: 0,
            context: cx.address.clone(),
            chat: row.chat.clone(),
            text: say.text,
            sources: say.sources,
            outcome: Some(say.outcome),
            at: cx.now,
        });
        if let Ok(lane) = Address::lane(&row.chat) {
            wake(lane, out);
        }
        out.then.push(Effect::CloseFeed(row.trace.clone()));
    }

    fn is_too_old(&self, row: &InboxRow, cx: &Cx<'_, WorkFacts>) -> bool {
        let seconds = self.in_force.context.limits.wait_seconds;
        cx.now.ms_since(row.received_at) > i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
    }

    fn too_old(&mut self, late: &Queued, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.log_inbound(&late.row, out, cx);
        let seconds = self.in_force.context.limits.wait_seconds;
        let text = format!(
            "This waited longer than the {seconds} s that this context allows and was not begun. Say it again if it still matters."
        );
        Self::reply(&late.row, Say::new(text, Outcome::Expired), out, cx);
    }

    /// The date has come at which the oldest queued turn may be too old.
    pub(super) fn expire(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.expire_due = None;
        let queue = std::mem::take(&mut self.queue);
        for queued in queue {
            if self.is_too_old(&queued.row, cx) {
                self.too_old(&queued, out, cx);
            } else {
                self.queue.push_back(queued);
            }
        }
        self.begin_next(out, cx);
        self.set_expiry(out, cx);
    }

    /// A date for the oldest turn that waits, unless there is one.
    pub(super) fn set_expiry(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        // The one in front need not be the oldest: the clock may have been set back between two.
        let oldest = self.queue.iter().map(|queued| queued.row.received_at).min();
        let Some(oldest) = oldest else { return };
        let seconds = i64::try_from(self.in_force.context.limits.wait_seconds).unwrap_or(i64::MAX);
        let wait_ms = seconds.saturating_mul(1_000).saturating_add(1);
        // A clock that was set back must not strand the date behind a longer wait than the limit itself.
        let latest = cx.now.plus_ms(wait_ms);
        if self.expire_due.is_some_and(|set| set <= latest) {
            return;
        }
        let due = oldest.plus_ms(wait_ms).min(latest);
        self.expire_due = Some(due);
        out.writes.push(Write::TimerPut { entity: cx.address.clone(), name: EXPIRE.to_owned(), due });
    }
}
