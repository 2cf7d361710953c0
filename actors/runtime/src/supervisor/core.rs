//! The decisions of a supervisor: who is opened again, when, and when it is enough.

use std::collections::VecDeque;

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
    children: Vec<ChildState>,
}

impl Core {
    pub(crate) fn new(strategy: Strategy, intensity: Intensity) -> Self {
        Self { strategy, intensity, children: Vec::new() }
    }

    /// A child was added; it is to be opened at once. Nothing if it is there already.
    pub(crate) fn add(&mut self, address: &Address, restart: Restart, now_ms: u64) -> bool {
        if self.children.iter().any(|child| child.address == *address) {
            return false;
        }
        self.children.push(ChildState {
            address: address.clone(),
            restart,
            opened_ms: now_ms,
            failures_ms: VecDeque::new(),
            step: 0,
            closing: false,
            parked: false,
        });
        true
    }

    /// The shell has opened it.
    pub(crate) fn opened(&mut self, address: &Address, now_ms: u64) {
        if let Some(child) = self.children.iter_mut().find(|child| child.address == *address) {
            child.opened_ms = now_ms;
        }
    }

    /// A person lets a stopped child be opened again.
    pub(crate) fn allow(&mut self, address: &Address) -> Vec<Action> {
        match self.children.iter_mut().find(|child| child.address == *address && child.parked) {
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
        let Some(index) = self.children.iter().position(|child| child.address == *address) else {
            return Vec::new();
        };
        let (intensity, Some(child)) = (self.intensity, self.children.get_mut(index)) else {
            return Vec::new();
        };
        if std::mem::take(&mut child.closing) {
            return Vec::new();
        }
        let (failed, why) = match how {
            How::Normal if child.restart != Restart::Permanent => {
                self.children.remove(index);
                return vec![Action::Forget(address.clone())];
            }
            How::Normal => (true, "it ended by itself".to_owned()),
            How::Reopen(why) => (false, why),
            How::Failed(_) if child.restart == Restart::Temporary => {
                self.children.remove(index);
                return vec![Action::Forget(address.clone())];
            }
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
        self.open_again(index, failed, after_ms)
    }

    fn open_again(&mut self, index: usize, failed: bool, after_ms: u64) -> Vec<Action> {
        let mut actions = Vec::new();
        if failed && self.strategy == Strategy::RestForOne {
            for child in self.children.iter_mut().skip(index + 1).rev().filter(|child| !child.parked) {
                child.closing = true;
                actions.push(Action::Close(child.address.clone()));
            }
        }
        let with_it = if actions.is_empty() { 1 } else { self.children.len() - index };
        for child in self.children.iter().skip(index).take(with_it).filter(|child| !child.parked) {
            actions.push(Action::Open { address: child.address.clone(), after_ms });
        }
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
    use std::time::Duration;

    use super::*;

    fn at(name: &str) -> Address {
        Address::parse(name).unwrap()
    }

    fn core(strategy: Strategy, stops_child: bool) -> Core {
        let intensity = Intensity { stops_child, ..Intensity::ESCALATE };
        let mut core = Core::new(strategy, intensity);
        for name in ["a", "b", "c"] {
            assert!(core.add(&at(name), Restart::Transient, 0));
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
            let now = minute * Duration::from_secs(61).as_millis() as u64;
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
