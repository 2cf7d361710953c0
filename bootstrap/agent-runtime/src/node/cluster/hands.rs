//! What opening and closing a unit means on this node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cluster::Hands;
use messages::{Address, Slug};
use runtime::{BoxFuture, System, UnitClaimer};

use crate::node::tree::QUESTIONS;

use super::Declared;

/// Nothing of the unit lives here when this is done.
async fn end(system: &System, unit: &Address) {
    if unit.workspace_of().is_none() {
        // Lanes first: they deliver through the sessions of the other.
        system.close(&unit.child("lanes")).await;
    }
    system.close(unit).await;
}

/// Locks on the folders of workspaces that this node holds; the console's actors.
pub(crate) struct ProgramHands {
    claimer: Arc<dyn UnitClaimer>,
    declared: Declared,
    held: Arc<Mutex<HashMap<Address, Box<dyn Send + Sync>>>>,
}

impl ProgramHands {
    pub(crate) fn new(claimer: Arc<dyn UnitClaimer>, declared: Declared) -> Self {
        Self { claimer, declared, held: Arc::default() }
    }
}

impl Hands for ProgramHands {
    fn open(&self, system: &System, unit: &Address) -> BoxFuture<Result<(), String>> {
        let (claimer, held) = (self.claimer.clone(), self.held.clone());
        let (system, unit) = (system.clone(), unit.clone());
        Box::pin(async move {
            end(&system, &unit).await;
            if unit.workspace_of().is_none() {
                // One after the other: they listen at one socket.
                system.close(&Address::fixed(QUESTIONS)).await;
            }
            let lock = held.clone();
            // A lock that is about to be let go is waited for.
            let taken = tokio::task::spawn_blocking(move || {
                lock.lock().unwrap_or_else(PoisonError::into_inner).remove(&unit);
                claimer.hold(&unit).map(|guard| (unit, guard))
            });
            let (unit, guard) = taken.await.map_err(|error| error.to_string())??;
            held.lock().unwrap_or_else(PoisonError::into_inner).insert(unit, guard);
            Ok(())
        })
    }

    fn begin(&self, system: &System, unit: &Address) -> BoxFuture<()> {
        let (system, unit) = (system.clone(), unit.clone());
        Box::pin(async move {
            match unit.workspace_of() {
                Some(workspace) => {
                    // Those who wait for an answer first; then its files are watched and its index is fresh.
                    system.wake_below(&unit).await;
                    system.wake(&Address::index(&workspace));
                    system.wake(&Address::of_workspace(&workspace));
                }
                None => {
                    system.wake(&unit);
                    system.wake_below(&unit).await;
                }
            }
        })
    }

    fn workspaces(&self) -> BoxFuture<Result<Vec<Slug>, String>> {
        let declared = self.declared.clone();
        // A disk that hangs holds up nothing but this.
        Box::pin(async move {
            let found = tokio::task::spawn_blocking(move || declared.list()).await;
            found.unwrap_or_else(|error| Err(error.to_string()))
        })
    }

    fn close(&self, system: &System, unit: &Address) -> BoxFuture<()> {
        let (system, unit, held) = (system.clone(), unit.clone(), self.held.clone());
        Box::pin(async move {
            end(&system, &unit).await;
            if unit.workspace_of().is_none() {
                system.wake(&Address::fixed(QUESTIONS));
            }
            held.lock().unwrap_or_else(PoisonError::into_inner).remove(&unit);
        })
    }
}
