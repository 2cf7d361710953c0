//! A task changes its state, and those whom it concerns are told.

use messages::store::{TaskMove, TaskWrite, Write};
use messages::task::{Budget, TaskState, Wait};
use messages::turn::Principal;
use messages::{Address, Moment};
use runtime::Cx;

use super::{DEADLINE, Decision, Effect, Live};
use crate::WorkFacts;
use crate::run::End;

/// The first wait after a failure, doubled up to the longest; half of it is left to chance.
const BACKOFF_MS: i64 = 2_000;
const BACKOFF_MS_MAX: i64 = 300_000;
/// A date that has come, and has changed nothing yet, comes again after so long.
const AGAIN_MS: i64 = 1_000;
/// Words that a task says besides its steps are numbered by its revision, above all steps.
const SAID_ABOVE: u32 = 1 << 20;

/// A change; what is not said stays as it is.
pub(super) struct Change {
    pub(super) to: TaskState,
    pub(super) wait: Option<Wait>,
    pub(super) not_before: Option<Moment>,
    pub(super) failures: Option<u32>,
    pub(super) lost: Option<u32>,
    pub(super) priority: Option<u8>,
    pub(super) budget: Option<Budget>,
    pub(super) reason: String,
    pub(super) result: String,
    /// Paths that the result quotes.
    pub(super) sources: Vec<String>,
}

impl Change {
    pub(super) fn to(to: TaskState) -> Self {
        Self {
            to,
            wait: None,
            not_before: None,
            failures: None,
            lost: None,
            priority: None,
            budget: None,
            reason: String::new(),
            result: String::new(),
            sources: Vec::new(),
        }
    }
}

impl Live {
    /// The run is over.
    pub(super) fn ended(&mut self, end: End, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        match end {
            End::Answer(answer) => {
                let cut = format!("\n\n(cut after {} bytes)", self.rows.task.spec.limits.answer_bytes);
                let result = if answer.cut { answer.text + &cut } else { answer.text };
                let change = Change { result, sources: answer.sources, ..Change::to(TaskState::Succeeded) };
                self.change(change, out, cx);
            }
            End::Failed(why) if why.passes => self.failed_once_more(why.words, out, cx),
            End::Failed(why) => self.change(Change { reason: why.words, ..Change::to(TaskState::Failed) }, out, cx),
            End::Parked { words, until } => {
                self.say(&format!("waits: {words}"), out, cx);
                let wait = Some(Wait::Quota);
                self.change(
                    Change { wait, not_before: until, reason: words, ..Change::to(TaskState::Waiting) },
                    out,
                    cx,
                );
            }
            End::InDoubt(words) => {
                let id = &self.rows.task.id;
                let told = format!(
                    "waits for a person: {words}. Whether it was done is not known. Look; then `/tasks retry {id}` does it again, and `/tasks cancel {id}` ends the task."
                );
                self.say(&told, out, cx);
                let wait = Some(Wait::InDoubt);
                self.change(Change { wait, reason: words, ..Change::to(TaskState::Waiting) }, out, cx);
            }
        }
    }

    fn failed_once_more(&mut self, reason: String, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let task = &self.rows.task;
        let failures = task.failures + 1;
        if failures >= task.spec.limits.attempts {
            self.close_journal(&reason, out, cx);
            let change = Change { failures: Some(failures), reason, ..Change::to(TaskState::Dead) };
            return self.change(change, out, cx);
        }
        let not_before = Some(cx.now.plus_ms(backoff_ms(failures, cx.seed)));
        self.change(Change { failures: Some(failures), not_before, reason, ..Change::to(TaskState::Queued) }, out, cx);
    }

    pub(super) fn queue(&mut self, reason: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.change(Change { reason: reason.to_owned(), ..Change::to(TaskState::Queued) }, out, cx);
    }

    pub(super) fn expire(&mut self, reason: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.close_journal(reason, out, cx);
        self.change(Change { reason: reason.to_owned(), ..Change::to(TaskState::Expired) }, out, cx);
    }

    /// Changes the state, and tells: the workspace that a slot or a place in the queue has changed, and when it has ended
    /// its chat, its parent, its subtasks and those that depend on it.
    pub(super) fn change(&mut self, change: Change, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.close_run();
        let task = &mut self.rows.task;
        task.rev += 1;
        task.state = change.to;
        (task.wait, task.not_before, task.moved_at) = (change.wait, change.not_before, cx.now);
        task.failures = change.failures.unwrap_or(task.failures);
        task.lost = change.lost.unwrap_or(task.lost);
        task.priority = change.priority.unwrap_or(task.priority);
        task.budget = change.budget.unwrap_or(task.budget);
        (task.reason, task.result) = (change.reason, change.result);
        out.writes.push(Write::Task(TaskWrite::Move(Box::new(TaskMove {
            task: task.id.clone(),
            rev: task.rev,
            to: task.state,
            wait: task.wait,
            not_before: task.not_before,
            priority: task.priority,
            failures: task.failures,
            lost: task.lost,
            budget: task.budget,
            reason: task.reason.clone(),
            result: task.result.clone(),
            at: cx.now,
        }))));
        self.audit_move(out, cx);
        self.set_date(out, cx);
        if self.rows.task.state.is_terminal() {
            self.tell_the_end(change.sources, out, cx);
        }
        if self.rows.task.state != TaskState::Cancelling {
            out.then.push(Effect::Wake(Address::of_workspace(&self.rows.task.workspace)));
        }
    }

    /// What its journal holds is read again when it is claimed again.
    fn close_run(&mut self) {
        if let Some(run) =
            self.run.take_if(|_| self.rows.task.state != TaskState::Cancelling && self.busy_since.is_none())
        {
            self.rows.steps = run.steps;
        }
    }

    fn audit_move(&self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let task = &self.rows.task;
        let detail = serde_json::json!({ "run": task.run, "wait": task.wait });
        self.audit(format!("task.{}", task.state), &task.spec.turn.principal, &detail, (out, cx));
    }

    pub(super) fn audit(
        &self,
        action: String,
        by: &Principal,
        detail: &serde_json::Value,
        (out, cx): (&mut Decision, &Cx<'_, WorkFacts>),
    ) {
        out.writes.push(Write::Audit {
            at: cx.now,
            actor: cx.address.clone(),
            principal: by.to_string(),
            action,
            subject: self.rows.task.id.to_string(),
            rules: Vec::new(),
            detail: detail.to_string(),
        });
    }

    /// What waits is looked at again at a date; what runs is by the sweep, and what is queued by its workspace.
    fn set_date(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        if self.rows.task.state == TaskState::Waiting {
            self.put_date(self.date(), out, cx);
        } else if self.has_date {
            out.writes.push(Write::TimerDrop { entity: cx.address.clone(), name: DEADLINE.to_owned() });
            self.has_date = false;
        }
    }

    pub(super) fn put_date(&mut self, due: Moment, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        out.writes.push(Write::TimerPut { entity: cx.address.clone(), name: DEADLINE.to_owned(), due });
        self.has_date = true;
    }

    /// When what waits is to be looked at.
    fn date(&self) -> Moment {
        let task = &self.rows.task;
        task.not_before.unwrap_or(task.deadline).min(task.deadline)
    }

    /// A date that has come stays until the task has left its state: nobody else would look at it if this process ended
    /// before.
    pub(super) fn keep_date(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        if matches!(self.rows.task.state, TaskState::Waiting | TaskState::Blocked) {
            self.put_date(self.date().max(cx.now.plus_ms(AGAIN_MS)), out, cx);
        }
    }

    fn tell_the_end(&mut self, sources: Vec<String>, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let task = &self.rows.task;
        if let Some(parent) = &task.parent {
            out.then.push(Effect::Wake(Address::task(&task.workspace, parent)));
        } else if task.state != TaskState::Rejected {
            let text = self.end_in_words();
            self.post(None, text, sources, (out, cx));
        }
        let task = &self.rows.task;
        let open = self.rows.children.iter().filter(|child| !child.state.is_terminal()).map(|child| &child.id);
        let others = open.chain(&self.rows.dependents).map(|id| Effect::Wake(Address::task(&task.workspace, id)));
        out.then.extend(others);
    }

    fn end_in_words(&self) -> String {
        let task = &self.rows.task;
        let head = format!("Task `{}` has {}: {}", task.id, has(task.state), task.spec.title);
        let was_posted = |step: &messages::store::StepRow| {
            matches!(&step.what, messages::step::What::Tool(call) if call.name == "post"
                && serde_json::from_str::<messages::tool::Post>(&call.arguments).is_ok_and(|post| post.text.trim() == task.result.trim()))
        };
        if !task.reason.is_empty() {
            format!("{head}\n\n{}", task.reason)
        } else if task.result.is_empty() {
            head
        } else if self.rows.steps.iter().any(was_posted) {
            format!("{head}\n\n(as posted above)")
        } else {
            format!("{head}\n\n{}", task.result)
        }
    }

    /// Says something in the chat that its words go to.
    pub(super) fn say(&self, words: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let task = &self.rows.task;
        let text = format!("Task `{}` ({}) {words}", task.id, task.spec.title);
        let number = SAID_ABOVE.saturating_add(u32::try_from(task.rev).unwrap_or(u32::MAX));
        self.post(Some(number), text, Vec::new(), (out, cx));
    }

    fn post(
        &self,
        step: Option<u32>,
        text: String,
        sources: Vec<String>,
        (out, cx): (&mut Decision, &Cx<'_, WorkFacts>),
    ) {
        let task = &self.rows.task;
        let chat = task.spec.turn.reply_to.clone();
        out.then.extend(Address::lane(&chat).ok().map(Effect::Wake));
        out.writes.push(Write::Task(TaskWrite::Post {
            task: task.id.clone(),
            step,
            seq: task.seq,
            context: task.context.clone(),
            chat,
            text,
            sources,
            at: cx.now,
        }));
    }
}

/// How a task ended, after "has".
pub(super) fn has(state: TaskState) -> &'static str {
    match state {
        TaskState::Succeeded => "succeeded",
        TaskState::Failed => "failed",
        TaskState::Cancelled => "been cancelled",
        TaskState::Expired => "expired",
        TaskState::Rejected => "been rejected",
        TaskState::Dead => "failed for good",
        _ => "not ended",
    }
}

/// How long a task waits after its `failures`-th failure.
pub(super) fn backoff_ms(failures: u32, seed: u64) -> i64 {
    let step = BACKOFF_MS.saturating_mul(1_i64 << failures.saturating_sub(1).min(16)).min(BACKOFF_MS_MAX);
    let half = step / 2;
    half + i64::try_from(seed % u64::try_from(half + 1).unwrap_or(1)).unwrap_or(0)
}
