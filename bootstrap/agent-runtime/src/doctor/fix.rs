//! Repairs that can do no harm: what is ours is closed to others. Links and files of other accounts are left alone.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use super::facts::{Facts, PathFacts};
use super::judge::place::is_open;

/// Closes the data folder and the node's own files in it.
pub(super) fn rights(facts: &Facts) -> Vec<String> {
    close(&facts.paths, facts.uid)
}

/// Closes the files of keys.
pub(super) fn secrets(facts: &Facts) -> Vec<String> {
    close(facts.secrets.as_deref().unwrap_or_default(), facts.uid)
}

fn close(paths: &[PathFacts], uid: u32) -> Vec<String> {
    let ours = paths.iter().filter(|path| is_open(path) && path.uid == uid);
    ours.map(|path| {
        let (shown, mode) = (path.path.display(), path.mode & 0o700);
        match std::fs::set_permissions(&path.path, Permissions::from_mode(mode)) {
            Ok(()) => format!("{shown}: mode {:03o} is now {mode:03o}", path.mode),
            Err(error) => format!("{shown}: its mode could not be changed ({error})"),
        }
    })
    .collect()
}
