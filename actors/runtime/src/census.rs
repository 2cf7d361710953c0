//! The live actors, one by one, and by kind: what may be shown of them where no address may be.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use messages::Address;
use messages::admin::ActorView;

use crate::directory::Entry;
use crate::gauge::Standing;
use crate::system::System;

/// All live actors of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindView {
    /// `context`, `lane`, `store`.
    pub kind: &'static str,
    /// How many live, those that are stopped included.
    pub actors: u64,
    /// Of those, stopped after a restart storm.
    pub stopped: u64,
    /// Messages that wait in their mailboxes.
    pub mailbox: u64,
    /// How long the oldest message has waited.
    pub oldest_wait: Duration,
    /// In whose mailbox.
    pub oldest_at: Option<Address>,
}

impl KindView {
    fn add(&mut self, address: &Address, entry: &Entry) {
        let gauge = &entry.gauge;
        self.actors += 1;
        self.stopped += u64::from(gauge.standing() == Standing::Stopped);
        self.mailbox += gauge.depth() as u64;
        let wait = gauge.oldest_wait();
        if wait > self.oldest_wait {
            (self.oldest_wait, self.oldest_at) = (wait, Some(address.clone()));
        }
    }
}

impl System {
    /// All entries, parents before their children, siblings in an order.
    pub(crate) fn tree(
        &self,
        order: impl Fn(&(Address, Entry), &(Address, Entry)) -> Ordering,
    ) -> Vec<(Address, Entry)> {
        let mut below: HashMap<Option<Address>, Vec<(Address, Entry)>> = HashMap::new();
        for (address, entry) in self.directory().list() {
            below.entry(entry.parent.clone()).or_default().push((address, entry));
        }
        let (mut ordered, mut stack) = (Vec::new(), below.remove(&None).unwrap_or_default());
        while let Some(next) = stack.pop() {
            let mut children = below.remove(&Some(next.0.clone())).unwrap_or_default();
            children.sort_by(|a, b| order(b, a));
            stack.extend(children);
            ordered.push(next);
        }
        ordered
    }

    /// All actors, parents before their children, siblings by address.
    #[must_use]
    pub fn actors(&self) -> Vec<ActorView> {
        let by_address = |a: &(Address, Entry), b: &(Address, Entry)| a.0.cmp(&b.0);
        self.tree(by_address).into_iter().map(|(address, entry)| view(&address, &entry)).collect()
    }

    /// The live actors by kind, in the order of kinds.
    #[must_use]
    pub fn kinds(&self) -> Vec<KindView> {
        let mut kinds: BTreeMap<&'static str, KindView> = BTreeMap::new();
        for (address, entry) in self.directory().list() {
            let view = kinds.entry(entry.kind).or_insert_with(|| KindView { kind: entry.kind, ..KindView::default() });
            view.add(&address, &entry);
        }
        kinds.into_values().collect()
    }

    /// The supervision tree stands: its root lives.
    ///
    /// # Errors
    /// Why it does not.
    pub fn stands(&self) -> Result<(), String> {
        match self.end() {
            Some(why) => Err(format!("the node has ended: {why}")),
            None if self.directory().get(&Address::fixed("node")).is_some_and(|root| root.handles.is_some()) => Ok(()),
            None => Err("the node has not been started".to_owned()),
        }
    }
}

fn view(address: &Address, entry: &Entry) -> ActorView {
    let gauge = &entry.gauge;
    ActorView {
        address: address.to_string(),
        kind: entry.kind.to_owned(),
        parent: entry.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        state: gauge.standing().as_str().to_owned(),
        mailbox: gauge.depth() as u64,
        oldest_wait_ms: u64::try_from(gauge.oldest_wait().as_millis()).unwrap_or(u64::MAX),
        handled: gauge.handled(),
        restarts: gauge.restarts(),
        last_error: gauge.last_error(),
        doing: gauge.shows(),
    }
}
