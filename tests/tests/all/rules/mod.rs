//! The rules of the repository: which crate may know which, what a core may not do, how long things get, names, links.
//!
//! Each rule is a pure function from text to findings, so that it is itself tested on a text that breaks it.

mod builds;
mod calls;
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

/// Where the modules stand that a file declares with `#[cfg(test)] mod name;`, without `.rs`.
fn modules_for_tests(path: &str, text: &str) -> Vec<PathBuf> {
    let (path, file) = (Path::new(path), syn::parse_file(text).unwrap());
    let folder = match path.file_name().and_then(|name| name.to_str()) {
        Some("lib.rs" | "main.rs" | "mod.rs") => path.parent().unwrap().to_path_buf(),
        _ => path.with_extension(""),
    };
    let declared = |item: &syn::Item| match item {
        syn::Item::Mod(item) if item.content.is_none() && is_for_tests(&item.attrs) => {
            Some(folder.join(item.ident.to_string()))
        }
        _ => None,
    };
    file.items.iter().filter_map(declared).collect()
}

/// All our Rust files that are part of a program.
fn code_that_runs() -> Vec<(String, String)> {
    let all = code();
    let tests: Vec<PathBuf> = all.iter().flat_map(|(path, text)| modules_for_tests(path, text)).collect();
    let is_for_tests = |path: &str| tests.iter().any(|module| Path::new(path).with_extension("").starts_with(module));
    all.into_iter()
        .filter(|(path, _)| !sizes::is_of_tests(path) && !is_for_tests(path) && !path.starts_with("tests/"))
        .collect()
}

#[test]
fn a_module_for_tests_is_told_from_one_that_runs() {
    let text = "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\nmod c { }\n";
    assert_eq!(modules_for_tests("actors/x/src/lib.rs", text), [Path::new("actors/x/src/b")]);
    assert_eq!(modules_for_tests("actors/x/src/y.rs", text), [Path::new("actors/x/src/y/b")]);
}
