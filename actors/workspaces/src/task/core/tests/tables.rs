//! The tables that tasks and their workspace work on, as `messages::store::TaskWrite` documents them: compare-and-set, all or
//! nothing, fenced. What no actor has an excuse for is no refusal here but the end of the test.

use std::collections::BTreeMap;
use std::rc::Rc;

use messages::store::{COMMIT_WRITES_MAX, Owner, TaskMove, TaskRow, TaskWrite, Write};
use messages::task::{Budget, CHILDREN_MAX, DEPTH_MAX, DESCENDANTS_MAX, NewTask, PRIORITIES, TaskState};
use messages::{Address, InboundId, Moment, TaskId};

use crate::run::tests::ground::slug;
use crate::run::tests::ledger::{Ledger, OVERDRAWN};

/// Why a commit is refused although whoever sent it has done nothing wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The workspace has a newer holder.
    Fenced,
    /// Someone else was faster.
    Conflict(String),
}

/// Words of a task in its chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Posted {
    pub(super) task: TaskId,
    pub(super) step: Option<u32>,
    pub(super) text: String,
}

#[derive(Debug, Clone)]
pub(super) struct Tables {
    /// By place: in the order of their making.
    pub(super) tasks: Vec<Rc<TaskRow>>,
    pub(super) ledger: Ledger,
    pub(super) posts: Vec<Rc<Posted>>,
    pub(super) timers: BTreeMap<(Address, String), Moment>,
    pub(super) epoch: u64,
    /// What people gave to tasks beyond their first budget.
    pub(super) given: BTreeMap<TaskId, u64>,
    /// Slots of the workspace and of one context.
    pub(super) slots: (usize, usize),
}

type Done = Result<(), Refusal>;

fn conflict<T>(words: String) -> Result<T, Refusal> {
    Err(Refusal::Conflict(words))
}

impl Tables {
    pub(super) fn new() -> Self {
        Self {
            tasks: Vec::new(),
            ledger: Ledger::default(),
            posts: Vec::new(),
            timers: BTreeMap::new(),
            epoch: 1,
            given: BTreeMap::new(),
            slots: (5, 2),
        }
    }

    pub(super) fn find(&self, id: &TaskId) -> Option<&TaskRow> {
        self.tasks.iter().find(|task| task.id == *id).map(|task| &**task)
    }

    pub(super) fn row(&self, id: &TaskId) -> &TaskRow {
        self.find(id).unwrap_or_else(|| panic!("there is no task {id}"))
    }

    pub(super) fn children(&self, id: &TaskId) -> impl Iterator<Item = &TaskRow> {
        self.tasks.iter().map(|task| &**task).filter(move |task| task.parent.as_ref() == Some(id))
    }

    pub(super) fn posts_of(&self, id: &TaskId) -> Vec<&Posted> {
        self.posts.iter().map(|post| &**post).filter(|post| post.task == *id).collect()
    }

    /// What a context does when a task is asked for.
    pub(super) fn made(&mut self, task: &NewTask) {
        self.put(task).unwrap();
    }

    /// All or nothing, under a fence, and only what this kind of actor owns.
    pub(super) fn commit(&mut self, by: Owner, epoch: u64, writes: &[Write]) -> Done {
        if epoch != self.epoch {
            return Err(Refusal::Fenced);
        }
        assert!(writes.len() <= COMMIT_WRITES_MAX, "{} writes", writes.len());
        let before = self.clone();
        for write in writes {
            let owners = write.owners();
            assert!(owners.is_empty() || owners.contains(&by), "{} is not a {by:?}'s", write.name());
            if let Err(refusal) = self.apply(write) {
                *self = before;
                return Err(refusal);
            }
        }
        self.assert_slots();
        Ok(())
    }

    fn apply(&mut self, write: &Write) -> Done {
        match write {
            Write::Task(write) => self.apply_task(write),
            Write::Step(step) => {
                let id = TaskId::from_row(step.work().as_str().to_owned());
                assert!(!self.row(&id).state.is_terminal() || is_end(step), "a step of {id} begins after its end");
                match self.ledger.apply(step) {
                    Err(words) if words.contains(OVERDRAWN) => conflict(words),
                    done => {
                        done.unwrap_or_else(|words| panic!("{id}: {words}: {step:?}"));
                        Ok(())
                    }
                }
            }
            Write::TimerPut { entity, name, due } => {
                self.timers.insert((entity.clone(), name.clone()), *due);
                Ok(())
            }
            Write::TimerDrop { entity, name } => {
                self.timers.remove(&(entity.clone(), name.clone()));
                Ok(())
            }
            Write::Audit { .. } => Ok(()),
            other => panic!("{} is unknown here", other.name()),
        }
    }

    fn apply_task(&mut self, write: &TaskWrite) -> Done {
        match write {
            TaskWrite::Put(task) => self.put(task),
            TaskWrite::Claim { task, rev, at } => {
                self.follow(task, *rev, TaskState::Running)?;
                let epoch = self.epoch;
                let row = self.row_mut(task);
                assert_eq!(row.state, TaskState::Queued, "{task} is claimed");
                assert!(row.not_before.is_none_or(|from| from <= *at), "{task} is claimed too early");
                (row.state, row.rev, row.run, row.epoch) = (TaskState::Running, *rev, row.run + 1, epoch);
                (row.moved_at, row.started_at, row.not_before) = (*at, Some(*at), None);
                Ok(())
            }
            TaskWrite::Move(to) => self.go(to),
            TaskWrite::Post { task, step, text, .. } => {
                let is_there = |post: &Rc<Posted>| post.task == *task && post.step == *step;
                assert!(!self.posts.iter().any(is_there), "{task} says {step:?} twice: {text}");
                assert!(!text.trim().is_empty());
                self.posts.push(Rc::new(Posted { task: task.clone(), step: *step, text: text.clone() }));
                Ok(())
            }
            TaskWrite::Recorded { task, rev, has_words } => {
                let row = self.row_mut(task);
                if *has_words && row.spec.title.is_empty() {
                    return Ok(());
                }
                assert!(*rev <= row.rev, "the record of {task} shows {rev} of {}", row.rev);
                row.recorded = *rev;
                Ok(())
            }
            TaskWrite::Discard { task, by, .. } => {
                let row = self.row_mut(task);
                if row.discarded_by.is_some() {
                    return conflict(format!("task {task} was discarded before"));
                }
                assert_eq!(row.state, TaskState::Dead, "{task} is discarded");
                (row.discarded_by, row.rev) = (Some(by.clone()), row.rev + 1);
                Ok(())
            }
        }
    }

    /// Whoever is too late is refused; whoever is in time and leaves the table of transitions has no excuse.
    fn follow(&self, task: &TaskId, rev: u64, to: TaskState) -> Done {
        let row = self.row(task);
        if rev != row.rev + 1 {
            return conflict(format!("task {task} is at revision {}; {rev} does not follow", row.rev));
        }
        assert!(row.state.may_become(to), "{task} is {} and can't become {to}", row.state);
        Ok(())
    }

    fn row_mut(&mut self, id: &TaskId) -> &mut TaskRow {
        let row = self.tasks.iter_mut().find(|task| task.id == *id);
        Rc::make_mut(row.unwrap_or_else(|| panic!("there is no task {id}")))
    }

    fn go(&mut self, to: &TaskMove) -> Done {
        self.follow(&to.task, to.rev, to.to)?;
        assert_ne!(to.to, TaskState::Running, "{} comes to run by a claim alone", to.task);
        assert_eq!(to.wait.is_some(), to.to == TaskState::Waiting, "{} waits for {:?}", to.task, to.wait);
        assert!(to.priority < PRIORITIES);
        assert!(to.result.is_empty() || to.to == TaskState::Succeeded);
        let more = to.budget.micro_usd - self.row(&to.task).budget.micro_usd;
        *self.given.entry(to.task.clone()).or_default() += more;
        let row = self.row_mut(&to.task);
        (row.state, row.rev, row.wait, row.not_before) = (to.to, to.rev, to.wait, to.not_before);
        (row.priority, row.failures, row.lost, row.budget) = (to.priority, to.failures, to.lost, to.budget);
        (row.reason, row.result) = (to.reason.clone(), to.result.clone());
        (row.moved_at, row.ended_at) = (to.at, to.to.is_terminal().then_some(to.at));
        if to.to == TaskState::Succeeded {
            let open = self.children(&to.task).find(|child| !child.state.is_terminal());
            assert!(open.is_none(), "{} succeeds while {open:?} is open", to.task);
        }
        Ok(())
    }

    /// Idempotent by its key.
    fn put(&mut self, task: &NewTask) -> Done {
        assert_eq!(task.id, TaskId::of(task.workspace.as_str(), &task.key));
        assert!(task.state.may_begin() && task.depth <= DEPTH_MAX && task.priority < PRIORITIES);
        if self.find(&task.id).is_some() {
            return Ok(());
        }
        if let Some(parent) = &task.parent {
            let of = self.row(parent);
            assert!(!of.state.is_terminal(), "{parent} has ended and makes a subtask");
            assert_eq!((&of.root, of.depth + 1, &of.context), (&task.root, task.depth, &task.context));
            assert!(self.children(parent).count() < CHILDREN_MAX as usize, "{parent} has too many subtasks");
            let below = self.tasks.iter().filter(|other| other.root == task.root && other.parent.is_some());
            assert!(below.count() < DESCENDANTS_MAX as usize, "{} has too many below it", task.root);
        } else {
            assert_eq!((&task.root, task.depth), (&task.id, 0));
        }
        self.tasks.push(Rc::new(new_row(task)));
        Ok(())
    }

    fn assert_slots(&self) {
        let holds: Vec<&TaskRow> =
            self.tasks.iter().map(|task| &**task).filter(|task| task.state.holds_slot()).collect();
        assert!(holds.len() <= self.slots.0, "{} run at once", holds.len());
        for task in &holds {
            let same = holds.iter().filter(|other| other.context == task.context).count();
            assert!(same <= self.slots.1, "{same} run at once for {}", task.context);
        }
    }

    /// The words of a task are deleted by their author.
    pub(super) fn erase(&mut self, id: &TaskId) {
        let row = self.row_mut(id);
        (row.spec.title, row.spec.input) = (String::new(), String::new());
        (row.reason, row.result, row.recorded) = (String::new(), String::new(), 0);
        self.ledger.erase(id.as_str());
    }
}

fn is_end(step: &messages::store::StepWrite) -> bool {
    matches!(step, messages::store::StepWrite::End { .. })
}

fn new_row(task: &NewTask) -> TaskRow {
    TaskRow {
        id: task.id.clone(),
        key: task.key.clone(),
        workspace: slug("home"),
        context: task.context.clone(),
        seq: task.seq,
        inbound: InboundId::of("console", "e"),
        trace: task.trace.clone(),
        parent: task.parent.clone(),
        root: task.root.clone(),
        depth: task.depth,
        state: task.state,
        wait: None,
        priority: task.priority,
        rev: 1,
        run: 0,
        epoch: 0,
        failures: 0,
        lost: 0,
        spec: task.spec.clone(),
        budget: task.budget,
        reason: String::new(),
        result: String::new(),
        not_before: None,
        created_at: task.at,
        moved_at: task.at,
        started_at: None,
        deadline: task.deadline,
        ended_at: None,
        discarded_by: None,
        recorded: 0,
    }
}

/// A new task of `user` for a context, with the usual limits.
pub(super) fn task(key: &str, user: &str, context: &str, at: Moment) -> NewTask {
    use crate::run::tests::ground;
    use messages::task::{OnDependencyFailure, TaskLimits, TaskSpec};
    let id = TaskId::of("home", key);
    let limits = TaskLimits { passages: 0, ..TaskLimits::default() };
    NewTask {
        root: id.clone(),
        id,
        key: key.into(),
        workspace: slug("home"),
        context: ground::context(context),
        seq: 1,
        trace: messages::Trace::default(),
        parent: None,
        depth: 0,
        state: TaskState::Queued,
        priority: 3,
        spec: TaskSpec {
            title: format!("title of {key}"),
            input: format!("do {key}"),
            turn: ground::turn_of(user, context),
            prompt: "Be kind.".into(),
            memory: messages::task::Remembered::default(),
            tools: vec!["*".into()],
            models: Vec::new(),
            purpose: messages::model::Purpose::Chat,
            depends_on: Vec::new(),
            on_dependency_failure: OnDependencyFailure::Cancel,
            limits,
            retry_of: None,
        },
        budget: Budget::default(),
        deadline: at.plus_ms(604_800_000),
        at,
    }
}
