//! Names of what actors count of their work, by label: who counts and who shows it meet here.

/// Restarts after a failure, by kind of actor.
pub const ACTOR_RESTARTS: &str = "actor_restarts";
/// Commits of other nodes that were refused as stale, by class of unit: `ws`, `connector`.
pub const COMMITS_STALE: &str = "commits_stale";
/// Calls that a model was given, by model.
pub const MODEL_CALLS: &str = "model_calls";
/// Of those, such that gave no answer.
pub const MODEL_FAILURES: &str = "model_failures";
/// Tokens that were read, by model.
pub const MODEL_INPUT_TOKENS: &str = "model_input_tokens";
/// Tokens that were written, by model.
pub const MODEL_OUTPUT_TOKENS: &str = "model_output_tokens";
/// Millionths of a dollar, by model: what is known to have been used, at the price of the table.
pub const MODEL_MICRO_USD: &str = "model_micro_usd";
