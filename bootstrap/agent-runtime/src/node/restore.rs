//! A restore that was cut off leaves a folder behind, and no node starts beside it.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// Where a backup is unpacked, in the data folder; it goes when all is in its place.
pub(crate) fn staging(data: &Path) -> PathBuf {
    data.join(".restore")
}

/// Refuses a data folder into which a restore is under way, or was cut off.
pub(super) fn is_over(data: &Path) -> anyhow::Result<()> {
    let staging = staging(data);
    if staging.exists() {
        bail!(
            "a backup is being restored into {}, or that was cut off; run `agent-runtime restore` with --replace again: what is there is moved aside, never deleted",
            data.display()
        );
    }
    Ok(())
}
