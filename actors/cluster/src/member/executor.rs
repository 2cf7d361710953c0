//! Opens and closes units as the holder decided. The loop does not wait for it, so that renewals go on while something takes
//! long to stop.

use std::sync::Arc;
use std::time::Duration;

use messages::cluster::{ToHub, Unit};
use messages::membership::Msg;
use placement::holder::Action;
use runtime::System;
use tokio::sync::mpsc;

use super::lanes::{self, Job};
use super::reign::SELF;
use super::{Event, Hands, Member};

/// The alarm of a unit that this node was given and can't open.
fn opening(unit: &Unit) -> String {
    format!("opening:{unit}")
}

pub(super) async fn run(member: Arc<Member>, hands: Arc<dyn Hands>, jobs: mpsc::Receiver<Job>) {
    let act = |action| {
        let (member, hands) = (member.clone(), hands.clone());
        async move { act(&member, &*hands, action).await }
    };
    lanes::run(jobs, act).await;
}

/// What is not woken in this time, the sweep finds.
const BEGIN_MAX: Duration = Duration::from_secs(2);

async fn begin(system: &System, hands: &dyn Hands, unit: &Unit) {
    drop(tokio::time::timeout(BEGIN_MAX, hands.begin(system, unit.address())).await);
}

async fn act(member: &Member, hands: &dyn Hands, action: Action) {
    let Some(system) = member.system.get() else { return };
    #[cfg(feature = "failpoints")]
    match &action {
        Action::Open(unit, epoch) => member.holds_on.opened(unit.address(), *epoch),
        Action::Close(..) | Action::Drain(..) if super::holds_on::HoldsOn::is_on() => return,
        _ => {}
    }
    match action {
        Action::Send(message) if member.is_hub() => {
            let (node, message) = (member.facts.node.to_string(), Msg::ToHub(message));
            // The loop hears it as long as the node runs.
            drop(member.events.send(Event::Heard { node, link: SELF, message }).await);
        }
        // The last word: links end when it was said.
        Action::Send(ToHub::Goodbye) => member.say_goodbye().await,
        Action::Send(message) => member.say_to_hub(message),
        Action::Open(unit, epoch) => {
            let opened = hands.open(system, unit.address()).await;
            let is_open = opened.is_ok();
            let told = opened.err().map(|why| format!("{unit} was given to this node and can't be opened: {why}"));
            system.alarm(&opening(&unit), told);
            drop(member.events.send(Event::Opened { unit, epoch, is_open }).await);
        }
        Action::Begin(unit, epoch) => {
            tracing::info!(%unit, epoch, "holds it");
            begin(system, hands, &unit).await;
        }
        Action::Suspend(unit, since) => {
            let ago_ms = member.now().since(since);
            tracing::warn!(%unit, ago_ms, "the lease has ended; nothing is written until it is renewed");
        }
        Action::Resume(unit) => {
            tracing::info!(%unit, "the lease was renewed");
            begin(system, hands, &unit).await;
        }
        Action::Drain(unit, epoch) => {
            hands.close(system, unit.address()).await;
            system.alarm(&opening(&unit), None);
            tracing::info!(%unit, epoch, "given back");
            drop(member.events.send(Event::Finished { unit, epoch }).await);
        }
        Action::Close(unit, why) => {
            hands.close(system, unit.address()).await;
            system.alarm(&opening(&unit), None);
            tracing::info!(%unit, ?why, "holds it no more");
        }
    }
}
