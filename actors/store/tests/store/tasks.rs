//! Which write to a task is refused in which state; what a repeat does; the limits of subtasks.

use messages::store::{CommitError, Owner, Query, Rows, TaskMove, TaskWrite, Write};
use messages::task::{CHILDREN_MAX, DEPTH_MAX, DESCENDANTS_MAX, NewTask, TaskState, Wait};
use messages::{Address, Moment, TaskId};
use rstest::rstest;

use crate::cas::conflict;
use crate::queries::context;
use crate::work::{
    DEADLINE, MADE, START_BY, below, claimed, discarded, moved, of_task, post, put, recorded, task, to, tsk,
};
use crate::world::{World, audit, id, put_as, reply, slug, take};

fn refused(result: Result<messages::store::Committed, CommitError>) -> String {
    match result {
        Err(CommitError::Refused(words)) => words,
        other => panic!("{other:?} is not refused"),
    }
}

#[test]
fn a_task_that_is_put_twice_is_one_with_its_first_words() {
    let world = World::at_work();
    let first = task("k", 1);
    let mut second = task("k", 1);
    second.spec.title = "other".into();
    world.context(vec![put(first.clone()), put(second.clone())]).unwrap();
    world.task(vec![put(second)]).unwrap();
    let row = world.rows("k").task;
    assert_eq!((row.id, row.spec, row.rev, row.run, row.recorded), (first.id, first.spec, 1, 0, 0));
    assert_eq!((row.state, row.created_at, row.moved_at, row.deadline), (TaskState::Queued, MADE, MADE, DEADLINE));
    assert_eq!((row.inbound, row.ended_at), (id("a"), None));
    assert_eq!(world.number("SELECT count(*) FROM task"), 1);
}

type Change = fn(&mut NewTask);

#[test]
fn a_task_that_can_not_be_right_is_refused_in_words() {
    let world = World::at_work();
    let wrong: [(&str, Change); 8] = [
        ("is not the id of task other in home", |t| t.key = "other".into()),
        ("can't begin as running", |t| t.state = TaskState::Running),
        ("is no context of home", |t| t.context = messages::Address::fixed("ws/acme/context/general")),
        ("its root is", |t| t.root = tsk("other")),
        ("is 1 deep", |t| t.depth = 1),
        ("can't depend on itself", |t| t.spec.depends_on = vec![t.id.clone()]),
        ("can't have priority 4; the last is 3", |t| t.priority = 4),
        ("title of TaskPut has 1025 bytes; at most 1024", |t| t.spec.title = "x".repeat(1_025)),
    ];
    for (words, change) in wrong {
        let mut new = task("k", 1);
        change(&mut new);
        let said = refused(world.task(vec![put(new)]));
        assert!(said.contains(words), "{said}");
    }
    let foreign = world.accept(put_as("b", messages::store::InboundKind::Message, context("other"), None)).seq;
    assert!(refused(world.task(vec![put(task("k", foreign))])).contains("is not ws/home/context/general's"));
    assert!(conflict(world.task(vec![put(task("k", 9))])).contains("inbox row 9 does not exist"));
    let mut edge = task("k", 1);
    edge.spec.title = "x".repeat(1_024);
    edge.spec.depends_on = (0..DESCENDANTS_MAX).map(|n| tsk(&format!("d{n}"))).collect();
    let mut over = edge.clone();
    over.spec.depends_on.push(tsk("one more"));
    assert!(refused(world.task(vec![put(over)])).contains("depends on 65 others; at most 64"));
    world.task(vec![put(edge)]).unwrap();
    assert_eq!(world.number("SELECT count(*) FROM depends"), i64::from(DESCENDANTS_MAX));
}

#[test]
fn a_rejected_task_has_ended_when_it_begins() {
    let world = World::at_work();
    world.task_in("k", TaskState::Rejected);
    assert_eq!(world.rows("k").task.ended_at, Some(MADE));
}

#[test]
fn a_task_has_so_many_subtasks_and_a_repeat_of_the_last_is_not_refused() {
    let world = World::at_work();
    let root = task("root", 1);
    world.task(vec![put(root.clone())]).unwrap();
    let child = |n: u32| below(&format!("c{n}"), &root);
    world.task((0..CHILDREN_MAX).map(|n| put(child(n))).collect()).unwrap();
    let words = conflict(world.task(vec![put(child(CHILDREN_MAX))]));
    assert!(words.contains("has 16 subtasks, which is the most"), "{words}");
    world.task(vec![put(child(CHILDREN_MAX - 1))]).unwrap();
    let rest = DESCENDANTS_MAX - CHILDREN_MAX;
    let below_them = |n: u32| below(&format!("g{n}"), &child(n % CHILDREN_MAX));
    world.task((0..rest).map(|n| put(below_them(n))).collect()).unwrap();
    let words = conflict(world.task(vec![put(below_them(rest))]));
    assert!(words.contains("has 64 subtasks below it, which is the most"), "{words}");
    world.task(vec![put(below_them(rest - 1))]).unwrap();
    assert_eq!(world.rows("c0").descendants, DESCENDANTS_MAX);
}

#[test]
fn subtasks_go_so_deep_and_stand_where_their_parent_does() {
    let world = World::at_work();
    let mut line = vec![task("d0", 1)];
    for depth in 1..=DEPTH_MAX {
        line.push(below(&format!("d{depth}"), line.last().unwrap()));
    }
    let last = line.last().unwrap().clone();
    world.task(line.iter().cloned().map(put).collect()).unwrap();
    let words = conflict(world.task(vec![put(below("d5", &last))]));
    assert!(words.contains("would be 5 subtasks deep; at most 4"), "{words}");
    let orphan = below("o", &task("nobody", 1));
    assert!(conflict(world.task(vec![put(orphan)])).contains("is to be a subtask of, does not exist"));
    let stranger = NewTask { root: tsk("other"), ..below("s", &line[0]) };
    assert!(refused(world.task(vec![put(stranger)])).contains("does not stand below"));
    let other = world.put("b");
    let of_another_event = NewTask { seq: other, ..below("s", &line[0]) };
    assert!(refused(world.task(vec![put(of_another_event)])).contains("does not stand below"));
    world.workspace(vec![moved("d0", 2, TaskState::Cancelled)]).unwrap();
    assert!(
        conflict(world.task(vec![put(below("late", &line[0]))])).contains("has ended and can't have a new subtask")
    );
}

#[test]
fn a_claim_counts_a_run_under_the_epoch_of_its_fence() {
    let world = World::at_work();
    world.task_in("k", TaskState::Queued);
    assert!(conflict(world.workspace(vec![claimed("k", 3)])).contains("is at revision 1; 3 does not follow"));
    assert!(conflict(world.workspace(vec![claimed("none", 2)])).contains("does not exist"));
    let unfenced = world.commit(Owner::Workspace, vec![claimed("k", 2)]);
    assert!(refused(unfenced).contains("a claim needs the fence of ws/home"));
    let elsewhere = messages::Address::fixed("ws/other");
    let foreign = refused(world.fenced(Owner::Workspace, (&elsewhere, 0), vec![claimed("k", 2)]));
    assert!(foreign.starts_with("TaskClaim writes for ws/home/task/"), "{foreign}");
    world.workspace(vec![claimed("k", 2)]).unwrap();
    let row = world.rows("k").task;
    assert_eq!((row.state, row.rev, row.run, row.epoch), (TaskState::Running, 2, 1, 1));
    assert_eq!((row.moved_at, row.started_at), (Moment(2_000), Some(Moment(2_000))));
    assert!(conflict(world.workspace(vec![claimed("k", 3)])).contains("is running and can't be claimed"));
    world.task(vec![moved("k", 3, TaskState::Queued)]).unwrap();
    world.commit(Owner::Runtime, vec![crate::world::claim(&World::unit())]).unwrap();
    let stale = world.workspace(vec![claimed("k", 4)]);
    assert!(matches!(stale, Err(CommitError::Fenced { current: 2, stale: 1, .. })), "{stale:?}");
    world.fenced(Owner::Workspace, (&World::unit(), 2), vec![claimed("k", 4)]).unwrap();
    let row = world.rows("k").task;
    assert_eq!((row.run, row.epoch), (2, 2));
}

/// Every state, and where a move to every other goes.
#[rstest]
fn a_task_moves_by_the_table_alone(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)] from: usize,
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)] next: usize,
) {
    let (from, next) = (TaskState::ALL[from], TaskState::ALL[next]);
    let world = World::at_work();
    let rev = world.task_in("k", from);
    let result = world.task(vec![moved("k", rev + 1, next)]);
    if next == TaskState::Running {
        assert!(refused(result).contains("comes to run by a claim alone"));
    } else if from.may_become(next) {
        result.unwrap();
        let row = world.rows("k").task;
        assert_eq!((row.state, row.rev, row.ended_at.is_some()), (next, rev + 1, next.is_terminal()));
        assert_eq!((row.moved_at, row.reason), (Moment(3_000), format!("is {next}")));
        assert_eq!(row.wait, (next == TaskState::Waiting).then_some(Wait::Child));
    } else {
        let words = conflict(result);
        assert!(words.contains(&format!("is {from} and can't become {next}")), "{words}");
    }
}

#[test]
fn a_move_carries_what_the_row_is_to_be() {
    let world = World::at_work();
    world.task_in("k", TaskState::Running);
    let budget = messages::task::Budget { micro_usd: 7, ..Default::default() };
    let by = |change: TaskMove| world.task(vec![Write::Task(TaskWrite::Move(Box::new(change)))]);
    let nothing = TaskMove { wait: None, ..to("k", 3, TaskState::Waiting) };
    assert!(refused(by(nothing)).contains("is to wait for nothing"));
    by(TaskMove { wait: Some(Wait::Timer), not_before: Some(Moment(9_000)), ..to("k", 3, TaskState::Waiting) })
        .unwrap();
    let row = world.rows("k").task;
    assert_eq!((row.wait, row.not_before, row.rev), (Some(Wait::Timer), Some(Moment(9_000)), 3));
    let again = TaskMove {
        wait: Some(Wait::Timer),
        priority: 1,
        failures: 2,
        lost: 3,
        budget,
        ..to("k", 4, TaskState::Queued)
    };
    by(again).unwrap();
    let row = world.rows("k").task;
    assert_eq!((row.wait, row.not_before, row.priority, row.failures, row.lost), (None, None, 1, 2, 3));
    assert_eq!(row.budget, budget);
    let stale = conflict(by(to("k", 4, TaskState::Cancelled)));
    assert!(stale.contains("is at revision 4; 4 does not follow"), "{stale}");
    assert!(conflict(by(to("none", 2, TaskState::Queued))).contains("does not exist"));
    assert!(refused(by(TaskMove { priority: 4, ..to("k", 5, TaskState::Cancelled) })).contains("priority 4"));
}

#[test]
fn the_wait_for_a_slot_ends_at_its_limit_or_at_the_deadline() {
    let world = World::at_work();
    world.task(vec![put(task("k", 1)), put(NewTask { deadline: Moment(5_000), ..task("soon", 1) })]).unwrap();
    let mut endless = task("endless", 1);
    endless.spec.limits.schedule_to_start_s = u64::MAX;
    endless.deadline = Moment(i64::MAX);
    world.task(vec![put(endless)]).unwrap();
    let start_by = |key: &str| world.number(&format!("SELECT start_by FROM task WHERE id = '{}'", tsk(key)));
    assert_eq!((start_by("k"), start_by("soon")), (START_BY.0, 5_000));
    assert_eq!(start_by("endless"), MADE.0 + 1_000_000_000_000_000);
    world.workspace(vec![claimed("k", 2)]).unwrap();
    world.task(vec![moved("k", 3, TaskState::Queued)]).unwrap();
    assert_eq!(start_by("k"), 3_000 + 60_000);
}

#[test]
fn words_of_a_task_are_one_row_a_step_and_leave_the_turns_own_answer_its_place() {
    let world = World::at_work();
    world.task_in("k", TaskState::Running);
    world.task(vec![post("k", Some(3)), post("k", None), post("k", Some(3))]).unwrap();
    world.workspace(vec![post("k", None)]).unwrap();
    world.context(vec![reply(1, 0), reply(1, 0)]).unwrap();
    let posts = "SELECT group_concat(n || ' ' || coalesce(task = '' || ?, 0) || ' ' || coalesce(step, 'end'), ', ')
        FROM (SELECT * FROM outbox ORDER BY n)";
    let sql = world.sql();
    let all: String = sql.query_row(posts, [tsk("k").as_str()], |row| row.get(0)).unwrap();
    assert_eq!(all, "0 0 end, 1 1 3, 2 1 end");
    assert_eq!(world.number("SELECT count(*) FROM outbox WHERE outcome IS NULL AND task IS NOT NULL"), 2);
    let words = conflict(world.context(vec![reply(1, 1)]));
    assert!(words.contains(&format!("reply 1 to inbox row 1 is task {}'s", tsk("k"))), "{words}");
}

#[test]
fn no_words_of_a_task_go_to_another_event_or_context() {
    let world = World::at_work();
    let other = world.put("b");
    world.task(vec![put(task("k", other))]).unwrap();
    assert!(refused(world.task(vec![post("k", None)])).contains("did not come of inbox row 1"));
    assert!(conflict(world.task(vec![post("none", None)])).contains("does not exist"));
    let Write::Task(TaskWrite::Post { task, step, seq, context, text, sources, at, .. }) = post("k", None) else {
        panic!("no post")
    };
    let chat = messages::turn::Chat { connector: "console".into(), chat: "two words".into() };
    let nowhere = TaskWrite::Post { task, step, seq, context, chat, text, sources, at };
    assert!(refused(world.task(vec![Write::Task(nowhere)])).contains("a reply could not go there"));
}

#[test]
fn a_turn_that_runs_while_its_task_speaks_is_still_unfinished() {
    let world = World::at_work();
    world.task_in("k", TaskState::Running);
    world.task(vec![post("k", Some(0))]).unwrap();
    let all = crate::queries::addresses(&world, None, 9);
    assert!(all.contains(&"ws/home/context/general".to_owned()), "{all:?}");
    assert_eq!(crate::queries::opened(&world, 0).taken.len(), 1);
}

#[test]
fn a_record_shows_no_revision_that_is_not_there() {
    let world = World::at_work();
    world.task_in("k", TaskState::Running);
    let by = |rev| world.commit(Owner::Workspace, vec![recorded("k", rev)]);
    assert!(conflict(by(3)).contains("is at revision 2; its record can't show 3"));
    by(2).unwrap();
    assert_eq!(world.rows("k").task.recorded, 2);
    assert_eq!(world.queue(None, 0).unrecorded, 0);
}

#[test]
fn only_a_dead_task_is_discarded_and_once() {
    let world = World::at_work();
    world.task_in("alive", TaskState::Running);
    world.task_in("k", TaskState::Dead);
    assert!(conflict(world.task(vec![discarded("alive")])).contains("is running and can't be discarded"));
    world.task(vec![discarded("k")]).unwrap();
    let row = world.rows("k").task;
    assert_eq!((row.discarded_by.as_deref(), row.rev), (Some("console:ann"), 4));
    assert!(conflict(world.task(vec![discarded("k")])).contains("was discarded by console:ann before"));
}

#[test]
fn a_refused_write_leaves_nothing_of_a_task_behind() {
    let world = World::at_work();
    let half = vec![put(task("k", 1)), crate::work::start(&of_task("k"), 0, None), moved("k", 9, TaskState::Cancelled)];
    conflict(world.task(half));
    assert_eq!(world.number("SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM step)"), 0);
}

#[test]
fn an_audit_record_of_a_task_is_found_with_the_event_it_came_of() {
    let world = World::at_work();
    world.task_in("k", TaskState::Queued);
    let record = |subject: &TaskId| Write::Audit {
        at: Moment(8),
        actor: crate::world::general(),
        principal: String::new(),
        action: "task.moved".into(),
        subject: subject.to_string(),
        rules: Vec::new(),
        detail: "{}".into(),
    };
    world.task(vec![record(&tsk("k")), record(&tsk("none")), audit("turn.taken", &id("a"))]).unwrap();
    assert_eq!(world.number("SELECT count(*) FROM audit WHERE inbox = 1"), 2);
}

#[test]
fn a_redaction_erases_the_words_of_tasks_and_steps_and_their_posts() {
    let world = World::at_work();
    let secret = "hunter2".repeat(2_000);
    let mut new = task("k", 1);
    (new.spec.title, new.spec.input) = ("hunter2".into(), secret.clone());
    world.task(vec![put(new)]).unwrap();
    let other = world.put("b");
    world.context(vec![take(other)]).unwrap();
    world.task(vec![put(task("other", other))]).unwrap();
    world.workspace(vec![claimed("k", 2), recorded("k", 2)]).unwrap();
    let say = |work: &messages::step::Work| {
        let call = messages::tool::ToolCall { id: "c".into(), name: "search".into(), arguments: secret.clone() };
        let (what, status) = (messages::step::What::Tool(call), messages::step::StepStatus::Done);
        let end = messages::store::StepWrite::End {
            work: work.clone(),
            seq: 0,
            what,
            status,
            output: secret.clone(),
            cost: None,
            at: Moment(1),
        };
        Write::Step(Box::new(end))
    };
    world.task(vec![say(&of_task("k"))]).unwrap();
    world.context(vec![say(&crate::work::of_turn("a")), say(&crate::work::of_turn("b"))]).unwrap();
    let end = TaskMove { result: secret.clone(), reason: secret.clone(), ..to("k", 3, TaskState::Succeeded) };
    world.task(vec![Write::Task(TaskWrite::Move(Box::new(end))), post("k", None)]).unwrap();
    world.context(vec![Write::Redact { seq: 1 }]).unwrap();
    let rows = world.rows("k");
    assert_eq!((rows.task.spec.title.as_str(), rows.task.spec.input.as_str()), ("", ""));
    assert_eq!((rows.task.reason.as_str(), rows.task.result.as_str(), rows.task.recorded), ("", "", 0));
    assert_eq!((rows.task.spec.prompt.as_str(), rows.steps[0].output.as_str()), ("prompt", ""));
    assert!(
        matches!(&rows.steps[0].what, messages::step::What::Tool(call) if call.name == "search" && call.arguments.is_empty())
    );
    assert_eq!(world.number("SELECT count(*) FROM outbox WHERE text <> ''"), 0);
    assert_eq!(world.rows("other").task.spec.input, "input of other");
    assert_eq!(world.number("SELECT count(*) FROM step WHERE gave <> ''"), 1);
    world.context(vec![Write::Redact { seq: other }]).unwrap();
    world.store.close().unwrap();
    let bytes = std::fs::read(world.file()).unwrap();
    assert!(!bytes.windows(7).any(|w| w == b"hunter2"));
}

#[test]
fn a_task_that_still_runs_when_its_message_is_erased_brings_no_words_back() {
    let world = World::at_work();
    let secret = "hunter2";
    world.task(vec![put(task("k", 1))]).unwrap();
    world.workspace(vec![claimed("k", 2)]).unwrap();
    world.context(vec![Write::Redact { seq: 1 }]).unwrap();
    let call = messages::tool::ToolCall { id: "c".into(), name: "search".into(), arguments: secret.into() };
    let end = messages::store::StepWrite::End {
        work: of_task("k"),
        seq: 0,
        what: messages::step::What::Tool(call),
        status: messages::step::StepStatus::Done,
        output: secret.into(),
        cost: None,
        at: Moment(1),
    };
    // A record that was being written meanwhile counts for nothing.
    world.workspace(vec![recorded("k", 2)]).unwrap();
    assert_eq!(world.rows("k").task.recorded, 0);
    let done = TaskMove { result: secret.into(), ..to("k", 3, TaskState::Succeeded) };
    let writes = vec![Write::Step(Box::new(end)), Write::Task(TaskWrite::Move(Box::new(done))), post("k", None)];
    world.task(writes).unwrap();
    let rows = world.rows("k");
    assert_eq!((rows.steps[0].output.as_str(), rows.task.result.as_str()), ("", ""));
    assert!(!format!("{:?}", rows.steps).contains(secret));
    assert_eq!(world.number("SELECT count(*) FROM outbox WHERE text LIKE '%was deleted%'"), 1);
}

#[test]
fn a_task_whose_message_is_erased_is_told_by_a_date_wherever_it_waits() {
    let world = World::at_work();
    for key in ["queued", "runs", "waits", "ended"] {
        world.task(vec![put(task(key, 1))]).unwrap();
    }
    world.workspace(["runs", "waits", "ended"].map(|key| claimed(key, 2)).to_vec()).unwrap();
    let waits = TaskMove { wait: Some(Wait::Quota), ..to("waits", 3, TaskState::Waiting) };
    let moves = [waits, to("ended", 3, TaskState::Succeeded)].map(|to| Write::Task(TaskWrite::Move(Box::new(to))));
    world.task(moves.to_vec()).unwrap();
    for _ in 0..2 {
        world.context(vec![Write::Redact { seq: 1 }]).unwrap();
        let Rows::Timers(dates) = world.query(Query::Due { now: Moment(0), after: None, limit: 10 }).unwrap() else {
            panic!()
        };
        let mut told: Vec<_> = dates.iter().map(|date| (date.entity.clone(), date.name.as_str())).collect();
        told.sort();
        let mut wanted = ["queued", "waits"].map(|key| (Address::task(&slug("home"), &tsk(key)), "erased")).to_vec();
        wanted.sort();
        assert_eq!(told, wanted);
    }
}

#[rstest]
#[case::in_good_order(true)]
#[case::by_a_kill(false)]
fn what_runs_when_the_store_ends_is_handed_over_by_a_close_alone(#[case] closes: bool) {
    let mut world = World::at_work();
    for key in ["runs", "waits"] {
        world.task(vec![put(task(key, 1))]).unwrap();
        world.workspace(vec![claimed(key, 2)]).unwrap();
    }
    world.task(vec![moved("waits", 3, TaskState::Waiting)]).unwrap();
    for round in 1..=3 {
        if closes {
            world.store.close().unwrap();
        }
        world = world.killed_and_opened();
        let epochs = world.commit(Owner::Runtime, vec![crate::world::claim(&World::unit())]).unwrap().epochs;
        let (runs, waits) = (world.rows("runs"), world.rows("waits"));
        assert_eq!(epochs, [runs.epoch]);
        assert_eq!(runs.task.epoch == runs.epoch, closes, "start {round}");
        assert_eq!((waits.task.epoch, runs.task.run, runs.task.rev), (1, 1, 2));
    }
}
