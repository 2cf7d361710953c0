//! Many contexts known, some active: time until ready, memory, and whether it is given back.

use std::path::Path;
use std::time::Duration;

use console::wire::FromNode;
use messages::store::{Commit, EntryKind, InboundKind, Owner, Write};
use messages::turn::{Chat, Outcome, Principal, Scope, Turn};
use messages::{Address, InboundId, Moment, Slug, Trace};
use runtime::Store as _;
use serde_json::json;
use store::{OpenOptions, StoreHandle};

use super::child::{self, Folder};
use super::numbers::round;
use crate::commands::give_json;
use crate::logging;
use crate::node::{HOME, VERSION, own_folder};

/// Turns of one commit while the store is filled.
const TURNS_AT_ONCE: usize = 100;
/// Sessions at once while contexts become active.
const SESSIONS_AT_ONCE: usize = 100;
/// Seconds after which an idle context stops in this bench.
const PASSIVATE_AFTER_S: u64 = 3;
/// How long the contexts may take to stop.
const STOP_MAX: Duration = Duration::from_secs(120);

pub(super) async fn run(known: usize, turns: usize, active: usize) -> anyhow::Result<()> {
    let folder = Folder::new()?;
    let (_stub, url) = child::stub()?;
    let (node, ready_new) = child::node(&folder, &url, PASSIVATE_AFTER_S).await?;
    let idle_new_mb = node.rss_mb();
    drop(node);
    logging::say(&format!("making {known} contexts and {turns} turns"));
    folder.make(known, false)?;
    fill(&folder.data(), known, turns).await?;
    let (node, ready) = child::node(&folder, &url, PASSIVATE_AFTER_S).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle_mb = node.rss_mb();
    wake(&folder.data(), active).await?;
    let active_mb = node.rss_mb();
    tokio::time::sleep(Duration::from_secs(PASSIVATE_AFTER_S)).await;
    let target = idle_mb + 5.0;
    let back = child::until(STOP_MAX, "memory is given back", || async { Ok(node.rss_mb() <= target) }).await;
    give_json(&json!({
        "bench": "contexts",
        "known": known,
        "turns": turns,
        "active": active,
        "ready_new_ms": round(ready_new * 1_000.0),
        "idle_rss_new_mb": round(idle_new_mb),
        "ready_ms": round(ready * 1_000.0),
        "idle_rss_mb": round(idle_mb),
        "active_rss_mb": round(active_mb),
        "rss_after_stop_mb": round(node.rss_mb()),
        "back_within_5_mb": back.is_ok(),
    }))
}

/// Every context takes one turn, asked for at the node with this data folder.
pub(super) async fn wake(data: &Path, active: usize) -> anyhow::Result<()> {
    for begin in (0..active).step_by(SESSIONS_AT_ONCE) {
        let mut sessions = tokio::task::JoinSet::new();
        for n in begin..(begin + SESSIONS_AT_ONCE).min(active) {
            let data = data.to_path_buf();
            sessions.spawn(async move {
                let mut client = child::client(&data, n, "active").await?;
                client.submit(&format!("{}:1", client.session()), "what does the stub always answer?")?;
                loop {
                    if let FromNode::Reply(reply) = client.next().await? {
                        client.flushed(reply.delivery)?;
                        client.flush().await?;
                        client.leave().await;
                        return anyhow::Ok(());
                    }
                }
            });
        }
        while let Some(done) = sessions.join_next().await {
            done??;
        }
    }
    Ok(())
}

/// Turns as the node with this data folder would have written them, all settled.
pub(super) async fn fill(data: &Path, known: usize, turns: usize) -> anyhow::Result<()> {
    let store = store::open(&own_folder(data), &OpenOptions::new(VERSION))?;
    let mut sizes = vec![0_u64; known.max(1)];
    for begin in (0..turns).step_by(TURNS_AT_ONCE) {
        let range = begin..(begin + TURNS_AT_ONCE).min(turns);
        fill_some(&store, &mut sizes, range).await?;
    }
    tokio::task::spawn_blocking(move || store.close()).await??;
    Ok(())
}

async fn fill_some(store: &StoreHandle, sizes: &mut [u64], range: std::ops::Range<usize>) -> anyhow::Result<()> {
    let home = Slug::parse(HOME)?;
    let (mut put, mut settle, mut chats) = (Vec::new(), Vec::new(), Vec::new());
    for n in range {
        let at = n % sizes.len();
        let slug = Folder::context(at)?;
        let chat = Chat { connector: "console".to_owned(), chat: format!("{home}/{slug}") };
        put.push(inbound(n, &Address::context(&home, &slug), &chat));
        chats.push((at, slug, chat));
    }
    let seqs = commit(store, Owner::Connector, put).await?;
    for ((at, slug, chat), seq) in chats.into_iter().zip(seqs) {
        let context = Address::context(&home, &slug);
        let turn = turn(&home, &slug, &chat);
        settle.push(Write::InboxTake { seq, turn: Box::new(turn) });
        if let Some(size) = sizes.get_mut(at) {
            let (log, length) = (workspaces::log_path(&home, &chat), 100);
            settle.push(Write::EntryPut { log, context, offset: *size, length, what: EntryKind::Inbound, of: seq });
            *size += u64::from(length);
        }
        settle.push(Write::InboxSettle { seq, outcome: Outcome::Noted, reason: "bench".to_owned(), at: Moment(2) });
    }
    commit(store, Owner::Context, settle).await?;
    Ok(())
}

async fn commit(store: &StoreHandle, by: Owner, writes: Vec<Write>) -> anyhow::Result<Vec<i64>> {
    let done = store.commit(Commit { by, fences: Vec::new(), writes }).await?;
    Ok(done.inbox.into_iter().map(|accepted| accepted.seq).collect())
}

fn inbound(n: usize, context: &Address, chat: &Chat) -> Write {
    let event = format!("fill:{n}");
    let id = InboundId::of("console", &event);
    Write::InboxPut {
        trace: Trace::of(&id),
        id,
        event,
        context: context.clone(),
        chat: chat.clone(),
        user: "bench".to_owned(),
        kind: InboundKind::Message,
        target: None,
        text: "a question that was asked and answered long ago".to_owned(),
        salt: [7; 16],
        received_at: Moment(1),
    }
}

fn turn(workspace: &Slug, context: &Slug, chat: &Chat) -> Turn {
    Turn {
        reply_to: chat.clone(),
        principal: Principal { connector: "console".to_owned(), user: "bench".to_owned() },
        action: "talk".to_owned(),
        policy: 1,
        rules: vec!["members-may-talk".to_owned()],
        scope: Scope { workspace: workspace.clone(), context: context.clone(), paths: vec!["**".to_owned()] },
        definition: "built-in".to_owned(),
        taken_at: Moment(1),
    }
}
