//! What a build script tells the compiler, `cargo run` tells the program, too: in its environment, where names that begin with
//! `AGENT_RUNTIME_` are configuration, and unknown ones are refused.

use super::{CODE, files_below, root};

/// Names of configuration in a build script.
fn configuring(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("AGENT_RUNTIME_")).collect()
}

#[test]
fn no_build_script_sets_what_the_program_reads_as_configuration() {
    let scripts: Vec<(String, String)> =
        CODE.iter().flat_map(|folder| files_below(&root().join(folder), "build.rs")).collect();
    assert!(!scripts.is_empty(), "there is one that tells of the build");
    for (path, text) in scripts {
        assert_eq!(configuring(&text), Vec::<&str>::new(), "{path}");
    }
}

#[test]
fn the_rule_finds_what_breaks_it() {
    assert_eq!(configuring(r#"tell("AGENT_RUNTIME_BUILD_COMMIT", git());"#), ["AGENT_RUNTIME_BUILD_COMMIT"]);
    assert!(configuring(r#"tell("RUNTIME_BUILD_COMMIT", git());"#).is_empty());
}
