//! That the page for operators, the dashboard and the alert rules name what there is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn metrics_table() -> String {
    let row = |metric: &names::Metric| {
        let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        format!("| `{}` | {} | {labels} | {} |\n", metric.name, metric.kind, metric.help)
    };
    let head = "| metric | kind | labels | what it is |\n|---|---|---|---|\n";
    head.to_owned() + &METRICS.iter().map(row).collect::<String>()
}

fn alarms_table() -> String {
    let row = |alarm: &crate::alarms::AlarmName| format!("| `{}` | {} | {} |\n", alarm.name, alarm.means, alarm.next);
    let head = "| alarm | what it means | what to do next |\n|---|---|---|\n";
    head.to_owned() + &ALARMS.iter().map(row).collect::<String>()
}

/// The text with what stands between two marks in place of what stood there.
fn with(page: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: made by a test -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = page.split_once(&begin).expect("a mark");
    let (_, after) = rest.split_once(&end).expect("a mark");
    format!("{before}{begin}\n{table}\n{end}{after}")
}

#[test]
fn the_page_for_operators_lists_each_metric_and_each_alarm() {
    let page = file("docs/operations.md");
    let written = std::fs::read_to_string(&page).unwrap();
    let wanted = with(&with(&written, "metrics", &metrics_table()), "alarms", &alarms_table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &wanted).unwrap();
        return;
    }
    assert!(written == wanted, "docs/operations.md is behind; run `UPDATE_DOCS=1 cargo nextest run -p admin`");
}

/// All names of our metrics in a text, without what a histogram adds.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let ours = words.filter(|word| word.starts_with("agent_runtime_"));
    let bare = |word: &str| {
        let histogram = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| word.strip_suffix(end));
        histogram.unwrap_or(word).to_owned()
    };
    ours.map(bare).collect()
}

#[test]
fn the_dashboard_and_the_alert_rules_name_only_metrics_that_there_are() {
    let known: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    for name in ["compose/grafana/agent-runtime.json", "compose/prometheus/alerts.yml"] {
        let text = std::fs::read_to_string(file(name)).unwrap();
        let named = named(&text);
        assert!(named.len() > 5, "{name} names {named:?}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{name} names {unknown:?}, which /metrics does not give");
    }
}

#[test]
fn the_dashboard_is_json() {
    let text = std::fs::read_to_string(file("compose/grafana/agent-runtime.json")).unwrap();
    let board: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(board["panels"].as_array().is_some_and(|panels| panels.len() > 8));
}

#[test]
fn labels_are_of_few_values() {
    let labels: BTreeSet<&str> = METRICS.iter().flat_map(|metric| metric.labels).copied().collect();
    let allowed = ["alarm", "direction", "kind", "model", "node", "of", "state", "version"];
    assert_eq!(labels, BTreeSet::from(allowed));
}
