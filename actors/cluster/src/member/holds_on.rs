//! For the control of the fence: in a test build a node can be one that does not let go. It closes nothing, and writes under the
//! epoch that it was given last, whatever its lease says.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use messages::Address;

/// Epochs under which units were opened, the last of each.
#[derive(Debug, Default)]
pub(super) struct HoldsOn(Mutex<HashMap<Address, u64>>);

impl HoldsOn {
    /// This node is such a one.
    pub(super) fn is_on() -> bool {
        fail::fail_point!("member.lets_go", |_| true);
        false
    }

    pub(super) fn opened(&self, unit: &Address, epoch: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(unit.clone(), epoch);
    }

    pub(super) fn epoch(&self, unit: &Address) -> Option<u64> {
        let epochs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        epochs.get(unit).copied().filter(|_| Self::is_on())
    }
}
