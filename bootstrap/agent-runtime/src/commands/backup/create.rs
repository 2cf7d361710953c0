//! `backup create`: the store first, then the files, into one file that has its name only when it is whole.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use age_format::{Encrypt, Lock};
use anyhow::{Context as _, bail};
use backup::{About, FORMAT, Hashed, Manifest, Packer};
use fail::fail_point;
use runtime::{Clock as _, SystemClock};
use serde::Serialize;
use store::backup::{Facts, Known};
use store::verify::VerifyError;

use super::super::{FAULTS_FOUND, give_json, megabytes};
use super::scratch::Scratch;
use super::{BLOCK_BYTES, KEY, SECRETS, STORE, files, keys, verify};
use crate::cli::BackupCreate;
use crate::logging;
use crate::node::{self, VERSION};

/// Files left out that are named; the rest is counted.
const NAMED_MAX: usize = 20;

/// What was made.
#[derive(Debug, Serialize)]
struct Made {
    file: PathBuf,
    bytes: u64,
    encrypted: bool,
    /// Of the manifest; keep it elsewhere to know the backup by.
    manifest_sha256: String,
    members: usize,
    content_bytes: u64,
    left_out: usize,
    about: About,
}

pub(super) fn run(args: &BackupCreate) -> anyhow::Result<ExitCode> {
    let data = node::absolute(&node::load(&args.read.place)?.node.data)?;
    let lock = args.encrypt_to.as_deref().map(keys::lock).transpose()?;
    let file = node::absolute(&args.file.clone().unwrap_or_else(|| default_name(lock.is_some())))?;
    if file.symlink_metadata().is_ok() {
        bail!("{} is there already; give another name, or delete it", file.display());
    }
    let made = make(&data, &file, lock.as_ref())?;
    if args.read.json {
        give_json(&made)?;
    } else {
        show(&made);
    }
    Ok(if made.about.faults == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAULTS_FOUND) })
}

/// `agent-runtime-20261127T221500Z.tar.zst`.
fn default_name(encrypted: bool) -> PathBuf {
    let now = markdown::civil::utc(SystemClock.now().0);
    let stamp: String = now.chars().filter(char::is_ascii_alphanumeric).collect();
    PathBuf::from(format!("agent-runtime-{stamp}.tar.zst{}", if encrypted { ".age" } else { "" }))
}

fn make(data: &Path, file: &Path, lock: Option<&Lock>) -> anyhow::Result<Made> {
    let scratch = Scratch::beside(file, "part")?;
    let copy = scratch.make("store")?;
    let created_at = SystemClock.now().0;
    let facts = store::backup::snapshot(&node::own_folder(data), &copy)?;
    fail_point!("backup.copied");
    let faults = faults_of(&copy, &node::own_folder(data))?;
    let store = serde_json::to_value::<Facts>(facts)?;
    let about = About { format: FORMAT, version: VERSION.to_owned(), created_at, faults, store };
    let part = scratch.join("backup");
    let packed = pack((data, &copy), &part, lock, about)?;
    fail_point!("backup.packed");
    verify::is_as_written(&part, &packed, lock.is_some())?;
    fail_point!("backup.before_rename");
    let bytes = std::fs::metadata(&part)?.len();
    put_in_place(&part, file)?;
    fail_point!("backup.after_rename");
    tell_left_out(&packed.left_out);
    Ok(Made {
        file: file.to_owned(),
        bytes,
        encrypted: lock.is_some(),
        manifest_sha256: packed.hash,
        members: packed.manifest.members.len(),
        content_bytes: packed.manifest.bytes,
        left_out: packed.left_out.len(),
        about: packed.manifest.about,
    })
}

/// What is wrong with the copy; that it is of another schema is said of the store itself.
fn faults_of(copy: &Path, own: &Path) -> Result<u64, VerifyError> {
    store::verify(copy).map(|report| report.faults_total).map_err(|error| match error {
        VerifyError::Version { file, found, known } => {
            VerifyError::Version { file: file.file_name().map_or(file.clone(), |name| own.join(name)), found, known }
        }
        other => other,
    })
}

/// What was written.
pub(super) struct Packed {
    pub(super) manifest: Manifest,
    pub(super) hash: String,
    /// SHA-256 of the file.
    pub(super) of_file: String,
    left_out: Vec<String>,
}

fn pack((data, copy): (&Path, &Path), part: &Path, lock: Option<&Lock>, about: About) -> anyhow::Result<Packed> {
    let failed = || format!("the backup can't be written to {}; see that the disk has room", part.display());
    let out = File::options().write(true).create_new(true).mode(0o600).open(part).with_context(failed)?;
    let out = Hashed::new(BufWriter::with_capacity(BLOCK_BYTES, out));
    let (out, packed) = match lock {
        None => fill(out, (data, copy), about).with_context(failed)?,
        Some(lock) => {
            let encrypt = Encrypt::new(out, lock).with_context(failed)?;
            let (encrypt, packed) = fill(encrypt, (data, copy), about).with_context(failed)?;
            (encrypt.finish().with_context(failed)?, packed)
        }
    };
    let (out, of_file) = out.finish();
    let out = out.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(failed)?;
    out.sync_all().with_context(failed)?;
    Ok(Packed { of_file, ..packed })
}

fn fill<W: Write>(out: W, (data, copy): (&Path, &Path), about: About) -> anyhow::Result<(W, Packed)> {
    let mut packer = Packer::new(out, about)?;
    files::put_as(&mut packer, &copy.join("meta.sqlite"), STORE)?;
    files::put_as(&mut packer, &copy.join("audit.key"), KEY)?;
    // Each change of it is another file, so that what is opened here is whole.
    files::put_as(&mut packer, &node::own_folder(data).join(secrets::STORE_FILE), SECRETS)?;
    let known = Known::of(copy)?;
    let left_out = files::pack(&mut packer, &data.join("workspaces"), &known)?;
    let (out, manifest, hash) = packer.finish()?;
    Ok((out, Packed { manifest, hash, left_out, of_file: String::new() }))
}

/// Renamed over nothing: a name that somebody else has taken meanwhile is not taken from them.
fn put_in_place(part: &Path, file: &Path) -> anyhow::Result<()> {
    let failed = || format!("the backup can't be moved to {}", file.display());
    if file.symlink_metadata().is_ok() {
        bail!("{} came to be there meanwhile; give another name", file.display());
    }
    std::fs::rename(part, file).with_context(failed)?;
    let folder = file.parent().with_context(failed)?;
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(failed)
}

fn tell_left_out(left_out: &[String]) {
    for what in left_out.iter().take(NAMED_MAX) {
        logging::say(&format!("left out {what}"));
    }
    if left_out.len() > NAMED_MAX {
        logging::say(&format!("left out {} more", left_out.len() - NAMED_MAX));
    }
}

fn show(made: &Made) {
    logging::give(&format!(
        "{}\nbytes    {:.1} MB, of {:.1} MB in {} files\nmanifest {}",
        made.file.display(),
        megabytes(made.bytes),
        megabytes(made.content_bytes),
        made.members,
        made.manifest_sha256
    ));
    if made.about.faults > 0 {
        let faults = made.about.faults;
        logging::say(&format!(
            "the store has {faults} faults, and the backup has them, too; `agent-runtime verify` names them"
        ));
    }
}
