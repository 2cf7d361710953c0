//! The files of a workspace after the run, against what the journals say of them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use super::Report;
use super::work::{FOLDER, File};

/// Whether a write was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    /// Perhaps.
    Open,
}

/// What stands on the disk and has not been accounted for yet.
#[derive(Debug, Default)]
pub(super) struct Disk {
    files: BTreeMap<String, Vec<u8>>,
    /// By the path of the file that was replaced.
    versions: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
}

impl Disk {
    pub(super) fn read(workspace: &Path) -> anyhow::Result<Self> {
        let mut disk = Self::default();
        for (name, bytes) in files_of(&workspace.join(FOLDER))? {
            disk.files.insert(format!("{FOLDER}/{name}"), bytes);
        }
        let versions = workspace.join(".versions").join(FOLDER);
        if versions.is_dir() {
            for folder in std::fs::read_dir(&versions)? {
                let folder = folder?;
                let path = format!("{FOLDER}/{}", folder.file_name().display());
                disk.versions.insert(path, files_of(&folder.path())?);
            }
        }
        Ok(disk)
    }

    /// Accounts for a file that was written in steps of `work`, so far as `fates` says. `may_be_cut`: its last write may have
    /// been cut off for good, and what is half done stands beside it.
    pub(super) fn check(
        &mut self,
        report: &mut Report,
        (work, may_be_cut): (&str, bool),
        (file, fates): (&File, &[Fate]),
    ) {
        let half = |name: &str| may_be_cut && name.starts_with(&format!(".{work}-")) && name.ends_with(".tmp");
        self.files.retain(|path, _| !path.rsplit('/').next().is_some_and(half));
        let found = self.files.remove(&file.path);
        let mut allowed = vec![None];
        for (text, fate) in file.texts.iter().zip(fates) {
            if *fate == Fate::Done {
                allowed.clear();
            }
            allowed.push(Some(text.as_bytes()));
        }
        report.tasks.files += u64::from(found.is_some());
        if !allowed.contains(&found.as_deref()) {
            report.tasks.torn += 1;
            let bytes =
                found.map_or_else(|| "not there".to_owned(), |bytes| format!("{:?}", String::from_utf8_lossy(&bytes)));
            report.fault(format!("{} of {work} is none of its texts after {fates:?}: {bytes}", file.path));
        }
        self.versions_of(report, (work, &half), (file, fates));
    }

    /// A text that was replaced is kept once.
    fn versions_of(
        &mut self,
        report: &mut Report,
        (work, half): (&str, &dyn Fn(&str) -> bool),
        (file, fates): (&File, &[Fate]),
    ) {
        let mut kept = self.versions.remove(&file.path).unwrap_or_default();
        kept.retain(|name, _| !half(name));
        report.tasks.versions += kept.len() as u64;
        let first = file.texts.first().map(String::as_bytes).unwrap_or_default();
        let is_whole = kept.values().all(|bytes| bytes == first);
        let fits = match fates.get(1) {
            None => kept.is_empty(),
            Some(Fate::Open) => kept.len() <= 1,
            Some(Fate::Done) => kept.len() == 1,
        };
        if !is_whole {
            report.tasks.torn += 1;
        }
        if !fits {
            report.tasks.doubled += 1;
        }
        if !fits || !is_whole {
            let names: Vec<&String> = kept.keys().collect();
            report.fault(format!(
                "{} of {work} has the versions {names:?} after {fates:?} (whole: {is_whole})",
                file.path
            ));
        }
    }

    /// What nobody accounts for.
    pub(super) fn rest(self, report: &mut Report) {
        let versions =
            self.versions.iter().flat_map(|(path, kept)| kept.keys().map(move |name| format!("{path}/{name}")));
        for path in self.files.into_keys().chain(versions) {
            report.tasks.leftovers += 1;
            report.fault(format!("{path} is left over: no journal knows of it"));
        }
    }
}

fn files_of(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} can't be listed", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let bytes = std::fs::read(entry.path()).with_context(|| entry.path().display().to_string())?;
        files.insert(entry.file_name().display().to_string(), bytes);
    }
    Ok(files)
}
