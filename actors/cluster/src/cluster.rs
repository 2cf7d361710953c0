//! A node's end of all its links.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use messages::cluster::Roles;
use ractor::{Actor, ActorRef};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::hello::{Hello, Versions};
use crate::links::{Link, Links, Up};
use crate::net::Net;
use crate::refused::RefusedNodes;
use crate::region::{Region, RegionMsg};
use crate::serve::Serve;
use crate::sessions::Sessions;
use crate::trust::Trust;
use crate::{chance, dial, listen};

/// What a node's links are made from.
pub struct Config {
    /// The node's name, as in its certificate.
    pub node: String,
    /// This start of it: letters, digits, `-`; anything that no other start has.
    pub incarnation: String,
    /// What it takes on; the certificate must name each.
    pub roles: Roles,
    /// The version of the program, for people.
    pub program: String,
    /// The versions of the protocol that it speaks: [`crate::VERSIONS`].
    pub versions: Versions,
    /// Where others come in, and how they are reached.
    pub net: Arc<dyn Net>,
    /// Whom to dial, names or numbers with a port. Of two nodes only one may dial the other.
    pub peers: Vec<String>,
    /// A second check beside the certificates: the same on all nodes, random, secret.
    pub cookie: String,
    /// Certificates.
    pub trust: Arc<dyn Trust>,
    /// What is done with what peers ask.
    pub serve: Arc<dyn Serve>,
}

/// The links of a running node. Dropped, all of them end; [`Cluster::stop`] waits for that.
pub struct Cluster(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: Facts,
    pub(crate) links: Arc<Links>,
    pub(crate) sessions: Sessions,
    pub(crate) refused: RefusedNodes,
    region: ActorRef<RegionMsg>,
    places: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    ids: AtomicU64,
    tasks: Mutex<JoinSet<()>>,
    pub(crate) net: Arc<dyn Net>,
}

/// What of the configuration is needed for good.
pub(crate) struct Facts {
    node: String,
    incarnation: String,
    roles: Roles,
    pub(crate) program: String,
    pub(crate) versions: Versions,
    pub(crate) trust: Arc<dyn Trust>,
}

impl Cluster {
    /// Starts the region, listens, and dials. Must be called within a tokio runtime, and stopped before that ends.
    ///
    /// # Errors
    /// Words, when the transport can't be started.
    pub async fn start(config: Config) -> Result<Self, String> {
        let Config { node, incarnation, roles, program, versions, net, peers, cookie, trust, serve } = config;
        let links = Arc::new(Links::new());
        let region = Region { links: links.clone(), serve };
        let (region, _) = Actor::spawn(None, region, ()).await.map_err(|e| e.to_string())?;
        let sessions = Sessions::start(&format!("{node}#{incarnation}"), &node, &cookie).await?;
        let inner = Arc::new(Inner {
            config: Facts { node, incarnation, roles, program, versions, trust },
            links,
            sessions,
            refused: RefusedNodes::default(),
            region,
            places: Mutex::default(),
            ids: AtomicU64::new(1),
            tasks: Mutex::default(),
            net,
        });
        if inner.net.address().is_some() {
            inner.spawn(listen::run(inner.clone()));
        }
        for peer in peers {
            inner.spawn(dial::run(inner.clone(), peer));
        }
        Ok(Self(inner))
    }

    /// Where others come in.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.net.address()
    }

    /// The link to a peer, if it is up.
    #[must_use]
    pub fn link(&self, node: &str) -> Option<Arc<Link>> {
        self.0.links.up().get(node).cloned()
    }

    /// All links that are up now.
    #[must_use]
    pub fn up(&self) -> Up {
        self.0.links.up()
    }

    /// All links that are up; the receiver tells each change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Up> {
        self.0.links.watch()
    }

    /// What is needed to tell people of it.
    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Certificates.
    pub(crate) fn trust(&self) -> Arc<dyn Trust> {
        self.0.config.trust.clone()
    }

    /// Closes the links of peers whose certificates have been revoked meanwhile.
    pub fn check_revoked(&self) {
        for link in self.0.links.up().values() {
            if self.0.config.trust.is_revoked(&link.peer().serial) {
                link.close("its certificate was revoked");
            }
        }
    }

    /// Ends all links, then the transport.
    pub async fn stop(self) {
        self.end().await;
    }

    pub(crate) async fn end(&self) {
        let mut tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
        for link in self.0.links.up().values() {
            link.close("the node stops");
        }
        self.0.sessions.stop().await;
        drop(self.0.region.stop_and_wait(Some("the node stops".into()), None).await);
    }
}

impl Inner {
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// A hello with a token of its own: each link has another.
    pub(crate) fn hello(&self) -> Hello {
        let Facts { node, incarnation, roles, program, .. } = &self.config;
        Hello {
            node: node.clone(),
            incarnation: incarnation.clone(),
            roles: *roles,
            region: self.region_pid(),
            token: chance::bytes(),
            program: program.clone(),
        }
    }

    pub(crate) fn region_pid(&self) -> u64 {
        self.region.get_id().pid()
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Held while a link to this peer takes the place of another.
    pub(crate) fn place_of(&self, node: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(node.to_owned()).or_default().clone()
    }
}
