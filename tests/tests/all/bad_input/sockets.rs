//! Clients that do not keep to the protocol.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use console::client::{Client, Who};
use console::socket_path;
use messages::turn::Outcome;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::faults::driver::Driver;
use crate::faults::world::{PATIENCE, World, peak_kib};

const HELLO: &str = r#"{"hello":{"version":2,"user":"eve","workspace":"home","context":"general","session":"eve"}}"#;

/// Says this, and gives what the node says until it closes the connection.
async fn say(data: &Path, bytes: &[u8]) -> anyhow::Result<String> {
    let mut stream = UnixStream::connect(socket_path(data)).await?;
    // A node that has heard enough need not take the rest.
    stream.write_all(bytes).await.ok();
    stream.shutdown().await.ok();
    let mut heard = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut heard)).await.context("it does not close")?.ok();
    Ok(String::from_utf8(heard)?)
}

async fn others_are_served(data: &Path) -> anyhow::Result<()> {
    let mut ann = Driver::attach(data).await?;
    assert_eq!(ann.ask("/whoami", Duration::from_secs(10)).await?.outcome, Outcome::Replied);
    ann.leave().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_refused_in_words_and_others_are_served() -> anyhow::Result<()> {
    let world = World::new()?;
    let mut node = world.serve().await?;
    let after = |frame: &str| [HELLO, "\n", frame, "\n"].concat().into_bytes();
    let long = [HELLO.as_bytes(), b"\n", &vec![b'x'; 3 << 20]].concat();
    let deep = "[".repeat(500_000);
    for (bytes, words) in [
        (b"garbage\n".to_vec(), "frame"),
        (vec![0xff; 4_096], ""),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), "frame"),
        (vec![b'x'; 3 << 20], "2097152"),
        (long, "2097152"),
        (b"\n\n\n{}\n".to_vec(), "frame"),
        (HELLO.replace("\"version\":2", "\"version\":9").into_bytes(), ""),
        (format!("{}\n", HELLO.replace("\"version\":2", "\"version\":9")).into_bytes(), "use the same version"),
        (format!("{}\n", HELLO.replace("home", "../home")).into_bytes(), "workspace"),
        (format!("{}\n", HELLO.replace("\"session\":\"eve\"", "\"session\":\"e e\"")).into_bytes(), "session"),
        (b"\"bye\"\n".to_vec(), "the first frame must be a hello"),
        (after(HELLO), "hello is said once"),
        (after(&deep), "frame"),
        (after(r#"{"submit":{"event":"bob:1","text":"x"}}"#), "not_accepted"),
        (after(r#"{"submit":{"event":"eve:1","text":""}}"#), "not_accepted"),
        (after(r#"{"flushed":{"delivery":-1}}"#), "welcome"),
        (after(r#"{"edit":{"event":"eve:9","target":"bob:1","text":"x"}}"#), "welcome"),
    ] {
        let heard = say(&world.data(), &bytes).await?;
        let begins = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        assert!(heard.contains(words), "to {begins:?} it says {heard:?}");
        others_are_served(&world.data()).await?;
    }
    assert!(node.ended()?.is_none());
    assert!(!node.said().contains("panicked"), "{}", node.said());
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_holds_up_nobody_else() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = world.serve().await?;
    let mut deaf = UnixStream::connect(socket_path(&world.data())).await?;
    deaf.write_all(format!("{}\n", HELLO.replace("general", "deaf")).as_bytes()).await?;
    world.run(&["context", "create", "deaf"]).await?.expect_code(0)?;
    let mut deaf = UnixStream::connect(socket_path(&world.data())).await?;
    deaf.write_all(format!("{}\n", HELLO.replace("general", "deaf")).as_bytes()).await?;
    let mut sent = 0;
    for n in 0..20_000 {
        let line = format!("{{\"submit\":{{\"event\":\"eve:{n}\",\"text\":\"/help\"}}}}\n");
        match tokio::time::timeout(Duration::from_secs(2), deaf.write_all(line.as_bytes())).await {
            Ok(Ok(())) => sent += 1,
            Ok(Err(_)) | Err(_) => break,
        }
    }
    println!("a deaf client could send {sent} events; the node's peak is {} KiB", peak_kib(node.pid())?);
    others_are_served(&world.data()).await?;
    assert!(sent < 20_000, "the node must let it wait");
    assert!(peak_kib(node.pid())? < 128 * 1024);
    drop(deaf);
    others_are_served(&world.data()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_sessions_are_served_at_once() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = world.serve().await?;
    let before = peak_kib(node.pid())?;
    let mut all = Vec::new();
    for n in 0..100 {
        let (user, session) = (format!("user{n}"), format!("s{n}"));
        let who = Who {
            user,
            workspace: "home".into(),
            context: "general".into(),
            session,
            previews: true,
            only_asks: false,
        };
        all.push(Driver::attach_as(&world.data(), who).await?);
    }
    let mut said = Vec::new();
    for driver in &mut all {
        said.push(driver.say("/whoami").await?);
    }
    let waits = all.iter_mut().zip(&said).map(|(driver, id)| driver.settled(std::slice::from_ref(id), PATIENCE));
    futures_util::future::try_join_all(waits).await?;
    println!("100 sessions: peak {} KiB, {before} before", peak_kib(node.pid())?);
    others_are_served(&world.data()).await?;
    drop(all);
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_never_say_hello_do_not_lock_others_out_for_good() -> anyhow::Result<()> {
    let world = World::new()?;
    // The node is started with as few files as a usual shell allows, we take as many as we need.
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(1_024), ..limits })?;
    let node = world.serve().await?;
    setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, ..limits })?;
    let mut silent = Vec::new();
    for _ in 0..1_100 {
        silent.push(UnixStream::connect(socket_path(&world.data())).await?);
    }
    let until = std::time::Instant::now() + PATIENCE;
    let who = || Who {
        user: "ann".into(),
        workspace: "home".into(),
        context: "general".into(),
        session: "ann".into(),
        previews: false,
        only_asks: false,
    };
    let mut refusals = Vec::new();
    loop {
        match Client::connect(&world.data(), who()).await {
            Ok(Some(client)) => {
                client.leave().await;
                break;
            }
            Ok(None) => anyhow::bail!("nobody listens"),
            Err(error) => refusals.push(error.to_string()),
        }
        assert!(std::time::Instant::now() < until, "{refusals:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // One whose hello comes while it is turned away hears only that.
    let is_told = |why: &String| why.contains("which is the limit") || why.contains("has closed the connection");
    assert!(refusals.iter().all(is_told) && refusals.iter().any(|why| why.contains("limit")), "{refusals:?}");
    drop(silent);
    others_are_served(&world.data()).await?;
    node.stop().await?;
    Ok(())
}
