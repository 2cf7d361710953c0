//! `/task`: a task is made in the commit that answers.

use messages::model::Purpose;
use messages::task::{NewTask, OnDependencyFailure, TaskId, TaskLimits, TaskSpec, TaskState};
use messages::{Address, Moment};
use runtime::Cx;

use super::run::wake;
use super::{Decision, Queued, State};
use crate::WorkFacts;
use crate::run::{put, seconds_ms, title_of};

/// Background work: it goes after what people wait for.
const PRIORITY: u8 = 3;

impl State {
    pub(super) fn make_task(
        &mut self,
        words: &str,
        next: &Queued,
        out: &mut Decision,
        cx: &Cx<'_, WorkFacts>,
    ) -> String {
        let task = self.task_of(words, next, cx);
        let words = format!(
            "Task `{}` is queued: {}. Its result comes here; `/tasks show {}` tells how it stands.",
            task.id, task.spec.title, task.id
        );
        let detail = serde_json::json!({ "task": task.id }).to_string();
        out.writes.push(Self::audit(cx, "task.made", next.row.id.as_str(), Some(&next.turn), detail));
        put(task, &mut out.writes);
        wake(Address::of_workspace(&self.workspace), out);
        words
    }

    fn task_of(&self, words: &str, next: &Queued, cx: &Cx<'_, WorkFacts>) -> NewTask {
        let (definition, limits) = (&self.in_force.context, cx.facts.limits);
        let key = next.row.id.to_string();
        let id = TaskId::of(self.workspace.as_str(), &key);
        let spec = TaskSpec {
            title: title_of(words),
            input: words.to_owned(),
            turn: next.turn.clone(),
            prompt: definition.prompt.clone(),
            memory: self.in_force.memory.clone(),
            tools: definition.tools.clone(),
            models: definition.models.clone(),
            purpose: Purpose::Research,
            depends_on: Vec::new(),
            on_dependency_failure: OnDependencyFailure::Cancel,
            limits: TaskLimits {
                answer_bytes: definition.limits.answer_bytes,
                passages: definition.limits.passages,
                ..limits.task_limits
            },
            retry_of: None,
        };
        NewTask {
            root: id.clone(),
            id,
            key,
            workspace: self.workspace.clone(),
            context: cx.address.clone(),
            seq: next.row.seq,
            trace: next.row.trace.clone(),
            parent: None,
            depth: 0,
            state: TaskState::Queued,
            priority: PRIORITY,
            budget: limits.task,
            deadline: deadline(cx.now, &spec.limits),
            at: cx.now,
            spec,
        }
    }
}

fn deadline(now: Moment, limits: &TaskLimits) -> Moment {
    now.plus_ms(seconds_ms(limits.deadline_s))
}
