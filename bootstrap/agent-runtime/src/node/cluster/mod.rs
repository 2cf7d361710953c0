//! A node among others: its certificate, its links, and what opens and closes the units that it is given.

mod declared;
mod hands;
mod trust;
#[cfg(feature = "failpoints")]
mod versions;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, bail};
use cluster::{Begin, BeginOnce, BootTime, Call, Config, Member, Peer, Reign, Serve, Served, Tcp, Versions};
use messages::cluster::{Holds, Incarnation, NodeFacts, Role, Roles, UNITS_PER_NODE_MAX};
use messages::{AskError, Moment, Slug};
use runtime::StorePort;
use store::ClusterNode;

pub(crate) use declared::Declared;
pub(crate) use hands::ProgramHands;
pub(crate) use trust::open as credentials;

use super::VERSION;

/// What the configuration says of a node's place among others.
#[derive(Debug, Clone)]
pub(crate) struct ClusterSettings {
    pub(crate) roles: Roles,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) peers: Vec<String>,
    /// The workspaces that it is to hold; `None`: all whose files it has.
    pub(crate) only: Option<Vec<Slug>>,
}

impl ClusterSettings {
    /// `None`: the node stands alone.
    pub(crate) fn of(node: &config::Node) -> Option<Self> {
        let has: Vec<Role> = Role::ALL.into_iter().filter(|role| node.has(&role.to_string())).collect();
        node.is_of_a_cluster().then(|| Self {
            roles: Roles::of(&has),
            listen: node.address(),
            peers: node.peers.clone(),
            // The schema has let nothing else through.
            only: node.only().map(|names| names.iter().filter_map(|name| Slug::parse(name).ok()).collect()),
        })
    }
}

/// This node, as it takes hold of a workspace's files.
pub(crate) fn identity(name: &str, of: &ClusterSettings, own: &Path) -> anyhow::Result<ClusterNode> {
    let cluster = trust::fingerprint(own, name, of.roles)?;
    Ok(ClusterNode { cluster, node: name.to_owned() })
}

/// A member that has not begun, and what its actor begins with.
pub(crate) struct Joining {
    pub(crate) member: Arc<Member>,
    incarnation: Incarnation,
}

impl Joining {
    pub(crate) fn new(
        name: &str,
        of: &ClusterSettings,
        declared: &Declared,
        incarnation: Incarnation,
    ) -> anyhow::Result<Self> {
        let node = Slug::parse(name).context("`node.name`")?;
        let workspaces = if of.roles.has(Role::Worker) {
            declared.warn_of_missing();
            declared.list().map_err(anyhow::Error::msg).context("the workspaces of this node")?
        } else {
            Vec::new()
        };
        let facts = NodeFacts {
            node,
            incarnation,
            roles: of.roles,
            holds: Holds::first_of(workspaces),
            units_max: u32::try_from(UNITS_PER_NODE_MAX).unwrap_or(u32::MAX),
        };
        Ok(Self { member: Member::new(facts, Arc::new(BootTime)), incarnation })
    }

    /// Takes the certificates and the port; on the hub, the store.
    pub(crate) async fn begin(
        &self,
        (name, own): (&str, &Path),
        of: &ClusterSettings,
        store: &StorePort,
        hands: ProgramHands,
    ) -> anyhow::Result<BeginOnce> {
        let (trust, cookie) = trust::open(own, name, of.roles)?;
        let listener =
            of.listen.map(|at| TcpListener::bind(at).with_context(|| format!("`node.listen` {at}"))).transpose()?;
        if of.roles.has(Role::Hub) && listener.is_none() {
            bail!("the hub of a cluster needs `node.listen`, by which other nodes come in");
        }
        let config = Config {
            node: name.to_owned(),
            incarnation: self.incarnation.to_string(),
            roles: of.roles,
            program: VERSION.to_owned(),
            versions: versions()?,
            net: Arc::new(Tcp::new(listener).context("the listener for other nodes")?),
            peers: of.peers.clone(),
            cookie,
            trust,
            serve: Arc::new(Closed),
        };
        let reign = if self.member.is_hub() {
            let reign = Reign::begin(&self.member, store.clone(), Vec::new()).await;
            Some(reign.map_err(anyhow::Error::msg).context("the store can't be taken for this hub")?)
        } else {
            None
        };
        Ok(Arc::new(Mutex::new(Some(Begin { config, hands: Arc::new(hands), reign }))))
    }
}

/// The versions of the protocol between nodes that this node speaks; a test build can pretend to others.
pub(crate) fn versions() -> anyhow::Result<Versions> {
    #[cfg(feature = "failpoints")]
    return versions::from_env();
    #[cfg(not(feature = "failpoints"))]
    Ok(cluster::VERSIONS)
}

/// Until the member answers.
struct Closed;

impl Serve for Closed {
    fn serve(&self, _: Arc<Peer>, _: u64, _: Call) -> Served {
        Box::pin(std::future::ready(Err(AskError::NotOwner)))
    }
}

/// This start of the node: a later one is greater, and no two are the same.
pub(crate) fn incarnation(started: Moment) -> anyhow::Result<Incarnation> {
    Ok(Incarnation::new(started, chance()?))
}

fn chance() -> anyhow::Result<u16> {
    use std::io::Read as _;
    let mut bytes = [0; 2];
    std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("/dev/urandom")?;
    Ok(u16::from_be_bytes(bytes))
}
