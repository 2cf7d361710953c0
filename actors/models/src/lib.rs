//! Which model answers: z.ai's models, any OpenAI-compatible endpoint, and the offline model that only quotes.
//!
//! Two plain actors speak [`messages::model::Model`]:
//!
//! | address | actor | what it does |
//! |---|---|---|
//! | `models` | [`ModelsService`] | chooses models among those that a context allows, hands the question on, and asks the next where one can't |
//! | `models/<name>` | [`ProviderService`] | answers, so many of each model at once, with a bounded queue behind them |
//!
//! The program opens them from a [`ModelsConfig`]: one [`ModelsService::open`], and one [`ProviderService::open`] for each
//! of its [`ProviderConfig`]s. What is wrong with it [`ModelsConfig::check`] says in words, and what can be asked
//! [`ModelsConfig::offers`]; a key is taken by [`Secret::check`]. Before it opens a provider with an endpoint it must have
//! installed a TLS provider (`rustls::crypto::ring::default_provider().install_default()`).
//!
//! Nothing else may be called. Decisions are pure and live apart from what performs them: which models are asked, how many
//! at once and who is next, what the offline model quotes, what an error means, whether a call is tried again, what a
//! stream adds up to.
//!
//! What is tried again, and what falls back to the next model, has cost nothing. A failure that cost something goes back
//! to whoever asked, who has reserved for one call only.

mod check;
mod config;
mod core;
mod fault;
mod key;
mod offline;
mod openai;
mod provider;
mod service;
mod table;
mod window;

pub use config::{
    CONNECT_MS_MAX, FIRST_BYTE_MS_MAX, FIRST_BYTE_THINKING_MS_MAX, IDLE_MS_MAX, ModelConfig, ModelsConfig,
    ProviderConfig, ProviderKind, Timeouts, WINDOW_MAX, WINDOW_OFFLINE, WINDOW_OPENAI, WINDOW_ZAI, WINDOW_ZAI_BEGIN,
};
pub use key::{KEY_BYTES_MAX, Secret};
pub use provider::ProviderService;
pub use service::ModelsService;
pub use table::{Family, Known, ModelTable, Thinking};
pub use window::QUEUE_MAX;
