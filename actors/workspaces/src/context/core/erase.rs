//! Words that are to be erased without a delete of their writer: past their time, or of a person who is forgotten. It is
//! done as a delete is, many in a commit.

use messages::store::{EraseRow, InboxState, RetentionWrite, Write};
use runtime::Cx;

use super::take::written_state;
use super::{Decision, Effect, State};
use crate::{WorkFacts, log_path};

impl State {
    /// Erases what is marked. What is being sent arrives first: it stays marked, and is looked at again.
    pub(super) fn erase(&mut self, rows: &[EraseRow], out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let (mut by_age, mut forgotten) = (0_u64, 0_u64);
        for row in rows {
            if row.by_age {
                out.writes.push(Write::Retention(RetentionWrite::Expire { seq: row.seq }));
                by_age += 1;
            } else if self.forget(row, out, cx) {
                forgotten += 1;
            } else {
                continue;
            }
            self.tail.retain(|heard| heard.seq != row.seq);
            out.then.push(Effect::Erase { seq: row.seq, log: log_path(&self.workspace, &row.chat) });
        }
        if by_age + forgotten == 0 {
            return;
        }
        self.unsync_logs(out, cx);
        let detail = serde_json::json!({ "past_their_time": by_age, "of_a_person": forgotten }).to_string();
        out.writes.push(Self::audit(cx, "words.erased", cx.address.as_str(), None, detail));
        // Its entries may cite them; lost, the sweep wakes it.
        self.wake_memory(out);
        out.then.push(Effect::ReadWork { limit: self.room() });
    }

    /// What has no answer ends without one. An answer that nobody takes would wait for ever: it loses its words where it
    /// stands.
    fn forget(&mut self, row: &EraseRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) -> bool {
        let seq = row.seq;
        let is_here = self.queue.iter().chain(&self.running).any(|turn| turn.row.seq == seq);
        match written_state(seq, out).unwrap_or(row.state) {
            InboxState::Taken if !is_here && row.is_sending => return false,
            InboxState::Settled => {}
            InboxState::Taken if !is_here => {}
            InboxState::Waiting | InboxState::Taken => self.cancel(seq, "its writer was forgotten", out, cx),
        }
        out.writes.push(Write::Redact { seq });
        true
    }
}
