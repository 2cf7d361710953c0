//! Tasks and steps of a store in a folder of its own, with everything that a test does not care about.

use messages::step::{Cost, Day, Limit, Reserve, StepStatus, Usage, What, Work};
use messages::store::{
    CommitError, Committed, Owner, Query, QueueRows, Rows, StepWrite, TaskMove, TaskRows, TaskWrite, Write,
};
use messages::task::{Budget, NewTask, OnDependencyFailure, TaskLimits, TaskSpec, TaskState, Wait};
use messages::tool::ToolCall;
use messages::{Address, Moment, TaskId, Trace};

use crate::world::{World, chat, claim, general, id, slug, turn};

/// When all tasks here are made.
pub(crate) const MADE: Moment = Moment(1_000);
/// The end of their wait for a slot, and their deadline.
pub(crate) const START_BY: Moment = Moment(61_000);
pub(crate) const DEADLINE: Moment = Moment(100_000);

pub(crate) fn tsk(key: &str) -> TaskId {
    TaskId::of("home", key)
}

/// A task with this key that came of an inbox row.
pub(crate) fn task(key: &str, seq: i64) -> NewTask {
    NewTask {
        id: tsk(key),
        key: key.into(),
        workspace: slug("home"),
        context: general(),
        seq,
        trace: Trace("t".into()),
        parent: None,
        root: tsk(key),
        depth: 0,
        state: TaskState::Queued,
        priority: 3,
        spec: TaskSpec {
            title: format!("title of {key}"),
            input: format!("input of {key}"),
            turn: turn(),
            prompt: "prompt".into(),
            memory: messages::task::Remembered::default(),
            tools: vec!["md_read".into()],
            models: Vec::new(),
            purpose: messages::model::Purpose::Research,
            depends_on: Vec::new(),
            on_dependency_failure: OnDependencyFailure::Cancel,
            limits: TaskLimits { schedule_to_start_s: 60, ..TaskLimits::default() },
            retry_of: None,
        },
        budget: Budget::default(),
        deadline: DEADLINE,
        at: MADE,
    }
}

/// A subtask of a task.
pub(crate) fn below(key: &str, parent: &NewTask) -> NewTask {
    let (root, depth) = (parent.root.clone(), parent.depth + 1);
    NewTask { parent: Some(parent.id.clone()), root, depth, ..task(key, parent.seq) }
}

pub(crate) fn put(task: NewTask) -> Write {
    Write::Task(TaskWrite::Put(Box::new(task)))
}

pub(crate) fn claimed(key: &str, rev: u64) -> Write {
    Write::Task(TaskWrite::Claim { task: tsk(key), rev, at: Moment(2_000) })
}

pub(crate) fn to(key: &str, rev: u64, to: TaskState) -> TaskMove {
    TaskMove {
        task: tsk(key),
        rev,
        to,
        wait: (to == TaskState::Waiting).then_some(Wait::Child),
        not_before: None,
        priority: 3,
        failures: 0,
        lost: 0,
        budget: Budget::default(),
        reason: format!("is {to}"),
        result: String::new(),
        at: Moment(3_000),
    }
}

pub(crate) fn moved(key: &str, rev: u64, state: TaskState) -> Write {
    Write::Task(TaskWrite::Move(Box::new(to(key, rev, state))))
}

pub(crate) fn post(key: &str, step: Option<u32>) -> Write {
    Write::Task(TaskWrite::Post {
        task: tsk(key),
        step,
        seq: 1,
        context: general(),
        chat: chat(),
        text: format!("words of {key}"),
        sources: vec!["notes/a.md".into()],
        at: Moment(4_000),
    })
}

pub(crate) fn recorded(key: &str, rev: u64) -> Write {
    Write::Task(TaskWrite::Recorded { task: tsk(key), rev, has_words: true })
}

pub(crate) fn discarded(key: &str) -> Write {
    Write::Task(TaskWrite::Discard { task: tsk(key), by: "console:ann".into(), at: Moment(5_000) })
}

pub(crate) fn of_turn(event: &str) -> Work {
    Work::Turn(id(event))
}

pub(crate) fn of_task(key: &str) -> Work {
    Work::Task(tsk(key))
}

pub(crate) fn tool() -> What {
    What::Tool(ToolCall { id: "call_1".into(), name: "md_read".into(), arguments: "{\"path\":\"secret.md\"}".into() })
}

pub(crate) fn start(work: &Work, seq: u32, reserve: Option<Reserve>) -> Write {
    let (work, at) = (work.clone(), Moment(3_000));
    Write::Step(Box::new(StepWrite::Start { work, seq, what: What::Model, reserve, at }))
}

pub(crate) fn end(work: &Work, seq: u32, status: StepStatus, cost: Option<Cost>) -> Write {
    end_of(work, seq, (What::Model, status), cost)
}

pub(crate) fn end_of(work: &Work, seq: u32, how: (What, StepStatus), cost: Option<Cost>) -> Write {
    let (work, at, output) = (work.clone(), Moment(4_000), format!("output {seq}"));
    Write::Step(Box::new(StepWrite::End { work, seq, what: how.0, status: how.1, output, cost, at }))
}

pub(crate) const DAY: Day = Day(20_000);

/// What may be spent on the node's account is `limit`.
pub(crate) fn reserve(micro_usd: u64, limit: u64) -> Reserve {
    let limits = vec![
        Limit { account: "node".into(), micro_usd: Some(limit), tokens: None },
        Limit { account: "ws/home".into(), micro_usd: None, tokens: Some(100_000) },
    ];
    Reserve { day: DAY, micro_usd, tokens: micro_usd * 2, limits }
}

pub(crate) fn cost(micro_usd: u64) -> Cost {
    Cost {
        day: DAY,
        accounts: vec!["node".into(), "ws/home".into()],
        model: "glm-5".into(),
        usage: Usage { input: micro_usd, output: 2, cached: 1, reasoning: 1 },
        micro_usd,
    }
}

impl World {
    /// A store with one taken event and its workspace held under epoch 1.
    pub(crate) fn at_work() -> Self {
        let world = Self::new();
        world.put("a");
        world.context(vec![crate::world::take(1)]).unwrap();
        world.commit(Owner::Runtime, vec![claim(&Self::unit())]).unwrap();
        world
    }

    pub(crate) fn unit() -> Address {
        Address::fixed("ws/home")
    }

    pub(crate) fn task(&self, writes: Vec<Write>) -> Result<Committed, CommitError> {
        self.commit(Owner::Task, writes)
    }

    /// By the workspace, which holds its unit.
    pub(crate) fn workspace(&self, writes: Vec<Write>) -> Result<Committed, CommitError> {
        self.fenced(Owner::Workspace, (&Self::unit(), 1), writes)
    }

    /// A task of the first event that has come to a state from which the table goes on.
    pub(crate) fn task_in(&self, key: &str, state: TaskState) -> u64 {
        let begin = if state.may_begin() { state } else { TaskState::Queued };
        self.task(vec![put(NewTask { state: begin, ..task(key, 1) })]).unwrap();
        if begin == state {
            return 1;
        }
        self.workspace(vec![claimed(key, 2)]).unwrap();
        if state == TaskState::Running {
            return 2;
        }
        if state == TaskState::Cancelled {
            self.task(vec![moved(key, 3, TaskState::Cancelling), moved(key, 4, state)]).unwrap();
            return 4;
        }
        self.task(vec![moved(key, 3, state)]).unwrap();
        3
    }

    pub(crate) fn rows(&self, key: &str) -> TaskRows {
        match self.query(Query::Task { task: tsk(key) }).unwrap() {
            Rows::Task(Some(rows)) => *rows,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn queue(&self, after: Option<Address>, now: i64) -> QueueRows {
        self.queue_of(after, now, u32::MAX)
    }

    pub(crate) fn queue_of(&self, after: Option<Address>, now: i64, slots: u32) -> QueueRows {
        let query = Query::Queue { workspace: slug("home"), after, now: Moment(now), slots };
        match self.query(query).unwrap() {
            Rows::Queue(rows) => rows,
            other => panic!("{other:?}"),
        }
    }
}
