//! From the folder where a backup was unpacked to the data folder: what is there goes aside, then two renames, the store last.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use fail::fail_point;
use runtime::{Clock as _, SystemClock};

use crate::node;

/// What a data folder holds that is ours, in the order in which it comes to its place.
const PARTS: [&str; 2] = ["workspaces", "agent-runtime"];

/// Refuses a folder that holds something, unless that is to be moved aside; and one that a node serves.
pub(super) fn check(data: &Path, replace: bool) -> anyhow::Result<Option<store::StoreLock>> {
    let own = node::own_folder(data);
    let lock = if own.is_dir() { Some(store::lock_store(&own)?) } else { None };
    let held: Vec<_> = PARTS.into_iter().filter(|part| data.join(part).symlink_metadata().is_ok()).collect();
    if !held.is_empty() && !replace {
        bail!(
            "{} holds {} already; give another --data, or --replace, which moves it aside and deletes nothing",
            data.display(),
            held.join(" and ")
        );
    }
    Ok(lock)
}

/// Moves what is there aside, and what was unpacked to its place. Gives where the old went.
pub(super) fn put(staging: &Path, data: &Path) -> anyhow::Result<Option<PathBuf>> {
    let aside = move_aside(data)?;
    fail_point!("restore.moved_aside");
    for part in PARTS {
        let (from, to) = (staging.join(part), data.join(part));
        if from.is_dir() {
            fs::rename(&from, &to).with_context(|| format!("{} can't be moved to its place", from.display()))?;
            sync(data)?;
        }
        fail_point!("restore.part_in_place");
    }
    Ok(aside)
}

fn move_aside(data: &Path) -> anyhow::Result<Option<PathBuf>> {
    let held: Vec<_> = PARTS.into_iter().filter(|part| data.join(part).symlink_metadata().is_ok()).collect();
    if held.is_empty() {
        return Ok(None);
    }
    let now = markdown::civil::utc(SystemClock.now().0);
    let stamp: String = now.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = |n: u32| data.join(if n == 0 { format!("replaced-{stamp}") } else { format!("replaced-{stamp}-{n}") });
    let aside =
        (0..1_000).map(name).find(|aside| !aside.exists()).context("a thousand stores were replaced this second")?;
    fs::create_dir(&aside).with_context(|| format!("{} can't be made", aside.display()))?;
    // The store first: without it nothing of what is left opens.
    for part in held.iter().rev() {
        fs::rename(data.join(part), aside.join(part)).with_context(|| format!("{part} can't be moved aside"))?;
    }
    sync(&aside)?;
    sync(data)?;
    Ok(Some(aside))
}

/// What was renamed in a folder is on disk.
pub(super) fn sync(folder: &Path) -> anyhow::Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("{} can't be written to disk", folder.display()))
}
