use messages::tool::{Post, SpawnTask};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::registry::{MD_LIST, MD_READ, MD_WRITE, POST, SEARCH, SPAWN_TASK, registry};

fn spec(name: &str) -> ToolSpec {
    registry().into_iter().find(|spec| spec.name == name).unwrap()
}

fn call(arguments: &str) -> ToolCall {
    ToolCall { arguments: arguments.to_owned(), ..ToolCall::default() }
}

/// Whether the program reads these arguments.
fn is_read(spec: &ToolSpec, text: &str) -> Result<(), Failure> {
    let call = call(text);
    match spec.name.as_str() {
        MD_READ => arguments::<MdRead>(spec, &call).map(drop),
        MD_LIST => arguments::<MdList>(spec, &call).map(drop),
        MD_WRITE => arguments::<MdWrite>(spec, &call).map(drop),
        SEARCH => arguments::<Search>(spec, &call).map(drop),
        SPAWN_TASK => arguments::<SpawnTask>(spec, &call).map(drop),
        POST => arguments::<Post>(spec, &call).map(drop),
        other => panic!("{other} has no arguments here"),
    }
}

/// Whether a value fits a schema, by the words that our schemas use.
fn fits(schema: &Value, value: &Value) -> bool {
    for word in schema.as_object().unwrap().keys() {
        let known = [
            "type",
            "properties",
            "required",
            "additionalProperties",
            "items",
            "enum",
            "minimum",
            "maximum",
            "description",
        ];
        assert!(known.contains(&word.as_str()), "the check does not know `{word}`");
    }
    let is_typed = match schema["type"].as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the check does not know the type {other}"),
    };
    if !is_typed {
        return false;
    }
    let is_listed = schema.get("enum").is_none_or(|all| all.as_array().unwrap().contains(value));
    let bound = |word: &str| schema.get(word).map(|bound| bound.as_f64().unwrap());
    let number = value.as_f64().unwrap_or_default();
    let is_within =
        bound("minimum").is_none_or(|least| number >= least) && bound("maximum").is_none_or(|most| number <= most);
    let items_fit = value.as_array().is_none_or(|items| items.iter().all(|item| fits(&schema["items"], item)));
    let fields_fit = value.as_object().is_none_or(|fields| {
        assert_eq!(schema["additionalProperties"], json!(false));
        let known = schema["properties"].as_object().unwrap();
        let required = schema["required"].as_array().unwrap();
        required.iter().all(|name| fields.contains_key(name.as_str().unwrap()))
            && fields.iter().all(|(name, value)| known.get(name).is_some_and(|schema| fits(schema, value)))
    });
    is_listed && is_within && items_fit && fields_fit
}

#[test]
fn each_schema_is_an_object_and_names_what_is_required() {
    for spec in registry() {
        let schema: Value = serde_json::from_str(&spec.schema).unwrap();
        assert_eq!(schema["type"], "object", "{}", spec.name);
        let known = schema["properties"].as_object().unwrap();
        assert!(schema["required"].as_array().unwrap().iter().all(|name| known.contains_key(name.as_str().unwrap())));
    }
}

#[test]
fn all_that_is_told_of_the_tools_is_short() {
    let told: usize = registry().iter().map(|spec| spec.name.len() + spec.what.len() + spec.schema.len()).sum();
    assert!(told <= 2_560, "{told} bytes of every prompt");
}

#[test]
fn what_is_wrong_is_said_with_the_schema() {
    let spec = spec(MD_READ);
    for (text, why) in [
        (r#"{"path":"a.md","page":2}"#, "unknown field `page`"),
        ("{}", "missing field `path`"),
        ("", "missing field `path`"),
        (r#"{"path":"a.md","offset":null}"#, "invalid type: null"),
        (r#"{"path":"a.md","offset":-1}"#, "-1"),
        (r#"{"path":"a.md"#, "EOF"),
        (r#"["a.md"]"#, "no JSON object"),
        (r#"{"path":"a.md","path":"b.md"}"#, "duplicate field"),
    ] {
        let failure = is_read(&spec, text).unwrap_err();
        assert_eq!(failure.class, Class::Arguments);
        assert!(failure.message.contains(why) && failure.message.contains(&spec.schema), "{text}: {failure}");
    }
    let loud = is_read(&spec, &format!(r#"{{"{}":1}}"#, "x\\n".repeat(5_000))).unwrap_err();
    assert!(loud.message.len() < 1_000 && !loud.message.contains('\n'), "{loud}");
}

#[test]
fn arguments_are_limited_at_their_edge() {
    let of = |bytes: usize| format!(r#"{{"path":"a.md","replaces":"","text":"{}"}}"#, "x".repeat(bytes));
    let frame = of(0).len();
    let (edge, over) = (of(ARGUMENTS_BYTES_MAX - frame), of(ARGUMENTS_BYTES_MAX - frame + 1));
    assert!(is_read(&spec(MD_WRITE), &edge).is_ok());
    assert_eq!(is_read(&spec(MD_WRITE), &over).unwrap_err().class, Class::TooLarge);
    let deep = format!(r#"{{"path":{}"#, "[".repeat(100_000));
    assert_eq!(is_read(&spec(MD_READ), &deep).unwrap_err().class, Class::Arguments);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2i64..25).prop_map(Value::from),
        Just(json!(0.5)),
        "[a-z]{0,4}".prop_map(Value::from),
        Just(json!("cancel")),
        Just(json!("run")),
    ];
    leaf.prop_recursive(1, 6, 3, |inner| proptest::collection::vec(inner, 0..3).prop_map(Value::from))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_program_reads_exactly_what_a_schema_allows(
        which in 0usize..6,
        // Which fields are there, one more than any tool has; and what they hold, mostly of the right type.
        there in proptest::collection::vec(any::<bool>(), 7),
        right in proptest::collection::vec(0u8..5, 7),
        values in proptest::collection::vec(value(), 7),
    ) {
        let spec = registry().remove(which);
        let schema: Value = serde_json::from_str(&spec.schema).unwrap();
        let known = schema["properties"].as_object().unwrap();
        let mut fields = Map::new();
        let names = known.keys().map(String::as_str).chain(["other"]);
        for (((name, is_there), right), value) in names.zip(there).zip(right).zip(values) {
            let typed = match known.get(name).and_then(|of| of["type"].as_str()) {
                Some("string") => json!("cancel"),
                Some("array") => json!(["a"]),
                Some(_) => json!(3),
                None => value.clone(),
            };
            if is_there && (name != "other" || right == 0) {
                fields.insert(name.to_owned(), if right > 0 { typed } else { value });
            }
        }
        let arguments = Value::Object(fields);
        let read = is_read(&spec, &arguments.to_string());
        prop_assert_eq!(read.is_ok(), fits(&schema, &arguments), "{}: {} {:?}", spec.name, arguments, read);
    }
}
