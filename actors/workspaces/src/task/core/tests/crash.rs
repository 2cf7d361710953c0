//! Whatever happens in whatever order, and wherever actors and processes end in between.

use messages::TaskId;
use messages::task::{Budget, DayCap, Msg, TaskState, Wait};
use proptest::prelude::*;

use super::ends::{Call, Ending};
use super::sim::Sim;
use super::tables::task;
use crate::run::tests::ground::by;

#[derive(Debug, Clone)]
enum Op {
    Make { user: usize, context: usize, priority: u8, budget: usize },
    Steps(usize),
    Finish(Ending),
    Record,
    Sweep,
    Pass(i64),
    Clock(i64),
    CrashOne,
    Crash { lingers: bool },
    Haunt,
    Passivate,
    Fuse(u32),
    LoseWakes(bool),
    Cancel(usize),
    Retry(usize),
    Discard(usize),
    Erase(usize),
    Tools(bool),
}

const USERS: [&str; 2] = ["ann", "bob"];
const CONTEXTS: [&str; 4] = ["a", "b", "c", "d"];

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => Just(Call::Look),
        1 => Just(Call::LookAgain),
        4 => Just(Call::Write),
        4 => Just(Call::Mail),
        2 => Just(Call::Post),
        3 => Just(Call::Spawn),
        1 => Just(Call::SpawnAfter),
        1 => Just(Call::SpawnDear),
        1 => Just(Call::Nothing),
        1 => Just(Call::Broken),
    ]
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        8 => (proptest::collection::vec(call(), 0..4), 0..=100_u64).prop_map(|(calls, part)| Ending::Says(calls, part)),
        3 => (0..15_usize, 0..3_u8).prop_map(|(class, billed)| Ending::Fails(class, billed)),
        4 => Just(Ending::Done),
        1 => Just(Ending::No),
        2 => any::<bool>().prop_map(Ending::Unknown),
        2 => any::<bool>().prop_map(Ending::Cut),
        1 => any::<bool>().prop_map(Ending::Dies),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let time = prop_oneof![4 => 0..3_000_i64, 2 => 3_000..20_000_i64, 1 => Just(700_000), 1 => Just(4_000_000), 1 => Just(90_000_000)];
    prop_oneof![
        5 => (0..2_usize, 0..CONTEXTS.len(), 0..4_u8, 0..6_usize)
            .prop_map(|(user, context, priority, budget)| Op::Make { user, context, priority, budget }),
        10 => (1..60_usize).prop_map(Op::Steps),
        14 => ending().prop_map(Op::Finish),
        1 => Just(Op::Record),
        3 => Just(Op::Sweep),
        3 => time.prop_map(Op::Pass),
        1 => prop_oneof![Just(90_000_000_i64), Just(5_000)].prop_map(Op::Clock),
        2 => Just(Op::CrashOne),
        2 => any::<bool>().prop_map(|lingers| Op::Crash { lingers }),
        1 => Just(Op::Haunt),
        1 => Just(Op::Passivate),
        3 => (0..60_u32).prop_map(Op::Fuse),
        1 => any::<bool>().prop_map(Op::LoseWakes),
        2 => (0..12_usize).prop_map(Op::Cancel),
        2 => (0..12_usize).prop_map(Op::Retry),
        1 => (0..12_usize).prop_map(Op::Discard),
        1 => (0..12_usize).prop_map(Op::Erase),
        1 => any::<bool>().prop_map(Op::Tools),
    ]
}

/// Budgets that reach far, and some that end in the middle.
fn budget(of: usize) -> Budget {
    match of {
        0 => Budget { micro_usd: 90_000, ..Budget::default() },
        1 => Budget { output_tokens: 20_000, input_tokens: 10_000, ..Budget::default() },
        2 => Budget { tool_calls: 3, ..Budget::default() },
        _ => Budget::default(),
    }
}

/// The `back`-th task from the end.
fn about(sim: &Sim, back: usize) -> Option<TaskId> {
    sim.tables.tasks.iter().rev().nth(back).map(|task| task.id.clone())
}

fn act(sim: &mut Sim, op: &Op) {
    match op {
        Op::Make { user, context, priority, budget: of } => {
            let key = format!("k{}", sim.tables.tasks.len());
            let mut new = task(&key, USERS[*user], CONTEXTS[*context], sim.now);
            (new.priority, new.budget) = (*priority, budget(*of));
            sim.make(&new);
        }
        Op::Steps(count) => drop((0..*count).take_while(|_| sim.step()).count()),
        Op::Finish(ending) => {
            let at_work = sim.at_work();
            let at = sim.any(at_work.len());
            if let Some(id) = at_work.get(at) {
                sim.finish(id, ending);
            }
        }
        Op::Record => drop(sim.record()),
        Op::Sweep => sim.sweep(),
        Op::Pass(ms) => sim.pass(*ms),
        Op::Clock(ms) => sim.set_back(*ms),
        Op::CrashOne => sim.crash_one(),
        Op::Crash { lingers } => sim.crash(*lingers),
        Op::Haunt => sim.haunt(),
        Op::Passivate => sim.passivate(),
        Op::Fuse(points) => sim.fuse = Some(*points),
        Op::LoseWakes(loses) => sim.loses_wakes = *loses,
        Op::Cancel(back) => ask(sim, *back, Msg::Cancel),
        Op::Retry(back) => ask(sim, *back, Msg::Retry),
        Op::Discard(back) => ask(sim, *back, Msg::Discard),
        Op::Erase(back) => {
            if let Some(id) = about(sim, *back) {
                erase(sim, &id);
            }
        }
        Op::Tools(all) => {
            let tools = if *all { "['*']" } else { "[look, post, spawn_task]" };
            sim.definition = format!("---\ntools: {tools}\n---\nBe kind.\n");
        }
    }
}

fn ask(sim: &mut Sim, back: usize, msg: fn(messages::turn::Principal) -> Msg) {
    let who = by(USERS[sim.any(2)]);
    if let Some(id) = about(sim, back) {
        sim.ask(&id, msg(who));
    }
}

/// An event is deleted with all that came of it: a task with all of its line.
fn erase(sim: &mut Sim, id: &TaskId) {
    let root = sim.tables.row(id).root.clone();
    let line: Vec<TaskId> =
        sim.tables.tasks.iter().filter(|task| task.root == root).map(|task| task.id.clone()).collect();
    for id in line {
        sim.tables.erase(&id);
    }
}

/// People look after whatever waits for them, until all has ended.
pub(super) fn settle(sim: &mut Sim) {
    for round in 0..12 {
        let waiting: Vec<TaskId> = sim
            .tables
            .tasks
            .iter()
            .filter(|task| matches!(task.wait, Some(Wait::InDoubt | Wait::Quota)))
            .map(|task| task.id.clone())
            .collect();
        for id in waiting {
            let msg = if round < 6 { Msg::Retry(by("ann")) } else { Msg::Cancel(by("ann")) };
            sim.ask(&id, msg);
        }
        sim.drain();
        sim.assert_told();
        if sim.tables.tasks.iter().all(|task| task.state.is_terminal()) {
            return;
        }
    }
}

/// Each case is a hundred events; `PROPTEST_CASES` asks for more of them.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases / 2,
        max_shrink_iters: 4_000,
        max_shrink_time: 20_000,
        failure_persistence: None,
        ..usual
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_happens_each_task_ends_once_and_nothing_is_done_twice(
        ops in proptest::collection::vec(op(), 1..120),
        chance in any::<u64>(),
        poor in any::<bool>(),
    ) {
        let mut sim = Sim::new(chance);
        if poor {
            sim.facts.limits.workspace_day = DayCap { micro_usd: Some(250_000), tokens: Some(100_000) };
        }
        for op in &ops {
            act(&mut sim, op);
        }
        sim.drain();
        sim.assert_told();
        settle(&mut sim);
        sim.assert_promises();
        sim.assert_at_rest();
        prop_assert!(sim.tables.tasks.iter().all(|task| task.state != TaskState::Running));
    }
}
