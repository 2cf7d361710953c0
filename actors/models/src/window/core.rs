//! How many calls to one model run at once, and who is next. Pure.
//!
//! The window grows by one after as many successes as it is wide, and is halved when the provider says that it is asked
//! too much: once for all that were under way together. While someone waits out such a refusal nobody is let in.

use std::collections::VecDeque;

/// Questions that wait behind a window before the next is turned away.
pub const QUEUE_MAX: usize = 1_024;
/// Questions for which a person waits that are let in before one that nobody waits for, while such ones are there.
pub(crate) const IN_ROW_MAX: usize = 8;

/// Who goes before whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// It was let in before and was refused for the rate: it has waited already.
    Again,
    /// A person waits for it.
    Interactive,
    /// Nobody waits for it.
    Background,
}

/// The calls to one model.
#[derive(Debug)]
pub(crate) struct Window {
    width: usize,
    width_max: usize,
    in_flight: usize,
    successes: usize,
    era: u64,
    pauses: usize,
    in_row: usize,
    again: VecDeque<u64>,
    interactive: VecDeque<u64>,
    background: VecDeque<u64>,
}

impl Window {
    /// Begins with one width and never gets wider than the other; each is at least 1.
    pub(crate) fn new(width: usize, width_max: usize) -> Self {
        let width_max = width_max.max(1);
        Self {
            width: width.clamp(1, width_max),
            width_max,
            in_flight: 0,
            successes: 0,
            era: 0,
            pauses: 0,
            in_row: 0,
            again: VecDeque::new(),
            interactive: VecDeque::new(),
            background: VecDeque::new(),
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn width_max(&self) -> usize {
        self.width_max
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) fn waiting(&self) -> usize {
        self.again.len() + self.interactive.len() + self.background.len()
    }

    /// Lines up; `false`: too many wait. One that comes back is never turned away.
    pub(crate) fn enter(&mut self, id: u64, rank: Rank) -> bool {
        if rank != Rank::Again && self.waiting() >= QUEUE_MAX + self.room() {
            return false;
        }
        let queue = match rank {
            Rank::Again => &mut self.again,
            Rank::Interactive => &mut self.interactive,
            Rank::Background => &mut self.background,
        };
        queue.push_back(id);
        true
    }

    /// Gives up waiting; `false`: it did not wait.
    pub(crate) fn leave(&mut self, id: u64) -> bool {
        for queue in [&mut self.again, &mut self.interactive, &mut self.background] {
            if let Some(at) = queue.iter().position(|waits| *waits == id) {
                queue.remove(at);
                return true;
            }
        }
        false
    }

    /// Lets the next one in, if there is room: who it is, and in which era.
    pub(crate) fn admit(&mut self) -> Option<(u64, u64)> {
        if self.room() == 0 {
            return None;
        }
        let id = self.next()?;
        self.in_flight += 1;
        Some((id, self.era))
    }

    /// A call has ended, or was never made.
    pub(crate) fn ended(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A call has been answered.
    pub(crate) fn succeeded(&mut self) {
        self.successes += 1;
        if self.successes >= self.width {
            self.width = (self.width + 1).min(self.width_max);
            self.successes = 0;
        }
    }

    /// A call that was let in in this era was refused for the rate. It pauses, and with it the whole window.
    pub(crate) fn limited(&mut self, era: u64) {
        self.pauses += 1;
        if era == self.era {
            self.width = (self.width / 2).max(1);
            self.successes = 0;
            self.era += 1;
        }
    }

    /// A pause is over.
    pub(crate) fn resumed(&mut self) {
        self.pauses = self.pauses.saturating_sub(1);
    }

    fn room(&self) -> usize {
        if self.pauses > 0 { 0 } else { self.width.saturating_sub(self.in_flight) }
    }

    fn next(&mut self) -> Option<u64> {
        if let Some(id) = self.again.pop_front() {
            return Some(id);
        }
        let is_passed_over = !self.background.is_empty();
        if (self.in_row < IN_ROW_MAX || !is_passed_over)
            && let Some(id) = self.interactive.pop_front()
        {
            self.in_row = if is_passed_over { self.in_row + 1 } else { 0 };
            return Some(id);
        }
        self.in_row = 0;
        self.background.pop_front()
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
