//! What becomes of a packet: pure.

use std::time::Duration;

use crate::dice::Dice;

/// How packets go from one host to another; the other direction has its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Way {
    /// Nothing arrives.
    pub cut: bool,
    /// How much later everything arrives.
    pub delay: Duration,
    /// How many of a hundred packets are lost.
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

    pub(super) fn fate(self, dice: &mut Dice) -> Fate {
        if self.cut || dice.below(100) < u64::from(self.lost_percent) { Fate::Lost } else { Fate::After(self.delay) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(way: Way, seed: u64) -> usize {
        let mut dice = Dice::new(seed);
        (0..10_000).filter(|_| way.fate(&mut dice) == Fate::Lost).count()
    }

    #[test]
    fn a_way_loses_as_many_as_it_says_and_the_same_for_the_same_seed() {
        assert_eq!((lost(Way::default(), 1), lost(Way::CUT, 1)), (0, 10_000));
        let bad = Way::bad(Duration::from_millis(500), 5);
        assert!((400..600).contains(&lost(bad, 1)), "{}", lost(bad, 1));
        assert_eq!(lost(bad, 7), lost(bad, 7));
        assert_eq!(Way { lost_percent: 0, ..bad }.fate(&mut Dice::new(1)), Fate::After(bad.delay));
    }
}
