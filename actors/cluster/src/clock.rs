//! The clock of leases, injected.

use placement::Monotonic;

/// Never runs backwards, and goes on while the machine sleeps: a lease ends in sleep, too.
pub trait LeaseClock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Monotonic;
}

/// The machine's `CLOCK_BOOTTIME`.
#[derive(Debug, Clone, Copy, Default)]
pub struct BootTime;

impl LeaseClock for BootTime {
    fn now(&self) -> Monotonic {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
        Monotonic(seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000))
    }
}
