use serde_json::Value as Json;

use super::*;
use crate::{reference, schema};

/// The blocks of the page that are fenced with this language.
fn blocks(language: &str) -> Vec<String> {
    let page = reference();
    let mut parts = page.split("```");
    parts.next();
    let fenced: Vec<&str> = parts.step_by(2).collect();
    fenced.iter().filter_map(|block| block.strip_prefix(&format!("{language}\n")).map(str::to_owned)).collect()
}

#[test]
fn the_page_in_docs_is_what_the_schema_says() {
    let page = path(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, reference()).unwrap();
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        written == reference(),
        "docs/configuration.md is not what the schema says; run `UPDATE_DOCS=1 cargo nextest run -p config`"
    );
}

#[test]
fn the_pages_examples_are_taken() {
    let defaults = blocks("toml").iter().map(|example| load(example).unwrap().models.default).collect::<Vec<_>>();
    assert_eq!(defaults, ["local", "zai"]);
}

#[test]
fn the_pages_messages_are_the_real_ones() {
    let told = complaint("[node]\nnmae = 'x'\n\n[runtime]\nmailbox_max = 10\npassivate_after_s = 0\n");
    assert_eq!(blocks(""), [format!("{told}\n")]);
}

fn each_key(of: &Json, path: &str, visit: &mut impl FnMut(&str, &Json)) {
    for (key, below) in of.get("properties").and_then(Json::as_object).into_iter().flatten() {
        let path = format!("{path}.{key}");
        visit(&path, below);
        each_key(below, &path, visit);
        each_key(below.get("additionalProperties").unwrap_or(&Json::Null), &path, visit);
    }
}

#[test]
fn every_key_is_described_and_every_number_has_a_range() {
    let mut seen = 0;
    each_key(&schema(), "", &mut |path, of| {
        seen += 1;
        assert!(of.get("description").is_some(), "{path} is not described");
        if of.get("type") == Some(&Json::from("integer")) {
            assert!(of.get("minimum").is_some() && of.get("maximum").is_some(), "{path} has no range");
        }
        if of.get("type") == Some(&Json::from("object")) {
            assert!(of.get("additionalProperties").is_some(), "{path} takes unknown keys");
        }
    });
    assert!(seen > 15, "{seen}");
}
