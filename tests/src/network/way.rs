//! What becomes of a packet: pure.

use std::time::Duration;

/// How packets go from one host to another; the other direction has its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Way {
    /// Nothing arrives.
    pub cut: bool,
    /// How much later everything arrives.
    pub delay: Duration,
    /// How many of a hundred packets are lost, at even distances: a packet that is sent again arrives.
    pub lost_percent: u8,
}

/// What becomes of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Lost,
    After(Duration),
}

impl Way {
    /// Nothing arrives.
    pub const CUT: Self = Self { cut: true, delay: Duration::ZERO, lost_percent: 0 };

    /// A long and bad line.
    #[must_use]
    pub const fn bad(delay: Duration, lost_percent: u8) -> Self {
        Self { cut: false, delay, lost_percent }
    }

    /// What becomes of the packet of this number on its way.
    pub(super) fn fate(self, number: u64) -> Fate {
        let lost = |packets: u64| packets.wrapping_mul(u64::from(self.lost_percent)) / 100;
        if self.cut || lost(number.wrapping_add(1)) > lost(number) { Fate::Lost } else { Fate::After(self.delay) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(way: Way) -> Vec<u64> {
        (0..10_000).filter(|number| way.fate(*number) == Fate::Lost).collect()
    }

    #[test]
    fn a_way_loses_as_many_as_it_says_at_even_distances() {
        assert_eq!((lost(Way::default()).len(), lost(Way::CUT).len()), (0, 10_000));
        let bad = Way::bad(Duration::from_millis(500), 5);
        let numbers = lost(bad);
        assert_eq!(numbers.len(), 500);
        assert!(numbers.windows(2).all(|pair| pair[1] - pair[0] == 20), "{numbers:?}");
        assert_eq!(Way { lost_percent: 0, ..bad }.fate(19), Fate::After(bad.delay));
    }
}
