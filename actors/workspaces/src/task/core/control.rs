//! What people ask of a task. It decides itself who may.

use messages::Address;
use messages::step::{StepStatus, What};
use messages::store::{TaskWrite, Write};
use messages::task::{Msg, NewTask, Reply, TaskId, TaskSpec, TaskState, Wait};
use messages::tool::Repeat;
use messages::turn::Principal;
use policy::{Action, Request, Resource};
use runtime::{AskId, Cx};

use super::moves::Change;
use super::{Decision, Effect, Live};
use crate::WorkFacts;
use crate::run::{put, seconds_ms};

/// How long a step that must not be cut off may still take when its task is cancelled.
const GRACE_MS: i64 = 10_000;
/// Resumed by a person, or had begun when its node was lost: before what is in the background.
pub(super) const RESUMED: u8 = 1;

impl Live {
    pub(super) fn asked_to(&mut self, msg: &Msg, ask: AskId, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let (Msg::Cancel(who) | Msg::Retry(who) | Msg::Discard(who)) = msg;
        let reply = match self.may(who, cx) {
            Err(why) => Reply::Refused(why),
            Ok(()) => match msg {
                Msg::Cancel(who) => self.cancel_by(who, out, cx),
                Msg::Retry(who) => self.retry_by(who, out, cx),
                Msg::Discard(who) => self.discard_by(who, out, cx),
            },
        };
        out.answers.push((ask, reply));
    }

    fn may(&self, who: &Principal, cx: &Cx<'_, WorkFacts>) -> Result<(), String> {
        let turn_of = Some(&self.rows.task.spec.turn.principal);
        let resource = Resource { context: &self.people, turn_of, tool: None };
        let role = cx.facts.role(who);
        let decided = cx.facts.policy.decide(&Request { principal: who, role, action: Action::TaskControl, resource });
        if decided.allow() {
            return Ok(());
        }
        Err(format!("Denied: {} (rule {}).", decided.reason, decided.rules.join(", ")))
    }

    fn cancel_by(&mut self, who: &Principal, out: &mut Decision, cx: &Cx<'_, WorkFacts>) -> Reply {
        let (id, state) = (self.rows.task.id.clone(), self.rows.task.state);
        if state.is_terminal() {
            return Reply::Refused(format!("Task `{id}` has ended: it is {state}."));
        }
        if state == TaskState::Cancelling {
            return Reply::Done(format!("Task `{id}` is being cancelled already."));
        }
        self.cancel(&format!("by {}", who.user), out, cx);
        Reply::Done(match self.rows.task.state {
            TaskState::Cancelling => format!("Task `{id}` is being cancelled; it ends within {} s.", GRACE_MS / 1_000),
            _ => format!("Task `{id}` is cancelled."),
        })
    }

    /// Stops at once, but for a step that must not be cut off: that one has a while.
    pub(super) fn cancel(&mut self, why: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let to = Change { reason: why.to_owned(), ..Change::to(TaskState::Cancelling) };
        match self.rows.task.state {
            TaskState::Running if self.must_not_be_cut_off(cx) => {
                self.change(to, out, cx);
                self.put_date(cx.now.plus_ms(GRACE_MS), out, cx);
            }
            TaskState::Running => {
                self.change(to, out, cx);
                self.cancelled(why, out, cx);
            }
            TaskState::Draft => {
                self.change(Change { reason: why.to_owned(), ..Change::to(TaskState::Rejected) }, out, cx);
            }
            _ => self.cancelled(why, out, cx),
        }
    }

    fn must_not_be_cut_off(&self, cx: &Cx<'_, WorkFacts>) -> bool {
        let last = self.run.as_ref().and_then(|run| run.steps.last()).filter(|_| self.busy_since.is_some());
        last.is_some_and(|step| match &step.what {
            What::Tool(call) if step.status == StepStatus::Started => cx.facts.repeat(&call.name) != Repeat::Free,
            _ => false,
        })
    }

    /// The end of a cancelled task; what still runs is given up.
    pub(super) fn cancelled(&mut self, why: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let why = if why.is_empty() { self.rows.task.reason.clone() } else { why.to_owned() };
        self.close_journal("the task was cancelled", out, cx);
        self.change(Change { reason: why, ..Change::to(TaskState::Cancelled) }, out, cx);
    }

    /// A task that ends leaves no step open, be it one of this run or of an earlier one.
    pub(super) fn close_journal(&mut self, why: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.give_up(why, out, cx);
        if self.run.is_none() {
            let steps = std::mem::take(&mut self.rows.steps);
            let mut run = crate::run::Run::new(self.brief(), steps, self.rows.spending.clone(), cx.now);
            run.give_up(why, cx.now, &mut out.writes);
            self.rows.steps = run.steps;
        }
    }

    fn retry_by(&mut self, who: &Principal, out: &mut Decision, cx: &Cx<'_, WorkFacts>) -> Reply {
        let task = &self.rows.task;
        let (id, state) = (task.id.clone(), task.state);
        match (state, task.wait) {
            (TaskState::Waiting, Some(Wait::Child)) => {
                Reply::Refused(format!("Task `{id}` waits for its subtasks; `/tasks show {id}` lists them."))
            }
            (TaskState::Waiting, wait) => {
                let again = wait == Some(Wait::Quota) && self.budget_has_ended(cx);
                let budget = again.then(|| self.rows.task.budget.plus(cx.facts.limits.task));
                let reason = format!("resumed by {}", who.user);
                let change = Change { reason, budget, priority: Some(RESUMED), ..Change::to(TaskState::Queued) };
                self.change(change, out, cx);
                let more = if again { " with its budget given once more" } else { "" };
                Reply::Done(format!("Task `{id}` goes on{more}."))
            }
            (TaskState::Succeeded, _) => {
                Reply::Refused(format!("Task `{id}` has succeeded; there is nothing to try again."))
            }
            _ if state.is_terminal() => self.try_again(who, out, cx),
            _ => Reply::Refused(format!("Task `{id}` is {state}; it waits for nobody.")),
        }
    }

    /// What has ended stays so: another task does the same again.
    fn try_again(&mut self, who: &Principal, out: &mut Decision, cx: &Cx<'_, WorkFacts>) -> Reply {
        let task = &self.rows.task;
        if task.parent.is_some() {
            return Reply::Refused(format!("Task `{}` was part of `{}`; try that one again.", task.id, task.root));
        }
        if task.spec.input.is_empty() {
            return Reply::Refused(format!(
                "The words of task `{}` were deleted; there is nothing to try again.",
                task.id
            ));
        }
        let key = format!("retry/{}/{}", task.id, task.rev);
        let id = TaskId::of(task.workspace.as_str(), &key);
        // What it was told of the conversation was erased with its end.
        let memory = messages::task::Remembered::default();
        let spec = TaskSpec { retry_of: Some(task.id.clone()), depends_on: Vec::new(), memory, ..task.spec.clone() };
        let new = NewTask {
            root: id.clone(),
            id: id.clone(),
            key,
            workspace: task.workspace.clone(),
            context: task.context.clone(),
            seq: task.seq,
            trace: task.trace.clone(),
            parent: None,
            depth: 0,
            state: TaskState::Queued,
            priority: RESUMED,
            budget: task.budget,
            deadline: cx.now.plus_ms(seconds_ms(spec.limits.deadline_s)),
            at: cx.now,
            spec,
        };
        put(new, &mut out.writes);
        self.audit("task.retried".to_owned(), who, &serde_json::json!({}), (out, cx));
        out.then.push(Effect::Wake(Address::of_workspace(&self.rows.task.workspace)));
        Reply::Done(format!("Task `{}` is tried again as `{id}`.", self.rows.task.id))
    }

    fn discard_by(&mut self, who: &Principal, out: &mut Decision, cx: &Cx<'_, WorkFacts>) -> Reply {
        let task = &self.rows.task;
        if task.state != TaskState::Dead {
            return Reply::Refused(format!("Task `{}` is {}; only a dead letter is discarded.", task.id, task.state));
        }
        if let Some(by) = &task.discarded_by {
            return Reply::Refused(format!("Task `{}` was discarded by {by}.", task.id));
        }
        let by = who.to_string();
        out.writes.push(Write::Task(TaskWrite::Discard { task: task.id.clone(), by: by.clone(), at: cx.now }));
        let words = format!("Task `{}` is discarded.", task.id);
        let task = &mut self.rows.task;
        (task.discarded_by, task.rev) = (Some(by), task.rev + 1);
        self.audit("task.discarded".to_owned(), who, &serde_json::json!({}), (out, cx));
        Reply::Done(words)
    }
}
