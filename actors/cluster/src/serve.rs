//! What a node does with what its peers ask.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use messages::cluster::Roles;
use messages::envelope::Kind;
use messages::{Address, AskError, Trace};

/// A peer on the other end of a link, as its certificate and its hello say, and as both were found to agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The node's name.
    pub node: String,
    /// This start of it.
    pub incarnation: String,
    /// What it takes on, within what its certificate allows.
    pub roles: Roles,
    /// The serial number of its certificate.
    pub serial: String,
    /// The version of its program.
    pub program: String,
    /// The version of the protocol that is spoken with it.
    pub version: u16,
    /// From where it came, or where it was found.
    pub at: String,
}

/// What a peer asks.
#[derive(Debug)]
pub struct Call {
    /// Whom.
    pub to: Address,
    /// On behalf of which of its actors.
    pub from: Option<Address>,
    /// What it belongs to.
    pub trace: Option<Trace>,
    /// As long as it will wait.
    pub deadline: Duration,
    /// A wake or an ask.
    pub kind: Kind,
    /// The message.
    pub body: Vec<u8>,
}

/// Hands on what peers ask. What it returns is sent back; it is dropped when the link ends.
pub trait Serve: Send + Sync + 'static {
    /// Serves one call, which came by the link of this number. It was found that the peer's roles allow it.
    fn serve(&self, from: Arc<Peer>, link: u64, call: Call) -> Served;
}

/// The answer to come.
pub type Served = Pin<Box<dyn Future<Output = Result<Vec<u8>, AskError>> + Send>>;
