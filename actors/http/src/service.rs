//! The actor at `http`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use messages::{Address, Protocol};
use runtime::{ReplyPort, Service, ServiceCx, ServiceError};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connection::{self, CONNECTIONS_MAX};
use crate::pages::pages;

/// The alarm that stands while connections can't be taken.
const ALARM: &str = "http";
/// How long is waited when a connection can't be taken.
const PAUSE: Duration = Duration::from_millis(250);

/// The protocol of the actor.
#[derive(Debug)]
pub enum Http {}

impl Protocol for Http {
    const KIND: &'static str = "http";
    type Msg = Msg;
    type Reply = String;
}

/// To the actor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// Where it listens.
    Describe,
}

/// A port that is taken; cheap to clone, and taken as long as one clone lives.
#[derive(Debug, Clone)]
pub struct Door {
    listener: Arc<std::net::TcpListener>,
    address: SocketAddr,
}

impl Door {
    /// Where it is; with port 0 the one that the system chose.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Takes the port.
///
/// # Errors
/// One sentence: what failed, why, and what to do.
pub fn bind(address: SocketAddr) -> Result<Door, String> {
    let taken = std::net::TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Door { listener: Arc::new(listener), address })
    });
    taken.map_err(|error| {
        format!(
            "the address for health and metrics, {address}, can't be listened at ({error}); name another one by \
             `listen` under `[http]`, or none by `listen = \"\"`"
        )
    })
}

/// Takes connections, so many at once.
pub struct HttpService {
    door: Door,
}

impl HttpService {
    /// On a port that was taken. A restart opens it again on the same one.
    #[must_use]
    pub fn new(door: Door) -> Self {
        Self { door }
    }

    /// Where it is in the tree.
    #[must_use]
    pub fn address() -> Address {
        Address::fixed("http")
    }
}

impl Service for HttpService {
    type Proto = Http;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        let listener = self.door.listener.try_clone().and_then(TcpListener::from_std).map_err(ServiceError::new)?;
        let pages = pages(cx.system.clone());
        let desk = Desk { pages, places: Arc::new(Semaphore::new(CONNECTIONS_MAX)), cx: cx.clone() };
        cx.spawn("taking connections", desk.keep(listener));
        Ok(())
    }

    async fn handle(&mut self, _: Msg, reply: ReplyPort<Http>, _: &ServiceCx) -> Result<(), ServiceError> {
        reply.send(format!("http://{}", self.door.address));
        Ok(())
    }
}

struct Desk {
    pages: Router,
    places: Arc<Semaphore>,
    cx: ServiceCx,
}

impl Desk {
    async fn keep(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    self.cx.system.alarm(ALARM, None);
                    self.take(stream);
                }
                Err(error) => {
                    // Out of file descriptors, most likely: connections that end give some back.
                    let told = format!("health and metrics can't be asked for: no connection can be taken ({error})");
                    self.cx.system.alarm(ALARM, Some(told));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn take(&self, stream: TcpStream) {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => self.serve(stream, place),
            Err(_) => connection::turn_away(&stream),
        }
    }

    fn serve(&self, stream: TcpStream, place: OwnedSemaphorePermit) {
        let answered = connection::serve(stream, self.pages.clone());
        self.cx.spawn("a connection", async move {
            answered.await;
            drop(place);
        });
    }
}
