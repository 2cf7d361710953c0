//! What a call asks, and what the fake says to it when it behaves.
//!
//! A question may hold lines `tools: <name> <arguments>`: the fake asks for these tools, one in each turn, in their order,
//! and answers when it has the results of all.

use serde_json::{Value, json};

/// Characters of a result that are repeated in the answer.
const RESULT_CHARS_MAX: usize = 200;
/// How a line that asks for a tool begins.
const SCRIPT: &str = "tools: ";
/// How a message begins that tells what happened, and asks nothing.
const TOLD: &str = "Between the marks stands what has happened since";

/// One call of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// What is asked, without its script.
    pub(super) question: String,
    /// The tools of the script, each with its arguments.
    script: Vec<(String, String)>,
    /// Answers that asked for tools since the question.
    turns: usize,
    /// What tools gave, and what happened, since the question.
    results: Vec<String>,
    /// The first tool that is offered.
    offered: String,
}

/// What the fake says: words, or tools it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Words(String),
    /// Names and arguments.
    Calls(Vec<(String, String)>),
}

impl Asked {
    /// Reads the body of a call.
    pub(super) fn read(body: &Value) -> Result<Self, String> {
        if body.get("stream").and_then(Value::as_bool) != Some(true) {
            return Err("this fake only streams; set `stream` to true".to_owned());
        }
        let messages = body.get("messages").and_then(Value::as_array).ok_or("`messages` is missing")?;
        let at = messages.iter().rposition(is_question).ok_or("there is no user message")?;
        let since = messages.get(at + 1..).unwrap_or_default();
        unanswered(since)?;
        let words = messages.get(at).map(content).unwrap_or_default();
        let words = words.rsplit_once("Question:\n").map_or(words, |(_, question)| question);
        let (script, question): (Vec<&str>, Vec<&str>) = words.lines().partition(|line| line.starts_with(SCRIPT));
        let tool = |line: &str| {
            let line = line.strip_prefix(SCRIPT)?.trim();
            let (name, arguments) = line.split_once(' ').unwrap_or((line, "{}"));
            Some((name.to_owned(), arguments.to_owned()))
        };
        Ok(Self {
            question: question.join("\n").trim_end().to_owned(),
            script: script.into_iter().filter_map(tool).collect(),
            turns: since.iter().filter(|message| message.get("tool_calls").is_some()).count(),
            results: since.iter().filter_map(result).collect(),
            offered: body.pointer("/tools/0/function/name").and_then(Value::as_str).unwrap_or("md_read").to_owned(),
        })
    }

    /// What is said to it in good order.
    pub(super) fn said(&self) -> Said {
        match self.script.get(self.turns) {
            Some(tool) => Said::Calls(vec![tool.clone()]),
            None => {
                let lines = std::iter::once(format!("echo: {}", self.question)).chain(self.results.iter().cloned());
                Said::Words(lines.collect::<Vec<_>>().join("\n"))
            }
        }
    }

    /// A tool that is asked for where the behaviour wants one: the next of the script, or the first that is offered.
    pub(super) fn tool(&self) -> (String, String) {
        let arguments = json!({"path": "notes/plan.md"}).to_string();
        self.script.get(self.turns).cloned().unwrap_or_else(|| (self.offered.clone(), arguments))
    }

    /// Which turn of the script it is; ids of calls hold it.
    pub(super) fn turn(&self) -> usize {
        self.turns
    }
}

fn role(message: &Value) -> &str {
    message.get("role").and_then(Value::as_str).unwrap_or_default()
}

fn content(message: &Value) -> &str {
    message.get("content").and_then(Value::as_str).unwrap_or_default()
}

fn is_question(message: &Value) -> bool {
    role(message) == "user" && !content(message).starts_with(TOLD)
}

/// What a tool gave or what happened, out of its fence.
fn result(message: &Value) -> Option<String> {
    let name = match role(message) {
        "tool" => "result",
        "user" => "told",
        _ => return None,
    };
    let words = content(message);
    let inside = words.split_once(">\n").and_then(|(_, rest)| Some(rest.rsplit_once("\n</")?.0));
    let shown: String = inside.unwrap_or(words).chars().take(RESULT_CHARS_MAX).collect();
    Some(format!("{name}: {shown}"))
}

/// Each call must have its result and each result its call, as z.ai wants it.
fn unanswered(since: &[Value]) -> Result<(), String> {
    let calls = since.iter().filter_map(|message| message.get("tool_calls")?.as_array()).flatten();
    let calls: Vec<&str> = calls.filter_map(|call| call.get("id")?.as_str()).collect();
    let tools = since.iter().filter(|message| role(message) == "tool");
    let results: Vec<&str> = tools.filter_map(|message| message.get("tool_call_id")?.as_str()).collect();
    if calls == results { Ok(()) } else { Err(format!("calls {calls:?} and results {results:?} do not match")) }
}
