//! Stories: what people type and what they get, as Markdown that is run end to end.
//!
//! A story is prose with fenced blocks, which are done in order. `…` in what is expected stands for any words.
//!
//! | block | what is done |
//! |---|---|
//! | `config` | before the node starts the lines are added to its configuration, and its model is one over HTTP that echoes; stands first |
//! | `chat user=ann context=general session=s exit=0` | the lines that begin with `> ` are piped into `chat`; what stands below each is its reply (`\> ` begins a quotation in it); `= denied` says how it ended, if not by a reply; with `tasks=wait` it stays until tasks have ended, and below `= later` stands what comes then. The user `account` is that of the account itself |
//! | `file data/…` or `file notes/…` | the file is written |
//! | `holds data/…` | the file's text, at once or a moment later |
//! | `run exit=0` | the line `$ status` is run as a command on the data folder; what stands below is what it gives |
//!
//! `{id:2}` is the id of the block's second line, `{short:s:2}` the shortest form of the id of session `s`'s second;
//! `{task:s:2}` is the task that this one made, `{task:s:2/0}` the one that its step 0 made.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use messages::{InboundId, TaskId};

/// One thing that a story does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The line in the story.
    pub line: usize,
    /// What.
    pub act: Act,
}

/// What a story does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The configuration is added to.
    Config {
        /// What.
        text: String,
    },
    /// Lines are piped into a chat.
    Chat {
        /// `user`, `context`, `workspace`, `session`.
        options: BTreeMap<String, String>,
        /// The exit code.
        exit: i32,
        /// What is typed and what comes of it.
        turns: Vec<Turn>,
    },
    /// A file is written.
    File {
        /// Where.
        path: String,
        /// What.
        text: String,
    },
    /// A file is read.
    Holds {
        /// Where.
        path: String,
        /// What it must be.
        text: String,
    },
    /// A command is run.
    Run {
        /// Its arguments.
        args: Vec<String>,
        /// The exit code.
        exit: i32,
        /// What it must give.
        text: String,
    },
}

/// One line and its reply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// What is typed.
    pub typed: String,
    /// The reply, with `…`.
    pub reply: String,
    /// The outcome, if it is not `replied`.
    pub outcome: Option<String>,
    /// What a task that it made says later, with `…`.
    pub later: String,
}

/// Reads a story.
///
/// # Errors
/// With the line that can't be read.
pub fn parse(story: &str) -> anyhow::Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut lines = (1..).zip(story.lines());
    while let Some((line, text)) = lines.next() {
        let Some(head) = text.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().map(|(_, text)| text).take_while(|text| *text != "```").collect();
        let session = format!("b{}", steps.len());
        let act = act(head, &body, session).with_context(|| format!("the block of line {line}"))?;
        steps.push(Step { line, act });
    }
    Ok(steps)
}

fn act(head: &str, body: &[&str], session: String) -> anyhow::Result<Act> {
    let mut words = head.split_whitespace();
    let kind = words.next().context("a block says what it is")?;
    let text = body.join("\n");
    if matches!(kind, "file" | "holds") {
        let (path, text) = (with_ids(words.next().context("which file")?, "")?, with_ids(&text, "")?);
        return Ok(if kind == "file" { Act::File { path, text: text + "\n" } } else { Act::Holds { path, text } });
    }
    let mut options = BTreeMap::from([("session".to_owned(), session), ("user".to_owned(), "ann".to_owned())]);
    for word in words {
        let (name, value) = word.split_once('=').with_context(|| format!("`{word}` is no name=value"))?;
        options.insert(name.to_owned(), value.to_owned());
    }
    let exit = options.remove("exit").map_or(Ok(0), |code| code.parse())?;
    match kind {
        "config" => Ok(Act::Config { text: text + "\n" }),
        "chat" => {
            let session = options.get("session").cloned().unwrap_or_default();
            Ok(Act::Chat { options, exit, turns: turns(body, &session)? })
        }
        "run" => {
            let body = body.iter().map(|line| with_ids(line, "")).collect::<anyhow::Result<Vec<_>>>()?;
            let (command, expected) = body.split_first().context("a command")?;
            let command = command.strip_prefix("$ ").context("a command begins with `$ `")?;
            let args = command.split_whitespace().map(str::to_owned).collect();
            Ok(Act::Run { args, exit, text: expected.join("\n") })
        }
        other => bail!("`{other}` is none of chat, config, file, holds, run"),
    }
}

fn turns(body: &[&str], session: &str) -> anyhow::Result<Vec<Turn>> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut is_later = false;
    for line in body {
        let line = with_ids(line, session)?;
        if let Some(typed) = line.strip_prefix("> ") {
            turns.push(Turn { typed: typed.to_owned(), ..Turn::default() });
            is_later = false;
            continue;
        }
        let turn = turns.last_mut().context("a chat begins with a line that is typed")?;
        let line = line.strip_prefix('\\').map_or(line.clone(), str::to_owned);
        let said = if is_later { &mut turn.later } else { &mut turn.reply };
        match line.strip_prefix("= ") {
            Some("later") => is_later = true,
            Some(outcome) => turn.outcome = Some(outcome.to_owned()),
            None if said.is_empty() => *said = line,
            None => *said = format!("{said}\n{line}"),
        }
    }
    for said in turns.iter_mut().flat_map(|turn| [&mut turn.reply, &mut turn.later]) {
        said.truncate(said.trim_end().len());
    }
    Ok(turns)
}

/// Puts ids in for `{id:2}`, `{id:session:2}`, `{short:2}`, `{task:2}` and `{task:2/0}`.
fn with_ids(line: &str, session: &str) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = ["{id:", "{short:", "{task:"].iter().filter_map(|form| rest.find(form)).min() {
        let (before, from) = rest.split_at(at);
        let (inside, after) = from.split_once('}').context("an id that is not closed")?;
        let (form, which) = inside.trim_start_matches('{').split_once(':').context("which id")?;
        let (which, step) = which.split_once('/').map_or((which, None), |(which, step)| (which, Some(step)));
        let event = if which.contains(':') { which.to_owned() } else { format!("{session}:{which}") };
        let id = InboundId::of("console", &event);
        out.push_str(before);
        match form {
            "short" => out.push_str(id.as_str().get(..7).unwrap_or_default()),
            "task" => out.push_str(task_of(&id, step).as_str()),
            _ => out.push_str(id.as_str()),
        }
        rest = after;
    }
    Ok(out + rest)
}

/// The task of the workspace `home` that an event made, or the one that a step of it made.
fn task_of(inbound: &InboundId, step: Option<&str>) -> TaskId {
    let task = TaskId::of("home", inbound.as_str());
    step.map_or(task.clone(), |step| TaskId::of("home", &format!("{task}/{step}")))
}

/// Whether a text is what is expected, where `…` stands for any words, none among them.
#[must_use]
pub fn fits(expected: &str, text: &str) -> bool {
    let (expected, mut text) = (expected.trim_end(), text.trim_end());
    let mut parts = expected.split('…').collect::<Vec<_>>();
    let Some(last) = parts.pop() else { return false };
    for (n, part) in parts.iter().enumerate() {
        match text.find(part) {
            Some(at) if n > 0 || at == 0 => text = text.get(at + part.len()..).unwrap_or_default(),
            _ => return false,
        }
    }
    if parts.is_empty() { text == last } else { text.ends_with(last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_for_any_words_and_nothing_else_does() {
        for (expected, text, wanted) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a…", "abc", true),
            ("…c", "abc", true),
            ("…b", "abc", false),
            ("a…c…e", "abcde", true),
            ("a…c…b", "abc", false),
            ("…", "", true),
            ("", "a", false),
            ("a…a", "a", false),
        ] {
            assert_eq!(fits(expected, text), wanted, "{expected} and {text}");
        }
    }

    #[test]
    fn a_story_is_read_into_its_steps() {
        let story = "# One\n\n```file notes/a.md\n# A\n```\nwords\n```chat user=bob exit=3\n> hi {short:1}\nfirst\n\nsecond\n= denied\n> /x\n```\n\
                     ```run\n$ status --json\n…\n```\n";
        let steps = parse(story).unwrap();
        assert_eq!(steps.iter().map(|step| step.line).collect::<Vec<_>>(), [3, 7, 15]);
        assert_eq!(steps[0].act, Act::File { path: "notes/a.md".into(), text: "# A\n".into() });
        let Act::Chat { options, exit: 3, turns } = &steps[1].act else { panic!("{steps:?}") };
        assert_eq!((options["user"].as_str(), options["session"].as_str()), ("bob", "b1"));
        assert_eq!(turns[0].typed, format!("hi {}", &InboundId::of("console", "b1:1").as_str()[..7]));
        assert_eq!((turns[0].reply.as_str(), turns[0].outcome.as_deref()), ("first\n\nsecond", Some("denied")));
        assert_eq!(turns[1], Turn { typed: "/x".into(), ..Turn::default() });
        assert!(matches!(&steps[2].act, Act::Run { args, exit: 0, .. } if *args == ["status", "--json"]));
        let tasks =
            parse("```config\n[budgets]\n```\n```chat tasks=wait\n> /task x\nmade\n= later\n{task:1}\n\ndone\n```\n")
                .unwrap();
        assert_eq!(tasks[0].act, Act::Config { text: "[budgets]\n".into() });
        let Act::Chat { turns, .. } = &tasks[1].act else { panic!("{tasks:?}") };
        let task = TaskId::of("home", InboundId::of("console", "b1:1").as_str());
        assert_eq!((turns[0].reply.as_str(), turns[0].later.as_str()), ("made", format!("{task}\n\ndone").as_str()));
        assert!(parse("```chat\nno line\n```").is_err() && parse("```dance\n```").is_err());
    }
}
