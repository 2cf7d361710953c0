//! Units of placement that this node holds, with their epochs: what every commit's fence is made of.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use messages::Address;
use messages::store::{Commit, Fence, Owner, Write};

use crate::port::StorePort;

/// Takes hold of what a unit needs on this host besides its row: a lock on the workspace's folder.
pub trait UnitClaimer: Send + Sync + 'static {
    /// Holds it for as long as the guard lives.
    ///
    /// # Errors
    /// One sentence that says who holds it and what to do.
    fn hold(&self, unit: &Address) -> Result<Box<dyn Send + Sync>, String>;
}

#[derive(Default)]
pub(crate) struct Units {
    held: Mutex<HashMap<Address, Held>>,
    /// One claim at a time: a second one of the same unit would take the first's epoch away.
    claiming: tokio::sync::Mutex<()>,
}

struct Held {
    epoch: u64,
    _guard: Box<dyn Send + Sync>,
}

/// `ws/<id>` for all below a workspace, `connector/<name>` for all below a connector.
pub(crate) fn unit_of(address: &Address) -> Option<Address> {
    let mut parts = address.segments();
    let (class, name) = (parts.next()?, parts.next()?);
    matches!(class, "ws" | "connector").then(|| Address::parse(&format!("{class}/{name}")).ok()).flatten()
}

impl Units {
    pub(crate) fn fence(&self, address: &Address) -> Option<Fence> {
        let unit = unit_of(address)?;
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&unit).map(|held| Fence { unit, epoch: held.epoch })
    }

    /// Claims the unit of an address, if it has one and this node does not hold it yet.
    pub(crate) async fn claim(
        &self,
        address: &Address,
        claimer: &dyn UnitClaimer,
        store: &StorePort,
        holder: (&str, &str),
    ) -> Result<(), String> {
        let Some(unit) = unit_of(address) else {
            return Ok(());
        };
        let _one = self.claiming.lock().await;
        if self.fence(&unit).is_some() {
            return Ok(());
        }
        let guard = claimer.hold(&unit)?;
        let claim = Write::UnitClaim {
            unit: unit.clone(),
            node: holder.0.to_owned(),
            incarnation: holder.1.to_owned(),
            after: None,
        };
        let commit = Commit { by: Owner::Runtime, fences: Vec::new(), writes: vec![claim] };
        let done = store.commit(commit).await.map_err(|e| e.to_string())?;
        let epoch = done.epochs.first().copied().ok_or("the store gave no epoch for the claim")?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(unit, Held { epoch, _guard: guard });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_belongs_to_its_workspace_and_a_lane_to_its_connector() {
        let unit = |text: &str| unit_of(&Address::parse(text).unwrap()).map(|u| u.to_string());
        assert_eq!(unit("ws/home/context/general").as_deref(), Some("ws/home"));
        assert_eq!(unit("connector/console/chat/home/general").as_deref(), Some("connector/console"));
        assert_eq!(unit("store"), None);
    }
}
