//! Nodes that proved who they are and have no link all the same, and why: for people.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use messages::cluster::Roles;

use crate::limits::LINKS_MAX;
use crate::trust::PeerIdentity;

/// A node that was not heard of again for so long does not try any more: longer than the steps of a try and the wait before it.
const TRIES_WITHIN: Duration = Duration::from_secs(15);

/// A node without a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) node: String,
    /// Those of its certificate.
    pub(crate) roles: Roles,
    pub(crate) at: String,
    pub(crate) why: String,
    last: Instant,
}

/// Those of a node, by name.
#[derive(Debug, Default)]
pub(crate) struct RefusedNodes(Mutex<BTreeMap<String, Refused>>);

impl RefusedNodes {
    /// Takes it down; `true` when it is news.
    pub(crate) fn note(&self, of: &PeerIdentity, at: &str, why: &str) -> bool {
        self.note_at(of, at, why, Instant::now())
    }

    fn note_at(&self, of: &PeerIdentity, at: &str, why: &str, now: Instant) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, known| still_tries(known, now));
        let is_news = all.get(&of.node).is_none_or(|known| known.why != why);
        if all.len() < LINKS_MAX || all.contains_key(&of.node) {
            let (node, at, why) = (of.node.clone(), at.to_owned(), why.to_owned());
            all.insert(node.clone(), Refused { node, roles: of.roles, at, why, last: now });
        }
        is_news
    }

    /// It has a link.
    pub(crate) fn forget(&self, node: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(node);
    }

    /// Those that still try.
    pub(crate) fn all(&self) -> Vec<Refused> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.values().filter(|known| still_tries(known, now)).cloned().collect()
    }
}

fn still_tries(known: &Refused, now: Instant) -> bool {
    now.saturating_duration_since(known.last) < TRIES_WITHIN
}

#[cfg(test)]
mod tests {
    use messages::cluster::Role;

    use super::*;

    fn identity(node: &str) -> PeerIdentity {
        PeerIdentity { node: node.into(), roles: Roles::of(&[Role::Worker]), serial: "1".into() }
    }

    #[test]
    fn a_reason_is_news_once_and_again_when_it_is_another_or_was_not_heard_for_long() {
        let (refused, start) = (RefusedNodes::default(), Instant::now());
        let note = |why, ms| refused.note_at(&identity("a"), "here", why, start + Duration::from_millis(ms));
        assert!(note("old", 0) && !note("old", 400) && note("other", 800) && !note("other", 1_200));
        assert!(note("other", 1_200 + 15_000));
        refused.forget("a");
        assert!(note("other", 1_300));
    }

    #[test]
    fn no_more_are_kept_than_there_may_be_links() {
        let refused = RefusedNodes::default();
        for n in 0..=LINKS_MAX {
            refused.note(&identity(&format!("n{n}")), "here", "why");
        }
        assert_eq!(refused.all().len(), LINKS_MAX);
    }
}
