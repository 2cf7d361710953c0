//! Random commits against a model of a page: the store answers as the model does, whatever the grouping, and a kill
//! changes nothing.

use std::collections::BTreeMap;

use messages::store::{CommitError, EntryKind, Owner, Write};
use messages::task::TaskState;
use messages::turn::Outcome;
use messages::{Address, Moment};
use proptest::prelude::*;

use crate::work;
use crate::world::{World, audit, claim, context_put, entry, id, put, reply, sending, sent, settle, take, wait};

const EVENTS: u8 = 5;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    /// Event -> seq; state by seq.
    events: BTreeMap<u8, i64>,
    inbox: BTreeMap<i64, u8>,
    /// (seq, n) -> id; (state, logged) by id.
    replies: BTreeMap<(i64, u32), i64>,
    outbox: BTreeMap<i64, (u8, bool)>,
    shown: Vec<(bool, i64)>,
    /// State and revision by key.
    tasks: BTreeMap<u8, (TaskState, u64)>,
    log: u64,
    rev: u64,
    epoch: u64,
    audit: i64,
}

/// A write of one owner with small numbers, so that many meet.
#[derive(Debug, Clone)]
enum Op {
    Put(u8),
    Take(i64),
    Settle(i64),
    Reply(i64, u32),
    Sending(i64),
    Sent(i64),
    Retry(i64),
    Doubt(i64),
    Logged(i64),
    /// Right at the log's end, or beside it.
    Entry(bool, bool, i64),
    Context(u64),
    /// Of the first event.
    TaskPut(u8),
    TaskClaim(u8, u64),
    TaskMove(u8, u64, TaskState),
    Claim,
    Audit,
}

impl Model {
    fn apply(&mut self, op: &Op) -> bool {
        let seq_max = i64::try_from(self.inbox.len()).unwrap();
        match op {
            Op::Put(event) => {
                let seq = *self.events.entry(*event).or_insert(seq_max + 1);
                self.inbox.entry(seq).or_insert(0);
                true
            }
            Op::Take(seq) => self.inbox_to(*seq, &[0], 1),
            Op::Settle(seq) => self.inbox_to(*seq, &[0, 1], 2),
            Op::Reply(seq, n) => self.reply(*seq, *n),
            Op::Sending(id) => self.outbox_to(*id, &[0], 1),
            Op::Sent(id) => self.outbox_to(*id, &[1], 2),
            Op::Retry(id) => self.outbox_to(*id, &[1], 0),
            Op::Doubt(id) => self.outbox_to(*id, &[1], 4),
            Op::Logged(id) => match self.outbox.get_mut(id) {
                Some((2.., logged)) if !*logged => {
                    *logged = true;
                    true
                }
                _ => false,
            },
            Op::Entry(at_end, inbound, of) => self.entry(*at_end, (*inbound, *of)),
            Op::Context(rev) => {
                self.rev + 1 == *rev && {
                    self.rev += 1;
                    true
                }
            }
            Op::TaskPut(key) => {
                let is_there = self.tasks.contains_key(key) || self.inbox.contains_key(&1);
                if is_there {
                    self.tasks.entry(*key).or_insert((TaskState::Queued, 1));
                }
                is_there
            }
            Op::TaskClaim(key, rev) => self.task_to(*key, *rev, TaskState::Running),
            Op::TaskMove(key, rev, to) => self.task_to(*key, *rev, *to),
            Op::Claim => {
                self.epoch += 1;
                true
            }
            Op::Audit => {
                self.audit += 1;
                true
            }
        }
    }

    fn inbox_to(&mut self, seq: i64, from: &[u8], to: u8) -> bool {
        let Some(state) = self.inbox.get_mut(&seq).filter(|state| from.contains(state)) else { return false };
        *state = to;
        true
    }

    fn outbox_to(&mut self, id: i64, from: &[u8], to: u8) -> bool {
        let Some((state, _)) = self.outbox.get_mut(&id).filter(|(state, _)| from.contains(state)) else { return false };
        *state = to;
        true
    }

    fn reply(&mut self, seq: i64, n: u32) -> bool {
        if !self.inbox.contains_key(&seq) {
            return false;
        }
        let next = i64::try_from(self.outbox.len()).unwrap() + 1;
        let id = *self.replies.entry((seq, n)).or_insert(next);
        self.outbox.entry(id).or_insert((0, false));
        true
    }

    /// To `to`, if it is `from` allows and the revision follows.
    fn task_to(&mut self, key: u8, rev: u64, to: TaskState) -> bool {
        let Some(task) = self.tasks.get_mut(&key) else { return false };
        let fits = task.1 + 1 == rev && task.0.may_become(to);
        if fits {
            *task = (to, rev);
        }
        fits
    }

    fn entry(&mut self, at_end: bool, shows: (bool, i64)) -> bool {
        let exists = if shows.0 { self.inbox.contains_key(&shows.1) } else { self.outbox.contains_key(&shows.1) };
        let fits = at_end && exists && !self.shown.contains(&shows);
        if fits {
            self.shown.push(shows);
            self.log += 3;
        }
        fits
    }
}

impl Op {
    /// The log's end is the model's: what is written depends on what was.
    fn write(&self, model: &Model, unit: &Address) -> Write {
        let at = Moment(1);
        match self {
            Self::Put(event) => put(&format!("e{event}")),
            Self::Take(seq) => take(*seq),
            Self::Settle(seq) => settle(*seq, Outcome::Noted),
            Self::Reply(seq, n) => reply(*seq, *n),
            Self::Sending(id) => sending(*id),
            Self::Sent(id) => sent(*id),
            Self::Retry(id) => Write::OutboxRetry { id: *id, not_before: at, error: String::new() },
            Self::Doubt(id) => Write::OutboxDoubt { id: *id, error: String::new(), at },
            Self::Logged(id) => Write::OutboxLogged { id: *id },
            Self::Entry(at_end, inbound, of) => {
                let kind = if *inbound { EntryKind::Inbound } else { EntryKind::Outbound };
                entry(model.log + u64::from(!at_end), 3, kind, *of)
            }
            Self::Context(rev) => context_put(*rev, 0),
            Self::TaskPut(key) => work::put(work::task(&key.to_string(), 1)),
            Self::TaskClaim(key, rev) => work::claimed(&key.to_string(), *rev),
            Self::TaskMove(key, rev, to) => work::moved(&key.to_string(), *rev, *to),
            Self::Claim => claim(unit),
            Self::Audit => audit("x", &id("e0")),
        }
    }
}

fn op(owner: Owner) -> BoxedStrategy<Op> {
    let number = || 1..=i64::from(EVENTS);
    match owner {
        Owner::Connector => prop_oneof![
            4 => (0..EVENTS).prop_map(Op::Put),
            3 => number().prop_map(Op::Sending),
            2 => number().prop_map(Op::Sent),
            1 => number().prop_map(Op::Retry),
            1 => number().prop_map(Op::Doubt),
            1 => Just(Op::Audit),
        ]
        .boxed(),
        Owner::Context => prop_oneof![
            2 => number().prop_map(Op::Take),
            1 => number().prop_map(Op::Settle),
            3 => (number(), 0..2_u32).prop_map(|(seq, n)| Op::Reply(seq, n)),
            1 => number().prop_map(Op::Logged),
            3 => (prop::bool::weighted(0.9), any::<bool>(), number()).prop_map(|(end, inbound, of)| Op::Entry(end, inbound, of)),
            1 => (1..4_u64).prop_map(Op::Context),
            1 => Just(Op::Audit),
        ]
        .boxed(),
        Owner::Task => prop_oneof![
            2 => (0..3_u8).prop_map(Op::TaskPut),
            3 => (0..3_u8, 2..7_u64, prop::sample::select(&TaskState::ALL[..]))
                .prop_filter("a claim alone makes it run", |(_, _, to)| *to != TaskState::Running)
                .prop_map(|(key, rev, to)| Op::TaskMove(key, rev, to)),
            1 => Just(Op::Audit),
        ]
        .boxed(),
        Owner::Workspace => (0..3_u8, 2..5_u64).prop_map(|(key, rev)| Op::TaskClaim(key, rev)).boxed(),
        Owner::Memory => Just(Op::Audit).boxed(),
        Owner::Retention => Just(Op::Audit).boxed(),
        Owner::Runtime => prop_oneof![2 => Just(Op::Claim), 1 => Just(Op::Audit)].boxed(),
    }
}

#[derive(Debug, Clone)]
struct Request {
    by: Owner,
    /// With the epoch in force, or the one before.
    stale: bool,
    ops: Vec<Op>,
}

fn request() -> impl Strategy<Value = Request> {
    let owner = prop_oneof![
        4 => Just(Owner::Connector),
        5 => Just(Owner::Context),
        3 => Just(Owner::Task),
        2 => Just(Owner::Workspace),
        1 => Just(Owner::Runtime),
    ];
    owner.prop_flat_map(|by| {
        (prop::collection::vec(op(by), 1..4), prop::bool::weighted(0.05)).prop_map(move |(ops, stale)| Request {
            by,
            stale,
            ops,
        })
    })
}

/// The model's answer: all of it or nothing.
fn decide(model: &mut Model, request: &Request, unit: &Address) -> (Vec<Write>, u64, bool) {
    let mut after = model.clone();
    let mut writes = Vec::new();
    let mut ok = true;
    for op in &request.ops {
        writes.push(op.write(&after, unit));
        ok = ok && after.apply(op);
    }
    let stale = request.stale && model.epoch > 0;
    let epoch = model.epoch - u64::from(stale);
    if ok && !stale {
        *model = after;
    }
    (writes, epoch, ok && !stale)
}

fn state(world: &World) -> Vec<(String, i64)> {
    let sql = world.sql();
    let statement = "SELECT 'inbox ' || seq, state FROM inbox
        UNION ALL SELECT 'reply ' || seq || ' ' || n, id FROM outbox
        UNION ALL SELECT 'outbox ' || id, state * 10 + logged FROM outbox
        UNION ALL SELECT 'task ' || key, state * 100 + rev FROM task
        UNION ALL SELECT 'log', size FROM log UNION ALL SELECT 'entries', count(*) FROM entry
        UNION ALL SELECT 'rev', rev FROM context UNION ALL SELECT 'epoch', epoch FROM unit
        UNION ALL SELECT 'audit', max(seq) FROM audit HAVING max(seq) > 0 ORDER BY 1";
    let mut statement = sql.prepare(statement).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn state_of(model: &Model) -> Vec<(String, i64)> {
    let mut state = vec![("entries".to_owned(), i64::try_from(model.shown.len()).unwrap())];
    state.extend(model.inbox.iter().map(|(seq, s)| (format!("inbox {seq}"), i64::from(*s))));
    state.extend(model.replies.iter().map(|((seq, n), id)| (format!("reply {seq} {n}"), *id)));
    let logged = |(s, logged): &(u8, bool)| i64::from(*s) * 10 + i64::from(*logged);
    state.extend(model.outbox.iter().map(|(id, row)| (format!("outbox {id}"), logged(row))));
    let task = |task: &(TaskState, u64)| {
        let state = TaskState::ALL.iter().position(|state| *state == task.0).unwrap();
        i64::try_from(state as u64 * 100 + task.1).unwrap()
    };
    state.extend(model.tasks.iter().map(|(key, row)| (format!("task {key}"), task(row))));
    let log = i64::try_from(model.log).unwrap();
    let some = [
        ("log", log),
        ("rev", i64::try_from(model.rev).unwrap()),
        ("epoch", i64::try_from(model.epoch).unwrap()),
        ("audit", model.audit),
    ];
    state.extend(some.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n)));
    state.sort();
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_as_a_simple_model_whatever_the_grouping(
        requests in prop::collection::vec(request(), 1..60),
    ) {
        let world = World::new();
        let unit = Address::fixed("ws/home");
        let mut model = Model::default();
        let mut answers = Vec::new();
        for request in &requests {
            let (writes, epoch, ok) = decide(&mut model, request, &unit);
            let account = messages::store::Fence { unit: Address::fixed("connector/console"), epoch: 0 };
            let fences = vec![messages::store::Fence { unit: unit.clone(), epoch }, account];
            let commit = messages::store::Commit { by: request.by, fences, writes };
            answers.push((runtime::Store::commit(&world.store, commit), ok, request));
        }
        for (answer, ok, request) in answers {
            let answer = wait(answer);
            prop_assert_eq!(answer.is_ok(), ok, "{:?}: {:?}", request, answer);
            let expected = matches!(answer, Ok(_) | Err(CommitError::Conflict(_) | CommitError::Fenced { .. }));
            prop_assert!(expected, "{:?}", answer);
        }
        prop_assert_eq!(state(&world), state_of(&model));
        let world = world.killed_and_opened();
        prop_assert_eq!(state(&world), state_of(&model));
        world.store.close().unwrap();
        let report = store::verify(world.folder.path()).unwrap();
        let of_the_chain: Vec<_> = report.faults.iter().filter(|fault| fault.code.starts_with("audit") || fault.code.starts_with("log")).collect();
        prop_assert!(of_the_chain.is_empty(), "{:?}", of_the_chain);
    }
}
