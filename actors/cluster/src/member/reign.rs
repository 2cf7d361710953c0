//! The hub's part: what its decisions write, and to whom they are said.

use std::sync::Arc;

use messages::cluster::{Incarnation, NodeFacts, ToNode, Unit, UnitClass};
use messages::membership::{ClusterView, NodeView};
use messages::store::{Commit, CommitError, Fence, Owner, Query, Rows, UnitRow, Write, epochs_from};
use messages::{Address, Slug};
use placement::Monotonic;
use placement::hub::{Action, Event as HubEvent, Holder, Hub, Row, Start};
use runtime::StorePort;

use super::view::declared;
use super::{Event, Member, tell_node};

/// Rows of a page.
const PAGE_ROWS: u32 = 1_024;
/// The unit that a hub holds itself: a second hub on the same store takes it, and the first can give nothing away.
const UNIT: &str = "hub";
/// The link of a hub to itself.
pub(super) const SELF: u64 = 0;

/// A hub that has taken the store.
pub struct Reign {
    pub(super) hub: Hub,
    fence: Fence,
    store: StorePort,
}

impl Reign {
    /// Takes the store for this start of the node, and reads who held what.
    ///
    /// # Errors
    /// Words, when the store refuses.
    pub async fn begin(member: &Member, store: StorePort, units: Vec<Unit>) -> Result<Self, String> {
        let unit = Address::fixed(UNIT);
        let (node, incarnation) = (member.facts.node.to_string(), member.facts.incarnation.to_string());
        let claim = Write::UnitClaim { unit: unit.clone(), node, incarnation, after: None };
        let commit = Commit { by: Owner::Runtime, fences: Vec::new(), writes: vec![claim] };
        let done = store.commit(commit).await.map_err(|e| e.to_string())?;
        let reign = done.epochs.first().copied().ok_or("the store gave no epoch for the hub")?;
        let rows = rows(&store).await?;
        let restored = is_restored(generation(&store).await?, &rows);
        // What was held once waits for its host: it is there, also while no node of this hub's life has declared it.
        let units = units.into_iter().chain(rows.iter().map(|(unit, _)| unit.clone())).collect();
        let start = Start { reign, rows, units, restored };
        Ok(Self { hub: Hub::start(start, member.now()), fence: Fence { unit, epoch: reign }, store })
    }

    /// Says of each unit why it is where it is, and of each node whether it drains.
    pub(super) fn explain(&self, view: &mut ClusterView, now: Monotonic) {
        for of in &mut view.units {
            let placement = Unit::parse(&of.unit).ok().and_then(|unit| self.hub.explain(&unit, now));
            if let Some(placement) = placement {
                of.since_ms = Some(now.0.saturating_sub(placement.since.0));
                of.why = placement.why.to_string();
            }
        }
        for (node, facts, is_there) in self.hub.nodes() {
            let known = view.nodes.iter().position(|of| of.node == node.as_str());
            let at = known.unwrap_or_else(|| {
                view.nodes.push(away(facts));
                view.nodes.len() - 1
            });
            let Some(of) = view.nodes.get_mut(at) else { continue };
            of.draining = self.hub.progress(node).is_some();
            of.away = !is_there;
            of.workspaces = declared(facts);
        }
    }

    /// Does what the hub decided. What it says to itself is returned.
    pub(super) fn perform(
        &self,
        member: &Arc<Member>,
        actions: Vec<Action>,
        spawn: &mut tokio::task::JoinSet<()>,
    ) -> Vec<ToNode> {
        let mut to_self = Vec::new();
        for action in actions {
            match action {
                Action::Send { link, message, .. } if link.0 == SELF => to_self.push(message),
                Action::Send { link, node, message } => {
                    let up = member.links.get().and_then(|links| links.link(node.as_str()));
                    if let Some(up) = up.filter(|up| up.id() == link.0) {
                        tell_node(&up, message);
                    }
                }
                Action::Cut { link, why } => {
                    let up = member.links.get().map(|links| links.up()).unwrap_or_default();
                    up.values().filter(|up| up.id() == link.0).for_each(|up| up.close(&why));
                }
                Action::Write { unit, to, after } => {
                    drop(spawn.spawn(self.write(member.clone(), unit, to, after)));
                }
                Action::Full { node, why } => {
                    if let Some(system) = member.system.get() {
                        let of = node.map(|node| format!(":{node}")).unwrap_or_default();
                        system.alarm(&format!("units{of}"), Some(why));
                    }
                }
                Action::Read(unit) => drop(spawn.spawn(read(member.clone(), self.store.clone(), unit))),
            }
        }
        to_self
    }

    fn write(
        &self,
        member: Arc<Member>,
        unit: Unit,
        to: Holder,
        after: u64,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (store, fence) = (self.store.clone(), self.fence.clone());
        async move {
            let claim = Write::UnitClaim {
                unit: unit.address().clone(),
                node: to.node.to_string(),
                incarnation: to.incarnation.to_string(),
                after: Some(after),
            };
            let commit = Commit { by: Owner::Runtime, fences: vec![fence], writes: vec![claim] };
            let event = match store.commit(commit).await {
                Ok(done) => HubEvent::Written { unit, epoch: done.epochs.first().copied().unwrap_or(0) },
                Err(CommitError::Busy { .. } | CommitError::Unavailable(_)) => HubEvent::NotWritten(unit),
                Err(error) => {
                    tracing::warn!(%unit, %error, "it could not be given to a node");
                    HubEvent::Refused(unit)
                }
            };
            drop(member.events.send(Event::Row(event)).await);
        }
    }
}

async fn read(member: Arc<Member>, store: StorePort, unit: Unit) {
    loop {
        let found = store.query(Query::Unit { unit: unit.address().clone() }).await;
        if let Ok(Rows::Unit(row)) = found {
            let row = row.and_then(|row| understood(&row));
            return drop(member.events.send(Event::Row(HubEvent::Read { unit, row })).await);
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// A node that was there.
fn away(facts: &NodeFacts) -> NodeView {
    NodeView {
        node: facts.node.to_string(),
        incarnation: facts.incarnation.to_string(),
        roles: facts.roles.to_string(),
        ..NodeView::default()
    }
}

/// The generation of a store that was never restored.
const NEVER_RESTORED: i64 = 1;

/// The store came out of a backup, and since then no exclusive unit was given to anyone: who has one may not be in its
/// rows, and must have stopped before another begins.
fn is_restored(generation: i64, rows: &[(Unit, Row)]) -> bool {
    let from = u64::try_from(epochs_from(generation)).unwrap_or(u64::MAX);
    let is_given = |(unit, row): &(Unit, Row)| unit.class() == UnitClass::Exclusive && row.epoch > from;
    generation > NEVER_RESTORED && !rows.iter().any(is_given)
}

async fn generation(store: &StorePort) -> Result<i64, String> {
    match store.query(Query::Generation).await.map_err(|e| e.to_string())? {
        Rows::Generation(generation) => Ok(generation),
        _ => Err("the store answered something else than its generation".into()),
    }
}

async fn rows(store: &StorePort) -> Result<Vec<(Unit, Row)>, String> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let query = Query::Units { after: after.clone(), limit: PAGE_ROWS };
        let Rows::Units(page) = store.query(query).await.map_err(|e| e.to_string())? else {
            return Err("the store answered something else than units".into());
        };
        let last = page.len() < PAGE_ROWS as usize;
        after = page.last().map(|(unit, _)| unit.clone());
        let known = |(unit, row): (Address, UnitRow)| Some((Unit::try_from(unit).ok()?, understood(&row)?));
        all.extend(page.into_iter().filter_map(known));
        if last {
            return Ok(all);
        }
    }
}

/// A row whose node or incarnation has another shape than ours names a holder that is no more.
fn understood(row: &UnitRow) -> Option<Row> {
    let node = Slug::parse(&row.node).ok()?;
    let incarnation = Incarnation::parse(&row.incarnation).ok()?;
    Some(Row { by: Holder { node, incarnation }, epoch: row.epoch })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(unit: &str, epoch: u64) -> (Unit, Row) {
        let node = Slug::parse("node").unwrap();
        let incarnation = Incarnation::parse("0000000000000001").unwrap();
        (Unit::parse(unit).unwrap(), Row { by: Holder { node, incarnation }, epoch })
    }

    #[test]
    fn after_a_restore_exclusive_units_wait_until_one_was_given_away_in_this_generation() {
        let generation = 1_795_817_700;
        let from = u64::try_from(epochs_from(generation)).unwrap();
        assert!(is_restored(generation, &[]), "nobody knows who holds what");
        assert!(is_restored(generation, &[row("connector/console", from), row("ws/home", from + 1)]));
        assert!(!is_restored(generation, &[row("connector/console", from + 1), row("mailbox/x", from)]));
        assert!(!is_restored(NEVER_RESTORED, &[]));
        assert!(!is_restored(NEVER_RESTORED, &[row("connector/console", 7)]));
    }
}
