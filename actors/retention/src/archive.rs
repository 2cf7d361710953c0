//! Audit records that are to be taken out of the chain, in a file of their own: one JSON object a line, each with its hash.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use messages::store::{AuditCut, AuditRow, Query, Rows};
use runtime::StorePort;

/// The folder of archives, in the node's own.
const FOLDER: &str = "audit-archive";
/// Records that are read at a time.
const PAGE: u32 = 512;

/// Writes the records of a cut and gives the file's name. A repeat writes the same file again.
pub(crate) async fn write(own: &Path, cut: &AuditCut, store: &StorePort) -> Result<String, String> {
    let mut records: Vec<AuditRow> = Vec::new();
    let mut after = cut.from.saturating_sub(1);
    while after < cut.upto {
        let page = match store.query(Query::Audit { after, last: false, limit: PAGE }).await {
            Ok(Rows::Audit(page)) => page,
            Ok(_) => return Err("the store answered with other rows than records".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let Some(last) = page.last().map(|record| record.seq) else { break };
        records.extend(page.into_iter().filter(|record| record.seq <= cut.upto));
        after = last;
    }
    let name = format!("audit-{:012}-{:012}.jsonl", cut.from, cut.upto);
    let (folder, file) = (own.join(FOLDER), name.clone());
    tokio::task::spawn_blocking(move || put(&folder, &file, &records))
        .await
        .map_err(|e| e.to_string())?
        .map_err(|e| e.to_string())?;
    Ok(name)
}

/// Written beside and renamed: a file by that name is whole.
fn put(folder: &Path, name: &str, records: &[AuditRow]) -> std::io::Result<()> {
    if !folder.is_dir() {
        DirBuilder::new().mode(0o700).create(folder)?;
    }
    let new = folder.join(format!("{name}.new"));
    let mut file = BufWriter::new(OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?);
    for record in records {
        serde_json::to_writer(&mut file, record)?;
        file.write_all(b"\n")?;
    }
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()?;
    std::fs::rename(&new, folder.join(name))?;
    File::open(folder)?.sync_all()
}
