//! What comes next, by the journal alone.

use messages::model::Answer;
use messages::step::{StepStatus, What};
use messages::store::StepRow;
use messages::tool::{Repeat, ToolCall};

/// Times that the same call with the same arguments may be made; the last of them ends the run.
pub(super) const SAME_CALL_MAX: usize = 3;
/// Calls in a row that may be refused, or can't be understood; one more ends the run.
pub(super) const REFUSED_MAX: usize = 3;
/// The tool that makes subtasks.
pub(super) const SPAWN: &str = "spawn_task";

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Ask a model.
    Ask { seq: u32 },
    /// Use a tool; `again`: it had begun before.
    Use { seq: u32, call: ToolCall, again: bool },
    /// Wait for the subtasks.
    Children { seq: u32 },
    /// It is done.
    Answer(Answer),
    /// A tool that can't be repeated had begun.
    InDoubt { seq: u32, call: ToolCall },
    /// It makes no way.
    Stuck(Stuck),
}

/// Why a run makes no way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stuck {
    SameCall(String),
    Refused,
    Turns(u32),
}

impl Stuck {
    pub(super) fn words(&self) -> String {
        match self {
            Self::SameCall(name) => {
                format!(
                    "The model asked {SAME_CALL_MAX} times for the same `{name}` with the same arguments; it goes in a circle and was ended."
                )
            }
            Self::Refused => {
                format!(
                    "{REFUSED_MAX} calls of tools in a row were not allowed or not understood; it was ended. `/why` shows them."
                )
            }
            Self::Turns(max) => {
                format!(
                    "It was not done after {max} model calls and was ended. Ask for less at once, or raise the limit."
                )
            }
        }
    }
}

/// By what a run goes on.
pub(super) struct By<F: Fn(&str) -> Repeat> {
    /// Model calls in all.
    pub(super) turns_max: u32,
    /// It waits for the tasks that it makes; a turn does not.
    pub(super) joins: bool,
    /// Whether a tool that had begun may be used again.
    pub(super) repeat: F,
}

/// What follows from these steps.
pub(super) fn next<F: Fn(&str) -> Repeat>(steps: &[StepRow], by: &By<F>) -> Next {
    let Some(last) = steps.last() else { return Next::Ask { seq: 0 } };
    let seq = last.seq;
    match (&last.what, last.status) {
        (What::Model, StepStatus::Done) => {}
        (What::Model, _) => return ask(steps, seq, by.turns_max),
        (What::Tool(call), StepStatus::Started) => return begun(seq, call.clone(), (by.repeat)(&call.name)),
        (What::Tool(call), StepStatus::Unknown) => return Next::Use { seq, call: call.clone(), again: true },
        (What::Children, status) if status != StepStatus::Done => return Next::Children { seq },
        _ => {}
    }
    after(steps, seq + 1, by.turns_max, by.joins)
}

/// A tool had begun when the run was cut off.
fn begun(seq: u32, call: ToolCall, repeat: Repeat) -> Next {
    match repeat {
        Repeat::Never => Next::InDoubt { seq, call },
        Repeat::Free | Repeat::Asks | Repeat::InCommit => Next::Use { seq, call, again: true },
    }
}

/// All steps have ended: the next call of the last answer, or the next answer.
fn after(steps: &[StepRow], seq: u32, turns_max: u32, joins: bool) -> Next {
    let at = steps.iter().rposition(|step| step.what == What::Model);
    let answer = at.and_then(|at| steps.get(at)).map(|step| read(&step.output)).unwrap_or_default();
    let since = at.and_then(|at| steps.get(at + 1..)).unwrap_or_default();
    if let Some(call) = answer.calls.get(since.len()) {
        return may_use(steps, seq, call.clone());
    }
    let told = since.last().is_some_and(|step| step.what == What::Children);
    if !answer.calls.is_empty() || told {
        return ask(steps, seq, turns_max);
    }
    if joins && spawned_since_told(steps) { Next::Children { seq } } else { Next::Answer(answer) }
}

fn may_use(steps: &[StepRow], seq: u32, call: ToolCall) -> Next {
    let same = |step: &&StepRow| matches!(&step.what, What::Tool(made) if made.name == call.name && same_arguments(&made.arguments, &call.arguments));
    if steps.iter().filter(same).count() + 1 >= SAME_CALL_MAX {
        return Next::Stuck(Stuck::SameCall(call.name));
    }
    let tools = steps.iter().rev().filter(|step| matches!(step.what, What::Tool(_)));
    if tools.take_while(|step| step.status == StepStatus::Refused).count() >= REFUSED_MAX {
        return Next::Stuck(Stuck::Refused);
    }
    Next::Use { seq, call, again: false }
}

/// The same JSON, whatever white space and order of keys it is written with.
fn same_arguments(a: &str, b: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    a == b || matches!((read(a), read(b)), (Some(a), Some(b)) if a == b)
}

fn ask(steps: &[StepRow], seq: u32, turns_max: u32) -> Next {
    let made = steps.iter().filter(|step| step.what == What::Model && step.seq != seq).count();
    if made >= usize::try_from(turns_max).unwrap_or(usize::MAX) {
        return Next::Stuck(Stuck::Turns(turns_max));
    }
    Next::Ask { seq }
}

fn spawned_since_told(steps: &[StepRow]) -> bool {
    let since = steps.iter().rev().take_while(|step| step.what != What::Children);
    let spawns = |step: &StepRow| {
        matches!(&step.what, What::Tool(call) if call.name == SPAWN) && step.status == StepStatus::Done
    };
    since.into_iter().any(spawns)
}

/// What a model answered, as its step has it; nothing when its words were erased.
pub(super) fn read(output: &str) -> Answer {
    serde_json::from_str(output).unwrap_or_default()
}
