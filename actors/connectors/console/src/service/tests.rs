use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use messages::store::{Accepted, Commit, Committed, Fence, Write};
use messages::{Address, InboundId};
use runtime::testing::{ScriptedStore, system};
use runtime::{Child, Children, Intensity, Options, Restart, Strategy, System};

use super::*;
use crate::client::{Client, ClientError};
use crate::testing::who;

fn fence() -> Fence {
    Fence { unit: Address::fixed("connector/console"), epoch: 1 }
}

/// Accepts every event once.
fn store() -> Arc<ScriptedStore> {
    let mut known: HashMap<InboundId, i64> = HashMap::new();
    let accept = move |commit: &Commit| {
        if let [Write::UnitClaim { .. }] = &commit.writes[..] {
            return Ok(Committed { inbox: vec![], epochs: vec![1] });
        }
        assert_eq!(commit.fences, [fence()]);
        let accepted = commit.writes.iter().map(|write| {
            let Write::InboxPut { id, .. } = write else { panic!("{write:?}") };
            let next = i64::try_from(known.len()).unwrap() + 1;
            let duplicate = known.contains_key(id);
            Accepted { id: id.clone(), seq: *known.entry(id.clone()).or_insert(next), duplicate }
        });
        Ok(Committed { inbox: accepted.collect(), epochs: vec![] })
    };
    ScriptedStore::new(accept, |_| Ok(messages::store::Rows::Inbox(vec![])))
}

/// A node whose only actor is the console, on a data folder.
async fn node(data: &std::path::Path, sessions: &Sessions) -> System {
    std::fs::create_dir_all(data.join("agent-runtime")).unwrap();
    let config = ConsoleConfig {
        socket: crate::socket_path(data),
        node: "n1".into(),
        lines: vec![],
        refuses: None,
        knows: Arc::new(|_, _| Ok(())),
        generation: 1,
    };
    let sessions = sessions.clone();
    let open = move || -> runtime::BoxFuture<Result<ConsoleService, ServiceError>> {
        Box::pin(std::future::ready(Ok(ConsoleService::open(config.clone(), sessions.clone()))))
    };
    let list = vec![Child::service(Address::fixed("connector/console"), Restart::Permanent, open)];
    let node = system(store(), vec![], Options::default());
    node.claim(&Address::fixed("connector/console")).await.unwrap();
    node.start(Children { strategy: Strategy::OneForOne, intensity: Intensity::ESCALATE, list }).await.unwrap();
    // It answers once it listens.
    described(&node).await;
    node
}

async fn described(node: &System) -> Described {
    let console = node.to::<Console>(&Address::fixed("connector/console"));
    console.ask(Msg::Describe, Duration::from_secs(5)).await.unwrap()
}

async fn accepted(client: &mut Client, event: &str) -> bool {
    client.submit(event, "hi").unwrap();
    match client.next().await.unwrap() {
        FromNode::Accepted { duplicate, .. } => !duplicate,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_client_finds_the_node_by_its_data_folder_and_not_after_it_stopped() {
    let data = tempfile::tempdir().unwrap();
    assert!(Client::connect(data.path(), who("s")).await.unwrap().is_none());
    let node = node(data.path(), &Sessions::new()).await;
    let mut client = Client::connect(data.path(), who("s")).await.unwrap().unwrap();
    assert!(accepted(&mut client, "s:1").await);
    let mode = std::fs::metadata(crate::socket_path(data.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let view = described(&node).await;
    let expected = SessionView { session: "s".into(), chat: "home/general".into(), open: 0, stalled: false };
    assert_eq!(view.sessions, [expected]);
    node.shutdown(Duration::from_secs(5)).await;
    assert!(matches!(client.next().await, Err(ClientError::Closed)));
    assert!(Client::connect(data.path(), who("s")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_client_of_the_same_process_is_attached_without_the_socket() {
    let data = tempfile::tempdir().unwrap();
    let sessions = Sessions::new();
    let _node = node(data.path(), &sessions).await;
    let (near, far) = UnixStream::pair().unwrap();
    sessions.attach(near).unwrap();
    let mut client = Client::over(far, who("s")).await.unwrap();
    assert!(accepted(&mut client, "s:1").await);
}

#[tokio::test]
async fn one_session_too_many_is_told_so_and_a_place_that_is_left_is_given_again() {
    let data = tempfile::tempdir().unwrap();
    let node = node(data.path(), &Sessions::new()).await;
    let mut clients = Vec::new();
    for n in 0..SESSIONS_MAX {
        clients.push(Client::connect(data.path(), who(&format!("s{n}"))).await.unwrap().unwrap());
    }
    let error = Client::connect(data.path(), who("more")).await.err().unwrap();
    assert!(
        matches!(&error, ClientError::Refused(why) if why.contains(&format!("{SESSIONS_MAX} sessions"))),
        "{error}"
    );
    clients.pop().unwrap().leave().await;
    let again = async {
        while Client::connect(data.path(), who("more")).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.unwrap();
    drop(node);
}

#[tokio::test]
async fn a_lost_node_is_found_again_and_knows_what_was_submitted() {
    let data = tempfile::tempdir().unwrap();
    let first = node(data.path(), &Sessions::new()).await;
    let mut client = Client::connect(data.path(), who("s")).await.unwrap().unwrap();
    assert!(accepted(&mut client, "s:1").await);
    first.shutdown(Duration::from_secs(5)).await;
    assert!(matches!(client.next().await, Err(ClientError::Closed)));
    let redial = crate::client::Redial { data: data.path().to_owned(), wait_ms_max: 10_000 };
    let sessions = Sessions::new();
    let (second, back) = tokio::join!(node(data.path(), &sessions), client.redial(&redial));
    back.unwrap();
    assert!(matches!(client.next().await.unwrap(), FromNode::Accepted { event, .. } if event == "s:1"));
    second.shutdown(Duration::from_secs(5)).await;
    let short = crate::client::Redial { wait_ms_max: 60, ..redial };
    assert!(client.redial(&short).await.is_err());
}
