use std::fmt::Write as _;

use super::*;
use crate::*;

const PROVIDER: &str = "kind = 'openai'\nbase_url = 'https://e.org'\nmodel = 'm'\n";

#[test]
fn every_number_is_taken_at_its_edges_and_refused_beyond() {
    let provider = format!("[models.providers.p]\n{PROVIDER}");
    let edges: [(&str, &str, u64, u64); 33] = [
        ("[runtime]\n", "passivate_after_s", 1, PASSIVATE_AFTER_S_MAX),
        ("[runtime]\n", "mailbox_max", 1, MAILBOX_MESSAGES_MAX),
        (&provider, "window", 1, WINDOW_CALLS_MAX),
        (&provider, "first_byte_s", 1, MODEL_WAIT_S_MAX),
        (&provider, "idle_s", 1, MODEL_WAIT_S_MAX),
        (&provider, "price_input", 0, PRICE_MAX),
        (&provider, "price_output", 0, PRICE_MAX),
        (&provider, "price_cached", 0, PRICE_MAX),
        (&provider, "context_tokens", 0, CONTEXT_TOKENS_MAX),
        ("[budgets]\n", "turn_cents", 0, CENTS_MAX),
        ("[budgets]\n", "task_cents", 0, CENTS_MAX),
        ("[budgets]\n", "task_input_tokens", 1, TOKENS_MAX),
        ("[budgets]\n", "task_output_tokens", 1, TOKENS_MAX),
        ("[budgets]\n", "task_tool_calls", 0, TOOL_CALLS_MAX),
        ("[budgets]\n", "context_day_cents", 0, CENTS_MAX),
        ("[budgets]\n", "workspace_day_cents", 0, CENTS_MAX),
        ("[budgets]\n", "node_day_cents", 0, CENTS_MAX),
        ("[budgets]\n", "context_day_tokens", 0, TOKENS_MAX),
        ("[budgets]\n", "workspace_day_tokens", 0, TOKENS_MAX),
        ("[budgets]\n", "node_day_tokens", 0, TOKENS_MAX),
        ("[alarms]\n", "disk_free_percent", 0, DISK_FREE_PERCENT_MAX),
        ("[alarms]\n", "disk_free_mib", 0, DISK_FREE_MIB_MAX),
        ("[alarms]\n", "mailbox_wait_s", 1, MAILBOX_WAIT_S_MAX),
        ("[retention]\n", "messages_days", 1, RETENTION_DAYS_MAX),
        ("[retention]\n", "audit_days", 1, RETENTION_DAYS_MAX),
        ("[tasks]\n", "running_per_workspace", 1, RUNNING_MAX),
        ("[tasks]\n", "running_per_context", 1, RUNNING_MAX),
        ("[tasks]\n", "schedule_to_start_s", 1, SCHEDULE_S_MAX),
        ("[tasks]\n", "start_to_close_s", 1, RUN_S_MAX),
        ("[tasks]\n", "deadline_s", 1, DEADLINE_S_MAX),
        ("[tasks]\n", "heartbeat_s", 1, HEARTBEAT_S_MAX),
        ("[tasks]\n", "attempts", 1, ATTEMPTS_MAX),
        ("[tasks]\n", "model_turns", 1, MODEL_TURNS_MAX),
    ];
    for (table, key, min, max) in edges {
        for right in [min, max] {
            assert!(load(&format!("{table}{key} = {right}")).is_ok(), "{key} {right}");
        }
        for wrong in [i128::from(min) - 1, i128::from(max) + 1] {
            let told = complaint(&format!("{table}{key} = {wrong}"));
            assert!(told.contains(&format!("a whole number from {min} to {max}")), "{told}");
        }
        assert!(load(&format!("{table}{key} = -1")).is_err());
    }
}

#[test]
fn a_route_has_a_most() {
    let route = |count: u32| {
        let names = "'offline',".repeat(usize::try_from(count).unwrap());
        format!("[models.routes]\nchat = [{names}]")
    };
    assert!(load(&route(ROUTE_MODELS_MAX)).is_ok());
    let told = complaint(&route(ROUTE_MODELS_MAX + 1));
    assert!(told.contains("`models.routes.chat` lists 9; at most 8 are allowed"), "{told}");
}

fn many(table: &str, body: &str, count: u32) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        write!(text, "[{table}.n{n}]\n{body}").unwrap();
        text
    })
}

#[test]
fn tables_and_lists_have_a_most() {
    assert!(load(&many("workspaces", "", WORKSPACES_MAX)).is_ok());
    assert!(complaint(&many("workspaces", "", WORKSPACES_MAX + 1)).contains("at most 1024 are allowed"));
    assert!(load(&many("models.providers", PROVIDER, PROVIDERS_MAX)).is_ok());
    assert!(complaint(&many("models.providers", PROVIDER, PROVIDERS_MAX + 1)).contains("at most 32 are allowed"));
    let notes = |count| format!("[workspaces.w]\nnotes = [{}]", "'/n',".repeat(count));
    let most = usize::try_from(NOTES_FOLDERS_MAX).unwrap();
    assert!(load(&notes(most)).is_ok());
    assert!(complaint(&notes(most + 1)).contains("at most 16 are allowed"));
}

#[test]
fn a_models_name_has_a_length() {
    let named =
        |name: &str| format!("[models.providers.p]\nkind = 'openai'\nbase_url = 'https://e.org'\nmodel = '{name}'\n");
    assert!(load(&named(&"m".repeat(256))).is_ok());
    assert!(complaint(&named(&"m".repeat(257))).contains("longer than 256 characters"));
    assert!(complaint(&named("")).contains("it is empty"));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let padded = |bytes: u64| "#".repeat(usize::try_from(bytes).unwrap());
    assert!(load(&padded(FILE_BYTES_MAX)).is_ok());
    assert!(complaint(&padded(FILE_BYTES_MAX + 1)).contains("larger than 1048576 bytes"));
}

#[test]
fn a_flood_of_problems_is_counted_not_listed() {
    let unknown = |count: usize| (0..count).fold(String::new(), |text, n| format!("{text}x{n} = 1\n"));
    assert_eq!(complaint(&unknown(PROBLEMS_SHOWN_MAX)).lines().count(), PROBLEMS_SHOWN_MAX);
    assert_eq!(complaint(&unknown(PROBLEMS_SHOWN_MAX + 1)).lines().last(), Some("and 1 more"));
}
