//! What must be true of all tasks: at every commit, when all that can go on by itself has, and in the end.

use messages::TaskId;
use messages::step::{StepStatus, What};
use messages::store::{StepRow, TaskRow};
use messages::task::{TaskState, Wait, WorkLimits};

use super::sim::Sim;
use super::tables::{Posted, Tables};
use crate::run::spent;

/// Words of a task besides its steps are numbered from here on.
const SAID_ABOVE: u32 = 1 << 20;

/// At every commit: no budget and no account is exceeded.
pub(super) fn assert_money(tables: &Tables, limits: &WorkLimits) {
    for task in &tables.tasks {
        assert_budget(tables, task);
    }
    for ((_, name), of) in &tables.ledger.accounts {
        let cap = match name.split('/').count() {
            1 => limits.node_day,
            2 => limits.workspace_day,
            _ => limits.context_day,
        };
        let (micro_usd, tokens) = (of.micro_usd + of.reserved_micro_usd, of.usage.tokens() + of.reserved_tokens);
        assert!(cap.micro_usd.is_none_or(|max| micro_usd <= max), "{name} holds {micro_usd} of {cap:?}");
        assert!(cap.tokens.is_none_or(|max| tokens <= max), "{name} holds {tokens} tokens of {cap:?}");
    }
}

/// What its steps were charged and may be, what its open subtasks may take, what ended ones took.
fn assert_budget(tables: &Tables, task: &TaskRow) {
    let steps = tables.ledger.steps(task.id.as_str());
    let held = |of: fn(&messages::step::Reserve) -> u64| {
        steps.iter().filter_map(|step| step.reserve.as_ref()).map(of).sum::<u64>()
    };
    let mut taken = spent(steps);
    for child in tables.children(&task.id) {
        taken = taken.plus(if child.state.is_terminal() { tables.spent(&child.id) } else { child.budget.whole() });
    }
    let below = given_below(tables, &task.id);
    let (micro_usd, budget) = (taken.micro_usd + held(|of| of.micro_usd), task.budget);
    assert!(micro_usd <= budget.micro_usd + below, "{} takes {micro_usd} of {budget:?}", task.id);
    if below > 0 {
        return;
    }
    // What was cut off is charged as if all of it had been read, so that only the sum of both is known.
    let tokens = taken.input_tokens + taken.output_tokens + held(|of| of.tokens);
    assert!(tokens <= budget.input_tokens + budget.output_tokens, "{} takes {tokens} tokens of {budget:?}", task.id);
    assert!(taken.output_tokens <= budget.output_tokens, "{} writes {taken:?} of {budget:?}", task.id);
    assert!(taken.tool_calls <= budget.tool_calls, "{} uses tools {taken:?} of {budget:?}", task.id);
}

/// What people gave to tasks below this one: it is not carved from its budget.
fn given_below(tables: &Tables, id: &TaskId) -> u64 {
    let of = |child: &TaskRow| tables.given.get(&child.id).copied().unwrap_or(0) + given_below(tables, &child.id);
    tables.children(id).map(of).sum()
}

impl Sim {
    /// Whenever nothing goes on by itself: nothing holds a slot, and whoever is to do something was told.
    pub(super) fn assert_told(&self) {
        for task in &self.tables.tasks {
            let (id, state) = (&task.id, task.state);
            assert!(!state.holds_slot(), "{id} keeps its slot: {state}");
            if state.is_terminal() {
                continue;
            }
            let waits_for_others = task.wait == Some(Wait::Child) || state == TaskState::Blocked;
            assert!(waits_for_others || matches!(task.wait, Some(Wait::InDoubt | Wait::Quota)), "{task:#?}");
            let told =
                self.tables.posts_of(id).iter().filter(|post| post.step.is_some_and(|step| step > SAID_ABOVE)).count();
            assert!(waits_for_others || told > 0, "{id} waits for a person, and nobody was told: {task:#?}");
        }
        self.world.assert_once();
    }

    /// In the end: all have ended, and everything was done once and told once.
    pub(super) fn assert_promises(&self) {
        for task in &self.tables.tasks {
            assert!(task.state.is_terminal(), "{} has not ended: {task:#?}", task.id);
            self.assert_ended_once(task);
            let steps = self.tables.ledger.steps(task.id.as_str());
            self.assert_steps(task, steps);
            self.assert_told_of_children(task, steps);
        }
        assert_eq!(self.tables.ledger.reserved(), 0, "nothing is held back");
        let dates: Vec<_> = self.tables.timers.keys().filter(|(_, name)| name != "queue").collect();
        assert!(dates.is_empty(), "dates of tasks that have ended: {dates:?}");
        assert!(self.tables.unrecorded().is_empty(), "every record is written");
        self.world.assert_once();
    }

    fn assert_ended_once(&self, task: &TaskRow) {
        let posts = self.tables.posts_of(&task.id);
        let ends: Vec<&&Posted> = posts.iter().filter(|post| post.step.is_none()).collect();
        let due = usize::from(task.parent.is_none() && task.state != TaskState::Rejected);
        assert_eq!(ends.len(), due, "ends of {} ({}): {ends:?}", task.id, task.state);
        if let (Some(end), TaskState::Succeeded) = (ends.first(), task.state) {
            assert!(end.text.contains(task.id.as_str()) && end.text.contains(&task.result), "{end:?}");
        }
        let is_erased = task.spec.input.is_empty();
        assert!(is_erased || task.result.is_empty() != (task.state == TaskState::Succeeded), "{task:?}");
    }

    fn assert_steps(&self, task: &TaskRow, steps: &[StepRow]) {
        let done = |name: &str| {
            let is_it = |step: &&StepRow| matches!(&step.what, What::Tool(call) if call.name == name);
            steps.iter().filter(is_it).filter(|step| step.status == StepStatus::Done).count()
        };
        for step in steps {
            assert_ne!(step.status, StepStatus::Started, "a step of {} is open: {step:?}", task.id);
        }
        assert_eq!(done("spawn_task"), self.tables.children(&task.id).count(), "subtasks of {}", task.id);
        let posts = self.tables.posts_of(&task.id);
        let of_steps = posts.iter().filter(|post| post.step.is_some_and(|step| step < SAID_ABOVE)).count();
        assert_eq!(done("post"), of_steps, "posts of {}", task.id);
    }

    /// A task that has heard of its subtasks has heard of all of them.
    fn assert_told_of_children(&self, task: &TaskRow, steps: &[StepRow]) {
        if task.spec.input.is_empty() {
            return;
        }
        let told = steps.iter().rev().find(|step| step.what == What::Children && step.status == StepStatus::Done);
        let joined = task.state == TaskState::Succeeded && self.tables.children(&task.id).next().is_some();
        assert!(told.is_some() || !joined, "{} has succeeded and was told nothing of its subtasks", task.id);
        for child in self.tables.children(&task.id).filter(|_| joined) {
            let words = &told.unwrap().output;
            assert!(words.contains(child.id.as_str()) && words.contains(child.state.as_str()), "{words}");
        }
    }

    /// Opening everything again changes nothing.
    pub(super) fn assert_at_rest(&mut self) {
        let rows = |sim: &Self| format!("{:?} {:?} {:?}", sim.tables.tasks, sim.tables.posts, sim.tables.ledger);
        let before = rows(self);
        self.crash(false);
        let all: Vec<TaskId> = self.tables.tasks.iter().map(|task| task.id.clone()).collect();
        for id in all {
            self.wake(&messages::Address::task(&super::sim::home(), &id));
        }
        self.drain();
        assert_eq!(before, rows(self), "opening again changes nothing");
    }
}
