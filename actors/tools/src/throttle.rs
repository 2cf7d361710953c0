//! So many uses of a tool at once, so many that wait, and no more. Keys that nobody uses take no memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::Limit;

type Key = (&'static str, String);

/// All that runs and waits.
#[derive(Default)]
pub(crate) struct Throttle {
    rooms: Mutex<HashMap<Key, Room>>,
}

struct Room {
    turns: Arc<Semaphore>,
    /// Those that run and those that wait.
    inside: usize,
}

/// No more may wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) running: usize,
    pub(crate) waiting: usize,
}

/// One use, running or waiting. Dropping it leaves.
pub(crate) struct Inside {
    throttle: Arc<Throttle>,
    key: Key,
    turns: Arc<Semaphore>,
}

/// One use whose turn it is.
pub(crate) struct Turn {
    // In this order: the turn is given back before the room may be cleared away.
    _permit: OwnedSemaphorePermit,
    _inside: Inside,
}

impl Throttle {
    /// Takes a place among those that run or wait.
    pub(crate) fn enter(self: &Arc<Self>, limit: &Limit, key: String) -> Result<Inside, Full> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (limit.tool, key);
        let new = || Room { turns: Arc::new(Semaphore::new(limit.at_once)), inside: 0 };
        let room = rooms.entry(key.clone()).or_insert_with(new);
        if room.inside >= limit.at_once.saturating_add(limit.waiting) {
            return Err(Full { running: limit.at_once, waiting: limit.waiting });
        }
        room.inside += 1;
        Ok(Inside { throttle: self.clone(), key, turns: room.turns.clone() })
    }

    /// How many uses of a tool run or wait.
    pub(crate) fn inside(&self, tool: &str) -> usize {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.iter().filter(|((of, _), _)| *of == tool).map(|(_, room)| room.inside).sum()
    }
}

impl Inside {
    /// Waits for its turn; `None` never comes in practice, as no room is closed.
    pub(crate) async fn turn(self) -> Option<Turn> {
        let permit = self.turns.clone().acquire_owned().await.ok()?;
        Some(Turn { _permit: permit, _inside: self })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut rooms = self.throttle.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = rooms.get_mut(&self.key) {
            room.inside = room.inside.saturating_sub(1);
            if room.inside == 0 {
                rooms.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{LIMITS, Per};

    const LIMIT: Limit = Limit { tool: "t", per: Per::Workspace, at_once: 2, waiting: 3 };

    #[tokio::test]
    async fn so_many_run_so_many_wait_and_one_more_is_refused() {
        let throttle = Arc::new(Throttle::default());
        let enter = |key: &str| throttle.enter(&LIMIT, key.to_owned());
        let (a, b) = (enter("x").unwrap().turn().await.unwrap(), enter("x").unwrap().turn().await.unwrap());
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(enter("x").unwrap().turn())).collect();
        assert!(waiting.iter_mut().all(|turn| futures_poll(turn.as_mut()).is_none()));
        assert_eq!(enter("x").err(), Some(Full { running: 2, waiting: 3 }));
        assert!(enter("y").is_ok(), "another key has its own");
        drop(a);
        let first = futures_poll(waiting[0].as_mut()).unwrap();
        assert!(futures_poll(waiting[1].as_mut()).is_none(), "one place was given back, not two");
        assert!(enter("x").is_ok());
        drop((b, first, waiting));
        assert!(throttle.rooms.lock().unwrap().is_empty());
    }

    #[test]
    fn a_use_that_gives_up_waiting_leaves_its_place() {
        let throttle = Arc::new(Throttle::default());
        let all: Vec<_> = (0..5).map(|_| throttle.enter(&LIMIT, "x".into()).unwrap()).collect();
        assert_eq!(throttle.inside("t"), 5);
        assert!(throttle.enter(&LIMIT, "x".into()).is_err());
        drop(all);
        assert_eq!(throttle.inside("t"), 0);
        assert!(throttle.enter(&LIMIT, "x".into()).is_ok());
    }

    #[test]
    fn every_limit_is_one_that_lets_something_through() {
        assert!(LIMITS.iter().all(|limit| limit.at_once > 0 && limit.waiting > 0));
    }

    fn futures_poll<F: Future<Output = Option<Turn>> + ?Sized>(future: std::pin::Pin<&mut F>) -> Option<Turn> {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut cx) {
            std::task::Poll::Ready(turn) => turn,
            std::task::Poll::Pending => None,
        }
    }
}
