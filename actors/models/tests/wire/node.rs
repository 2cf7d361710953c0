//! A node with `models` and its providers on a store that nobody asks.

use std::sync::Arc;
use std::time::Duration;

use messages::model::{Answer, Failure, Model, Msg, Purpose, Reply, Request};
use messages::store::{CommitError, QueryError};
use messages::{Address, AskError, Trace};
use models::{
    ModelsConfig, ModelsService, ProviderConfig, ProviderKind, ProviderService, Secret, Timeouts, WINDOW_ZAI,
};
use runtime::testing::{ScriptedStore, system};
use runtime::{Child, Children, Intensity, Options, Restart, Strategy, System};

pub(crate) const KEY: &str = "sk-0123456789abcdef";

/// Longer than a question's whole time: no test passes because something else gave up.
const PATIENT: Timeouts = Timeouts { connect_ms_max: 2_000, first_byte_ms_max: Some(60_000), idle_ms_max: 60_000 };

/// An address at which nobody listens, and nobody will for as long as the socket is kept.
pub(crate) fn nobody() -> (tokio::net::TcpSocket, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let base_url = format!("http://{}/v1", socket.local_addr().unwrap());
    (socket, base_url)
}

pub(crate) fn endpoint(base_url: &str) -> ProviderConfig {
    let key = Some(Secret::check(KEY, base_url).unwrap());
    ProviderConfig { key, timeouts: PATIENT, ..ProviderConfig::new("zai", ProviderKind::openai(base_url, "glm-5.3")) }
}

/// The same with so many milliseconds to begin and between two pieces.
pub(crate) fn patient(base_url: &str, begin_ms: u64, between_ms: u64) -> ProviderConfig {
    let timeouts = Timeouts { first_byte_ms_max: Some(begin_ms), idle_ms_max: between_ms, ..PATIENT };
    ProviderConfig { timeouts, ..endpoint(base_url) }
}

/// z.ai with all models of the table.
pub(crate) fn zai(base_url: &str) -> ProviderConfig {
    let kind = ProviderKind::Zai { base_url: base_url.into(), model: None };
    ProviderConfig { kind, window: WINDOW_ZAI, ..endpoint(base_url) }
}

/// A started node whose default is the first of these providers.
pub(crate) async fn node(providers: Vec<ProviderConfig>) -> System {
    node_of(ModelsConfig::new(providers[0].name.clone(), providers)).await
}

/// The same whose chats are answered by these models, one after the other.
pub(crate) async fn node_asking(chain: &[&str], providers: Vec<ProviderConfig>) -> System {
    let mut config = ModelsConfig::new("", providers);
    config.routes.insert(Purpose::Chat, chain.iter().map(|name| (*name).to_owned()).collect());
    node_of(config).await
}

async fn node_of(config: ModelsConfig) -> System {
    rustls::crypto::ring::default_provider().install_default().ok();
    let store = ScriptedStore::new(
        |_| Err(CommitError::Unavailable("no store".into())),
        |_| Err(QueryError::Unavailable("no store".into())),
    );
    let system = system(store, vec![], Options::default());
    let mut list = vec![];
    for provider in config.providers.clone() {
        let (address, table) = (Address::fixed("models").child(&provider.name), config.table.clone());
        let open = move || {
            let opened = ProviderService::open(&provider, &table);
            Box::pin(async { opened }) as runtime::BoxFuture<_>
        };
        list.push(Child::service(address, Restart::Permanent, open));
    }
    let open = move || {
        let opened = ModelsService::open(&config);
        Box::pin(async { opened }) as runtime::BoxFuture<_>
    };
    list.push(Child::service(Address::fixed("models"), Restart::Permanent, open));
    let children = Children { strategy: Strategy::OneForOne, intensity: Intensity::ESCALATE, list };
    system.start(children).await.unwrap();
    system
}

pub(crate) fn question(words: &str) -> Request {
    Request {
        system: "You help.".into(),
        question: words.into(),
        answer_bytes_max: 4_000,
        seconds_max: 30,
        trace: Trace(words.into()),
        ..Request::default()
    }
}

pub(crate) async fn ask(system: &System, request: Request) -> Result<Reply, AskError> {
    let models = system.to::<Model>(&Address::fixed("models"));
    models.ask(Msg::Answer(Box::new(request)), Duration::from_secs(310)).await
}

/// The answer.
pub(crate) async fn answer(system: &System, request: Request) -> Answer {
    match ask(system, request).await {
        Ok(Reply::Answer(answer)) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

/// The failure.
pub(crate) async fn failure(system: &System, request: Request) -> Failure {
    match ask(system, request).await {
        Ok(Reply::Failed(failure)) => failure,
        other => panic!("no failure: {other:?}"),
    }
}

/// How the models stand, as one text.
pub(crate) async fn described(system: &System) -> String {
    let models = system.to::<Model>(&Address::fixed("models"));
    match models.ask(Msg::Describe, Duration::from_secs(5)).await {
        Ok(Reply::Described { models, load }) => [models, load].concat().join("\n"),
        other => panic!("not described: {other:?}"),
    }
}

/// Waits until the models say this of themselves.
pub(crate) async fn until_described(system: &System, line: &str) {
    let seen = async {
        while !described(system).await.contains(line) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen).await.expect(line);
}

/// Asks in a task of its own; aborting it is giving up.
pub(crate) fn asked(system: &System, request: Request) -> tokio::task::JoinHandle<Result<Reply, AskError>> {
    let system = Arc::new(system.clone());
    tokio::spawn(async move { ask(&system, request).await })
}
