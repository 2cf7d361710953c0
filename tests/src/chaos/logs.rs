//! The chat logs against what happened: every entry whole, each once, none missing.

use std::collections::BTreeMap;

use anyhow::Context as _;
use markdown::log::{Delivery, Entry, Head, parse};
use messages::InboundId;
use messages::turn::Outcome;

use super::Report;
use super::node::{Stage, context_name};
use super::truth::Truth;

/// Reads the logs of all contexts and holds them against the outcomes.
pub(super) fn compare(
    report: &mut Report,
    stage: &Stage,
    truth: &Truth,
    outcomes: &BTreeMap<InboundId, Outcome>,
    contexts: usize,
) -> anyhow::Result<()> {
    let known = truth.known();
    for context in 0..contexts {
        let path = stage.data.join("workspaces/home/logs/console").join(format!("{}.md", context_name(context)));
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let mut own: BTreeMap<&str, Option<Outcome>> = BTreeMap::new();
        for (inbound, _) in known.submitted.iter().filter(|(_, event)| event.context == context) {
            own.insert(inbound.as_str(), outcomes.get(inbound).copied());
        }
        match parse(&text) {
            Ok(entries) => log(report, &path.display().to_string(), &entries, &own),
            Err(broken) => fault(report, format!("{}: line {}: {}", path.display(), broken.line, broken.why)),
        }
    }
    Ok(())
}

fn log(report: &mut Report, path: &str, entries: &[Entry], own: &BTreeMap<&str, Option<Outcome>>) {
    report.log_entries += entries.len() as u64;
    let (mut heard, mut said): (BTreeMap<&str, u64>, BTreeMap<&str, u64>) = <_>::default();
    for entry in entries {
        match &entry.head {
            Head::Inbound { id, .. } => *heard.entry(id).or_default() += 1,
            Head::Outbound { id, delivery, .. } => {
                *said.entry(id).or_default() += 1;
                if own.get(id.as_str()).copied().flatten().is_some_and(|outcome| !agree(*delivery, outcome)) {
                    fault(report, format!("{path}: {id} is logged as {}, not as it ended", delivery.as_str()));
                }
            }
        }
    }
    for id in own.keys() {
        for (what, times) in [("words", heard.remove(id)), ("reply", said.remove(id))] {
            if times != Some(1) {
                fault(report, format!("{path}: the {what} of {id} is logged {} times", times.unwrap_or_default()));
            }
        }
    }
    for id in heard.keys().chain(said.keys()) {
        fault(report, format!("{path}: {id} is logged and was never submitted here"));
    }
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
