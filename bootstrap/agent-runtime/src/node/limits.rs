//! From configuration to the limits of all work.

use config::{Budgets, Config, Tasks};
use messages::task::{Budget, DayCap, TaskLimits, WorkLimits};

/// Millionths of a dollar in a cent.
const MICRO_USD_OF_CENT: u64 = 10_000;

/// The limits of a node. What no key says is as it always is.
pub(super) fn limits(config: &Config) -> WorkLimits {
    let (budgets, tasks) = (&config.budgets, &config.tasks);
    let always = WorkLimits::default();
    WorkLimits {
        running_per_workspace: narrow(tasks.running_per_workspace),
        running_per_context: narrow(tasks.running_per_context),
        turn: Budget { micro_usd: micro_usd(budgets.turn_cents), ..always.turn },
        task: task(budgets),
        task_limits: task_limits(tasks, always.task_limits),
        context_day: day(budgets.context_day_cents, budgets.context_day_tokens),
        workspace_day: day(budgets.workspace_day_cents, budgets.workspace_day_tokens),
        node_day: day(budgets.node_day_cents, budgets.node_day_tokens),
    }
}

fn task(budgets: &Budgets) -> Budget {
    Budget {
        micro_usd: micro_usd(budgets.task_cents),
        input_tokens: budgets.task_input_tokens,
        output_tokens: budgets.task_output_tokens,
        tool_calls: narrow(budgets.task_tool_calls),
    }
}

fn task_limits(tasks: &Tasks, always: TaskLimits) -> TaskLimits {
    TaskLimits {
        schedule_to_start_s: tasks.schedule_to_start_s,
        start_to_close_s: tasks.start_to_close_s,
        deadline_s: tasks.deadline_s,
        heartbeat_s: tasks.heartbeat_s,
        attempts: narrow(tasks.attempts),
        model_turns: narrow(tasks.model_turns),
        ..always
    }
}

fn day(cents: u64, tokens: Option<u64>) -> DayCap {
    DayCap { micro_usd: Some(micro_usd(cents)), tokens }
}

fn micro_usd(cents: u64) -> u64 {
    cents.saturating_mul(MICRO_USD_OF_CENT)
}

/// The schema keeps these small.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_configuration_the_limits_are_those_that_messages_names() {
        assert_eq!(limits(&Config::default()), WorkLimits::default());
    }

    #[test]
    fn every_key_reaches_its_limit() {
        let budgets = Budgets {
            turn_cents: 1,
            task_cents: 2,
            task_input_tokens: 3,
            task_output_tokens: 4,
            task_tool_calls: 5,
            context_day_cents: 6,
            workspace_day_cents: 7,
            node_day_cents: 0,
            context_day_tokens: Some(8),
            workspace_day_tokens: Some(9),
            node_day_tokens: Some(0),
        };
        let tasks = Tasks {
            running_per_workspace: 10,
            running_per_context: 11,
            schedule_to_start_s: 12,
            start_to_close_s: 13,
            deadline_s: 14,
            heartbeat_s: 15,
            attempts: 16,
            model_turns: 17,
        };
        let mut config = Config::default();
        (config.budgets, config.tasks) = (budgets, tasks);
        let got = limits(&config);
        let always = WorkLimits::default();
        assert_eq!(got.task, Budget { micro_usd: 20_000, input_tokens: 3, output_tokens: 4, tool_calls: 5 });
        assert_eq!(got.turn, Budget { micro_usd: 10_000, ..always.turn });
        let cap = |micro_usd, tokens| DayCap { micro_usd: Some(micro_usd), tokens: Some(tokens) };
        assert_eq!((got.context_day, got.workspace_day, got.node_day), (cap(60_000, 8), cap(70_000, 9), cap(0, 0)));
        assert_eq!((got.running_per_workspace, got.running_per_context), (10, 11));
        let of = got.task_limits;
        assert_eq!((of.schedule_to_start_s, of.start_to_close_s, of.deadline_s, of.heartbeat_s), (12, 13, 14, 15));
        assert_eq!((of.attempts, of.model_turns, of.answer_bytes), (16, 17, always.task_limits.answer_bytes));
    }
}
