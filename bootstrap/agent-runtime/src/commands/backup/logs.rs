//! Logs of a restored store, as its entries say: the files in the backup are a moment younger than its store.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Context as _;
use messages::store::LogRow;
use store::verify::EntryRows;
use workspaces::render;

/// Writes all of them anew, each whole.
pub(super) fn write(store: &Path, workspaces: &Path) -> anyhow::Result<u64> {
    let (mut written, mut failed) = (0, None);
    store::verify::for_each_log(store, &mut |log, rows| match one(workspaces, log, rows) {
        Ok(()) => {
            written += 1;
            ControlFlow::Continue(())
        }
        Err(error) => {
            failed = Some(error.context(format!("the log {} can't be written", log.log)));
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(written), Err)
}

fn one(workspaces: &Path, log: &LogRow, rows: &mut EntryRows<'_>) -> anyhow::Result<()> {
    let path = workspaces.join(&log.log);
    fs::create_dir_all(path.parent().context("it has no folder")?)?;
    let mut out = BufWriter::new(File::create(&path)?);
    for row in rows {
        out.write_all(render::entry(&row?).as_bytes())?;
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}
