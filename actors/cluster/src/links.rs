//! The links of a node: one to each peer, for as long as it lives.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use messages::AskError;
use messages::envelope::{Head, Kind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::envelope::{self, Unpacked};
use crate::limits::{BYTES_UNANSWERED_MAX, CALLS_MAX, STEP_MAX};
use crate::parts::{self, Gathered, Parts};
use crate::region::RegionMsg;
use crate::serve::Peer;
use crate::sessions::Session;
use crate::switch::Switch;

/// What an envelope costs beside its bytes.
const OVERHEAD: usize = 1_024;
/// When a sender that met a full link may try again.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// What comes in by a link, known before the stream is handed over: the peer may ask as soon as its end is ready.
pub(crate) struct Inbound {
    pub(crate) id: u64,
    pub(crate) peer: Arc<Peer>,
    /// The token that the peer must show.
    pub(crate) token: [u8; 16],
    pub(crate) switch: Switch,
    calls: Arc<Semaphore>,
    /// Larger things: what comes in parts, and answers that wait to be fetched.
    pub(crate) coming: Parts,
    pub(crate) fetched: Parts,
    next: AtomicU64,
    /// What is being done for the peer and for those who ask it; it ends with the link.
    work: Mutex<JoinSet<()>>,
}

impl Inbound {
    pub(crate) fn new(id: u64, peer: Peer, token: [u8; 16], switch: Switch) -> Arc<Self> {
        let calls = Arc::new(Semaphore::new(CALLS_MAX));
        Arc::new(Self {
            id,
            peer: Arc::new(peer),
            token,
            switch,
            calls,
            coming: Parts::default(),
            fetched: Parts::default(),
            next: AtomicU64::new(1),
            work: Mutex::default(),
        })
    }

    /// A place among the calls of this peer that are worked on at once.
    pub(crate) fn one_more_call(&self) -> Result<OwnedSemaphorePermit, AskError> {
        self.calls.clone().try_acquire_owned().map_err(|_| AskError::Busy {
            what: format!("{CALLS_MAX} calls of `{}` are worked on", self.peer.node),
            retry_after: RETRY_AFTER,
        })
    }

    /// The name of something larger that goes by this link.
    pub(crate) fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Runs until it is done or the link ends.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(work);
    }
}

/// A link that is up.
pub struct Link {
    inbound: Arc<Inbound>,
    /// When it came up.
    pub since: Instant,
    /// The token that the peer gave us.
    token: [u8; 16],
    pub(crate) session: Session,
    unanswered: Arc<Semaphore>,
    /// Cancelled when nothing of it is left.
    gone: CancellationToken,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({} to {})", self.id(), self.peer().node)
    }
}

impl Link {
    pub(crate) fn new(inbound: Arc<Inbound>, token: [u8; 16], session: Session) -> Self {
        Self {
            inbound,
            since: Instant::now(),
            token,
            session,
            unanswered: Arc::new(Semaphore::new(BYTES_UNANSWERED_MAX)),
            gone: CancellationToken::new(),
        }
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Arc<Peer> {
        &self.inbound.peer
    }

    /// Which of all links of this node since its start: two links to one peer have two numbers.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.inbound.id
    }

    pub(crate) fn switch(&self) -> &Switch {
        &self.inbound.switch
    }

    /// Sends an envelope and waits for its answer, as long as the head says.
    ///
    /// # Errors
    /// `Busy` when too much is unanswered, `NodeLost` when the link ends, `Timeout` (then it is not known whether it was
    /// done), `TooLarge`, and whatever the peer answers.
    pub async fn ask(&self, head: Head, body: &[u8]) -> Result<Vec<u8>, AskError> {
        let deadline = Duration::from_millis(u64::from(head.deadline_ms));
        tokio::select! {
            answer = self.answered(head, body) => answer,
            () = self.switch().is_off() => Err(AskError::NodeLost),
            () = tokio::time::sleep(deadline) => Err(AskError::Timeout(deadline)),
        }
    }

    async fn answered(&self, mut head: Head, body: &[u8]) -> Result<Vec<u8>, AskError> {
        // Parts go under the same head.
        let of_link = |kind, head: &Head| Head { kind, whole: None, ..head.clone() };
        let mut body = body;
        if body.len() > envelope::BODY_BYTES_MAX {
            let whole = parts::whole_of(self.inbound.next(), body)?;
            for (n, bytes) in parts::split(body).enumerate() {
                let named = [&reference(whole.id, n)[..], bytes].concat();
                self.send_and_hear(&mut of_link(Kind::Put, &head), &named).await?;
            }
            (head.whole, body) = (Some(whole), &[]);
        }
        let whole = match self.send_and_hear(&mut head, body).await? {
            Unpacked::Whole(answer) => return Ok(answer),
            Unpacked::InParts(whole) => whole,
        };
        let mut answer = Gathered::begin(whole)?;
        while let Some(n) = answer.next() {
            match self.send_and_hear(&mut of_link(Kind::Part, &head), &reference(answer.id(), n)).await? {
                Unpacked::Whole(bytes) => answer.add(&bytes)?,
                Unpacked::InParts(_) => return Err(AskError::Decode("a part in parts".into())),
            }
        }
        answer.whole()
    }

    async fn send_and_hear(&self, head: &mut Head, body: &[u8]) -> Result<Unpacked, AskError> {
        envelope::unpack_answer(self.sent(head, body)?.await?)
    }

    /// Sends an envelope, behind all that was sent before; what is answered may be left alone.
    ///
    /// # Errors
    /// As [`Link::ask`], of what can go wrong before it is sent.
    pub fn send(&self, mut head: Head, body: &[u8]) -> Result<Answering, AskError> {
        self.sent(&mut head, body)
    }

    fn sent(&self, head: &mut Head, body: &[u8]) -> Result<Answering, AskError> {
        head.token = self.token;
        let envelope = envelope::pack(head, body)?;
        let size = u32::try_from(envelope.len() + OVERHEAD).unwrap_or(u32::MAX);
        let Ok(permit) = self.unanswered.clone().try_acquire_many_owned(size) else {
            let what = format!("{BYTES_UNANSWERED_MAX} bytes to `{}` wait for their answers", self.peer().node);
            return Err(AskError::Busy { what, retry_after: RETRY_AFTER });
        };
        self.put(envelope, permit)
    }

    fn put(&self, envelope: Vec<u8>, counted: OwnedSemaphorePermit) -> Result<Answering, AskError> {
        let (port, answer) = oneshot::channel();
        let call = RegionMsg::Call { envelope, stamp: None, answer: port.into() };
        self.session.region.send_message(call).map_err(|_| AskError::NodeLost)?;
        Ok(Answering { inbound: self.inbound.clone(), waits: Some((answer, counted)) })
    }

    /// Takes down what the link stands on: what was being done for the peer, and the session, so that the name is free.
    pub(crate) async fn end(&self) {
        self.inbound.work.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        let ended = self.session.session.stop_and_wait(Some("the link is down".into()), Some(STEP_MAX));
        drop(ended.await);
        self.gone.cancel();
    }

    /// Ends when nothing of the link is left.
    pub(crate) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Ends the link; it is dialled again where it was dialled.
    pub fn close(&self, why: &str) {
        self.switch().turn_off(why);
    }
}

/// An answer that is to come. The bytes of its call count as unanswered until it has, whether or not someone still waits: one
/// that is dropped before is waited for by the link.
pub struct Answering {
    inbound: Arc<Inbound>,
    waits: Option<(oneshot::Receiver<Vec<u8>>, OwnedSemaphorePermit)>,
}

impl Future for Answering {
    type Output = Result<Vec<u8>, AskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some((answer, _)) = &mut this.waits else { return Poll::Ready(Err(AskError::NodeLost)) };
        let answer = ready!(Pin::new(answer).poll(cx));
        this.waits = None;
        Poll::Ready(answer.map_err(|_| AskError::NodeLost))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let Some((answer, counted)) = self.waits.take() else { return };
        // A runtime that ends takes all links along.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.inbound.spawn(async move {
                drop(answer.await);
                drop(counted);
            });
        }
    }
}

/// How a part is named: of what, and which.
fn reference(id: u64, n: usize) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&id.to_be_bytes());
    bytes[8..].copy_from_slice(&u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes());
    bytes
}

/// Peers by name, each with its link.
pub type Up = Arc<BTreeMap<String, Arc<Link>>>;

/// All links of a node: those that are up, and those by which something may come in.
pub(crate) struct Links {
    up: watch::Sender<Up>,
    inbound: RwLock<HashMap<u64, Arc<Inbound>>>,
}

impl Links {
    pub(crate) fn new() -> Self {
        Self { up: watch::Sender::new(Up::default()), inbound: RwLock::default() }
    }

    pub(crate) fn inbound(&self, id: u64) -> Option<Arc<Inbound>> {
        self.inbound.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// From now on, until what is returned is dropped, calls are taken by it.
    pub(crate) fn let_in(self: &Arc<Self>, inbound: &Arc<Inbound>) -> LetIn {
        self.inbound.write().unwrap_or_else(PoisonError::into_inner).insert(inbound.id, inbound.clone());
        LetIn { links: self.clone(), id: inbound.id }
    }

    /// What is up now.
    pub(crate) fn up(&self) -> Up {
        self.up.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Up> {
        self.up.subscribe()
    }

    pub(crate) fn put(&self, link: &Arc<Link>) {
        self.up.send_modify(|up| {
            Arc::make_mut(up).insert(link.peer().node.clone(), link.clone());
        });
    }

    /// Takes it out, unless another link to the same peer has taken its place.
    pub(crate) fn take(&self, link: &Link) {
        self.up.send_if_modified(|up| {
            let is_it = up.get(&link.peer().node).is_some_and(|there| there.id() == link.id());
            if is_it {
                Arc::make_mut(up).remove(&link.peer().node);
            }
            is_it
        });
    }
}

/// Ends it that calls are taken by a link.
pub(crate) struct LetIn {
    links: Arc<Links>,
    id: u64,
}

impl Drop for LetIn {
    fn drop(&mut self) {
        self.links.inbound.write().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
