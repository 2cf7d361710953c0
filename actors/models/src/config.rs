//! What the program says about models when it opens them.

use std::fmt;

/// Milliseconds to connect, unless configured: what the provider's own SDK allows (zai-sdk 0.2.3).
pub const CONNECT_MS_MAX: u64 = 8_000;
/// Milliseconds from the request to the first piece of its answer, unless configured.
pub const FIRST_BYTE_MS_MAX: u64 = 60_000;
/// Milliseconds between two pieces of an answer, unless configured.
pub const IDLE_MS_MAX: u64 = 60_000;
/// Calls at once to an OpenAI-compatible endpoint, unless configured.
pub const WINDOW_OPENAI: usize = 64;
/// Answers at once by the offline model, unless configured: it is all CPU.
pub const WINDOW_OFFLINE: usize = 4;

/// All models of a node.
#[derive(Debug, Clone)]
pub struct ModelsConfig {
    /// The name of the provider that answers where a context does not say; it is one of `providers`.
    pub default: String,
    /// The providers, each with a name of its own.
    pub providers: Vec<ProviderConfig>,
}

impl ModelsConfig {
    /// Only the offline model, by the name `offline`: what works with no key, no server and no download.
    #[must_use]
    pub fn offline() -> Self {
        let offline = ProviderConfig::new("offline", ProviderKind::Offline);
        Self { default: offline.name.clone(), providers: vec![offline] }
    }
}

/// One provider; it is served at `models/<name>`.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name, one segment of an address; what `allowed` lists of contexts name.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
    /// Calls at once; at least 1.
    pub window: usize,
}

impl ProviderConfig {
    /// A provider with the window that is usual for its kind.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: ProviderKind) -> Self {
        let window = match kind {
            ProviderKind::Offline => WINDOW_OFFLINE,
            ProviderKind::OpenAi { .. } => WINDOW_OPENAI,
        };
        Self { name: name.into(), kind, window }
    }
}

/// What a provider is.
#[derive(Debug, Clone)]
pub enum ProviderKind {
    /// Quotes the passages it is given. No network, no key.
    Offline,
    /// Speaks `POST <base_url>/chat/completions` with `stream: true`.
    OpenAi {
        /// `https://api.z.ai/api/paas/v4`, `http://127.0.0.1:11434/v1`. With a key it is https or loopback.
        base_url: String,
        /// The model's name at that endpoint.
        model: String,
        /// Sent as `Authorization: Bearer`, if there is one.
        key: Option<Secret>,
        /// Milliseconds to connect.
        connect_ms_max: u64,
        /// Milliseconds from the request to the first piece of its answer.
        first_byte_ms_max: u64,
        /// Milliseconds between two pieces.
        idle_ms_max: u64,
    },
}

impl ProviderKind {
    /// An OpenAI-compatible endpoint with the usual timeouts.
    #[must_use]
    pub fn openai(base_url: impl Into<String>, model: impl Into<String>, key: Option<Secret>) -> Self {
        Self::OpenAi {
            base_url: base_url.into(),
            model: model.into(),
            key,
            connect_ms_max: CONNECT_MS_MAX,
            first_byte_ms_max: FIRST_BYTE_MS_MAX,
            idle_ms_max: IDLE_MS_MAX,
        }
    }
}

/// A key. It shows as `***` wherever it is printed, and leaves this crate only in the header it is meant for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a key. White space around it is dropped: keys are often read from files that end with a line break.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        let kind = ProviderKind::openai("http://127.0.0.1:1/v1", "m", Some(Secret::new("sk-very-secret\n")));
        let printed = format!("{:?}", ProviderConfig::new("zai", kind));
        assert!(!printed.contains("very-secret"), "{printed}");
        assert!(printed.contains("***"), "{printed}");
    }

    #[test]
    fn without_configuration_the_offline_model_is_the_default() {
        let config = ModelsConfig::offline();
        assert_eq!(config.default, config.providers[0].name);
        assert_eq!(config.providers[0].window, WINDOW_OFFLINE);
    }
}
