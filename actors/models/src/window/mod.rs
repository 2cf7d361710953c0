//! The gate before one model: performs what [`core::Window`] decides.

mod core;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

pub use self::core::QUEUE_MAX;
pub(crate) use self::core::Rank;
use self::core::Window;

/// The gate before one model. Clones are the same gate.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Mutex<State>>);

struct State {
    window: Window,
    next_id: u64,
    /// Those that wait: each is told the era in which it is let in.
    waiting: HashMap<u64, oneshot::Sender<u64>>,
}

/// How a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) running: usize,
    pub(crate) width: usize,
    pub(crate) width_max: usize,
    pub(crate) waiting: usize,
}

impl Gate {
    /// Lets so many in at first, and so many at most.
    pub(crate) fn new(width: usize, width_max: usize) -> Self {
        let window = Window::new(width, width_max);
        Self(Arc::new(Mutex::new(State { window, next_id: 0, waiting: HashMap::new() })))
    }

    /// Lines up; `None`: too many wait.
    pub(crate) fn enter(&self, rank: Rank) -> Option<Ticket> {
        let mut state = self.lock();
        let id = state.next_id;
        if !state.window.enter(id, rank) {
            return None;
        }
        state.next_id += 1;
        let (sender, granted) = oneshot::channel();
        state.waiting.insert(id, sender);
        state.let_in();
        Some(Ticket { gate: self.clone(), id, granted, is_used: false })
    }

    pub(crate) fn standing(&self) -> Standing {
        let window = &self.lock().window;
        Standing {
            running: window.in_flight(),
            width: window.width(),
            width_max: window.width_max(),
            waiting: window.waiting(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Window)) {
        let mut state = self.lock();
        change(&mut state.window);
        state.let_in();
    }
}

impl State {
    fn let_in(&mut self) {
        while let Some((id, era)) = self.window.admit() {
            let told = self.waiting.remove(&id).is_some_and(|sender| sender.send(era).is_ok());
            if !told {
                self.window.ended();
            }
        }
    }
}

/// A place in the line. Dropped, it is given up.
pub(crate) struct Ticket {
    gate: Gate,
    id: u64,
    granted: oneshot::Receiver<u64>,
    is_used: bool,
}

impl Ticket {
    /// Waits until it is its turn; `None` only if the gate is gone.
    pub(crate) async fn place(mut self) -> Option<Place> {
        let era = (&mut self.granted).await.ok()?;
        self.is_used = true;
        Some(Place { gate: self.gate.clone(), era })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        let mut state = self.gate.lock();
        if state.waiting.remove(&self.id).is_some() {
            state.window.leave(self.id);
        } else {
            // It was its turn, and it did not hear of it any longer.
            state.window.ended();
        }
        state.let_in();
    }
}

/// Someone who was let in. Dropped, the place is free.
pub(crate) struct Place {
    gate: Gate,
    era: u64,
}

impl Place {
    /// The call was answered.
    pub(crate) fn succeeded(self) {
        self.gate.change(Window::succeeded);
    }

    /// The call was refused for the rate. The place is free, but nobody is let in while the pause is kept.
    pub(crate) fn limited(self) -> Pause {
        let era = self.era;
        self.gate.change(|window| window.limited(era));
        Pause { gate: self.gate.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.change(Window::ended);
    }
}

/// While it is kept nobody is let in.
pub(crate) struct Pause {
    gate: Gate,
}

impl Pause {
    /// Lines up again, before all others, and ends the pause.
    pub(crate) fn over(self) -> Option<Ticket> {
        self.gate.enter(Rank::Again)
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.gate.change(Window::resumed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn place(ticket: Option<Ticket>) -> Place {
        ticket.unwrap().place().await.unwrap()
    }

    fn standing(gate: &Gate) -> (usize, usize) {
        let standing = gate.standing();
        (standing.running, standing.waiting)
    }

    #[tokio::test]
    async fn a_place_that_is_given_up_goes_to_the_next_whenever_it_is_given_up() {
        let gate = Gate::new(1, 1);
        let first = place(gate.enter(Rank::Background)).await;
        let waits = gate.enter(Rank::Background);
        let next = gate.enter(Rank::Background);
        assert_eq!(standing(&gate), (1, 2));
        drop(waits);
        assert_eq!(standing(&gate), (1, 1));
        drop(first);
        // Its turn has come, and nobody has looked yet.
        assert_eq!(standing(&gate), (1, 0));
        let last = gate.enter(Rank::Background);
        drop(next);
        let last = place(last).await;
        assert_eq!(standing(&gate), (1, 0));
        last.succeeded();
        assert_eq!(standing(&gate), (0, 0));
    }

    #[tokio::test]
    async fn who_is_refused_for_the_rate_holds_all_others_back_until_its_pause_is_over() {
        let gate = Gate::new(2, 2);
        let first = place(gate.enter(Rank::Background)).await;
        let pause = first.limited();
        let other = gate.enter(Rank::Interactive);
        assert_eq!(standing(&gate), (0, 1));
        let again = pause.over();
        assert_eq!((standing(&gate), gate.standing().width), ((1, 1), 1));
        let again = place(again).await;
        again.succeeded();
        drop(place(other).await);
        assert_eq!(standing(&gate), (0, 0));
    }

    #[tokio::test]
    async fn a_pause_that_nobody_ends_is_over_with_who_kept_it() {
        let gate = Gate::new(1, 1);
        let pause = place(gate.enter(Rank::Background)).await.limited();
        let other = gate.enter(Rank::Background);
        assert_eq!(standing(&gate), (0, 1));
        drop(pause);
        assert_eq!(standing(&gate), (1, 0));
        drop(other);
        assert_eq!(standing(&gate), (0, 0));
    }
}
