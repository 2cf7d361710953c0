//! What goes wrong, and when: by seed. Pure.

use std::time::Duration;

use crate::dice::Dice;
use crate::fake_model::Mode;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The model hangs, refuses, breaks its streams, or never ends them.
    Model,
    /// Clients lose their connection, half of them with all that they remember.
    Clients,
    /// The search index is taken away under the node, at once: one that is deleted file by file while it is being made, and a
    /// kill in the same moment, leave what nobody promises to mend.
    Index,
    /// SIGHUP with another configuration.
    Hup,
    /// SIGTERM, and a start.
    Term,
    /// `kill -9`, and a start.
    Kill,
}

impl Fault {
    /// It ends the process, and with it what is measured of it.
    pub(super) fn restarts(self) -> bool {
        matches!(self, Self::Term | Self::Kill)
    }
}

/// How long until the next fault: 2 to 12 s.
pub(super) fn pause(dice: &mut Dice) -> Duration {
    Duration::from_millis(2_000 + dice.below(10_000))
}

/// One of those that are wanted.
pub(super) fn drawn(wanted: &[Fault], dice: &mut Dice) -> Option<Fault> {
    let n = dice.below(u64::try_from(wanted.len()).unwrap_or(u64::MAX));
    wanted.get(usize::try_from(n).ok()?).copied()
}

/// How the model is while nothing is wrong: mostly it answers.
pub(super) fn usual(seed: u64) -> Mode {
    let odds = [("normal", 0.95), ("cut_in_middle", 0.01), ("no_done", 0.01), ("empty", 0.01), ("server_error", 0.02)];
    Mode::Random { seed, odds: odds.map(|(name, odds)| (name.to_owned(), odds)).to_vec() }
}

/// How it is while it is what goes wrong, and for how long.
pub(super) fn broken(dice: &mut Dice) -> (Mode, Duration) {
    let mode = match dice.below(8) {
        0 => Mode::NeverEnds,
        1 => Mode::SlowFirstByte { delay_ms: 3_000 },
        2 => Mode::SlowBetween { delay_ms: 3_000 },
        3 => Mode::CutInMiddle,
        4 => Mode::ServerError,
        5 => Mode::Empty,
        6 => Mode::InvalidJson,
        _ => Mode::Endless,
    };
    (mode, Duration::from_millis(1_000 + dice.below(4_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_faults_and_all_of_them_come() {
        let all = [Fault::Model, Fault::Clients, Fault::Index, Fault::Hup, Fault::Term, Fault::Kill];
        let draw = |seed| {
            let mut dice = Dice::new(seed);
            (0..100).filter_map(|_| drawn(&all, &mut dice)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(all.iter().all(|fault| draw(7).contains(fault)));
        assert_eq!(drawn(&[], &mut Dice::new(1)), None);
    }
}
