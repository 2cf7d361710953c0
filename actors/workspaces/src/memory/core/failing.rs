//! Questions that come to nothing: five tries with waits that grow, then a pause that outlives the actor.
//!
//! What is never answered in its form would otherwise be asked with each turn, at the context's expense. After a pause the
//! next turn begins the next try, and no date does: a conversation that has ended costs nothing.

use messages::Moment;
use messages::store::{Failing, Write};
use runtime::Cx;

use super::{Decision, State, readers, retry_ms};
use crate::WorkFacts;

/// The date at which a question is asked again.
const ASK_AGAIN: &str = "ask";
/// Questions in a row that come to nothing until a pause.
pub(crate) const TRIES_MAX: u32 = 5;
/// The first pause, twice as long after each further failure, and the longest.
const PAUSE_MS: i64 = 3_600_000;
const PAUSE_MS_MAX: i64 = 86_400_000;

impl State {
    /// By which definition, and of which models, it is asked. One that differs is worth a new beginning.
    fn asked_of(&self, cx: &Cx<'_, WorkFacts>) -> String {
        let Some(definition) = &self.definition else { return String::new() };
        let names = readers(&cx.facts.offers, &definition.models);
        let models = names.iter().filter_map(|name| cx.facts.offers.find(name));
        models.fold(definition.version.clone(), |of, offer| format!("{of} {}={}", offer.name, offer.model))
    }

    fn failing(&self, cx: &Cx<'_, WorkFacts>) -> Option<&Failing> {
        let of = self.asked_of(cx);
        self.rows.memory.failing.as_ref().filter(|failing| failing.of == of)
    }

    /// Nothing is asked now.
    pub(super) fn pauses(&self, cx: &Cx<'_, WorkFacts>) -> bool {
        self.failing(cx).is_some_and(|failing| failing.not_before > cx.now)
    }

    /// Questions in a row that came to nothing.
    pub(super) fn failures_of_questions(&self, cx: &Cx<'_, WorkFacts>) -> u32 {
        self.failing(cx).map_or(0, |failing| failing.failures)
    }

    /// One more; `until`: the date is known, as that of a budget is.
    pub(super) fn one_more_failure(
        &self,
        until: Option<Moment>,
        out: &mut Decision,
        cx: &Cx<'_, WorkFacts>,
    ) -> Failing {
        let before = self.failures_of_questions(cx);
        let failures = before.saturating_add(1);
        let not_before = until.unwrap_or_else(|| cx.now.plus_ms(wait_ms(before)));
        if failures < TRIES_MAX || until.is_some() {
            let (entity, name) = (cx.address.clone(), ASK_AGAIN.to_owned());
            out.writes.push(Write::TimerPut { entity, name, due: not_before });
        }
        Failing { failures, not_before, of: self.asked_of(cx) }
    }
}

/// The wait, or the pause, after a failure that comes after so many.
fn wait_ms(before: u32) -> i64 {
    match before.saturating_add(1).checked_sub(TRIES_MAX) {
        None => retry_ms(before),
        Some(pauses) => PAUSE_MS.saturating_mul(2_i64.saturating_pow(pauses.min(16))).min(PAUSE_MS_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_become_pauses_of_a_day_at_most() {
        let hours: Vec<i64> = (4..12).map(|before| wait_ms(before) / PAUSE_MS).collect();
        assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24, 24]);
        assert_eq!((0..4).map(wait_ms).collect::<Vec<_>>(), [5_000, 20_000, 80_000, 320_000]);
        assert_eq!(wait_ms(u32::MAX - 1), PAUSE_MS_MAX);
    }
}
