//! Which queued tasks get the free slots: by priority, which grows with waiting, and fairly between contexts.

use std::collections::BTreeMap;

use messages::store::{QueueRows, QueuedRow};
use messages::{Address, Moment};

/// A task that has waited so long goes before the next priority.
const AGEING_MS: i64 = 60_000;
/// Contexts whose share is remembered; beyond it all begin anew.
const SERVED_MAX: usize = 1_024;

/// Slots that contexts were given: who had fewer goes first. Only the differences count.
#[derive(Debug, Default)]
pub(super) struct Served(BTreeMap<Address, u64>);

impl Served {
    /// How often a context was served; one that comes anew goes before the others once, and is their equal then.
    fn of(&self, context: &Address) -> u64 {
        self.0.get(context).copied().unwrap_or_else(|| self.0.values().min().copied().unwrap_or(1).saturating_sub(1))
    }

    /// Nobody saves up turns while it has nothing to do.
    fn forget_idle(&mut self, rows: &QueueRows) {
        let has_work = |context: &Address| {
            rows.queued.iter().any(|task| task.context == *context)
                || rows.running.iter().any(|task| task.context == *context)
        };
        if !rows.more {
            self.0.retain(|context, _| has_work(context));
        }
    }

    fn serve(&mut self, context: &Address) {
        let count = self.of(context) + 1;
        if self.0.len() >= SERVED_MAX {
            self.0.clear();
        }
        self.0.insert(context.clone(), count);
    }
}

/// What is done about the queue.
pub(super) struct Picked {
    /// Those that get a slot.
    pub(super) claim: Vec<QueuedRow>,
    /// Those that are too late to be begun: they are woken to see so.
    pub(super) late: Vec<QueuedRow>,
}

/// Gives away the free slots.
pub(super) fn pick(
    rows: &QueueRows,
    (per_workspace, per_context): (u32, u32),
    served: &mut Served,
    now: Moment,
) -> Picked {
    let (late, mut queued): (Vec<_>, Vec<_>) = rows.queued.iter().cloned().partition(|task| task.start_by <= now);
    let free = (per_workspace as usize).saturating_sub(rows.running.len());
    if free == 0 {
        // Who waits is not in these rows, and is not forgotten for that.
        return Picked { claim: Vec::new(), late };
    }
    let mut running: BTreeMap<Address, u32> = BTreeMap::new();
    for task in &rows.running {
        *running.entry(task.context.clone()).or_default() += 1;
    }
    served.forget_idle(rows);
    let mut claim = Vec::new();
    while claim.len() < free {
        let room = |task: &QueuedRow| running.get(&task.context).copied().unwrap_or(0) < per_context;
        let rank = |task: &QueuedRow| (effective(task, now), served.of(&task.context), task.queued_at, task.id.clone());
        let best = queued.iter().enumerate().filter(|(_, task)| room(task)).min_by_key(|(_, task)| rank(task));
        let Some(at) = best.map(|(at, _)| at) else { break };
        let task = queued.swap_remove(at);
        served.serve(&task.context);
        *running.entry(task.context.clone()).or_default() += 1;
        claim.push(task);
    }
    Picked { claim, late }
}

/// The priority that counts: one better for each minute of waiting.
fn effective(task: &QueuedRow, now: Moment) -> i64 {
    i64::from(task.priority).saturating_sub(now.ms_since(task.queued_at) / AGEING_MS).max(0)
}

#[cfg(test)]
mod tests {
    use messages::store::RunningRow;
    use messages::{Slug, TaskId};
    use proptest::prelude::*;

    use super::*;

    fn context(name: &str) -> Address {
        Address::context(&Slug::parse("home").unwrap(), &Slug::parse(name).unwrap())
    }

    fn queued(n: u32, of: &str, priority: u8, queued_at: i64) -> QueuedRow {
        QueuedRow {
            id: TaskId::of("home", &n.to_string()),
            context: context(of),
            rev: 1,
            priority,
            queued_at: Moment(queued_at),
            not_before: None,
            start_by: Moment(i64::MAX),
        }
    }

    fn contexts(rows: &QueueRows, limits: (u32, u32), served: &mut Served, now: i64) -> Vec<String> {
        pick(rows, limits, served, Moment(now)).claim.iter().map(|task| task.context.leaf().to_owned()).collect()
    }

    #[test]
    fn a_context_that_floods_the_queue_takes_no_more_than_its_share() {
        let mut rows =
            QueueRows { queued: (0..20).map(|n| queued(n, "flood", 3, 0)).collect(), ..QueueRows::default() };
        rows.queued.push(queued(99, "quiet", 3, 1_000));
        let mut served = Served::default();
        assert_eq!(contexts(&rows, (5, 2), &mut served, 1_000), ["flood", "quiet", "flood"]);
        // One slot at a time: they take turns.
        rows.queued.push(queued(100, "quiet", 3, 1_000));
        let turns: Vec<_> = (0..4).flat_map(|_| contexts(&rows, (1, 2), &mut served, 1_000)).collect();
        assert_eq!(turns.iter().filter(|name| *name == "quiet").count(), 2, "{turns:?}");
    }

    #[test]
    fn what_waits_long_enough_goes_before_what_is_more_urgent() {
        let rows = QueueRows { queued: vec![queued(1, "a", 0, 200_000), queued(2, "b", 3, 0)], ..QueueRows::default() };
        assert_eq!(contexts(&rows, (1, 2), &mut Served::default(), 100_000), ["a"]);
        assert_eq!(contexts(&rows, (1, 2), &mut Served::default(), 200_000), ["b"]);
    }

    #[test]
    fn what_is_too_late_gets_no_slot() {
        let late = QueuedRow { start_by: Moment(10), ..queued(1, "a", 0, 0) };
        let rows = QueueRows { queued: vec![late], ..QueueRows::default() };
        let picked = pick(&rows, (5, 2), &mut Served::default(), Moment(10));
        assert_eq!((picked.claim.len(), picked.late.len()), (0, 1));
    }

    proptest! {
        #[test]
        fn no_limit_is_ever_exceeded_and_no_slot_stays_empty_that_could_be_used(
            queue in proptest::collection::vec((0..6_usize, 0..4_u8, 0..300_000_i64), 0..60),
            busy in proptest::collection::vec(0..6_usize, 0..6),
            per_workspace in 1..8_u32,
            per_context in 1..4_u32,
        ) {
            let name = |n: usize| format!("c{n}");
            let queued: Vec<_> = queue.iter().enumerate()
                .map(|(n, (of, priority, at))| queued(u32::try_from(n).unwrap(), &name(*of), *priority, *at)).collect();
            let running: Vec<_> = busy.iter().enumerate()
                .map(|(n, of)| RunningRow { id: TaskId::of("home", &format!("r{n}")), context: context(&name(*of)) }).collect();
            let rows = QueueRows { running, queued, ..QueueRows::default() };
            let picked = pick(&rows, (per_workspace, per_context), &mut Served::default(), Moment(300_000));
            let all = rows.running.len() + picked.claim.len();
            prop_assert!(picked.claim.is_empty() || all <= per_workspace as usize);
            let of = |context: &Address| {
                let before = rows.running.iter().filter(|task| task.context == *context).count();
                (before, before + picked.claim.iter().filter(|task| task.context == *context).count())
            };
            for task in &rows.queued {
                let (before, after) = of(&task.context);
                prop_assert!(after <= (per_context as usize).max(before));
                let is_left = !picked.claim.contains(task);
                prop_assert!(!is_left || all >= per_workspace as usize || after >= per_context as usize, "a slot stays empty");
            }
        }
    }
}
