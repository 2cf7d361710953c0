//! Where events are gathered between the system's thread and the watcher's task.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::core::Pending;

/// Where events are gathered for the task that looks at them.
#[derive(Debug, Clone, Default)]
pub(super) struct Gathered {
    pending: Arc<Mutex<Pending>>,
    bell: Arc<Notify>,
}

impl Gathered {
    pub(super) fn take(&self) -> Pending {
        std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn heard_something(&self) {
        self.bell.notified().await;
    }

    pub(super) fn hear(&self, event: notify::Result<notify::Event>, concerns: &dyn Fn(&Path, bool) -> bool) {
        if self.pending.lock().unwrap_or_else(PoisonError::into_inner).heard(event, concerns) {
            self.bell.notify_one();
        }
    }
}
