//! Stop, edit, delete: what people do to events that are on their way.

use messages::store::{InboxRow, InboxState, Write};
use messages::turn::Outcome;
use runtime::Cx;

use super::{ContextFacts, Decision, Effect, State};
use crate::commands;
use crate::definition::Edits;

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
    fn target(&self, row: &InboxRow) -> Target {
        match row.target {
            None => Target::Unknown,
            Some((seq, InboxState::Waiting)) => Target::Before(seq),
            Some((seq, InboxState::Settled)) => Target::Settled(seq),
            Some((seq, InboxState::Taken)) if self.queue.iter().any(|q| q.row.seq == seq) => Target::Before(seq),
            Some((seq, InboxState::Taken)) if self.running.as_ref().is_some_and(|r| r.row.seq == seq) => {
                Target::Running(seq)
            }
            Some((_, InboxState::Taken)) => Target::Answered,
        }
    }

    fn note(row: &InboxRow, reason: &str, out: &mut Decision, cx: &Cx<'_, ContextFacts>) {
        let (seq, outcome, at) = (row.seq, Outcome::Noted, cx.now);
        out.writes.push(Write::InboxSettle { seq, outcome, reason: reason.to_owned(), at });
    }

    /// `/stop`: the running turn ends as cancelled; it and the one who stopped it are told.
    pub(super) fn stop(&mut self, row: &InboxRow, out: &mut Decision, cx: &Cx<'_, ContextFacts>) {
        let Some(stopped) = self.running.take() else {
            let text = "Nothing runs here now.".to_owned();
            return self.reply(row, text, Vec::new(), Some(Outcome::Replied), out, cx);
        };
        out.abort.push(Self::key(stopped.row.seq));
        self.reply(&stopped.row, "Stopped.".to_owned(), Vec::new(), Some(Outcome::Cancelled), out, cx);
        let text = format!("Stopped {}.", stopped.row.id);
        self.reply(row, text, Vec::new(), Some(Outcome::Replied), out, cx);
    }

    pub(super) fn edit(&mut self, row: InboxRow, out: &mut Decision, cx: &Cx<'_, ContextFacts>) {
        match self.target(&row) {
            Target::Unknown => self.take_edit_as_message(row, out, cx),
            Target::Before(seq) => {
                out.writes.push(Write::InboxText { seq, text: row.text.clone() });
                self.replace_words(seq, &row, out, cx);
                Self::note(&row, "it replaced the words before their turn began", out, cx);
            }
            Target::Running(seq) if self.in_force.context.edits == Edits::Restart => {
                self.running = None;
                out.abort.push(Self::key(seq));
                let (outcome, reason) = (Outcome::Cancelled, format!("edited: {} takes its place", row.id));
                out.writes.push(Write::InboxSettle { seq, outcome, reason, at: cx.now });
                self.take_edit_as_message(row, out, cx);
            }
            Target::Running(_) => self.take_edit_as_message(row, out, cx),
            Target::Answered | Target::Settled(_) => {
                self.log_inbound(&row, out, cx);
                Self::note(&row, "the words had been answered before they were edited", out, cx);
            }
        }
    }

    fn take_edit_as_message(&mut self, row: InboxRow, out: &mut Decision, cx: &Cx<'_, ContextFacts>) {
        let input = commands::parse(&row.text);
        self.take_message(row, input, out, cx);
    }

    /// The queued turn has other words now, and policy looks at them anew.
    fn replace_words(&mut self, seq: i64, edit: &InboxRow, out: &mut Decision, cx: &Cx<'_, ContextFacts>) {
        let Some(at) = self.queue.iter().position(|queued| queued.row.seq == seq) else { return };
        let Some(mut queued) = self.queue.remove(at) else { return };
        queued.row.text.clone_from(&edit.text);
        queued.input = commands::parse(&queued.row.text);
        let (turn, decided) = self.fix_turn(&queued.row, &queued.input, cx);
        if decided.allow() {
            queued.turn = turn;
            self.queue.insert(at, queued);
        } else {
            self.log_inbound(&queued.row, out, cx);
            let text = format!("Denied: {} (rule {}).", decided.reason, decided.rules.join(", "));
            self.reply(&queued.row, text, Vec::new(), Some(Outcome::Denied), out, cx);
        }
    }

    /// The words are erased in the store, the log and memory. An answer that is on its way arrives first: the row stays
    /// waiting, and is looked at again when that has settled.
    pub(super) fn delete(&mut self, row: &InboxRow, out: &mut Decision, cx: &Cx<'_, ContextFacts>) {
        let seq = match self.target(row) {
            Target::Answered => return,
            Target::Unknown => {
                return Self::note(row, "there is nothing to delete: its target is not known here", out, cx);
            }
            Target::Before(seq) => {
                self.queue.retain(|queued| queued.row.seq != seq);
                self.cancel_deleted(seq, out, cx);
                seq
            }
            Target::Running(seq) => {
                self.running = None;
                out.abort.push(Self::key(seq));
                self.cancel_deleted(seq, out, cx);
                seq
            }
            Target::Settled(seq) => seq,
        };
        self.tail.retain(|heard| heard.seq != seq);
        out.writes.push(Write::Redact { seq });
        out.writes.push(self.audit(cx, "inbound.deleted", row.id.as_str(), None, format!(r#"{{"seq":{seq}}}"#)));
        out.then.push(Effect::Erase { seq });
        Self::note(row, "the words were erased", out, cx);
    }

    fn cancel_deleted(&self, seq: i64, out: &mut Decision, cx: &Cx<'_, ContextFacts>) {
        let (outcome, reason) = (Outcome::Cancelled, "deleted by its author".to_owned());
        out.writes.push(Write::InboxSettle { seq, outcome, reason, at: cx.now });
    }
}
