//! The region: the one actor of a node that its peers can call. It looks at who asks, hands the message on, and always
//! answers.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use messages::envelope::{Head, Kind};
use messages::{Address, AskError};
use ractor::message::{BoxedDowncastErr, SerializedMessage};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::OwnedSemaphorePermit;

use crate::allowed;
use crate::envelope;
use crate::links::{Inbound, Links};
use crate::parts;
use crate::serve::{Call, Serve, Served};

/// The longest that a call is worked on, whatever deadline it comes with.
const DEADLINE_MAX: Duration = Duration::from_secs(600);

/// What crosses, in ractor's terms. It is its own wire form: nothing is encoded twice.
pub(crate) enum RegionMsg {
    Call {
        envelope: Vec<u8>,
        /// The link it came by, written by our gate.
        stamp: Option<Vec<u8>>,
        answer: RpcReplyPort<Vec<u8>>,
    },
    /// Nothing that we send.
    Unknown,
}

impl ractor::Message for RegionMsg {
    fn serializable() -> bool {
        true
    }

    fn serialize(self) -> Result<SerializedMessage, BoxedDowncastErr> {
        let Self::Call { envelope, answer, .. } = self else { return Err(BoxedDowncastErr) };
        Ok(SerializedMessage::Call { variant: String::new(), args: envelope, reply: answer, metadata: None })
    }

    fn deserialize(message: SerializedMessage) -> Result<Self, BoxedDowncastErr> {
        Ok(match message {
            SerializedMessage::Call { args, reply, metadata, .. } => {
                Self::Call { envelope: args, stamp: metadata, answer: reply }
            }
            _ => Self::Unknown,
        })
    }
}

/// Answers when it is dropped, too: an asker on another node would wait for ever.
struct Answer(Option<RpcReplyPort<Vec<u8>>>);

impl Answer {
    /// Answers by a link, in parts if need be.
    fn send_by(mut self, link: &Inbound, answer: Result<Vec<u8>, AskError>) {
        let in_parts = match &answer {
            Ok(body) if body.len() > envelope::BODY_BYTES_MAX => {
                let whole = parts::whole_of(link.next(), body);
                Some(whole.and_then(|whole| link.fetched.keep(whole.id, body).map(|()| whole)))
            }
            _ => None,
        };
        match in_parts {
            Some(Ok(whole)) => self.put_bytes(envelope::pack_parts(&whole)),
            Some(Err(error)) => self.put(Err(error)),
            None => self.put(answer),
        }
    }

    fn send(mut self, answer: Result<Vec<u8>, AskError>) {
        self.put(answer);
    }

    fn put(&mut self, answer: Result<Vec<u8>, AskError>) {
        self.put_bytes(envelope::pack_answer(answer));
    }

    fn put_bytes(&mut self, bytes: Vec<u8>) {
        if let Some(port) = self.0.take() {
            // A link that has ended takes its askers along.
            drop(port.send(bytes));
        }
    }
}

/// The bytes of a call, also where they came in parts before it.
fn whole(link: &Inbound, head: &Head, body: Vec<u8>) -> Result<Vec<u8>, AskError> {
    match &head.whole {
        Some(whole) => link.coming.take(whole),
        None => Ok(body),
    }
}

fn put(link: &Inbound, body: &[u8]) -> Result<Vec<u8>, AskError> {
    let (id, n, part) = referred(body)?;
    link.coming.put(id, n, part).map(|()| Vec::new())
}

fn part(link: &Inbound, body: &[u8]) -> Result<Vec<u8>, AskError> {
    let (id, n, _) = referred(body)?;
    link.fetched.part(id, n)
}

/// Of what, and which part.
fn referred(body: &[u8]) -> Result<(u64, usize, &[u8]), AskError> {
    let bad = || AskError::Decode("a part without its name".into());
    let (id, rest) = body.split_first_chunk::<8>().ok_or_else(bad)?;
    let (n, part) = rest.split_first_chunk::<4>().ok_or_else(bad)?;
    Ok((u64::from_be_bytes(*id), usize::try_from(u32::from_be_bytes(*n)).map_err(|_| bad())?, part))
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.put(Err(AskError::Failed("it ended before it answered".into())));
    }
}

pub(crate) struct Region {
    pub(crate) links: Arc<Links>,
    pub(crate) serve: Arc<dyn Serve>,
}

impl Actor for Region {
    type Msg = RegionMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<RegionMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<RegionMsg>, message: RegionMsg, (): &mut ()) -> Result<(), ActorProcessingErr> {
        if let RegionMsg::Call { envelope, stamp, answer } = message {
            let answer = Answer(Some(answer));
            match self.admit(envelope, stamp.as_deref()) {
                Ok((_, head, _)) if head.kind == Kind::Ping => answer.send(Ok(Vec::new())),
                Ok((link, head, body)) if head.kind == Kind::Put => answer.send(put(&link, &body)),
                Ok((link, head, body)) if head.kind == Kind::Part => answer.send(part(&link, &body)),
                Ok((link, head, body)) => match whole(&link, &head, body) {
                    Ok(body) => self.work(&link, head, body, answer),
                    Err(error) => answer.send(Err(error)),
                },
                Err(error) => answer.send(Err(error)),
            }
        }
        Ok(())
    }
}

impl Region {
    /// Who asks, and that it may.
    fn admit(&self, envelope: Vec<u8>, stamp: Option<&[u8]>) -> Result<(Arc<Inbound>, Head, Vec<u8>), AskError> {
        let denied = |why: &str| AskError::Denied(why.to_owned());
        let id = stamp.and_then(|stamp| stamp.try_into().ok()).map(u64::from_be_bytes);
        let link = id.and_then(|id| self.links.inbound(id)).ok_or_else(|| denied("it came by no link of this node"))?;
        let (head, body) = envelope::unpack(envelope)?;
        if head.token != link.token {
            return Err(denied("its token is not the one that was given out for this link"));
        }
        allowed::check(link.peer.roles, &head).map_err(AskError::Denied)?;
        Ok((link, head, body))
    }

    fn work(&self, link: &Arc<Inbound>, head: Head, body: Vec<u8>, answer: Answer) {
        let is_membership = head.to == Address::fixed("cluster");
        let deadline = Duration::from_millis(u64::from(head.deadline_ms)).min(DEADLINE_MAX);
        let call = Call { to: head.to, from: head.from, trace: head.trace, deadline, kind: head.kind, body };
        if is_membership {
            return self.membership(link, call, answer);
        }
        let permit = match link.one_more_call() {
            Ok(permit) => permit,
            Err(busy) => return answer.send(Err(busy)),
        };
        let served = self.serve.serve(link.peer.clone(), link.id, call);
        finish(link, served, deadline, (answer, permit));
    }

    /// What members tell each other is heard also when commits take all places: leases hang on it. Only what can't be answered
    /// at once takes a place.
    fn membership(&self, link: &Arc<Inbound>, call: Call, answer: Answer) {
        let deadline = call.deadline;
        let mut served = self.serve.serve(link.peer.clone(), link.id, call);
        if let Poll::Ready(done) = served.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return answer.send_by(link, done);
        }
        match link.one_more_call() {
            Ok(permit) => finish(link, served, deadline, (answer, permit)),
            Err(busy) => answer.send(Err(busy)),
        }
    }
}

fn finish(link: &Arc<Inbound>, served: Served, deadline: Duration, (answer, permit): (Answer, OwnedSemaphorePermit)) {
    let of = link.clone();
    link.spawn(async move {
        let done = tokio::time::timeout(deadline, served).await;
        answer.send_by(&of, done.unwrap_or(Err(AskError::Timeout(deadline))));
        drop(permit);
    });
}
