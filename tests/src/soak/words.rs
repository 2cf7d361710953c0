//! What guests say, what files say, and what the model keeps: by seed. Pure.

use std::collections::VecDeque;

use serde_json::json;

use super::ledger::{Kind, token};
use crate::dice::Dice;

/// Files of knowledge that come, change and go.
pub(super) const PAGES: u64 = 60;
/// Files that tasks write; the second to write one is told that it is there.
const WRITTEN: u64 = 40;
/// Words that are said, written and searched for.
const WORDS: [&str; 12] = [
    "garden", "fence", "roof", "budget", "harvest", "bridge", "letter", "winter", "kitchen", "engine", "school",
    "river",
];

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) kind: Kind,
    pub(super) token: String,
    pub(super) text: String,
    /// The place of the event whose words it replaces.
    pub(super) edits: Option<u64>,
    /// The place of the event whose words it erases.
    pub(super) erases: Option<u64>,
}

fn some(dice: &mut Dice, words: u64) -> String {
    let all = u64::try_from(WORDS.len()).unwrap_or(1);
    let word = |dice: &mut Dice| usize::try_from(dice.below(all)).ok().and_then(|n| WORDS.get(n)).copied();
    (0..words).filter_map(|_| word(dice)).collect::<Vec<_>>().join(" ")
}

/// Where a page lies, below the workspace.
pub(super) fn page(n: u64) -> String {
    format!("pages/{}/page-{n}.md", n % 4)
}

/// What a page says now.
pub(super) fn page_text(n: u64, dice: &mut Dice) -> String {
    let sections = 1 + dice.below(6);
    let sections = (0..sections).map(|at| {
        let words = 10 + dice.below(120);
        format!("## Part {at}\n\n{}\n", some(dice, words))
    });
    let sections: Vec<String> = sections.collect();
    format!("# Page {n}\n\n{}", sections.join("\n"))
}

/// The next event of a guest; `recent` are events of its own that it may change.
pub(super) fn words((context, n): (usize, u64), recent: &VecDeque<u64>, dice: &mut Dice) -> Said {
    let token = token(context, n);
    let picked = usize::try_from(dice.below(recent.len() as u64)).ok().and_then(|at| recent.get(at)).copied();
    let said = |kind, text| Said { kind, token: token.clone(), text, edits: None, erases: None };
    let command = |text: String| said(Kind::Command, text);
    match (dice.below(100), picked) {
        (0..10, _) => command(format!("/search {}", some(dice, 3))),
        (10..18, _) => command(format!("/open {}", page(dice.below(PAGES)))),
        (18..26, _) => said(Kind::Task, task(&token, dice)),
        (26..30, _) => command("/memory".to_owned()),
        (30..32, _) => command("/tasks".to_owned()),
        (32..34, _) => command("/status".to_owned()),
        (34..35, _) => command("/new".to_owned()),
        (35..42, Some(target)) => {
            Said { edits: Some(target), ..said(Kind::Change, format!("{token} was {}", some(dice, 8))) }
        }
        (42..50, Some(target)) => Said { erases: Some(target), ..said(Kind::Change, String::new()) },
        _ => {
            let words = 3 + dice.below(40);
            said(Kind::Talk, format!("{token} {}", some(dice, words)))
        }
    }
}

/// A task that reads, posts, and sometimes writes.
fn task(token: &str, dice: &mut Dice) -> String {
    let mut script = line("md_read", &json!({ "path": page(dice.below(PAGES)) }));
    if dice.below(3) == 0 {
        let path = format!("written/{}.md", dice.below(WRITTEN));
        script += &line("md_write", &json!({ "path": path, "text": some(dice, 30), "replaces": "" }));
    }
    script += &line("post", &json!({ "text": format!("{token} is posted") }));
    format!("/task {token} reads and posts\n{script}")
}

fn line(tool: &str, arguments: &serde_json::Value) -> String {
    format!("tools: {tool} {arguments}\n")
}

/// What the model answers when it is asked what is worth keeping: one note of the first message, in the place of the first
/// note that is there.
pub(super) fn keeps(question: &str) -> Option<String> {
    let rest = question.strip_prefix("Notes in force:\n")?;
    let (notes, said) = rest.split_once("\nWhat was said")?;
    let old = notes.lines().filter_map(|line| line.split_once(": ")).map(|(id, _)| id).find(|id| !id.starts_with('('));
    let cited = said.lines().find_map(|line| line.strip_prefix('[')?.split_once(']')).map(|(id, _)| id);
    let old = old.map(|id| format!("- {id}\n")).unwrap_or_default();
    Some(cited.map_or_else(|| "=".to_owned(), |id| format!("{old}+ It begins with {id}. [{id}]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_says_the_same_and_every_kind_of_event_comes() {
        let recent: VecDeque<u64> = (1..9).collect();
        let say = |seed| {
            let mut dice = Dice::new(seed);
            (0..400).map(|n| words((1, n), &recent, &mut dice)).collect::<Vec<_>>()
        };
        assert_eq!(say(3), say(3));
        let said = say(3);
        for kind in [Kind::Talk, Kind::Command, Kind::Task, Kind::Change] {
            assert!(said.iter().any(|said| said.kind == kind), "{kind:?}");
        }
        for command in ["/search", "/open", "/memory", "/tasks", "/status", "/new", "/task "] {
            assert!(said.iter().any(|said| said.text.starts_with(command)), "{command}");
        }
        assert!(said.iter().any(|said| said.edits.is_some()) && said.iter().any(|said| said.erases.is_some()));
        let fresh = words((1, 1), &VecDeque::new(), &mut Dice::new(1));
        assert_eq!((fresh.edits, fresh.erases), (None, None), "there is nothing to change yet");
    }

    #[test]
    fn memory_is_answered_in_its_form_and_nothing_else_is() {
        let asked = "Notes in force:\n4k2v9: Old.\n(a person's own): Own.\n\nWhat was said, between <m> and </m>:\n<m>\n[in_a] ann: hi\n</m>\n";
        assert_eq!(keeps(asked).unwrap(), "- 4k2v9\n+ It begins with in_a. [in_a]");
        let first = asked.replace("4k2v9: Old.\n(a person's own): Own.\n", "(none)\n");
        assert_eq!(keeps(&first).unwrap(), "+ It begins with in_a. [in_a]");
        assert_eq!(keeps("what is planned?"), None);
    }
}
