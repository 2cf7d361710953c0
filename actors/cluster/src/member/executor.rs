//! Opens and closes units, one after the other, as the holder decided: each to its end before the next. The loop does not
//! wait for it, so that renewals go on while something takes long to stop.

use std::sync::Arc;

use messages::cluster::Unit;
use placement::holder::Action;
use tokio::sync::mpsc;

use super::{Event, Hands, Member};

/// More than a node's units: each may be told to open, to drain and to close.
pub(super) const ACTIONS_MAX: usize = 3 * messages::cluster::UNITS_PER_NODE_MAX;

/// The alarm of a unit that this node was given and can't open.
fn opening(unit: &Unit) -> String {
    format!("opening:{unit}")
}

pub(super) async fn run(member: Arc<Member>, hands: Arc<dyn Hands>, mut actions: mpsc::Receiver<Action>) {
    while let Some(action) = actions.recv().await {
        let Some(system) = member.system.get() else { continue };
        #[cfg(feature = "failpoints")]
        match &action {
            Action::Open(unit, epoch) => member.holds_on.opened(unit.address(), *epoch),
            Action::Close(..) | Action::Drain(..) if super::holds_on::HoldsOn::is_on() => continue,
            _ => {}
        }
        match action {
            Action::Send(message) => member.say_to_hub(message),
            Action::Open(unit, epoch) => {
                let alarm = opening(&unit);
                match hands.open(system, unit.address()).await {
                    Ok(()) => {
                        tracing::info!(%unit, epoch, "holds it");
                        system.alarm(&alarm, None);
                    }
                    Err(why) => {
                        system.alarm(&alarm, Some(format!("{unit} was given to this node and can't be opened: {why}")));
                    }
                }
            }
            Action::Suspend(unit) => {
                tracing::warn!(%unit, "the lease has ended; nothing is written until it is renewed");
            }
            Action::Resume(unit) => tracing::info!(%unit, "the lease was renewed"),
            Action::Drain(unit, epoch) => {
                hands.close(system, unit.address()).await;
                system.alarm(&opening(&unit), None);
                tracing::info!(%unit, epoch, "given back");
                // The loop hears it as long as the node runs.
                drop(member.events.send(Event::Finished { unit, epoch }).await);
            }
            Action::Close(unit, why) => {
                hands.close(system, unit.address()).await;
                system.alarm(&opening(&unit), None);
                tracing::info!(%unit, ?why, "holds it no more");
            }
        }
    }
}
