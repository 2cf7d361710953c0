//! The decisions of a supervisor: who is opened again, when, and when it is enough.

use std::collections::{BTreeMap, HashMap, VecDeque};

use messages::Address;

use super::spec::{Intensity, Restart, Strategy};

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum How {
    /// In good order.
    Normal,
    /// It wants to be opened from its rows again; no failure.
    Reopen(String),
    /// It failed.
    Failed(String),
}

/// What the shell is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Open {
        address: Address,
        after_ms: u64,
    },
    Close(Address),
    Forget(Address),
    /// It stays down and visible.
    Park {
        address: Address,
        why: String,
    },
    /// The supervisor itself fails.
    GiveUp(String),
}

struct ChildState {
    address: Address,
    restart: Restart,
    is_open: bool,
    opened_ms: u64,
    failures_ms: VecDeque<u64>,
    step: u32,
    /// We are closing it ourselves; its end is expected and it is opened again.
    closing: bool,
    parked: bool,
}

pub(crate) struct Core {
    strategy: Strategy,
    intensity: Intensity,
    /// By the order in which they were added.
    children: BTreeMap<u64, ChildState>,
    numbers: HashMap<Address, u64>,
    added: u64,
}

impl Core {
    pub(crate) fn new(strategy: Strategy, intensity: Intensity) -> Self {
        Self { strategy, intensity, children: BTreeMap::new(), numbers: HashMap::new(), added: 0 }
    }

    /// A child was added; it is to be opened at once. Nothing if it is there already.
    pub(crate) fn add(&mut self, address: &Address, restart: Restart, now_ms: u64) -> bool {
        if self.numbers.contains_key(address) {
            return false;
        }
        self.added += 1;
        self.numbers.insert(address.clone(), self.added);
        let child = ChildState {
            address: address.clone(),
            restart,
            is_open: false,
            opened_ms: now_ms,
            failures_ms: VecDeque::new(),
            step: 0,
            closing: false,
            parked: false,
        };
        self.children.insert(self.added, child);
        true
    }

    fn child(&mut self, address: &Address) -> Option<&mut ChildState> {
        self.children.get_mut(self.numbers.get(address)?)
    }

    /// It is nobody's child any more.
    pub(crate) fn forget(&mut self, address: &Address) -> Vec<Action> {
        if let Some(number) = self.numbers.remove(address) {
            self.children.remove(&number);
        }
        vec![Action::Forget(address.clone())]
    }

    /// The shell opens it.
    pub(crate) fn opened(&mut self, address: &Address, now_ms: u64) {
        if let Some(child) = self.child(address) {
            (child.is_open, child.closing, child.opened_ms) = (true, false, now_ms);
        }
    }

    /// It lives, and is not about to end because we close it.
    pub(crate) fn is_open(&self, address: &Address) -> bool {
        let child = self.numbers.get(address).and_then(|number| self.children.get(number));
        child.is_some_and(|child| child.is_open && !child.closing)
    }

    /// A person lets a stopped child be opened again.
    pub(crate) fn allow(&mut self, address: &Address) -> Vec<Action> {
        match self.child(address).filter(|child| child.parked) {
            Some(child) => {
                child.parked = false;
                child.failures_ms.clear();
                child.step = 0;
                vec![Action::Open { address: address.clone(), after_ms: 0 }]
            }
            None => Vec::new(),
        }
    }

    /// A child has ended. `jitter` is any number.
    pub(crate) fn ended(&mut self, address: &Address, how: How, now_ms: u64, jitter: u64) -> Vec<Action> {
        let intensity = self.intensity;
        let Some(child) = self.child(address) else {
            return Vec::new();
        };
        child.is_open = false;
        if std::mem::take(&mut child.closing) {
            return Vec::new();
        }
        let (failed, why) = match how {
            How::Normal if child.restart != Restart::Permanent => return self.forget(address),
            How::Normal => (true, "it ended by itself".to_owned()),
            How::Reopen(why) => (false, why),
            How::Failed(_) if child.restart == Restart::Temporary => return self.forget(address),
            How::Failed(why) => (true, why),
        };
        let after_ms = child.wait(&intensity, failed, now_ms, jitter);
        if failed && child.failures_ms.len() > intensity.restarts_max {
            let count = child.failures_ms.len();
            let why = format!("{address} failed {count} times within {:?}; the last time: {why}", intensity.period);
            if !intensity.stops_child {
                return vec![Action::GiveUp(why)];
            }
            child.parked = true;
            return vec![Action::Park { address: address.clone(), why }];
        }
        self.open_again(address, failed, after_ms)
    }

    fn open_again(&mut self, address: &Address, failed: bool, after_ms: u64) -> Vec<Action> {
        let mut actions = Vec::new();
        let open = |address: &Address| Action::Open { address: address.clone(), after_ms };
        if !failed || self.strategy == Strategy::OneForOne {
            return vec![open(address)];
        }
        let from = self.numbers.get(address).copied().unwrap_or(u64::MAX);
        for (_, child) in self.children.range_mut(from + 1..).rev().filter(|(_, child)| child.is_open) {
            child.closing = true;
            actions.push(Action::Close(child.address.clone()));
        }
        // One that waits after a failure of its own is opened again in its place, too.
        actions.extend(self.children.range(from..).filter(|(_, child)| !child.parked).map(|(_, c)| open(&c.address)));
        actions
    }
}

impl ChildState {
    /// Counts the end and gives the wait before the next start.
    fn wait(&mut self, intensity: &Intensity, failed: bool, now_ms: u64, jitter: u64) -> u64 {
        let millis = |d: std::time::Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        if now_ms.saturating_sub(self.opened_ms) >= millis(intensity.stable) {
            self.step = 0;
        }
        if failed {
            let oldest = now_ms.saturating_sub(millis(intensity.period));
            self.failures_ms.retain(|at| *at > oldest || oldest == 0);
            self.failures_ms.push_back(now_ms);
        }
        let full = millis(intensity.backoff).saturating_mul(1 << self.step.min(20)).min(millis(intensity.backoff_max));
        let first_reopen = !failed && self.step == 0;
        self.step = self.step.saturating_add(1);
        if first_reopen { 0 } else { full / 2 + jitter % (full / 2).max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str) -> Address {
        Address::parse(name).unwrap()
    }

    fn core(strategy: Strategy, stops_child: bool) -> Core {
        let intensity = Intensity { stops_child, ..Intensity::ESCALATE };
        let mut core = Core::new(strategy, intensity);
        for name in ["a", "b", "c"] {
            assert!(core.add(&at(name), Restart::Transient, 0));
            core.opened(&at(name), 0);
        }
        core
    }

    fn failed() -> How {
        How::Failed("boom".into())
    }

    #[test]
    fn one_for_one_opens_only_the_one_that_failed() {
        let actions = core(Strategy::OneForOne, false).ended(&at("b"), failed(), 10, 0);
        assert_eq!(actions, [Action::Open { address: at("b"), after_ms: 25 }]);
    }

    #[test]
    fn rest_for_one_closes_the_later_ones_in_reverse_and_opens_them_in_order() {
        let mut core = core(Strategy::RestForOne, false);
        let actions = core.ended(&at("b"), failed(), 10, 0);
        let open = |name| Action::Open { address: at(name), after_ms: 25 };
        assert_eq!(actions, [Action::Close(at("c")), open("b"), open("c")]);
        assert_eq!(core.ended(&at("c"), How::Normal, 11, 0), [], "an end that we asked for is no failure");
    }

    #[test]
    fn one_that_waits_for_its_own_restart_is_not_closed_and_its_next_failure_counts() {
        let mut core = core(Strategy::RestForOne, true);
        core.ended(&at("c"), failed(), 10, 0);
        let actions = core.ended(&at("a"), failed(), 11, 0);
        assert_eq!(actions.iter().filter(|a| matches!(a, Action::Close(_))).count(), 1, "{actions:?}");
        assert!(actions.iter().any(|a| matches!(a, Action::Open { address, .. } if *address == at("c"))));
        core.ended(&at("b"), How::Normal, 12, 0);
        for name in ["a", "b", "c"] {
            assert!(!core.is_open(&at(name)));
            core.opened(&at(name), 40);
        }
        assert!(matches!(core.ended(&at("c"), failed(), 50, 0).as_slice(), [Action::Open { .. }]));
    }

    #[test]
    fn the_wait_doubles_and_only_a_stable_run_resets_it() {
        let mut core = core(Strategy::OneForOne, true);
        core.intensity.restarts_max = 10;
        let wait = |core: &mut Core, now| match core.ended(&at("a"), failed(), now, 0).as_slice() {
            [Action::Open { after_ms, .. }] => *after_ms,
            other => panic!("{other:?}"),
        };
        assert_eq!([wait(&mut core, 0), wait(&mut core, 1)], [25, 50]);
        core.opened(&at("a"), 100);
        assert_eq!(wait(&mut core, 200), 100, "a short run resets nothing");
        core.opened(&at("a"), 300);
        assert_eq!(wait(&mut core, 300 + 30_000), 25, "a run of 30 s does");
    }

    #[test]
    fn a_storm_parks_the_child_or_fails_the_supervisor_and_never_spins() {
        let mut parks = core(Strategy::OneForOne, true);
        let mut escalates = core(Strategy::OneForOne, false);
        for now in 0..3 {
            parks.ended(&at("a"), failed(), now, 0);
            escalates.ended(&at("a"), failed(), now, 0);
        }
        assert!(matches!(parks.ended(&at("a"), failed(), 4, 0).as_slice(), [Action::Park { .. }]));
        assert!(matches!(escalates.ended(&at("a"), failed(), 4, 0).as_slice(), [Action::GiveUp(_)]));
        assert_eq!(parks.allow(&at("a")), [Action::Open { address: at("a"), after_ms: 0 }]);
        assert_eq!(parks.allow(&at("a")), [], "once");
    }

    #[test]
    fn failures_older_than_the_period_are_forgotten() {
        let mut core = core(Strategy::OneForOne, false);
        for minute in 1..20u64 {
            let now = minute * 61_000;
            assert!(matches!(core.ended(&at("a"), failed(), now, 0).as_slice(), [Action::Open { .. }]));
        }
    }

    #[test]
    fn a_reopening_counts_as_no_restart_but_backs_off() {
        let mut core = core(Strategy::OneForOne, false);
        let waits: Vec<_> = (0..10)
            .map(|now| match core.ended(&at("a"), How::Reopen("fenced".into()), now, 0).as_slice() {
                [Action::Open { after_ms, .. }] => *after_ms,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(waits[..3], [0, 50, 100]);
        assert_eq!(waits[9], 2_500);
    }

    #[test]
    fn an_end_in_good_order_is_forgotten_unless_the_child_is_permanent() {
        let mut core = core(Strategy::OneForOne, false);
        assert_eq!(core.ended(&at("a"), How::Normal, 1, 0), [Action::Forget(at("a"))]);
        core.add(&at("p"), Restart::Permanent, 1);
        assert!(matches!(core.ended(&at("p"), How::Normal, 2, 0).as_slice(), [Action::Open { .. }]));
        core.add(&at("t"), Restart::Temporary, 1);
        assert_eq!(core.ended(&at("t"), failed(), 2, 0), [Action::Forget(at("t"))]);
    }
}
