//! What goes wrong, by chance, and its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use turmoil::Sim;

use super::chance::Chance;
use super::node::NODES;
use super::outside::Outside;

/// The usual way of a message from one node to another.
const DELAY_MS_MAX: u64 = 20;

/// What ends some time after it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Start(&'static str),
    /// Of the way between the hub and this node; what was held arrives then.
    Mend(&'static str),
    Undrain(&'static str),
    /// A hub has been busy for a while, and what the node asks of it waits there.
    Drain(&'static str),
    Nothing,
}

/// The nodes, the network between them, and what is to end when.
pub(super) struct World<'a> {
    pub(super) sim: Sim<'a>,
    pub(super) outside: Arc<Outside>,
    pub(super) chance: Chance,
    ends: Vec<(Duration, End)>,
    /// How often each kind of fault was done.
    pub(super) done: BTreeMap<&'static str, u64>,
}

impl<'a> World<'a> {
    pub(super) fn new(sim: Sim<'a>, outside: Arc<Outside>, chance: Chance) -> Self {
        Self { sim, outside, chance, ends: Vec::new(), done: BTreeMap::new() }
    }

    fn tell(&mut self, fault: &'static str, node: &str, until: Duration) {
        *self.done.entry(fault).or_default() += 1;
        let now = self.sim.elapsed();
        self.outside.trace(now, &format!("FAULT {fault} {node} until {:.3}", until.as_secs_f64()));
    }

    /// Something goes wrong now.
    pub(super) fn break_something(&mut self) {
        let node = self.chance.of(&NODES[1..]).name;
        let long = self.chance.one_in(2);
        let (low, high) = if long { (1_500, 9_000) } else { (20, 1_500) };
        let until = self.sim.elapsed() + Duration::from_millis(self.chance.within(low, high));
        let (fault, node, end) = match self.chance.within(0, 24) {
            0 | 1 => ("killed", node, self.kill(node)),
            2 | 18 => ("killed", NODES[0].name, self.kill(NODES[0].name)),
            22 => ("reset where all is slow", node, self.reset_where_all_is_slow(node)),
            23 | 24 => {
                let busy = Duration::from_millis(self.chance.within(2_500, 5_000));
                self.outside.hub_is_busy_until(self.sim.elapsed() + busy);
                self.ends.push((self.sim.elapsed() + Duration::from_millis(300), End::Drain(node)));
                ("drained by a busy hub", node, End::Undrain(node))
            }
            19..=21 => {
                self.outside.reset(node);
                ("reset", node, End::Nothing)
            }
            3 => ("without power", node, self.cut_and_kill(node)),
            4 | 5 => ("cut", node, self.cut(node, true, true)),
            6 | 7 => ("cut to the hub", node, self.cut(node, true, false)),
            8 | 9 => ("cut from the hub", node, self.cut(node, false, true)),
            10 | 11 => {
                self.sim.hold(NODES[0].name, node);
                ("held", node, End::Mend(node))
            }
            12 => {
                let most = Duration::from_millis(self.chance.within(200, 2_500));
                self.sim.set_link_max_message_latency(NODES[0].name, node, most);
                ("slow", node, End::Mend(node))
            }
            13 => {
                self.sim.set_link_fail_rate(NODES[0].name, node, 0.02);
                ("loses messages", node, End::Mend(node))
            }
            14 => {
                self.outside.wants(node, |wanted| wanted.drained = true);
                ("drained", node, End::Undrain(node))
            }
            15 => {
                let node = self.chance.of(&NODES).name;
                self.outside.wants(node, |wanted| wanted.stopped = true);
                ("stopped", node, End::Nothing)
            }
            _ => {
                self.outside.disk_stalls_until(until);
                ("its disk stalls", NODES[0].name, End::Nothing)
            }
        };
        self.tell(fault, node, until);
        self.ends.push((until, end));
    }

    fn kill(&mut self, node: &'static str) -> End {
        self.sim.crash(node);
        End::Start(node)
    }

    fn cut(&mut self, node: &'static str, to: bool, from: bool) -> End {
        if to {
            self.sim.partition_oneway(node, NODES[0].name);
        }
        if from {
            self.sim.partition_oneway(NODES[0].name, node);
        }
        End::Mend(node)
    }

    /// A link takes longer to come back than its units wait for, and what gives them away takes longer still.
    fn reset_where_all_is_slow(&mut self, node: &'static str) -> End {
        let (line, disk) = (self.chance.within(100, 400), self.chance.within(1_000, 3_000));
        self.sim.set_link_max_message_latency(NODES[0].name, node, Duration::from_millis(line));
        self.outside.reset(node);
        self.outside.disk_stalls_until(self.sim.elapsed() + Duration::from_millis(disk));
        End::Mend(node)
    }

    /// Nobody is told that it has ended.
    fn cut_and_kill(&mut self, node: &'static str) -> End {
        self.cut(node, true, true);
        self.sim.crash(node);
        self.sim.repair(NODES[0].name, node);
        End::Start(node)
    }

    /// When the next of them ends.
    pub(super) fn next_end(&self) -> Option<Duration> {
        self.ends.iter().map(|(at, _)| *at).min()
    }

    /// Ends what is due, or all.
    pub(super) fn mend(&mut self, all: bool) {
        let now = self.sim.elapsed();
        let (due, ends) = std::mem::take(&mut self.ends).into_iter().partition(|(at, _)| all || *at <= now);
        self.ends = ends;
        let due: Vec<(Duration, End)> = due;
        for (_, end) in due {
            self.outside.trace(now, &format!("END {end:?}"));
            match end {
                End::Start(node) => self.start(node),
                End::Mend(node) => self.mend_way(node),
                End::Undrain(node) => self.outside.wants(node, |wanted| wanted.drained = false),
                End::Drain(node) => self.outside.wants(node, |wanted| wanted.drained = !all),
                End::Nothing => {}
            }
        }
        if all {
            self.outside.disk_stalls_until(now);
            self.outside.hub_is_busy_until(now);
        }
    }

    fn start(&mut self, node: &'static str) {
        if !self.sim.is_host_running(node) {
            self.sim.bounce(node);
        }
    }

    fn mend_way(&mut self, node: &'static str) {
        let hub = NODES[0].name;
        self.sim.set_link_fail_rate(hub, node, 0.0);
        self.sim.set_link_max_message_latency(hub, node, Duration::from_millis(DELAY_MS_MAX));
        self.sim.release(hub, node);
    }

    /// Nodes that have stopped or given up are started again in a while, as a service manager does.
    pub(super) fn supervise(&mut self) {
        let ended = self.outside.check(super::checks::Checks::take_ended);
        for name in ended {
            let node = NODES.iter().find(|spec| spec.name == name).unwrap().name;
            self.sim.crash(node);
            self.ends.push((self.sim.elapsed() + Duration::from_millis(500), End::Start(node)));
        }
    }
}
