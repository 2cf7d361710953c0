//! `backup list`: what lies in a folder.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use backup::About;
use serde::Serialize;

use super::super::{FAULTS_FOUND, give_json, give_table, megabytes};
use super::keys::{self, Opened};
use crate::cli::BackupList;

/// Files that are listed.
const FILES_MAX: usize = 10_000;
const ENDINGS: [&str; 2] = [".tar.zst", ".tar.zst.age"];
const PART: &str = ".part";

#[derive(Debug, Serialize)]
struct Entry {
    file: PathBuf,
    bytes: u64,
    encrypted: bool,
    /// What it says of itself; `None` when it is encrypted and no key was given, or can't be read.
    about: Option<About>,
    /// Why it can't be read, or what it is if it is no backup.
    problem: Option<String>,
}

pub(super) fn run(args: &BackupList) -> anyhow::Result<ExitCode> {
    let entries =
        found(&args.folder)?.into_iter().map(|file| entry(file, args.with.key.as_deref())).collect::<Vec<_>>();
    if args.json {
        give_json(&entries)?;
    } else {
        let header = ["BACKUP", "MADE", "VERSION", "MB", "EVENTS", "TASKS", "AUDIT", ""];
        give_table(&header, entries.iter().map(row));
    }
    let all_fine = entries.iter().all(|entry| entry.problem.is_none());
    Ok(if all_fine { ExitCode::SUCCESS } else { ExitCode::from(FAULTS_FOUND) })
}

fn found(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let failed = || format!("the folder {} can't be read", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(failed)?.take(FILES_MAX) {
        let path = entry.with_context(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let backup = name.strip_suffix(PART).unwrap_or(&name);
        if ENDINGS.iter().any(|ending| backup.ends_with(ending)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn entry(file: PathBuf, key: Option<&Path>) -> Entry {
    let bytes = std::fs::metadata(&file).map_or(0, |found| found.len());
    if file.is_dir() {
        let problem = "a backup that is being made, or was cut off; then it can be deleted".to_owned();
        return Entry { file, bytes: 0, encrypted: false, about: None, problem: Some(problem) };
    }
    let (encrypted, about, problem) = match keys::open(&file, key) {
        Ok(Opened::Locked) => (true, None, None),
        Ok(Opened::Plain(plain)) => match backup::about(plain) {
            Ok(about) => (is_age(&file), Some(about), None),
            Err(bad) => (is_age(&file), None, Some(bad.to_string())),
        },
        Err(error) => (is_age(&file), None, Some(format!("{error:#}"))),
    };
    Entry { file, bytes, encrypted, about, problem }
}

fn is_age(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "age")
}

fn row(entry: &Entry) -> Vec<String> {
    let of_store = |about: &About, name: &str| about.store.get(name).map(ToString::to_string).unwrap_or_default();
    let (about, told) =
        (entry.about.as_ref(), |name| entry.about.as_ref().map_or_else(String::new, |a| of_store(a, name)));
    let faults = about.filter(|about| about.faults > 0).map(|about| format!("{} faults", about.faults));
    let locked = (entry.encrypted && about.is_none()).then(|| "encrypted; --key shows more".to_owned());
    vec![
        entry.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        about.map_or_else(String::new, |about| markdown::civil::utc(about.created_at)),
        about.map_or_else(String::new, |about| about.version.clone()),
        format!("{:.1}", megabytes(entry.bytes)),
        told("events"),
        told("tasks"),
        told("audit_records"),
        entry.problem.clone().or(faults).or(locked).unwrap_or_default(),
    ]
}
