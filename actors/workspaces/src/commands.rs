//! The one table of chat commands, the same in every connector.

use messages::{InboundId, TaskId};
use policy::Action;

/// One command as people see it.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// What policy decides on.
    pub action: Action,
    /// How it is written, `/open <path>[#heading] [page]`.
    pub usage: &'static str,
    /// What it does, in a few words.
    pub what: &'static str,
}

/// All commands, in the order of `/help`.
pub const TABLE: [Command; 12] = [
    Command { action: Action::Help, usage: "/help", what: "this list" },
    Command { action: Action::Search, usage: "/search <query>", what: "find passages" },
    Command { action: Action::Open, usage: "/open <path>[#heading] [page]", what: "read a file" },
    Command {
        action: Action::Task,
        usage: "/task <text>",
        what: "have it done in steps, beside the conversation; the result comes here",
    },
    Command {
        action: Action::Tasks,
        usage: "/tasks [all | show <id> | cancel <id> | retry <id> | discard <id>]",
        what: "the tasks of this context",
    },
    Command { action: Action::Memory, usage: "/memory", what: "what this context keeps of its conversation" },
    Command { action: Action::Forget, usage: "/forget <entry>", what: "take an entry out of that, by its id" },
    Command { action: Action::Status, usage: "/status", what: "how this context stands" },
    Command { action: Action::Why, usage: "/why <id>", what: "the whole way of a message and its answer" },
    Command { action: Action::Stop, usage: "/stop", what: "stop the turn that runs" },
    Command { action: Action::New, usage: "/new", what: "a fresh conversation: earlier messages are not looked at" },
    Command { action: Action::Whoami, usage: "/whoami", what: "who you are here and what you may do" },
];

/// What is asked about tasks; each id is the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TasksAsk {
    /// Those that have not ended, and dead letters that nobody has read; `all`: the others, too.
    List {
        /// Also those that have ended.
        all: bool,
    },
    /// One, with all below it.
    Show(String),
    /// Stop it.
    Cancel(String),
    /// Let it go on, or try it again.
    Retry(String),
    /// Its dead letter was read.
    Discard(String),
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Words for the model.
    Talk,
    /// `/help`.
    Help,
    /// `/search`.
    Search(String),
    /// `/open`, with the page from 0.
    Open(String, u32),
    /// `/status`.
    Status,
    /// `/why`, with the beginning of an id.
    Why(String),
    /// `/stop`.
    Stop,
    /// `/new`.
    New,
    /// `/whoami`.
    Whoami,
    /// `/task`.
    Task(String),
    /// `/tasks`.
    Tasks(TasksAsk),
    /// `/memory`.
    Memory,
    /// `/forget`, with the beginning of an entry's id.
    Forget(String),
    /// It begins like a command and is none; one sentence says what to do.
    Problem(String),
}

impl Input {
    /// What policy decides on. A problem is talk: who may not talk is told that first.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Talk | Self::Problem(_) => Action::Talk,
            Self::Help => Action::Help,
            Self::Search(_) => Action::Search,
            Self::Open(..) => Action::Open,
            Self::Status => Action::Status,
            Self::Why(_) => Action::Why,
            Self::Stop => Action::Stop,
            Self::New => Action::New,
            Self::Whoami => Action::Whoami,
            Self::Task(_) => Action::Task,
            Self::Tasks(TasksAsk::List { .. } | TasksAsk::Show(_)) => Action::Tasks,
            Self::Tasks(_) => Action::TaskControl,
            Self::Memory => Action::Memory,
            Self::Forget(_) => Action::Forget,
        }
    }
}

/// Reads a message. A first word that begins with `/` followed by a letter is a command; everything else is talk.
#[must_use]
pub fn parse(text: &str) -> Input {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let is_command = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains('/');
    if !word.strip_prefix('/').is_some_and(is_command) {
        return Input::Talk;
    }
    let without = |input: Input| {
        if rest.is_empty() {
            input
        } else {
            Input::Problem(format!("`{word}` takes nothing after it; write just `{word}`."))
        }
    };
    match word {
        "/help" => without(Input::Help),
        "/status" => without(Input::Status),
        "/stop" => without(Input::Stop),
        "/new" => without(Input::New),
        "/whoami" => without(Input::Whoami),
        "/memory" => without(Input::Memory),
        "/forget" if rest.is_empty() => {
            missing("/forget", "which entry, by its id (`/memory` shows them)", "/forget 4k2v9")
        }
        "/forget" => forget(rest),
        "/search" if rest.is_empty() => missing("/search", "what to look for", "/search quarterly plan"),
        "/search" => Input::Search(rest.to_owned()),
        "/open" if rest.is_empty() => missing("/open", "which file", "/open notes/plan.md"),
        "/open" => open(rest),
        "/why" if rest.is_empty() => {
            missing("/why", "which message, by its id (ids stand in the chat log)", "/why in_4k2v9m0x")
        }
        "/why" => InboundId::prefix(rest).map_or_else(|e| Input::Problem(format!("{e}.")), Input::Why),
        "/task" if rest.is_empty() => {
            missing("/task", "what is to be done", "/task compare the two plans and name the differences")
        }
        "/task" => Input::Task(rest.to_owned()),
        "/tasks" => tasks(rest),
        other => Input::Problem(unknown(other)),
    }
}

fn tasks(rest: &str) -> Input {
    let (word, id) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let of = |make: fn(String) -> TasksAsk| match TaskId::prefix(id) {
        Ok(prefix) => Input::Tasks(make(prefix)),
        Err(why) if id.trim().is_empty() => Input::Problem(format!(
            "`/tasks {word}` needs a task, by its id; for example `/tasks {word} tsk_4k2v9m0x`. ({why}.)"
        )),
        Err(why) => Input::Problem(format!("{why}.")),
    };
    match word {
        "" => Input::Tasks(TasksAsk::List { all: false }),
        "all" if id.is_empty() => Input::Tasks(TasksAsk::List { all: true }),
        "show" => of(TasksAsk::Show),
        "cancel" => of(TasksAsk::Cancel),
        "retry" => of(TasksAsk::Retry),
        "discard" => of(TasksAsk::Discard),
        other => Input::Problem(format!(
            "`/tasks {}` is none of `/tasks`, `/tasks all`, `/tasks show <id>`, `/tasks cancel <id>`, `/tasks retry <id>`, `/tasks discard <id>`. `/task <text>` makes a task.",
            markdown::text::clean_line(other, 32)
        )),
    }
}

fn forget(rest: &str) -> Input {
    let id = rest.trim_matches('`').to_ascii_lowercase();
    if markdown::memory::is_id(&id) {
        return Input::Forget(id);
    }
    let shown = markdown::text::clean_line(rest, 32);
    Input::Problem(format!("`{shown}` is no id of an entry; ids look like `4k2v9`, and `/memory` shows them."))
}

fn missing(word: &str, what: &str, example: &str) -> Input {
    Input::Problem(format!("`{word}` needs {what}; for example `{example}`."))
}

fn open(rest: &str) -> Input {
    if let Some((path, page)) = rest.rsplit_once(char::is_whitespace)
        && let Ok(page) = page.parse::<u32>()
    {
        return Input::Open(path.trim().to_owned(), page.saturating_sub(1));
    }
    Input::Open(rest.to_owned(), 0)
}

fn unknown(word: &str) -> String {
    let word: String = word.chars().take(32).collect();
    let near = TABLE.iter().map(|c| c.action.as_str()).find(|known| distance(known, &word) <= 2);
    match near {
        Some(known) => format!("There is no command `{word}`; `{known}` comes close. `/help` lists them all."),
        None => format!("There is no command `{word}`. `/help` lists them all."),
    }
}

/// Levenshtein's edit distance, of short words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (to, (diagonal, above)) in b.iter().zip(row.iter().zip(row.iter().skip(1))) {
            let left = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(from != *to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// `/help` for someone who may do `allowed`.
#[must_use]
pub fn help(allowed: impl Fn(Action) -> bool) -> String {
    let mut text = String::from("Write anything to talk. Commands:\n\n");
    for command in TABLE.iter().filter(|command| allowed(command.action)) {
        text.push_str(&format!("- `{}`: {}\n", command.usage, command.what));
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_and_everything_else_is_talk() {
        for (text, input) in [
            ("hello", Input::Talk),
            ("  /help ", Input::Help),
            ("/search  two words", Input::Search("two words".into())),
            ("/open a b.md 3", Input::Open("a b.md".into(), 2)),
            ("/open plan.md", Input::Open("plan.md".into(), 0)),
            ("/why IN_4k2v", Input::Why("in_4k2v".into())),
            ("/stop", Input::Stop),
            ("/task  do this", Input::Task("do this".into())),
            ("/tasks", Input::Tasks(TasksAsk::List { all: false })),
            ("/tasks all", Input::Tasks(TasksAsk::List { all: true })),
            ("/memory", Input::Memory),
            ("/forget `4K2v9`", Input::Forget("4k2v9".into())),
            ("/tasks cancel TSK_4k2v", Input::Tasks(TasksAsk::Cancel("tsk_4k2v".into()))),
            ("/", Input::Talk),
            ("/etc/passwd is a file", Input::Talk),
            ("1/2", Input::Talk),
            ("", Input::Talk),
        ] {
            assert_eq!(parse(text), input, "{text:?}");
        }
    }

    #[test]
    fn a_wrong_command_is_told_in_one_sentence_what_to_do() {
        for (text, words) in [
            ("/serach x", "`/search` comes close"),
            ("/frobnicate", "`/help` lists them all"),
            ("/search", "for example `/search"),
            ("/open", "for example `/open"),
            ("/why", "for example `/why"),
            ("/why in", "too short"),
            ("/new please", "write just `/new`"),
            ("/task", "for example `/task"),
            ("/tasks cancel", "for example `/tasks cancel"),
            ("/tasks show x", "too short"),
            ("/tasks frob tsk_4k2v", "is none of"),
            ("/forget", "for example `/forget"),
            ("/forget that I said so", "is no id of an entry"),
            ("/memory all", "write just `/memory`"),
        ] {
            match parse(text) {
                Input::Problem(sentence) => assert!(sentence.contains(words), "{text}: {sentence}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn help_lists_what_one_may_do_and_nothing_else() {
        let all = help(|_| true);
        assert!(TABLE.iter().all(|c| all.contains(c.usage)));
        assert!(!help(|a| a != Action::New).contains("/new"));
    }
}
