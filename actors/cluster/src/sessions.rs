//! ractor_cluster, as we use it: a transport behind our own listener. It is given streams, and tells when they are ready.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use ractor::{Actor, ActorId, ActorRef};
use ractor_cluster::node::{NodeConnectionMode, NodeServerSessionInformation};
use ractor_cluster::{
    BoxRead, BoxWrite, ClusterBidiStream, IncomingEncryptionMode, NodeEventSubscription, NodeServer, NodeServerMessage,
    NodeSessionMessage,
};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::limits::FRAME_BYTES_MAX;
use crate::region::RegionMsg;
use crate::switch::Switch;

/// What a session is known by: ractor_cluster gives it back with each of its events.
type Label = String;

struct Waiting {
    ready: Option<oneshot::Sender<NodeServerSessionInformation>>,
    switch: Switch,
}

/// ractor's node server, and who waits for its sessions.
pub(crate) struct Sessions {
    server: ActorRef<NodeServerMessage>,
    waiting: Arc<Mutex<HashMap<Label, Waiting>>>,
}

/// A session that is ready. Dropped, its events go nowhere.
pub(crate) struct Session {
    pub(crate) session: ActorRef<NodeSessionMessage>,
    pub(crate) region: ActorRef<RegionMsg>,
    _known: Known,
}

/// Whose events are told as long as it lives.
struct Known {
    waiting: Arc<Mutex<HashMap<Label, Waiting>>>,
    label: Label,
}

impl Drop for Known {
    fn drop(&mut self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.label);
    }
}

impl Sessions {
    /// `name` is `<node>#<incarnation>`, `host` unique to the node: an equal one is taken for a connection to itself.
    pub(crate) async fn start(name: &str, host: &str, cookie: &str) -> Result<Self, String> {
        let server = NodeServer::new(
            0,
            cookie.to_owned(),
            name.to_owned(),
            host.to_owned(),
            Some(IncomingEncryptionMode::Tls(closed_door()?)),
            Some(NodeConnectionMode::Isolated),
        );
        // It binds a listener of its own, come what may: on the loopback interface, with a handshake that nobody passes.
        let server = server.with_listen_addr(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let server = server.with_max_inbound_frame_size(FRAME_BYTES_MAX as u64 + 64);
        let (server, _) = Actor::spawn(None, server, ()).await.map_err(|e| e.to_string())?;
        let waiting = Arc::<Mutex<HashMap<Label, Waiting>>>::default();
        let events = Box::new(Events(waiting.clone()));
        let subscribe = NodeServerMessage::SubscribeToEvents { id: "links".into(), subscription: events };
        server.send_message(subscribe).map_err(|e| e.to_string())?;
        Ok(Self { server, waiting })
    }

    /// Hands a stream over, and waits until both ends have shown each other their region. The caller bounds the wait.
    pub(crate) async fn open(&self, stream: LinkStream, is_server: bool, their_region: u64) -> Result<Session, String> {
        let (sender, ready) = oneshot::channel();
        let switch = stream.switch.clone();
        let known = self.know(&stream, sender);
        let stream = Box::new(stream);
        let opened = NodeServerMessage::ConnectionOpenedExternal { stream, is_server };
        self.server.send_message(opened).map_err(|_| "the transport has ended")?;
        let info = tokio::select! {
            ready = ready => ready.map_err(|_| "the transport has ended")?,
            () = switch.is_off() => return Err(switch.why().to_owned()),
        };
        let children = info.actor.get_cell().get_children();
        let shown = children
            .into_iter()
            .find(|child| matches!(child.get_id(), ActorId::Remote { pid, .. } if pid == their_region));
        let region = shown.ok_or("it did not show its region")?.into();
        Ok(Session { session: info.actor, region, _known: known })
    }

    fn know(&self, stream: &LinkStream, ready: oneshot::Sender<NodeServerSessionInformation>) -> Known {
        let waiting = Waiting { ready: Some(ready), switch: stream.switch.clone() };
        let label = stream.label.clone();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(label.clone(), waiting);
        Known { waiting: self.waiting.clone(), label }
    }

    /// Ends the transport, and with it all sessions. It must not outlive the tokio runtime.
    pub(crate) async fn stop(&self) {
        drop(self.server.stop_and_wait(Some("the node stops".into()), None).await);
    }
}

struct Events(Arc<Mutex<HashMap<Label, Waiting>>>);

impl Events {
    fn of(&self, info: &NodeServerSessionInformation, then: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = waiting.get_mut(&info.peer_addr) {
            then(waiting);
        }
    }
}

impl NodeEventSubscription for Events {
    fn node_session_opened(&self, _: NodeServerSessionInformation) {}

    fn node_session_authenticated(&self, _: NodeServerSessionInformation) {}

    fn node_session_ready(&self, info: NodeServerSessionInformation) {
        self.of(&info.clone(), |waiting| {
            if let Some(ready) = waiting.ready.take() {
                drop(ready.send(info));
            }
        });
    }

    fn node_session_disconnected(&self, info: NodeServerSessionInformation) {
        self.of(&info, |waiting| waiting.switch.turn_off("the session has ended"));
    }
}

/// What is handed over: both halves of a link, each with its guards.
pub(crate) struct LinkStream {
    pub(crate) label: Label,
    pub(crate) read: BoxRead,
    pub(crate) write: BoxWrite,
    pub(crate) switch: Switch,
}

impl ClusterBidiStream for LinkStream {
    fn split(self: Box<Self>) -> (BoxRead, BoxWrite) {
        (self.read, self.write)
    }

    fn peer_label(&self) -> Option<String> {
        Some(self.label.clone())
    }
}

/// A listener that has no certificate to show.
fn closed_door() -> Result<TlsAcceptor, String> {
    #[derive(Debug)]
    struct NoCertificate;
    impl ResolvesServerCert for NoCertificate {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            None
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| e.to_string())?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(NoCertificate));
    Ok(TlsAcceptor::from(Arc::new(config)))
}
