//! What an event of the file system means for what is watched. Nothing here touches a disk.

use std::path::PathBuf;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode};
use notify::{Event, EventKind};

/// Names that wait to be looked at; beyond them everything is looked through again.
pub(super) const NAMES_WAITING_MAX: usize = 1_024;

/// What has happened since the last look; bounded, however much happens.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// Something may have changed.
    pub(super) changed: bool,
    /// Folders that are new and not watched yet.
    pub(super) new_folders: Vec<PathBuf>,
    /// What is not there any more under this name: files, folders, a root.
    pub(super) gone: Vec<PathBuf>,
    /// Events were lost: look through all folders again.
    pub(super) all: bool,
    /// The system refuses more watches, or watching failed; the reason.
    pub(super) failure: Option<String>,
}

impl Pending {
    /// Takes note of an event. Gives whether there is something to do.
    pub(super) fn heard(&mut self, event: notify::Result<Event>) -> bool {
        match event {
            Ok(event) if event.need_rescan() => self.all = true,
            Ok(event) if is_idle(event.kind) => return false,
            Ok(event) => self.event(event),
            Err(error) => self.failure = Some(error.to_string()),
        }
        self.changed = true;
        true
    }

    fn event(&mut self, event: Event) {
        match event.kind {
            EventKind::Create(CreateKind::File) | EventKind::Remove(RemoveKind::File) => {}
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
                self.gone.extend(event.paths);
            }
            // A rename may bring a folder: whether it is one is looked up when it is watched.
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
                self.new_folders.extend(event.paths);
            }
            _ => {}
        }
        if self.new_folders.len() + self.gone.len() > NAMES_WAITING_MAX {
            (self.new_folders, self.gone) = (Vec::new(), Vec::new());
            self.all = true;
        }
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
            pending.heard(event);
        }
        pending
    }

    #[test]
    fn reading_a_file_is_no_change() {
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        assert_eq!(heard(vec![Ok(Event::new(opened))]), Pending::default());
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert!(heard(vec![Ok(Event::new(written))]).changed);
        assert!(heard(vec![Ok(Event::new(EventKind::Modify(ModifyKind::Data(DataChange::Any))))]).changed);
    }

    #[test]
    fn new_folders_wait_to_be_watched_and_a_flood_means_all() {
        let new = |n: usize| Ok(Event::new(EventKind::Create(CreateKind::Folder)).add_path(format!("/{n}").into()));
        let edge = heard((0..NAMES_WAITING_MAX).map(new).collect());
        assert!(!edge.all && edge.new_folders.len() == NAMES_WAITING_MAX);
        let flood = heard((0..=NAMES_WAITING_MAX).map(new).collect());
        assert!(flood.all && flood.new_folders.is_empty());
    }

    #[test]
    fn lost_events_mean_all_and_lost_folders_are_noted() {
        assert!(heard(vec![Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan))]).all);
        let gone = Event::new(EventKind::Remove(RemoveKind::Folder)).add_path("/a".into());
        assert_eq!(heard(vec![Ok(gone)]).gone, [PathBuf::from("/a")]);
        let renamed = Event::new(EventKind::Modify(ModifyKind::Name(RenameMode::From))).add_path("/b".into());
        assert_eq!(heard(vec![Ok(renamed)]).gone, [PathBuf::from("/b")]);
        let file = Event::new(EventKind::Remove(RemoveKind::File)).add_path("/c".into());
        assert!(heard(vec![Ok(file)]).gone.is_empty());
    }

    #[test]
    fn an_error_is_kept_with_its_words() {
        let full = heard(vec![Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch))]);
        assert!(full.failure.is_some() && full.changed);
    }
}
