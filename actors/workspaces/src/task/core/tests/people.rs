//! What people may ask of a task, and what becomes of it.

use messages::TaskId;
use messages::task::{Budget, Msg, Reply, TaskState, Wait};
use rstest::rstest;

use super::ends::{Call, Ending};
use super::sim::Sim;
use super::tables::task;
use crate::run::tests::ground::by;

fn asked(sim: &mut Sim, id: &TaskId, msg: Msg) -> Result<String, String> {
    sim.ask(id, msg);
    sim.run();
    match sim.answers.pop() {
        Some(Reply::Done(words)) => Ok(words),
        Some(Reply::Refused(words)) => Err(words),
        None => panic!("it does not answer"),
    }
}

/// A task that has failed for good.
fn dead(sim: &mut Sim) -> TaskId {
    let id = sim.started("k");
    for n in 0..3 {
        sim.does(&id, &Ending::Fails(2, 0));
        if n < 2 {
            sim.seconds(10);
        }
    }
    assert_eq!((sim.tables.row(&id).state, sim.tables.row(&id).failures), (TaskState::Dead, 3));
    id
}

#[rstest]
#[case::their_own("bob", "bob", true)]
#[case::another_persons("bob", "eve", false)]
#[case::whoever_holds_the_data("bob", "ann", true)]
fn people_steer_their_own_tasks_and_operators_any(#[case] owner: &str, #[case] who: &str, #[case] may: bool) {
    for msg in [Msg::Cancel, Msg::Retry, Msg::Discard] {
        let mut sim = Sim::new(1);
        let id = sim.make(&task("k", owner, "k", sim.now));
        sim.run();
        let before = sim.tables.row(&id).rev;
        let said = asked(&mut sim, &id, msg(by(who)));
        let denied = said.as_ref().is_err_and(|words| words.starts_with("Denied: "));
        assert_eq!(denied, !may, "{said:?}");
        assert!(may || sim.tables.row(&id).rev == before);
    }
}

#[test]
fn while_the_files_of_its_context_are_broken_nobody_steers_a_task() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.definition = "---\ntools: [\n---\n".into();
    sim.crash(false);
    assert!(asked(&mut sim, &id, Msg::Cancel(by("ann"))).unwrap_err().starts_with("Denied: "));
}

#[test]
fn a_task_that_is_not_there_says_so() {
    let mut sim = Sim::new(1);
    let nobody = TaskId::of("home", "nobody");
    assert!(asked(&mut sim, &nobody, Msg::Cancel(by("ann"))).unwrap_err().contains("There is no task"));
}

#[test]
fn a_budget_that_has_ended_is_given_once_more_when_a_person_says_so() {
    let mut sim = Sim::new(1);
    let mut new = task("k", "ann", "k", sim.now);
    new.budget.micro_usd = 1_000;
    let id = sim.make(&new);
    sim.run();
    let row = sim.tables.row(&id);
    assert_eq!((row.wait, row.not_before), (Some(Wait::Quota), None));
    assert!(sim.tables.posts_of(&id)[0].text.contains("`/tasks retry`"), "{:?}", sim.tables.posts);
    let words = asked(&mut sim, &id, Msg::Retry(by("ann"))).unwrap();
    assert!(words.contains("goes on with its budget given once more"), "{words}");
    assert_eq!(sim.tables.row(&id).budget.micro_usd, 1_000 + Budget::default().micro_usd);
    assert_eq!(sim.tables.row(&id).priority, 1, "before what is in the background");
    assert!(sim.asks(&id).is_some());
    sim.drain();
    sim.assert_promises();
}

#[test]
fn a_quota_that_is_reset_at_a_moment_needs_nobody_and_gives_nothing() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.does(&id, &Ending::Fails(4, 0));
    let until = sim.tables.row(&id).not_before.unwrap();
    assert_eq!(until, sim.now.plus_ms(3_600_000));
    sim.pass(3_599_000);
    sim.seconds(0);
    sim.run();
    assert_eq!(sim.tables.row(&id).state, TaskState::Waiting);
    sim.pass(1_000);
    sim.run();
    assert!(sim.asks(&id).is_some());
    assert_eq!(sim.tables.row(&id).budget, Budget::default());
    // Also when a person does not want to wait.
    sim.does(&id, &Ending::Fails(4, 0));
    assert!(!asked(&mut sim, &id, Msg::Retry(by("ann"))).unwrap().contains("budget"));
    assert_eq!(sim.tables.row(&id).budget, Budget::default());
    assert!(sim.asks(&id).is_some());
}

#[test]
fn what_waits_for_nobody_can_not_be_let_go_on() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    assert!(asked(&mut sim, &id, Msg::Retry(by("ann"))).unwrap_err().contains("it waits for nobody"));
    sim.says(&id, &[Call::Spawn]);
    sim.says(&id, &[]);
    assert!(asked(&mut sim, &id, Msg::Retry(by("ann"))).unwrap_err().contains("waits for its subtasks"));
    sim.drain();
    let child = sim.last_child(&id);
    assert!(asked(&mut sim, &id, Msg::Retry(by("ann"))).unwrap_err().contains("has succeeded"));
    assert!(asked(&mut sim, &child, Msg::Discard(by("ann"))).unwrap_err().contains("only a dead letter"));
}

#[test]
fn what_has_failed_is_tried_again_as_another_task_once() {
    let mut sim = Sim::new(1);
    let id = dead(&mut sim);
    let words = asked(&mut sim, &id, Msg::Retry(by("ann"))).unwrap();
    let again = sim.tables.tasks.last().unwrap().clone();
    assert!(words.contains(again.id.as_str()) && again.id != id, "{words}");
    assert_eq!((again.spec.retry_of.as_ref(), &again.spec.input), (Some(&id), &sim.tables.row(&id).spec.input));
    assert_eq!((again.priority, again.budget, again.failures), (1, Budget::default(), 0));
    assert_eq!(sim.tables.row(&id).state, TaskState::Dead, "what has ended stays so");
    // Asked twice, it is the same one.
    assert_eq!(asked(&mut sim, &id, Msg::Retry(by("ann"))).unwrap(), words);
    assert_eq!(sim.tables.tasks.len(), 2);
    sim.drain();
    assert_eq!(sim.tables.row(&again.id).state, TaskState::Succeeded);
    sim.assert_promises();
}

#[test]
fn a_subtask_and_what_was_erased_are_not_tried_again() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.says(&id, &[Call::Spawn]);
    let child = sim.last_child(&id);
    sim.does(&child, &Ending::Fails(10, 0));
    assert!(asked(&mut sim, &child, Msg::Retry(by("ann"))).unwrap_err().contains("was part of"));
    let gone = dead_of_another(&mut sim);
    sim.tables.erase(&gone);
    assert!(asked(&mut sim, &gone, Msg::Retry(by("ann"))).unwrap_err().contains("were deleted"));
}

fn dead_of_another(sim: &mut Sim) -> TaskId {
    let id = sim.started("gone");
    sim.does(&id, &Ending::Fails(10, 0));
    assert_eq!(sim.tables.row(&id).state, TaskState::Failed);
    id
}

#[test]
fn a_dead_letter_is_discarded_once_and_says_by_whom() {
    let mut sim = Sim::new(1);
    let id = dead(&mut sim);
    // Two ask at once: the second is told, by the actor that the first has reached.
    sim.ask(&id, Msg::Discard(by("ann")));
    sim.ask(&id, Msg::Discard(by("ann")));
    sim.run();
    assert_eq!(sim.reopened, 0);
    assert!(matches!(&sim.answers[0], Reply::Done(words) if words.contains("is discarded")));
    assert!(matches!(&sim.answers[1], Reply::Refused(words) if words.contains("was discarded by console:ann")));
    assert_eq!(sim.tables.row(&id).discarded_by.as_deref(), Some("console:ann"));
    sim.drain();
    sim.assert_promises();
}

#[test]
fn words_that_are_deleted_end_their_task() {
    for wait in [false, true] {
        let mut sim = Sim::new(1);
        let id = sim.started("k");
        if wait {
            sim.does(&id, &Ending::Fails(4, 0));
        }
        sim.tables.erase(&id);
        sim.pass(if wait { 3_600_000 } else { 1_000 });
        sim.sweep();
        sim.run();
        let task = sim.tables.row(&id);
        assert_eq!((task.state, task.reason.contains("deleted by their author")), (TaskState::Cancelled, true));
        sim.drain();
        sim.assert_promises();
    }
}
