//! What the program says about models when it opens them, and what can be asked then.

use std::collections::BTreeMap;

use messages::model::Purpose;
use messages::offer::{Offer, Offers, Prices};

use crate::key::Secret;
use crate::table::{ModelTable, Thinking};

/// Milliseconds to connect, unless configured: what the provider's own SDK allows (zai-sdk 0.2.3).
pub const CONNECT_MS_MAX: u64 = 8_000;
/// Milliseconds from the request to the first piece of its answer, unless configured.
pub const FIRST_BYTE_MS_MAX: u64 = 60_000;
/// The same for a call in which the model thinks first.
pub const FIRST_BYTE_THINKING_MS_MAX: u64 = 300_000;
/// Milliseconds between two pieces of an answer, unless configured.
pub const IDLE_MS_MAX: u64 = 60_000;
/// Calls at once to an OpenAI-compatible endpoint, unless configured.
pub const WINDOW_OPENAI: usize = 64;
/// Calls at once to one model of z.ai at most, unless configured.
pub const WINDOW_ZAI: usize = 16;
/// Calls at once with which a model of z.ai begins: what a key may do at first is not known, and may be one.
pub const WINDOW_ZAI_BEGIN: usize = 2;
/// Answers at once by the offline model, unless configured: it is all CPU.
pub const WINDOW_OFFLINE: usize = 4;
/// The largest window.
pub const WINDOW_MAX: usize = 4_096;

/// All models of a node.
#[derive(Debug, Clone)]
pub struct ModelsConfig {
    /// The providers, each with a name of its own.
    pub providers: Vec<ProviderConfig>,
    /// For what which models are asked, by name, the next when the one before can't. [`Purpose::Chat`] is there; what is
    /// not is asked as it.
    pub routes: BTreeMap<Purpose, Vec<String>>,
    /// What z.ai's models cost and can.
    pub table: ModelTable,
}

impl ModelsConfig {
    /// These providers; the one of this name answers whatever is asked. The table is the one that is built in.
    #[must_use]
    pub fn new(default: impl Into<String>, providers: Vec<ProviderConfig>) -> Self {
        let routes = BTreeMap::from([(Purpose::Chat, vec![default.into()])]);
        Self { providers, routes, table: ModelTable::built_in() }
    }

    /// Only the offline model, by the name `offline`: what works with no key, no server and no download.
    #[must_use]
    pub fn offline() -> Self {
        Self::new("offline", vec![ProviderConfig::new("offline", ProviderKind::Offline)])
    }

    /// What can be asked, and in which order. A provider's default model has the provider's name, the others are
    /// `<provider>/<model>`.
    #[must_use]
    pub fn offers(&self) -> Offers {
        let all = self.providers.iter().flat_map(|provider| provider.served(&self.table));
        Offers { all: all.map(|served| served.offer).collect(), routes: self.routes.clone() }
    }
}

/// One provider; it is served at `models/<name>`.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name, one segment of an address; what `allowed` lists of contexts name.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
    /// Sent as `Authorization: Bearer`, if there is one.
    pub key: Option<Secret>,
    /// Calls at once to each of its models, at most; at least 1.
    pub window: usize,
    /// How long it is waited for.
    pub timeouts: Timeouts,
}

impl ProviderConfig {
    /// A provider with the window and the patience that are usual for its kind, and no key.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: ProviderKind) -> Self {
        let window = match kind {
            ProviderKind::Offline => WINDOW_OFFLINE,
            ProviderKind::OpenAi { .. } => WINDOW_OPENAI,
            ProviderKind::Zai { .. } => WINDOW_ZAI,
        };
        Self { name: name.into(), kind, key: None, window, timeouts: Timeouts::default() }
    }

    /// Its models, the default first.
    pub(crate) fn served(&self, table: &ModelTable) -> Vec<Served> {
        let mut served: Vec<Served> = match &self.kind {
            ProviderKind::Offline => {
                vec![self.serves(ModelConfig { takes_tools: false, ..ModelConfig::new("offline") })]
            }
            ProviderKind::OpenAi { models, .. } => models.iter().cloned().map(|model| self.serves(model)).collect(),
            ProviderKind::Zai { .. } => self.known(table),
        };
        let default = self.default_model(table);
        if let Some(at) = served.iter().position(|one| Some(one.offer.model.as_str()) == default) {
            served.get_mut(..=at).into_iter().for_each(|head| head.rotate_right(1));
        }
        for (at, one) in served.iter_mut().enumerate() {
            let (provider, model) = (&one.offer.provider, &one.offer.model);
            one.offer.name = if at == 0 { provider.clone() } else { format!("{provider}/{model}") };
        }
        served
    }

    fn default_model<'a>(&'a self, table: &'a ModelTable) -> Option<&'a str> {
        match &self.kind {
            ProviderKind::Zai { model, .. } => Some(model.as_deref().unwrap_or(&table.zai.default)),
            ProviderKind::Offline | ProviderKind::OpenAi { .. } => None,
        }
    }

    fn known(&self, table: &ModelTable) -> Vec<Served> {
        let of = |model: &crate::table::Known| Served {
            thinking: model.thinking,
            tool_stream: model.tool_stream,
            ..self.serves(ModelConfig {
                name: model.name.clone(),
                prices: model.prices(),
                context_tokens: model.context_tokens,
                takes_tools: model.takes_tools,
            })
        };
        table.zai.models.iter().map(of).collect()
    }

    fn serves(&self, model: ModelConfig) -> Served {
        let ModelConfig { name, prices, context_tokens, takes_tools } = model;
        let (provider, model) = (self.name.clone(), name);
        let quotes_only = matches!(self.kind, ProviderKind::Offline);
        let offer = Offer { name: String::new(), provider, model, prices, context_tokens, takes_tools, quotes_only };
        Served { offer, thinking: Thinking::Never, tool_stream: false }
    }
}

/// How long a provider is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Milliseconds to connect.
    pub connect_ms_max: u64,
    /// Milliseconds from the request to the first piece of its answer; `None`: [`FIRST_BYTE_MS_MAX`], or
    /// [`FIRST_BYTE_THINKING_MS_MAX`] where the model thinks first.
    pub first_byte_ms_max: Option<u64>,
    /// Milliseconds between two pieces.
    pub idle_ms_max: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms_max: CONNECT_MS_MAX, first_byte_ms_max: None, idle_ms_max: IDLE_MS_MAX }
    }
}

/// What a provider is.
#[derive(Debug, Clone)]
pub enum ProviderKind {
    /// Quotes the passages it is given. No network, no key.
    Offline,
    /// Speaks `POST <base_url>/chat/completions` with `stream: true`.
    OpenAi {
        /// `http://127.0.0.1:11434/v1`. With a key it is https or loopback.
        base_url: String,
        /// Its models; the first is its default.
        models: Vec<ModelConfig>,
    },
    /// z.ai, with all models of the table.
    Zai {
        /// `https://api.z.ai/api/paas/v4`.
        base_url: String,
        /// Its default model; `None`: the table's.
        model: Option<String>,
    },
}

impl ProviderKind {
    /// An OpenAI-compatible endpoint with one model that costs nothing.
    #[must_use]
    pub fn openai(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self::OpenAi { base_url: base_url.into(), models: vec![ModelConfig::new(model)] }
    }

    pub(crate) fn base_url(&self) -> Option<&str> {
        match self {
            Self::Offline => None,
            Self::OpenAi { base_url, .. } | Self::Zai { base_url, .. } => Some(base_url),
        }
    }
}

/// One model of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelConfig {
    /// The model's name at the endpoint.
    pub name: String,
    /// What it costs.
    pub prices: Prices,
    /// Tokens of prompt and answer together that it takes; 0: not known.
    pub context_tokens: u64,
    /// It can be given tools.
    pub takes_tools: bool,
}

impl ModelConfig {
    /// One that costs nothing and takes tools, and whose window is not known.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), prices: Prices::default(), context_tokens: 0, takes_tools: true }
    }
}

/// A model as it is served: what others know of it, and how it is talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) offer: Offer,
    pub(crate) thinking: Thinking,
    pub(crate) tool_stream: bool,
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
