//! The journal and the accounts: what was done is never done again, nothing is overdrawn, and the sums agree whatever
//! happens in which order.

use messages::step::{Day, Reserve, Spending, StepStatus, What, Work};
use messages::store::{CommitError, Query, Rows, StepRow, Write};
use messages::task::TaskState;
use messages::{Moment, turn::Outcome};
use proptest::prelude::*;
use rstest::rstest;

use crate::cas::conflict;
use crate::work::{DAY, below, cost, end, end_of, moved, of_task, of_turn, put, reserve, start, task, tool};
use crate::world::{World, settle};

fn steps(world: &World) -> Vec<StepRow> {
    world.rows("k").steps
}

fn account(world: &World, account: &str) -> Spending {
    let query = Query::Spending { from: Day(0), to: Day(i64::MAX), account: account.into(), limit: 9 };
    match world.query(query).unwrap() {
        Rows::Spending(rows) => rows.into_iter().find(|row| row.account == account).unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

/// A running task `k`, whose steps these are.
fn running() -> (World, Work) {
    let world = World::at_work();
    world.task_in("k", TaskState::Running);
    (world, of_task("k"))
}

#[test]
fn a_step_begins_and_ends_with_what_it_gave() {
    let (world, k) = running();
    world.task(vec![start(&k, 0, Some(reserve(10, 100)))]).unwrap();
    let row = steps(&world).remove(0);
    assert_eq!((row.seq, row.status, row.attempt), (0, StepStatus::Started, 1));
    assert_eq!((row.reserve, row.started_at, row.ended_at), (Some(reserve(10, 100)), Moment(3_000), None));
    world.task(vec![end(&k, 0, StepStatus::Done, Some(cost(4)))]).unwrap();
    world.task(vec![end_of(&k, 1, (tool(), StepStatus::Failed), None)]).unwrap();
    let rows = steps(&world);
    assert_eq!((rows[0].status, rows[0].attempt, rows[0].reserve.clone()), (StepStatus::Done, 1, None));
    assert_eq!((rows[0].output.as_str(), rows[0].model.as_str(), rows[0].micro_usd), ("output 0", "glm-5", 4));
    assert_eq!((rows[0].usage, rows[0].ended_at), (cost(4).usage, Some(Moment(4_000))));
    assert_eq!((&rows[1].what, rows[1].attempt, rows[1].started_at), (&tool(), 1, Moment(4_000)));
}

#[rstest]
#[case(StepStatus::Done, false)]
#[case(StepStatus::Failed, true)]
#[case(StepStatus::Refused, false)]
#[case(StepStatus::Unknown, true)]
fn what_was_done_or_refused_is_never_done_again(#[case] status: StepStatus, #[case] again: bool) {
    let (world, k) = running();
    world.task(vec![start(&k, 0, None), end(&k, 0, status, Some(cost(3)))]).unwrap();
    if !again {
        for write in [start(&k, 0, None), end(&k, 0, StepStatus::Failed, None)] {
            let words = conflict(world.task(vec![write]));
            assert!(words.contains(&format!("is {} and can't", status.as_str())), "{words}");
        }
        return;
    }
    world.task(vec![start(&k, 0, Some(reserve(5, 100)))]).unwrap();
    let row = steps(&world).remove(0);
    assert_eq!((row.status, row.attempt, row.output.as_str()), (StepStatus::Started, 2, ""));
    world.task(vec![end(&k, 0, StepStatus::Done, Some(cost(4)))]).unwrap();
    let row = steps(&world).remove(0);
    assert_eq!((row.attempt, row.micro_usd, row.usage), (2, 7, cost(3).usage.plus(cost(4).usage)));
}

#[test]
fn steps_follow_one_another_and_one_goes_at_a_time() {
    let (world, k) = running();
    for write in [start(&k, 1, None), end(&k, 1, StepStatus::Done, None)] {
        let words = conflict(world.task(vec![write]));
        assert!(words.contains("step 1 of") && words.contains("there is no step 0 of"), "{words}");
    }
    world.task(vec![start(&k, 0, None)]).unwrap();
    for write in [start(&k, 1, None), end(&k, 1, StepStatus::Done, None)] {
        assert!(conflict(world.task(vec![write])).contains("has not ended"));
    }
    world.task(vec![end(&k, 0, StepStatus::Failed, None), start(&k, 1, None)]).unwrap();
    for write in [start(&k, 0, None), end(&k, 0, StepStatus::Done, None)] {
        assert!(conflict(world.task(vec![write])).contains("was followed by another"));
    }
    let refused = world.task(vec![end(&k, 1, StepStatus::Started, None)]);
    assert!(matches!(&refused, Err(CommitError::Refused(w)) if w.contains("can't end as started")), "{refused:?}");
}

#[test]
fn a_step_begins_only_in_what_is_open() {
    let (world, k) = running();
    let turn = of_turn("a");
    for (work, by_task) in [(of_task("none"), true), (of_turn("none"), false)] {
        for write in [start(&work, 0, None), end(&work, 0, StepStatus::Done, None)] {
            let result = if by_task { world.task(vec![write]) } else { world.context(vec![write]) };
            assert!(conflict(result).contains("does not exist"));
        }
    }
    world.put("b");
    assert!(conflict(world.context(vec![start(&of_turn("b"), 0, None)])).contains("is waiting and can't begin a step"));
    world.context(vec![start(&turn, 0, None)]).unwrap();
    world.context(vec![settle(1, Outcome::Failed), end(&turn, 0, StepStatus::Failed, None)]).unwrap();
    assert!(conflict(world.context(vec![start(&turn, 0, None)])).contains("is settled and can't begin a step"));
    world.task(vec![start(&k, 0, None)]).unwrap();
    world.task(vec![moved("k", 3, TaskState::Failed), end(&k, 0, StepStatus::Unknown, None)]).unwrap();
    assert!(conflict(world.task(vec![start(&k, 0, None)])).contains("is failed and can't begin a step"));
}

#[test]
fn what_is_reserved_is_released_and_what_it_cost_is_charged_to_each_account_and_the_model() {
    let (world, k) = running();
    world.task(vec![start(&k, 0, Some(reserve(10, 100)))]).unwrap();
    let node = account(&world, "node");
    assert_eq!((node.day, node.reserved_micro_usd, node.reserved_tokens, node.micro_usd), (DAY, 10, 20, 0));
    world.task(vec![end(&k, 0, StepStatus::Done, Some(cost(4)))]).unwrap();
    for name in ["node", "ws/home", "model/glm-5"] {
        let spent = account(&world, name);
        assert_eq!((spent.micro_usd, spent.usage, spent.calls), (4, cost(4).usage, 1), "{name}");
        assert_eq!((spent.reserved_micro_usd, spent.reserved_tokens), (0, 0), "{name}");
    }
    world.task(vec![end(&k, 1, StepStatus::Done, Some(messages::step::Cost { day: Day(20_001), ..cost(5) }))]).unwrap();
    assert_eq!(world.number("SELECT count(*) FROM spending WHERE account = 'node'"), 2);
}

#[test]
fn an_account_named_twice_is_charged_once() {
    let (world, k) = running();
    let mut twice = reserve(10, 100);
    twice.limits.extend(reserve(10, 50).limits);
    world.task(vec![start(&k, 0, Some(twice))]).unwrap();
    assert_eq!(account(&world, "node").reserved_micro_usd, 10);
    let mut cost = cost(4);
    cost.accounts.push("node".into());
    world.task(vec![end(&k, 0, StepStatus::Done, Some(cost))]).unwrap();
    assert_eq!((account(&world, "node").micro_usd, account(&world, "node").reserved_micro_usd), (4, 0));
}

#[test]
fn an_account_is_used_to_its_limit_and_not_beyond_in_dollars_and_in_tokens() {
    let (world, k) = running();
    world.task(vec![start(&k, 0, Some(reserve(60, 100))), end(&k, 0, StepStatus::Done, Some(cost(60)))]).unwrap();
    let words = conflict(world.task(vec![start(&k, 1, Some(reserve(41, 100)))]));
    let said = "the account node has $0.00004 left of $0.0001 a day; the call may need $0.000041";
    assert!(words.contains(said), "{words}");
    assert_eq!(world.number("SELECT count(*) FROM step"), 1);
    world.task(vec![start(&k, 1, Some(reserve(40, 100)))]).unwrap();
    let turn = of_turn("a");
    assert!(conflict(world.context(vec![start(&turn, 0, Some(reserve(1, 100)))])).contains("has $0.00 left"));
    let tokens = |tokens| Reserve { tokens, micro_usd: 0, ..reserve(0, 1_000) };
    // 62 are spent and 80 reserved.
    let words = conflict(world.context(vec![start(&turn, 0, Some(tokens(99_859)))]));
    assert!(words.contains("the account ws/home has 99858 tokens left of 100000 tokens a day"), "{words}");
    world.context(vec![start(&turn, 0, Some(tokens(99_858)))]).unwrap();
    let tomorrow = Reserve { day: DAY.next(), ..reserve(100, 100) };
    world.task(vec![end(&k, 1, StepStatus::Failed, None), start(&k, 1, Some(tomorrow))]).unwrap();
}

#[test]
fn a_call_that_was_cut_off_is_charged_what_it_had_reserved() {
    let (world, k) = running();
    world.task(vec![start(&k, 0, Some(reserve(10, 100)))]).unwrap();
    let world = world.killed_and_opened();
    world.task(vec![start(&k, 0, Some(reserve(20, 100)))]).unwrap();
    let node = account(&world, "node");
    assert_eq!((node.micro_usd, node.usage.input, node.reserved_micro_usd, node.reserved_tokens), (10, 20, 20, 40));
    let row = steps(&world).remove(0);
    assert_eq!((row.attempt, row.micro_usd, row.usage.input), (2, 10, 20));
    world.task(vec![end(&k, 0, StepStatus::Done, Some(cost(3)))]).unwrap();
    let (node, row) = (account(&world, "node"), steps(&world).remove(0));
    assert_eq!((node.micro_usd, node.reserved_micro_usd, row.micro_usd, row.usage.input), (13, 0, 13, 23));
    // What is charged counts against the limit as what was reserved did.
    world.task(vec![start(&k, 1, Some(reserve(87, 100)))]).unwrap();
    assert!(conflict(world.task(vec![start(&k, 1, Some(reserve(1, 100)))])).contains("has $0.00 left"));
}

#[test]
fn a_task_has_used_what_its_steps_and_those_of_all_below_it_have() {
    let (world, k) = running();
    let root = task("k", 1);
    let child = below("c", &root);
    let grandchild = below("g", &child);
    world.task(vec![put(child), put(grandchild)]).unwrap();
    let (c, g) = (of_task("c"), of_task("g"));
    let used = |work: &Work, seq, what: What, status, micro_usd: u64| {
        end_of(work, seq, (what, status), (micro_usd > 0).then(|| cost(micro_usd)))
    };
    world
        .task(vec![used(&k, 0, What::Model, StepStatus::Done, 1), used(&c, 0, What::Model, StepStatus::Done, 2)])
        .unwrap();
    world
        .task(vec![used(&g, 0, What::Model, StepStatus::Done, 4), used(&g, 1, tool(), StepStatus::Failed, 0)])
        .unwrap();
    world.task(vec![used(&g, 2, tool(), StepStatus::Done, 0), used(&g, 3, tool(), StepStatus::Refused, 0)]).unwrap();
    let child = world.rows("k").children.remove(0).spent;
    assert_eq!((child.micro_usd, child.input_tokens, child.output_tokens, child.tool_calls), (6, 6, 4, 2));
    let query =
        Query::Tasks { workspace: crate::world::slug("home"), context: None, open: false, before: None, limit: 9 };
    let Rows::Tasks(views) = world.query(query).unwrap() else { panic!("other rows") };
    assert_eq!(views.iter().map(|view| view.spent.micro_usd).collect::<Vec<_>>(), [4, 6, 7]);
}

/// What may happen to the step that a work is at.
#[derive(Debug, Clone)]
enum Op {
    Start(usize, Option<u64>),
    End(usize, usize, Option<u64>),
    Next(usize),
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (0..2_usize, prop::option::weighted(0.8, 0..40_u64)).prop_map(|(of, asked)| Op::Start(of, asked)),
        5 => (0..2_usize, 1..5_usize, prop::option::weighted(0.8, 0..40_u64)).prop_map(|(of, how, used)| Op::End(of, how, used)),
        4 => (0..2_usize).prop_map(Op::Next),
        1 => Just(Op::Crash),
    ]
}

const LIMIT: u64 = 300;

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_steps_and_the_accounts_agree(ops in prop::collection::vec(op(), 1..60)) {
        let (mut world, k) = running();
        let works = [k, of_turn("a")];
        let mut at = [0_u32; 2];
        for op in ops {
            let (of, write) = match op {
                Op::Start(of, asked) => (of, start(&works[of], at[of], asked.map(|asked| reserve(asked, LIMIT)))),
                Op::End(of, how, used) => (of, end(&works[of], at[of], StepStatus::ALL[how], used.map(cost))),
                Op::Next(of) => {
                    at[of] += 1;
                    continue;
                }
                Op::Crash => {
                    world = world.killed_and_opened();
                    continue;
                }
            };
            let result = if of == 0 { world.task(vec![write]) } else { world.context(vec![write]) };
            prop_assert!(matches!(result, Ok(_) | Err(CommitError::Conflict(_))), "{:?}", result);
            let last = format!("SELECT coalesce(max(seq), 0) FROM step WHERE work = '{}'", works[of].as_str());
            at[of] = at[of].min(u32::try_from(world.number(&last)).unwrap() + 1);
            agree(&world)?;
        }
        world.store.close().unwrap();
        let report = store::verify(world.folder.path()).unwrap();
        prop_assert!(report.is_clean(), "{:?}", report.faults);
    }
}

fn agree(world: &World) -> Result<(), TestCaseError> {
    let spent = "SELECT coalesce(sum(micro_usd), 0) FROM spending WHERE account = 'node'";
    prop_assert_eq!(world.number("SELECT coalesce(sum(micro_usd), 0) FROM step"), world.number(spent));
    let reserved = "SELECT coalesce(sum(reserved_micro_usd), 0) FROM spending WHERE account = 'node'";
    let running = "SELECT coalesce(sum(reserve ->> '$.micro_usd'), 0) FROM step WHERE status = 0";
    prop_assert_eq!(world.number(running), world.number(reserved));
    let tokens = "SELECT coalesce(sum(input + output), 0) FROM spending WHERE account = 'node'";
    prop_assert_eq!(world.number("SELECT coalesce(sum(input + output), 0) FROM step"), world.number(tokens));
    Ok(())
}

#[test]
fn sums_that_no_number_holds_are_refused_and_nothing_is_written() {
    let (world, k) = running();
    let huge = Reserve { micro_usd: u64::MAX, ..reserve(0, 1) };
    let refused = world.task(vec![start(&k, 0, Some(huge))]);
    assert!(matches!(refused, Err(CommitError::Conflict(_))), "{refused:?}");
    let most = || Some(cost(i64::MAX.cast_unsigned()));
    let twice: Vec<Write> = (0..2).map(|seq| end(&k, seq, StepStatus::Done, most())).collect();
    let refused = world.task(twice);
    assert!(matches!(refused, Err(CommitError::Conflict(_) | CommitError::Refused(_))), "{refused:?}");
    assert_eq!(world.number("SELECT count(*) FROM step"), 0);
    world.task(vec![end(&k, 0, StepStatus::Done, None)]).unwrap();
}
