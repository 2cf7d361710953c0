//! How long words and records are kept, and what is left of a person who is forgotten: whole nodes, real files, and a
//! search for the words through every file of the data folder.

mod age;
mod audit;
mod person;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value as Json;

use crate::work::site::{SOON, Site, until};

pub(super) const DAY_MS: i64 = 86_400_000;

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// The store of a node that does not run, as a person with a shell has it.
fn change(data: &Path, statement: &str) -> usize {
    let sql = rusqlite::Connection::open(data.join("agent-runtime/meta.sqlite")).unwrap();
    sql.execute(statement, []).unwrap()
}

/// The date now is one that follows on the last that was seen.
fn knows_the_date(data: &Path) {
    change(data, &format!("UPDATE retention SET seen = {}, doubted = NULL", now_ms()));
}

/// What `retention --json` says of the node that runs.
async fn stands(site: &Site) -> Json {
    let told = site.run(&["retention", "--json"]).await.expect_code(0).unwrap();
    serde_json::from_str(&told.stdout).unwrap()
}

/// Waits until what `retention` says is so.
async fn until_it(site: &Site, what: &str, is_so: impl Fn(&Json) -> bool) -> Json {
    let until = tokio::time::Instant::now() + SOON;
    loop {
        let view = stands(site).await;
        if is_so(&view) {
            return view;
        }
        assert!(tokio::time::Instant::now() < until, "{what}: it is not so within {} s: {view}", SOON.as_secs());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn log(site: &Site, workspace: &str) -> String {
    let log = site.data().join("workspaces").join(workspace).join("logs/console/general.md");
    std::fs::read_to_string(log).unwrap_or_default()
}

/// Waits until a chat's log has these words, or has not.
async fn until_log(site: &Site, workspace: &str, words: &str, has: bool) {
    until(&format!("the log has {words}: {has}"), SOON, || log(site, workspace).contains(words) == has).await;
}

/// The audit chain holds.
async fn chain_holds(site: &Site) -> Json {
    let told = site.run(&["audit", "verify", "--json"]).await.expect_code(0).unwrap();
    serde_json::from_str(&told.stdout).unwrap()
}
