//! What queries about tasks, steps and spending give.

use messages::step::{Day, StepStatus};
use messages::store::{EntryKind, Query, Rows, TaskFound, TaskRows, TaskView, WhyRows};
use messages::task::{NewTask, TaskState};
use messages::{Address, Moment, TaskId};

use crate::queries::{context, opened};
use crate::work::{below, claimed, cost, discarded, end, moved, of_task, of_turn, post, put, recorded, reserve, start};
use crate::work::{task, tsk};
use crate::world::{World, entry, general, id, put_as, slug, take};

fn list(world: &World, ctx: Option<Address>, open: bool, before: Option<i64>, limit: u32) -> Vec<TaskView> {
    match world.query(Query::Tasks { workspace: slug("home"), context: ctx, open, before, limit }).unwrap() {
        Rows::Tasks(views) => views,
        other => panic!("{other:?}"),
    }
}

fn titles(views: &[TaskView]) -> Vec<&str> {
    views.iter().map(|view| view.title.trim_start_matches("title of ")).collect()
}

fn find(world: &World, ctx: Option<Address>, prefix: &str) -> TaskFound {
    let query = Query::FindTask { workspace: slug("home"), context: ctx, prefix: prefix.into() };
    match world.query(query).unwrap() {
        Rows::TaskFound(found) => found,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_task_opens_with_all_it_needs() {
    let world = World::at_work();
    assert_eq!(world.query(Query::Task { task: tsk("k") }).unwrap(), Rows::Task(None));
    let root = task("k", 1);
    world.task_in("k", TaskState::Running);
    world
        .task(vec![put(below("c2", &root)), put(below("c1", &root)), start(&of_task("k"), 0, Some(reserve(5, 100)))])
        .unwrap();
    world.context(vec![end(&of_turn("a"), 0, StepStatus::Done, Some(cost(3)))]).unwrap();
    let rows = world.rows("k");
    assert_eq!(titles(&rows.children), ["c2", "c1"]);
    assert_eq!((rows.steps.len(), rows.descendants, rows.parent, rows.epoch), (1, 2, None, 1));
    let spending: Vec<_> =
        rows.spending.iter().map(|s| (s.account.as_str(), s.micro_usd, s.reserved_micro_usd)).collect();
    assert_eq!(spending, [("node", 3, 5), ("ws/home", 3, 5)]);
    let child = world.rows("c1");
    assert_eq!((child.parent, child.descendants, child.task.depth), (Some(TaskState::Running), 2, 1));
}

#[test]
fn lists_are_newest_first_in_pages_and_by_context() {
    let world = World::at_work();
    let other = world.accept(put_as("o", messages::store::InboundKind::Message, context("other"), None)).seq;
    world
        .task(vec![
            put(task("a", 1)),
            put(NewTask { context: context("other"), ..task("b", other) }),
            put(task("c", 1)),
        ])
        .unwrap();
    let all = list(&world, None, false, None, 9);
    assert_eq!(titles(&all), ["c", "b", "a"]);
    assert_eq!(titles(&list(&world, None, false, Some(all[0].place), 1)), ["b"]);
    assert_eq!(titles(&list(&world, Some(general()), false, None, 9)), ["c", "a"]);
    assert_eq!(titles(&list(&world, Some(context("other")), true, None, 9)), ["b"]);
    let elsewhere =
        Query::Tasks { workspace: slug("acme"), context: Some(general()), open: false, before: None, limit: 9 };
    assert_eq!(world.query(elsewhere).unwrap(), Rows::Tasks(Vec::new()));
}

#[test]
fn the_open_ones_are_those_that_go_on_and_dead_letters_that_nobody_has_read() {
    let world = World::at_work();
    for (key, state) in [("queued", TaskState::Queued), ("done", TaskState::Succeeded), ("dead", TaskState::Dead)] {
        world.task_in(key, state);
    }
    assert_eq!(titles(&list(&world, None, true, None, 9)), ["dead", "queued"]);
    world.task(vec![discarded("dead")]).unwrap();
    assert_eq!(titles(&list(&world, None, true, None, 9)), ["queued"]);
    assert_eq!(list(&world, None, false, None, 9)[0].discarded_by.as_deref(), Some("console:ann"));
}

#[test]
fn a_task_is_found_by_a_prefix_in_its_own_place_with_all_below_it() {
    let world = World::at_work();
    let root = task("root", 1);
    let (a, b) = (below("a", &root), below("b", &root));
    let below_a = below("below a", &a);
    world.task(vec![put(root), put(a), put(b), put(below_a)]).unwrap();
    let of = |key: &str| tsk(key).as_str().to_owned();
    let TaskFound::Found(rows, under) = find(&world, Some(general()), &of("root")[..8]) else { panic!("not found") };
    assert_eq!((rows.task.id, titles(&under)), (tsk("root"), vec!["a", "b", "below a"]));
    let TaskFound::Found(_, under) = find(&world, None, &of("a")) else { panic!("not found") };
    assert_eq!(titles(&under), ["below a"]);
    assert_eq!(find(&world, Some(context("other")), &of("a")), TaskFound::Unknown);
    assert_eq!(find(&world, None, "tsk_"), TaskFound::Unknown);
    assert_eq!(find(&world, None, "tsk_zzzz%"), TaskFound::Unknown);
    let elsewhere = Query::FindTask { workspace: slug("acme"), context: None, prefix: of("a") };
    assert_eq!(world.query(elsewhere).unwrap(), Rows::TaskFound(TaskFound::Unknown));
}

#[test]
fn tasks_that_begin_alike_are_named() {
    let world = World::at_work();
    let mut prefixes: Vec<_> = (0..8_000).map(|n| (tsk(&format!("k{n}")).as_str()[..8].to_owned(), n)).collect();
    prefixes.sort();
    let pair = prefixes.windows(2).find(|pair| pair[0].0 == pair[1].0).expect("two that begin alike");
    let keys = [format!("k{}", pair[0].1), format!("k{}", pair[1].1)];
    world.task(keys.iter().map(|key| put(task(key, 1))).collect()).unwrap();
    let mut both: Vec<TaskId> = keys.iter().map(|key| tsk(key)).collect();
    both.sort();
    assert_eq!(find(&world, None, &pair[0].0), TaskFound::Ambiguous(both));
}

#[test]
fn records_that_are_behind_are_given_whole_and_of_one_workspace() {
    let world = World::at_work();
    world.task_in("a", TaskState::Running);
    world.task_in("b", TaskState::Queued);
    world.task(vec![end(&of_task("a"), 0, StepStatus::Done, None)]).unwrap();
    let records = |workspace: &str, limit| -> Vec<TaskRows> {
        match world
            .query(Query::Unrecorded { workspace: slug(workspace), quiet_since: Moment(i64::MAX), limit })
            .unwrap()
        {
            Rows::Records(rows) => rows,
            other => panic!("{other:?}"),
        }
    };
    let rows = records("home", 9);
    assert_eq!(rows.iter().map(|rows| rows.task.id.clone()).collect::<Vec<_>>(), [tsk("a"), tsk("b")]);
    assert_eq!(rows[0].steps.len(), 1);
    assert_eq!((records("home", 1).len(), records("acme", 9).len()), (1, 0));
    world.workspace(vec![recorded("a", 2)]).unwrap();
    assert_eq!(records("home", 9).len(), 1);
}

#[test]
fn a_record_of_a_task_that_moves_is_given_when_it_rests() {
    let world = World::at_work();
    world.task_in("a", TaskState::Running);
    let Rows::Task(Some(rows)) = world.query(Query::Task { task: tsk("a") }).unwrap() else { panic!("no task") };
    let moved = rows.task.moved_at;
    for (quiet_since, given) in [(moved.plus_ms(-1), 0), (moved, 1)] {
        let query = Query::Unrecorded { workspace: slug("home"), quiet_since, limit: 9 };
        let Rows::Records(rows) = world.query(query).unwrap() else { panic!("other rows") };
        assert_eq!(rows.len(), given);
    }
}

#[test]
fn so_many_records_are_given_at_a_time_whatever_is_asked() {
    let world = World::at_work();
    for n in 0..257 {
        world.task(vec![put(task(&format!("t{n}"), 1))]).unwrap();
    }
    let query = Query::Unrecorded { workspace: slug("home"), quiet_since: Moment(i64::MAX), limit: u32::MAX };
    let Rows::Records(rows) = world.query(query).unwrap() else { panic!("other rows") };
    assert_eq!((rows.len(), world.queue(None, 0).unrecorded), (256, 256));
}

#[test]
fn a_context_opens_with_the_journal_of_its_begun_turn_and_its_accounts() {
    let world = World::at_work();
    world.put("b");
    world.context(vec![take(2), entry(0, 5, EntryKind::Inbound, 1)]).unwrap();
    let mut charged = cost(3);
    charged.accounts.push(general().as_str().to_owned());
    let tomorrow = messages::step::Cost { day: crate::work::DAY.next(), ..charged.clone() };
    world.context(vec![end(&of_turn("a"), 0, StepStatus::Done, Some(charged))]).unwrap();
    world
        .context(vec![end(&of_turn("a"), 1, StepStatus::Done, Some(tomorrow)), start(&of_turn("a"), 2, None)])
        .unwrap();
    world.context(vec![start(&of_turn("b"), 0, None)]).unwrap();
    let rows = opened(&world, 0);
    assert_eq!((rows.begun, rows.steps.iter().map(|step| step.seq).collect::<Vec<_>>()), (vec![1], vec![0, 1, 2]));
    let spending: Vec<_> = rows.spending.iter().map(|s| (s.account.as_str(), s.day, s.micro_usd)).collect();
    let next = crate::work::DAY.next();
    assert_eq!(spending, [("node", next, 3), ("ws/home", next, 3), ("ws/home/context/general", next, 3)]);
}

#[test]
fn why_shows_the_steps_and_tasks_that_came_of_an_event() {
    let world = World::at_work();
    world.task_in("k", TaskState::Running);
    world
        .task(vec![
            put(below("c", &task("k", 1))),
            end(&of_task("k"), 0, StepStatus::Done, Some(cost(2))),
            post("k", Some(0)),
        ])
        .unwrap();
    world.context(vec![end(&of_turn("a"), 0, StepStatus::Refused, None)]).unwrap();
    let record = messages::store::Write::Audit {
        at: messages::Moment(8),
        actor: Address::task(&slug("home"), &tsk("k")),
        principal: String::new(),
        action: "task.claimed".into(),
        subject: tsk("k").to_string(),
        rules: Vec::new(),
        detail: "{}".into(),
    };
    world.task(vec![record]).unwrap();
    let query = Query::Why { context: general(), prefix: id("a").as_str().into() };
    let Rows::Why(WhyRows::Found { replies, steps, tasks, audit, .. }) = world.query(query).unwrap() else {
        panic!("not found")
    };
    assert_eq!((steps.len(), steps[0].status, replies.len()), (1, StepStatus::Refused, 1));
    assert_eq!((titles(&tasks), tasks[0].spent.micro_usd), (vec!["k", "c"], 2));
    assert_eq!(audit.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["task.claimed"]);
}

#[test]
fn spending_is_given_by_day_and_account_from_one_day_to_another() {
    let world = World::at_work();
    world.task_in("k", TaskState::Running);
    let on =
        |day, seq| end(&of_task("k"), seq, StepStatus::Done, Some(messages::step::Cost { day: Day(day), ..cost(1) }));
    world.task(vec![on(7, 0), on(5, 1), on(9, 2), on(6, 3)]).unwrap();
    let spent = |from, to, account: &str, limit| -> Vec<_> {
        let query = Query::Spending { from: Day(from), to: Day(to), account: account.into(), limit };
        match world.query(query).unwrap() {
            Rows::Spending(rows) => rows.into_iter().map(|row| format!("{} {}", row.day.0, row.account)).collect(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(spent(6, 7, "", 4), ["6 model/glm-5", "6 node", "6 ws/home", "7 model/glm-5"]);
    assert_eq!(spent(5, 9, "ws/", 9), ["5 ws/home", "6 ws/home", "7 ws/home", "9 ws/home"]);
    assert!(spent(8, 8, "", 9).is_empty());
}

#[test]
fn counts_count_tasks_by_what_they_wait_for() {
    let world = World::at_work();
    let states = [
        ("q", TaskState::Queued),
        ("b", TaskState::Blocked),
        ("r", TaskState::Running),
        ("c", TaskState::Cancelling),
        ("w", TaskState::Waiting),
        ("s", TaskState::Succeeded),
        ("d1", TaskState::Dead),
        ("d2", TaskState::Dead),
    ];
    for (key, state) in states {
        world.task_in(key, state);
    }
    world.task(vec![discarded("d2"), put(task("i", 1))]).unwrap();
    world.workspace(vec![claimed("i", 2)]).unwrap();
    let doubt = messages::task::Wait::InDoubt;
    let waits = messages::store::TaskMove { wait: Some(doubt), ..crate::work::to("i", 3, TaskState::Waiting) };
    world.task(vec![messages::store::Write::Task(messages::store::TaskWrite::Move(Box::new(waits)))]).unwrap();
    world.task(vec![moved("q", 2, TaskState::Cancelled), put(task("q2", 1))]).unwrap();
    let Rows::Counts(counts) = world.query(Query::Counts).unwrap() else { panic!("other rows") };
    assert_eq!((counts.tasks_queued, counts.tasks_running), (2, 2));
    assert_eq!((counts.tasks_waiting, counts.tasks_in_doubt, counts.tasks_dead), (2, 1, 1));
}
