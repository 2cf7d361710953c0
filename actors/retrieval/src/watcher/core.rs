//! What an event of the file system means for what is watched. Nothing here touches a disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode};
use notify::{Event, EventKind};

use crate::changes::NAMES_WAITING_MAX;

/// What has happened since the last look; bounded, however much happens.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// All names that something happened to.
    pub(super) changed: BTreeSet<PathBuf>,
    /// Of them, what may be a folder that is not watched yet.
    pub(super) folders: BTreeSet<PathBuf>,
    /// Of them, what is not there any more under this name: files, folders, a root.
    pub(super) gone: BTreeSet<PathBuf>,
    /// Events were lost, or there were too many: look through all folders again.
    pub(super) all: bool,
    /// The system refuses more watches, or watching failed; the reason.
    pub(super) failure: Option<String>,
}

/// What an event says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// A file, as it was and is, has other words.
    Written,
    /// A file is new under this name or gone. It may be a link.
    File,
    /// Something is gone from this name, and may be there again.
    Gone,
    /// Something is at this name that may be a folder.
    There,
}

impl Pending {
    /// Takes note of an event, as far as it `concerns` a name; the second argument is true for what is no folder and no
    /// link. Gives whether there is something to do.
    pub(super) fn heard(&mut self, event: notify::Result<Event>, concerns: &dyn Fn(&Path, bool) -> bool) -> bool {
        match event {
            Ok(event) if event.need_rescan() => self.all = true,
            Ok(event) if is_idle(event.kind) => return false,
            Ok(event) => return self.event(event, concerns),
            Err(error) => self.failure = Some(error.to_string()),
        }
        true
    }

    fn event(&mut self, event: Event, concerns: &dyn Fn(&Path, bool) -> bool) -> bool {
        let said = said(event.kind);
        let names: Vec<PathBuf> =
            event.paths.into_iter().filter(|path| concerns(path, said == Said::Written)).collect();
        let is_heard = !names.is_empty();
        // When all is looked at anyway no name is needed.
        for name in names.into_iter().filter(|_| !self.all) {
            if said == Said::Gone {
                self.gone.insert(name.clone());
            }
            if matches!(said, Said::Gone | Said::There) {
                self.folders.insert(name.clone());
            }
            self.changed.insert(name);
        }
        if self.changed.len() > NAMES_WAITING_MAX {
            *self = Self { all: true, failure: self.failure.take(), ..Self::default() };
        }
        is_heard
    }
}

fn said(kind: EventKind) -> Said {
    match kind {
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Data(_)) => Said::Written,
        EventKind::Create(CreateKind::File) | EventKind::Remove(RemoveKind::File) => Said::File,
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Said::There,
        // Some systems don't say which of the two names of a renamed file one is.
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => Said::Gone,
        // Also when what may be read has changed: a folder that could not be watched may be one that can.
        _ => Said::There,
    }
}

/// Reading is no change; our own scans open every file.
fn is_idle(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

#[cfg(test)]
mod tests {
    use notify::event::{DataChange, Flag};

    use super::*;

    fn heard(events: Vec<notify::Result<Event>>) -> Pending {
        let mut pending = Pending::default();
        for event in events {
            pending.heard(event, &|path, is_file| {
                let is_text = !path.ends_with("x.o");
                !path.starts_with("/records") && (is_text || !is_file)
            });
        }
        pending
    }

    fn event(kind: EventKind, path: &str) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(path.into()))
    }

    fn set(all: &[&str]) -> BTreeSet<PathBuf> {
        all.iter().map(PathBuf::from).collect()
    }

    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));

    #[test]
    fn reading_a_file_is_no_change() {
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        assert_eq!(heard(vec![event(opened, "/a")]), Pending::default());
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let pending = heard(vec![event(written, "/a"), event(WRITTEN, "/b")]);
        assert_eq!(pending, Pending { changed: set(&["/a", "/b"]), ..Pending::default() });
    }

    #[test]
    fn records_and_files_that_are_no_texts_are_not_heard() {
        assert_eq!(heard(vec![event(WRITTEN, "/records/a.md"), event(WRITTEN, "/x.o")]), Pending::default());
        // It may be a link, which is told.
        assert_eq!(heard(vec![event(EventKind::Create(CreateKind::File), "/x.o")]).changed, set(&["/x.o"]));
    }

    #[test]
    fn new_folders_wait_to_be_watched_and_a_flood_means_all() {
        let new = |n: usize| event(EventKind::Create(CreateKind::Folder), &format!("/{n}"));
        let edge = heard((0..NAMES_WAITING_MAX).map(new).collect());
        assert!(!edge.all && edge.folders.len() == NAMES_WAITING_MAX);
        let flood = heard((0..NAMES_WAITING_MAX + 5).map(new).collect());
        assert_eq!(flood, Pending { all: true, ..Pending::default() });
    }

    #[test]
    fn lost_events_mean_all_and_lost_folders_are_noted() {
        assert!(heard(vec![Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan))]).all);
        for kind in [EventKind::Remove(RemoveKind::Folder), EventKind::Modify(ModifyKind::Name(RenameMode::From))] {
            let gone = heard(vec![event(kind, "/a")]);
            assert_eq!((gone.gone, gone.folders, gone.changed), (set(&["/a"]), set(&["/a"]), set(&["/a"])));
        }
        let file = heard(vec![event(EventKind::Remove(RemoveKind::File), "/c")]);
        assert!(file.gone.is_empty() && file.changed == set(&["/c"]));
    }

    #[test]
    fn a_folder_that_may_be_read_again_is_watched() {
        let mode = EventKind::Modify(ModifyKind::Metadata(notify::event::MetadataKind::Any));
        assert_eq!(heard(vec![event(mode, "/a")]).folders, set(&["/a"]));
    }

    #[test]
    fn an_error_is_kept_with_its_words() {
        let full = heard(vec![Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch))]);
        assert!(full.failure.is_some());
    }
}
