//! How keys, values and expectations are called in messages and in the reference.

use serde_json::Value as Json;

use crate::layer::Value;

/// A name that is further from every known one than this is not taken for a slip of the finger.
const SLIPS_MAX: usize = 3;
/// The most characters of a wrong value that a message repeats.
const SHOWN_CHARS_MAX: usize = 60;

/// The schema's type, without the `null` of an optional key.
pub(crate) fn kind(schema: &Json) -> &str {
    match schema.get("type") {
        Some(Json::String(kind)) => kind,
        Some(Json::Array(kinds)) => {
            kinds.iter().filter_map(Json::as_str).find(|kind| *kind != "null").unwrap_or_default()
        }
        _ if choices(schema).is_some() => "string",
        _ => "",
    }
}

/// The values of a closed choice.
pub(crate) fn choices(schema: &Json) -> Option<Vec<&str>> {
    if let Some(all) = schema.get("enum").and_then(Json::as_array) {
        return Some(all.iter().filter_map(Json::as_str).collect());
    }
    let all = schema.get("oneOf")?.as_array()?;
    Some(all.iter().filter_map(|one| one.get("const").and_then(Json::as_str)).collect())
}

/// What a key takes, as the rest of "it must be".
pub(crate) fn expected(schema: &Json) -> String {
    if let Some(all) = choices(schema) {
        let all: Vec<String> = all.iter().map(|one| format!("`{one}`")).collect();
        return if all.len() == 1 { all.concat() } else { format!("one of {}", all.join(", ")) };
    }
    match kind(schema) {
        "boolean" => "true or false".into(),
        "integer" => whole(schema),
        "array" => {
            let most = schema.get("maxItems").and_then(Json::as_u64);
            let items = match schema.pointer("/items/format").and_then(Json::as_str) {
                Some("model") => "models",
                Some("peer") => "hosts with their ports",
                Some("role") => "`hub`, `connector` and `worker`",
                Some("holds") => "workspaces, or `*`",
                _ => "paths",
            };
            format!("a list of {items}{}", most.map(|most| format!(", {most} at most")).unwrap_or_default())
        }
        "object" => "a table".into(),
        _ => text(schema),
    }
}

/// A list of paths: in a variable they have `:` between them, all other lists `,`.
pub(crate) fn lists_paths(schema: &Json) -> bool {
    schema.pointer("/items/format").and_then(Json::as_str) == Some("path")
}

fn whole(schema: &Json) -> String {
    let edge = |name| schema.get(name).and_then(Json::as_i64);
    match (edge("minimum"), edge("maximum")) {
        (Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
        (Some(min), None) => format!("a whole number of at least {min}"),
        _ => "a whole number".into(),
    }
}

fn text(schema: &Json) -> String {
    match schema.get("format").and_then(Json::as_str) {
        Some("slug") => "1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit",
        Some("path") => "a path",
        Some("model") => "a provider's name, or `provider/model`",
        Some("http-url") => "an address that begins with https:// or http://",
        Some("listen") => "an IP address and a port, or nothing",
        Some("peer") => "a host and a port",
        Some("role") => "hub, connector or worker",
        Some("holds") => "the name of a workspace, or `*`",
        Some("chat") => "`workspace/context`, or nothing",
        Some("secret-name") => "the name of a secret: 1 to 64 of a-z, 0-9 and -, beginning with a letter or digit",
        Some("env-name") => "the name of an environment variable: A-Z, 0-9 and _",
        _ => "text that is not empty",
    }
    .into()
}

/// What stands there instead. Text in place of a table is not repeated: it may be a key that went astray.
pub(crate) fn found(value: &Value, wanted: &Json) -> String {
    match value {
        Value::Text(_) | Value::Raw(_) if kind(wanted) == "object" => "text".into(),
        Value::Table(_) => "a table".into(),
        Value::List(_) => "a list".into(),
        Value::Text(text) | Value::Raw(text) => format!("the text \"{}\"", shown(text)),
        Value::Whole(number) => format!("the number {number}"),
        Value::Flag(flag) => flag.to_string(),
        Value::Foreign(what) => (*what).into(),
    }
}

/// A text as a message may repeat it: one line, not too long.
pub(crate) fn shown(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARS_MAX).collect();
    if text.chars().count() > SHOWN_CHARS_MAX { format!("{line}…") } else { line }
}

/// The known name that was probably meant.
pub(crate) fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let near = |name: &&str| slips(typed, name);
    let best = known.into_iter().min_by_key(near)?;
    let far = slips(typed, best);
    (far <= SLIPS_MAX && far * 2 <= typed.chars().count() + 1).then_some(best)
}

/// How many characters must be put in, taken out or changed to make one from the other (Levenshtein).
fn slips(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((b, above_left), above) in other.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or(0);
            next.push((above_left + usize::from(a != *b)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let known = ["name", "data", "key_file", "key_env"];
        assert_eq!(nearest("nmae", known), Some("name"));
        assert_eq!(nearest("key_fil", known), Some("key_file"));
        assert_eq!(nearest("keyfile", known), Some("key_file"));
        assert_eq!(nearest("window", known), None);
        assert_eq!(nearest("x", known), None);
    }

    #[test]
    fn slips_are_counted() {
        for (one, other, count) in [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("äö", "ä", 1)]
        {
            assert_eq!(slips(one, other), count, "{one} {other}");
        }
    }

    #[test]
    fn a_long_value_is_cut_and_stays_on_its_line() {
        assert_eq!(shown("a\nb"), "a b");
        assert_eq!(shown(&"x".repeat(60)), "x".repeat(60));
        assert_eq!(shown(&"x".repeat(61)), format!("{}…", "x".repeat(60)));
    }
}
