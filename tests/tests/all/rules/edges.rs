//! Which crate may depend on which. An edge that is not here is refused, whatever it is for: also for tests.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value as Json;

use super::{none, root};

/// Each crate of ours and those of ours it may name. Actors meet only through `messages`, never as siblings.
const ALLOWED: [(&str, &[&str]); 25] = [
    ("heap", &[]),
    ("messages", &[]),
    ("markdown", &[]),
    ("config", &[]),
    ("age-format", &[]),
    ("backup", &[]),
    ("pki", &[]),
    ("secrets", &["age-format"]),
    ("gate", &["markdown"]),
    ("policy", &["messages"]),
    ("placement", &["messages"]),
    ("runtime", &["messages", "heap"]),
    ("cluster", &["messages", "runtime", "placement"]),
    ("store", &["messages", "runtime"]),
    ("lane", &["messages", "runtime"]),
    ("retention", &["messages", "runtime"]),
    ("models", &["messages", "runtime"]),
    ("admin", &["messages", "runtime", "heap"]),
    ("operator-http", &["messages", "runtime"]),
    ("connector-console", &["messages", "runtime", "lane"]),
    ("retrieval", &["messages", "runtime", "markdown", "gate"]),
    ("tools", &["messages", "runtime", "markdown", "gate"]),
    ("workspaces", &["messages", "runtime", "markdown", "policy"]),
    ("agent-runtime", &EVERYTHING),
    ("tests", &EVERYTHING),
];

/// What the program wires together.
const EVERYTHING: [&str; 23] = [
    "heap",
    "messages",
    "markdown",
    "gate",
    "config",
    "age-format",
    "backup",
    "pki",
    "secrets",
    "policy",
    "placement",
    "runtime",
    "store",
    "lane",
    "retention",
    "models",
    "admin",
    "operator-http",
    "connector-console",
    "retrieval",
    "tools",
    "workspaces",
    "cluster",
];

/// Libraries that only these crates may name, so that a change of one stays in one place. `tests` may name any.
const FENCED: [(&str, &[&str]); 15] = [
    ("x25519-dalek", &["age-format"]),
    ("scrypt", &["age-format"]),
    ("hyper", &["operator-http"]),
    ("libc", &["heap"]),
    ("rusqlite", &["store", "retrieval"]),
    ("rusqlite_migration", &["store"]),
    ("reqwest", &["models"]),
    ("ractor", &["runtime", "cluster"]),
    ("ractor_cluster", &["cluster"]),
    ("tokio-rustls", &["cluster"]),
    ("reedline", &["connector-console"]),
    ("notify", &["retrieval"]),
    ("pulldown-cmark", &["markdown"]),
    // In the tests of links, too.
    ("rcgen", &["pki", "cluster"]),
    ("x509-parser", &["pki"]),
];

/// Crates that decide and do nothing: no runtime below them.
const PURE: [&str; 5] = ["messages", "markdown", "policy", "placement", "config"];

/// Each package with what it names: (name, is it ours).
type Edges = BTreeMap<String, Vec<(String, bool)>>;

fn edges() -> Edges {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Json = serde_json::from_slice(&told.stdout).unwrap();
    let name = |of: &Json| of["name"].as_str().unwrap().to_owned();
    let named = |package: &Json| -> Vec<(String, bool)> {
        package["dependencies"].as_array().unwrap().iter().map(|to| (name(to), to.get("path").is_some())).collect()
    };
    told["packages"].as_array().unwrap().iter().map(|package| (name(package), named(package))).collect()
}

fn broken(edges: &Edges) -> Vec<String> {
    let mut findings = Vec::new();
    for (from, named) in edges {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == from) else {
            findings.push(format!("{from} is a new crate; say in tests/tests/all/rules/edges.rs what it may know"));
            continue;
        };
        for (to, ours) in named {
            if *ours && !allowed.contains(&to.as_str()) {
                findings.push(format!("{from} names {to}; it may name {allowed:?}"));
            }
            let fence = FENCED.iter().find(|(library, _)| library == to).map(|(_, crates)| *crates);
            if let Some(crates) = fence.filter(|crates| from != "tests" && !crates.contains(&from.as_str())) {
                findings.push(format!("{from} names {to}; only {crates:?} may"));
            }
            if to.starts_with("tokio") && PURE.contains(&from.as_str()) {
                findings.push(format!("{from} names {to}; it is pure"));
            }
        }
    }
    findings
}

#[test]
fn crates_know_only_what_they_may() {
    none("edges that are not allowed", &broken(&edges()));
}

#[test]
fn every_crate_of_the_table_is_there() {
    let edges = edges();
    let gone: Vec<String> =
        ALLOWED.iter().filter(|(name, _)| !edges.contains_key(*name)).map(|(name, _)| (*name).to_owned()).collect();
    none("rows of the table without a crate", &gone);
}

#[test]
fn an_edge_that_is_not_allowed_is_found() {
    let edge = |from: &str, to: &str, ours| BTreeMap::from([(from.to_owned(), vec![(to.to_owned(), ours)])]);
    for (from, to, ours) in [
        ("store", "workspaces", true),
        ("messages", "runtime", true),
        ("connector-console", "rusqlite", false),
        ("policy", "tokio-util", false),
        ("surprise", "serde", false),
    ] {
        assert_eq!(broken(&edge(from, to, ours)).len(), 1, "{from} -> {to}");
    }
    assert_eq!(broken(&edge("store", "messages", true)), Vec::<String>::new());
    assert_eq!(broken(&edge("tests", "rusqlite", false)), Vec::<String>::new());
}
