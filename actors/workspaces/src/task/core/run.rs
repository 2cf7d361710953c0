//! A task that holds a slot: from step to step, within its times.

use messages::TaskId;
use messages::step::{What, Work};
use messages::task::{Budget, LOST_MAX, Spent, TaskState, Wait};
use messages::tool::RESULT_BYTES_MAX;
use runtime::Cx;

use super::control::RESUMED;
use super::moves::Change;
use super::{Decision, Effect, Live};
use crate::WorkFacts;
use crate::run::{Brief, End, Ground, Line, Run, RunLimits, StepEnd, Todo, seconds_ms};

impl Live {
    /// Begins, or goes on where the journal ends.
    pub(super) fn begin(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let steps = std::mem::take(&mut self.rows.steps);
        let mut run = Run::new(self.brief(), steps, self.rows.spending.clone(), cx.now);
        let waited = run.steps.last().is_some_and(|last| last.what == What::Children);
        if waited && self.children_have_ended() {
            run.children_ended(self.children_told(), cx.now, &mut out.writes);
        }
        self.run = Some(run);
        self.go_on(out, cx);
    }

    pub(super) fn brief(&self) -> Brief {
        let task = &self.rows.task;
        let (spec, limits) = (&task.spec, &task.spec.limits);
        Brief {
            work: Work::Task(task.id.clone()),
            workspace: task.workspace.clone(),
            context: task.context.clone(),
            seq: task.seq,
            trace: task.trace.clone(),
            turn: spec.turn.clone(),
            line: Some(Line { id: task.id.clone(), root: task.root.clone(), depth: task.depth }),
            system: spec.prompt.clone(),
            memory: spec.memory.clone(),
            history: Vec::new(),
            question: spec.input.clone(),
            purpose: spec.purpose,
            models: spec.models.clone(),
            tools: spec.tools.clone(),
            limits: RunLimits {
                model_turns: limits.model_turns,
                answer_bytes: limits.answer_bytes,
                passages: limits.passages,
                seconds: limits.start_to_close_s,
            },
            budget: task.budget,
        }
    }

    fn go_on(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.busy_since = None;
        let Some(mut run) = self.run.take() else { return };
        let mut on = self.ground(&run.made, cx);
        let todo = run.advance(&mut on, &mut out.writes);
        out.then.extend(std::mem::take(&mut run.wakes).into_iter().map(Effect::Wake));
        self.run = Some(run);
        match todo {
            Todo::Ask(ask) => self.busy(Effect::Ask(ask), out, cx),
            Todo::Use(of) => self.busy(Effect::Use(of), out, cx),
            // Its rows do not show the subtasks that it has just made: those are waited for, and told by their wakes.
            Todo::Children => {
                let change = Change { wait: Some(Wait::Child), ..Change::to(TaskState::Waiting) };
                self.change(change, out, cx);
            }
            Todo::End(end) => self.ended(end, out, cx),
        }
    }

    fn busy(&mut self, effect: Effect, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.busy_since = Some(cx.now);
        out.then.push(effect);
    }

    /// What it decides on; `made` are the subtasks of this run, which its rows may not show yet.
    fn ground<'a>(&'a self, made: &[(TaskId, Budget)], cx: &'a Cx<'_, WorkFacts>) -> Ground<'a> {
        let known = &self.rows.children;
        let new = made.iter().filter(|(id, _)| known.iter().all(|child| child.id != *id));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (mut carved, mut unknown) = (self.carved(), 0);
        for (_, budget) in new {
            carved = carved.plus(budget.whole());
            unknown += 1;
        }
        Ground {
            facts: cx.facts,
            people: &self.people,
            actor: cx.address,
            now: cx.now,
            children: count(known.len() + unknown),
            descendants: self.rows.descendants.saturating_add(count(unknown)),
            carved,
        }
    }

    /// Its own budget does not reach for what comes next; a quota that somebody else has is none of its own.
    pub(super) fn budget_has_ended(&self, cx: &Cx<'_, WorkFacts>) -> bool {
        let mut run = Run::new(self.brief(), self.rows.steps.clone(), self.rows.spending.clone(), cx.now);
        let next = run.advance(&mut self.ground(&[], cx), &mut Vec::new());
        matches!(next, Todo::End(End::Parked { until: None, .. }))
    }

    /// What subtasks have taken: all of the budget of one that is open, what one has used that has ended.
    fn carved(&self) -> Spent {
        let of = |child: &messages::store::TaskView| {
            if child.state.is_terminal() { child.spent } else { child.budget.whole() }
        };
        self.rows.children.iter().map(of).fold(Spent::default(), Spent::plus)
    }

    fn children_told(&self) -> String {
        let each = RESULT_BYTES_MAX / self.rows.children.len().max(1);
        let mut told = String::from("All subtasks have ended.\n");
        for child in &self.rows.children {
            let words = if child.result.is_empty() { &child.reason } else { &child.result };
            let words = words.get(..words.floor_char_boundary(each.min(words.len()))).unwrap_or_default();
            let state = super::moves::has(child.state);
            told.push_str(&format!("\n{} ({}) has {state}:\n{words}\n", child.id, child.title));
        }
        told
    }

    /// A step has ended.
    pub(super) fn step_ended(&mut self, end: StepEnd, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let Some(mut run) = self.run.take() else { return };
        let end = run.step_ended(end, &self.ground(&run.made, cx), &mut out.writes);
        self.run = Some(run);
        self.after_step(end, out, cx);
    }

    fn after_step(&mut self, end: Option<End>, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.busy_since = None;
        if self.rows.task.state == TaskState::Cancelling {
            return self.cancelled("", out, cx);
        }
        match end {
            None => self.go_on(out, cx),
            Some(end) => self.ended(end, out, cx),
        }
    }

    pub(super) fn step_died(&mut self, why: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.cut_off(&format!("A step failed inside the runtime ({why})."), out, cx);
    }

    /// The step that runs is cut off; whether another run goes on depends on what it did.
    fn cut_off(&mut self, why: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        if self.rows.task.state == TaskState::Cancelling {
            return self.cancelled("", out, cx);
        }
        if self.busy_since.take().is_some() {
            out.abort.push(super::super::STEP);
        }
        let Some(mut run) = self.run.take() else { return };
        let end = run.cut_off(why, &self.ground(&run.made, cx), &mut out.writes);
        self.run = Some(run);
        self.ended(end, out, cx);
    }

    /// The step that runs is given up.
    pub(super) fn give_up(&mut self, why: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        if self.busy_since.take().is_some() {
            out.abort.push(super::super::STEP);
        }
        if let Some(run) = &mut self.run {
            run.give_up(why, cx.now, &mut out.writes);
        }
    }

    /// Nobody waits for ever: the sweep wakes what runs each second.
    pub(super) fn tick(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let limits = self.rows.task.spec.limits;
        let began = self.run.as_ref().map_or(cx.now, |run| run.began);
        if cx.now >= self.rows.task.deadline {
            return self.expire("its deadline has passed", out, cx);
        }
        let over = |since: Option<messages::Moment>, seconds: u64| {
            since.is_some_and(|since| cx.now.ms_since(since) >= seconds_ms(seconds))
        };
        let late = if over(Some(began), limits.start_to_close_s) {
            Some(format!("A run may take {} s, and this one took longer.", limits.start_to_close_s))
        } else if over(self.busy_since, limits.heartbeat_s) {
            Some(format!("A step may take {} s, and this one gave no sign of life.", limits.heartbeat_s))
        } else {
            None
        };
        if let Some(words) = late {
            self.cut_off(&words, out, cx);
        }
    }

    /// It held a slot under an epoch that has passed: its node was lost under it.
    pub(super) fn node_was_lost(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let lost = self.rows.task.lost + 1;
        let (to, reason) = if lost >= LOST_MAX {
            self.close_journal("its node was lost under it", out, cx);
            (TaskState::Dead, format!("its node was lost under it {lost} times; it is held to be the cause"))
        } else {
            (TaskState::Queued, "its node was lost under it; it goes on where it was".to_owned())
        };
        // What had begun goes on before what has not.
        let priority = Some(self.rows.task.priority.min(RESUMED));
        self.change(Change { lost: Some(lost), priority, reason, ..Change::to(to) }, out, cx);
    }
}
