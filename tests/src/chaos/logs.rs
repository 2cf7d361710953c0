//! The chat logs against what happened: every entry whole, each once, none missing.

use std::collections::BTreeMap;

use anyhow::Context as _;
use markdown::log::{Delivery, Entry, Head, parse};
use messages::InboundId;
use messages::turn::Outcome;

use super::Report;
use super::node::{Stage, context_name};
use super::tasks::Due;
use super::truth::Known;

/// What an event has come to.
struct Own<'a> {
    outcome: Option<Outcome>,
    /// Words of its tasks.
    dues: &'a [Due],
    /// Words of its tasks that its customer has.
    heard: Vec<&'a str>,
}

/// What was promised, and what was seen.
pub(super) struct Promised<'a> {
    pub(super) known: &'a Known,
    pub(super) outcomes: &'a BTreeMap<InboundId, Outcome>,
    pub(super) dues: &'a BTreeMap<InboundId, Vec<Due>>,
}

/// Reads the logs of all contexts and holds them against the outcomes and the words that were due.
pub(super) fn compare(report: &mut Report, stage: &Stage, promised: &Promised<'_>) -> anyhow::Result<()> {
    let Promised { known, outcomes, dues } = promised;
    for context in 0..report.contexts {
        let path = stage.workspace().join("logs/console").join(format!("{}.md", context_name(context)));
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let mut own: BTreeMap<&str, Own<'_>> = BTreeMap::new();
        for (inbound, _) in known.submitted.iter().filter(|(_, event)| event.context == context) {
            let dues = dues.get(inbound).map(Vec::as_slice).unwrap_or_default();
            own.insert(inbound.as_str(), Own { outcome: outcomes.get(inbound).copied(), dues, heard: Vec::new() });
        }
        for (_, reply) in known.received.iter().filter(|(_, reply)| reply.outcome.is_none()) {
            own.entry(reply.inbound.as_str()).and_modify(|own| own.heard.push(&reply.text));
        }
        match parse(&text) {
            Ok(entries) => log(report, &path.display().to_string(), &entries, &own),
            Err(broken) => fault(report, format!("{}: line {}: {}", path.display(), broken.line, broken.why)),
        }
    }
    Ok(())
}

fn log(report: &mut Report, path: &str, entries: &[Entry], own: &BTreeMap<&str, Own<'_>>) {
    report.log_entries += entries.len() as u64;
    let mut heard: BTreeMap<&str, u64> = BTreeMap::new();
    let mut said: BTreeMap<&str, Vec<(Delivery, &str)>> = BTreeMap::new();
    for entry in entries {
        match &entry.head {
            Head::Inbound { id, .. } => *heard.entry(id).or_default() += 1,
            Head::Outbound { id, delivery, .. } => said.entry(id).or_default().push((*delivery, &entry.text)),
        }
    }
    for (id, own) in own {
        let times = heard.remove(id).unwrap_or_default();
        if times != 1 {
            fault(report, format!("{path}: the words of {id} are logged {times} times"));
        }
        for words in event(own, said.remove(id).unwrap_or_default()) {
            fault(report, format!("{path}: {id}: {words}"));
        }
    }
    for id in heard.keys().chain(said.keys()) {
        fault(report, format!("{path}: {id} is logged and was never submitted here"));
    }
}

/// What is wrong with the entries of what was said to one event.
fn event(own: &Own<'_>, said: Vec<(Delivery, &str)>) -> Vec<String> {
    let mut faults = Vec::new();
    for due in own.dues {
        let times = said.iter().filter(|(_, text)| due.is_met_by(text)).count();
        if times != 1 {
            faults.push(format!("{due:?} is logged {times} times"));
        }
    }
    let is_due = |text: &str| own.dues.iter().any(|due| due.is_met_by(text));
    let (words, replies): (Vec<_>, Vec<_>) = said.into_iter().partition(|(_, text)| is_due(text) || tells_a_wait(text));
    match replies.as_slice() {
        [(delivery, _)] if own.outcome.is_none_or(|outcome| agree(*delivery, outcome)) => {}
        [(delivery, text)] => {
            faults.push(format!("its reply is logged as {}, not as it ended: {text}", delivery.as_str()));
        }
        _ => faults.push(format!("its reply is logged {} times: {replies:?}", replies.len())),
    }
    let times = |all: &[&str], text: &str| all.iter().filter(|other| other.trim() == text.trim()).count();
    let texts: Vec<&str> = words.iter().map(|(_, text)| *text).collect();
    for (delivery, text) in &words {
        let seen = times(&own.heard, text);
        if *delivery == Delivery::Sent && seen == 0 {
            faults.push(format!("said to be delivered, and never seen: {text}"));
        }
        if seen > times(&texts, text) {
            faults.push(format!("seen {seen} times, and logged less often: {text}"));
        }
    }
    let unknown = own.heard.iter().filter(|text| times(&texts, text) == 0);
    faults.extend(unknown.map(|text| format!("seen, and not logged: {text}")));
    faults
}

/// These words say that a task waits.
fn tells_a_wait(text: &str) -> bool {
    text.starts_with("Task `") && text.contains(") waits")
}

fn agree(delivery: Delivery, outcome: Outcome) -> bool {
    match delivery {
        Delivery::Sent => outcome != Outcome::InDoubt,
        Delivery::InDoubt => outcome == Outcome::InDoubt,
        Delivery::Failed => outcome == Outcome::Failed,
    }
}

fn fault(report: &mut Report, words: String) {
    report.log_faults += 1;
    report.fault(words);
}
