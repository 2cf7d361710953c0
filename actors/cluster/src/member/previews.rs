//! Previews of answers across nodes: the words as they come, for a chat whose context runs on another node.
//!
//! ```text
//! connector ──Listen──► hub ──Listen──► worker: follows its feed
//! connector ◄─Preview── hub ◄─Preview── worker: what has come since the last one was answered
//! ```
//!
//! They are worth nothing: what counts is the reply's row. So there is one unanswered preview of an answer at a time, and
//! what comes meanwhile waits in a bounded text whose oldest words are dropped; and only so many answers are followed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use messages::cluster::{Role, Unit};
use messages::envelope::Kind;
use messages::membership::{Msg, PREVIEW_BYTES_MAX};
use messages::{Address, AskError, Slug, Trace};
use tokio::sync::{Semaphore, mpsc};

use super::{Event, Member, head, tell};
use crate::serve::Peer;

/// Answers that a node follows for others at once; of more there are no previews.
const FOLLOWED_MAX: usize = 256;
/// Answers of which the hub knows who looks on; the oldest are forgotten first.
const KNOWN_MAX: usize = 4_096;
/// Words are gathered for so long, so that a fast model is no storm of small messages.
const GATHER: Duration = Duration::from_millis(100);
/// How long an answer is followed.
const FOLLOW_MAX: Duration = Duration::from_secs(600);
/// How long one preview may be under way, in milliseconds.
const PREVIEW_MS_MAX: u32 = 2_000;

/// Who looks on.
pub(super) struct Previews {
    /// At the hub.
    known: Mutex<Known>,
    following: Arc<Semaphore>,
}

impl Default for Previews {
    fn default() -> Self {
        Self { known: Mutex::default(), following: Arc::new(Semaphore::new(FOLLOWED_MAX)) }
    }
}

/// By trace: of which unit it is, and which node looks on; `None`: the hub itself.
#[derive(Default)]
struct Known {
    by_trace: HashMap<Trace, (Unit, Option<String>)>,
    order: VecDeque<Trace>,
}

impl Known {
    fn put(&mut self, trace: Trace, unit: Unit, node: Option<String>) {
        if self.by_trace.insert(trace.clone(), (unit, node)).is_some() {
            return;
        }
        self.order.push_back(trace);
        if self.order.len() > KNOWN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_trace.remove(&oldest);
        }
    }

    fn get(&self, trace: &Trace) -> Option<(Unit, Option<String>)> {
        self.by_trace.get(trace).cloned()
    }
}

impl Member {
    /// A chat of this node looks on at an answer of a unit that is not here.
    pub(super) fn listen(&self, unit: &Unit, trace: &Trace) {
        let message = Msg::Listen { unit: unit.clone(), trace: trace.clone() };
        if self.is_hub() {
            self.known(|known| known.put(trace.clone(), unit.clone(), None));
        }
        // From another node, by the hub.
        if let Ok(link) = self.towards(unit) {
            tell(&link, &message);
        }
    }

    /// Another node looks on. The hub passes it on to who holds the unit; who holds it tells.
    pub(super) fn listen_for(self: &Arc<Self>, from: &Peer, unit: &Unit, trace: Trace) -> Result<(), AskError> {
        if !(from.roles.has(Role::Connector) || from.roles.has(Role::Hub)) {
            return Err(AskError::Denied(format!("a node with the roles {} has no chats", from.roles)));
        }
        if self.is_hub() {
            self.known(|known| known.put(trace.clone(), unit.clone(), Some(from.node.clone())));
        }
        if self.holder().holds(unit) {
            // Full, there are no previews of this one.
            drop(self.events.try_send(Event::Follow(trace)));
        } else if self.is_hub() {
            tell(&*self.towards(unit)?, &Msg::Listen { unit: unit.clone(), trace });
        }
        Ok(())
    }

    /// Tells of an answer as it comes, until its end, or that of who looks on, or its time. It listens from when this is
    /// called; `None`: too many are followed.
    pub(super) fn follow(self: &Arc<Self>, trace: Trace) -> Option<impl Future<Output = ()> + Send + 'static> {
        let place = self.previews.following.clone().try_acquire_owned().ok()?;
        let (pieces, member) = (self.system.get()?.feed().listen(trace.clone()), self.clone());
        Some(async move {
            let _place = place;
            drop(tokio::time::timeout(FOLLOW_MAX, member.tell_pieces(trace, pieces)).await);
        })
    }

    async fn tell_pieces(self: Arc<Self>, trace: Trace, mut pieces: mpsc::Receiver<String>) {
        let mut is_last = false;
        while !is_last {
            let mut text = String::new();
            match pieces.recv().await {
                Some(piece) => text.push_str(&piece),
                None => is_last = true,
            }
            if !is_last {
                tokio::time::sleep(GATHER).await;
            }
            while let Ok(piece) = pieces.try_recv() {
                text.push_str(&piece);
            }
            if self.tell_piece(&trace, newest(text), is_last).await.is_err() {
                return;
            }
        }
    }

    /// To the hub, or as the hub. An error: nobody looks on any more.
    async fn tell_piece(&self, trace: &Trace, text: String, is_last: bool) -> Result<(), AskError> {
        if self.is_hub() {
            return self.pass_on(trace.clone(), text, is_last).await.map(drop);
        }
        let Some(hub) = self.hub() else { return Ok(()) };
        send(&hub, &Msg::Preview { trace: trace.clone(), text, is_last }).await
    }

    /// Another node tells of an answer.
    pub(super) async fn preview(
        &self,
        from: &Peer,
        trace: Trace,
        text: String,
        is_last: bool,
    ) -> Result<Vec<u8>, AskError> {
        if text.len() > PREVIEW_BYTES_MAX {
            return Err(AskError::TooLarge { bytes: text.len(), bytes_max: PREVIEW_BYTES_MAX });
        }
        if !self.is_hub() {
            if !from.roles.has(Role::Hub) {
                return Err(AskError::Denied("previews come by the hub".into()));
            }
            return self.show(&trace, &text, is_last).map(|()| Vec::new());
        }
        let (unit, _) = self.known(|known| known.get(&trace)).ok_or(AskError::NotOwner)?;
        let holder = self.table().holder(&unit).map(|(node, _)| node.clone());
        if holder.as_ref().map(Slug::as_str) != Some(from.node.as_str()) {
            return Err(AskError::Denied(format!("{unit} is not held by `{}`", from.node)));
        }
        self.pass_on(trace, text, is_last).await
    }

    /// At the hub: to who looks on.
    async fn pass_on(&self, trace: Trace, text: String, is_last: bool) -> Result<Vec<u8>, AskError> {
        let (_, node) = self.known(|known| known.get(&trace)).ok_or(AskError::NotOwner)?;
        let Some(node) = node else { return self.show(&trace, &text, is_last).map(|()| Vec::new()) };
        let link = self.links.get().and_then(|links| links.link(&node)).ok_or(AskError::NotOwner)?;
        send(&link, &Msg::Preview { trace, text, is_last }).await.map(|()| Vec::new())
    }

    fn show(&self, trace: &Trace, text: &str, is_last: bool) -> Result<(), AskError> {
        let feed = self.system.get().map(|system| system.feed()).ok_or(AskError::NotOwner)?;
        if !feed.is_heard(trace) {
            return Err(AskError::NotOwner);
        }
        if !text.is_empty() {
            feed.publish(trace, text);
        }
        if is_last {
            feed.close(trace);
        }
        Ok(())
    }

    fn known<T>(&self, with: impl FnOnce(&mut Known) -> T) -> T {
        with(&mut self.previews.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Waits for the answer: so there is one under way at a time. One that was lost is none that is missed.
async fn send(link: &crate::links::Link, message: &Msg) -> Result<(), AskError> {
    let body = postcard::to_stdvec(message).map_err(|e| AskError::Decode(e.to_string()))?;
    match link.ask(head(&Address::fixed("cluster"), Kind::Ask, PREVIEW_MS_MAX), &body).await {
        Err(error @ (AskError::NotOwner | AskError::Denied(_) | AskError::Decode(_) | AskError::NodeLost)) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// The newest words of a text, as many as one preview may have.
fn newest(mut text: String) -> String {
    let mut from = text.len().saturating_sub(PREVIEW_BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.drain(..from);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_keeps_its_newest_words_and_whole_letters() {
        assert_eq!(newest("short".into()), "short");
        let long = format!("{}ü{}", "a".repeat(9), "b".repeat(PREVIEW_BYTES_MAX - 1));
        let kept = newest(long);
        assert_eq!((kept.len(), kept.starts_with('b')), (PREVIEW_BYTES_MAX - 1, true));
    }

    #[test]
    fn the_hub_knows_so_many_and_forgets_the_oldest_first() {
        let (mut known, unit) = (Known::default(), Unit::parse("ws/home").unwrap());
        for n in 0..=KNOWN_MAX {
            known.put(Trace(n.to_string()), unit.clone(), Some("desk".into()));
        }
        assert_eq!((known.by_trace.len(), known.order.len()), (KNOWN_MAX, KNOWN_MAX));
        assert!(known.get(&Trace("0".into())).is_none() && known.get(&Trace("1".into())).is_some());
    }
}
