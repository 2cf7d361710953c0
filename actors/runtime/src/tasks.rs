//! Work beside a mailbox that ends with its actor.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use tokio::task::AbortHandle;

/// What is told when a task panics: its name and the panic's text.
pub(crate) type OnPanic = Arc<dyn Fn(&'static str, String) + Send + Sync>;

/// An actor's own tasks. They are not kept in the actor's state: ractor hands a failed actor's state to its supervisor,
/// and they would outlive the stop.
#[derive(Clone)]
pub(crate) struct Tasks {
    running: Arc<Mutex<Running>>,
    on_panic: OnPanic,
}

/// Only what runs: a handle keeps the memory of its task, so that of one that has ended must not stay.
#[derive(Default)]
struct Running {
    next: u64,
    handles: HashMap<u64, AbortHandle>,
    /// Set by [`Tasks::abort_all`]: what is spawned later ends at once.
    is_over: bool,
}

impl Tasks {
    pub(crate) fn new(on_panic: OnPanic) -> Self {
        Self { running: Arc::default(), on_panic }
    }

    pub(crate) fn spawn(&self, what: &'static str, work: impl Future<Output = ()> + Send + 'static) -> Task {
        let on_panic = self.on_panic.clone();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.next += 1;
        let task = Task { tasks: self.running.clone(), number: running.next };
        let ended = Ended(task.clone());
        let handle = tokio::task::spawn(async move {
            // Taken along, so that it is dropped with the work whether that ends, panics or is aborted.
            let _ended = ended;
            if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
                on_panic(what, panic_text(&*panic));
            }
        });
        // The lock is held: a task that has ended already waits to take itself out until it is in.
        if running.is_over {
            handle.abort();
        }
        running.handles.insert(task.number, handle.abort_handle());
        drop(running);
        task
    }

    pub(crate) fn len(&self) -> usize {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).handles.len()
    }

    pub(crate) fn abort_all(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.is_over = true;
        // Not under the lock: a task that ends takes it.
        let handles: Vec<_> = running.handles.values().cloned().collect();
        drop(running);
        handles.iter().for_each(AbortHandle::abort);
    }
}

/// One task, by which it can be aborted; keeps nothing of it in memory.
#[derive(Clone)]
pub(crate) struct Task {
    tasks: Arc<Mutex<Running>>,
    number: u64,
}

impl Task {
    pub(crate) fn abort(&self) {
        let running = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = running.handles.get(&self.number).cloned();
        drop(running);
        if let Some(handle) = handle {
            handle.abort();
        }
    }
}

/// Takes a task out of the list when it ends, however it does.
struct Ended(Task);

impl Drop for Ended {
    fn drop(&mut self) {
        let mut running = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = running.handles.remove(&self.0.number);
        drop(running);
        drop(handle);
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
