//! What a supervisor is told about its children.

use std::sync::Arc;
use std::time::Duration;

use messages::{Address, Protocol};
use ractor::ActorCell;

use crate::directory::Handles;
use crate::entity::Entity;
use crate::gauge::Gauge;
use crate::port::BoxFuture;
use crate::service::{Service, ServiceError};
use crate::system::System;

/// The kind of a supervisor, as `actors` shows it.
pub(crate) const SUPERVISOR: &str = "supervisor";

/// When a child that ended is opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// When it failed.
    Transient,
    /// Never.
    Temporary,
}

/// Who is opened again when one child fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Only that one.
    OneForOne,
    /// That one and those that were started after it.
    RestForOne,
}

/// How many failures are too many, and how long to wait between them.
#[derive(Debug, Clone, Copy)]
pub struct Intensity {
    /// So many restarts of one child within `period` are borne; one more is a storm.
    pub restarts_max: usize,
    /// The window.
    pub period: Duration,
    /// The first wait before a restart; doubled each time.
    pub backoff: Duration,
    /// The longest wait.
    pub backoff_max: Duration,
    /// A run of this length sets the wait back to the first.
    pub stable: Duration,
    /// In a storm: stop that child alone, visibly (`true`), or fail and let our own supervisor decide (`false`).
    pub stops_child: bool,
}

impl Intensity {
    /// For the few actors a node can't be without: 3 in 60 s, then the supervisor itself fails.
    pub const ESCALATE: Self = Self {
        restarts_max: 3,
        period: Duration::from_secs(60),
        backoff: Duration::from_millis(50),
        backoff_max: Duration::from_secs(5),
        stable: Duration::from_secs(30),
        stops_child: false,
    };

    /// For one of many: 5 in 60 s, then it is stopped and shown as such.
    pub const STOP_CHILD: Self = Self { restarts_max: 5, stops_child: true, ..Self::ESCALATE };
}

/// A supervisor's children and how it treats them.
#[derive(Clone)]
pub struct Children {
    /// Who is opened again with one that failed.
    pub strategy: Strategy,
    /// How much failing is borne.
    pub intensity: Intensity,
    /// Those it starts with, in this order. More may come on demand.
    pub list: Vec<Child>,
}

pub(crate) struct Start {
    pub(crate) system: System,
    pub(crate) gauge: Arc<Gauge>,
    pub(crate) supervisor: ActorCell,
}

pub(crate) type Open = Arc<dyn Fn(Start) -> BoxFuture<Result<Handles, String>> + Send + Sync>;

/// One child: where it will live and how it is opened, each time anew.
#[derive(Clone)]
pub struct Child {
    pub(crate) address: Address,
    pub(crate) kind: &'static str,
    pub(crate) restart: Restart,
    pub(crate) open: Open,
}

impl Child {
    /// A plain actor, made by `open` at each start.
    pub fn service<S: Service, F>(address: Address, restart: Restart, open: F) -> Self
    where
        F: Fn() -> BoxFuture<Result<S, ServiceError>> + Send + Sync + 'static,
    {
        let (open, at) = (Arc::new(open), address.clone());
        let open: Open = Arc::new(move |start| {
            let (open, at) = (open.clone(), at.clone());
            Box::pin(crate::service_host::spawn(at, start, move || open()))
        });
        Self { address, kind: S::Proto::KIND, restart, open }
    }

    /// An entity, opened from its rows; transient.
    pub fn entity<E: Entity>(address: Address, deps: Arc<E::Deps>, facts: Arc<E::Facts>) -> Self {
        let at = address.clone();
        let open: Open =
            Arc::new(move |start| Box::pin(crate::host::spawn::<E>(at.clone(), start, deps.clone(), facts.clone())));
        Self { address, kind: E::Proto::KIND, restart: Restart::Transient, open }
    }

    /// A supervisor with children of its own.
    #[must_use]
    pub fn supervisor(address: Address, restart: Restart, children: Children) -> Self {
        let at = address.clone();
        let open: Open = Arc::new(move |start| {
            Box::pin(super::actor::spawn_child(start.system, at.clone(), children.clone(), start.supervisor))
        });
        Self { address, kind: SUPERVISOR, restart, open }
    }

    /// Where it will live.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}
