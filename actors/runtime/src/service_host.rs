//! The host of plain actors.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use messages::Address;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::directory::Handles;
use crate::gauge::Gauge;
use crate::mail::{Envelope, Mail, TypedPost};
use crate::service::{Service, ServiceCx, ServiceError};
use crate::supervisor::Start;
use crate::tasks::Tasks;

/// Where an actor finds itself once it lives.
type Own<S> = Arc<OnceLock<ActorRef<Envelope<Heard<S>>>>>;

struct ServiceHost<S: Service, F> {
    open: F,
    /// Set before it starts: a task that panics at once is heard of.
    own: Own<S>,
    cx: ServiceCx,
    gauge: Arc<Gauge>,
    woken: Arc<AtomicBool>,
}

pub(crate) enum Heard<S: Service> {
    Posted(Mail<S::Proto>),
    /// One of its tasks panicked.
    TaskDied(String),
}

pub(crate) async fn spawn<S: Service, F, Fut>(address: Address, start: Start, open: F) -> Result<Handles, String>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<S, ServiceError>> + Send + 'static,
{
    let (gauge, woken) = (start.gauge, Arc::new(AtomicBool::new(false)));
    let depth_max = start.system.options().mailbox_max;
    let own: Own<S> = Arc::default();
    let teller = own.clone();
    let tasks = Tasks::new(Arc::new(move |what, why| {
        if let Some(actor) = teller.get() {
            let mail = Heard::TaskDied(format!("{what} panicked: {why}"));
            drop(actor.send_message(Envelope { mail, ticket: None }));
        }
    }));
    let cx = ServiceCx { address, system: start.system, tasks };
    let host = ServiceHost { open, own, cx, gauge: gauge.clone(), woken: woken.clone() };
    let (actor, _) = Actor::spawn_linked(None, host, (), start.supervisor).await.map_err(|e| e.to_string())?;
    let cell = actor.get_cell();
    let deliver = move |mail, ticket| {
        actor.send_message(Envelope { mail: Heard::<S>::Posted(mail), ticket: Some(ticket) }).is_ok()
    };
    let post = TypedPost::<S::Proto>::new(gauge, woken, depth_max, Box::new(deliver));
    Ok(Handles { cell, post: Some(Arc::new(post)), supervisor: None })
}

impl<S: Service, F, Fut> Actor for ServiceHost<S, F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<S, ServiceError>> + Send + 'static,
{
    type Msg = Envelope<Heard<S>>;
    type State = Option<S>;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, (): ()) -> Result<Option<S>, ActorProcessingErr> {
        drop(self.own.set(myself));
        Ok(None)
    }

    async fn post_start(&self, _: ActorRef<Self::Msg>, service: &mut Option<S>) -> Result<(), ActorProcessingErr> {
        let service = service.insert((self.open)().await?);
        Ok(service.started(&self.cx).await?)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        service: &mut Option<S>,
    ) -> Result<(), ActorProcessingErr> {
        let Envelope { mail, ticket } = message;
        drop(ticket);
        let Some(service) = service else {
            return Ok(());
        };
        self.gauge.count_handled();
        match mail {
            Heard::Posted(Mail::Wake) => {
                self.woken.store(false, Ordering::SeqCst);
                service.woken(&self.cx).await?;
            }
            Heard::Posted(Mail::Ask { msg, reply }) => service.handle(msg, reply.heard(), &self.cx).await?,
            Heard::Posted(Mail::Due(_) | Mail::Passivate) => {}
            Heard::TaskDied(why) => return Err(why.into()),
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Self::Msg>, service: &mut Option<S>) -> Result<(), ActorProcessingErr> {
        if let Some(service) = service {
            service.stopping(&self.cx).await;
        }
        self.cx.tasks.abort_all();
        Ok(())
    }
}

impl<S: Service, F> Drop for ServiceHost<S, F> {
    fn drop(&mut self) {
        self.cx.tasks.abort_all();
    }
}
