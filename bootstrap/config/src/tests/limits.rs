use std::fmt::Write as _;

use super::*;
use crate::*;

const PROVIDER: &str = "kind = 'openai'\nbase_url = 'https://e.org'\nmodel = 'm'\n";

#[test]
fn every_number_is_taken_at_its_edges_and_refused_beyond() {
    let edges: [(&str, &str, u64, u64); 5] = [
        ("[runtime]\n", "passivate_after_s", 1, PASSIVATE_AFTER_S_MAX),
        ("[runtime]\n", "mailbox_max", 1, MAILBOX_MESSAGES_MAX),
        (&format!("[models.providers.p]\n{PROVIDER}"), "window", 1, WINDOW_CALLS_MAX),
        (&format!("[models.providers.p]\n{PROVIDER}"), "first_byte_s", 1, MODEL_WAIT_S_MAX),
        (&format!("[models.providers.p]\n{PROVIDER}"), "idle_s", 1, MODEL_WAIT_S_MAX),
    ];
    for (table, key, min, max) in edges {
        for right in [min, max] {
            assert!(load(&format!("{table}{key} = {right}")).is_ok(), "{key} {right}");
        }
        for wrong in [min - 1, max + 1] {
            let told = complaint(&format!("{table}{key} = {wrong}"));
            assert!(told.contains(&format!("a whole number from {min} to {max}")), "{told}");
        }
        assert!(load(&format!("{table}{key} = -1")).is_err());
    }
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
