//! `kill -9` with turns in flight: how soon all are under way again, and settled.

use std::time::Duration;

use console::wire::FromNode;
use serde_json::json;

use super::child::{self, Folder};
use super::numbers::{now, round};
use crate::commands::give_json;

/// How long each step may take.
const STEP_MAX: Duration = Duration::from_secs(60);

pub(super) async fn run(in_flight: usize) -> anyhow::Result<()> {
    let folder = Folder::new()?;
    folder.make(in_flight, false)?;
    let (_stub, url) = child::stub()?;
    child::tell(&url, "hold").await?;
    let (node, _) = child::node(&folder, &url, 600).await?;
    let data = folder.data();
    let mut clients = Vec::new();
    for n in 0..in_flight {
        let mut client = child::client(&data, n, "recovery").await?;
        client.submit(&format!("{}:1", client.session()), "what does the stub always answer?")?;
        client.flush().await?;
        clients.push(client);
    }
    let all = in_flight as u64;
    child::until(STEP_MAX, "all turns ask the model", || async { Ok(child::tell(&url, "asked").await? >= all) })
        .await?;
    node.kill9();
    drop(clients);
    let begin = now();
    let (node, ready) = child::node(&folder, &url, 600).await?;
    child::until(STEP_MAX, "all turns ask the model again", || async {
        Ok(child::tell(&url, "asked").await? >= 2 * all)
    })
    .await?;
    let armed = begin.elapsed().as_secs_f64();
    child::tell(&url, "release").await?;
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..in_flight {
        let data = data.clone();
        waiting.spawn(async move { settle(&data, n).await });
    }
    let mut replied = 0;
    while let Some(done) = waiting.join_next().await {
        replied += u64::from(done??);
    }
    give_json(&json!({
        "bench": "recovery",
        "in_flight": in_flight,
        "ready_ms": round(ready * 1_000.0),
        "rearmed_ms": round(armed * 1_000.0),
        "settled_ms": round(begin.elapsed().as_secs_f64() * 1_000.0),
        "replied": replied,
        "cpu_s": round(node.cpu_seconds()),
    }))
}

/// Comes back under the same session and takes the reply.
async fn settle(data: &std::path::Path, n: usize) -> anyhow::Result<bool> {
    let mut client = child::client(data, n, "recovery").await?;
    let wait = async {
        loop {
            if let FromNode::Reply(reply) = client.next().await? {
                client.flushed(reply.delivery)?;
                client.flush().await?;
                return anyhow::Ok(true);
            }
        }
    };
    let replied = tokio::time::timeout(STEP_MAX, wait).await.unwrap_or(Ok(false))?;
    client.leave().await;
    Ok(replied)
}
