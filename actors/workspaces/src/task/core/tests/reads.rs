//! What the store answers: all that a task opens from, what a workspace decides on, whom the sweep wakes.

use std::collections::BTreeSet;

use messages::store::{QueueRows, QueuedRow, RunningRow, TaskRow, TaskRows, TaskView};
use messages::task::{PRIORITIES, Spent, TaskState, Wait};
use messages::{Address, Moment, TaskId};

use super::tables::Tables;
use crate::run::spent;
use crate::run::tests::ground::slug;

/// Queued tasks of each priority of each context that are given at a time.
const EACH_MAX: usize = 2;

impl Tables {
    pub(super) fn rows(&self, id: &TaskId) -> Option<TaskRows> {
        let task = self.find(id)?.clone();
        let state = |id: &TaskId| self.find(id).map(|task| (id.clone(), task.state));
        let needs_it = |other: &TaskRow| other.spec.depends_on.contains(id) && !other.state.is_terminal();
        let accounts = ["node".to_owned(), "ws/home".to_owned(), task.context.to_string()];
        Some(TaskRows {
            steps: self.ledger.steps(id.as_str()).to_vec(),
            children: self.children(id).map(|child| self.view(child)).collect(),
            descendants: self.below(&task.root),
            depends_on: task.spec.depends_on.iter().filter_map(state).collect(),
            dependents: self.tasks.iter().filter(|other| needs_it(other)).map(|other| other.id.clone()).collect(),
            parent: task.parent.as_ref().and_then(state).map(|(_, state)| state),
            epoch: self.epoch,
            spending: self.ledger.latest(&accounts),
            task,
        })
    }

    fn below(&self, root: &TaskId) -> u32 {
        let below = self.tasks.iter().filter(|task| task.root == *root && task.parent.is_some());
        u32::try_from(below.count()).unwrap()
    }

    /// What a task and all below it have used.
    pub(super) fn spent(&self, id: &TaskId) -> Spent {
        let own = spent(self.ledger.steps(id.as_str()));
        self.children(id).fold(own, |sum, child| sum.plus(self.spent(&child.id)))
    }

    pub(super) fn view(&self, task: &TaskRow) -> TaskView {
        let place = self.tasks.iter().position(|other| other.id == task.id).unwrap();
        TaskView {
            id: task.id.clone(),
            parent: task.parent.clone(),
            context: task.context.clone(),
            title: task.spec.title.clone(),
            state: task.state,
            wait: task.wait,
            reason: task.reason.clone(),
            result: task.result.clone(),
            not_before: task.not_before,
            budget: task.budget,
            spent: self.spent(&task.id),
            place: i64::try_from(place).unwrap(),
            created_at: task.created_at,
            ended_at: task.ended_at,
            discarded_by: task.discarded_by.clone(),
        }
    }

    fn of_state(&self, state: TaskState) -> impl Iterator<Item = &TaskRow> {
        self.tasks.iter().map(|task| &**task).filter(move |task| task.state == state)
    }

    pub(super) fn queue(&self, now: Moment) -> QueueRows {
        let running = self.tasks.iter().filter(|task| task.state.holds_slot());
        let mut given: Vec<&TaskRow> = Vec::new();
        let contexts: BTreeSet<&Address> = self.of_state(TaskState::Queued).map(|task| &task.context).collect();
        for context in contexts {
            for priority in 0..PRIORITIES {
                let is_of = |task: &&TaskRow| task.context == *context && task.priority == priority;
                let may_run = |task: &&TaskRow| task.not_before.is_none_or(|from| from <= now);
                let mut some: Vec<_> = self.of_state(TaskState::Queued).filter(is_of).filter(may_run).collect();
                some.sort_by_key(|task| task.moved_at);
                given.extend(some.into_iter().take(EACH_MAX));
            }
        }
        let late = self.of_state(TaskState::Queued).filter(|task| start_by(task) <= now);
        for task in late {
            if given.iter().all(|other| other.id != task.id) {
                given.push(task);
            }
        }
        let dates = self.of_state(TaskState::Queued).flat_map(|task| [Some(start_by(task)), task.not_before]);
        QueueRows {
            running: running.map(|task| RunningRow { id: task.id.clone(), context: task.context.clone() }).collect(),
            queued: given.into_iter().map(queued).collect(),
            more: false,
            unrecorded: self.unrecorded().len() as u64,
            next: dates.flatten().filter(|at| *at > now).min(),
        }
    }

    /// Tasks whose record file is behind.
    pub(super) fn unrecorded(&self) -> Vec<(TaskId, u64)> {
        let behind = self.tasks.iter().filter(|task| task.recorded < task.rev);
        behind.map(|task| (task.id.clone(), task.rev)).collect()
    }

    /// The part of `Query::Unfinished` that is about workspaces and tasks.
    pub(super) fn unfinished(&self) -> BTreeSet<Address> {
        let at = |task: &TaskRow| Address::task(&slug("home"), &task.id);
        let has_ended = |id: &TaskId| self.find(id).is_none_or(|task| task.state.is_terminal());
        let is_unfinished = |task: &TaskRow| {
            let children_ended =
                task.wait == Some(Wait::Child) && self.children(&task.id).all(|c| c.state.is_terminal());
            let unblocked = task.state == TaskState::Blocked && task.spec.depends_on.iter().all(has_ended);
            let orphan = !task.state.is_terminal()
                && task.parent.as_ref().and_then(|id| self.find(id)).is_some_and(|parent| parent.state.is_terminal());
            task.state.holds_slot() || children_ended || unblocked || orphan
        };
        let mut found: BTreeSet<_> =
            self.tasks.iter().filter(|task| is_unfinished(task)).map(|task| at(task)).collect();
        if self.of_state(TaskState::Queued).next().is_some() || !self.unrecorded().is_empty() {
            found.insert(Address::of_workspace(&slug("home")));
        }
        found
    }
}

/// When it is too late to be begun.
fn start_by(task: &TaskRow) -> Moment {
    let ms = i64::try_from(task.spec.limits.schedule_to_start_s).unwrap() * 1_000;
    task.moved_at.plus_ms(ms).min(task.deadline)
}

fn queued(task: &TaskRow) -> QueuedRow {
    QueuedRow {
        id: task.id.clone(),
        context: task.context.clone(),
        rev: task.rev,
        priority: task.priority,
        queued_at: task.moved_at,
        not_before: task.not_before,
        start_by: start_by(task),
    }
}
