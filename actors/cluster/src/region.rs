//! The region: the one actor of a node that its peers can call. It looks at who asks, hands the message on, and always
//! answers.

use std::sync::Arc;
use std::time::Duration;

use messages::AskError;
use messages::envelope::{Head, Kind};
use ractor::message::{BoxedDowncastErr, SerializedMessage};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use crate::allowed;
use crate::envelope;
use crate::links::{Inbound, Links};
use crate::serve::{Call, Serve};

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
    fn send(mut self, answer: Result<Vec<u8>, AskError>) {
        self.put(answer);
    }

    fn put(&mut self, answer: Result<Vec<u8>, AskError>) {
        if let Some(port) = self.0.take() {
            // A link that has ended takes its askers along.
            drop(port.send(envelope::pack_answer(answer)));
        }
    }
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
            match self.admit(&envelope, stamp.as_deref()) {
                Ok((_, head, _)) if head.kind == Kind::Ping => answer.send(Ok(Vec::new())),
                Ok((link, head, body)) => self.work(&link, head, body, answer),
                Err(error) => answer.send(Err(error)),
            }
        }
        Ok(())
    }
}

impl Region {
    /// Who asks, and that it may.
    fn admit(&self, envelope: &[u8], stamp: Option<&[u8]>) -> Result<(Arc<Inbound>, Head, Vec<u8>), AskError> {
        let denied = |why: &str| AskError::Denied(why.to_owned());
        let id = stamp.and_then(|stamp| stamp.try_into().ok()).map(u64::from_be_bytes);
        let link = id.and_then(|id| self.links.inbound(id)).ok_or_else(|| denied("it came by no link of this node"))?;
        let (head, body) = envelope::unpack(envelope)?;
        if head.token != link.token {
            return Err(denied("its token is not the one that was given out for this link"));
        }
        allowed::check(link.peer.roles, &head).map_err(AskError::Denied)?;
        Ok((link, head, body.to_vec()))
    }

    fn work(&self, link: &Arc<Inbound>, head: Head, body: Vec<u8>, answer: Answer) {
        let permit = match link.one_more_call() {
            Ok(permit) => permit,
            Err(busy) => return answer.send(Err(busy)),
        };
        let deadline = Duration::from_millis(u64::from(head.deadline_ms)).min(DEADLINE_MAX);
        let call = Call { to: head.to, from: head.from, trace: head.trace, deadline, kind: head.kind, body };
        let served = self.serve.serve(link.peer.clone(), link.id, call);
        link.spawn(async move {
            let done = tokio::time::timeout(deadline, served).await;
            answer.send(done.unwrap_or(Err(AskError::Timeout(deadline))));
            drop(permit);
        });
    }
}
