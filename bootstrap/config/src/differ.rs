//! Which keys two configurations differ in: what a reload may carry out, and what needs a restart.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::schema::Config;

impl Config {
    /// The dotted keys whose values differ, in order. Values are not shown.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let value = |config: &Self| serde_json::to_value(config).unwrap_or_default();
        let mut keys = Vec::new();
        differing(&value(self), &value(other), "", &mut keys);
        keys
    }
}

fn differing(one: &Json, other: &Json, path: &str, keys: &mut Vec<String>) {
    if one == other {
        return;
    }
    let (Json::Object(ones), Json::Object(others)) = (one, other) else {
        keys.push(path.to_owned());
        return;
    };
    let all: BTreeSet<&String> = ones.keys().chain(others.keys()).collect();
    for key in all {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let of = |table: &serde_json::Map<String, Json>| table.get(key).cloned().unwrap_or_default();
        differing(&of(ones), &of(others), &below, keys);
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::load;

    #[test]
    fn keys_that_differ_are_named_in_order_also_those_of_tables_that_only_one_has() {
        let one = load("[log]\nlevel = 'warn'\n[workspaces.a]\nnotes = ['/n']\n").unwrap();
        let other = load("[runtime]\nmailbox_max = 5\n[budgets]\nnode_day_tokens = 5\n[workspaces.b]\n").unwrap();
        assert_eq!(
            one.differing(&other),
            ["budgets.node_day_tokens", "log.level", "runtime.mailbox_max", "workspaces.a", "workspaces.b"]
        );
        assert!(one.differing(&one.clone()).is_empty());
    }
}
