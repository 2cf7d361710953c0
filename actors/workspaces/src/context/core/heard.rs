//! What a context has heard: the conversation that goes into prompts.

use std::collections::BTreeSet;

use messages::model::{Role as Speaker, Said};
use messages::store::{EntryOf, EntryRow, NOTICE_EVENT, OutboxRow};
use messages::turn::Outcome;

use super::{Heard, State};

/// Bytes of history that are kept for prompts.
const TAIL_BYTES_MAX: usize = 32_768;

impl State {
    /// What was said before this open. Nobody has heard what was denied, before it as after it: whom the context does not
    /// admit puts no words into its prompts. What the node tells of itself is nobody's talk.
    pub(super) fn hear_again(&mut self, tail: &[EntryRow], replies: &[OutboxRow]) {
        let answered = tail.iter().filter_map(|entry| match &entry.of {
            EntryOf::Outbound(row) => Some(&**row),
            EntryOf::Inbound(_) => None,
        });
        let is_denied = |reply: &&OutboxRow| reply.outcome == Some(Outcome::Denied);
        let denied: BTreeSet<i64> = answered.chain(replies).filter(is_denied).map(|reply| reply.seq).collect();
        for entry in tail {
            match &entry.of {
                EntryOf::Inbound(row) if !row.redacted && !denied.contains(&row.seq) => {
                    self.remember(row.seq, Speaker::User, &row.text);
                }
                EntryOf::Outbound(row) if is_talk(row) && !denied.contains(&row.seq) => {
                    self.remember(row.seq, Speaker::Assistant, &row.text);
                }
                EntryOf::Inbound(_) | EntryOf::Outbound(_) => {}
            }
        }
        for reply in replies.iter().filter(|reply| is_talk(reply) && !denied.contains(&reply.seq)) {
            self.remember(reply.seq, Speaker::Assistant, &reply.text);
        }
    }

    pub(super) fn remember(&mut self, seq: i64, role: Speaker, text: &str) {
        self.tail.push_back(Heard { seq, said: Said { role, text: text.to_owned() } });
        let mut bytes: usize = self.tail.iter().map(|heard| heard.said.text.len()).sum();
        while bytes > TAIL_BYTES_MAX
            && let Some(oldest) = self.tail.pop_front()
        {
            bytes -= oldest.said.text.len();
        }
    }
}

fn is_talk(reply: &OutboxRow) -> bool {
    !reply.redacted && !reply.event.starts_with(NOTICE_EVENT)
}
