//! Links of processes of one host, by way of proxies: each node dials its own, which dials the hub. A proxy whose way is cut
//! keeps its sockets open and passes nothing until the way is clear again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Bytes that are read at once, and wait in a proxy whose way is cut.
const CHUNK: usize = 16 * 1_024;

/// A proxy for each node that is not the hub. Dropped, all connections end.
#[derive(Debug)]
pub struct Proxies {
    nodes: BTreeMap<String, Proxy>,
    hub: Arc<OnceLock<String>>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Proxy {
    address: SocketAddr,
    up: watch::Sender<bool>,
    down: watch::Sender<bool>,
}

/// Whether a direction is cut.
type Cut = watch::Receiver<bool>;

impl Proxies {
    /// # Errors
    /// When there is no port.
    pub async fn start(names: &[&str]) -> anyhow::Result<Self> {
        let (mut nodes, hub, mut tasks) = (BTreeMap::new(), Arc::new(OnceLock::new()), JoinSet::new());
        for name in names {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let (up, down) = (watch::Sender::new(false), watch::Sender::new(false));
            tasks.spawn(accept(listener, hub.clone(), up.subscribe(), down.subscribe()));
            nodes.insert((*name).to_owned(), Proxy { address, up, down });
        }
        Ok(Self { nodes, hub, _tasks: tasks })
    }

    /// Where the hub listens. Until it is known, connections wait.
    pub fn towards(&self, hub: &str) {
        // The hub of a cluster keeps its address.
        self.hub.set(hub.to_owned()).ok();
    }

    fn of(&self, name: &str) -> anyhow::Result<&Proxy> {
        self.nodes.get(name).with_context(|| format!("no proxy for {name}"))
    }

    /// What a node is to dial.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn address(&self, name: &str) -> anyhow::Result<SocketAddr> {
        Ok(self.of(name)?.address)
    }

    /// Stops bytes of a node from reaching the hub, those of the hub from reaching it, or lets them pass again.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn cut(&self, name: &str, to_hub: bool, from_hub: bool) -> anyhow::Result<()> {
        let proxy = self.of(name)?;
        proxy.up.send_replace(to_hub);
        proxy.down.send_replace(from_hub);
        Ok(())
    }
}

async fn accept(listener: TcpListener, hub: Arc<OnceLock<String>>, up: Cut, down: Cut) {
    let mut connections = JoinSet::new();
    while let Ok((node, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(node, hub.clone(), up.clone(), down.clone()));
    }
}

async fn connection(node: TcpStream, hub: Arc<OnceLock<String>>, mut up: Cut, down: Cut) {
    // What a new connection says first would not arrive either.
    if up.wait_for(|cut| !cut).await.is_err() {
        return;
    }
    let Some(hub) = hub.get() else { return };
    let Ok(hub) = TcpStream::connect(hub).await else { return };
    if node.set_nodelay(true).and(hub.set_nodelay(true)).is_err() {
        return;
    }
    let (from_node, to_node) = node.into_split();
    let (from_hub, to_hub) = hub.into_split();
    // The end of one direction, such as a reset, is seen in the other only when it may pass there.
    tokio::join!(pass(from_node, to_hub, up), pass(from_hub, to_node, down));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut cut: Cut) {
    let mut bytes = vec![0; CHUNK];
    while let Ok(length) = from.read(&mut bytes).await {
        if cut.wait_for(|cut| !cut).await.is_err() {
            return;
        }
        let Some(read) = bytes.get(..length).filter(|read| !read.is_empty()) else { break };
        if to.write_all(read).await.is_err() {
            return;
        }
    }
    // It may have been reset: then there is nobody to tell.
    to.shutdown().await.ok();
}
