//! In which order units are opened and closed: of one unit each action to its end before the next, different workspaces
//! beside each other.

use std::collections::{HashMap, VecDeque};

use messages::cluster::{ToHub, UNITS_PER_NODE_MAX, Unit};
use placement::holder::Action;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinSet};

/// More than a node's units: each may be told to open, to drain and to close.
pub(super) const JOBS_MAX: usize = 3 * UNITS_PER_NODE_MAX;
/// How many units are opened or closed at once: it is mostly waiting for disk and actors, and a node that takes over thousands
/// still has threads for others.
const AT_ONCE: usize = 16;

/// What the loop of a member has done.
pub(super) enum Job {
    Do(Action),
    /// Tell when all that came before is done.
    Done(oneshot::Sender<()>),
}

/// What must not overlap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Lane {
    Workspace(Unit),
    /// All accounts together: they share the socket of the console.
    Accounts,
}

/// `None`: it comes after everything.
fn lane(action: &Action) -> Option<Lane> {
    let unit = match action {
        Action::Open(unit, _) | Action::Begin(unit, _) | Action::Drain(unit, _) | Action::Close(unit, _) => unit,
        Action::Suspend(unit, _) | Action::Resume(unit) | Action::Send(ToHub::Released { unit, .. }) => unit,
        Action::Send(_) => return None,
    };
    Some(if unit.address().workspace_of().is_some() { Lane::Workspace(unit.clone()) } else { Lane::Accounts })
}

/// Has `act` do what comes, until nothing can come any more and all is done.
pub(super) async fn run<F: Future<Output = ()> + Send + 'static>(
    mut jobs: mpsc::Receiver<Job>,
    act: impl Fn(Action) -> F,
) {
    let mut lanes = Lanes::new(act);
    loop {
        tokio::select! {
            () = lanes.one_ends(), if !lanes.running.is_empty() => {}
            job = jobs.recv(), if lanes.queued < JOBS_MAX => match job {
                Some(Job::Do(action)) => lanes.take(action).await,
                Some(Job::Done(told)) => {
                    lanes.all_end().await;
                    told.send(()).unwrap_or_default();
                }
                None => return lanes.all_end().await,
            },
        }
    }
}

struct Lanes<A> {
    act: A,
    /// What comes after what is ready or runs, by lane; a lane that rests has no entry.
    waiting: HashMap<Lane, VecDeque<Action>>,
    /// At most one of a lane, and none of a lane in which one runs.
    ready: VecDeque<(Lane, Action)>,
    /// How many wait or are ready.
    queued: usize,
    running: JoinSet<()>,
    lanes: HashMap<Id, Lane>,
}

impl<F: Future<Output = ()> + Send + 'static, A: Fn(Action) -> F> Lanes<A> {
    fn new(act: A) -> Self {
        Self {
            act,
            waiting: HashMap::new(),
            ready: VecDeque::new(),
            queued: 0,
            running: JoinSet::new(),
            lanes: HashMap::new(),
        }
    }

    async fn take(&mut self, action: Action) {
        let Some(lane) = lane(&action) else {
            self.all_end().await;
            return (self.act)(action).await;
        };
        self.queued += 1;
        match self.waiting.get_mut(&lane) {
            Some(waiting) => waiting.push_back(action),
            None => {
                self.waiting.insert(lane.clone(), VecDeque::new());
                self.ready.push_back((lane, action));
            }
        }
        self.begin();
    }

    fn begin(&mut self) {
        while self.running.len() < AT_ONCE
            && let Some((lane, action)) = self.ready.pop_front()
        {
            self.queued -= 1;
            let task = self.running.spawn((self.act)(action));
            self.lanes.insert(task.id(), lane);
        }
    }

    async fn one_ends(&mut self) {
        let Some(ended) = self.running.join_next_with_id().await else { return };
        // One that panicked has ended, too: its lane goes on.
        let id = ended.map_or_else(|failed| failed.id(), |(id, ())| id);
        if let Some(lane) = self.lanes.remove(&id) {
            match self.waiting.get_mut(&lane).and_then(VecDeque::pop_front) {
                Some(next) => self.ready.push_back((lane, next)),
                None => drop(self.waiting.remove(&lane)),
            }
        }
        self.begin();
    }

    async fn all_end(&mut self) {
        while !self.running.is_empty() {
            self.one_ends().await;
        }
    }
}

#[cfg(test)]
mod tests;
