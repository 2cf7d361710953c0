//! The reference page, made from the schema.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use crate::layer::ENV_PREFIX;
use crate::schema::schema;
use crate::words;

const INTRO: &str = "# Configuration

<!-- Made from the schema; `UPDATE_DOCS=1 cargo nextest run -p config` writes it again. -->

A node runs without any configuration. `agent-runtime config init` writes a file with every key, its meaning and its default;
`config check` tells everything that is wrong in all layers at once, keys and folders included; `config explain KEY` shows
what a key does, what it takes, its value in force and where that was set; `config schema` gives the JSON Schema. What is set comes from four layers, the later beating the earlier key by key:

1. the defaults below,
2. `agent-runtime.toml` in the working folder, or the file that `--config` names,
3. environment variables: `AGENT_RUNTIME_`, then the key in capitals with two underscores between its parts
   (`AGENT_RUNTIME_NODE__NAME` is `node.name`); a list of paths has `:` between them, other lists `,`,
4. flags of the command line.

Relative paths in the file are taken from the file's folder, all others from the working folder; `~` is not expanded.

A key that is not listed here is refused, in every layer, with the place where it stands and the key that was probably
meant; so is a value of the wrong type or out of its range:

```
agent-runtime.toml:2:1: unknown key `nmae` in `node`; did you mean `name`? Known keys here: data, listen, name, peers, roles, workspaces
agent-runtime.toml:6:21: `runtime.passivate_after_s` is 0; it must be a whole number from 1 to 86400
```

Secrets are never written into the configuration: `key_secret` names one of the [encrypted store of secrets](secrets.md),
`key_file` a file that only its owner can read, `key_env` an environment variable. They are shown in no log and no message.

An example:

```toml
[node]
data = \"/srv/agent-runtime\"

[models]
default = \"local\"

[models.providers.local]
kind = \"openai\"
base_url = \"http://127.0.0.1:11434/v1\"
model = \"qwen3:8b\"

[workspaces.home]
notes = [\"/home/ann/notes\"]
```

## Models and keys

Without any configuration the model is `offline`, which needs no key: it quotes what it finds and does not understand.

z.ai needs a key and nothing else. With one of these variables a provider `zai` is there and is the default:

```sh
export ZAI_API_KEY=…                       # the key itself
export ZAI_API_KEY_FILE=/run/secrets/zai   # or a file that holds it, mode 0600
```

Setting both is refused, and so is a key that is empty, a placeholder, or does not look like one: `serve` and `chat` say so
when they start. `ZAI_BASE_URL` names another address, such as `https://open.bigmodel.cn/api/paas/v4`; a key is good for one
of them only. `agent-runtime model test` asks each model something small and tells what it cost, or why it does not answer.

Other models, and more than one, are configured. A name in `default`, in a route and in a context's `models` is a provider,
or `provider/model` for another model of it. A route is a chain: when the first can't answer, the next is asked. A context
may narrow a route, never widen it.

```toml
[models]
default = \"zai\"

[models.routes]
chat = [\"zai\", \"local\"]
research = [\"zai/glm-5.3\", \"zai\"]
triage = [\"zai/glm-4.7-flash\", \"local\"]

[models.providers.zai]
kind = \"zai\"
key_secret = \"zai\"                         # after `agent-runtime secrets set zai`

[models.providers.local]
kind = \"openai\"
base_url = \"http://127.0.0.1:11434/v1\"
model = \"qwen3:8b\"
context_tokens = 32768
```

What a call costs is counted by a table of prices that is built in and dated; `agent-runtime model list` shows it, and
`table` names a file that takes its place. An `openai` provider costs what its `price_…` keys say, nothing when they are left
out. Before a call is made, the most that it may cost is put aside from each budget it counts for; where that does not fit,
the call is not made and the work waits. `agent-runtime usage` shows what was spent.
";

/// The whole of `docs/configuration.md`.
#[must_use]
pub fn reference() -> String {
    let mut out = INTRO.to_owned();
    table(&mut out, &schema(), "");
    out
}

fn table(out: &mut String, table_schema: &Json, path: &str) {
    let keys = table_schema.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
    let (tables, leaves): (Map<_, _>, Map<_, _>) = keys.into_iter().partition(|(_, of)| words::kind(of) == "object");
    if !leaves.is_empty() {
        section(out, table_schema, path, &leaves);
    }
    for (key, of) in &tables {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        table(out, of, &below);
        if let Some(each) = of.get("additionalProperties").filter(|each| each.is_object()) {
            let name = of.get("x-name").and_then(Json::as_str).unwrap_or("name");
            table(out, each, &format!("{below}.<{name}>"));
        }
    }
}

fn section(out: &mut String, of: &Json, path: &str, leaves: &Map<String, Json>) {
    let required: Vec<&str> =
        of.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    // Writing to a text can't fail.
    let _written = write!(out, "\n## `[{path}]`\n\n{}\n\n", sentence(of));
    out.push_str("| key | takes | default | what it is |\n|---|---|---|---|\n");
    for (key, leaf) in leaves {
        let default = match leaf.get("default") {
            Some(Json::Null) | None if required.contains(&key.as_str()) => "required".to_owned(),
            Some(Json::Null) | None => "none".to_owned(),
            Some(value) => format!("`{value}`"),
        };
        let _written = writeln!(out, "| `{key}` | {} | {default} | {} |", words::expected(leaf), sentence(leaf));
    }
    let variable =
        |key: &String| format!("`{ENV_PREFIX}{}`", format!("{path}.{key}").replace('.', "__").to_ascii_uppercase());
    if let Some(first) = leaves.keys().next().filter(|_| !path.contains('<')) {
        let _written = write!(out, "\nAs a variable: {}.\n", variable(first));
    }
}

/// What a key or table is, on one line.
pub(crate) fn sentence(of: &Json) -> String {
    of.get("description").and_then(Json::as_str).unwrap_or_default().replace('\n', " ")
}
