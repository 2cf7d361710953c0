//! Tasks and steps.

use messages::TaskId;
use messages::step::{Cost, Reserve, What};
use messages::store::{StepWrite, TaskWrite};
use messages::task::{DESCENDANTS_MAX, NewTask, PRIORITIES};

use super::{Measured, lane, list, long, name};

/// The most tasks that one may depend on: as many as there may be below one root.
pub(super) const DEPENDENCIES_MAX: usize = DESCENDANTS_MAX as usize;

/// What of a task's write is wrong by itself.
pub(super) fn task(write: &TaskWrite) -> Result<(), String> {
    match write {
        TaskWrite::Put(task) => new(task),
        TaskWrite::Post { chat, .. } => lane(chat),
        TaskWrite::Move(to) => priority(&to.task, to.priority),
        TaskWrite::Claim { .. } | TaskWrite::Recorded { .. } | TaskWrite::Discard { .. } => Ok(()),
    }
}

fn new(task: &NewTask) -> Result<(), String> {
    let NewTask { id, key, workspace, context, parent, root, depth, state, spec, .. } = task;
    if *id != TaskId::of(workspace.as_str(), key) {
        return Err(format!("{id} is not the id of task {key} in {workspace}"));
    }
    if !state.may_begin() {
        return Err(format!("task {id} can't begin as {state}"));
    }
    if context.workspace_of().as_ref() != Some(workspace) {
        return Err(format!("{context} is no context of {workspace}"));
    }
    if parent.is_none() != (*depth == 0) || (parent.is_none() && root != id) {
        return Err(format!("task {id} is {depth} deep and its root is {root}; its parent says otherwise"));
    }
    if spec.depends_on.contains(id) {
        return Err(format!("task {id} can't depend on itself"));
    }
    let needs = spec.depends_on.len();
    if needs > DEPENDENCIES_MAX {
        return Err(format!("task {id} depends on {needs} others; at most {DEPENDENCIES_MAX}"));
    }
    priority(id, task.priority)
}

fn priority(task: &TaskId, priority: u8) -> Result<(), String> {
    if priority < PRIORITIES {
        return Ok(());
    }
    Err(format!("task {task} can't have priority {priority}; the last is {}", PRIORITIES - 1))
}

pub(super) fn texts_of_task(write: &TaskWrite) -> [Measured; 5] {
    match write {
        TaskWrite::Put(task) => [
            name("key", &task.key),
            name("title", &task.spec.title),
            long("input", &task.spec.input),
            list("prompt and memory", [&task.spec.prompt, &task.spec.memory.text]),
            list("tools and models", task.spec.tools.iter().chain(&task.spec.models)),
        ],
        TaskWrite::Move(to) => [long("reason", &to.reason), long("result", &to.result), None, None, None],
        TaskWrite::Post { text, sources, .. } => [long("text", text), list("sources", sources), None, None, None],
        TaskWrite::Discard { by, .. } => [name("by", by), None, None, None, None],
        TaskWrite::Claim { .. } | TaskWrite::Recorded { .. } => [None, None, None, None, None],
    }
}

pub(super) fn texts_of_step(write: &StepWrite) -> [Measured; 5] {
    match write {
        StepWrite::Start { what, reserve, .. } => {
            let [tool, arguments] = texts_of(what);
            let accounts = |reserve: &Reserve| list("accounts", reserve.limits.iter().map(|limit| &limit.account));
            [tool, arguments, reserve.as_ref().and_then(accounts), None, None]
        }
        StepWrite::End { what, output, cost, .. } => {
            let [tool, arguments] = texts_of(what);
            let accounts = |cost: &Cost| list("accounts", &cost.accounts);
            let model = cost.as_ref().and_then(|cost| name("model", &cost.model));
            [tool, arguments, long("output", output), cost.as_ref().and_then(accounts), model]
        }
    }
}

fn texts_of(what: &What) -> [Measured; 2] {
    match what {
        What::Tool(call) => [list("tool", [&call.id, &call.name]), long("arguments", &call.arguments)],
        What::Model | What::Children => [None, None],
    }
}
