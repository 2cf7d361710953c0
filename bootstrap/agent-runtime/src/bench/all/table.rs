//! Numbers of several runs as rows: medians with the least and the most. Pure, but for the file that a table goes into.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;

use super::Document;
use super::plan::Wanted;
use crate::commands::give_table;
use crate::logging;

/// Between these lines stands the table.
const BEGIN: &str = "<!-- bench: made by `agent-runtime bench all --into FILE` -->";
const END: &str = "<!-- end of bench -->";

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    pub(super) bench: String,
    pub(super) name: &'static str,
    /// The median.
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) runs: usize,
}

/// The rows of a bench out of what its runs gave.
pub(super) fn rows(bench: &str, wanted: &[Wanted], said: &[Value]) -> anyhow::Result<Vec<Row>> {
    let row = |wanted: &Wanted| {
        let missing = || format!("its answer has no number at {}", wanted.at);
        let values = said.iter().map(|said| said.pointer(wanted.at).and_then(Value::as_f64).with_context(missing));
        let mut values = values.collect::<anyhow::Result<Vec<f64>>>()?;
        values.sort_by(f64::total_cmp);
        let (least, most) = (values.first().with_context(missing)?, values.last().with_context(missing)?);
        let value = values.get(values.len() / 2).with_context(missing)?;
        let (name, unit, runs) = (wanted.name, wanted.unit, values.len());
        Ok(Row { bench: bench.to_owned(), name, value: *value, unit, least: *least, most: *most, runs })
    };
    wanted.iter().map(row).collect()
}

/// Three digits that count; more are noise.
fn shown(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

impl Row {
    fn cells(&self) -> [String; 5] {
        let spread =
            if self.runs > 1 { format!("{} to {}", shown(self.least), shown(self.most)) } else { String::new() };
        [
            self.bench.clone(),
            self.name.to_owned(),
            format!("{} {}", shown(self.value), self.unit),
            spread,
            self.runs.to_string(),
        ]
    }
}

const HEADER: [&str; 5] = ["bench", "what", "median", "spread", "runs"];

/// What was measured, and where, in a sentence each.
fn about(document: &Document) -> String {
    let at = &document.machine;
    let quick = if document.quick { " Loads were small, so that no number counts." } else { "" };
    format!(
        "Measured on {} with version {} (commit {}, {} build, {}, program {} MB).{quick}\n\
         Machine: {}, {} cores, {} MB of memory, Linux {}; writing and syncing 4 KiB takes {} ms (p50). It took {} s in all.",
        at.date,
        at.version,
        at.commit,
        at.profile,
        at.rustc,
        shown(at.program_mb),
        at.cpu,
        at.cores,
        shown(at.memory_mb),
        at.kernel,
        at.fsync_p50_ms,
        shown(document.seconds)
    )
}

fn failures(document: &Document) -> impl Iterator<Item = String> + '_ {
    document.failed.iter().map(|failed| format!("`bench {}` failed: {}", failed.bench, failed.why))
}

/// For a terminal.
pub(super) fn give(document: &Document) {
    logging::give(&format!("{}\n", about(document)));
    give_table(&HEADER, document.rows.iter().map(|row| row.cells().to_vec()));
    for failure in failures(document) {
        logging::give(&failure);
    }
}

/// For a page.
pub(super) fn markdown(document: &Document) -> String {
    let mut text = format!("{}\n\n| {} |\n|{}\n", about(document), HEADER.join(" | "), "---|".repeat(HEADER.len()));
    let mut above = "";
    for row in &document.rows {
        let [bench, name, value, spread, runs] = row.cells();
        let bench = if row.bench == above { "…".to_owned() } else { format!("`{bench}`") };
        above = &row.bench;
        // Writing to a string does not fail.
        writeln!(text, "| {bench} | {name} | {value} | {spread} | {runs} |").ok();
    }
    for failure in failures(document) {
        writeln!(text, "\n{failure}").ok();
    }
    text
}

/// The page with the table in the place of the one before.
fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", table.trim_end()))
}

fn with(file: &Path, table: &str) -> anyhow::Result<String> {
    let page = fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
    replaced(&page, table).with_context(|| format!("{} has no lines `{BEGIN}` and `{END}`", file.display()))
}

/// A table could be put into the file.
pub(super) fn check(file: &Path) -> anyhow::Result<()> {
    with(file, "").map(drop)
}

/// Puts the table into the file, between its markers.
pub(super) fn put(file: &Path, document: &Document) -> anyhow::Result<()> {
    let page = with(file, &markdown(document))?;
    fs::write(file, page).with_context(|| format!("{} can't be written", file.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plan::PLAN;
    use super::*;

    #[test]
    fn of_several_runs_the_median_stands_with_the_least_and_the_most() {
        let said: Vec<Value> =
            [3.0, 1.0, 2.0].iter().map(|value| json!({"turns_per_s": value, "deep": [{"p50_ms": 0.5}]})).collect();
        let wanted = [
            Wanted { name: "turns", at: "/turns_per_s", unit: "1/s" },
            Wanted { name: "p50", at: "/deep/0/p50_ms", unit: "ms" },
        ];
        let found = rows("turns", &wanted, &said).unwrap();
        assert_eq!((found[0].value, found[0].least, found[0].most, found[0].runs), (2.0, 1.0, 3.0, 3));
        assert_eq!((found[1].value, found[1].unit), (0.5, "ms"));
        let missing = rows("turns", PLAN[2].rows, &said).unwrap_err();
        assert!(missing.to_string().contains("/tasks_per_s"), "{missing}");
        assert!(rows("turns", &wanted, &[]).is_err());
    }

    #[test]
    fn numbers_are_shown_with_three_digits() {
        let all = [3_481.24, 12.345, 1.2345, 0.4354, 0.0].map(shown);
        assert_eq!(all, ["3481", "12.3", "1.23", "0.435", "0.000"]);
    }

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = format!("# Page\n\n{BEGIN}\n\nold\n\n{END}\n\nMore.\n");
        let new = replaced(&page, "new\n").unwrap();
        assert_eq!(new, format!("# Page\n\n{BEGIN}\n\nnew\n\n{END}\n\nMore.\n"));
        assert_eq!(replaced(&new, "new").unwrap(), new);
        assert!(replaced("# Page\n", "new").is_none());
    }
}
