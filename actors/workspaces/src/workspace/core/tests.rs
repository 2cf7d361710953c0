//! What a workspace does about its queue, its records and its files.

use messages::store::{Query, QueueRows, QueuedRow, RunningRow, TaskWrite, Write};
use messages::workspace::{Msg, Reply};
use messages::{Address, Moment, TaskId};
use runtime::{AskId, Cx};

use super::{Decision, Effect, Event, State};
use crate::WorkFacts;
use crate::definition::WorkspaceDefinition;
use crate::run::tests::ground::{NOON, context, facts, slug};

struct Desk {
    state: State,
    facts: WorkFacts,
    now: Moment,
}

impl Desk {
    fn new() -> Self {
        Self { state: State::open(slug("home")).0, facts: facts(), now: NOON }
    }

    fn hear(&mut self, event: Event) -> Decision {
        let at = Address::of_workspace(&slug("home"));
        self.state.decide(event, &Cx { now: self.now, seed: 1, address: &at, facts: &self.facts })
    }

    fn queue(&mut self, rows: QueueRows) -> Decision {
        self.hear(Event::Queue(Box::new(rows)))
    }
}

fn id(n: u32) -> TaskId {
    TaskId::of("home", &n.to_string())
}

fn queued(n: u32) -> QueuedRow {
    QueuedRow {
        id: id(n),
        context: context(&format!("c{n}")),
        rev: u64::from(n),
        priority: 3,
        queued_at: NOON,
        not_before: None,
        start_by: Moment(i64::MAX),
    }
}

fn running(n: u32) -> RunningRow {
    RunningRow { id: id(n), context: context(&format!("c{n}")) }
}

fn claims(out: &Decision) -> Vec<(TaskId, u64)> {
    let of = |write: &Write| match write {
        Write::Task(TaskWrite::Claim { task, rev, .. }) => Some((task.clone(), *rev)),
        _ => None,
    };
    out.writes.iter().filter_map(of).collect()
}

fn wakes(out: &Decision) -> Vec<String> {
    let of = |effect: &Effect| match effect {
        Effect::Wake(at) => Some(at.leaf().to_owned()),
        _ => None,
    };
    out.then.iter().filter_map(of).collect()
}

fn dates(out: &Decision) -> Vec<Moment> {
    let of = |write: &Write| match write {
        Write::TimerPut { due, .. } => Some(*due),
        _ => None,
    };
    out.writes.iter().filter_map(of).collect()
}

fn reads(out: &Decision) -> Vec<Option<Address>> {
    let of = |effect: &Effect| match effect {
        Effect::ReadQueue(Query::Queue { after, .. }) => Some(after.clone()),
        _ => None,
    };
    out.then.iter().filter_map(of).collect()
}

fn records(out: &Decision) -> usize {
    out.then.iter().filter(|effect| matches!(effect, Effect::Record(_))).count()
}

fn alarms(out: &Decision) -> Vec<(&str, Option<&str>)> {
    fn alarm(effect: &Effect) -> Option<(&str, Option<&str>)> {
        match effect {
            Effect::Alarm(id, text) => Some((id, text.as_deref())),
            _ => None,
        }
    }
    out.then.iter().filter_map(alarm).collect()
}

#[test]
fn who_gets_a_slot_is_claimed_in_its_next_revision_and_woken() {
    let mut desk = Desk::new();
    let out = desk.queue(QueueRows { queued: (1..=3).map(queued).collect(), ..QueueRows::default() });
    let claimed = claims(&out);
    assert_eq!(claimed.iter().map(|(_, rev)| *rev).sum::<u64>(), 2 + 3 + 4);
    let woken: Vec<_> = claimed.iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(wakes(&out), woken);
    assert_eq!(out.writes.iter().filter(|write| matches!(write, Write::Audit { .. })).count(), 3);
    assert_eq!(desk.state.doing(), "3 tasks run, 0 wait");
}

#[test]
fn while_all_slots_are_held_nobody_is_claimed() {
    let mut desk = Desk::new();
    let rows = QueueRows { running: (1..=5).map(running).collect(), queued: vec![queued(9)], ..QueueRows::default() };
    let out = desk.queue(rows.clone());
    assert!(claims(&out).is_empty() && wakes(&out).is_empty());
    // More than there are, as the limit was lowered: nothing is taken away, and nothing given.
    desk.facts.limits.running_per_workspace = 2;
    assert!(claims(&desk.queue(rows)).is_empty());
}

#[test]
fn who_is_too_late_is_woken_and_not_claimed() {
    let mut desk = Desk::new();
    let late = QueuedRow { start_by: NOON, ..queued(1) };
    let out = desk.queue(QueueRows { queued: vec![late], ..QueueRows::default() });
    assert_eq!((claims(&out), wakes(&out)), (Vec::new(), vec![id(1).to_string()]));
}

#[test]
fn contexts_that_were_not_looked_at_are_looked_at_next_while_slots_are_left() {
    let mut desk = Desk::new();
    let rows = QueueRows { queued: vec![queued(1), queued(2)], more: true, ..QueueRows::default() };
    let out = desk.queue(rows);
    assert_eq!(reads(&out), [Some(context("c2"))]);
    // Where no slot is left, the next wake goes on behind them.
    let rows = QueueRows {
        running: (1..=4).map(running).collect(),
        queued: (5..=7).map(queued).collect(),
        more: true,
        ..QueueRows::default()
    };
    assert!(reads(&desk.queue(rows)).is_empty());
    assert_eq!(reads(&desk.hear(Event::Woken)), [Some(context("c7"))]);
    // And when all were looked at, from the first on.
    desk.queue(QueueRows { queued: vec![queued(8)], ..QueueRows::default() });
    assert_eq!(reads(&desk.hear(Event::Woken)), [None]);
}

#[test]
fn a_date_is_put_once_and_earlier_ones_take_its_place() {
    let mut desk = Desk::new();
    let next = |ms: i64| QueueRows { next: Some(NOON.plus_ms(ms)), ..QueueRows::default() };
    assert_eq!(dates(&desk.queue(next(5_000))), [NOON.plus_ms(5_000)]);
    assert_eq!(dates(&desk.queue(next(5_000))), []);
    assert_eq!(dates(&desk.queue(next(9_000))), [], "it is looked at before anyway");
    assert_eq!(dates(&desk.queue(next(1_000))), [NOON.plus_ms(1_000)]);
    desk.now = NOON.plus_ms(1_000);
    assert_eq!(reads(&desk.hear(Event::Due)).len(), 1);
    assert_eq!(dates(&desk.queue(next(9_000))), [NOON.plus_ms(9_000)]);
    // One that has passed is never put into the past.
    desk.now = NOON.plus_ms(20_000);
    assert_eq!(dates(&desk.queue(next(9_000))), [desk.now]);
    assert_eq!(dates(&desk.queue(QueueRows::default())), []);
}

#[test]
fn records_are_written_once_a_second_one_batch_at_a_time() {
    let mut desk = Desk::new();
    let behind = || QueueRows { unrecorded: 3, ..QueueRows::default() };
    assert_eq!(records(&desk.queue(QueueRows::default())), 0);
    assert_eq!(records(&desk.queue(behind())), 1);
    desk.now = NOON.plus_ms(5_000);
    assert_eq!(records(&desk.queue(behind())), 0, "a batch is being written");
    assert!(!desk.state.is_idle());
    let out = desk.hear(Event::Recorded { written: vec![(id(1), 7, true)], problem: None });
    let recorded = |write: &Write| matches!(write, Write::Task(TaskWrite::Recorded { task, rev: 7, has_words: true }) if *task == id(1));
    assert!(out.writes.len() == 1 && recorded(&out.writes[0]));
    assert_eq!(alarms(&out), [("records:home", None)]);
    assert_eq!(records(&desk.queue(behind())), 1);
    desk.hear(Event::Recorded { written: Vec::new(), problem: None });
    assert_eq!(records(&desk.queue(behind())), 0, "not so soon again");
    desk.now = desk.now.plus_ms(1_000);
    assert_eq!(records(&desk.queue(behind())), 1);
    // A clock that was set back stops nothing.
    desk.hear(Event::Recorded { written: Vec::new(), problem: None });
    desk.now = NOON.plus_ms(-90_000_000);
    assert_eq!(records(&desk.queue(behind())), 1);
}

#[test]
fn records_that_can_not_be_written_are_an_alarm_until_they_can() {
    let mut desk = Desk::new();
    desk.queue(QueueRows { unrecorded: 1, ..QueueRows::default() });
    let out = desk.hear(Event::Recorded { written: Vec::new(), problem: Some("no space left on device".into()) });
    let told = alarms(&out)[0].1.unwrap();
    assert!(told.contains("records of tasks in `home`") && told.contains("no space left on device"), "{told}");
    assert!(out.writes.is_empty() && desk.state.is_idle());
    desk.now = NOON.plus_ms(1_000);
    assert_eq!(records(&desk.queue(QueueRows { unrecorded: 1, ..QueueRows::default() })), 1);
    assert_eq!(alarms(&desk.hear(Event::Recorded { written: Vec::new(), problem: None })), [("records:home", None)]);
}

#[test]
fn a_broken_file_is_an_alarm_and_the_last_good_version_stays_until_it_is_mended() {
    let mut desk = Desk::new();
    let definition = WorkspaceDefinition::parse("---\nname: Home\n---\n").unwrap();
    desk.hear(Event::Looked(AskId(1), Ok(definition.clone())));
    let broken = Msg::Broken { path: "contexts/a/context.md".into(), problem: Some("line 2".into()) };
    let out = desk.hear(Event::Heard(broken, AskId(2)));
    assert!(alarms(&out)[0].1.unwrap().contains("home/contexts/a/context.md: line 2"));
    let out = desk.hear(Event::Looked(AskId(3), Err("it is gone".into())));
    let [(_, Reply::Described(view))] = out.answers.as_slice() else { panic!("{:?}", out.answers) };
    assert_eq!((view.name.as_str(), view.broken.len()), (definition.name.as_str(), 2));
    assert!(!desk.state.is_idle(), "what is broken is known here alone");
    let mended = Msg::Broken { path: "contexts/a/context.md".into(), problem: None };
    assert_eq!(alarms(&desk.hear(Event::Heard(mended, AskId(4)))), [("broken:home/contexts/a/context.md", None)]);
    desk.hear(Event::Looked(AskId(5), Ok(definition)));
    assert!(desk.state.is_idle());
}
