//! What people write of a context and a workspace: frontmatter and a prompt, read from Markdown.

use markdown::frontmatter::{self, Broken};
use policy::{Answers, ContextFacts};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The largest definition file in bytes.
pub const FILE_BYTES_MAX: usize = 262_144;
/// The prompt of a context whose file has none.
pub const DEFAULT_PROMPT: &str = "Answer briefly and only from what you know or were given. Name the files you quote.";

/// A context as its file defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The first 12 hexadecimal characters of the file's SHA-256, or `built-in`.
    pub version: String,
    /// Chats that are bound to it, `telegram/-100123`; the console reaches every context by its name.
    pub bindings: Vec<String>,
    /// Tools that models may use for it, by name; `*` stands for all. Empty: none.
    pub tools: Vec<String>,
    /// Models it may use, by name; empty: any.
    pub models: Vec<String>,
    /// Knowledge that it may read, as path patterns.
    pub paths: Vec<String>,
    /// What the file says about people.
    pub people: People,
    /// What an edit does to a turn that runs.
    pub edits: Edits,
    /// Its limits.
    pub limits: Limits,
    /// The system prompt.
    pub prompt: String,
}

/// Who may use a context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// `None`: anyone the connector vouches for.
    pub members: Option<Vec<String>>,
    /// Whom it does not react to.
    pub ignore: Vec<String>,
    /// Whether talk is answered.
    pub answers: bool,
}

/// What an edit of the words of a running turn does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edits {
    /// The turn goes on; the new words are a turn of their own after it.
    #[default]
    Follow,
    /// The turn is stopped and the new words take its place.
    Restart,
}

/// A context's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// A turn that has run for so many seconds is given up (1 to 3,600).
    pub turn_seconds: u64,
    /// An event that has waited for so many seconds is not begun any more (1 to 86,400).
    pub wait_seconds: u64,
    /// An answer is cut after so many bytes (200 to 60,000).
    pub answer_bytes: usize,
    /// Log entries that go into a prompt (0 to 100).
    pub history: usize,
    /// Passages that go into a prompt (0 to 20).
    pub passages: u32,
    /// Bytes of the conversation's logs from which on they go into memory (0 to 200,000); 0: never.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            turn_seconds: 300,
            wait_seconds: 3_600,
            answer_bytes: 16_000,
            history: 20,
            passages: 6,
            memory_bytes: 24_000,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Front {
    bindings: Vec<String>,
    tools: Vec<String>,
    models: Vec<String>,
    paths: Option<Vec<String>>,
    members: Option<Vec<String>>,
    ignore: Vec<String>,
    answers: Option<Reacts>,
    edits: Edits,
    limits: Limits,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reacts {
    Always,
    Never,
}

impl Default for Definition {
    fn default() -> Self {
        Self {
            version: "built-in".to_owned(),
            bindings: Vec::new(),
            tools: Vec::new(),
            models: Vec::new(),
            paths: vec!["**".to_owned()],
            people: People { answers: true, ..People::default() },
            edits: Edits::default(),
            limits: Limits::default(),
            prompt: DEFAULT_PROMPT.to_owned(),
        }
    }
}

impl Definition {
    /// Reads a context's file.
    ///
    /// # Errors
    /// [`Broken`] with line and reason: bad frontmatter, an unknown key, a limit out of its range.
    pub fn parse(text: &str) -> Result<Self, Broken> {
        let document = frontmatter::parse::<Front>(text)?;
        let front = document.front;
        check(&front.limits, text)?;
        let prompt = document.body.trim();
        let prompt = if prompt.is_empty() { DEFAULT_PROMPT } else { prompt };
        let people = People {
            members: front.members,
            ignore: front.ignore,
            answers: !matches!(front.answers, Some(Reacts::Never)),
        };
        Ok(Self {
            version: version_of(text),
            bindings: front.bindings,
            tools: front.tools,
            models: front.models,
            paths: front.paths.unwrap_or_else(|| vec!["**".to_owned()]),
            people,
            edits: front.edits,
            limits: front.limits,
            prompt: prompt.to_owned(),
        })
    }

    /// The facts that policy decides by.
    #[must_use]
    pub fn facts(&self, workspace: &WorkspaceDefinition) -> ContextFacts {
        ContextFacts {
            members: self.people.members.clone(),
            ignore: self.people.ignore.clone(),
            answers: if self.people.answers { Answers::Always } else { Answers::Never },
            owner: workspace.is_private.then(|| workspace.owner.clone()),
            tools: self.tools.clone(),
        }
    }
}

/// The first 12 hexadecimal characters of a text's SHA-256.
#[must_use]
pub fn version_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn check(limits: &Limits, text: &str) -> Result<(), Broken> {
    let ranges = [
        ("turn_seconds", limits.turn_seconds, 1, 3_600),
        ("wait_seconds", limits.wait_seconds, 1, 86_400),
        ("answer_bytes", limits.answer_bytes as u64, 200, 60_000),
        ("history", limits.history as u64, 0, 100),
        ("passages", u64::from(limits.passages), 0, 20),
        ("memory_bytes", limits.memory_bytes, 0, 200_000),
    ];
    for (key, value, min, max) in ranges {
        if !(min..=max).contains(&value) {
            let line = text.lines().position(|line| names(line, key)).map_or(1, |at| at + 1);
            return Err(Broken { line, column: 0, why: format!("limits.{key} is {value}; it must be {min} to {max}") });
        }
    }
    Ok(())
}

/// A line of frontmatter names a key, at its beginning or between braces; a comment names none.
fn names(line: &str, key: &str) -> bool {
    let said = line.split('#').next().unwrap_or_default();
    said.split([',', '{']).any(|part| part.split_once(':').is_some_and(|(name, _)| name.trim() == key))
}

/// A workspace as its file defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceDefinition {
    /// Its name for people.
    pub name: String,
    /// Only its owner may use it.
    pub is_private: bool,
    /// Who that is; empty: nobody.
    pub owner: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkspaceFront {
    name: String,
    #[serde(default)]
    kind: WorkspaceKind,
    #[serde(default)]
    owner: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WorkspaceKind {
    #[default]
    Community,
    Private,
}

impl Default for WorkspaceDefinition {
    /// What holds while a workspace's file has never been read: closed to everyone.
    fn default() -> Self {
        Self { name: String::new(), is_private: true, owner: String::new() }
    }
}

impl WorkspaceDefinition {
    /// Reads a workspace's file.
    ///
    /// # Errors
    /// [`Broken`] with line and reason; a private workspace without an owner is broken too.
    pub fn parse(text: &str) -> Result<Self, Broken> {
        let front = frontmatter::parse::<WorkspaceFront>(text)?.front;
        let is_private = front.kind == WorkspaceKind::Private;
        if is_private && front.owner.trim().is_empty() {
            let why = "kind is private, so an owner is needed: `owner: ann`".to_owned();
            return Err(Broken { line: 1, column: 0, why });
        }
        Ok(Self { name: front.name, is_private, owner: front.owner })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default_context() {
        let read = Definition::parse("").unwrap();
        assert_eq!(Definition { version: "built-in".into(), ..read }, Definition::default());
    }

    #[test]
    fn all_keys_are_read_and_the_body_is_the_prompt() {
        let text = "---\nbindings: [telegram/-100]\nmodels: [offline]\npaths: ['notes/**']\nmembers: [ann]\nignore: [bot]\n\
                    answers: never\nedits: restart\nlimits: {turn_seconds: 5, passages: 0}\n---\n\nBe kind.\n";
        let read = Definition::parse(text).unwrap();
        assert_eq!((read.prompt.as_str(), read.edits, read.limits.turn_seconds), ("Be kind.", Edits::Restart, 5));
        assert_eq!(
            read.people,
            People { members: Some(vec!["ann".into()]), ignore: vec!["bot".into()], answers: false }
        );
    }

    #[test]
    fn unknown_keys_and_limits_out_of_range_are_refused_with_their_line() {
        let unknown = Definition::parse("---\npaths: []\npath: []\n---\n").unwrap_err();
        assert_eq!(unknown.line, 3, "{unknown}");
        for (value, ok) in [(0, false), (1, true), (3_600, true), (3_601, false)] {
            let read = Definition::parse(&format!("---\nlimits:\n  turn_seconds: {value}\n---\n"));
            assert_eq!(read.is_ok(), ok, "{value}");
            if let Err(broken) = read {
                assert_eq!(broken.line, 3);
            }
        }
        let between_braces = "---\npaths: []\n# history: 7\nlimits: {passages: 2, history: 1000}\n---\n";
        assert_eq!(Definition::parse(between_braces).unwrap_err().line, 4);
    }

    #[test]
    fn a_workspace_that_was_never_read_is_nobodys() {
        assert!(WorkspaceDefinition::default().is_private);
        assert!(WorkspaceDefinition::parse("---\nname: x\nkind: private\n---\n").is_err());
        assert!(WorkspaceDefinition::parse("---\nname: x\nkind: private\nowner: ann\n---\n").unwrap().is_private);
        assert!(!WorkspaceDefinition::parse("---\nname: Home\n---\n").unwrap().is_private);
    }
}
