//! Which model answers: any OpenAI-compatible endpoint, z.ai among them, and the offline model that only quotes.
//!
//! Two plain actors speak [`messages::model::Model`]:
//!
//! | address | actor | what it does |
//! |---|---|---|
//! | `models` | [`ModelsService`] | chooses a provider among those that a context allows, and hands the question on |
//! | `models/<name>` | [`ProviderService`] | answers, so many at once, with a bounded queue behind them |
//!
//! The program opens them from a [`ModelsConfig`]: one [`ModelsService::open`], and one [`ProviderService::open`] for each
//! of its [`ProviderConfig`]s. Before it opens a provider of kind [`ProviderKind::OpenAi`] it must have installed a TLS
//! provider (`rustls::crypto::ring::default_provider().install_default()`).
//!
//! Nothing else may be called. Decisions are pure and live apart from what performs them: which provider answers, what
//! the offline model quotes, what an HTTP status means, whether a call is tried again, what a stream adds up to.

mod config;
mod core;
mod offline;
mod openai;
mod provider;
mod service;

pub use config::{
    CONNECT_MS_MAX, FIRST_BYTE_MS_MAX, IDLE_MS_MAX, ModelsConfig, ProviderConfig, ProviderKind, Secret, WINDOW_OFFLINE,
    WINDOW_OPENAI,
};
pub use provider::{ProviderService, QUEUE_MAX};
pub use service::ModelsService;
