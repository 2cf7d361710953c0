//! Stop, edit, delete: what people do to events that are on their way.

use messages::store::{InboxRow, InboxState, Write};
use messages::turn::Outcome;
use policy::Verdict;
use runtime::Cx;

use super::run::Say;
use super::take::{content_hash, written_state};
use super::{Decision, Effect, State};
use crate::WorkFacts;
use crate::definition::Edits;
use crate::{commands, log_path};

/// Where the event is that an edit or a delete is about.
enum Target {
    /// Not known here, or not of this context.
    Unknown,
    /// Accepted, and its turn has not begun.
    Before(i64),
    Running(i64),
    /// Answered; the reply is on its way.
    Answered,
    Settled(i64),
}

impl State {
    fn target(&self, row: &InboxRow, out: &Decision) -> Target {
        let Some((seq, state)) = row.target.filter(|(seq, _)| *seq != row.seq) else { return Target::Unknown };
        match written_state(seq, out).unwrap_or(state) {
            InboxState::Settled => Target::Settled(seq),
            InboxState::Waiting => Target::Before(seq),
            InboxState::Taken if self.queue.iter().any(|queued| queued.row.seq == seq) => Target::Before(seq),
            InboxState::Taken if self.running.as_ref().is_some_and(|turn| turn.row.seq == seq) => Target::Running(seq),
            InboxState::Taken => Target::Answered,
        }
    }

    fn note(row: &InboxRow, reason: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        Self::end(row, (Outcome::Noted, reason.to_owned()), out, cx);
    }

    /// `/stop`: the running turn ends as cancelled; it and the one who stopped it are told.
    pub(super) fn stop(&mut self, row: &InboxRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let Some(stopped) = self.running.take() else {
            return Self::reply(row, Say::new("Nothing runs here now.".to_owned(), Outcome::Replied), out, cx);
        };
        out.abort.push(Self::key(stopped.row.seq));
        self.give_up_talk("it was stopped", out, cx);
        Self::reply(&stopped.row, Say::new("Stopped.".to_owned(), Outcome::Cancelled), out, cx);
        Self::reply(row, Say::new(format!("Stopped {}.", stopped.row.id), Outcome::Replied), out, cx);
    }

    pub(super) fn edit(&mut self, row: InboxRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        match self.target(&row, out) {
            Target::Before(seq) => {
                out.writes.push(Write::InboxText { seq, text: row.text.clone() });
                self.replace_words(seq, &row, out, cx);
                Self::note(&row, "it replaced the words before their turn began", out, cx);
                // The words stand in one place from now on, so that a delete of that erases them.
                out.writes.push(Write::Redact { seq: row.seq });
            }
            Target::Running(seq) if self.in_force.context.edits == Edits::Restart => {
                self.cancel(seq, &format!("edited: {} takes its place", row.id), out, cx);
                let new = row.seq;
                self.take_edit_as_message(row, out, cx);
                if let Some(queued) = self.queue.pop_back_if(|queued| queued.row.seq == new) {
                    self.queue.push_front(queued);
                }
            }
            Target::Unknown | Target::Running(_) => self.take_edit_as_message(row, out, cx),
            Target::Answered | Target::Settled(_) => self.note_late_edit(&row, out, cx),
        }
    }

    fn note_late_edit(&mut self, row: &InboxRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let (_, decided) = self.fix_turn(row, &commands::parse(&row.text), cx);
        if decided.verdict == Verdict::Ignore {
            return self.not_allowed(row, decided, out, cx);
        }
        self.log_inbound(row, out, cx);
        Self::note(row, "the words had been answered before they were edited", out, cx);
    }

    fn take_edit_as_message(&mut self, row: InboxRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let input = commands::parse(&row.text);
        self.take_message(row, input, out, cx);
    }

    /// The queued turn has other words now, and policy looks at them anew.
    fn replace_words(&mut self, seq: i64, edit: &InboxRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let Some(at) = self.queue.iter().position(|queued| queued.row.seq == seq) else { return };
        let Some(mut queued) = self.queue.remove(at) else { return };
        queued.row.text.clone_from(&edit.text);
        queued.input = commands::parse(&queued.row.text);
        let (turn, decided) = self.fix_turn(&queued.row, &queued.input, cx);
        let detail = format!(r#"{{"action":"{}","content":"{}"}}"#, turn.action, content_hash(&queued.row));
        out.writes.push(Self::audit(cx, "turn.edited", queued.row.id.as_str(), Some(&turn), detail));
        if decided.allow() {
            queued.turn = turn;
            self.queue.insert(at, queued);
        } else {
            self.not_allowed(&queued.row, decided, out, cx);
        }
    }

    /// The words are erased in the store, the log and memory. An answer that is on its way arrives first: the row stays
    /// waiting, and is looked at again when that has settled.
    pub(super) fn delete(&mut self, row: &InboxRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let seq = match self.target(row, out) {
            Target::Answered => return,
            Target::Unknown => {
                return Self::note(row, "there is nothing to delete: its target is not known here", out, cx);
            }
            Target::Before(seq) | Target::Running(seq) => {
                self.cancel(seq, "deleted by its author", out, cx);
                seq
            }
            Target::Settled(seq) => seq,
        };
        self.tail.retain(|heard| heard.seq != seq);
        out.writes.push(Write::Redact { seq });
        self.unsync_logs(out, cx);
        out.writes.push(Self::audit(cx, "inbound.deleted", row.id.as_str(), None, format!(r#"{{"seq":{seq}}}"#)));
        // Its entries may cite the message; lost, the sweep wakes it.
        self.wake_memory(out);
        out.then.push(Effect::Erase { seq, log: log_path(&self.workspace, &row.chat) });
        Self::note(row, "the words were erased", out, cx);
    }

    /// A turn that was not answered ends without an answer, be it running, queued or still waiting in the store.
    pub(super) fn cancel(&mut self, seq: i64, reason: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let running = self.running.take_if(|turn| turn.row.seq == seq);
        if running.is_some() {
            out.abort.push(Self::key(seq));
            self.give_up_talk(reason, out, cx);
        }
        let queued = self.queue.iter().position(|queued| queued.row.seq == seq).and_then(|at| self.queue.remove(at));
        out.then.extend(running.or(queued).map(|turn| Effect::CloseFeed(turn.row.trace)));
        let (outcome, reason) = (Outcome::Cancelled, reason.to_owned());
        out.writes.push(Write::InboxSettle { seq, outcome, reason, at: cx.now });
    }
}
