//! What a task decides: state and event in, writes and effects out.
//!
//! The workspace claims a slot for it (queued to running); every other change of its state is its own. [`run`] takes it from
//! step to step, [`moves`] changes its state and tells whom that concerns, [`control`] does what people ask.

mod control;
mod moves;
mod run;

use std::sync::Arc;

use messages::store::TaskRows;
use messages::task::{Msg, TaskState, Wait};
use messages::tool::Use;
use messages::{Address, Moment};
use runtime::{AskId, Cx};

use super::Task;
use crate::WorkFacts;
use crate::context::Loaded;
use crate::run::{Ask, Run, StepEnd, seconds_ms};

pub(super) type Decision = runtime::Decision<Task>;

/// The date at which a task that holds no slot is to be looked at again.
pub(crate) const DEADLINE: &str = "deadline";

/// What a task knows; `None`: there is no such task.
#[derive(Debug)]
pub struct State(pub(super) Option<Box<Live>>);

/// A task that is there.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) rows: TaskRows,
    /// Its context's files, as policy reads them: closed until they are read.
    people: Arc<policy::ContextFacts>,
    /// What it does while it holds a slot.
    pub(super) run: Option<Run>,
    /// Since when a step is under way.
    busy_since: Option<Moment>,
    /// It may have a date in the store.
    has_date: bool,
    /// Just opened from its rows: the wake that opened it has nothing new to tell.
    is_fresh: bool,
}

/// What a task hears.
#[derive(Debug)]
pub enum Event {
    Woken,
    Due,
    Heard(Msg, AskId),
    Looked(Arc<policy::ContextFacts>),
    Read(Option<Box<TaskRows>>),
    StepEnded(Box<StepEnd>),
    StepDied(String),
}

/// What a task does after a commit.
#[derive(Debug)]
pub enum Effect {
    /// Look at the definition files of its context.
    Look(Address),
    /// Read its rows again.
    Read,
    Ask(Box<Ask>),
    Use(Box<Use>),
    Wake(Address),
}

impl State {
    /// State from rows; what is unfinished is looked at once its context's files have been.
    pub(super) fn open(rows: Option<TaskRows>) -> (Self, Vec<Effect>) {
        let Some(rows) = rows else { return (Self(None), Vec::new()) };
        let look = Effect::Look(rows.task.context.clone());
        let closed = policy::ContextFacts { owner: Some(String::new()), ..policy::ContextFacts::default() };
        let has_date = !matches!(rows.task.state, TaskState::Queued | TaskState::Running);
        let live = Live { rows, people: Arc::new(closed), run: None, busy_since: None, has_date, is_fresh: true };
        (Self(Some(Box::new(live))), vec![look])
    }

    pub(super) fn decide(&mut self, event: Event, cx: &Cx<'_, WorkFacts>) -> Decision {
        let mut out = Decision::none();
        match (&mut self.0, event) {
            (Some(live), event) => live.hear(event, &mut out, cx),
            (None, Event::Heard(_, ask)) => {
                let words = format!("There is no task `{}`.", cx.address.leaf());
                out.answers.push((ask, messages::task::Reply::Refused(words)));
            }
            (None, _) => {}
        }
        out
    }

    pub(super) fn is_idle(&self) -> bool {
        self.0.as_ref().is_none_or(|live| live.busy_since.is_none())
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(|live| live.rows.task.state.is_terminal())
    }

    pub(super) fn doing(&self) -> String {
        let Some(live) = &self.0 else { return String::new() };
        let task = &live.rows.task;
        match task.wait {
            Some(wait) => format!("waits for {wait}: {}", task.spec.title),
            None if live.busy_since.is_some() => format!("step {}: {}", live.steps_len(), task.spec.title),
            None => format!("{}: {}", task.state, task.spec.title),
        }
    }
}

impl Live {
    fn hear(&mut self, event: Event, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        match event {
            Event::Woken => {
                let nothing_new = std::mem::take(&mut self.is_fresh) && self.rows.task.state == TaskState::Running;
                if !nothing_new {
                    // What is done must be allowed by what is in force when it is done.
                    out.then.push(Effect::Look(self.rows.task.context.clone()));
                    out.then.push(Effect::Read);
                }
            }
            Event::Due => {
                self.has_date = false;
                if self.rows.task.state == TaskState::Cancelling {
                    return self.cancelled("", out, cx);
                }
                self.keep_date(out, cx);
                out.then.push(Effect::Read);
            }
            Event::Heard(msg, ask) => self.asked_to(&msg, ask, out, cx),
            Event::Looked(people) => {
                self.people = people;
                if self.is_fresh {
                    self.consider(out, cx);
                }
            }
            Event::Read(rows) => self.read(rows, out, cx),
            Event::StepEnded(end) => self.step_ended(*end, out, cx),
            Event::StepDied(why) => self.step_died(&why, out, cx),
        }
    }

    /// The rows as they are now. Only this task moves itself while it runs, so that a new revision means that it was
    /// claimed; all else is about others.
    fn read(&mut self, rows: Option<Box<TaskRows>>, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let Some(rows) = rows else { return };
        if rows.task.rev == self.rows.task.rev && self.run.is_some() {
            let steps = std::mem::take(&mut self.rows.steps);
            self.rows = TaskRows { steps, ..*rows };
            if let Some(run) = &mut self.run {
                run.refresh(self.rows.spending.clone());
            }
        } else {
            self.rows = *rows;
        }
        self.consider(out, cx);
    }

    /// What is to be done as things stand.
    fn consider(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let task = &self.rows.task;
        if let Some(why) = self.no_longer_wanted() {
            return self.cancel(&why, out, cx);
        }
        match task.state {
            TaskState::Blocked => self.consider_dependencies(out, cx),
            TaskState::Queued if cx.now >= self.start_by() => self.expire("it was not begun in time", out, cx),
            TaskState::Running if self.run.is_some() => self.tick(out, cx),
            TaskState::Running if self.rows.epoch != task.epoch => self.node_was_lost(out, cx),
            TaskState::Running => self.begin(out, cx),
            TaskState::Waiting => self.consider_waiting(out, cx),
            TaskState::Cancelling if self.busy_since.is_none() => self.cancelled("", out, cx),
            _ => {}
        }
    }

    /// Its parent has ended, or its words were erased.
    fn no_longer_wanted(&self) -> Option<String> {
        let task = &self.rows.task;
        if task.state.is_terminal() || task.state == TaskState::Cancelling {
            return None;
        }
        if task.spec.input.is_empty() {
            return Some("its words were deleted by their author".to_owned());
        }
        let parent = self.rows.parent.filter(|parent| parent.is_terminal() || *parent == TaskState::Cancelling);
        parent.map(|state| format!("the task it is part of is {state}"))
    }

    fn start_by(&self) -> Moment {
        let task = &self.rows.task;
        task.moved_at.plus_ms(seconds_ms(task.spec.limits.schedule_to_start_s)).min(task.deadline)
    }

    fn consider_dependencies(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        if cx.now >= self.rows.task.deadline {
            return self.expire("its deadline has passed", out, cx);
        }
        let needed = &self.rows.task.spec.depends_on;
        let state = |id| self.rows.depends_on.iter().find(|(known, _)| known == id).map(|(_, state)| *state);
        if needed.iter().any(|id| state(id).is_some_and(|state| !state.is_terminal())) {
            return;
        }
        let failed = needed.iter().find(|id| state(id) != Some(TaskState::Succeeded)).cloned();
        match failed {
            Some(id) if self.rows.task.spec.on_dependency_failure == messages::task::OnDependencyFailure::Cancel => {
                self.cancel(&format!("task {id}, on which it depends, did not succeed"), out, cx);
            }
            _ => self.queue("", out, cx),
        }
    }

    fn consider_waiting(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let task = &self.rows.task;
        if cx.now >= task.deadline {
            return self.expire("its deadline has passed", out, cx);
        }
        let has_come = task.not_before.is_some_and(|at| at <= cx.now);
        match task.wait {
            Some(Wait::Child) if self.children_have_ended() => self.queue("", out, cx),
            Some(Wait::Timer | Wait::Quota) if has_come => self.queue("", out, cx),
            _ => {}
        }
    }

    fn children_have_ended(&self) -> bool {
        self.rows.children.iter().all(|child| child.state.is_terminal())
    }

    fn steps_len(&self) -> usize {
        self.run.as_ref().map_or(self.rows.steps.len(), |run| run.steps.len())
    }
}

/// The context's files as policy reads them. While one of them is broken or gone, nobody may do anything by it.
pub(super) fn people(loaded: Loaded) -> policy::ContextFacts {
    match (loaded.context, loaded.workspace) {
        (Ok(Some((_, context))), Ok(Some((_, workspace)))) => context.facts(&workspace),
        _ => policy::ContextFacts { owner: Some(String::new()), ..policy::ContextFacts::default() },
    }
}

#[cfg(test)]
mod tests;
