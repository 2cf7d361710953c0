//! Names that mean nothing are not used, and nothing unexpected shows at the top.

use std::path::Path;

use super::{code, none, root};

/// A drawer for everything is a sign that a noun is missing.
const DRAWERS: [&str; 6] = ["utils", "util", "common", "helpers", "helper", "misc"];

/// All that shows at the top; tool files are dotfiles.
const TOP: [&str; 11] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE",
    "rust-toolchain.toml",
    "actors",
    "messages",
    "bootstrap",
    "compose",
    "docs",
    "tests",
];

/// The edge's file keeps the name that its program looks for.
const EDGE: &str = "Caddyfile";

fn is_drawer(path: &str) -> bool {
    Path::new(path).with_extension("").iter().any(|part| DRAWERS.iter().any(|drawer| part == *drawer))
}

/// Modules that are written inside of a file.
fn inner_drawers(text: &str) -> Vec<String> {
    let named = |line: &str| {
        let line = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        line.strip_prefix("mod ").map(|rest| rest.trim_end_matches([' ', '{', ';']).to_owned())
    };
    text.lines().filter_map(named).filter(|name| DRAWERS.contains(&name.as_str())).collect()
}

/// What git is told not to look at, at the top.
fn ignored(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix('/')).map(|name| name.trim_end_matches('/')).collect()
}

fn is_expected(name: &str, ignored: &[&str]) -> bool {
    name.starts_with('.') || name == EDGE || TOP.contains(&name) || ignored.contains(&name)
}

#[test]
fn no_module_is_a_drawer_for_everything() {
    let mut findings = Vec::new();
    for (path, text) in code() {
        if is_drawer(&path) {
            findings.push(path.clone());
        }
        findings.extend(inner_drawers(&text).into_iter().map(|name| format!("{path}: mod {name}")));
    }
    none("modules whose names say nothing", &findings);
}

#[test]
fn only_known_names_show_at_the_top() {
    let told = std::fs::read_to_string(root().join(".gitignore")).unwrap_or_default();
    let names = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let findings: Vec<String> = names.filter(|name| !is_expected(name, &ignored(&told))).collect();
    none("names at the top that are not in the layout", &findings);
}

#[test]
fn a_drawer_and_a_stray_file_are_found() {
    assert!(is_drawer("actors/store/src/utils.rs") && is_drawer("actors/common/src/lib.rs"));
    assert!(!is_drawer("actors/store/src/uncommon.rs"));
    assert_eq!(inner_drawers("mod a;\npub mod helpers {\n}\nmod misc;\n"), ["helpers", "misc"]);
    assert!(!is_expected("notes.txt", &ignored("/target\n")));
    assert!(is_expected("target", &ignored("/target\n")) && is_expected(".ci", &[]) && is_expected("docs", &[]));
}
