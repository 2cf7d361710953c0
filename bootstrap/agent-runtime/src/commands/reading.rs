//! Amounts, spans and trees as people read them: pure.

use std::collections::{HashMap, HashSet};

use messages::store::TaskView;
use messages::task::Wait;

/// Millionths of a dollar in a hundredth of a cent, the least that is shown.
const SHOWN_MICRO_USD: u64 = 100;

/// `$1.2346`; rounded up, so that what cost something never shows as nothing.
pub(super) fn dollars(micro_usd: u64) -> String {
    let parts = micro_usd.div_ceil(SHOWN_MICRO_USD);
    format!("${}.{:04}", parts / 10_000, parts % 10_000)
}

/// `12 s`, `5 min`, `3 h`, `4 d`: the largest unit of which there is one.
pub(super) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `waiting (in doubt)`.
pub(super) fn state(task: &TaskView) -> String {
    let wait = task.wait.map(|wait| match wait {
        Wait::InDoubt => " (in doubt)".to_owned(),
        wait => format!(" ({wait})"),
    });
    let read = if task.discarded_by.is_some() { " (read)" } else { "" };
    format!("{}{}{read}", task.state, wait.unwrap_or_default())
}

/// Each task with its depth: those that no other here made in the order given, below each those that it made, oldest first.
pub(super) fn tree(tasks: &[TaskView]) -> Vec<(usize, &TaskView)> {
    let known: HashSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let mut below: HashMap<&str, Vec<&TaskView>> = HashMap::new();
    let mut open: Vec<(usize, &TaskView)> = Vec::new();
    for task in tasks {
        match task.parent.as_ref().map(messages::TaskId::as_str).filter(|parent| known.contains(parent)) {
            Some(parent) => below.entry(parent).or_default().push(task),
            None => open.push((0, task)),
        }
    }
    open.reverse();
    let mut shown = Vec::with_capacity(tasks.len());
    while let Some((depth, task)) = open.pop() {
        shown.push((depth, task));
        let mut children = below.remove(task.id.as_str()).unwrap_or_default();
        children.sort_by_key(|child| std::cmp::Reverse(child.place));
        open.extend(children.into_iter().map(|child| (depth + 1, child)));
    }
    shown
}

#[cfg(test)]
pub(super) mod tests {
    use messages::task::{Budget, Spent, TaskState};
    use messages::{Address, Moment, TaskId};

    use super::*;

    pub(crate) fn task(key: &str, parent: Option<&str>, place: i64) -> TaskView {
        TaskView {
            id: TaskId::of("home", key),
            parent: parent.map(|parent| TaskId::of("home", parent)),
            context: Address::parse("ws/home/context/general").unwrap(),
            title: key.into(),
            state: TaskState::Running,
            wait: None,
            reason: String::new(),
            result: String::new(),
            not_before: None,
            budget: Budget::default(),
            spent: Spent::default(),
            place,
            created_at: Moment(0),
            ended_at: None,
            discarded_by: None,
        }
    }

    #[test]
    fn what_cost_something_never_shows_as_nothing() {
        for (micro_usd, shown) in [
            (0, "$0.0000"),
            (1, "$0.0001"),
            (100, "$0.0001"),
            (101, "$0.0002"),
            (1_234_567, "$1.2346"),
            (20_000_000, "$20.0000"),
        ] {
            assert_eq!(dollars(micro_usd), shown);
        }
    }

    #[test]
    fn a_span_has_the_largest_unit_of_which_there_is_one() {
        for (ms, shown) in [
            (-5, "0 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (3_599_999, "59 min"),
            (3_600_000, "1 h"),
            (86_399_999, "23 h"),
            (86_400_000, "1 d"),
            (i64::MAX, "106751991167 d"),
        ] {
            assert_eq!(span(ms), shown);
        }
    }

    #[test]
    fn subtasks_stand_below_their_task_oldest_first() {
        let tasks = [
            task("new", None, 9),
            task("b2", Some("b"), 8),
            task("deep", Some("b1"), 7),
            task("b1", Some("b"), 6),
            task("b", None, 5),
            task("orphan", Some("gone"), 4),
        ];
        let shown: Vec<_> = tree(&tasks).into_iter().map(|(depth, task)| (depth, task.title.as_str())).collect();
        assert_eq!(shown, [(0, "new"), (0, "b"), (1, "b1"), (2, "deep"), (1, "b2"), (0, "orphan")]);
    }

    #[test]
    fn a_state_names_what_it_waits_for() {
        let waiting = |wait| TaskView { state: TaskState::Waiting, wait: Some(wait), ..task("a", None, 1) };
        assert_eq!(state(&waiting(Wait::InDoubt)), "waiting (in doubt)");
        assert_eq!(state(&waiting(Wait::Quota)), "waiting (quota)");
        let read = TaskView { state: TaskState::Dead, discarded_by: Some("ann".into()), ..task("a", None, 1) };
        assert_eq!(state(&read), "dead (read)");
    }
}
