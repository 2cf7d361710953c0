//! What is tried again before its time: the sweep, and what waits for the store.

use std::time::Duration;

use tokio::sync::Notify;

/// Who knows that something can be done now says it here; nothing is lost when nobody does.
#[derive(Default)]
pub struct Again {
    sweep: Notify,
    store: Notify,
}

impl Again {
    /// Has the sweep come soon, together with what else asks for it: what waited for an address may be done now. Where the
    /// store is another node's nothing comes of it.
    pub fn sweep_soon(&self) {
        self.sweep.notify_one();
    }

    /// Ends when somebody has asked for the sweep since the last one began.
    pub(crate) async fn sweep_is_asked(&self) {
        self.sweep.notified().await;
    }

    /// The store was away, and can be asked again: who waits to try again tries now.
    pub fn store_is_back(&self) {
        self.store.notify_waiters();
    }

    /// Ends when the store is back, or after this time.
    pub(crate) async fn store_back_within(&self, time: Duration) {
        // A store that is not known to have been away is tried again after the time.
        drop(tokio::time::timeout(time, self.store.notified()).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn who_waits_for_the_store_goes_on_when_it_is_back_and_the_sweep_comes_when_it_was_asked_for() {
        let again = Again::default();
        tokio::join!(again.store_back_within(LONG), async { again.store_is_back() });
        again.store_back_within(Duration::ZERO).await;
        // Asked for before anyone waits, and twice: it comes once.
        again.sweep_soon();
        again.sweep_soon();
        again.sweep_is_asked().await;
        assert!(tokio::time::timeout(Duration::from_millis(1), again.sweep_is_asked()).await.is_err());
    }
}
