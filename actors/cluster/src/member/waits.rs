//! Units that wait for a node, as alarms of the hub.

use std::collections::{BTreeMap, BTreeSet};

use messages::cluster::Unit;
use placement::Monotonic;
use placement::hub::{Hub, Reason, Why};
use runtime::System;

/// How often it is looked, in milliseconds.
const LOOK_EVERY_MS: u64 = 1_000;
/// A unit that has waited for so long is an alarm, in milliseconds: longer than a node takes to start again.
const WAITS_MS: u64 = 10_000;
/// Units of which each is an alarm; of more, one alarm says how many.
const NAMED_MAX: usize = 16;

/// What waits, and what of it was told.
#[derive(Debug, Default)]
pub(super) struct Waits {
    look_at: Monotonic,
    since: BTreeMap<Unit, Monotonic>,
    told: BTreeSet<String>,
}

impl Waits {
    /// Raises and clears alarms.
    pub(super) fn tell(&mut self, hub: &Hub, system: &System, now: Monotonic) {
        if now < self.look_at {
            return;
        }
        self.look_at = now.plus(LOOK_EVERY_MS);
        let waiting = hub.waiting(now).into_iter().map(|(unit, placement)| (unit, placement.why)).collect();
        let alarms = self.alarms(waiting, now);
        for over in self.told.iter().filter(|id| !alarms.contains_key(*id)) {
            system.alarm(over, None);
        }
        self.told = alarms.keys().cloned().collect();
        alarms.into_iter().for_each(|(id, text)| system.alarm(&id, Some(text)));
    }

    /// The alarms that stand now, by their ids.
    fn alarms(&mut self, waiting: Vec<(Unit, Why)>, now: Monotonic) -> BTreeMap<String, String> {
        let waiting: BTreeMap<Unit, String> =
            waiting.into_iter().filter_map(|(unit, why)| Some((unit, in_words(&why)?))).collect();
        self.since.retain(|unit, _| waiting.contains_key(unit));
        for unit in waiting.keys() {
            self.since.entry(unit.clone()).or_insert(now);
        }
        let is_long = |unit: &Unit| self.since.get(unit).is_some_and(|since| now.since(*since) >= WAITS_MS);
        let long: Vec<_> = waiting.into_iter().filter(|(unit, _)| is_long(unit)).collect();
        let more = long.len().saturating_sub(NAMED_MAX);
        let named = long.into_iter().take(NAMED_MAX);
        let mut alarms: BTreeMap<String, String> =
            named.map(|(unit, why)| (format!("waits:{unit}"), format!("{unit} waits for {why}"))).collect();
        if more > 0 {
            let text = format!("{more} more units wait for nodes; `agent-runtime placement` names them");
            alarms.insert("waits:more".into(), text);
        }
        alarms
    }
}

/// For what a unit waits; `None`: for nothing that somebody could bring.
pub(super) fn of(hub: &Hub, unit: &Unit, now: Monotonic) -> Option<String> {
    let why = in_words(&hub.explain(unit, now)?.why)?;
    Some(format!("{unit} waits for {why}"))
}

/// For what it waits, without times, so that an alarm is told once; `None`: for nothing that somebody could bring.
fn in_words(why: &Why) -> Option<String> {
    let Why::WaitsForHost(reason) = why else { return None };
    Some(match reason {
        Reason::Away(nodes) => {
            let names: Vec<String> = nodes.iter().map(|(node, _)| format!("`{node}`")).collect();
            format!("a node that may have it: {}; what is said there is answered when it is back", names.join(" or "))
        }
        Reason::NoNode(_) | Reason::NoFiles | Reason::Silent | Reason::Draining | Reason::Full => {
            format!("a node: {reason}")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use messages::Slug;

    use super::*;

    fn away(unit: &str, ms: u64) -> (Unit, Why) {
        let node = Slug::parse("worker-2").unwrap();
        (Unit::parse(unit).unwrap(), Why::WaitsForHost(Reason::Away(vec![(node, ms)])))
    }

    #[test]
    fn a_unit_that_waits_for_long_is_one_alarm_that_names_the_node_and_is_over_when_it_does_not_wait() {
        let mut waits = Waits::default();
        assert_eq!(waits.alarms(vec![away("ws/home", 0)], Monotonic(0)).len(), 0);
        assert_eq!(waits.alarms(vec![away("ws/home", 0)], Monotonic(WAITS_MS - 1)).len(), 0);
        let first = waits.alarms(vec![away("ws/home", 10_000)], Monotonic(WAITS_MS));
        let text =
            "ws/home waits for a node that may have it: `worker-2`; what is said there is answered when it is back";
        assert_eq!(first.get("waits:ws/home").map(String::as_str), Some(text));
        assert_eq!(waits.alarms(vec![away("ws/home", 20_000)], Monotonic(WAITS_MS * 2)), first, "told once");
        assert_eq!(waits.alarms(vec![], Monotonic(WAITS_MS * 2 + 1)).len(), 0);
        assert_eq!(waits.alarms(vec![away("ws/home", 0)], Monotonic(WAITS_MS * 2 + 2)).len(), 0, "it begins anew");
    }

    #[test]
    fn what_moves_by_itself_is_no_alarm_and_many_are_one() {
        let mut waits = Waits::default();
        let settles = (Unit::parse("ws/home").unwrap(), Why::WaitsForHost(Reason::HubSettles(Monotonic(9))));
        waits.alarms(vec![settles.clone()], Monotonic(0));
        assert_eq!(waits.alarms(vec![settles], Monotonic(WAITS_MS)).len(), 0);
        let many: Vec<_> = (0..NAMED_MAX + 3).map(|n| away(&format!("ws/w{n}"), 0)).collect();
        waits.alarms(many.clone(), Monotonic(0));
        let alarms = waits.alarms(many, Monotonic(WAITS_MS));
        assert_eq!(alarms.len(), NAMED_MAX + 1);
        assert!(alarms["waits:more"].starts_with("3 more units"));
    }
}
