//! The count: what was promised for every event, against what the customers saw.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use console::wire::Reply;
use messages::InboundId;
use messages::turn::Outcome;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::node::context_name;
use super::tasks::TaskReport;
use super::truth::Known;
use super::work::token;
use crate::process::Done;

/// Faults that are told in words, of each kind.
const TOLD_MAX: usize = 20;

/// What a run found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What decided everything random.
    pub seed: u64,
    /// Messages had their wire form.
    pub wire: bool,
    /// Contexts with a customer each.
    pub contexts: usize,
    /// Kills.
    pub kills_total: u32,
    /// Kills by the node itself, at a marker.
    pub kills_at_points: u32,
    /// Kills from outside at a random moment.
    pub kills_random: u32,
    /// Markers that were not met in time; the node was killed from outside then.
    pub kills_missed: u32,
    /// Which those were.
    pub missed: Vec<String>,
    /// Kills before anything new was accepted.
    pub kills_idle: u32,
    /// How long each start took until the console answered.
    pub starts_ms: Vec<u64>,
    /// Calls that the model got.
    pub model_calls: u64,
    /// Events that were accepted.
    pub accepted: u64,
    /// Of them, by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Accepted without an outcome, or said to be delivered and never seen by the customer.
    pub lost: u64,
    /// Replies seen more often than once, and events stored more often than once.
    pub doubled: u64,
    /// Events in doubt.
    pub in_doubt: u64,
    /// Of them, those whose reply the customer has.
    pub in_doubt_received: u64,
    /// The most there may be: one for each chat and kill.
    pub in_doubt_max: u64,
    /// Replies that came before one of an earlier event.
    pub out_of_order: u64,
    /// Replies with the words of another event, or in another context.
    pub foreign: u64,
    /// `verify` found nothing.
    pub verify_clean: bool,
    /// Entries of logs.
    pub log_entries: u64,
    /// Entries that are missing, doubled, broken, or tell another outcome.
    pub log_faults: u64,
    /// What was found of tasks.
    pub tasks: TaskReport,
    /// How long it took.
    pub seconds: f64,
    /// The first broken promises in words.
    pub faults: Vec<String>,
}

impl Report {
    /// Every promise held.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        let none = [self.lost, self.doubled, self.out_of_order, self.foreign, self.log_faults].iter().all(|n| *n == 0);
        none && self.tasks.is_kept()
            && self.verify_clean
            && self.in_doubt <= self.in_doubt_max
            && self.accepted > 0
            && self.faults.is_empty()
    }

    pub(super) fn fault(&mut self, words: String) {
        if self.faults.len() < TOLD_MAX {
            self.faults.push(words);
        }
    }

    /// For people.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut starts = self.starts_ms.clone();
        starts.sort_unstable();
        let at = |share: usize| starts.get((starts.len() * share / 100).min(starts.len().saturating_sub(1)));
        let (p50, p99) = (at(50).copied().unwrap_or_default(), at(99).copied().unwrap_or_default());
        let mut text = format!(
            "{} kills ({} at markers, {} at random, {} markers not met; {} before anything new was accepted), wire form {}\n\
             {} events accepted over {} contexts: {:?}\n\
             lost {} · doubled {} · in doubt {} of {} at most ({} of them received) · out of order {} · foreign {}\n\
             verify {} · {} log entries, {} faulty · start p50 {p50} ms, p99 {p99} ms · {} model calls · {:.1} s\n",
            self.kills_total,
            self.kills_at_points,
            self.kills_random,
            self.kills_missed,
            self.kills_idle,
            if self.wire { "on" } else { "off" },
            self.accepted,
            self.contexts,
            self.outcomes,
            self.lost,
            self.doubled,
            self.in_doubt,
            self.in_doubt_max,
            self.in_doubt_received,
            self.out_of_order,
            self.foreign,
            if self.verify_clean { "clean" } else { "FOUND FAULTS" },
            self.log_entries,
            self.log_faults,
            self.model_calls,
            self.seconds,
        );
        text.push_str(&self.tasks.summary());
        for fault in &self.faults {
            // Writing to a string does not fail.
            writeln!(text, "FAULT {fault}").ok();
        }
        text + if self.is_kept() { "every promise held" } else { "A PROMISE WAS BROKEN" }
    }
}

/// Counts accepted events, outcomes and replies.
pub(super) fn store(report: &mut Report, known: &Known, outcomes: &BTreeMap<InboundId, Outcome>) {
    report.accepted = known.accepted.len() as u64;
    report.in_doubt_max = u64::from(report.kills_total) * report.contexts as u64;
    for outcome in outcomes.values() {
        *report.outcomes.entry(outcome.as_str().to_owned()).or_default() += 1;
    }
    let mut doubts: BTreeMap<usize, u64> = BTreeMap::new();
    let ending = known.received.iter().filter(|(_, reply)| reply.outcome.is_some());
    let seen = ending.map(|(_, reply)| &reply.inbound).collect::<BTreeSet<_>>();
    for inbound in &known.accepted {
        let is_seen = seen.contains(inbound);
        let lost = match outcomes.get(inbound) {
            None => Some("it has no outcome"),
            Some(Outcome::InDoubt) => {
                report.in_doubt += 1;
                let chat = known.submitted.get(inbound).map_or(usize::MAX, |event| event.context);
                *doubts.entry(chat).or_default() += 1;
                report.in_doubt_received += u64::from(is_seen);
                None
            }
            Some(_) => (!is_seen).then_some("it is said to be answered, and no answer was seen"),
        };
        if let Some(why) = lost {
            report.lost += 1;
            report.fault(format!("lost: {inbound} {:?}: {why}", known.submitted.get(inbound).map(|e| &e.event)));
        }
    }
    for (context, doubts) in doubts {
        if doubts > u64::from(report.kills_total) {
            report.fault(format!("{doubts} replies of context {context} are in doubt: more than one for each kill"));
        }
    }
    replies(report, known);
}

/// Looks at every reply that was seen, in the order of their coming.
fn replies(report: &mut Report, known: &Known) {
    let (mut seen, mut deliveries) = (BTreeSet::new(), BTreeSet::new());
    let mut last = BTreeMap::new();
    for (context, reply) in &known.received {
        // Words of tasks have an event in common; which of them there may be is told by the logs.
        if !deliveries.insert(reply.delivery) || (reply.outcome.is_some() && !seen.insert(&reply.inbound)) {
            report.doubled += 1;
            report.fault(format!("doubled: {} as delivery {}", reply.inbound, reply.delivery));
            continue;
        }
        let Some(event) = known.submitted.get(&reply.inbound) else {
            report.foreign += 1;
            report.fault(format!("foreign: {} was never submitted", reply.inbound));
            continue;
        };
        let latest = last.entry(*context).or_insert(0);
        if reply.outcome.is_some() && event.n < *latest {
            report.out_of_order += 1;
            report.fault(format!("out of order: {} after number {latest}", event.event));
        }
        if reply.outcome.is_some() {
            *latest = event.n.max(*latest);
        }
        if event.context != *context || !fits(reply, *context, event.n) {
            report.foreign += 1;
            report.fault(format!("foreign: {} came in context {context}: {}", event.event, reply.text));
        }
    }
}

/// The reply is about its event and about no other.
fn fits(reply: &Reply, context: usize, n: u64) -> bool {
    let own = token(context, n);
    let has_own = reply.text.contains(&own) || !matches!(reply.outcome, None | Some(Outcome::Replied));
    reply.context == context_name(context) && has_own && !reply.text.replace(&own, "").contains("<c")
}

#[derive(Debug, Default, Deserialize)]
struct Verified {
    clean: bool,
    store: Stored,
    faults: Value,
}

#[derive(Debug, Default, Deserialize)]
struct Stored {
    inbox: u64,
}

/// What `verify --json` says, and whether it knows of as many events as there were.
pub(super) fn verified(report: &mut Report, done: &Done) {
    let said: Verified = serde_json::from_str(&done.stdout).unwrap_or_default();
    report.verify_clean = done.code == Some(0) && said.clean;
    if !report.verify_clean {
        report.fault(format!("verify ended with {:?}: {}{}", done.code, said.faults, done.stderr));
    }
    // Those that were run at the very end are events, too.
    let stored = said.store.inbox.saturating_sub(report.tasks.fresh);
    if stored != report.accepted {
        report.doubled += stored.saturating_sub(report.accepted);
        report.lost += report.accepted.saturating_sub(stored);
        report.fault(format!("{} events were accepted and {stored} are stored", report.accepted));
    }
}
