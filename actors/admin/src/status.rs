//! How the node stands: asked of its parts, each for a moment.

use std::time::Duration;

use messages::admin::StatusView;
use messages::index::{Index, Msg as IndexMsg, Reply as IndexReply};
use messages::model::{Model, Msg as ModelMsg, Reply as ModelReply};
use messages::step::{Day, Spending};
use messages::store::{Counts, Query, Rows};
use messages::{Address, AskError, Protocol as _};
use runtime::System;

use crate::core;
use crate::memory::rss_bytes;
use crate::service::AdminConfig;

/// How long one part of the node may take to describe itself.
const DESCRIBE_MAX: Duration = Duration::from_millis(1_500);
/// Files that an index leaves out and that are named for each; the rest is counted.
const LEFT_OUT_SHOWN_MAX: usize = 10;
/// Indexes that are asked for one status.
const INDEXES_MAX: usize = 64;
/// The account that everything is charged to.
const NODE: &str = "node";
/// Accounts whose name begins with `node` that are read to find that one.
const NODE_ACCOUNTS_MAX: u32 = 8;

pub(crate) async fn status(config: &AdminConfig, system: &System) -> StatusView {
    system.alarm("store", (config.store)());
    let counts = match system.store().query(Query::Counts).await {
        Ok(Rows::Counts(counts)) => counts,
        _ => Counts::default(),
    };
    let mut alarms = system.alarms();
    alarms.extend(core::alarms(&counts));
    StatusView {
        version: config.version.clone(),
        node: system.node().to_owned(),
        pid: std::process::id(),
        uptime_ms: u64::try_from(system.uptime().as_millis()).unwrap_or(u64::MAX),
        data: config.data.clone(),
        actors: system.actors_len() as u64,
        counts,
        alarms,
        models: models(system).await,
        today: today(system).await,
        indexes: indexes(system).await,
        rss_bytes: rss_bytes(),
        http: config.http.clone(),
    }
}

/// What the whole node has spent today.
async fn today(system: &System) -> Spending {
    let day = Day::of(system.now());
    let none = Spending { day, account: NODE.to_owned(), ..Spending::default() };
    let query = Query::Spending { from: day, to: day, account: NODE.to_owned(), limit: NODE_ACCOUNTS_MAX };
    match system.store().query(query).await {
        Ok(Rows::Spending(rows)) => rows.into_iter().find(|row| row.account == NODE).unwrap_or(none),
        _ => none,
    }
}

async fn models(system: &System) -> Vec<String> {
    match system.to::<Model>(&Address::fixed("models")).ask(ModelMsg::Describe, DESCRIBE_MAX).await {
        Ok(ModelReply::Described { models, load }) => [models, load].concat(),
        Ok(_) => Vec::new(),
        // A node that is no worker asks none.
        Err(AskError::NoSuchAddress(_)) => Vec::new(),
        Err(error) => vec![format!("models do not answer: {error}")],
    }
}

async fn indexes(system: &System) -> Vec<String> {
    let (mut lines, mut left_out) = (Vec::new(), Vec::new());
    let live = system.actors().into_iter().filter(|actor| actor.kind == Index::KIND).take(INDEXES_MAX);
    for actor in live {
        let Ok(address) = Address::parse(&actor.address) else { continue };
        let line = match system.to::<Index>(&address).ask(IndexMsg::Describe(None), DESCRIBE_MAX).await {
            Ok(IndexReply::Described(view)) => {
                let scanning = view.scanning.map(|n| format!(", scanning ({n} files looked at)")).unwrap_or_default();
                let skipped =
                    if view.skipped_total > 0 { format!(", {} left out", view.skipped_total) } else { String::new() };
                let roots = view.roots.join(", ");
                left_out.extend(
                    view.skipped.iter().take(LEFT_OUT_SHOWN_MAX).map(|why| format!("{address}: left out {why}")),
                );
                format!("{address}: {} files, {} passages{scanning}{skipped}; {roots}", view.files, view.passages)
            }
            Ok(_) => continue,
            Err(error) => format!("{address}: {error}"),
        };
        lines.push(line);
        lines.append(&mut left_out);
    }
    lines
}
