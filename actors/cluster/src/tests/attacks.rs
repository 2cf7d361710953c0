//! Who may not come in, and what those who are in can't do.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use messages::AskError;
use messages::cluster::{Role, Roles};
use messages::envelope::Kind;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ca::{Ca, Leaf, client, roles};
use super::node::{Node, ask, head, hub, spec};
use crate::VERSIONS;
use crate::hello::{self, Heard, Hello};
use crate::region::RegionMsg;

const WITHIN: Duration = Duration::from_secs(20);

/// Bytes on a connection, by hand.
async fn tls(to: SocketAddr, ca: &Ca, leaf: Option<Leaf>) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(to).await?;
    let connector = TlsConnector::from(client(ca.roots(), leaf));
    connector.connect(ServerName::try_from("agent-runtime").unwrap(), stream).await
}

fn says(node: &str, roles: Roles) -> Hello {
    let node = node.to_owned();
    Hello { node, incarnation: "i9".into(), roles, region: 77, token: [9; 16], program: "attack".into() }
}

/// What the node answers to a hello.
async fn verdict(stream: &mut TlsStream<TcpStream>, hello: &Hello) -> Result<Hello, String> {
    hello::send(stream, hello, VERSIONS).await.map_err(|e| e.to_string())?;
    let Heard::Hello(theirs, _) = hello::receive(stream, VERSIONS).await.map_err(|e| e.to_string())? else {
        return Err("other versions".into());
    };
    hello::tell(stream, &Ok(())).await.map_err(|e| e.to_string())?;
    hello::told(stream).await.map_err(|e| e.to_string())?.map(|()| theirs)
}

/// Ends when the node has closed the connection.
async fn closed(stream: &mut TlsStream<TcpStream>) {
    let mut buffer = [0; 4_096];
    let end = async { while let Ok(1..) = stream.read(&mut buffer).await {} };
    tokio::time::timeout(WITHIN, end).await.expect("the connection is closed");
}

/// A worker comes in and is answered, whatever others do.
async fn serves_others(hub: &Node, ca: &Ca) {
    let good = spec("good", &[Role::Worker]).dials(hub.address()).start(ca).await;
    let link = good.link("hub").await;
    assert!(ask(&link, "store", b"", 5_000).await.is_ok());
    good.cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_no_certificate_or_a_foreign_an_expired_or_an_early_one_is_not_heard() {
    let (ca, foreign) = (Ca::new(), Ca::new());
    let hub = hub().start(&ca).await;
    let worker = roles(&[Role::Worker]);
    let expired = ca.leaf_with("worker", worker, |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let early = ca.leaf_with("worker", worker, |params| params.not_before = rcgen::date_time_ymd(2999, 1, 1));
    for leaf in [None, Some(foreign.leaf("worker", worker)), Some(expired), Some(early)] {
        // Under TLS 1.3 a client hears that it was refused when it reads for the first time.
        if let Ok(mut stream) = tls(hub.address(), &ca, leaf).await {
            assert!(verdict(&mut stream, &says("worker", worker)).await.is_err());
        }
    }
    assert!(hub.cluster.watch().borrow().is_empty());
    serves_others(&hub, &ca).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_believe_a_hub_of_another_authority() {
    let (ca, foreign) = (Ca::new(), Ca::new());
    let false_hub = hub().start(&foreign).await;
    let worker = spec("worker", &[Role::Worker]).dials(false_hub.address()).start(&ca).await;
    let true_hub = hub().start(&ca).await;
    serves_others(&true_hub, &ca).await;
    assert!(worker.cluster.watch().borrow().is_empty());
    assert!(false_hub.cluster.watch().borrow().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_must_fit_the_certificate_and_the_refusal_says_how_it_does_not() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let worker = roles(&[Role::Worker]);
    let revoked = ca.leaf("worker", worker);
    ca.revoke(&revoked);
    let good = || ca.leaf("worker", worker);
    for (leaf, hello, says_why) in [
        (good(), says("connector", worker), "the certificate is of `worker`, the hello of `connector`"),
        (good(), says("worker", roles(&[Role::Worker, Role::Hub])), "claims roles that its certificate does not name"),
        (good(), says("worker", Roles::default()), "has no role"),
        (ca.leaf("hub", worker), says("hub", worker), "both ends are named `hub`"),
        (revoked, says("worker", worker), "was revoked"),
        (ca.leaf("a b", worker), says("a b", worker), "its name or incarnation is none"),
    ] {
        let mut stream = tls(hub.address(), &ca, Some(leaf)).await.unwrap();
        let refused = verdict(&mut stream, &hello).await.unwrap_err();
        assert!(refused.contains(says_why), "{refused}");
    }
    serves_others(&hub, &ca).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_do_not_meet_are_told_to_both_ends() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let mut stream = tls(hub.address(), &ca, Some(ca.leaf("worker", roles(&[Role::Worker])))).await.unwrap();
    // What a later version says in its body can be anything.
    stream.write_all(b"AGENTRT1\0\x07\0\x09\0\0\0\x03new").await.unwrap();
    assert!(matches!(hello::receive(&mut stream, VERSIONS).await.unwrap(), Heard::Hello(..)));
    hello::tell(&mut stream, &Err("this node speaks versions 7 to 9".into())).await.unwrap();
    let refused = hello::told(&mut stream).await.unwrap().unwrap_err();
    let words = "`hub` speaks version 1 of the protocol between nodes, `worker` speaks versions 7 to 9, and they have none in \
                 common; update agent-runtime on `hub`";
    assert_eq!(refused, words);
    serves_others(&hub, &ca).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_before_tls_after_it_and_in_a_hello_ends_that_connection_alone() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let mut plain = TcpStream::connect(hub.address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"AGENTRT1\0\x01\0\x01\xff\xff\xff\xff",
        b"AGENTRT1\0\x01\0\x01\0\0\0\x02\xff\xff",
    ] {
        let mut stream = tls(hub.address(), &ca, Some(ca.leaf("worker", roles(&[Role::Worker])))).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        closed(&mut stream).await;
    }
    serves_others(&hub, &ca).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_silent_connections_keep_nobody_out_and_end_no_link() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let old = spec("old", &[Role::Worker]).dials(hub.address()).start(&ca).await;
    let link = old.link("hub").await;
    let mut silent = Vec::new();
    for _ in 0..1_000 {
        silent.push(TcpStream::connect(hub.address()).await.unwrap());
    }
    serves_others(&hub, &ca).await;
    assert!(ask(&link, "store", b"", 5_000).await.is_ok());
    assert_eq!(old.cluster.link("hub").unwrap().id(), link.id(), "it is the same link still");
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cookie_makes_no_link() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let mut other = spec("worker", &[Role::Worker]).dials(hub.address());
    other.cookie = "another";
    let worker = other.start(&ca).await;
    serves_others(&hub, &ca).await;
    assert!(hub.cluster.link("worker").is_none());
    assert!(worker.cluster.link("hub").is_none());
}

/// `of { kind { body } }`, with its length before it.
fn frame(of: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let small = |length: usize| u8::try_from(length).unwrap();
    let message = [&[kind << 3 | 2, small(body.len())][..], body].concat();
    let frame = [&[of << 3 | 2, small(message.len())][..], &message].concat();
    [&(frame.len() as u64).to_be_bytes()[..], &frame].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_none_of_ours_end_the_link_before_anything_reads_them() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let worker = roles(&[Role::Worker]);
    let seventeen_mebibytes = (17u64 << 20).to_be_bytes().to_vec();
    for bytes in [
        seventeen_mebibytes,
        frame(2, 2, &[0x08, 0x7f]),
        frame(2, 1, &[0x08, 0]),
        frame(1, 1, &[0x0a, 3, b'h', b'u', b'b']),
        frame(7, 1, &[]),
        frame(3, 9, &[]).repeat(2),
    ] {
        let mut stream = tls(hub.address(), &ca, Some(ca.leaf("worker", worker))).await.unwrap();
        verdict(&mut stream, &says("worker", worker)).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        closed(&mut stream).await;
    }
    serves_others(&hub, &ca).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_agrees_and_then_says_nothing_is_let_go_and_keeps_nobody_out() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let worker = roles(&[Role::Worker]);
    let mut stream = tls(hub.address(), &ca, Some(ca.leaf("worker", worker))).await.unwrap();
    verdict(&mut stream, &says("worker", worker)).await.unwrap();
    serves_others(&hub, &ca).await;
    closed(&mut stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_the_token_of_another_link_is_denied() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let worker = spec("worker", &[Role::Worker]).dials(hub.address()).start(&ca).await;
    let link = worker.link("hub").await;
    let envelope = crate::envelope::pack(&head("store", Kind::Ask, 5_000), b"replayed").unwrap();
    let (port, answered) = tokio::sync::oneshot::channel();
    let call = RegionMsg::Call { envelope, stamp: None, answer: port.into() };
    link.session.region.send_message(call).unwrap();
    let answer = crate::envelope::unpack_answer(answered.await.unwrap());
    assert!(matches!(answer, Err(AskError::Denied(_))), "{answer:?}");
    assert!(ask(&link, "store", b"", 5_000).await.is_ok(), "the link goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_send_what_the_table_says_and_nothing_else() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    for role in [Role::Connector, Role::Worker] {
        let name = if role == Role::Worker { "worker" } else { "connector" };
        let node = spec(name, &[role]).dials(hub.address()).start(&ca).await;
        let link = node.link("hub").await;
        for to in [
            "store",
            "cluster",
            "admin",
            "models",
            "ws/home/context/general",
            "ws/home/task/tsk_1",
            "connector/console/chat/home/general",
        ] {
            for kind in [Kind::Ask, Kind::Wake] {
                let head = head(to, kind, 5_000);
                let allowed = crate::allowed::check(roles(&[role]), &head).is_ok();
                let answer = link.ask(head, b"").await;
                assert_eq!(answer.is_ok(), allowed, "{role} {kind:?} {to}");
                assert!(allowed || matches!(answer, Err(AskError::Denied(_))), "{answer:?}");
            }
        }
    }
}
