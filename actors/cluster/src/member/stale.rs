//! Commits of other nodes that come too late: their unit has a newer holder. At the hub.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Instant;

use messages::Address;
use messages::cluster::{Place, Unit};
use messages::membership::UnitView;
use messages::meter::COMMITS_STALE;
use messages::store::{Commit, CommitError, Committed};

use super::Member;
use crate::serve::Peer;

/// Of one unit, since this hub began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused {
    count: u64,
    first: Instant,
    /// Under which epoch the last came: one that goes on writing is told of once.
    stale: u64,
}

/// By unit. No more than the table has: of others no commit is counted.
pub(super) type AllRefused = BTreeMap<Unit, Refused>;

/// Whether a peer may write for this unit, as the hub's table has it. The store compares epochs beside this: a holder of
/// today may have begun its commit as the holder of yesterday.
pub(super) fn check(unit: &Address, epoch: u64, peer: &str, place: &Place) -> Result<(), CommitError> {
    match place {
        Place::Held { node, .. } if node.as_str() == peer => Ok(()),
        Place::Held { epoch: current, .. } => {
            Err(CommitError::Fenced { unit: unit.clone(), current: *current, stale: epoch })
        }
        // Nobody's: its next holder is not known yet, and may be the same. It is told within a second.
        Place::Waits | Place::Gone => Err(CommitError::Unavailable(format!("no node holds {unit} now"))),
    }
}

/// For a control that must find stale writes: a test build can leave the comparison out.
fn is_compared() -> bool {
    fail::fail_point!("store.fence", |_| false);
    true
}

impl Member {
    /// Why a commit of a peer is not handed to the store.
    pub(super) fn too_late(&self, from: &Peer, commit: &Commit) -> Option<CommitError> {
        let checked = commit.fences.iter().try_for_each(|fence| {
            let unit = Unit::try_from(fence.unit.clone()).map_err(|e| CommitError::Refused(e.to_string()))?;
            check(&fence.unit, fence.epoch, &from.node, self.table().place(&unit))
        });
        checked.err().filter(|_| is_compared())
    }

    /// Counts what the store or the table has refused as stale.
    pub(super) fn count_stale(&self, from: &Peer, done: &Result<Committed, CommitError>) {
        let Err(CommitError::Fenced { unit, current, stale }) = done else { return };
        let Ok(unit) = Unit::try_from(unit.clone()) else { return };
        if *self.table().place(&unit) == Place::Gone {
            return;
        }
        if let Some(system) = self.system.get() {
            let class = unit.address().as_str().split('/').next().unwrap_or_default();
            system.meters().add(COMMITS_STALE, class, 1);
        }
        let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Refused { count: 0, first: Instant::now(), stale: 0 };
        let refused = all.entry(unit.clone()).or_insert_with(new);
        if refused.stale != *stale {
            tracing::warn!(%unit, node = %from.node, stale, current, "commits are refused: the unit has a newer holder");
        }
        (refused.count, refused.stale) = (refused.count.saturating_add(1), *stale);
    }

    /// Shows what was counted of a unit.
    pub(super) fn show_refused(&self, view: &mut UnitView) {
        let all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refused) = Unit::parse(&view.unit).ok().and_then(|unit| all.get(&unit)) {
            view.stale = refused.count;
            view.stale_since_ms = Some(u64::try_from(refused.first.elapsed().as_millis()).unwrap_or(u64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use messages::Slug;

    use super::*;

    #[test]
    fn only_the_holder_of_a_unit_may_write_for_it_and_who_was_it_is_fenced() {
        let unit = Address::of_workspace(&Slug::parse("home").unwrap());
        let held = Place::Held { node: Slug::parse("w1").unwrap(), epoch: 7 };
        assert_eq!(check(&unit, 7, "w1", &held), Ok(()));
        // Its own older epoch is the store's to refuse.
        assert_eq!(check(&unit, 6, "w1", &held), Ok(()));
        let fenced = CommitError::Fenced { unit: unit.clone(), current: 7, stale: 6 };
        assert_eq!(check(&unit, 6, "w2", &held), Err(fenced));
        for place in [Place::Waits, Place::Gone] {
            assert!(matches!(check(&unit, 6, "w2", &place), Err(CommitError::Unavailable(_))));
        }
    }
}
