//! That the conversation goes into memory when enough of it is not: decided after a turn has ended, done by its memory.

use messages::Address;
use messages::store::MemoryRows;
use runtime::Cx;

use super::run::wake;
use super::{Decision, Effect, State};
use crate::WorkFacts;
use crate::memory::readers;
use crate::memory::view::When;

impl State {
    /// When its conversation goes into memory.
    pub(super) fn when(&self, cx: &Cx<'_, WorkFacts>) -> When {
        let definition = &self.in_force.context;
        let reads = !readers(&cx.facts.offers, &definition.models).is_empty();
        When { limit: definition.limits.memory_bytes, reads }
    }

    /// By what was known last: as long as that is enough, nothing is read.
    pub(super) fn look_at_memory(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let behind: u64 = self
            .logs
            .iter()
            .map(|(name, log)| log.size.saturating_sub(self.kept.get(name).copied().unwrap_or(0)))
            .sum();
        let When { limit, reads } = self.when(cx);
        if limit > 0 && reads && behind >= limit {
            out.then.push(Effect::ReadMemory);
        }
    }

    /// A wake that is lost is made up for by the next turn.
    pub(super) fn memory(&mut self, rows: &MemoryRows, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.kept = rows.memory.upto.iter().map(|place| (place.log.clone(), place.offset)).collect();
        if rows.behind() >= self.when(cx).limit {
            self.wake_memory(out);
        }
    }

    pub(super) fn wake_memory(&self, out: &mut Decision) {
        wake(Address::memory(&self.workspace, &self.slug), out);
    }
}
