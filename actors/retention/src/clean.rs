//! Copies of words outside of the store's file: the store as it was before an upgrade, and what was typed at the terminal.

use std::path::Path;
use std::time::UNIX_EPOCH;

use messages::Moment;

/// The most files of the folder that are looked at.
const FILES_MAX: usize = 10_000;

/// Removes copies of the store that were made before a moment; `None`: none is too old.
///
/// # Errors
/// What could not be removed, and why.
pub(crate) fn copies(own: &Path, before: Option<Moment>) -> Result<(), String> {
    let Some(before) = before else { return Ok(()) };
    let files = std::fs::read_dir(own).map_err(|e| e.to_string())?;
    for file in files.flatten().take(FILES_MAX) {
        let name = file.file_name();
        let is_copy = name.to_str().is_some_and(|name| name.starts_with("meta.before-v"));
        let made = file.metadata().and_then(|facts| facts.modified()).ok();
        let made_ms = made.and_then(|made| made.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_millis());
        if is_copy && i64::try_from(made_ms).unwrap_or(i64::MAX) < before.0 {
            remove(&file.path())?;
        }
    }
    Ok(())
}

/// Removes what was typed at the terminal of this data folder, by whoever.
///
/// # Errors
/// Why it could not be removed.
pub(crate) fn history(own: &Path) -> Result<(), String> {
    remove(&own.join("history"))
}

fn remove(file: &Path) -> Result<(), String> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", file.display())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_that_are_too_old_go_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["meta.before-v3.sqlite", "meta.before-v4.sqlite.half", "meta.sqlite", "audit.key"];
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), "x").unwrap());
        let left = || {
            let mut names: Vec<String> = std::fs::read_dir(folder.path())
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        copies(folder.path(), None).unwrap();
        copies(folder.path(), Some(Moment(1_000))).unwrap();
        assert_eq!(left().len(), 4);
        copies(folder.path(), Some(Moment(i64::MAX))).unwrap();
        assert_eq!(left(), ["audit.key", "meta.sqlite"]);
        history(folder.path()).unwrap();
    }
}
