//! The region: the one actor by which addresses of this node are opened. In a cluster it is the only one that peers see.

use std::time::Duration;

use messages::{Address, AskError};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use crate::mail::Envelope;
use crate::supervisor::Order;
use crate::system::System;
use crate::units::unit_of;

/// A unit that was given to this node is opened in far less.
const OPENS_WITHIN: Duration = Duration::from_millis(200);
/// How deep supervisors may be nested above an address that is opened.
const DEPTH_MAX: usize = 8;

/// What the region is asked.
pub(crate) enum Demand {
    /// Open it and say so.
    Open { address: Address, answer: oneshot::Sender<Result<(), AskError>> },
    /// Open it and wake it.
    Wake(Address),
}

struct Region {
    system: System,
}

/// Starts the region of a node.
pub(crate) async fn spawn(system: System) -> Result<ActorRef<Envelope<Demand>>, String> {
    let (actor, _) = Actor::spawn(None, Region { system }, ()).await.map_err(|e| e.to_string())?;
    Ok(actor)
}

impl Actor for Region {
    type Msg = Envelope<Demand>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Self::Msg>, message: Self::Msg, (): &mut ()) -> Result<(), ActorProcessingErr> {
        match message.mail {
            Demand::Open { address, answer } => drop(answer.send(self.open(&address).await)),
            Demand::Wake(address) => {
                self.system.demanded(&address);
                let opened = self.open(&address).await;
                if opened.is_ok() {
                    self.system.wake(&address);
                }
                self.tell(&address, opened.err());
            }
        }
        Ok(())
    }
}

impl Region {
    /// Someone who has rows that wait and can't be opened is an alarm until it can: nobody else would hear of it.
    fn tell(&self, address: &Address, problem: Option<AskError>) {
        let stopping = self.system.is_stopping();
        let told = problem.filter(|_| !stopping).map(|error| error.to_string());
        let alarm = |at: &Address, why: Option<String>| {
            self.system.alarm(&format!("opening:{at}"), why.map(|why| format!("{at} can't be opened: {why}")));
        };
        match unit_of(address).filter(|_| self.system.fence(address).is_none()) {
            // What keeps all of a unit closed is told once for the unit; in a cluster by whoever opens units.
            Some(_) if self.system.far().is_some() => {}
            Some(unit) => alarm(&unit, told),
            None => {
                alarm(address, told);
                if let Some(unit) = unit_of(address).filter(|_| self.system.far().is_none()) {
                    alarm(&unit, None);
                }
            }
        }
    }

    /// In a cluster the unit may be here, or at another node, in a moment.
    fn not_ours(&self, why: String) -> AskError {
        match self.system.far() {
            Some(_) => AskError::Busy { what: why, retry_after: OPENS_WITHIN },
            None => AskError::Failed(why),
        }
    }

    /// Opens an address and the supervisors above it, outermost first.
    async fn open(&self, address: &Address) -> Result<(), AskError> {
        if self.system.is_stopping() {
            return Err(AskError::NotOwner);
        }
        let mut missing = Vec::new();
        let mut next = Some(address.clone());
        while let Some(wanted) = next.take_if(|wanted| self.system.directory().get(wanted).is_none()) {
            if missing.len() >= DEPTH_MAX {
                return Err(AskError::NoSuchAddress(format!("{address} is nested too deep")));
            }
            let kind = self.system.kind_of(&wanted).ok_or_else(|| AskError::NoSuchAddress(wanted.to_string()))?;
            next = kind.parent(&wanted);
            missing.push(wanted);
        }
        if !missing.is_empty() {
            self.system.claim(address).await.map_err(|why| self.not_ours(why))?;
        }
        while let Some(wanted) = missing.pop() {
            self.open_one(&wanted).await?;
        }
        Ok(())
    }

    async fn open_one(&self, address: &Address) -> Result<(), AskError> {
        let kind = self.system.kind_of(address).ok_or_else(|| AskError::NoSuchAddress(address.to_string()))?;
        let parent = kind.parent(address).ok_or_else(|| AskError::NoSuchAddress(address.to_string()))?;
        let supervisor = self
            .system
            .supervisor(&parent)
            .ok_or_else(|| AskError::Failed(format!("its supervisor {parent} is not there")))?;
        let (sender, receiver) = oneshot::channel();
        let order = Order::Open(Box::new(kind.spec(address)), sender);
        supervisor.send_message(Envelope { mail: order, ticket: None }).map_err(|e| AskError::Failed(e.to_string()))?;
        receiver
            .await
            .map_err(|_| AskError::Failed(format!("its supervisor {parent} ended")))?
            .map_err(AskError::Failed)
    }
}
