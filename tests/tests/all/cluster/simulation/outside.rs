//! What is outside of all nodes and outlives them: the people who say something, what a node is told to do, the time by which
//! the disk is well again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use messages::store::Fence;
use messages::{Address, Slug};
use tokio::sync::oneshot;

use super::chance::Chance;
use super::checks::Checks;
use super::network::elapsed;

/// All contexts.
pub(super) const WORKSPACES: [&str; 3] = ["home", "lab", "work"];
const CONTEXTS: [&str; 2] = ["general", "plans"];
/// Good disks and bad ones: what a commit takes at most.
const DISK_MS_MAX: [u64; 4] = [4, 4, 40, 250];
/// What each person still says after the last fault.
pub(super) const LAST_WORDS: u64 = 2;

/// What is broken on purpose, in a run that must fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    Nothing,
    /// The store takes commits whatever epoch they carry.
    NoFence,
    /// A commit is answered before it is written.
    AnswersFirst,
    /// The clocks of all nodes but the hub run at a quarter of their speed, and with them their leases.
    SlowClocks,
}

impl Control {
    pub(super) const ALL: [Self; 4] = [Self::Nothing, Self::NoFence, Self::AnswersFirst, Self::SlowClocks];
}

/// What an operator wants of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) drained: bool,
    pub(super) stopped: bool,
}

/// Shared by everything that runs.
pub(super) struct Outside {
    pub(super) control: Control,
    state: Mutex<State>,
}

struct State {
    chance: Chance,
    checks: Checks,
    people: BTreeMap<Address, Person>,
    last_words: bool,
    wanted: BTreeMap<&'static str, Wanted>,
    /// What each commit takes at most, and until when the disk stalls.
    disk_ms_max: u64,
    disk_well_at: Duration,
    /// Until when the hub does not come to what other nodes ask of its store.
    hub_free_at: Duration,
    connections: BTreeMap<&'static str, Vec<oneshot::Sender<()>>>,
    starts: u16,
    traces: bool,
}

/// Who speaks in one context: one thing after the other, each until it was acknowledged.
#[derive(Default)]
struct Person {
    acknowledged: u64,
    last: Option<u64>,
}

impl Outside {
    pub(super) fn new(seed: u64, control: Control) -> Arc<Self> {
        let mut chance = Chance::new(seed ^ 0xabcd);
        let state = State {
            disk_ms_max: chance.of(&DISK_MS_MAX),
            connections: BTreeMap::new(),
            chance,
            checks: Checks::default(),
            people: contexts().map(|context| (context, Person::default())).collect(),
            last_words: false,
            wanted: BTreeMap::new(),
            disk_well_at: Duration::ZERO,
            hub_free_at: Duration::ZERO,
            starts: 0,
            traces: std::env::var_os("TRACE").is_some(),
        };
        Arc::new(Self { control, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Told with `TRACE=1`; part of what two runs of one seed have in common.
    pub(super) fn trace(&self, at: Duration, what: &str) {
        let state = &mut *self.state();
        state.checks.notes(at, what);
        if state.traces {
            eprintln!("{:>9.3} {what}", at.as_secs_f64());
        }
    }

    /// What happened is looked at by the checks.
    pub(super) fn check<T>(&self, with: impl FnOnce(&mut Checks) -> T) -> T {
        with(&mut self.state().checks)
    }

    pub(super) fn within(&self, low: u64, high: u64) -> u64 {
        self.state().chance.within(low, high)
    }

    /// The number of a start of some node: none has two.
    pub(super) fn one_more_start(&self) -> u16 {
        let state = &mut *self.state();
        state.starts += 1;
        state.starts
    }

    /// Who wants to say something, and which of their words: the first that was not acknowledged.
    pub(super) fn speaker(&self) -> Option<(Address, u64)> {
        let State { people, chance, last_words, .. } = &mut *self.state();
        let speaks = |person: &Person| !*last_words || person.last.is_some_and(|last| person.acknowledged < last);
        let ready: Vec<&Address> = people.iter().filter(|(_, person)| speaks(person)).map(|(at, _)| at).collect();
        let context = (!ready.is_empty()).then(|| chance.of(&ready).clone())?;
        let n = people[&context].acknowledged + 1;
        Some((context, n))
    }

    pub(super) fn acknowledged(&self, context: &Address, n: u64) {
        if let Some(person) = self.state().people.get_mut(context) {
            person.acknowledged = person.acknowledged.max(n);
        }
        self.trace(elapsed(), &format!("acknowledged {context} {n}"));
    }

    /// Faults are over: everyone says a little more, and then nothing.
    pub(super) fn last_words(&self) {
        let state = &mut *self.state();
        state.last_words = true;
        for person in state.people.values_mut() {
            person.last = Some(person.acknowledged + LAST_WORDS);
        }
    }

    /// What is not as it is to be when nothing happens any more.
    pub(super) fn unsettled(&self) -> Option<String> {
        let state = self.state();
        state.people.iter().find_map(|(context, person)| {
            let last = person.last.unwrap_or(u64::MAX);
            if person.acknowledged < last {
                return Some(format!("{context}: {} of {last} words were acknowledged", person.acknowledged));
            }
            state.checks.unsettled(context, person.acknowledged)
        })
    }

    /// A connector uses what only one may use, outside of the store.
    pub(super) fn uses(&self, node: &str, fence: &Fence) {
        let now = elapsed();
        self.check(|checks| checks.used(now, node, fence));
    }

    pub(super) fn wants(&self, node: &'static str, change: impl FnOnce(&mut Wanted)) {
        change(self.state().wanted.entry(node).or_default());
    }

    pub(super) fn wanted(&self, node: &str) -> Wanted {
        self.state().wanted.get(node).copied().unwrap_or_default()
    }

    pub(super) fn disk_stalls_until(&self, until: Duration) {
        self.state().disk_well_at = until;
    }

    pub(super) fn hub_is_busy_until(&self, until: Duration) {
        self.state().hub_free_at = until;
    }

    /// How long what another node asks of the store waits before anyone looks at it.
    pub(super) fn hub_is_busy_for(&self) -> Duration {
        self.state().hub_free_at.saturating_sub(elapsed())
    }

    /// A node has a connection: both ends when it is reset.
    pub(super) fn connected(&self, node: &'static str) -> [oneshot::Receiver<()>; 2] {
        let state = &mut *self.state();
        let of = state.connections.entry(node).or_default();
        of.retain(|reset| !reset.is_closed());
        [(), ()].map(|()| {
            let (reset, is_reset) = oneshot::channel();
            of.push(reset);
            is_reset
        })
    }

    /// Something between a node and the hub forgets their connections.
    pub(super) fn reset(&self, node: &str) {
        let connections = self.state().connections.remove(node);
        // It wakes what waits in the nodes, and that may look here.
        drop(connections);
    }

    /// How long a disk takes for what comes now.
    pub(super) fn disk(&self) -> Duration {
        let state = &mut *self.state();
        let usual = Duration::from_millis(state.chance.within(1, state.disk_ms_max));
        usual.max(state.disk_well_at.saturating_sub(elapsed()))
    }
}

pub(super) fn contexts() -> impl Iterator<Item = Address> {
    let slug = |text: &str| Slug::parse(text).unwrap();
    WORKSPACES.into_iter().flat_map(move |ws| CONTEXTS.map(|context| Address::context(&slug(ws), &slug(context))))
}
