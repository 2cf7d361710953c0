//! How an entity hears the end of what runs beside its mailbox.

use ractor::ActorRef;

use crate::entity::{Entity, SlowKey};
use crate::host::Heard;
use crate::mail::Envelope;

/// Tells the entity how a slow effect ended, whatever happens to its task.
pub(crate) struct DeathNotice<E: Entity> {
    pub(crate) actor: ActorRef<Envelope<Heard<E>>>,
    pub(crate) key: SlowKey,
    pub(crate) run: u64,
    pub(crate) told: bool,
}

impl<E: Entity> DeathNotice<E> {
    pub(crate) fn tell(&mut self, end: Result<Option<E::Event>, String>) {
        self.told = true;
        let heard = Heard::Slow { key: self.key, run: self.run, end };
        // An entity that has ended reads its rows again; the effect follows from them.
        drop(self.actor.send_message(Envelope { mail: heard, ticket: None }));
    }
}

impl<E: Entity> Drop for DeathNotice<E> {
    fn drop(&mut self) {
        if !self.told {
            self.tell(Err("the work ended without a result".into()));
        }
    }
}
