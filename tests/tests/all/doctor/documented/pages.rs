//! What stands in the pages: commands to type, and commands of a chat.

use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// How a line to type begins, in pages.
const BEGINNINGS: [&str; 12] = [
    "cargo ",
    "target/release/",
    "agent-runtime ",
    "./",
    "systemctl ",
    "sudo ",
    "echo ",
    "export ",
    "chmod ",
    "chown ",
    "kill ",
    "timedatectl ",
];
/// Made from the command line itself; a test of the program keeps it.
const MADE: &str = "docs/commands.md";

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(super) fn page(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// The names of README.md and of all pages below docs, in an order.
pub(super) fn names() -> Vec<String> {
    let of = |folder: &str| {
        let files = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = files.map(|name| format!("{folder}/{}", name.to_str().unwrap())).collect();
        names.retain(|name| name.ends_with(".md") && name != MADE);
        names.sort();
        names
    };
    [vec!["README.md".to_owned()], of("docs"), of("docs/errors")].concat()
}

/// Whether its lines are to be typed, and not a file's.
fn is_shell(kind: &CodeBlockKind<'_>) -> bool {
    match kind {
        CodeBlockKind::Fenced(language) => matches!(language.as_ref(), "" | "sh"),
        CodeBlockKind::Indented => false,
    }
}

/// The lines of blocks and the words in backticks of a page: (lines of blocks, words).
fn code(page: &str) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut words, mut is_inside) = (Vec::new(), Vec::new(), false);
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => is_inside = is_shell(&kind),
            Event::End(TagEnd::CodeBlock) => is_inside = false,
            Event::Text(text) if is_inside => lines.extend(text.lines().map(str::to_owned)),
            Event::Code(text) => words.push(text.to_string()),
            _ => {}
        }
    }
    (lines, words)
}

/// A line without what is said behind `#`, and with single spaces.
fn bare(line: &str) -> String {
    let line = line.split(" #").next().unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a page tells to type in a shell: lines of blocks that begin with a command, and words that begin with the program.
pub(super) fn typed(page: &str) -> Vec<String> {
    let (lines, words) = code(page);
    let lines = lines.iter().map(|line| bare(line));
    let lines = lines.filter(|line| BEGINNINGS.iter().any(|beginning| line.starts_with(beginning)));
    lines.chain(words.iter().map(|word| bare(word)).filter(|word| word.starts_with("agent-runtime "))).collect()
}

/// What a page tells to type in a chat, at its prompt or not.
pub(super) fn said(page: &str) -> Vec<String> {
    let (lines, words) = code(page);
    let lines = lines.iter().map(|line| bare(line.split_once("> ").map_or(line.as_str(), |(_, said)| said)));
    lines.chain(words).filter(|line| is_chat(line)).collect()
}

/// A word behind a slash, and no path.
fn is_chat(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    let Some(name) = word.strip_prefix('/') else { return false };
    let is_page_of_the_address = ["healthz", "readyz", "metrics"].contains(&name);
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains('/') && !is_page_of_the_address
}

/// Words in backticks that begin with a command of the program without its name: `tasks retry ID`.
pub(super) fn short(page: &str, commands: &[String]) -> Vec<String> {
    let is_command = |words: &str| {
        let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
        let is_one = commands.iter().any(|known| known.split(' ').next() == Some(first));
        is_one && rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '-' | '[' | '…' | '<'))
    };
    code(page).1.into_iter().filter(|word| is_command(word)).collect()
}

#[test]
fn what_is_to_be_typed_is_found_in_blocks_and_in_words() {
    let text = "Say `agent-runtime status` or `/why <id>`, at `/healthz` of `/etc/x`.\n\n```sh\nagent-runtime  verify  # all\n\
                data\n```\n\n```toml\nexport = 1\n```\n\n```\nhome/general> /task do\nchmod 700 DATA\n```\n";
    assert_eq!(typed(text), ["agent-runtime verify", "chmod 700 DATA", "agent-runtime status"]);
    assert_eq!(said(text), ["/task do", "/why <id>"]);
    let commands = ["tasks".to_owned(), "tasks retry".to_owned()];
    assert_eq!(short("`tasks retry ID`, `tasks`, `task x`, `tasks = 1`", &commands), ["tasks retry ID"]);
}
