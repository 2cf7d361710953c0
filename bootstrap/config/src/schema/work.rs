//! `[budgets]` and `[tasks]`: what work may cost, how much runs at once, and for how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The highest budget in cents: a million dollars.
pub const CENTS_MAX: u64 = 100_000_000;
/// The highest budget in tokens.
pub const TOKENS_MAX: u64 = 100_000_000_000;
/// The most uses of tools that a task may be given.
pub const TOOL_CALLS_MAX: u64 = 10_000;
/// The most tasks that may run at once.
pub const RUNNING_MAX: u64 = 256;
/// The longest a task may be allowed to wait for a slot, in seconds: 30 days.
pub const SCHEDULE_S_MAX: u64 = 2_592_000;
/// The longest one run of a task may be allowed to take, in seconds: a day.
pub const RUN_S_MAX: u64 = 86_400;
/// The latest deadline, in seconds from the making of a task: a year.
pub const DEADLINE_S_MAX: u64 = 31_536_000;
/// The longest one step may be allowed to take, in seconds.
pub const HEARTBEAT_S_MAX: u64 = 3_600;
/// The most failures that a task may be allowed.
pub const ATTEMPTS_MAX: u64 = 20;
/// The most model calls that a task may be allowed.
pub const MODEL_TURNS_MAX: u64 = 200;

/// What work may cost. Hard: a call that might go beyond one of these is not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budgets {
    /// Cents that one turn of a conversation may cost. 0 for this and every other amount: only models that are free.
    #[schemars(range(min = 0, max = CENTS_MAX))]
    pub turn_cents: u64,
    /// Cents that one task may cost, its subtasks included.
    #[schemars(range(min = 0, max = CENTS_MAX))]
    pub task_cents: u64,
    /// Tokens that one task may read.
    #[schemars(range(min = 1, max = TOKENS_MAX))]
    pub task_input_tokens: u64,
    /// Tokens that one task may write, thinking included.
    #[schemars(range(min = 1, max = TOKENS_MAX))]
    pub task_output_tokens: u64,
    /// Uses of tools of one task.
    #[schemars(range(min = 0, max = TOOL_CALLS_MAX))]
    pub task_tool_calls: u64,
    /// Cents that one context may spend in a day (of UTC, for this and every other day).
    #[schemars(range(min = 0, max = CENTS_MAX))]
    pub context_day_cents: u64,
    /// Cents that one workspace may spend in a day.
    #[schemars(range(min = 0, max = CENTS_MAX))]
    pub workspace_day_cents: u64,
    /// Cents that the whole node may spend in a day.
    #[schemars(range(min = 0, max = CENTS_MAX))]
    pub node_day_cents: u64,
    /// Tokens, read and written, that one context may use in a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = TOKENS_MAX))]
    pub context_day_tokens: Option<u64>,
    /// The same for one workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = TOKENS_MAX))]
    pub workspace_day_tokens: Option<u64>,
    /// The same for the whole node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = TOKENS_MAX))]
    pub node_day_tokens: Option<u64>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            turn_cents: 25,
            task_cents: 50,
            task_input_tokens: 400_000,
            task_output_tokens: 40_000,
            task_tool_calls: 60,
            context_day_cents: 500,
            workspace_day_cents: 1_000,
            node_day_cents: 2_000,
            context_day_tokens: None,
            workspace_day_tokens: None,
            node_day_tokens: None,
        }
    }
}

/// How much runs at once, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tasks {
    /// Tasks that run at once in one workspace.
    #[schemars(range(min = 1, max = RUNNING_MAX))]
    pub running_per_workspace: u64,
    /// Tasks that run at once for one context.
    #[schemars(range(min = 1, max = RUNNING_MAX))]
    pub running_per_context: u64,
    /// Seconds that a task may wait for its turn; then it has expired.
    #[schemars(range(min = 1, max = SCHEDULE_S_MAX))]
    pub schedule_to_start_s: u64,
    /// Seconds that one run of a task may take.
    #[schemars(range(min = 1, max = RUN_S_MAX))]
    pub start_to_close_s: u64,
    /// Seconds from the making of a task to its end, waiting included; then it has expired.
    #[schemars(range(min = 1, max = DEADLINE_S_MAX))]
    pub deadline_s: u64,
    /// Seconds that one step of a task may take.
    #[schemars(range(min = 1, max = HEARTBEAT_S_MAX))]
    pub heartbeat_s: u64,
    /// Times that a task may fail of itself before it is given up.
    #[schemars(range(min = 1, max = ATTEMPTS_MAX))]
    pub attempts: u64,
    /// Times that one task may ask a model.
    #[schemars(range(min = 1, max = MODEL_TURNS_MAX))]
    pub model_turns: u64,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            running_per_workspace: 5,
            running_per_context: 2,
            schedule_to_start_s: 86_400,
            start_to_close_s: 3_600,
            deadline_s: 604_800,
            heartbeat_s: 600,
            attempts: 3,
            model_turns: 24,
        }
    }
}
