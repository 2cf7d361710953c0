//! What must hold of every commit that was taken, in the order in which the store took them.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use messages::Address;
use messages::store::{Commit, CommitError, Committed, Fence, Write};

use super::outside::contexts;

#[derive(Default)]
pub(super) struct Checks {
    pub(super) violation: Option<String>,
    pub(super) taken: u64,
    /// Refused by the fence.
    pub(super) fenced: u64,
    /// Questions that were answered, and those that were not.
    pub(super) answered: u64,
    pub(super) unanswered: u64,
    /// All that happened, in short: equal for two runs that are the same.
    digest: DefaultHasher,
    /// Of each unit: the newest epoch, and who was given it.
    held: BTreeMap<Address, (u64, String)>,
    /// Of each unit that only one may use: under which epoch it was last used.
    used: BTreeMap<Address, (u64, String)>,
    /// Which words a row of the inbox has.
    words: BTreeMap<i64, (Address, u64)>,
    contexts: BTreeMap<Address, Progress>,
    /// Nodes that have ended by themselves and are to be started again.
    ended: Vec<String>,
}

/// Of one context.
#[derive(Default)]
struct Progress {
    /// The last words that were put.
    put: u64,
    /// Rows with their outcome.
    settled: BTreeSet<i64>,
    /// The last words that were settled.
    heard: u64,
}

/// What a connector calls the n-th words of someone.
pub(super) fn event(context: &Address, n: u64) -> String {
    format!("{context}#{n}")
}

impl Checks {
    pub(super) fn fail(&mut self, at: Duration, what: &str) {
        self.violation.get_or_insert_with(|| format!("at {:.3} s: {what}", at.as_secs_f64()));
    }

    pub(super) fn notes(&mut self, at: Duration, what: &str) {
        (at.as_micros(), what).hash(&mut self.digest);
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    pub(super) fn refused(&mut self, error: &CommitError) {
        if matches!(error, CommitError::Fenced { .. }) {
            self.fenced += 1;
        }
    }

    /// The store took a commit.
    pub(super) fn took(&mut self, at: Duration, commit: &Commit, done: &Committed) {
        self.taken += 1;
        for fence in &commit.fences {
            self.fence(at, fence, commit);
        }
        let (mut inbox, mut epochs) = (done.inbox.iter(), done.epochs.iter());
        for write in &commit.writes {
            match write {
                Write::UnitClaim { unit, node, .. } => {
                    let epoch = epochs.next().copied().unwrap_or(0);
                    let newest = self.held.get(unit).map_or(0, |(epoch, _)| *epoch);
                    if epoch <= newest {
                        self.fail(at, &format!("{unit}: epoch {epoch} was given after {newest}"));
                    }
                    self.held.insert(unit.clone(), (epoch, node.clone()));
                }
                Write::InboxPut { context, event, .. } => {
                    let put = inbox.next().filter(|accepted| !accepted.duplicate).map(|accepted| accepted.seq);
                    if let Some(seq) = put {
                        self.put(at, seq, context, event);
                    }
                }
                Write::InboxSettle { seq, .. } => self.settled(at, *seq),
                _ => {}
            }
        }
    }

    /// Only the newest epoch writes, and only who was given it.
    fn fence(&mut self, at: Duration, fence: &Fence, commit: &Commit) {
        let Some((newest, holder)) = self.held.get(&fence.unit).cloned() else {
            return self.fail(at, &format!("a commit for {}, which nobody was given", fence.unit));
        };
        if fence.epoch != newest {
            let stale = fence.epoch;
            return self.fail(at, &format!("{}: a commit of epoch {stale} was taken after {newest}", fence.unit));
        }
        let writer = commit.writes.iter().find_map(|write| match write {
            Write::ContextPut { definition, .. } => Some(definition),
            Write::InboxPut { user, .. } => Some(user),
            _ => None,
        });
        if let Some(writer) = writer.filter(|writer| **writer != holder) {
            self.fail(at, &format!("{}: {writer} wrote under epoch {newest}, which is {holder}'s", fence.unit));
        }
    }

    fn put(&mut self, at: Duration, seq: i64, context: &Address, named: &str) {
        let of = self.contexts.entry(context.clone()).or_default();
        let n = of.put + 1;
        of.put = n;
        self.words.insert(seq, (context.clone(), n));
        if named != event(context, n) {
            // Nobody goes on before they were told that what they said is there.
            self.fail(at, &format!("{named} was put, and the words {n}, which were acknowledged, are not there"));
        }
    }

    fn settled(&mut self, at: Duration, seq: i64) {
        let Some((context, n)) = self.words.get(&seq).cloned() else {
            return self.fail(at, &format!("the row {seq}, which was never put, has an outcome"));
        };
        let of = self.contexts.entry(context.clone()).or_default();
        let (first, expected) = (of.settled.insert(seq), of.heard + 1);
        of.heard = n;
        if !first {
            self.fail(at, &format!("{context}: the words {n} have two outcomes"));
        } else if n != expected {
            self.fail(at, &format!("{context}: the words {n} were settled where {expected} were next"));
        }
    }

    /// A unit that only one may use was used: never under an older epoch than before.
    pub(super) fn used(&mut self, at: Duration, node: &str, fence: &Fence) {
        match self.used.get(&fence.unit).cloned() {
            Some((last, by)) if fence.epoch < last || (fence.epoch == last && by != node) => {
                let epoch = fence.epoch;
                self.fail(at, &format!("{}: {node} used it under {epoch} after {by} under {last}", fence.unit));
            }
            _ => drop(self.used.insert(fence.unit.clone(), (fence.epoch, node.to_owned()))),
        }
    }

    pub(super) fn ended(&mut self, node: &str) {
        self.ended.push(node.to_owned());
    }

    pub(super) fn take_ended(&mut self) -> Vec<String> {
        std::mem::take(&mut self.ended)
    }

    /// What was acknowledged is there, and has its outcome.
    pub(super) fn unsettled(&self, context: &Address, acknowledged: u64) -> Option<String> {
        let none = Progress::default();
        let of = self.contexts.get(context).unwrap_or(&none);
        if of.put < acknowledged {
            return Some(format!("{context}: {acknowledged} words were acknowledged, {} are in the store", of.put));
        }
        let open = of.put - of.heard.min(of.put);
        (open > 0).then(|| format!("{context}: {open} of {} words have no outcome", of.put))
    }

    /// How many words were said, and how many of them have their outcome.
    pub(super) fn counts(&self) -> (u64, u64) {
        let sum = |of: fn(&Progress) -> u64| contexts().filter_map(|at| self.contexts.get(&at)).map(of).sum();
        (sum(|of| of.put), sum(|of| of.heard))
    }
}
