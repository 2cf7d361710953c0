//! Other nodes, as the runtime sees them: who is not here, how to reach them, and what they ask of us.
//!
//! A node that stands alone has none of this. In a cluster the program injects a [`Far`]: it knows which unit is held
//! where, and its links carry what is said.

use std::sync::Arc;
use std::time::Duration;

use messages::store::{Fence, Query, Rows};
use messages::{Address, AskError, Trace};
use tokio::sync::{mpsc, oneshot};

use crate::mail::Envelope;
use crate::port::BoxFuture;
use crate::supervisor::Order;
use crate::system::System;
use crate::units::unit_of;

/// Addresses of one page that are woken when a unit begins, and so many pages at most.
const BELOW_PAGE_ROWS: u32 = 256;
const BELOW_PAGES_MAX: usize = 64;

/// What is told without waiting for an answer. It may be lost: the sweep finds what it was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Look at your rows.
    Wake,
    /// A date of this name has come.
    Due(String),
}

/// The other nodes.
pub trait Far: Send + Sync + 'static {
    /// Whether this node serves the address now. Asked at every wake: it must be quick.
    fn is_here(&self, address: &Address) -> bool;

    /// Tells whoever serves the address. Returns at once.
    fn tell(&self, address: &Address, word: Word);

    /// Asks whoever serves the address, with a message in its wire form.
    fn ask(&self, address: &Address, bytes: Vec<u8>, deadline: Duration) -> BoxFuture<Result<Vec<u8>, AskError>>;

    /// Whoever serves the address is to tell this node's feed the pieces of an answer. Returns at once; may be lost, as
    /// previews may be.
    fn listen(&self, address: &Address, trace: &Trace);

    /// The fence of a unit that this node may write for at this moment.
    ///
    /// # Errors
    /// One sentence: it is held elsewhere, or its lease has ended.
    fn fence(&self, unit: &Address) -> Result<Fence, String>;

    /// Something of a unit may begin to live on this node at this moment. One that is being given back finishes what it has
    /// begun, and nothing begins.
    ///
    /// # Errors
    /// One sentence: it is held elsewhere, not open yet, or its lease has ended.
    fn may_begin(&self, unit: &Address) -> Result<(), String>;
}

impl System {
    /// The other nodes, where one of them serves the address.
    pub(crate) fn far_of(&self, address: &Address) -> Option<&Arc<dyn Far>> {
        self.far().filter(|far| !far.is_here(address))
    }

    /// The fences that a commit for this address must carry now.
    ///
    /// # Errors
    /// One sentence, when this node may not write for it at this moment: nothing may be committed, and what was decided
    /// waits.
    pub fn fences(&self, address: &Address) -> Result<Vec<Fence>, String> {
        match (self.far(), unit_of(address)) {
            (Some(far), Some(unit)) => far.fence(&unit).map(|fence| vec![fence]),
            _ => Ok(self.fence(address).into_iter().collect()),
        }
    }

    /// This node may act for the address at this moment; see [`World::may_act`](crate::World::may_act).
    ///
    /// # Errors
    /// One sentence, when its unit is another node's or the lease has ended.
    pub fn may_act(&self, address: &Address) -> Result<(), String> {
        // Alone, it is nobody else's.
        if self.far().is_some() { self.fences(address).map(drop) } else { Ok(()) }
    }

    /// A wake of this address makes sense now.
    pub(crate) fn is_swept(&self, address: &Address) -> bool {
        self.kind_of(address).is_some_and(|kind| kind.is_swept(address))
    }

    /// Previews of the answer that whoever serves the address gives under this trace, also where that is another node.
    #[must_use]
    pub fn listen(&self, address: &Address, trace: Trace) -> mpsc::Receiver<String> {
        if let Some(far) = self.far_of(address) {
            far.listen(address, &trace);
        }
        self.feed().listen(trace)
    }

    /// Another node tells someone who lives here.
    pub async fn told(&self, address: &Address, word: Word) {
        match word {
            Word::Wake if self.is_swept(address) => self.wake(address),
            Word::Wake => {}
            Word::Due(name) => self.due(address, &name).await,
        }
    }

    /// Another node asks someone who lives here, in wire form. The caller bounds the wait.
    ///
    /// # Errors
    /// Every [`AskError`].
    pub async fn asked(&self, address: &Address, bytes: &[u8]) -> Result<Vec<u8>, AskError> {
        let post = self.post(address).await?;
        let (sender, receiver) = oneshot::channel();
        post.ask_bytes(bytes, sender)?;
        drop(post);
        receiver.await.map_err(|_| AskError::Failed("it ended before it answered".into()))?
    }

    /// Wakes all of a unit whose rows wait, when it has just begun to live here: the wakes for it came before it was open.
    /// Walks the pages of whom the whole store waits for, and so is bounded; the sweep finds the rest.
    pub async fn wake_below(&self, unit: &Address) {
        let (mut after, below) = (unit.clone(), format!("{unit}/"));
        for _ in 0..BELOW_PAGES_MAX {
            let query = Query::Unfinished { after: Some(after.clone()), limit: BELOW_PAGE_ROWS };
            let Ok(Rows::Addresses(page)) = self.store().query(query).await else { return };
            for address in page.iter().filter(|address| address.as_str().starts_with(&below)) {
                if self.is_swept(address) {
                    self.wake(address);
                }
            }
            match page.last() {
                // `ws/home-2` comes before all that is below `ws/home`.
                Some(last) if last.as_str() < below.as_str() || last.as_str().starts_with(&below) => {
                    after = last.clone();
                }
                _ => return,
            }
            if page.len() < BELOW_PAGE_ROWS as usize {
                return;
            }
        }
    }

    /// Ends an actor, and all below it, for as long as nobody asks for it: its unit has gone to another node. Returns
    /// when nothing of it runs any more.
    pub async fn close(&self, address: &Address) {
        let parent = self.directory().get(address).and_then(|entry| entry.parent);
        let Some(order) = parent.and_then(|parent| self.supervisor(&parent)) else { return };
        let (sender, closed) = oneshot::channel();
        let close = Envelope { mail: Order::Close(address.clone(), sender), ticket: None };
        if order.send_message(close).is_ok() {
            // A supervisor that ends meanwhile takes it along.
            drop(closed.await);
        }
    }
}
