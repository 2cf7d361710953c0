//! Who lives on this node: addresses, their mailboxes and gauges. The only map from an address to an actor.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use messages::Address;
use ractor::{ActorCell, ActorId, ActorRef};

use crate::gauge::Gauge;
use crate::mail::{Envelope, Post};
use crate::supervisor::Order;

/// One actor that lives, restarts or was stopped.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) kind: &'static str,
    pub(crate) parent: Option<Address>,
    pub(crate) gauge: Arc<Gauge>,
    pub(crate) handles: Option<Handles>,
    /// Counts up as addresses come to live here: parents before their children, and what others stand on first.
    pub(crate) born: u64,
}

/// How a live actor is reached.
#[derive(Clone)]
pub(crate) struct Handles {
    pub(crate) cell: ActorCell,
    pub(crate) post: Option<Arc<dyn Post>>,
    pub(crate) supervisor: Option<ActorRef<Envelope<Order>>>,
}

#[derive(Default)]
pub(crate) struct Directory {
    entries: RwLock<HashMap<Address, Entry>>,
    births: AtomicU64,
}

impl Directory {
    /// The gauge of an address that is about to be opened; a new entry where there is none.
    pub(crate) fn announce(&self, address: &Address, kind: &'static str, parent: Option<Address>) -> Arc<Gauge> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(address.clone()).or_insert_with(|| Entry {
            kind,
            parent,
            gauge: Gauge::new(),
            handles: None,
            born: self.births.fetch_add(1, Ordering::Relaxed),
        });
        entry.gauge.clone()
    }

    pub(crate) fn opened(&self, address: &Address, handles: Handles) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(address) {
            entry.handles = Some(handles);
        }
    }

    /// It ended and may come back: the gauge stays. Whoever has taken its place meanwhile stays, too.
    pub(crate) fn closed(&self, address: &Address, ended: ActorId) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(address)
            && entry.handles.as_ref().is_some_and(|handles| handles.cell.get_id() == ended)
        {
            entry.handles = None;
        }
    }

    /// A supervisor ended, and all below it with it: their addresses are opened anew when they are wanted.
    pub(crate) fn remove_below(&self, address: &Address) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let mut above = HashSet::from([address.clone()]);
        loop {
            let found = entries.iter().filter(|(_, entry)| entry.parent.as_ref().is_some_and(|p| above.contains(p)));
            let below: HashSet<Address> = found.map(|(address, _)| address.clone()).collect();
            if below.is_empty() {
                return;
            }
            entries.retain(|address, _| !below.contains(address));
            above = below;
        }
    }

    pub(crate) fn remove(&self, address: &Address) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.remove(address);
        if entries.capacity() > 1024 && entries.len() < entries.capacity() / 4 {
            entries.shrink_to_fit();
        }
    }

    pub(crate) fn get(&self, address: &Address) -> Option<Entry> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(address).cloned()
    }

    pub(crate) fn list(&self) -> Vec<(Address, Entry)> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|(address, entry)| (address.clone(), entry.clone())).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
