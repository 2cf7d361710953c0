//! Looking: at files, the system, and the node that serves the data folder. Nothing is changed.

mod certificates;
mod machine;
mod running;
mod secrets;

use std::path::{Path, PathBuf};
use std::time::Instant;

use config::{Config, FILE_NAME, Problem};
use runtime::{Clock as _, SystemClock};
use store::verify::VerifyError;
use workspaces::Layout;

use super::facts::{Clock, Facts, StoreFacts, word};
use crate::cli::Where;
use crate::commands::problems;
use crate::node;

/// Gathers what the checks of these ids need.
pub(crate) async fn gather(place: &Where, ids: &[&str]) -> anyhow::Result<Facts> {
    let (began, wall) = (Instant::now(), SystemClock.now().0);
    let config = node::load(place).ok();
    let mut facts = Facts {
        flags: place.flags(),
        config_file: place.config.as_ref().map_or_else(|| FILE_NAME.to_owned(), |file| word(file)),
        problems: problems(place).iter().map(Problem::in_words).collect(),
        data: data(place, config.as_ref())?,
        uid: rustix::process::geteuid().as_raw(),
        secrets: config.as_ref().map(machine::secrets),
        store_of_secrets: config.as_ref().and_then(|config| secrets::gather(config, &place.flags())),
        ..Facts::default()
    };
    if let Some(data) = facts.data.clone() {
        facts.paths = machine::own_paths(&data);
        facts.disk = machine::disk(&data);
        facts.copies = machine::copies(&data);
        if ids.contains(&"certificates") {
            let data = data.clone();
            facts.certificates = tokio::task::spawn_blocking(move || certificates::found(&data)).await?;
        }
        if ["store", "audit", "version"].iter().any(|id| ids.contains(id)) {
            facts.store = tokio::task::spawn_blocking({
                let data = data.clone();
                move || store(&data)
            })
            .await?;
        }
        let place = config.as_ref().map(|config| node::layout(&config.node, &data));
        let layout = place.unwrap_or_else(|| Layout::of_data(&data));
        running::gather((&data, &layout), ids, &mut facts).await;
    }
    facts.limits = machine::limits(facts.status().map(|status| status.pid));
    let steady = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    let now_ms = SystemClock.now().0;
    let newest_file_ms = facts.data.as_deref().and_then(machine::newest);
    facts.clock = Clock { now_ms, newest_file_ms, drift_ms: now_ms - wall - steady };
    Ok(facts)
}

/// The data folder: what the configuration says; where that can't be read, what the command line says.
fn data(place: &Where, config: Option<&Config>) -> anyhow::Result<Option<PathBuf>> {
    let named = config.map(|config| config.node.data.clone()).or_else(|| place.data.clone());
    named.map(|data| node::absolute(&data)).transpose()
}

fn store(data: &Path) -> StoreFacts {
    match store::verify::condition(&node::own_folder(data)) {
        Ok(condition) => StoreFacts::Found(Box::new(condition)),
        Err(VerifyError::Missing(_)) => StoreFacts::None,
        Err(error) => StoreFacts::Unreadable(error.to_string()),
    }
}
