//! What an operator meets: the address for health and metrics, alarms, signals.

mod address;
mod alarms;
mod clock;
mod drain;
mod manager;
mod pages;
mod reload;
mod telling;
mod upgrade;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::work::site::Site;

/// How long anything here may take that takes a moment.
const SOON: Duration = Duration::from_secs(40);
/// How often something is looked at that can't be waited for.
const LOOK: Duration = Duration::from_millis(50);
/// The node listens at a port that the system chooses.
const ANY_PORT: (&str, &str) = ("AGENT_RUNTIME_HTTP__LISTEN", "127.0.0.1:0");

/// A node that serves at an address of its own, with this added to its configuration.
async fn served(more: &str) -> (Site, SocketAddr) {
    let mut site = Site::laid(more, tests::process::program().unwrap()).await;
    site.start_with(&[ANY_PORT]).await;
    let address = address_of(&site).await;
    (site, address)
}

async fn address_of(site: &Site) -> SocketAddr {
    let status: Json =
        serde_json::from_str(&site.run(&["status", "--json"]).await.expect_code(0).unwrap().stdout).unwrap();
    status["http"].as_str().unwrap().trim_start_matches("http://").parse().unwrap()
}

/// What a page gave.
#[derive(Debug)]
struct Page {
    status: u16,
    head: String,
    body: String,
}

impl Page {
    fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap()
    }

    /// What is not ready.
    fn not_ready(&self) -> Vec<String> {
        let all = self.json()["not_ready"].as_array().unwrap().clone();
        all.iter().map(|one| one["what"].as_str().unwrap().to_owned()).collect()
    }
}

/// All that comes until the other side closes.
async fn to_the_end(stream: &mut TcpStream) -> Page {
    let mut bytes = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("an end");
    // Who is refused before its request was read is reset; what came before that counts.
    if let Err(error) = read {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Page { status, head: head.to_owned(), body: body.to_owned() }
}

/// Sends these bytes, and gives what comes.
async fn send(address: SocketAddr, request: &str) -> Page {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Who is refused at once may be gone before all is written; reading tells.
    drop(stream.write_all(request.as_bytes()).await);
    to_the_end(&mut stream).await
}

async fn get(address: SocketAddr, path: &str) -> Page {
    send(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n")).await
}

/// Asks for a page until it is so.
async fn until(address: SocketAddr, path: &str, what: &str, is_so: impl Fn(&Page) -> bool) -> Page {
    let within = Instant::now() + SOON;
    loop {
        let page = get(address, path).await;
        if is_so(&page) {
            return page;
        }
        assert!(Instant::now() < within, "{what}: it does not come to that; {page:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// The node's clock is this many milliseconds off the machine's.
fn shift(file: &Path, ms: i64) {
    std::fs::write(file.with_extension("new"), ms.to_string()).unwrap();
    std::fs::rename(file.with_extension("new"), file).unwrap();
}

/// The value of one line of `/metrics`.
fn value(metrics: &str, line: &str) -> Option<f64> {
    metrics.lines().find_map(|one| one.strip_prefix(line)?.trim().parse().ok())
}
