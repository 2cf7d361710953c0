//! A connector with its one account: puts what people say into the store, and asks contexts something now and then.

use std::sync::Arc;
use std::time::Duration;

use messages::store::{Commit, InboundKind, Owner, Write};
use messages::turn::Chat;
use messages::{Address, InboundId, Protocol, Trace};
use runtime::{ReplyPort, Service, ServiceCx, ServiceError, System};
use serde::{Deserialize, Serialize};

use super::checks::event;
use super::outside::{Outside, contexts};
use super::talk::{ANSWER, Asked, Words};

/// Its address.
pub(super) const DESK: &str = "connector/console";
/// How many people speak at once.
const AT_ONCE: usize = 2;
/// Of how many answers one is too large for one envelope, and how large it is then.
const LARGE_ONE_IN: u64 = 40;
const LARGE: usize = 1_200_000;

#[derive(Debug)]
pub(super) enum Silent {}

/// It is asked nothing.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Nothing {}

impl Protocol for Silent {
    const KIND: &'static str = "desk";
    type Msg = Nothing;
    type Reply = ();
}

pub(super) struct Desk {
    pub(super) outside: Arc<Outside>,
    pub(super) node: &'static str,
}

impl Service for Desk {
    type Proto = Silent;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        for _ in 0..AT_ONCE {
            cx.spawn("what people say", speak(self.outside.clone(), self.node, cx.system.clone()));
        }
        cx.spawn("questions", ask(self.outside.clone(), cx.system.clone()));
        Ok(())
    }

    async fn handle(&mut self, msg: Nothing, _: ReplyPort<Silent>, _: &ServiceCx) -> Result<(), ServiceError> {
        match msg {}
    }
}

/// As long as it has not heard that something was accepted, it is said again.
async fn speak(outside: Arc<Outside>, node: &'static str, system: System) {
    let unit = Address::parse(DESK).unwrap();
    loop {
        tokio::time::sleep(Duration::from_millis(outside.within(40, 240))).await;
        let Ok(fences) = system.fences(&unit) else { continue };
        fences.iter().for_each(|fence| outside.uses(node, fence));
        let Some((context, n)) = outside.speaker() else { continue };
        let put = put(&context, n, node, &system);
        let commit = Commit { by: Owner::Connector, fences, writes: vec![put] };
        match system.store().commit(commit).await {
            Ok(_) => {
                outside.acknowledged(&context, n);
                system.wake(&context);
            }
            Err(error) => tracing::debug!(%context, n, %error, "not accepted"),
        }
    }
}

fn put(context: &Address, n: u64, node: &str, system: &System) -> Write {
    let event = event(context, n);
    let id = InboundId::of("console", &event);
    let chat = context.as_str().trim_start_matches("ws/").replace("/context/", "/");
    Write::InboxPut {
        trace: Trace::of(&id),
        id,
        event,
        context: context.clone(),
        chat: Chat { connector: "console".into(), chat },
        user: node.to_owned(),
        kind: InboundKind::Message,
        target: None,
        text: format!("words {n}"),
        salt: [1; 16],
        received_at: system.now(),
    }
}

/// Answers are whole or none.
async fn ask(outside: Arc<Outside>, system: System) {
    let contexts: Vec<Address> = contexts().collect();
    loop {
        tokio::time::sleep(Duration::from_millis(outside.within(100, 900))).await;
        let of = usize::try_from(outside.within(0, contexts.len() as u64 - 1)).unwrap();
        let large = outside.within(1, LARGE_ONE_IN) == 1;
        let bytes = if large { LARGE } else { 200 };
        let answer = system.to::<Words>(&contexts[of]).ask(Asked(bytes), Duration::from_secs(2)).await;
        outside.check(|checks| match answer {
            Ok(answer) if answer.len() != bytes || answer.iter().any(|byte| *byte != ANSWER) => {
                checks.fail(super::network::elapsed(), "an answer is not what was sent");
            }
            Ok(_) => checks.answered += 1,
            Err(_) => checks.unanswered += 1,
        });
    }
}
