//! The rules of the repository: which crate may know which, what a core may not do, how long things get, names, links.
//!
//! Each rule is a pure function from text to findings, so that it is itself tested on a text that breaks it.

mod cores;
mod edges;
mod links;
mod names;
mod sizes;

use std::path::{Path, PathBuf};

/// Folders that hold our Rust code.
const CODE: [&str; 4] = ["messages", "actors", "bootstrap", "tests"];

/// The repository's top.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// All files below a folder whose names end so, with their text, by their path from the top; without build results.
fn files_below(folder: &Path, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries.map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && !name.starts_with('.') {
                found.extend(files_below(&path, ending));
            }
        } else if name.ends_with(ending) {
            let shown = path.strip_prefix(root()).unwrap().display().to_string();
            found.push((shown, std::fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// All our Rust files.
fn code() -> Vec<(String, String)> {
    let files: Vec<_> = CODE.iter().flat_map(|folder| files_below(&root().join(folder), ".rs")).collect();
    assert!(files.len() > 40, "only {} Rust files were found; the rules look in the wrong place", files.len());
    files
}

/// Fails with all findings, one a line.
fn none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n{}", findings.join("\n"));
}

/// `#[cfg(test)]` stands on it.
fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|what| what == "test")
    })
}
