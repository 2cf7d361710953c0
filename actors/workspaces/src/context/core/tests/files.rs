//! The log files that a context at work has: what a process does with them, what a machine loses of them, what hands do.

use std::collections::BTreeMap;
use std::ops::Range;

use messages::store::{EntryOf, EntryRow, FileStamp, LogRow};

use super::super::super::compare::{Comparison, Found, Needed, needed};
use super::super::{Effect, Event};
use super::model::Model;
use crate::render;

/// Entries that are proven in one go.
const PAGE: usize = 3;

/// A log's file.
#[derive(Debug, Clone, Default)]
struct File {
    bytes: Vec<u8>,
    changes: i64,
}

impl File {
    fn stamp(&self) -> FileStamp {
        FileStamp { inode: 1, size: self.bytes.len() as u64, mtime_ns: self.changes }
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let from = usize::try_from(offset).unwrap();
        self.changes += 1;
        self.bytes.resize(self.bytes.len().max(from + bytes.len()), 0);
        self.bytes[from..from + bytes.len()].copy_from_slice(bytes);
    }

    fn read(&self, offset: u64, length: usize) -> &[u8] {
        let from = usize::try_from(offset).unwrap().min(self.bytes.len());
        &self.bytes[from..self.bytes.len().min(from + length)]
    }
}

/// What a hand does to a log.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hand {
    /// Writes over what is there: the file stays as long.
    Over,
    Into,
}

/// Words that a hand has written, and in place of which entries.
#[derive(Debug)]
struct Edit {
    words: String,
    over: Vec<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Disk {
    files: BTreeMap<String, File>,
    /// What the process remembers of each file.
    seen: BTreeMap<String, FileStamp>,
    pub(super) aside: Vec<Vec<u8>>,
    edits: Vec<Edit>,
    pub(super) fails: bool,
    /// Entries that were compared, by offset, since a test last looked.
    pub(super) compared: Vec<u64>,
}

fn broken(log: &str) -> Event {
    Event::LogWritten { log: log.to_owned(), problem: Some("no space left on device".into()) }
}

fn seq_of(entry: &EntryRow) -> (i64, bool) {
    match &entry.of {
        EntryOf::Inbound(row) => (row.seq, row.redacted),
        EntryOf::Outbound(row) => (row.seq, row.redacted),
    }
}

impl Disk {
    pub(super) fn text(&self, log: &str) -> String {
        self.files.get(log).map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(super) fn has(&self, words: &str) -> bool {
        self.files.keys().any(|log| self.text(log).contains(words))
    }

    pub(super) fn stamp(&self, log: &str) -> FileStamp {
        self.files.get(log).map(File::stamp).unwrap_or_default()
    }

    pub(super) fn forget_all(&mut self) {
        self.seen.clear();
    }

    pub(super) fn perform(&mut self, effect: &Effect, model: &Model) -> Option<Event> {
        match effect {
            Effect::WriteLog { log, offset, bytes } => self.write(log, *offset, bytes, model),
            Effect::RecoverLog(row) => self.recover(row, model),
            Effect::MendLog(row) => self.mend(row, model),
            Effect::ProveLog { log, part } => Some(self.prove(log, part, model)),
            Effect::SyncLog(log) => Some(self.sync(log, model)),
            Effect::Erase { seq, log } => self.erase(*seq, log, model),
            other => panic!("{other:?} is nothing of a log"),
        }
    }

    fn write(&mut self, log: &str, offset: u64, bytes: &[u8], model: &Model) -> Option<Event> {
        if self.fails {
            self.seen.remove(log);
            return Some(broken(log));
        }
        let now = self.files.entry(log.to_owned()).or_default().stamp();
        if self.seen.get(log).map_or(now.size > offset, |seen| *seen != now) {
            return Some(self.refused(log, model));
        }
        self.put(log, offset, bytes);
        None
    }

    fn put(&mut self, log: &str, offset: u64, bytes: &[u8]) {
        let file = self.files.entry(log.to_owned()).or_default();
        file.write(offset, bytes);
        self.seen.insert(log.to_owned(), file.stamp());
    }

    fn doubt(&mut self, log: &str) {
        self.seen.insert(log.to_owned(), FileStamp { inode: 0, size: u64::MAX, mtime_ns: i64::MIN });
    }

    fn refused(&mut self, log: &str, model: &Model) -> Event {
        let row = LogRow { log: log.to_owned(), size: u64::MAX, synced: 0, stamp: FileStamp::default() };
        let found = self.compare(Comparison::from(&row, 0), log, model);
        self.mended(log, found, model)
    }

    fn sync(&mut self, log: &str, model: &Model) -> Event {
        let stamp = self.files.entry(log.to_owned()).or_default().stamp();
        if self.seen.get(log).is_some_and(|seen| *seen != stamp) {
            return self.refused(log, model);
        }
        Event::LogSynced { log: log.to_owned(), synced: stamp.size, stamp }
    }

    fn recover(&mut self, row: &LogRow, model: &Model) -> Option<Event> {
        let now = self.files.get(&row.log).map(File::stamp);
        match needed(row, now) {
            Needed::Nothing => {
                self.seen.insert(row.log.clone(), row.stamp);
                None
            }
            Needed::Tail => match self.compare(Comparison::tail(row), &row.log, model) {
                Found::Edited => self.mend(row, model),
                found => Some(self.mended(&row.log, found, model)),
            },
            Needed::Whole => self.mend(row, model),
        }
    }

    fn mend(&mut self, row: &LogRow, model: &Model) -> Option<Event> {
        if self.fails {
            self.doubt(&row.log);
            return Some(broken(&row.log));
        }
        let found = self.compare(Comparison::from(row, 0), &row.log, model);
        let event = self.mended(&row.log, found, model);
        (found != Found::Same || row.synced != row.size).then_some(event)
    }

    fn prove(&mut self, log: &str, part: &Range<u64>, model: &Model) -> Event {
        let row = LogRow { log: log.to_owned(), size: part.end, synced: part.end, stamp: FileStamp::default() };
        let mut held = Comparison::from(&row, part.start);
        let own: Vec<EntryRow> =
            model.entries_of(log).into_iter().filter(|entry| part.contains(&entry.offset)).take(PAGE).collect();
        let found = if self.hold(&mut held, &own) { held.found() } else { Found::Edited };
        match found {
            Found::Same => Event::LogProven { log: log.to_owned(), to: held.end() },
            found => self.mended(log, found, model),
        }
    }

    fn compare(&mut self, mut held: Comparison, log: &str, model: &Model) -> Found {
        let from = held.end();
        let own: Vec<EntryRow> = model.entries_of(log).into_iter().filter(|entry| entry.offset >= from).collect();
        if !self.hold(&mut held, &own) {
            return Found::Edited;
        }
        held.found_in(self.files.get(log).map(|file| file.stamp().size))
    }

    fn hold(&mut self, held: &mut Comparison, entries: &[EntryRow]) -> bool {
        let none = File::default();
        entries.iter().all(|entry| {
            let file = self.files.get(&entry.log).unwrap_or(&none);
            let wanted = render::entry(entry).into_bytes();
            self.compared.push(entry.offset);
            held.hold(entry, &wanted, file.read(entry.offset, wanted.len()))
        })
    }

    fn mended(&mut self, log: &str, found: Found, model: &Model) -> Event {
        if self.fails && found != Found::Same {
            self.doubt(log);
            return broken(log);
        }
        match found {
            Found::Same => {
                self.seen.extend(self.files.get(log).map(|file| (log.to_owned(), file.stamp())));
                Event::LogWritten { log: log.to_owned(), problem: None }
            }
            Found::Behind(from) => {
                self.rewrite(log, from, model);
                Event::LogWritten { log: log.to_owned(), problem: None }
            }
            Found::Edited => {
                self.aside.extend(self.files.remove(log).map(|file| file.bytes));
                self.rewrite(log, 0, model);
                Event::LogSetAside { log: log.to_owned(), aside: "beside it".into() }
            }
        }
    }

    fn rewrite(&mut self, log: &str, from: u64, model: &Model) {
        for entry in model.entries_of(log).iter().filter(|entry| entry.offset >= from) {
            self.put(log, entry.offset, render::entry(entry).as_bytes());
        }
    }

    fn erase(&mut self, seq: i64, log: &str, model: &Model) -> Option<Event> {
        let mut event = None;
        for entry in model.entries_of(log).iter().filter(|entry| seq_of(entry).0 == seq) {
            let written = self.write(log, entry.offset, render::entry(entry).as_bytes(), model);
            event = Some(written.unwrap_or(Event::LogWritten { log: log.to_owned(), problem: None }));
        }
        event
    }

    /// An edit is made only when the one before was set aside: else a hand would write over a hand's words.
    pub(super) fn edit_by_hand(&mut self, log: &str, how: Hand, at: usize, entries: &[EntryRow]) {
        if self.edits.iter().any(|edit| !self.is_aside(edit)) {
            return;
        }
        let words = format!("by hand {}.", self.edits.len());
        let Some(file) = self.files.get_mut(log).filter(|file| file.bytes.len() > words.len()) else { return };
        let at = at % (file.bytes.len() - words.len());
        let place = at as u64..(at + words.len()) as u64;
        let over = |entry: &&EntryRow| entry.offset < place.end && place.start < entry.offset + u64::from(entry.length);
        self.edits
            .push(Edit { over: entries.iter().filter(over).map(|entry| entry.offset).collect(), words: words.clone() });
        match how {
            Hand::Over => file.write(at as u64, words.as_bytes()),
            Hand::Into => {
                file.bytes.splice(at..at, words.bytes());
                file.changes += 1;
            }
        }
    }

    pub(super) fn tear(&mut self, row: &LogRow, at: usize, zeros: bool, entries: &[EntryRow]) {
        let is_ours = self.text(&row.log) == entries.iter().map(render::entry).collect::<String>();
        let mark = usize::try_from(row.synced).unwrap();
        let Some(file) = self.files.get_mut(&row.log).filter(|file| is_ours && file.bytes.len() > mark) else { return };
        let (size, left) = (file.bytes.len(), mark + at % (file.bytes.len() - mark));
        file.bytes.truncate(left);
        if zeros {
            file.bytes.resize(size, 0);
        }
        file.changes += 1;
    }

    fn is_aside(&self, edit: &Edit) -> bool {
        self.aside.iter().any(|file| String::from_utf8_lossy(file).contains(&edit.words))
    }

    /// But for what stood in the place of words that were erased.
    pub(super) fn assert_every_edit_was_set_aside(&self, entries: &[EntryRow]) {
        for edit in &self.edits {
            let is_erased = |at: &u64| entries.iter().any(|entry| entry.offset == *at && seq_of(entry).1);
            let may_be_gone = edit.over.iter().all(is_erased);
            assert!(may_be_gone || self.is_aside(edit), "{edit:?} is lost: {:?}", self.aside);
        }
    }
}
