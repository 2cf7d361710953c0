//! Calls that only one place may make: tasks and actors are started by the runtime, which ends them with their owner;
//! no queue is without a bound.

use syn::visit::{self, Visit};

use super::{code_that_runs, is_for_tests, none};

/// The end of a path, where it may stand, and why nowhere else.
const KEPT: [(&[&str], &[&str], &str); 6] = [
    (&["tokio", "spawn"], &["actors/runtime/"], "give it to `cx.spawn`, so that it ends with its actor"),
    (&["task", "spawn"], &["actors/runtime/"], "give it to `cx.spawn`, so that it ends with its actor"),
    (
        &["Actor", "spawn"],
        &["actors/runtime/", "actors/cluster/"],
        "register a kind with the system; its supervisor opens it",
    ),
    (&["Actor", "spawn_linked"], &["actors/runtime/"], "register a kind with the system; its supervisor opens it"),
    (&["unbounded_channel"], &[], "a queue has a bound with a name"),
    (&["process", "exit"], &["bootstrap/agent-runtime/"], "return an error; only the program ends the process"),
];

struct Calls<'p> {
    file: &'p str,
    findings: Vec<String>,
}

impl<'ast> Visit<'ast> for Calls<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let ends =
            |end: &[&str]| names.len() >= end.len() && names.iter().rev().zip(end.iter().rev()).all(|(a, b)| a == b);
        for (end, places, why) in KEPT {
            if ends(end) && !places.iter().any(|place| self.file.starts_with(place)) {
                let line = path.segments[0].ident.span().start().line;
                self.findings.push(format!("{}:{line}: {}; {why}", self.file, names.join("::")));
            }
        }
        visit::visit_path(self, path);
    }
}

fn misplaced(file: &str, text: &str) -> Vec<String> {
    let mut calls = Calls { file, findings: Vec::new() };
    calls.visit_file(&syn::parse_file(text).unwrap());
    calls.findings
}

#[test]
fn tasks_actors_and_queues_are_made_where_they_are_kept() {
    none(
        "calls in the wrong place",
        &code_that_runs().iter().flat_map(|(path, text)| misplaced(path, text)).collect::<Vec<_>>(),
    );
}

#[test]
fn a_call_in_the_wrong_place_is_found() {
    for text in [
        "fn f() { tokio::spawn(g()); }",
        "fn f() { tokio::task::spawn(g()); }",
        "fn f() { Actor::spawn(None, a, b); }",
        "fn f() { let q = mpsc::unbounded_channel(); }",
        "fn f() { std::process::exit(1) }",
    ] {
        assert_eq!(misplaced("actors/store/src/a.rs", text).len(), 1, "{text}");
    }
    assert!(misplaced("actors/runtime/src/a.rs", "fn f() { tokio::spawn(g()); }").is_empty());
    assert!(misplaced("actors/store/src/a.rs", "#[cfg(test)] mod tests { fn f() { tokio::spawn(g()); } }").is_empty());
    assert!(misplaced("actors/store/src/a.rs", "fn f() { cx.spawn(g()); set.spawn(h()); }").is_empty());
}
