//! A hub with its store, nodes, links and clocks, in simulated time: one event after the other, by a seed.
//!
//! Times of the world are microseconds; each host has a clock of its own in milliseconds, that drifts. Messages of a link
//! arrive in order. What is sent into a cut stays in the sender's kernel and arrives when the cut is over, should the
//! receiver still have the link: that is what TCP does, and it is worse than a loss. A process that is frozen hears
//! nothing, and hears all of it when it wakes, its own timers somewhere in between.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use messages::Slug;
use messages::cluster::{Holds, Incarnation, NodeFacts, Role, Roles, ToHub, ToNode, Unit};
use placement::hub::{self, LinkId, Row, Start};
use placement::{Holder, Hub, Monotonic, Table, holder};

use crate::chance::Chance;
use crate::checks::Checks;

pub(crate) const MS: u64 = 1_000;
pub(crate) const SECOND: u64 = 1_000_000;
const SILENCE_MS: u64 = 5_000;
const PULSE_MS: u64 = 1_000;

/// How a run differs from the rule, to show that it would be noticed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Setup {
    pub(crate) nodes: usize,
    pub(crate) fenced: usize,
    pub(crate) exclusive: usize,
    /// Clocks drift apart by up to this, each way, in parts of a million.
    pub(crate) drift_ppm: u64,
    /// Control: the store takes a commit of any epoch.
    pub(crate) no_fence: bool,
    /// Control: what must be used by one alone is placed as what is fenced.
    pub(crate) exclusive_as_fenced: bool,
    /// All nodes may hold everything, nothing is slow, and the store never refuses.
    pub(crate) plain: bool,
}

#[derive(Debug, Clone)]
enum Message {
    Ping,
    ToHub(ToHub),
    ToNode(ToNode),
    Commit { unit: Unit, epoch: u64, by: hub::Holder },
    Fenced { unit: Unit, epoch: u64 },
    Fin,
}

#[derive(Debug, Clone)]
enum Store {
    Write { unit: Unit, to: hub::Holder, after: u64 },
    Read(Unit),
    Answer(hub::Event),
}

#[derive(Debug, Clone)]
enum Event {
    HubTimer(u64),
    HubPulse(u64),
    Store(u64, Store),
    NodeTimer(usize, u64),
    NodePulse(usize, u64),
    Work(usize, u64),
    Opened { node: usize, start: u64, unit: Unit, epoch: u64, is_open: bool },
    Finish { node: usize, start: u64, unit: Unit, epoch: u64 },
    Dial(usize, u64),
    Connected { node: usize, start: u64, reign: u64 },
    Deliver { link: usize, to_hub: bool, message: Message },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Process {
    Dead,
    Runs,
    Frozen,
}

struct Clock {
    offset_ms: u64,
    ppm: i64,
}

impl Clock {
    fn at(&self, us: u64) -> Monotonic {
        let drifted = i128::from(us) + i128::from(us) * i128::from(self.ppm) / 1_000_000;
        Monotonic(self.offset_ms + u64::try_from(drifted).unwrap() / MS)
    }

    /// The world's time at which this clock shows it, or a little later.
    fn when(&self, at: Monotonic) -> u64 {
        let local = i128::from(at.0.saturating_sub(self.offset_ms)) * i128::from(MS);
        let us = local * 1_000_000 / (1_000_000 + i128::from(self.ppm));
        u64::try_from(us).unwrap() + 1 + MS / 50
    }
}

pub(crate) struct Node {
    pub(crate) name: Slug,
    clock: Clock,
    process: Process,
    facts: NodeFacts,
    /// Numbers its processes; what belongs to an earlier one is not heard.
    start: u64,
    core: Holder,
    table: Table,
    link: Option<usize>,
    heard_at: Monotonic,
    pulse_at: Monotonic,
    /// What its actors do: the shadow of Open and Close.
    open: BTreeMap<Unit, u64>,
    /// Of these, what could be opened.
    ready: BTreeMap<Unit, u64>,
    deferred: Vec<Event>,
    cut_to_hub: bool,
    cut_from_hub: bool,
    /// It leaves when its drain is over.
    pub(crate) leaving: bool,
}

struct Link {
    node: usize,
    open_at_node: bool,
    open_at_hub: bool,
    /// What is in the sender's kernel while the way is cut.
    stuck: [Vec<Message>; 2],
    last: [u64; 2],
    heard_at: Monotonic,
}

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) chance: Chance,
    pub(crate) setup: Setup,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: BTreeMap<u64, Event>,
    next_event: u64,
    hub: Option<Hub>,
    hub_process: Process,
    hub_clock: Clock,
    hub_timer: u64,
    hub_deferred: Vec<Event>,
    hub_pulse_at: Monotonic,
    reign: u64,
    rows: BTreeMap<Unit, Row>,
    pub(crate) units: BTreeSet<Unit>,
    pub(crate) nodes: Vec<Node>,
    links: Vec<Link>,
    pub(crate) store_busy: bool,
    pub(crate) checks: Checks,
    /// When set: since when each unit has been without service, and how long each such gap was.
    pub(crate) watch: Option<Watch>,
    traced: Vec<String>,
    /// What was configured while the hub was frozen.
    configured: Vec<(Unit, bool)>,
}

#[derive(Default)]
pub(crate) struct Watch {
    since: BTreeMap<Unit, u64>,
    pub(crate) gaps: Vec<(Unit, u64)>,
}

impl Watch {
    pub(crate) fn all_over(&self) -> bool {
        self.since.is_empty()
    }
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

impl World {
    pub(crate) fn new(seed: u64, setup: Setup) -> Self {
        let mut chance = Chance::new(seed);
        let clock = |chance: &mut Chance| {
            let ppm = i64::try_from(chance.within(0, 2 * setup.drift_ppm)).unwrap();
            let offset_ms = chance.within(0, 1_000_000);
            Clock { offset_ms, ppm: ppm - i64::try_from(setup.drift_ppm).unwrap() }
        };
        let units = (0..setup.fenced).map(|n| format!("ws/w{n}"));
        let class = if setup.exclusive_as_fenced { "ws/x" } else { "connector/x" };
        let units = units.chain((0..setup.exclusive).map(|n| format!("{class}{n}")));
        let units: BTreeSet<Unit> = units.map(|text| Unit::parse(&text).unwrap()).collect();
        let hub_clock = clock(&mut chance);
        let mut world = Self {
            now: 0,
            setup,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            next_event: 0,
            hub: None,
            hub_process: Process::Dead,
            hub_clock,
            hub_timer: 0,
            hub_deferred: Vec::new(),
            hub_pulse_at: Monotonic(0),
            reign: 0,
            rows: BTreeMap::new(),
            units,
            nodes: Vec::new(),
            links: Vec::new(),
            store_busy: false,
            checks: Checks::default(),
            watch: None,
            traced: std::env::var("TRACE").map_or(Vec::new(), |words| words.split(',').map(str::to_owned).collect()),
            configured: Vec::new(),
            chance: Chance::new(0),
        };
        for n in 0..setup.nodes {
            let clock = clock(&mut chance);
            let node = world.new_node(n, clock, &mut chance);
            world.nodes.push(node);
        }
        world.chance = chance;
        world.start_hub();
        (0..setup.nodes).for_each(|n| world.start_node(n));
        world
    }

    fn new_node(&self, n: usize, clock: Clock, chance: &mut Chance) -> Node {
        let name = slug(&format!("n{n}"));
        // The first may hold all, so that every unit has a place.
        let some = !self.setup.plain && n > 0 && chance.one_in(3);
        let holds = if some {
            let these = self.units.iter().filter_map(|unit| unit.address().workspace_of());
            Holds::These(these.filter(|_| chance.one_in(2)).collect())
        } else {
            Holds::All
        };
        let roles = match chance.within(0, 5) {
            _ if n == 0 || self.setup.plain => Roles::ALL,
            0 => Roles::of(&[Role::Worker]),
            1 => Roles::of(&[Role::Connector]),
            _ => Roles::of(&[Role::Worker, Role::Connector]),
        };
        let units_max = if !self.setup.plain && n > 0 && chance.one_in(4) { 2 } else { 4_096 };
        let incarnation = Incarnation::parse("0000000000000000").unwrap();
        Node {
            core: Holder::new(name.clone(), incarnation, Monotonic(0)),
            facts: NodeFacts { node: name.clone(), incarnation, roles, holds, units_max },
            name,
            clock,
            process: Process::Dead,
            start: 0,
            table: Table::new(),
            link: None,
            heard_at: Monotonic(0),
            pulse_at: Monotonic(0),
            open: BTreeMap::new(),
            ready: BTreeMap::new(),
            deferred: Vec::new(),
            cut_to_hub: false,
            cut_from_hub: false,
            leaving: false,
        }
    }

    // --- the loop

    fn at(&mut self, us: u64, event: Event) {
        self.next_event += 1;
        self.queue.push(Reverse((us.max(self.now), self.next_event)));
        self.events.insert(self.next_event, event);
    }

    fn after(&mut self, us: u64, event: Event) {
        self.at(self.now + us, event);
    }

    /// Runs until then. Stops at the first violation.
    pub(crate) fn run_until(&mut self, end: u64) {
        while self.checks.violation.is_none() {
            match self.queue.peek() {
                Some(Reverse((at, _))) if *at <= end => {}
                _ => break,
            }
            let Some(Reverse((at, number))) = self.queue.pop() else { break };
            self.now = at;
            let event = self.events.remove(&number).unwrap();
            self.handle(event);
            self.check();
            self.watch();
        }
        self.now = self.now.max(end);
    }

    fn handle(&mut self, event: Event) {
        match self.process_of(&event) {
            Some((Process::Frozen, None)) => return self.hub_deferred.push(event),
            Some((Process::Frozen, Some(node))) => return self.nodes[node].deferred.push(event),
            Some((Process::Dead, _)) | None => return,
            Some((Process::Runs, _)) => {}
        }
        match event {
            Event::HubTimer(_) => self.hear_hub(hub::Event::Tick),
            Event::HubPulse(reign) => self.hub_pulse(reign),
            Event::Store(_, store) => self.store(store),
            Event::NodeTimer(n, _) => self.hear_node(n, holder::Event::Tick),
            Event::NodePulse(n, start) => self.node_pulse(n, start),
            Event::Work(n, start) => self.work(n, start),
            Event::Opened { node, unit, epoch, is_open, .. } => {
                if is_open && self.nodes[node].open.get(&unit) == Some(&epoch) {
                    self.nodes[node].ready.insert(unit.clone(), epoch);
                }
                self.hear_node(node, holder::Event::Opened { unit, epoch, is_open });
            }
            Event::Finish { node, unit, epoch, .. } => {
                if self.nodes[node].open.get(&unit) == Some(&epoch) {
                    self.hear_node(node, holder::Event::Finished { unit: unit.clone(), epoch });
                    if self.nodes[node].open.get(&unit) == Some(&epoch) {
                        self.nodes[node].open.remove(&unit);
                        self.nodes[node].ready.remove(&unit);
                    }
                }
            }
            Event::Dial(n, _) => self.dial(n),
            Event::Connected { node, reign, .. } => self.connected(node, reign),
            Event::Deliver { link, to_hub, message } => self.deliver(link, to_hub, message),
        }
    }

    /// In whose process it happens (`None` of the pair: the hub's), and how that is. `None`: it belongs to an earlier one.
    fn process_of(&self, event: &Event) -> Option<(Process, Option<usize>)> {
        match event {
            Event::HubTimer(timer) => (*timer == self.hub_timer).then_some((self.hub_process, None)),
            Event::HubPulse(reign) | Event::Store(reign, _) => {
                (*reign == self.reign).then_some((self.hub_process, None))
            }
            Event::Deliver { to_hub: true, .. } => Some((self.hub_process, None)),
            Event::Deliver { link, .. } => {
                let node = self.links[*link].node;
                Some((self.nodes[node].process, Some(node)))
            }
            Event::NodeTimer(n, start) | Event::NodePulse(n, start) | Event::Work(n, start) | Event::Dial(n, start) => {
                (*start == self.nodes[*n].start).then_some((self.nodes[*n].process, Some(*n)))
            }
            Event::Opened { node, start, .. }
            | Event::Finish { node, start, .. }
            | Event::Connected { node, start, .. } => {
                (*start == self.nodes[*node].start).then_some((self.nodes[*node].process, Some(*node)))
            }
        }
    }

    /// `TRACE=n1,connector/x2` shows what names one of these.
    pub(crate) fn trace(&self, who: &str, what: &impl std::fmt::Debug) {
        if self.traced.is_empty() {
            return;
        }
        let what = format!("{who}: {what:?}");
        if self.traced.iter().any(|word| what.contains(word)) {
            println!("{:>10.3} {what}", self.now as f64 / SECOND as f64);
        }
    }

    // --- the hub and its store

    pub(crate) fn start_hub(&mut self) {
        if self.hub_process != Process::Dead {
            return;
        }
        self.reign += 1;
        let now = self.hub_clock.at(self.now);
        let rows = self.rows.iter().map(|(unit, row)| (unit.clone(), row.clone())).collect();
        let units = self.units.iter().cloned().collect();
        self.hub = Some(Hub::start(Start { reign: self.reign, rows, units, restored: false }, now));
        self.hub_process = Process::Runs;
        self.hub_pulse_at = now;
        self.hear_hub(hub::Event::Tick);
        self.after(0, Event::HubPulse(self.reign));
    }

    pub(crate) fn kill_hub(&mut self) {
        (self.hub, self.hub_process) = (None, Process::Dead);
        self.hub_deferred.clear();
        self.configured.clear();
        for link in 0..self.links.len() {
            self.close_at_hub(link, false);
        }
    }

    pub(crate) fn freeze_hub(&mut self) {
        if self.hub_process == Process::Runs {
            self.hub_process = Process::Frozen;
        }
    }

    pub(crate) fn wake_hub(&mut self) {
        if self.hub_process == Process::Frozen {
            self.hub_process = Process::Runs;
            let deferred = std::mem::take(&mut self.hub_deferred);
            self.wake(deferred);
            for (unit, there) in std::mem::take(&mut self.configured) {
                self.configure(&unit, there);
            }
        }
    }

    /// Messages come in their order; timers and work somewhere between them.
    fn wake(&mut self, deferred: Vec<Event>) {
        let (messages, mut rest): (Vec<Event>, Vec<Event>) =
            deferred.into_iter().partition(|event| matches!(event, Event::Deliver { .. }));
        for message in messages {
            while !rest.is_empty() && self.chance.one_in(3) {
                let n = self.chance.index(rest.len());
                let event = rest.swap_remove(n);
                self.after(0, event);
            }
            self.after(0, message);
        }
        rest.into_iter().for_each(|event| self.after(0, event));
    }

    fn hear_hub(&mut self, event: hub::Event) {
        let now = self.hub_clock.at(self.now);
        self.trace("hub hears", &event);
        let Some(hub) = self.hub.as_mut() else { return };
        let actions = hub.decide(event, now);
        self.trace("hub does", &actions);
        let Some(hub) = self.hub.as_ref() else { return };
        let due = self.hub_clock.when(hub.due());
        self.hub_timer += 1;
        self.at(due, Event::HubTimer(self.hub_timer));
        for action in actions {
            match action {
                hub::Action::Send { link, message, .. } => {
                    self.send(usize::try_from(link.0).unwrap(), false, Message::ToNode(message));
                }
                hub::Action::Write { unit, to, after } => {
                    let (us, reign) = (self.chance.within(200, 4 * MS), self.reign);
                    self.after(us, Event::Store(reign, Store::Write { unit, to, after }));
                }
                hub::Action::Read(unit) => {
                    let (us, reign) = (self.chance.within(100, 2 * MS), self.reign);
                    self.after(us, Event::Store(reign, Store::Read(unit)));
                }
                // There are too few units here.
                hub::Action::Full { why, .. } => panic!("{why}"),
                hub::Action::Cut { link, .. } => self.close_at_hub(usize::try_from(link.0).unwrap(), true),
            }
        }
    }

    fn store(&mut self, store: Store) {
        let answer = match store {
            Store::Answer(event) => return self.hear_hub(event),
            Store::Read(unit) => hub::Event::Read { row: self.rows.get(&unit).cloned(), unit },
            Store::Write { unit, to, after } => {
                let found = self.rows.get(&unit).map_or(0, |row| row.epoch);
                if self.store_busy && !self.chance.one_in(4) {
                    hub::Event::NotWritten(unit)
                } else if found != after {
                    hub::Event::Refused(unit)
                } else {
                    let epoch = after + 1;
                    self.rows.insert(unit.clone(), Row { by: to, epoch });
                    // Written, and it is not known: then it is read.
                    let unknown = self.store_busy && self.chance.one_in(3);
                    if unknown { hub::Event::Refused(unit) } else { hub::Event::Written { unit, epoch } }
                }
            }
        };
        let (us, reign) = (self.chance.within(100, 2 * MS), self.reign);
        self.after(us, Event::Store(reign, Store::Answer(answer)));
    }

    pub(crate) fn configure(&mut self, unit: &Unit, there: bool) {
        if there {
            self.units.insert(unit.clone());
        } else {
            self.units.remove(unit);
        }
        match self.hub_process {
            Process::Runs if there => self.hear_hub(hub::Event::Added(unit.clone())),
            Process::Runs => self.hear_hub(hub::Event::Removed(unit.clone())),
            Process::Frozen => self.configured.push((unit.clone(), there)),
            Process::Dead => {}
        }
    }

    /// Someone else takes the unit's row for a node. Not of one that is used: no fence stops who uses it.
    pub(crate) fn claim_behind_its_back(&mut self, unit: &Unit, n: usize) {
        if Self::is_exclusive(unit) {
            return;
        }
        let by = hub::Holder { node: self.nodes[n].name.clone(), incarnation: self.nodes[n].facts.incarnation };
        let epoch = self.rows.get(unit).map_or(0, |row| row.epoch) + 1;
        self.rows.insert(unit.clone(), Row { by, epoch });
    }

    fn hub_pulse(&mut self, reign: u64) {
        let now = self.hub_clock.at(self.now);
        let late = now.since(self.hub_pulse_at) > 2 * PULSE_MS;
        self.hub_pulse_at = now;
        for link in 0..self.links.len() {
            if !self.links[link].open_at_hub {
                continue;
            }
            if late {
                self.links[link].heard_at = now;
            }
            if now.since(self.links[link].heard_at) > SILENCE_MS {
                self.close_at_hub(link, true);
            } else {
                self.send(link, false, Message::Ping);
            }
        }
        self.after(PULSE_MS * MS, Event::HubPulse(reign));
    }

    // --- the nodes

    pub(crate) fn runs(&self, n: usize) -> bool {
        self.nodes[n].process == Process::Runs
    }

    pub(crate) fn start_node(&mut self, n: usize) {
        if self.nodes[n].process != Process::Dead {
            return;
        }
        let backwards = !self.setup.plain && self.chance.one_in(20);
        let step = self.chance.within(1, 5);
        let node = &mut self.nodes[n];
        let before = u64::from_str_radix(&node.facts.incarnation.to_string(), 16).unwrap();
        // A host's clock that was set back makes a start that looks older.
        let number = if backwards && before > 10 { before - step } else { before + 10 + step };
        node.facts.incarnation = Incarnation::parse(&format!("{number:016x}")).unwrap();
        node.start += 1;
        node.process = Process::Runs;
        node.leaving = false;
        let now = node.clock.at(self.now);
        node.core = Holder::new(node.name.clone(), node.facts.incarnation, now);
        node.table = Table::new();
        node.link = None;
        node.open.clear();
        node.ready.clear();
        node.deferred.clear();
        node.pulse_at = now;
        let start = node.start;
        self.after(0, Event::Dial(n, start));
        self.after(PULSE_MS * MS, Event::NodePulse(n, start));
        self.after(0, Event::Work(n, start));
    }

    pub(crate) fn kill_node(&mut self, n: usize) {
        if let Some(link) = self.nodes[n].link.take() {
            self.links[link].open_at_node = false;
            self.nodes[n].process = Process::Runs;
            self.push_out(link, true, Message::Fin);
        }
        let node = &mut self.nodes[n];
        node.process = Process::Dead;
        node.open.clear();
        node.ready.clear();
        node.deferred.clear();
    }

    pub(crate) fn freeze_node(&mut self, n: usize) {
        if self.nodes[n].process == Process::Runs {
            self.nodes[n].process = Process::Frozen;
        }
    }

    pub(crate) fn wake_node(&mut self, n: usize) {
        if self.nodes[n].process == Process::Frozen {
            self.nodes[n].process = Process::Runs;
            let deferred = std::mem::take(&mut self.nodes[n].deferred);
            self.wake(deferred);
        }
    }

    pub(crate) fn drain(&mut self, n: usize, drain: bool, leaves: bool) {
        if self.nodes[n].process == Process::Runs {
            self.nodes[n].leaving = leaves;
            self.hear_node(n, holder::Event::Drain(drain));
        }
    }

    pub(crate) fn is_drained(&self, n: usize) -> bool {
        self.nodes[n].core.is_drained()
    }

    /// It leaves as it should: closes all, says goodbye, ends.
    pub(crate) fn goodbye(&mut self, n: usize) {
        if self.nodes[n].process == Process::Runs {
            self.hear_node(n, holder::Event::Goodbye);
            self.kill_node(n);
        }
    }

    fn hear_node(&mut self, n: usize, event: holder::Event) {
        self.trace(self.nodes[n].name.as_str(), &event);
        let node = &mut self.nodes[n];
        let now = node.clock.at(self.now);
        let actions = node.core.decide(event, node.table.version(), now);
        self.trace("does", &actions);
        for action in actions {
            self.perform(n, action);
        }
        let node = &self.nodes[n];
        if let Some(due) = node.core.due() {
            let (at, start) = (node.clock.when(due), node.start);
            self.at(at, Event::NodeTimer(n, start));
        }
    }

    fn perform(&mut self, n: usize, action: holder::Action) {
        let node = &mut self.nodes[n];
        let start = node.start;
        let wrong = match action {
            holder::Action::Send(message) => {
                if let Some(link) = node.link {
                    self.send(link, true, Message::ToHub(message));
                }
                None
            }
            holder::Action::Open(unit, epoch) => {
                let before = node.open.insert(unit.clone(), epoch);
                let is_twice = node.ready.contains_key(&unit) || before.is_some_and(|before| before != epoch);
                let is_open = self.setup.plain || !self.chance.one_in(20);
                let wrong = is_twice.then(|| format!("{unit} is opened twice"));
                let us = self.chance.within(0, 5 * MS);
                self.after(us, Event::Opened { node: n, start, unit, epoch, is_open });
                wrong
            }
            holder::Action::Begin(unit, epoch) => {
                (node.ready.get(&unit) != Some(&epoch)).then(|| format!("{unit} begins and is not open"))
            }
            holder::Action::Suspend(unit, _) | holder::Action::Resume(unit) => {
                (!node.open.contains_key(&unit)).then(|| format!("{unit} is not open"))
            }
            holder::Action::Close(unit, why) => {
                node.ready.remove(&unit);
                node.open.remove(&unit).is_none().then(|| format!("{unit} is closed ({why:?}) and is not open"))
            }
            holder::Action::Drain(unit, epoch) => {
                let wrong = (node.open.get(&unit) != Some(&epoch)).then(|| format!("{unit} drains and is not open"));
                let slow = !self.setup.plain && self.chance.one_in(10);
                let us = if slow { self.chance.within(SECOND, 6 * SECOND) } else { self.chance.within(0, 30 * MS) };
                self.after(us, Event::Finish { node: n, start, unit, epoch });
                wrong
            }
        };
        if let Some(wrong) = wrong {
            self.checks.fail(self.now, &format!("{}: {wrong}", self.nodes[n].name));
        }
    }

    /// Its units commit now and then: what they hold is checked, and then it takes its time.
    fn work(&mut self, n: usize, start: u64) {
        let node = &self.nodes[n];
        let now = node.clock.at(self.now);
        let by = hub::Holder { node: node.name.clone(), incarnation: node.facts.incarnation };
        let commits: Vec<(Unit, u64)> =
            node.open.keys().filter_map(|unit| Some((unit.clone(), node.core.may_commit(unit, now)?))).collect();
        if let Some((unit, epoch)) = commits.iter().find(|(unit, epoch)| node.ready.get(unit) != Some(epoch)) {
            let wrong = format!("{}: may commit for {unit} under {epoch}, which is not open", node.name);
            return self.checks.fail(self.now, &wrong);
        }
        if let Some(link) = node.link {
            for (unit, epoch) in commits {
                self.send(link, true, Message::Commit { unit, epoch, by: by.clone() });
            }
        }
        let us = self.chance.within(50 * MS, 400 * MS);
        self.after(us, Event::Work(n, start));
    }

    fn node_pulse(&mut self, n: usize, start: u64) {
        let node = &mut self.nodes[n];
        let now = node.clock.at(self.now);
        if now.since(node.pulse_at) > 2 * PULSE_MS {
            node.heard_at = now;
        }
        node.pulse_at = now;
        if let Some(link) = node.link {
            if now.since(node.heard_at) > SILENCE_MS {
                self.close_at_node(link);
            } else {
                self.send(link, true, Message::Ping);
            }
        }
        self.after(PULSE_MS * MS, Event::NodePulse(n, start));
    }

    // --- the links

    fn dial(&mut self, n: usize) {
        let node = &self.nodes[n];
        let (start, reign) = (node.start, self.reign);
        if node.link.is_some() {
            return;
        }
        if node.cut_to_hub || node.cut_from_hub || self.hub_process != Process::Runs {
            let us = self.chance.within(50 * MS, 400 * MS);
            return self.after(us, Event::Dial(n, start));
        }
        let us = self.chance.within(2 * MS, 10 * MS);
        self.after(us, Event::Connected { node: n, start, reign });
    }

    fn connected(&mut self, n: usize, reign: u64) {
        let node = &mut self.nodes[n];
        let good = !node.cut_to_hub && !node.cut_from_hub;
        if !good || self.hub_process != Process::Runs || reign != self.reign {
            let start = node.start;
            return self.after(50 * MS, Event::Dial(n, start));
        }
        let link = self.links.len();
        node.link = Some(link);
        node.heard_at = node.clock.at(self.now);
        let facts = node.facts.clone();
        self.links.push(Link {
            node: n,
            open_at_node: true,
            open_at_hub: true,
            stuck: [Vec::new(), Vec::new()],
            last: [self.now; 2],
            heard_at: self.hub_clock.at(self.now),
        });
        let id = LinkId(link as u64);
        if self.chance.one_in(2) {
            self.hear_hub(hub::Event::Up { link: id, facts });
            self.hear_node(n, holder::Event::Up);
        } else {
            self.hear_node(n, holder::Event::Up);
            self.hear_hub(hub::Event::Up { link: id, facts });
        }
    }

    /// Ends a node's link with notice, as a proxy that restarts does.
    pub(crate) fn end_link(&mut self, n: usize) {
        if let Some(link) = self.nodes[n].link.filter(|_| self.runs(n)) {
            self.close_at_node(link);
        }
    }

    pub(crate) fn cut(&mut self, n: usize, to_hub: bool, from_hub: bool) {
        (self.nodes[n].cut_to_hub, self.nodes[n].cut_from_hub) = (to_hub, from_hub);
        for link in 0..self.links.len() {
            if self.links[link].node != n {
                continue;
            }
            for (direction, is_cut) in [(true, to_hub), (false, from_hub)] {
                if !is_cut {
                    for message in std::mem::take(&mut self.links[link].stuck[usize::from(direction)]) {
                        self.push_out(link, direction, message);
                    }
                }
            }
        }
    }

    fn send(&mut self, link: usize, to_hub: bool, message: Message) {
        let Some(known) = self.links.get(link) else { return };
        if if to_hub { known.open_at_node } else { known.open_at_hub } {
            self.push_out(link, to_hub, message);
        }
    }

    fn push_out(&mut self, link: usize, to_hub: bool, message: Message) {
        let node = &self.nodes[self.links[link].node];
        let direction = usize::from(to_hub);
        if if to_hub { node.cut_to_hub } else { node.cut_from_hub } {
            return self.links[link].stuck[direction].push(message);
        }
        let slow = !self.setup.plain && self.chance.one_in(200);
        let us = if slow { self.chance.within(MS, 700 * MS) } else { self.chance.within(100, 5 * MS) };
        let at = (self.now + us).max(self.links[link].last[direction]);
        self.links[link].last[direction] = at;
        self.at(at, Event::Deliver { link, to_hub, message });
    }

    fn close_at_node(&mut self, link: usize) {
        if !self.links[link].open_at_node {
            return;
        }
        self.links[link].open_at_node = false;
        self.push_out(link, true, Message::Fin);
        let n = self.links[link].node;
        if self.nodes[n].link == Some(link) {
            self.nodes[n].link = None;
            self.hear_node(n, holder::Event::Down);
            let (us, start) = (self.chance.within(0, 100 * MS), self.nodes[n].start);
            self.after(us, Event::Dial(n, start));
        }
    }

    fn close_at_hub(&mut self, link: usize, tells: bool) {
        if !self.links[link].open_at_hub {
            return;
        }
        self.links[link].open_at_hub = false;
        self.push_out(link, false, Message::Fin);
        if tells {
            let node = self.nodes[self.links[link].node].name.clone();
            self.hear_hub(hub::Event::Down { node, link: LinkId(link as u64) });
        }
    }

    fn deliver(&mut self, link: usize, to_hub: bool, message: Message) {
        let n = self.links[link].node;
        if to_hub {
            if !self.links[link].open_at_hub {
                return;
            }
            self.links[link].heard_at = self.hub_clock.at(self.now);
            let node = self.nodes[n].name.clone();
            match message {
                Message::ToHub(message) => {
                    self.hear_hub(hub::Event::Heard { node, link: LinkId(link as u64), message });
                }
                Message::Commit { unit, epoch, by } => self.commit(link, unit, epoch, &by),
                Message::Fin => self.close_at_hub(link, true),
                Message::Ping | Message::ToNode(_) | Message::Fenced { .. } => {}
            }
        } else {
            if !self.links[link].open_at_node || self.nodes[n].link != Some(link) {
                return;
            }
            self.nodes[n].heard_at = self.nodes[n].clock.at(self.now);
            match message {
                Message::ToNode(ToNode::Table(table)) => drop(self.nodes[n].table.apply(table)),
                Message::ToNode(message) => self.hear_node(n, holder::Event::Heard(message)),
                Message::Fenced { unit, epoch } => self.hear_node(n, holder::Event::Fenced { unit, epoch }),
                Message::Fin => self.close_at_node(link),
                Message::Ping | Message::ToHub(_) | Message::Commit { .. } => {}
            }
        }
    }

    fn commit(&mut self, link: usize, unit: Unit, epoch: u64, by: &hub::Holder) {
        let current = self.rows.get(&unit).map_or(0, |row| row.epoch);
        if epoch == current || self.setup.no_fence {
            self.checks.committed(self.now, &unit, epoch, by);
        } else {
            self.checks.refused += 1;
            self.send(link, false, Message::Fenced { unit, epoch });
        }
    }

    // --- what is looked at from outside

    /// A unit that only one may use: by what it is for, not by how it is placed.
    fn is_exclusive(unit: &Unit) -> bool {
        unit.address().leaf().starts_with('x')
    }

    /// Who may use a unit at this instant, frozen or not: it could be woken now.
    pub(crate) fn users(&self, unit: &Unit) -> Vec<usize> {
        let uses = |node: &Node| {
            let deadline = node.core.hard_deadline(unit);
            node.process != Process::Dead && deadline.is_some_and(|deadline| node.clock.at(self.now) < deadline)
        };
        (0..self.nodes.len()).filter(|n| uses(&self.nodes[*n])).collect()
    }

    /// The node that runs and whose commits of this unit would be taken.
    pub(crate) fn holder(&self, unit: &Unit) -> Option<usize> {
        let epoch = self.rows.get(unit)?.epoch;
        let holds = |n: &usize| {
            let node = &self.nodes[*n];
            self.runs(*n) && node.core.may_commit(unit, node.clock.at(self.now)) == Some(epoch)
        };
        (0..self.nodes.len()).find(holds)
    }

    fn check(&mut self) {
        for unit in self.units.iter().filter(|unit| Self::is_exclusive(unit)) {
            let users = self.users(unit);
            if users.len() > 1 {
                let names: Vec<&str> = users.iter().map(|n| self.nodes[*n].name.as_str()).collect();
                self.checks.fail(self.now, &format!("{unit} is used by {names:?} at once"));
            }
        }
    }

    /// Somebody holds the unit, and a commit of it would reach the store.
    fn is_served(&self, unit: &Unit) -> bool {
        let reaches = |n: usize| {
            let node = &self.nodes[n];
            let open = node.link.is_some_and(|link| self.links[link].open_at_node && self.links[link].open_at_hub);
            open && !node.cut_to_hub && !node.cut_from_hub
        };
        self.hub_process == Process::Runs && self.holder(unit).is_some_and(reaches)
    }

    /// Notes where gaps in the service of units begin and end.
    pub(crate) fn watch(&mut self) {
        let Some(mut watch) = self.watch.take() else { return };
        for unit in &self.units {
            if self.is_served(unit) {
                if let Some(since) = watch.since.remove(unit) {
                    watch.gaps.push((unit.clone(), self.now - since));
                }
            } else {
                watch.since.entry(unit.clone()).or_insert(self.now);
            }
        }
        self.watch = Some(watch);
    }

    /// After the faults: what is still wrong.
    pub(crate) fn unsettled(&self) -> Option<String> {
        let hub = self.hub.as_ref()?;
        let now = self.hub_clock.at(self.now);
        for unit in &self.units {
            let Some(placed) = hub.explain(unit, now) else { return Some(format!("the hub has not heard of {unit}")) };
            let Some(n) = self.holder(unit) else {
                return Some(format!("nobody holds {unit}: {}; {placed:?}", placed.why));
            };
            let first = matches!(placed.why, hub::Why::RendezvousFirst(_) | hub::Why::OnlyHolder);
            if placed.holder.as_ref().map(|by| &by.node) != Some(&self.nodes[n].name) || !placed.opened || !first {
                return Some(format!("{unit} is at {} and the hub says {placed:?}", self.nodes[n].name));
            }
            for other in self.nodes.iter().filter(|node| node.process == Process::Runs) {
                if other.table.holder(unit) != Some((&self.nodes[n].name, placed.epoch)) {
                    return Some(format!("{} looks for {unit} at {:?}", other.name, other.table.place(unit)));
                }
            }
        }
        None
    }
}
