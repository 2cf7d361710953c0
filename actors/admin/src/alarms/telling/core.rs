//! Which alarms a chat is told of, and when. Pure: it is told what stands and what has been told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// After a start, an alarm that was told and is not raised again counts as over when so long has passed.
const RAISED_AGAIN_MS: i64 = 60_000;
/// At most [`NOTICES_MAX`] notices within so long.
const WINDOW_MS: i64 = 3_600_000;
/// The most notices within [`WINDOW_MS`].
const NOTICES_MAX: usize = 12;
/// Nothing is told while so many messages of the chat wait for somebody to attach.
const WAITING_MAX: u64 = 16;
/// The most alarms that one notice names; what is left is told with the next.
const LINES_MAX: usize = 20;
/// The most alarms that are kept in mind.
const STOOD_MAX: usize = 256;
/// The most bytes of an alarm's text in a notice.
const TEXT_BYTES_MAX: usize = 500;

/// What has been told, as it is kept with the last notice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Alarms whose beginning was told and whose end was not: since when, by id.
    open: BTreeMap<String, i64>,
    /// Ends that the last notice told: when, by id.
    ended: BTreeMap<String, i64>,
    /// When the last notices were put.
    at: Vec<i64>,
}

/// An alarm that stands, or stood and may not have been told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stood {
    since: i64,
    text: String,
    over: Option<i64>,
}

/// A notice, and what has been told with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) told: Told,
}

/// What is remembered from look to look.
#[derive(Debug)]
pub(crate) struct Telling {
    started: i64,
    stood: BTreeMap<String, Stood>,
}

impl Telling {
    pub(crate) fn new(now: i64) -> Self {
        Self { started: now, stood: BTreeMap::new() }
    }

    /// What stands now, by id.
    pub(crate) fn look(&mut self, now: i64, standing: &[(String, String)]) {
        for (id, stood) in &mut self.stood {
            let stands = standing.iter().find(|(standing, _)| standing == id);
            match stands {
                Some((_, text)) => (stood.over, stood.text) = (None, text.clone()),
                None => stood.over = stood.over.or(Some(now)),
            }
        }
        for (id, text) in standing {
            if self.stood.len() < STOOD_MAX && !self.stood.contains_key(id) {
                self.stood.insert(id.clone(), Stood { since: now, text: text.clone(), over: None });
            }
        }
    }

    /// What is to be said, if anything, when this was told and so many messages of the chat wait.
    pub(crate) fn say(&mut self, now: i64, told: &Told, waiting: u64) -> Option<Notice> {
        self.stood.retain(|id, stood| stood.over.is_none() || stood.over != told.ended.get(id).copied());
        let mut at: Vec<i64> =
            told.at.iter().copied().filter(|at| (now.saturating_sub(WINDOW_MS)..=now).contains(at)).collect();
        if waiting >= WAITING_MAX || at.len() >= NOTICES_MAX {
            return None;
        }
        let mut next = Told { open: told.open.clone(), ..Told::default() };
        let all = self.changes(now, told);
        let mut lines: Vec<String> = all.iter().take(LINES_MAX).map(|change| change.tell(now, &mut next)).collect();
        if lines.is_empty() {
            return None;
        }
        at.push(now);
        if all.len() > LINES_MAX {
            lines.push(format!("And {} more; {STATUS}.", all.len() - LINES_MAX));
        }
        if at.len() == NOTICES_MAX {
            let first = at.first().copied().unwrap_or(now);
            let minutes = first.saturating_add(WINDOW_MS).saturating_sub(now) / 60_000 + 1;
            lines.push(format!("What comes within the next {minutes} min is told together then; until then {STATUS}."));
        }
        next.at = at;
        Some(Notice { text: lines.join("\n"), told: next })
    }

    fn changes<'a>(&'a self, now: i64, told: &'a Told) -> Vec<Change<'a>> {
        let is_settled = now.saturating_sub(self.started) >= RAISED_AGAIN_MS;
        let over = told.open.iter().filter_map(|(id, since)| match self.stood.get(id) {
            Some(stood) => stood.over.map(|over| Change::Over { id, since: *since, over }),
            None => is_settled.then_some(Change::Over { id, since: *since, over: now }),
        });
        let new =
            self.stood.iter().filter(|(id, _)| !told.open.contains_key(*id)).map(|(id, stood)| match stood.over {
                None => Change::Began { id, stood },
                Some(over) => Change::Passed { id, stood, over },
            });
        over.chain(new).collect()
    }
}

const STATUS: &str = "`agent-runtime status` shows what stands";

/// What is to be told of one alarm.
enum Change<'a> {
    Began { id: &'a str, stood: &'a Stood },
    Over { id: &'a str, since: i64, over: i64 },
    Passed { id: &'a str, stood: &'a Stood, over: i64 },
}

impl Change<'_> {
    /// The line, once it is marked as told.
    fn tell(&self, now: i64, told: &mut Told) -> String {
        match self {
            Self::Began { id, stood } => {
                told.open.insert((*id).to_owned(), stood.since);
                format!("Alarm `{id}`: {}", one_line(&stood.text))
            }
            Self::Over { id, since, over } => {
                told.open.remove(*id);
                told.ended.insert((*id).to_owned(), *over);
                format!("Over: `{id}`, after {}.", lasted(over.saturating_sub(*since)))
            }
            Self::Passed { id, stood, over } => {
                told.ended.insert((*id).to_owned(), *over);
                let (ago, long) = (lasted(now.saturating_sub(stood.since)), lasted(over.saturating_sub(stood.since)));
                format!("Over already: `{id}`, which began {ago} ago and lasted {long}: {}", one_line(&stood.text))
            }
        }
    }
}

/// On one line, and not too long.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() <= TEXT_BYTES_MAX {
        return line;
    }
    let cut = (0..=TEXT_BYTES_MAX).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &line[..cut])
}

fn lasted(ms: i64) -> String {
    match ms.max(0) / 1_000 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
