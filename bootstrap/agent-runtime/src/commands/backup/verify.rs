//! `backup verify`: every byte, the store in it, and its audit chain.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use backup::{About, Bad};
use serde::Serialize;
use store::OpenOptions;

use super::super::{FAULTS_FOUND, give_json, megabytes};
use super::create::Packed;
use super::scratch::Scratch;
use super::{BLOCK_BYTES, KEY, STORE, keys};
use crate::cli::BackupVerify;
use crate::logging;
use crate::node::VERSION;

#[derive(Debug, Serialize)]
struct Report {
    file: PathBuf,
    clean: bool,
    /// What is wrong with the file, and in which member.
    damage: Option<String>,
    about: Option<About>,
    members: usize,
    content_bytes: u64,
    manifest_sha256: String,
    /// The store in it, as `verify` tells of one.
    store: Option<store::verify::Report>,
}

pub(super) fn run(args: &BackupVerify) -> anyhow::Result<ExitCode> {
    let report = look(&args.file, args.with.key.as_deref())?;
    if args.json {
        give_json(&report)?;
    } else {
        show(&report);
    }
    Ok(if report.clean { ExitCode::SUCCESS } else { ExitCode::from(FAULTS_FOUND) })
}

fn look(file: &Path, key: Option<&Path>) -> anyhow::Result<Report> {
    let mut report = Report {
        file: file.to_owned(),
        clean: false,
        damage: None,
        about: None,
        members: 0,
        content_bytes: 0,
        manifest_sha256: String::new(),
        store: None,
    };
    let plain = keys::open_plain(file, key)?;
    // Where the backup lies there may be no room, or no right to write.
    let beside = Scratch::beside(file, "verify");
    let scratch =
        beside.or_else(|_| Scratch::at(std::env::temp_dir().join(format!("backup-{}", std::process::id()))))?;
    match backup::read(plain, &mut |name, _, from| extract_store(&scratch, name, from)) {
        Err(put @ Bad::Put { .. }) => bail!("the store can't be unpacked to be looked at: {put}"),
        Err(bad) => report.damage = Some(bad.to_string()),
        Ok((manifest, hash)) => {
            (report.members, report.content_bytes) = (manifest.members.len(), manifest.bytes);
            (report.manifest_sha256, report.about) = (hash, Some(manifest.about));
            let store = verified(&scratch.join("agent-runtime"))?;
            report.clean = store.is_clean();
            report.store = Some(store);
        }
    }
    Ok(report)
}

fn extract_store(scratch: &Scratch, name: &str, from: &mut dyn io::Read) -> io::Result<()> {
    if name != STORE && name != KEY {
        return Ok(());
    }
    scratch.make("agent-runtime").map_err(io::Error::other)?;
    let mut out = File::options().write(true).create_new(true).mode(0o600).open(scratch.join(name))?;
    io::copy(from, &mut out).map(drop)
}

/// The store in a folder that is nobody's; one of an earlier version is brought to this one first.
fn verified(folder: &Path) -> anyhow::Result<store::verify::Report> {
    match store::verify(folder) {
        Err(store::verify::VerifyError::Version { found, known, .. }) if found < known => {
            store::open(folder, &OpenOptions::new(VERSION))?.close()?;
            Ok(store::verify(folder)?)
        }
        report => Ok(report?),
    }
}

/// What is on disk is what was written, byte for byte; one that is not encrypted is read as a backup besides.
pub(super) fn is_as_written(part: &Path, packed: &Packed, is_encrypted: bool) -> anyhow::Result<()> {
    let failed = || format!("the backup was written to {} and can't be read back; try again", part.display());
    let open = || File::open(part).map(|file| io::BufReader::with_capacity(BLOCK_BYTES, file));
    let mut is_same = backup::hash_of(&mut open().with_context(failed)?).with_context(failed)? == packed.of_file;
    if !is_encrypted {
        let read = backup::read(open().with_context(failed)?, &mut |_, _, _| Ok(()));
        let (manifest, hash) = read.with_context(failed)?;
        is_same = is_same && manifest == packed.manifest && hash == packed.hash;
    }
    if !is_same {
        bail!("the backup in {} reads back as another one; look at the disk", part.display());
    }
    Ok(())
}

fn show(report: &Report) {
    if let Some(damage) = &report.damage {
        logging::give(&format!("DAMAGED  {}: {damage}", report.file.display()));
        return;
    }
    let made = report.about.as_ref().map(|about| (markdown::civil::utc(about.created_at), about.version.clone()));
    let (at, version) = made.unwrap_or_default();
    logging::give(&format!(
        "backup   of {at}, by version {version}\nfiles    {}, {:.1} MB\nmanifest {}",
        report.members,
        megabytes(report.content_bytes),
        report.manifest_sha256
    ));
    let Some(store) = &report.store else { return };
    logging::give(&format!("store    {} events, {} replies, {} tasks", store.inbox, store.outbox, store.tasks));
    logging::give(&format!("audit    {} records, {} signed checkpoints", store.audit.records, store.audit.checkpoints));
    for fault in &store.faults {
        logging::give(&format!("FAULT    {} on {}: {}", fault.code, fault.subject, fault.what));
    }
    logging::give(&match store.faults_total {
        0 => "clean    every byte is as it was written, and the store is as promised".to_owned(),
        total => format!("{total} faults; docs/guarantees.md says what each promise means"),
    });
}
