//! A node that answers what it is asked, and remembers who asked.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messages::cluster::{Role, Roles};
use messages::envelope::{Head, Kind};
use messages::{Address, AskError};
use tokio::sync::watch;

use super::ca::{Ca, Leaf, roles};
use crate::serve::{Call, Peer, Serve, Served};
use crate::{Cluster, Config, Link, Tcp, VERSIONS, Versions};

pub(super) const COOKIE: &str = "0123456789abcdef0123456789abcdef";

/// Answers `<node> <kind> <address> <body>`; `ws/home/context/slow` is not answered before [`Answers::go_on`].
#[derive(Default)]
pub(super) struct Answers {
    pub(super) served: AtomicUsize,
    pub(super) go_on: watch::Sender<bool>,
}

impl Serve for Answers {
    fn serve(&self, from: Arc<Peer>, _: u64, call: Call) -> Served {
        self.served.fetch_add(1, Ordering::SeqCst);
        let mut go_on = self.go_on.subscribe();
        Box::pin(async move {
            match call.to.leaf() {
                "slow" => drop(go_on.wait_for(|go| *go).await),
                "panics" => panic!("as it was asked to"),
                "fails" => return Err(AskError::Failed("it failed".into())),
                _ => {}
            }
            let body = String::from_utf8_lossy(&call.body);
            Ok(format!("{} {:?} {} {}", from.node, call.kind, call.to, body).into_bytes())
        })
    }
}

pub(super) struct Node {
    pub(super) cluster: Cluster,
    pub(super) answers: Arc<Answers>,
}

impl Node {
    pub(super) fn address(&self) -> SocketAddr {
        self.cluster.address().unwrap()
    }

    /// The link to a peer, once it is up.
    pub(super) async fn link(&self, to: &str) -> Arc<Link> {
        let mut up = self.cluster.watch();
        let up = tokio::time::timeout(Duration::from_secs(20), up.wait_for(|up| up.contains_key(to))).await;
        up.expect("the link comes up").unwrap().get(to).unwrap().clone()
    }

    /// Once there is none.
    pub(super) async fn no_link(&self, to: &str) {
        let mut up = self.cluster.watch();
        let gone = tokio::time::timeout(Duration::from_secs(20), up.wait_for(|up| !up.contains_key(to))).await;
        gone.expect("the link ends").unwrap();
    }
}

pub(super) struct Spec {
    pub(super) node: &'static str,
    pub(super) roles: Roles,
    pub(super) incarnation: String,
    pub(super) listen: bool,
    pub(super) peers: Vec<SocketAddr>,
    pub(super) cookie: &'static str,
    pub(super) versions: Versions,
}

pub(super) fn hub() -> Spec {
    Spec { listen: true, ..spec("hub", &[Role::Hub]) }
}

pub(super) fn spec(node: &'static str, all: &[Role]) -> Spec {
    let (incarnation, peers) = ("i1".into(), Vec::new());
    Spec { node, roles: roles(all), incarnation, listen: false, peers, cookie: COOKIE, versions: VERSIONS }
}

impl Spec {
    pub(super) fn dials(mut self, peer: SocketAddr) -> Self {
        self.peers.push(peer);
        self
    }

    pub(super) async fn start(self, ca: &Ca) -> Node {
        let leaf = ca.leaf(self.node, self.roles);
        self.start_as(ca, leaf).await
    }

    pub(super) async fn start_as(self, ca: &Ca, leaf: Leaf) -> Node {
        let listener = self.listen.then(|| TcpListener::bind("127.0.0.1:0").unwrap());
        self.start_on(ca, leaf, listener).await
    }

    pub(super) async fn start_on(self, ca: &Ca, leaf: Leaf, listener: Option<TcpListener>) -> Node {
        let answers = Arc::<Answers>::default();
        let config = Config {
            node: self.node.into(),
            incarnation: self.incarnation,
            roles: self.roles,
            program: "0.0.0-test".into(),
            versions: self.versions,
            net: Arc::new(Tcp::new(listener).unwrap()),
            peers: self.peers.iter().map(ToString::to_string).collect(),
            cookie: self.cookie.into(),
            trust: ca.trust(leaf),
            serve: answers.clone(),
        };
        Node { cluster: Cluster::start(config).await.unwrap(), answers }
    }
}

/// Asks, for at most so many milliseconds.
pub(super) async fn ask(link: &Link, to: &str, body: &[u8], deadline_ms: u32) -> Result<Vec<u8>, AskError> {
    link.ask(head(to, Kind::Ask, deadline_ms), body).await
}

pub(super) fn head(to: &str, kind: Kind, deadline_ms: u32) -> Head {
    Head { token: [0; 16], to: Address::parse(to).unwrap(), from: None, trace: None, deadline_ms, kind, whole: None }
}
