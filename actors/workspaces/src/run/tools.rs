//! Using a tool: policy decides each use at the moment it is made, whatever the model was told before.

use messages::step::StepStatus;
use messages::step::What;
use messages::store::Write;
use messages::tool::{ARGUMENTS_BYTES_MAX, Repeat, Risk, ToolCall, ToolSpec, Use};
use policy::{Action, Request, Resource, Tool};

use super::next::SPAWN;
use super::{End, Ground, Run, Todo};

/// The tool that says something in the turn's chat.
const POST: &str = "post";

impl Run {
    /// One call of a tool. `None`: it has ended, and the run goes on.
    pub(super) fn tool(
        &mut self,
        seq: u32,
        call: ToolCall,
        again: bool,
        (on, writes): (&mut Ground<'_>, &mut Vec<Write>),
    ) -> Option<Todo> {
        let spec = match self.judge(&call, on) {
            Ok(spec) => spec,
            // It had begun when it was allowed: whether it was done can't be asked now, and must not be held for undone.
            Err(words) if again && on.facts.repeat(&call.name) != Repeat::Free => {
                let words = format!("`{}` had begun and is not allowed any more: {words}", call.name);
                self.end(seq, What::Tool(call), (StepStatus::Unknown, words.clone(), None), (on.now, writes));
                return Some(Todo::End(End::InDoubt(words)));
            }
            Err(words) => {
                self.record("tool.refused", &call.name, &words, (on, writes));
                self.end(seq, What::Tool(call), (StepStatus::Refused, words, None), (on.now, writes));
                return None;
            }
        };
        if self.left(on).tool_calls == 0 {
            let words = format!(
                "The budget of {} uses of tools is used up. `/tasks retry` gives it once more.",
                self.brief.budget.tool_calls
            );
            return Some(Todo::End(End::Parked { words, until: None }));
        }
        if spec.risk > Risk::Low {
            self.record("tool.used", &call.name, "", (on, writes));
        }
        if spec.repeat == Repeat::InCommit {
            let (status, words) = match call.name.as_str() {
                SPAWN => self.spawn(seq, &call, (on, writes)),
                POST => self.post(seq, &call, (on, writes)),
                other => (StepStatus::Failed, format!("`{other}` can't be used in this release.")),
            };
            self.end(seq, What::Tool(call), (status, words, None), (on.now, writes));
            return None;
        }
        if matches!(spec.repeat, Repeat::Asks | Repeat::Never) && on.facts.marks_tools() {
            self.start(seq, What::Tool(call.clone()), None, (on.now, writes));
        }
        let (work, scope, trace) = (self.brief.work.clone(), self.brief.turn.scope.clone(), self.brief.trace.clone());
        Some(Todo::Use(Box::new(Use { call, work, seq, scope, again, trace })))
    }

    /// May this call be made; if not, why, for the model and for `/why`.
    fn judge<'f>(&self, call: &ToolCall, on: &Ground<'f>) -> Result<&'f ToolSpec, String> {
        let Some(spec) = on.facts.tool(&call.name) else {
            return Err(format!("Refused: there is no tool `{}`.", markdown::text::clean_line(&call.name, 64)));
        };
        if call.arguments.len() > ARGUMENTS_BYTES_MAX {
            return Err(format!("Refused: the arguments have more than {ARGUMENTS_BYTES_MAX} bytes."));
        }
        self.may_use(spec, on)?;
        match serde_json::from_str::<serde_json::Value>(&call.arguments) {
            Ok(serde_json::Value::Object(_)) => Ok(spec),
            Ok(_) => {
                Err(format!("Refused: the arguments are no JSON object. They must fit this schema: {}", spec.schema))
            }
            Err(error) => Err(format!(
                "Refused: the arguments are not valid JSON ({error}). They must fit this schema: {}",
                spec.schema
            )),
        }
    }

    /// The context's tools, those that were fixed with the work, and what the person's role may use: all three.
    pub(super) fn may_use(&self, spec: &ToolSpec, on: &Ground<'_>) -> Result<(), String> {
        if spec.tasks_only && self.brief.is_interactive() {
            return Err(format!("Refused: `{}` is for tasks; in a conversation the answer itself is said.", spec.name));
        }
        if !self.brief.tools.iter().any(|name| *name == spec.name || name == "*") {
            return Err(format!("Refused: `{}` was not allowed when this work was made.", spec.name));
        }
        let principal = &self.brief.turn.principal;
        let tool = Some(Tool { name: &spec.name, risk: spec.risk });
        let decided = on.facts.policy.decide(&Request {
            principal,
            role: on.facts.role(principal),
            action: Action::UseTool,
            resource: Resource { context: on.people, turn_of: None, tool },
        });
        if decided.allow() {
            return Ok(());
        }
        Err(format!("Refused: {} (rule {}).", decided.reason, decided.rules.join(", ")))
    }

    fn record(&self, action: &str, tool: &str, words: &str, (on, writes): (&Ground<'_>, &mut Vec<Write>)) {
        let detail = serde_json::json!({ "tool": markdown::text::clean_line(tool, 64), "why": words });
        writes.push(Write::Audit {
            at: on.now,
            actor: on.actor.clone(),
            principal: self.brief.turn.principal.to_string(),
            action: action.to_owned(),
            subject: self.brief.work.as_str().to_owned(),
            rules: Vec::new(),
            detail: detail.to_string(),
        });
    }
}
