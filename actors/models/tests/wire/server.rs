//! A raw TCP server that does as a test's script says: it sees the very bytes, and misbehaves below HTTP.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What one request is answered with.
pub(crate) enum Act {
    /// Bytes go out.
    Send(String),
    /// Nothing happens until the client has gone away; then the test is told.
    Hang(mpsc::UnboundedSender<()>),
    /// The connection is reset.
    Reset,
    /// These bytes go out over and over.
    Endless(String),
    /// A moment in which nothing comes.
    Pause,
    /// Waits for the test's word.
    Wait(Arc<tokio::sync::Notify>),
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: AtomicUsize,
    pub(crate) requests: Mutex<Vec<String>>,
    /// When each came.
    times: Mutex<Vec<Instant>>,
}

impl Seen {
    pub(crate) fn calls(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// The models that were asked for, in order.
    pub(crate) fn models(&self) -> Vec<String> {
        let model = |body: &serde_json::Value| body["model"].as_str().unwrap().to_owned();
        self.bodies().iter().map(model).collect()
    }

    pub(crate) fn bodies(&self) -> Vec<serde_json::Value> {
        let body = |request: &String| serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
        self.requests.lock().unwrap().iter().map(body).collect()
    }

    /// The time between each call and the next.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.times.lock().unwrap().windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

pub(crate) struct Server {
    pub(crate) base_url: String,
    pub(crate) seen: Arc<Seen>,
}

type Scripts = Arc<Mutex<VecDeque<Vec<Act>>>>;

/// Answers the nth request with the nth script; there is none for one more.
pub(crate) async fn server(scripts: Vec<Vec<Act>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let seen = Arc::new(Seen::default());
    let scripts: Scripts = Arc::new(Mutex::new(scripts.into()));
    let shared = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            shared.connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(connection(stream, scripts.clone(), shared.clone()));
        }
    });
    Server { base_url, seen }
}

async fn connection(stream: TcpStream, scripts: Scripts, seen: Arc<Seen>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = request(&mut stream).await {
        seen.requests.lock().unwrap().push(request);
        seen.times.lock().unwrap().push(Instant::now());
        let script = scripts.lock().unwrap().pop_front().expect("a script for each request");
        for act in script {
            if !perform(act, &mut stream).await {
                return;
            }
        }
    }
}

async fn perform(act: Act, stream: &mut BufReader<TcpStream>) -> bool {
    match act {
        Act::Send(bytes) => stream.write_all(bytes.as_bytes()).await.is_ok(),
        Act::Hang(gone) => {
            let mut nothing = [0u8; 1];
            // Nothing more is expected: what comes is the end.
            stream.read_exact(&mut nothing).await.ok();
            gone.send(()).ok();
            false
        }
        Act::Reset => {
            stream.get_ref().set_zero_linger().unwrap();
            false
        }
        Act::Endless(bytes) => {
            while stream.write_all(bytes.as_bytes()).await.is_ok() {}
            false
        }
        Act::Pause => {
            tokio::time::sleep(Duration::from_millis(2)).await;
            true
        }
        Act::Wait(word) => {
            word.notified().await;
            true
        }
    }
}

async fn request(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

/// The head of a stream of unknown length.
pub(crate) fn head() -> Act {
    Act::Send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".into())
}

/// One HTTP chunk.
pub(crate) fn chunk(bytes: &str) -> Act {
    Act::Send(framed(bytes))
}

pub(crate) fn framed(bytes: &str) -> String {
    format!("{:x}\r\n{bytes}\r\n", bytes.len())
}

/// The end of the body.
pub(crate) fn end() -> Act {
    chunk("")
}

/// One piece of an answer.
pub(crate) fn event(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

pub(crate) fn stop(reason: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{reason}\"}}]}}\n\n")
}

pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// A whole, well-behaved answer of these pieces.
pub(crate) fn whole(pieces: &[&str]) -> Vec<Act> {
    let mut acts = vec![head()];
    acts.extend(pieces.iter().map(|piece| chunk(&event(piece))));
    acts.extend([chunk(&stop("stop")), chunk(DONE), end()]);
    acts
}

/// The last chunk with what was used.
pub(crate) fn used(reason: &str, input: u64, output: u64) -> String {
    let usage = serde_json::json!({"prompt_tokens": input, "completion_tokens": output});
    let chunk = serde_json::json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage});
    format!("data: {chunk}\n\n")
}

/// A refusal as z.ai tells it.
pub(crate) fn refusal(status: u16, code: &str, headers: &str) -> Vec<Act> {
    reply(&format!("{status} No"), headers, &format!(r#"{{"error":{{"code":"{code}","message":"words of theirs"}}}}"#))
}

/// A reply that is not a stream.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Vec<Act> {
    let length = body.len();
    vec![Act::Send(format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    ))]
}
