//! The address at its limits.

use operator_http::{CONNECTIONS_MAX, HEAD_BYTES_MAX, HEADERS_MAX};
use tests::port::Port;
use tests::process::{NodeProcess, Spec, program};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{get, send, served, to_the_end, until};

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_wrong_or_too_large_are_refused_at_their_edge() {
    let (site, address) = served("").await;
    assert_eq!(get(address, "/").await.status, 404);
    assert!(get(address, "/metrics/x").await.body.contains("/healthz, /readyz and /metrics"));
    assert_eq!(send(address, "POST /metrics HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc").await.status, 405);
    assert_eq!(send(address, "HEAD /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.status, 200);
    assert_eq!(send(address, "GET /healthz HTTP/1.0\r\n\r\n").await.status, 200);
    for nonsense in ["nonsense\r\n\r\n", "GET /healthz HTTP/9.9\r\n\r\n", "\0\0\0\0\r\n\r\n"] {
        assert_eq!(send(address, nonsense).await.status, 400, "{nonsense:?}");
    }
    let headers = |count: usize| {
        let all: String = (0..count).map(|n| format!("x{n}: 1\r\n")).collect();
        format!("GET /healthz HTTP/1.1\r\n{all}\r\n")
    };
    assert_eq!(send(address, &headers(HEADERS_MAX)).await.status, 200);
    assert_eq!(send(address, &headers(HEADERS_MAX + 1)).await.status, 431);
    let long = |bytes: usize| {
        let (begin, end) = ("GET /healthz HTTP/1.1\r\nx: ", "\r\n\r\n");
        format!("{begin}{}{end}", "y".repeat(bytes - begin.len() - end.len()))
    };
    assert_eq!(send(address, &long(HEAD_BYTES_MAX - 1)).await.status, 200);
    assert_eq!(send(address, &long(HEAD_BYTES_MAX * 2)).await.status, 431);
    // What comes behind the first request of a connection is not answered.
    let two = send(address, "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nGET /readyz HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!((two.status, two.body.as_str()), (200, "ok\n"));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_say_nothing_take_a_place_for_seconds_only() {
    let (site, address) = served("").await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
        silent.push(stream);
    }
    let refused = until(address, "/healthz", "no place", |page| page.status == 503).await;
    assert!(refused.head.contains("retry-after: 1"), "{}", refused.head);
    // Each is closed when its head is late, and there are places again.
    until(address, "/healthz", "a place", |page| page.status == 200).await;
    for mut stream in silent {
        to_the_end(&mut stream).await;
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told_at_the_start_and_nothing_is_served() {
    let port = Port::free().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port.number())).unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = || Spec::new(&program().unwrap(), &["serve"]).env("AGENT_RUNTIME_HTTP__LISTEN", listen.as_str());
    let done = serve().arg("--data").arg(data.display().to_string()).run("").await.unwrap().expect_code(1).unwrap();
    for words in [listen.as_str(), "Address already in use", "`listen` under `[http]`", "listen = \"\""] {
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
    // A chat has no use for the port, and a node that is there first is what the second hears of.
    let chat = Spec::new(&program().unwrap(), &["chat"]).env("AGENT_RUNTIME_HTTP__LISTEN", listen.as_str());
    chat.arg("--data").arg(data.display().to_string()).run("/help\n").await.unwrap().expect_code(0).unwrap();
    drop(taken);
    let node = NodeProcess::start(serve(), &data).await.unwrap();
    let second = serve().arg("--data").arg(data.display().to_string()).run("").await.unwrap().expect_code(1).unwrap();
    assert!(second.stderr.contains("is used by another agent-runtime"), "{}", second.stderr);
    assert!(node.stop().await.unwrap().success());
}
