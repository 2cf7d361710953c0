//! Every time of placement, in one place, each with its reason. Milliseconds.

use std::fmt;

/// A node asks for its lease again this often: four may be lost before a lease ends.
pub const RENEW_MS: u64 = 1_000;
/// How long a lease lives, counted by the node from when it sent the renewal. Long enough for a pause of a busy
/// machine, short enough that people wait for a frozen node no longer than they would try again.
pub const LIFE_MS: u32 = 5_000;
/// By how much longer the hub counts, from when the renewal came: clocks that drift apart by two in a hundred.
pub const MARGIN_MS: u64 = 100;
/// A holder may take this long to finish before a fenced unit moves all the same; its commits are refused then.
pub const YIELD_MS: u64 = 2_000;
/// A fenced unit stays this long after its holder's link ended: a link that is dialled again keeps its units.
pub const GRACE_MS: u64 = 300;
/// After its own start or stall the hub moves nothing for so long: nodes dial again within 400 ms, and what waited in
/// its sockets must be heard before anyone is thought dead.
pub const SETTLE_MS: u64 = 3_000;
/// A node that has not heard an answer for so long is deaf: one answer and a half. It is granted no lease and given no
/// unit until it hears again, else a link that is cut one way would keep its units from everyone for ten seconds.
pub const UNHEARD_MS: u64 = 1_500;
/// Units go only to nodes that renewed within this: two renewals and a half.
pub const FRESH_MS: u64 = 2_500;
/// A node takes units away from living holders only when it has been up for so long: one that starts and dies in a
/// loop is given what nobody holds, and draws nothing else to it.
pub const STEADY_MS: u64 = 3_000;
/// A unit that a node was given and can't open, since its files are missing or another process has them, is tried again after
/// this.
pub const OPEN_AGAIN_MS: u64 = 1_000;
/// The hub wants to be called at least this often.
pub const TICK_MS: u64 = 500;
/// Called later than it asked by more than this, the hub itself stood still: it forgives its peers first.
pub const LATE_MS: u64 = 1_000;
/// A write that the store could not take is tried again after this.
pub const WRITE_AGAIN_MS: u64 = 250;

/// A lease as the hub counts it.
pub(crate) const HUB_LIFE_MS: u64 = LIFE_MS as u64 + MARGIN_MS;

/// Milliseconds of a clock that never runs backwards and counts sleep (`CLOCK_BOOTTIME`); each host has its own.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(pub u64);

impl Monotonic {
    /// Later by so much.
    #[must_use]
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How long it is after `earlier`; 0 when it is before it.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for Monotonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}
