//! The record of a task: a projection of its rows, rewritten whole. Deterministic: the same rows give the same bytes.

use markdown::civil::utc;
use messages::step::Usage;
use messages::store::TaskRows;
use messages::task::Spent;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::view::step_line;
use crate::run::{dollars, spent};

/// What stands before the hash by which a record is known as ours.
const MARK: &str = "\n<!-- written by agent-runtime, sha256 ";

/// The whole file.
pub(crate) fn render(rows: &TaskRows) -> String {
    let mut text = String::from("---\n");
    for (key, value) in front(rows) {
        // JSON is YAML: one key a line reads well enough, and no title can break it.
        text.push_str(&format!("{key}: {value}\n"));
    }
    text.push_str("---\n");
    sections(rows, &mut text);
    sealed(text)
}

fn front(rows: &TaskRows) -> Vec<(&'static str, Value)> {
    let (task, of) = (&rows.task, spent(&rows.steps));
    let principal = &task.spec.turn.principal;
    let chosen = rows.steps.iter().rev().map(|step| step.model.as_str()).find(|model| !model.is_empty());
    let mut front = vec![
        ("kind", json!("task")),
        ("id", json!(task.id)),
        ("workspace", json!(task.workspace)),
        ("context", json!(task.context.leaf())),
        ("title", json!(task.spec.title)),
        ("state", json!(task.state)),
    ];
    front.extend(task.wait.map(|wait| {
        let until = task.not_before.map(|at| utc(at.0));
        ("waiting", json!({ "kind": wait, "since": utc(task.moved_at.0), "until": until }))
    }));
    front.extend([
        ("priority", json!(task.priority)),
        ("created", json!(utc(task.created_at.0))),
        ("created_by", json!({ "user": principal.to_string(), "via": task.inbound })),
        ("parent", json!(task.parent)),
        ("depends_on", json!(task.spec.depends_on)),
        ("model", json!({ "class": task.spec.purpose, "chosen": chosen })),
        ("run", json!(task.run)),
        ("failures", json!(task.failures)),
        ("budget", amounts(task.budget.whole())),
        ("spent", amounts(of)),
        ("rev", json!(task.rev)),
    ]);
    front
}

fn amounts(of: Spent) -> Value {
    json!({
        "usd": dollars(of.micro_usd),
        "input_tokens": of.input_tokens,
        "output_tokens": of.output_tokens,
        "tool_calls": of.tool_calls,
    })
}

fn sections(rows: &TaskRows, text: &mut String) {
    let task = &rows.task;
    text.push_str(&format!("\n## Input\n\n{}\n", task.spec.input.trim()));
    if !rows.steps.is_empty() {
        text.push_str("\n## Steps\n\n");
        for step in &rows.steps {
            text.push_str(&format!("{}. {}\n", step.seq, step_line(step)));
        }
        let all = rows.steps.iter().fold(Usage::default(), |sum, step| sum.plus(step.usage));
        text.push_str(&format!("\n{} tokens read ({} cached), {} written.\n", all.input, all.cached, all.output));
    }
    if !rows.children.is_empty() {
        text.push_str("\n## Subtasks\n\n");
        for child in &rows.children {
            text.push_str(&format!(
                "- {} {}: {}\n",
                child.id,
                child.state,
                markdown::text::clean_line(&child.title, 80)
            ));
        }
    }
    if !task.result.is_empty() {
        text.push_str(&format!("\n## Result\n\n{}\n", task.result.trim()));
    }
    if !task.reason.is_empty() {
        text.push_str(&format!("\n## Why\n\n{}\n", task.reason));
    }
}

pub(crate) fn sealed(mut text: String) -> String {
    let hash = hash(&text);
    text.push_str(&format!("{MARK}{hash} -->\n"));
    text
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Nobody but us has written this file.
pub(crate) fn is_ours(text: &str) -> bool {
    let Some((body, rest)) = text.rsplit_once(MARK) else { return false };
    rest.strip_suffix(" -->\n").is_some_and(|said| said == hash(body))
}

#[cfg(test)]
pub(crate) mod tests {
    use messages::model::{Answer, Purpose};
    use messages::step::{StepStatus, What};
    use messages::store::{StepRow, TaskRow, TaskView};
    use messages::task::{Budget, OnDependencyFailure, TaskLimits, TaskSpec, TaskState, Wait};
    use messages::tool::ToolCall;
    use messages::{InboundId, Moment, TaskId, Trace};

    use super::*;
    use crate::run::tests::ground::{NOON, context, slug, turn_of};

    pub(crate) fn id(key: &str) -> TaskId {
        TaskId::of("home", key)
    }

    /// A subtask in short.
    pub(crate) fn view(key: &str, parent: Option<&str>, state: TaskState, wait: Option<Wait>) -> TaskView {
        TaskView {
            id: id(key),
            parent: parent.map(id),
            context: context("general"),
            title: format!("Title of {key}"),
            state,
            wait,
            reason: String::new(),
            result: String::new(),
            not_before: None,
            budget: Budget::default(),
            spent: Spent::default(),
            place: 1,
            created_at: NOON,
            ended_at: state.is_terminal().then(|| NOON.plus_ms(90_000)),
            discarded_by: None,
        }
    }

    fn step(seq: u32, what: What, status: StepStatus, output: &str) -> StepRow {
        let asked = what == What::Model;
        let usage =
            if asked { Usage { input: 1_200, output: 300, cached: 1_000, reasoning: 100 } } else { Usage::default() };
        StepRow {
            seq,
            what,
            status,
            attempt: 1,
            output: output.into(),
            model: if asked { "big".into() } else { String::new() },
            usage,
            micro_usd: if asked { 12_300 } else { 0 },
            reserve: None,
            started_at: NOON,
            ended_at: (status != StepStatus::Started).then_some(NOON),
        }
    }

    fn tool(name: &str, arguments: &str) -> What {
        What::Tool(ToolCall { id: "call".into(), name: name.into(), arguments: arguments.into() })
    }

    fn task() -> TaskRow {
        TaskRow {
            id: id("k"),
            key: "k".into(),
            workspace: slug("home"),
            context: context("general"),
            seq: 1,
            inbound: InboundId::of("console", "e"),
            trace: Trace::default(),
            parent: None,
            root: id("k"),
            depth: 0,
            state: TaskState::Waiting,
            wait: Some(Wait::Quota),
            priority: 3,
            rev: 7,
            run: 2,
            epoch: 4,
            failures: 1,
            lost: 0,
            spec: TaskSpec {
                title: "Prices: \"week\" 47 # all".into(),
                input: "Compare the prices.\n\nThen tell.\n".into(),
                turn: turn_of("ann", "general"),
                prompt: "Be kind.".into(),
                memory: messages::task::Remembered::default(),
                tools: vec!["*".into()],
                models: Vec::new(),
                purpose: Purpose::Research,
                depends_on: vec![id("before")],
                on_dependency_failure: OnDependencyFailure::Cancel,
                limits: TaskLimits::default(),
                retry_of: Some(id("first")),
            },
            budget: Budget::default(),
            reason: "The day's budget of `node` is used up.".into(),
            result: String::new(),
            not_before: Some(Moment(NOON.0 + 43_200_000)),
            created_at: NOON,
            moved_at: NOON.plus_ms(61_000),
            started_at: Some(NOON.plus_ms(1_000)),
            deadline: NOON.plus_ms(604_800_000),
            ended_at: None,
            discarded_by: None,
            recorded: 3,
        }
    }

    /// A task that has used models and tools in each way, has subtasks and waits.
    pub(crate) fn rows() -> TaskRows {
        let answer = serde_json::to_string(&Answer { text: "I look.".into(), ..Answer::default() }).unwrap();
        let mut tried = step(6, What::Model, StepStatus::Failed, "It gave none.");
        tried.attempt = 3;
        let steps = vec![
            step(0, What::Model, StepStatus::Done, &answer),
            step(1, tool("md_read", r#"{"path":"notes/plan.md"}"#), StepStatus::Done, "secret words"),
            step(2, tool("md_write", "{"), StepStatus::Refused, "Refused: the arguments are not valid JSON."),
            step(3, tool("mail", "{}"), StepStatus::Unknown, "`mail` was cut off"),
            step(4, tool("search", "{}"), StepStatus::Failed, "The index is not there."),
            step(5, What::Children, StepStatus::Done, "All subtasks have ended."),
            tried,
        ];
        TaskRows {
            task: task(),
            steps,
            children: vec![
                view("one", Some("k"), TaskState::Succeeded, None),
                view("two", Some("k"), TaskState::Waiting, Some(Wait::InDoubt)),
            ],
            descendants: 2,
            depends_on: vec![(id("before"), TaskState::Succeeded)],
            dependents: Vec::new(),
            parent: None,
            epoch: 4,
            spending: Vec::new(),
        }
    }

    /// One that has succeeded.
    pub(crate) fn ended() -> TaskRows {
        let mut rows = rows();
        (rows.task.state, rows.task.wait, rows.task.not_before) = (TaskState::Succeeded, None, None);
        (rows.task.reason, rows.task.result) = (String::new(), "The prices are **equal**.\n".into());
        rows.task.ended_at = Some(NOON.plus_ms(61_000));
        rows.task.spec.retry_of = None;
        rows.children.clear();
        rows.steps.truncate(1);
        rows
    }

    #[test]
    fn a_record_shows_all_that_is_known_of_a_task() {
        insta::assert_snapshot!("waits", render(&rows()));
        insta::assert_snapshot!("ended", render(&ended()));
    }

    #[test]
    fn the_same_rows_give_the_same_bytes_and_other_rows_others() {
        assert_eq!(render(&rows()), render(&rows()));
        let mut moved = rows();
        moved.task.rev += 1;
        assert_ne!(render(&rows()), render(&moved));
    }

    #[test]
    fn no_title_and_no_words_break_the_frontmatter() {
        for title in ["---", "a: b\n---\n# c", "\u{1b}[2J", "'\"{}[]#&*!|>%@`"] {
            let mut rows = rows();
            rows.task.spec.title = title.into();
            let text = render(&rows);
            let (front, _) = text.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap();
            let line = front.lines().find_map(|line| line.strip_prefix("title: ")).unwrap();
            assert_eq!(serde_json::from_str::<String>(line).unwrap(), title);
            assert_eq!(front.lines().count(), 18, "{front}");
        }
    }

    #[test]
    fn a_record_that_somebody_edited_is_known() {
        let text = render(&rows());
        assert!(is_ours(&text));
        for (from, to) in
            [("Compare", "compare"), ("state: \"waiting\"", "state: \"succeeded\""), ("sha256 ", "sha256 0")]
        {
            assert!(text.contains(from), "{from}");
            assert!(!is_ours(&text.replacen(from, to, 1)), "{from}");
        }
        for edited in
            [format!("{text}\n"), format!("x{text}"), text.trim_end().to_owned(), String::new(), "mine".into()]
        {
            assert!(!is_ours(&edited), "{edited}");
        }
        // Words that look like a seal are words.
        let mut rows = rows();
        rows.task.spec.input = sealed("mine\n".into());
        assert!(is_ours(&render(&rows)));
    }
}
