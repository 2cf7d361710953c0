//! What goes wrong, by chance; and its end.

use messages::cluster::Unit;

use crate::world::{MS, SECOND, Setup, World};

/// How long things go wrong.
const FAULTS: u64 = 45 * SECOND;
/// By then every unit must be held again after the last fault has ceased: the hub settles (3 s) behind a lease (5.1 s),
/// a slow drain (6 s) and what a retried write and a link that is dialled again take.
const HELD_WITHIN: u64 = 16 * SECOND;

#[derive(Debug, Clone)]
enum End {
    Start(usize),
    Wake(usize),
    Heal(usize),
    StayOrLeave(usize),
    StartHub,
    WakeHub,
    Quiet,
}

impl World {
    fn break_something(&mut self, ends: &mut Vec<(u64, End)>) {
        let n = self.chance.index(self.nodes.len());
        let short = self.chance.one_in(2);
        let us = if short { self.chance.within(MS, 800 * MS) } else { self.chance.within(800 * MS, 12 * SECOND) };
        let until = self.now + us;
        let mut end = |end| ends.push((until, end));
        let what = self.chance.within(0, 15);
        self.trace("fault", &(what, &self.nodes[n].name, us / MS));
        match what {
            0 | 1 => {
                self.kill_node(n);
                end(End::Start(n));
            }
            2 | 3 => {
                self.freeze_node(n);
                end(End::Wake(n));
            }
            4..=6 => {
                self.cut(n, what != 6, what != 5);
                end(End::Heal(n));
            }
            7 => self.end_link(n),
            8 | 9 => {
                let leaves = self.chance.one_in(2);
                self.drain(n, true, leaves);
                end(End::StayOrLeave(n));
            }
            10 => {
                self.kill_hub();
                end(End::StartHub);
            }
            11 => {
                self.freeze_hub();
                end(End::WakeHub);
            }
            12 => {
                let unit = self.some_unit();
                let there = !self.units.contains(&unit);
                self.configure(&unit, there);
            }
            13 => {
                self.store_busy = true;
                end(End::Quiet);
            }
            14 => {
                let unit = self.some_unit();
                self.claim_behind_its_back(&unit, n);
            }
            _ => {
                self.freeze_node(n);
                self.cut(n, self.now.is_multiple_of(2), self.now.is_multiple_of(3));
                end(End::Wake(n));
                end(End::Heal(n));
            }
        }
    }

    fn some_unit(&mut self) -> Unit {
        let class = ["ws/w", if self.setup.exclusive_as_fenced { "ws/x" } else { "connector/x" }];
        let (class, number) = (class[self.chance.index(2)], self.chance.index(4));
        Unit::parse(&format!("{class}{number}")).unwrap()
    }

    fn mend(&mut self, end: &End) {
        self.trace("end", end);
        match *end {
            End::Start(n) => self.start_node(n),
            End::Wake(n) => self.wake_node(n),
            End::Heal(n) => self.cut(n, false, false),
            End::StayOrLeave(n) => {
                if !self.runs(n) {
                    return;
                }
                if self.nodes[n].leaving && self.is_drained(n) {
                    self.goodbye(n);
                    self.start_node(n);
                } else {
                    self.drain(n, false, false);
                }
            }
            End::StartHub => self.start_hub(),
            End::WakeHub => self.wake_hub(),
            End::Quiet => self.store_busy = false,
        }
    }

    fn mend_all(&mut self) {
        self.store_busy = false;
        self.wake_hub();
        self.start_hub();
        for n in 0..self.nodes.len() {
            self.wake_node(n);
            self.cut(n, false, false);
            self.drain(n, false, false);
            self.start_node(n);
        }
    }
}

/// One cluster by one seed; `Err` says what was violated.
pub(crate) fn run(seed: u64, setup: Setup) -> (World, Result<(), String>) {
    let mut world = World::new(seed, setup);
    let mut ends: Vec<(u64, End)> = Vec::new();
    let mut next = SECOND;
    while world.now < FAULTS && world.checks.violation.is_none() {
        let until = ends.iter().map(|(at, _)| *at).min().unwrap_or(u64::MAX).min(next);
        world.run_until(until);
        if let Some(at) = ends.iter().position(|(at, _)| *at <= world.now) {
            let (_, end) = ends.swap_remove(at);
            world.mend(&end);
        } else {
            world.break_something(&mut ends);
            let calm = world.chance.one_in(4);
            next = world.now
                + if calm {
                    world.chance.within(3 * SECOND, 9 * SECOND)
                } else {
                    world.chance.within(10 * MS, 2 * SECOND)
                };
        }
    }
    world.mend_all();
    let held_by = world.now + HELD_WITHIN;
    world.run_until(held_by);
    let result = match (world.checks.violation.clone(), world.unsettled()) {
        (Some(violation), _) => Err(violation),
        (None, Some(unsettled)) => Err(format!("16 s after the last fault: {unsettled}")),
        (None, None) => Ok(()),
    };
    (world, result)
}
