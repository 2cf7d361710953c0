//! What contexts keep of their conversations: rows of compactions, and what an erased message does to them.

use messages::step::{StepStatus, Work};
use messages::store::{
    CommitError, Committed, Compaction, Failing, LogPlace, MemoryPut, MemoryRows, Owner, Query, Rows, Write,
};
use messages::task::{Remembered, TaskState};
use messages::{Address, MemoryId, Moment};

use crate::cas::conflict;
use crate::queries::addresses;
use crate::work::{end, put, reserve, start, task};
use crate::world::{LOG, World, general, id};

pub(crate) fn work(rev: u64) -> Work {
    Work::Memory(MemoryId::of(&general(), rev))
}

fn places(offset: u64) -> Vec<LogPlace> {
    vec![LogPlace { log: LOG.into(), offset }]
}

/// A write of the memory of `general`; `begun`: the revision that began what is under way.
pub(crate) fn kept(rev: u64, upto: u64, begun: Option<u64>, erased: u64) -> Write {
    let work = begun.map(|rev| Compaction { id: MemoryId::of(&general(), rev), upto: places(40) });
    Write::Memory(Box::new(MemoryPut {
        context: general(),
        rev,
        upto: if upto == 0 { Vec::new() } else { places(upto) },
        work,
        erased,
        failing: None,
    }))
}

fn memory(world: &World, writes: Vec<Write>) -> Result<Committed, CommitError> {
    world.commit(Owner::Memory, writes)
}

fn rows(world: &World) -> MemoryRows {
    match world.query(Query::Memory { context: general() }).unwrap() {
        Rows::Memory(rows) => *rows,
        other => panic!("{other:?}"),
    }
}

/// Two whole turns, and a compaction of them that has asked.
fn asked() -> World {
    let world = World::new();
    world.turn("a", 0);
    world.turn("b", 20);
    memory(&world, vec![kept(1, 0, Some(1), 0), start(&work(1), 0, Some(reserve(7, 100)))]).unwrap();
    world
}

fn clean(world: &World) {
    world.store.close().unwrap();
    let report = store::verify(world.folder.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
}

#[test]
fn a_compaction_is_a_row_until_it_has_ended_and_keeps_no_words_then() {
    let world = asked();
    let opened = rows(&world);
    assert_eq!((opened.memory.rev, opened.behind(), opened.steps.len()), (1, 40, 1));
    assert_eq!(opened.memory.work.map(|work| work.upto), Some(places(40)));
    assert_eq!(addresses(&world, None, 9), ["ws/home/memory/general"]);
    memory(&world, vec![end(&work(1), 0, StepStatus::Done, None)]).unwrap();
    assert_eq!(rows(&world).steps[0].output, "output 0");
    memory(&world, vec![kept(2, 40, None, 0)]).unwrap();
    let done = rows(&world);
    assert_eq!((done.memory.rev, done.behind(), done.memory.work, done.steps.len()), (2, 0, None, 0));
    assert_eq!(world.number("SELECT count(*) FROM step WHERE gave <> ''"), 0);
    assert!(addresses(&world, None, 9).is_empty());
    assert!(conflict(memory(&world, vec![start(&work(1), 1, None)])).contains("is ended"));
    clean(&world);
}

#[test]
fn a_revision_follows_its_own_and_one_compaction_runs_at_a_time() {
    let world = asked();
    for rev in [0, 1, 3] {
        assert!(conflict(memory(&world, vec![kept(rev, 0, Some(1), 0)])).contains("does not follow"), "{rev}");
    }
    assert!(conflict(memory(&world, vec![kept(2, 0, Some(2), 0)])).contains("is under way"));
    let foreign = memory(&World::new(), vec![kept(1, 0, Some(7), 0)]);
    assert!(matches!(foreign, Err(CommitError::Refused(words)) if words.contains("is not the id")));
    assert!(conflict(memory(&world, vec![start(&work(5), 0, None)])).contains("does not exist"));
}

#[test]
fn an_erased_message_takes_the_words_of_what_is_under_way_and_wakes_its_memory() {
    let world = asked();
    memory(&world, vec![end(&work(1), 0, StepStatus::Done, None)]).unwrap();
    world.context(vec![Write::Redact { seq: 1 }]).unwrap();
    let stale = rows(&world);
    assert_eq!((stale.memory.erasures, stale.memory.erased, stale.memory.is_stale()), (1, 0, true));
    assert_eq!(stale.steps[0].output, "");
    memory(&world, vec![kept(2, 0, None, 0)]).unwrap();
    assert_eq!(addresses(&world, None, 9), ["ws/home/memory/general"], "until the file was looked at");
    memory(&world, vec![kept(3, 0, None, 1)]).unwrap();
    assert!(addresses(&world, None, 9).is_empty());
    clean(&world);
}

#[test]
fn an_answer_that_comes_after_its_message_was_erased_leaves_no_words() {
    let world = asked();
    world.context(vec![Write::Redact { seq: 2 }]).unwrap();
    memory(&world, vec![end(&work(1), 0, StepStatus::Done, None)]).unwrap();
    assert_eq!(rows(&world).steps[0].output, "");
}

#[test]
fn what_a_task_was_told_of_a_conversation_goes_with_the_message_or_with_its_end() {
    let world = World::at_work();
    let told = |key: &str, event: &str| {
        let mut task = task(key, 1);
        task.spec.memory = Remembered { text: format!("notes of {key}"), of: vec![id(event)] };
        task
    };
    // `at_work` has events of its own; the second one is erased.
    let second = world.put("second");
    world.context(vec![put(told("erased", "second")), put(told("other", "a")), put(told("ends", "a"))]).unwrap();
    let text = |key: &str| world.rows(key).task.spec.memory.text;
    world
        .context(vec![crate::world::take(second), crate::world::settle(second, messages::turn::Outcome::Noted)])
        .unwrap();
    world.context(vec![Write::Redact { seq: second }]).unwrap();
    assert_eq!((text("erased"), text("other")), (String::new(), "notes of other".to_owned()));
    world.task(vec![crate::work::moved("ends", 2, TaskState::Cancelled), crate::work::post("ends", None)]).unwrap();
    assert_eq!(text("ends"), "");
    world.context(vec![put(told("late", "second"))]).unwrap();
    assert_eq!(text("late"), "", "whoever made it had not looked");
}

#[test]
fn only_a_context_has_a_memory() {
    let world = World::new();
    let put = |context: &str| {
        let context = Address::parse(context).unwrap();
        Write::Memory(Box::new(MemoryPut { context, rev: 1, upto: Vec::new(), work: None, erased: 0, failing: None }))
    };
    for other in ["store", "ws/home", "ws/home/task/tsk_1", "ws/home/context/Bad"] {
        assert!(matches!(memory(&world, vec![put(other)]), Err(CommitError::Refused(_))), "{other}");
    }
    // A workspace may have any name.
    memory(&world, vec![put("ws/context/context/context")]).unwrap();
    assert_eq!(world.number("SELECT count(*) FROM memory WHERE address = 'ws/context/memory/context'"), 1);
}

#[test]
fn what_came_to_nothing_is_kept_until_something_went_well() {
    let world = World::new();
    let failing = Some(Failing { failures: 6, not_before: Moment(i64::MAX), of: "v1 big=m \"quoted\"".into() });
    let put = |rev, failing| {
        Write::Memory(Box::new(MemoryPut { context: general(), rev, upto: Vec::new(), work: None, erased: 0, failing }))
    };
    memory(&world, vec![put(1, failing.clone())]).unwrap();
    assert_eq!(rows(&world).memory.failing, failing);
    memory(&world, vec![put(2, failing.clone())]).unwrap();
    assert_eq!(rows(&world).memory.failing, failing);
    memory(&world, vec![put(3, None)]).unwrap();
    assert_eq!(rows(&world).memory.failing, None);
    clean(&world);
}
