//! How long conversations waited, by what had happened to which node.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::fault::{Fault, Part};

/// Of each round and conversation, the longest wait of a line for its end, without the time for which the node was away and
/// nobody could take its place.
#[derive(Default)]
pub(super) struct Figures {
    pauses: BTreeMap<(Part, Fault), Vec<Duration>>,
    lines: usize,
}

impl Figures {
    pub(super) fn add(&mut self, of: (Part, Fault), waited: &[Duration], away: Duration) {
        let longest = waited.iter().max().copied().unwrap_or_default();
        self.pauses.entry(of).or_default().push(longest.saturating_sub(away));
        self.lines += waited.len();
    }

    fn rows(&self) -> impl Iterator<Item = (Part, Fault, usize, [u64; 3])> {
        self.pauses.iter().map(|((part, fault), pauses)| {
            let ms = |pause: &Duration| u64::try_from(pause.as_millis()).unwrap();
            let mut sorted: Vec<u64> = pauses.iter().map(ms).collect();
            sorted.sort_unstable();
            let at = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1];
            (*part, *fault, sorted.len(), [at(50), at(99), at(100)])
        })
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut table = format!("{} lines; the longest wait of a line, in ms\n", self.lines);
        table.push_str("| node | fault | pauses | p50 | p99 | max |\n|---|---|---|---|---|---|\n");
        for (part, fault, count, [p50, p99, max]) in self.rows() {
            let part = format!("{part:?}").to_lowercase();
            let fault = format!("{fault:?}").to_lowercase();
            writeln!(table, "| {part} | {fault} | {count} | {p50} | {p99} | {max} |").unwrap();
        }
        table
    }

    /// For programs.
    pub(super) fn json(&self, seed: u64, wires: &str) -> Value {
        let row = |(part, fault, count, [p50, p99, max]): (Part, Fault, usize, [u64; 3])| {
            json!({
                "node": format!("{part:?}").to_lowercase(), "fault": format!("{fault:?}").to_lowercase(),
                "pauses": count, "p50_ms": p50, "p99_ms": p99, "max_ms": max,
            })
        };
        json!({ "seed": seed, "wires": wires, "lines": self.lines, "faults": self.rows().map(row).collect::<Vec<_>>() })
    }
}
