//! Work beside a mailbox that ends with its actor.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use tokio::task::{AbortHandle, JoinSet};

/// What is told when a task panics: its name and the panic's text.
pub(crate) type OnPanic = Arc<dyn Fn(&'static str, String) + Send + Sync>;

/// An actor's own tasks. They are not kept in the actor's state: ractor hands a failed actor's state to its supervisor,
/// and they would outlive the stop.
#[derive(Clone)]
pub(crate) struct Tasks {
    set: Arc<Mutex<JoinSet<()>>>,
    on_panic: OnPanic,
}

impl Tasks {
    pub(crate) fn new(on_panic: OnPanic) -> Self {
        Self { set: Arc::default(), on_panic }
    }

    pub(crate) fn spawn(&self, what: &'static str, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let on_panic = self.on_panic.clone();
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        while set.try_join_next().is_some() {}
        set.spawn(async move {
            if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
                on_panic(what, panic_text(&*panic));
            }
        })
    }

    pub(crate) fn len(&self) -> usize {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        while set.try_join_next().is_some() {}
        set.len()
    }

    pub(crate) fn abort_all(&self) {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

/// The words of a panic, as far as it has any.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked without words".to_owned())
}
