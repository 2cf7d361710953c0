//! The other nodes, as the runtime of this one sees them.

use std::sync::Arc;
use std::time::Duration;

use messages::cluster::Unit;
use messages::envelope::Kind;
use messages::store::Fence;
use messages::{Address, AskError, Trace};
use runtime::{BoxFuture, Far, Word};

use super::{Member, head};

/// A wake that is under way for longer has been made up for by the sweep.
const WAKE_MS_MAX: u32 = 2_000;

/// As the runtime holds it.
pub struct Others(pub Arc<Member>);

impl Far for Others {
    fn is_here(&self, address: &Address) -> bool {
        let Some(unit) = Unit::of(address) else { return true };
        self.0.holder().holds(&unit)
    }

    fn tell(&self, address: &Address, word: Word) {
        let Some(unit) = Unit::of(address) else { return };
        let Ok(link) = self.0.towards(&unit) else { return };
        let (kind, body) = match word {
            Word::Wake => (Kind::Wake, Vec::new()),
            Word::Due(name) => (Kind::Due, name.into_bytes()),
        };
        // The sweep of the hub finds what a lost wake was about; dates go from the hub alone.
        drop(link.send(head(address, kind, WAKE_MS_MAX), &body));
    }

    fn ask(&self, address: &Address, bytes: Vec<u8>, deadline: Duration) -> BoxFuture<Result<Vec<u8>, AskError>> {
        let link = match Unit::of(address) {
            Some(unit) => self.0.towards(&unit),
            None => Err(AskError::NoSuchAddress(address.to_string())),
        };
        let head = head(address, Kind::Ask, u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX));
        Box::pin(async move { link?.ask(head, &bytes).await })
    }

    fn listen(&self, address: &Address, trace: &Trace) {
        if let Some(unit) = Unit::of(address) {
            self.0.listen(&unit, trace);
        }
    }

    fn fence(&self, unit: &Address) -> Result<Fence, String> {
        let known = Unit::try_from(unit.clone()).map_err(|e| e.to_string())?;
        let held = self.0.holder().may_commit(&known, self.0.now());
        #[cfg(feature = "failpoints")]
        let held = held.or_else(|| self.0.holds_on.epoch(unit));
        match held {
            Some(epoch) => Ok(Fence { unit: unit.clone(), epoch }),
            None => Err(format!("this node may not write for {unit} now: it is another's, or the lease has ended")),
        }
    }

    fn may_begin(&self, unit: &Address) -> Result<(), String> {
        let known = Unit::try_from(unit.clone()).map_err(|e| e.to_string())?;
        match self.0.holder().may_begin(&known, self.0.now()) {
            Some(_) => Ok(()),
            None => Err(format!("{unit} is not open on this node, is given back, or its lease has ended")),
        }
    }
}
