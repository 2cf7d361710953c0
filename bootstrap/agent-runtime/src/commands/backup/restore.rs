//! `restore`: a data folder from a backup, as a new generation; whole, or not there.

use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use backup::{Bad, Stat};
use config::Config;
use fail::fail_point;
use messages::Moment;
use messages::store::Restored;
use runtime::{Clock as _, SystemClock};
use secrets::KeyAt;
use serde::Serialize;

use super::super::{FAULTS_FOUND, give_json};
use super::scratch::Scratch;
use super::{KEY, SECRETS, STORE, WORKSPACES, keys, logs, place};
use crate::cli::Restore;
use crate::doctor::word;
use crate::logging;
use crate::node::{self, VERSION};

/// What was done.
#[derive(Debug, Serialize)]
struct Report {
    data: PathBuf,
    files: usize,
    logs: u64,
    /// Where what was there before is now.
    moved_aside: Option<PathBuf>,
    restored: Restored,
    /// Why the secrets in it can't be read yet, and what to do; `None` where they can, or there are none.
    secrets: Option<String>,
}

pub(super) fn run(args: &Restore) -> anyhow::Result<ExitCode> {
    let config = node::load(&args.place)?;
    let data = node::absolute(&config.node.data)?;
    let plain = keys::open_plain(&args.file, args.with.key.as_deref())?;
    let _held = place::check(&data, args.replace)?;
    let staging = Scratch::at(node::restore::staging(&data))?;
    let unpacked = backup::read(plain, &mut |name, stat, from| extract(&staging, name, stat, from));
    let (manifest, hash) = match unpacked {
        Ok(read) => read,
        Err(put @ Bad::Put { .. }) => return Err(put).context("nothing was restored; see that the disk has room"),
        Err(bad) => {
            logging::say(&format!("{}: {bad}; nothing was restored, use another backup", args.file.display()));
            return Ok(ExitCode::from(FAULTS_FOUND));
        }
    };
    fail_point!("restore.unpacked");
    let facts = serde_json::from_value(manifest.about.store).context("the backup does not say what its store holds")?;
    let of = Moment(manifest.about.created_at);
    let (own, workspaces) = (node::own_folder(staging.folder()), staging.join("workspaces"));
    let restore = store::restore::Restore { version: VERSION, at: SystemClock.now(), of, manifest: hash, facts };
    let restored = store::restore::fork(&own, &restore)?;
    fail_point!("restore.forked");
    let logs = logs::write(&own, &workspaces)?;
    let found = store::verify(&own)?;
    if found.faults_total > manifest.about.faults {
        let first = found.faults.first().map(|fault| format!("{}: {}", fault.code, fault.what)).unwrap_or_default();
        bail!("the restored store has {} faults ({first}); nothing was restored", found.faults_total);
    }
    // All that was written above, be it the smallest file.
    rustix::fs::syncfs(std::fs::File::open(staging.folder())?)?;
    fail_point!("restore.before_place");
    let moved_aside = place::put(staging.folder(), &data)?;
    drop(staging);
    place::sync(&data)?;
    let secrets = locked_secrets(&config, args, moved_aside.as_deref())?;
    let report = Report { data, files: manifest.members.len(), logs, moved_aside, restored, secrets };
    if args.json {
        give_json(&report)?;
    } else {
        show(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn extract(staging: &Scratch, name: &str, stat: Stat, from: &mut dyn io::Read) -> io::Result<()> {
    let is_own = [STORE, KEY, SECRETS].contains(&name);
    if !is_own && !name.starts_with(WORKSPACES) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a backup holds a store and workspaces, and nothing else",
        ));
    }
    let path = staging.join(name);
    let folder = path.parent().ok_or_else(|| io::Error::other("it has no folder"))?;
    fs::DirBuilder::new().recursive(true).mode(if is_own { 0o700 } else { 0o777 }).create(folder)?;
    let mut out = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
    io::copy(from, &mut out)?;
    // Who owns a file can read and write it, whatever the backup says.
    out.set_permissions(Permissions::from_mode(if is_own { 0o600 } else { stat.mode | 0o600 }))?;
    out.set_times(FileTimes::new().set_modified(UNIX_EPOCH + Duration::from_secs(stat.changed_s)))?;
    Ok(())
}

/// The key of the secrets is in no backup. The one of what was there before may be the one.
fn locked_secrets(config: &Config, args: &Restore, aside: Option<&Path>) -> anyhow::Result<Option<String>> {
    let place = node::secrets::place(config)?;
    let Err(error) = place.read() else { return Ok(None) };
    let flags = args.place.flags();
    let old = aside.and_then(|aside| Some(aside.join("agent-runtime").join(place.key().path().file_name()?)));
    let old = old.filter(|old| matches!(place.key(), KeyAt::Own(_)) && old.exists());
    Ok(Some(match old {
        None => node::secrets::in_words(&error, &flags),
        Some(old) => format!("{error}; what to do: cp -p {} {}", word(&old), word(place.key().path())),
    }))
}

fn show(report: &Report) {
    let of = &report.restored;
    logging::give(&format!(
        "restored {} from a backup of {}: {} files, {} logs",
        report.data.display(),
        markdown::civil::utc(of.of.0),
        report.files,
        report.logs
    ));
    logging::give(&format!("in doubt {} events, {} replies, {} tasks", of.events, of.replies, of.tasks));
    if let Some(aside) = &report.moved_aside {
        logging::give(&format!("before   what was there is in {}", aside.display()));
    }
    if let Some(secrets) = &report.secrets {
        logging::say(secrets);
    }
    if of.events + of.replies + of.tasks > 0 {
        logging::say(
            "what is in doubt may have been answered, sent or done after the backup; it is not done again by itself. `agent-runtime tasks` and `agent-runtime audit tail` name it; docs/backup.md says what to do",
        );
    }
}
