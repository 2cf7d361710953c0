//! `/memory`: what is kept of the conversation, entry by entry, and how much is not in it yet.

use markdown::civil::utc;
use markdown::memory::{for_prompt, parse, short_ids};
use messages::store::{Failing, MemoryRows};

use super::core::TRIES_MAX;
use super::file::MemoryText;

/// What decides whether and when a conversation goes into memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct When {
    /// Bytes of the log from which on it does; 0: never.
    pub(crate) limit: u64,
    /// There is a model that can make a text short.
    pub(crate) reads: bool,
}

/// The answer to `/memory`.
pub(crate) fn tell(said: &MemoryText, rows: &MemoryRows, when: When) -> String {
    let entries = parse(&said.text).entries;
    let ids = short_ids(&entries);
    let mut lines: Vec<String> = Vec::new();
    for (n, (entry, id)) in entries.iter().zip(ids).enumerate() {
        let from = match (entry.of.as_slice(), &entry.date) {
            ([], _) => "written by hand".to_owned(),
            (of, date) => {
                let of: Vec<String> = of.iter().map(|id| format!("`{id}`")).collect();
                let date = date.as_ref().map(|date| format!(", {date}")).unwrap_or_default();
                format!("from {}{date}", of.join(" "))
            }
        };
        lines.push(format!("{}. `{id}` {} ({from})", n + 1, entry.text));
    }
    if lines.is_empty() {
        lines.push("Nothing is kept of this conversation yet.".to_owned());
    } else {
        lines.push(String::new());
        lines.push("`/forget <entry>` takes one out; the file is `memory.md`, beside `context.md`.".to_owned());
    }
    lines.extend(too_much(said).map(|words| format!("{words}.")));
    lines.push(not_yet(rows.behind(), when));
    lines.extend(rows.memory.failing.as_ref().and_then(pause));
    lines.join("\n")
}

/// Why nothing goes in although there is enough of it.
fn pause(failing: &Failing) -> Option<String> {
    let Failing { failures, not_before, .. } = failing;
    (*failures >= TRIES_MAX).then(|| {
        format!(
            "Asked what is worth keeping, models gave nothing usable {failures} times in a row. They are asked again after the \
             first turn from {} on, or when `context.md` or the model changes.",
            utc(not_before.0)
        )
    })
}

/// What of the file does not go into prompts, if anything.
pub(crate) fn too_much(said: &MemoryText) -> Option<String> {
    if said.is_cut {
        return Some("memory.md is too large, and only its beginning goes into prompts; make it shorter".to_owned());
    }
    match for_prompt(&said.text).left_out {
        0 => None,
        1 => Some("The oldest entry has no room in prompts".to_owned()),
        more => Some(format!("The {more} oldest entries have no room in prompts")),
    }
}

fn not_yet(behind: u64, when: When) -> String {
    let bytes = format!("Not in it yet: {behind} bytes of the log.");
    match when {
        When { limit: 0, .. } => format!("{bytes} None goes in by itself: `limits.memory_bytes` of this context is 0."),
        When { reads: false, .. } => {
            format!("{bytes} None goes in by itself: no model is configured that can make a text short.")
        }
        When { limit, .. } => {
            format!("{bytes} From {limit} on (`limits.memory_bytes`) what is worth keeping goes in after a turn.")
        }
    }
}

#[cfg(test)]
mod tests {
    use messages::store::{FileStamp, LogRow};

    use super::*;

    const WHEN: When = When { limit: 24_000, reads: true };

    fn said(text: &str) -> MemoryText {
        MemoryText { text: text.into(), is_cut: false }
    }

    /// So many bytes of a log, none of them in memory.
    fn behind(size: u64) -> MemoryRows {
        let log = LogRow { log: "home/logs/console/general.md".into(), size, synced: 0, stamp: FileStamp::default() };
        MemoryRows { logs: vec![log], ..MemoryRows::default() }
    }

    #[test]
    fn a_pause_is_told_with_its_end_once_it_has_begun() {
        let mut rows = behind(30_000);
        let failing =
            |failures| Failing { failures, not_before: messages::Moment(1_700_000_000_000), of: String::new() };
        rows.memory.failing = Some(failing(TRIES_MAX - 1));
        assert!(!tell(&said(""), &rows, WHEN).contains("in a row"));
        rows.memory.failing = Some(failing(TRIES_MAX));
        let told = tell(&said(""), &rows, WHEN);
        assert!(told.contains("5 times in a row") && told.contains("from 2023-11-14 22:13:20Z on"), "{told}");
    }

    #[test]
    fn entries_are_told_by_number_and_id_with_where_they_came_from() {
        let told = tell(&said("# Memory\n\n- One. (in_28fgzygjw6m39rxr, 2026-11-22)\n- Two.\n"), &behind(1_234), WHEN);
        insta::assert_snapshot!("memory", told);
    }

    #[test]
    fn an_empty_one_says_what_would_fill_it() {
        assert!(tell(&said(""), &behind(7), WHEN).contains("Not in it yet: 7 bytes"));
        assert!(tell(&said("# Memory\n"), &behind(7), When { limit: 0, ..WHEN }).contains("`limits.memory_bytes`"));
        assert!(tell(&said(""), &behind(7), When { reads: false, ..WHEN }).contains("no model is configured"));
    }

    #[test]
    fn what_has_no_room_in_prompts_is_told() {
        let many: String = (0..20).map(|n| format!("- {n} {}\n", "x".repeat(590))).collect();
        assert!(tell(&said(&many), &behind(0), WHEN).contains("oldest entries have no room"));
        assert!(too_much(&MemoryText { is_cut: true, ..said("") }).is_some_and(|words| words.contains("too large")));
        assert_eq!(too_much(&said("- a\n")), None);
    }
}
