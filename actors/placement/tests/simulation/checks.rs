//! What must hold at every instant, and what was counted.

use std::collections::BTreeMap;

use messages::cluster::Unit;
use placement::hub::Holder;

use crate::world::SECOND;

#[derive(Default)]
pub(crate) struct Checks {
    pub(crate) violation: Option<String>,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    /// Of each unit: the highest epoch of a commit that was taken, and whose it was.
    newest: BTreeMap<Unit, (u64, Holder)>,
}

impl Checks {
    pub(crate) fn fail(&mut self, now: u64, what: &str) {
        let seconds = now / SECOND;
        let ms = now % SECOND / 1_000;
        self.violation.get_or_insert_with(|| format!("at {seconds}.{ms:03} s: {what}"));
    }

    /// The store took a commit.
    pub(crate) fn committed(&mut self, now: u64, unit: &Unit, epoch: u64, by: &Holder) {
        self.accepted += 1;
        match self.newest.get(unit).cloned() {
            Some((newest, _)) if epoch < newest => {
                self.fail(now, &format!("{unit}: a commit of epoch {epoch} was taken after one of {newest}"));
            }
            Some((newest, other)) if epoch == newest && &other != by => {
                self.fail(now, &format!("{unit}: commits of epoch {epoch} were taken from {other:?} and {by:?}"));
            }
            _ => drop(self.newest.insert(unit.clone(), (epoch, by.clone()))),
        }
    }
}
