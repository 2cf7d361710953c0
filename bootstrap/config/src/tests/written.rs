//! The file that `config init` writes, and what `config explain` says.

use serde_json::{Value as Json, json};

use super::*;
use crate::{Origin, describe, template};

/// The template with every key in force.
fn in_force() -> String {
    let is_key = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
    template().lines().map(|line| if is_key(&line) { &line[1..] } else { line }).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_written_file_sets_nothing_as_it_stands() {
    let config = Config { origins: Config::default().origins, ..load(&template()).unwrap() };
    assert_eq!(config, Config::default());
}

#[test]
fn every_key_of_the_written_file_can_be_put_in_force_and_is_its_default() {
    // Naming a key more than once is refused, so all but one go.
    let text = in_force().replace("key_env = ", "#key_env = ").replace("key_secret = ", "#key_secret = ");
    let config = load(&text).unwrap();
    let of = |part: fn(&Config) -> Json| (part(&config), part(&Config::default()));
    for (written, default) in [
        of(|c| json!([c.node.name, c.log, c.runtime, c.tasks, c.models.default, c.models.routes])),
        of(|c| json!([c.budgets.turn_cents, c.budgets.task_cents, c.budgets.node_day_cents])),
    ] {
        assert_eq!(written, default);
    }
    assert_eq!(config.models.providers.len(), 1);
}

#[test]
fn every_key_of_the_schema_stands_in_the_written_file() {
    let text = template();
    let page = crate::reference();
    let keys = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let gone: Vec<&str> = keys.filter(|key| !text.contains(&format!("\n#{key} = "))).collect();
    assert_eq!(gone, Vec::<&str>::new());
    assert!(text.lines().all(|line| line.chars().count() <= 120), "a line is too long");
}

#[test]
fn a_key_is_explained_with_its_range_its_default_and_its_variable() {
    let told = describe("runtime.mailbox_max").unwrap();
    assert_eq!(told.takes, "a whole number from 1 to 65536");
    assert_eq!((told.default, told.variable.as_str()), (Some(json!(1024)), "AGENT_RUNTIME_RUNTIME__MAILBOX_MAX"));
    let told = describe("models.providers.zai.kind").unwrap();
    assert!(told.required && told.default.is_none() && told.takes.contains("`zai`"), "{told:?}");
    assert_eq!(describe("node").unwrap().keys, ["data", "listen", "name", "peers", "roles", "workspaces"]);
    assert_eq!(describe("models.providers").unwrap().keys, ["<name>"]);
}

#[test]
fn a_key_that_is_not_there_is_told_with_the_one_that_was_meant() {
    for (typed, meant) in [
        ("runtime.mailbox_mx", "`runtime.mailbox_max`"),
        ("mailbox_max", "`runtime.mailbox_max`"),
        ("nod.name", "`node.name`"),
        ("node.name.x", "`node.name`"),
    ] {
        let told = describe(typed).unwrap_err();
        assert!(told.contains("no key") && told.contains(meant), "{told}");
    }
    let told = describe("").unwrap_err();
    assert!(told.contains("docs/configuration.md"), "{told}");
}

#[test]
fn the_value_in_force_names_the_layer_that_set_it() {
    let (_folder, mut options) = written("[node]\nname = 'a'\n[runtime]\nmailbox_max = 7\n[log]\njson = true\n");
    options.env = vars(&[("AGENT_RUNTIME_RUNTIME__MAILBOX_MAX", "8"), ("AGENT_RUNTIME_LOG__JSON", "false")]);
    options.overrides = vec![flag("log.json", "true", "--log")];
    let config = Config::load(&options).unwrap();
    for (key, value, layer) in [
        ("node.name", json!("a"), "file"),
        ("runtime.mailbox_max", json!(8), "environment"),
        ("log.json", json!(true), "flag"),
        ("tasks.attempts", json!(3), "default"),
        ("node.data", json!("./data"), "default"),
    ] {
        let (found, at) = config.in_force(key);
        assert_eq!((found, at.layer()), (Some(value), layer), "{key}");
    }
    assert_eq!(config.in_force("models.table"), (None, Origin::Default));
    assert_eq!(config.in_force("models.providers.zai.window"), (None, Origin::Default));
}

#[test]
fn a_wrong_key_does_not_hide_a_model_that_leads_nowhere() {
    let told = complaint("[node]\nnmae = 'x'\n[models]\ndefault = 'zia'\n");
    assert!(told.contains(":2:1: unknown key `nmae`") && told.contains(":4:11: `zia` is no model"), "{told}");
}
