//! `[models]`: which model answers, and where it is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most model providers.
pub const PROVIDERS_MAX: u32 = 32;
/// The most models of one route.
pub const ROUTE_MODELS_MAX: u32 = 8;
/// The most calls at once that a provider may be given.
pub const WINDOW_CALLS_MAX: u64 = 1_024;
/// The longest a model may be waited for, in seconds.
pub const MODEL_WAIT_S_MAX: u64 = 600;
/// The highest price, in millionths of a dollar for a million tokens: $10,000.
pub const PRICE_MAX: u64 = 10_000_000_000;
/// The most tokens that a model may be said to take.
pub const CONTEXT_TOKENS_MAX: u64 = 100_000_000;
/// The name of the model that is built in; no provider may take it.
pub const OFFLINE: &str = "offline";
/// Where z.ai is.
pub const ZAI_BASE_URL: &str = "https://api.z.ai/api/paas/v4";
/// The model of z.ai that is asked where neither a provider nor an own table names one.
pub const ZAI_MODEL: &str = "glm-5.3-flash";

/// Which model answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Models {
    /// The model that answers where no route says otherwise: a provider below, `provider/model` for another model of it,
    /// or `offline`, which is built in, needs no network and answers by quoting what it finds. With a key in the
    /// environment and no provider of z.ai below it is `zai`.
    #[schemars(extend("format" = "model"))]
    pub default: String,
    /// A file of prices and limits in place of the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub table: Option<PathBuf>,
    /// Which models are asked for what.
    pub routes: Routes,
    /// Endpoints of models, by the name under which contexts choose them.
    #[schemars(extend("maxProperties" = PROVIDERS_MAX, "x-names" = "slug", "x-name" = "name"))]
    pub providers: BTreeMap<String, Provider>,
}

impl Default for Models {
    fn default() -> Self {
        Self { default: OFFLINE.into(), table: None, routes: Routes::default(), providers: BTreeMap::new() }
    }
}

/// Which models are asked for what, each a provider or `provider/model`; when one can't answer, the next is asked. An
/// empty route is that of `chat`, and an empty `chat` is the default model alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Routes {
    /// A person waits for the answer.
    #[schemars(extend("maxItems" = ROUTE_MODELS_MAX, "items" = { "type": "string", "format": "model" }))]
    pub chat: Vec<String>,
    /// A long text is made short.
    #[schemars(extend("maxItems" = ROUTE_MODELS_MAX, "items" = { "type": "string", "format": "model" }))]
    pub summarize: Vec<String>,
    /// Something is found out, in many steps; tasks are.
    #[schemars(extend("maxItems" = ROUTE_MODELS_MAX, "items" = { "type": "string", "format": "model" }))]
    pub research: Vec<String>,
    /// Something is sorted: small and often.
    #[schemars(extend("maxItems" = ROUTE_MODELS_MAX, "items" = { "type": "string", "format": "model" }))]
    pub triage: Vec<String>,
    /// Something is written for a person to look over.
    #[schemars(extend("maxItems" = ROUTE_MODELS_MAX, "items" = { "type": "string", "format": "model" }))]
    pub draft: Vec<String>,
}

impl Routes {
    /// All routes by name, empty ones too.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &[String]); 5] {
        [
            ("chat", &self.chat),
            ("summarize", &self.summarize),
            ("research", &self.research),
            ("triage", &self.triage),
            ("draft", &self.draft),
        ]
    }
}

/// The provider of a model's name: what stands before the first `/`.
#[must_use]
pub fn provider_of(model: &str) -> &str {
    model.split('/').next().unwrap_or(model)
}

/// An endpoint of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Which protocol it speaks. `zai`: that of z.ai. `openai`: chat completions, as most servers offer them.
    pub kind: ProviderKind,
    /// Where it is, up to and without `/chat/completions`: `https://api.example.org/v1`. Needed for `openai`; for `zai` it
    /// is what the variable `ZAI_BASE_URL` says, else `https://api.z.ai/api/paas/v4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "http-url"))]
    pub base_url: Option<String>,
    /// The model's name at that endpoint. Needed for `openai`; for `zai` it is `glm-5.3-flash` when none is named, or the
    /// default of an own table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub model: Option<String>,
    /// A file that holds the key and nothing else. Only its owner may be able to read it (`chmod 600`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub key_file: Option<PathBuf>,
    /// The name of the key in the store of secrets (`agent-runtime secrets set NAME`; docs/secrets.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "secret-name"))]
    pub key_secret: Option<String>,
    /// The environment variable that holds the key. A provider of kind `zai` that names no key takes it from
    /// `ZAI_API_KEY`, or from the file that `ZAI_API_KEY_FILE` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "env-name"))]
    pub key_env: Option<String>,
    /// How many calls it is given at once at most; further ones wait their turn. A provider that says it is asked too much
    /// is asked less for a while. None named: 64 for `openai`, 16 for `zai`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = WINDOW_CALLS_MAX))]
    pub window: Option<u64>,
    /// Seconds until the first piece of an answer must have come. None named: 60, or 300 where the model thinks first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MODEL_WAIT_S_MAX))]
    pub first_byte_s: Option<u64>,
    /// Seconds that may pass between two pieces of an answer.
    #[serde(default = "wait_default")]
    #[schemars(range(min = 1, max = MODEL_WAIT_S_MAX))]
    pub idle_s: u64,
    /// For `openai`: millionths of a dollar for a million tokens read (`150000` is $0.15). The prices of `zai` are in the
    /// table.
    #[serde(default)]
    #[schemars(range(min = 0, max = PRICE_MAX))]
    pub price_input: u64,
    /// For `openai`: the same for tokens written.
    #[serde(default)]
    #[schemars(range(min = 0, max = PRICE_MAX))]
    pub price_output: u64,
    /// For `openai`: the same for tokens that it read before and kept. None named: as much as others that are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = PRICE_MAX))]
    pub price_cached: Option<u64>,
    /// For `openai`: tokens of prompt and answer together that the model takes; 0 when it is not known.
    #[serde(default)]
    #[schemars(range(min = 0, max = CONTEXT_TOKENS_MAX))]
    pub context_tokens: u64,
    /// The model may be given tools. Set it to false for a model that fails when it is.
    #[serde(default = "tools_default")]
    pub tools: bool,
}

impl Provider {
    /// A provider of z.ai of which nothing is said.
    pub(crate) fn zai() -> Self {
        Self {
            kind: ProviderKind::Zai,
            base_url: None,
            model: None,
            key_file: None,
            key_secret: None,
            key_env: None,
            window: None,
            first_byte_s: None,
            idle_s: wait_default(),
            price_input: 0,
            price_output: 0,
            price_cached: None,
            context_tokens: 0,
            tools: tools_default(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn base_url(&self) -> &str {
        match (&self.base_url, self.kind) {
            (Some(url), _) => url,
            (None, ProviderKind::Zai) => ZAI_BASE_URL,
            // Refused when it is loaded.
            (None, ProviderKind::Openai) => "",
        }
    }

    /// The keys of the configuration by which its own is named: one at most, once it is checked.
    pub(crate) fn named_by(&self) -> Vec<&'static str> {
        let named = [
            ("key_file", self.key_file.is_some()),
            ("key_secret", self.key_secret.is_some()),
            ("key_env", self.key_env.is_some()),
        ];
        named.into_iter().filter(|(_, is_named)| *is_named).map(|(key, _)| key).collect()
    }

    /// It names no key, and takes it from where the environment says.
    #[must_use]
    pub fn asks_environment(&self) -> bool {
        self.kind == ProviderKind::Zai && self.named_by().is_empty()
    }

    /// How many calls it is given at once at most.
    #[must_use]
    pub fn window(&self) -> u64 {
        self.window.unwrap_or(match self.kind {
            ProviderKind::Openai => 64,
            ProviderKind::Zai => 16,
        })
    }
}

fn wait_default() -> u64 {
    60
}

fn tools_default() -> bool {
    true
}

/// Which protocol a provider speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Chat completions, as most servers offer them.
    #[default]
    Openai,
    /// z.ai.
    Zai,
}
