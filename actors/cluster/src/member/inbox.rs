//! What other nodes ask of this one.

use std::sync::Arc;

use messages::cluster::{NodeFacts, Unit};
use messages::envelope::Kind;
use messages::membership::{Msg, Reply};
use messages::store::{StoreAnswer, StoreCall};
use messages::{Address, AskError};
use runtime::{System, Word};

use super::{Event, Member, away, head};
use crate::allowed;
use crate::serve::{Call, Peer, Serve, Served};

/// As the links hold it.
pub(super) struct Inbox(pub(super) Arc<Member>);

impl Serve for Inbox {
    fn serve(&self, from: Arc<Peer>, link: u64, call: Call) -> Served {
        if call.to == Address::fixed("cluster") {
            let member = self.0.clone();
            match postcard::from_bytes(&call.body) {
                Ok(Msg::DrainOf { node, away }) => {
                    return Box::pin(async move {
                        let done = Reply::Draining(member.drain_for(&from, &node, away).await);
                        postcard::to_stdvec(&done).map_err(|e| AskError::Decode(e.to_string()))
                    });
                }
                Ok(Msg::Waits { unit }) if member.is_hub() => {
                    return Box::pin(async move {
                        let told = Reply::Waits(member.waits(&unit).await);
                        postcard::to_stdvec(&told).map_err(|e| AskError::Decode(e.to_string()))
                    });
                }
                Ok(Msg::Facts(facts)) => {
                    if let Err(why) = check_facts(&member, &from, &facts) {
                        return Box::pin(std::future::ready(Err(AskError::Denied(why))));
                    }
                }
                Ok(Msg::Listen { unit, trace }) => {
                    let heard = member.listen_for(&from, &unit, trace);
                    return Box::pin(std::future::ready(heard.map(|()| Vec::new())));
                }
                Ok(Msg::Preview { trace, text, is_last }) => {
                    return Box::pin(async move { member.preview(&from, trace, text, is_last).await });
                }
                _ => {}
            }
            // Here and not in the future: what one node says is heard in the order in which it said it.
            let heard = self.hear(&from, link, &call.body);
            return Box::pin(std::future::ready(heard));
        }
        let member = self.0.clone();
        Box::pin(async move { serve(&member, &from, call).await })
    }
}

impl Inbox {
    fn hear(&self, from: &Peer, link: u64, body: &[u8]) -> Result<Vec<u8>, AskError> {
        let message: Msg = postcard::from_bytes(body).map_err(|e| AskError::Decode(e.to_string()))?;
        if matches!(message, Msg::Describe | Msg::Drain { .. } | Msg::Actors { .. }) {
            return Err(AskError::Denied("this is asked at the node itself".into()));
        }
        let event = Event::Heard { node: from.node.clone(), link, message };
        self.0.events.try_send(event).map_err(|_| away("the member", "too much waits for it"))?;
        postcard::to_stdvec(&Reply::Heard).map_err(|e| AskError::Decode(e.to_string()))
    }
}

/// A node that names more than it may is no part of the cluster until it names less.
fn check_facts(member: &Member, from: &Peer, facts: &NodeFacts) -> Result<(), String> {
    let (node, checked) = (&from.node, facts.holds.check());
    if let Some(system) = member.system.get() {
        let why = checked.as_ref().err().map(|why| format!("what `{node}` says of itself is not heard: {why}"));
        system.alarm(&format!("units:{node}:named"), why);
    }
    checked
}

async fn serve(member: &Arc<Member>, from: &Peer, call: Call) -> Result<Vec<u8>, AskError> {
    let system = member.system.get().ok_or_else(|| away("the node", "it is starting"))?;
    match Unit::of(&call.to) {
        Some(unit) if !member.holder().holds(&unit) => forward(member, &unit, from, call).await,
        _ if call.to == Address::fixed("store") => store(member, system, from, &call).await,
        _ => match call.kind {
            Kind::Ask => system.asked(&call.to, &call.body).await,
            kind => {
                system.told(&call.to, word(kind, &call.body)).await;
                Ok(Vec::new())
            }
        },
    }
}

fn word(kind: Kind, body: &[u8]) -> Word {
    if kind == Kind::Due { Word::Due(String::from_utf8_lossy(body).into_owned()) } else { Word::Wake }
}

/// The hub relays; another node, which was thought to hold it, says that it does not.
async fn forward(member: &Arc<Member>, unit: &Unit, from: &Peer, call: Call) -> Result<Vec<u8>, AskError> {
    if !member.is_hub() {
        return Err(AskError::NotOwner);
    }
    let link = member.towards(unit)?;
    if link.peer().node == from.node {
        return Err(AskError::NotOwner);
    }
    let deadline_ms = u32::try_from(call.deadline.as_millis()).unwrap_or(u32::MAX);
    let head = head(&call.to, call.kind, deadline_ms);
    if call.kind != Kind::Ask {
        // Nobody waits for what becomes of a wake: it may not take a place among what is worked on.
        return link.send(head, &call.body).map(|_| Vec::new());
    }
    link.ask(head, &call.body).await
}

/// A node may write what its roles own, for units that it holds, and read what its roles need.
async fn store(member: &Member, system: &System, from: &Peer, call: &Call) -> Result<Vec<u8>, AskError> {
    let asked: StoreCall = postcard::from_bytes(&call.body).map_err(|e| AskError::Decode(e.to_string()))?;
    allowed::check_store(from.roles, &asked).map_err(AskError::Denied)?;
    let answer = match asked {
        StoreCall::Describe => return system.asked(&call.to, &call.body).await,
        StoreCall::Commit(commit) => {
            let done = match member.too_late(from, &commit) {
                Some(error) => Err(error),
                None => system.store().commit(commit).await,
            };
            member.count_stale(from, &done);
            StoreAnswer::Committed(done)
        }
        StoreCall::Query(query) => StoreAnswer::Rows(system.store().query(query).await),
    };
    postcard::to_stdvec(&answer).map_err(|e| AskError::Decode(e.to_string()))
}
