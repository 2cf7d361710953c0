//! What models are told of the tools. Short: all of it is part of every prompt.

use messages::tool::{Repeat, Risk, ToolSpec};

pub(crate) const MD_READ: &str = "md_read";
pub(crate) const MD_LIST: &str = "md_list";
pub(crate) const MD_WRITE: &str = "md_write";
pub(crate) const SEARCH: &str = "search";
pub(crate) const SPAWN_TASK: &str = "spawn_task";
pub(crate) const POST: &str = "post";

const MD_READ_SCHEMA: &str = r#"{"type":"object","properties":{"path":{"type":"string","description":"as search and md_list show it, e.g. notes/plan.md"},"offset":{"type":"integer","minimum":0,"description":"byte to begin at; default 0"}},"required":["path"],"additionalProperties":false}"#;

const MD_LIST_SCHEMA: &str = r#"{"type":"object","properties":{"folder":{"type":"string","description":"default: the top"},"after":{"type":"string","description":"last name of the page before"}},"required":[],"additionalProperties":false}"#;

const MD_WRITE_SCHEMA: &str = r#"{"type":"object","properties":{"path":{"type":"string","description":"ends in .md, .markdown or .txt"},"text":{"type":"string","description":"the whole new text"},"replaces":{"type":"string","description":"the sha256 that md_read showed; \"\" for a new file"}},"required":["path","text","replaces"],"additionalProperties":false}"#;

const SEARCH_SCHEMA: &str = r#"{"type":"object","properties":{"query":{"type":"string"},"limit":{"type":"integer","minimum":1,"maximum":20,"description":"default 8"}},"required":["query"],"additionalProperties":false}"#;

const SPAWN_TASK_SCHEMA: &str = r#"{"type":"object","properties":{"title":{"type":"string","description":"one line"},"input":{"type":"string","description":"all that the task needs to know"},"depends_on":{"type":"array","items":{"type":"string"},"description":"ids of tasks that must end first"},"tools":{"type":"array","items":{"type":"string"},"description":"default: yours"},"budget_usd":{"type":"number","description":"of your budget"},"on_dependency_failure":{"type":"string","enum":["cancel","run"],"description":"default cancel"}},"required":["title","input"],"additionalProperties":false}"#;

const POST_SCHEMA: &str =
    r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}"#;

/// All tools of this release.
#[must_use]
pub fn registry() -> Vec<ToolSpec> {
    vec![
        spec(MD_READ, "Reads a text file: its size and sha256, then its text.", MD_READ_SCHEMA),
        spec(MD_LIST, "Lists a folder: names, sizes, folders with a slash.", MD_LIST_SCHEMA),
        ToolSpec {
            risk: Risk::Medium,
            repeat: Repeat::Asks,
            ..spec(MD_WRITE, "Writes a text file whole, new or in place of the text you read.", MD_WRITE_SCHEMA)
        },
        spec(
            SEARCH,
            "Finds passages in files, and in this context's log and memory. Narrowed by \"exact phrase\", -word, path:, tag:, after:.",
            SEARCH_SCHEMA,
        ),
        ToolSpec {
            repeat: Repeat::InCommit,
            ..spec(SPAWN_TASK, "Starts a task that works on its own; gives its id.", SPAWN_TASK_SCHEMA)
        },
        ToolSpec {
            repeat: Repeat::InCommit,
            tasks_only: true,
            ..spec(POST, "Says something in the chat now, before the task ends.", POST_SCHEMA)
        },
    ]
}

/// A tool that only reads.
fn spec(name: &str, what: &str, schema: &str) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        what: what.to_owned(),
        schema: schema.to_owned(),
        risk: Risk::Low,
        repeat: Repeat::Free,
        tasks_only: false,
    }
}
