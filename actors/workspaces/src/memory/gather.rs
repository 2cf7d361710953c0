//! Reading what is to go into memory: the context's own log rows, and nothing else.

use std::collections::BTreeMap;

use messages::InboundId;
use messages::store::{EntryOf, InboxRow, LogPlace, LogRow, MemoryRow, Query, Rows};
use runtime::World;

use super::part::{Part, Shows, shows};
use super::{Memory, file};

/// Entries that are read in one go, and those that are looked at for one question.
const PAGE_ENTRIES: u32 = 64;
const ENTRIES_MAX: u32 = 4_096;

/// What is wanted of a conversation.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What is in memory already.
    pub(super) memory: MemoryRow,
    /// The context's logs.
    pub(super) logs: Vec<LogRow>,
    /// Exactly up to here: a compaction that is under way. `None`: as much as has room.
    pub(super) exactly: Option<Vec<LogPlace>>,
    /// Bytes of what was said.
    pub(super) bytes_max: usize,
}

struct Gathering<'a> {
    wanted: &'a Wanted,
    world: &'a World<Memory>,
    part: Part,
    bytes: usize,
    seen: u32,
    /// Events whose entries were met.
    met: BTreeMap<InboundId, InboxRow>,
}

pub(super) async fn gather(wanted: &Wanted, world: &World<Memory>) -> Result<Part, String> {
    let folder = super::folder(world)?;
    let file = tokio::task::spawn_blocking(move || file::said(&folder)).await.map_err(|e| e.to_string())??.text;
    let part = Part { file, ..Part::default() };
    let mut gathering = Gathering { wanted, world, part, bytes: 0, seen: 0, met: BTreeMap::new() };
    let mut goes_on = true;
    for log in &wanted.logs {
        let mut at = wanted.memory.kept(&log.log);
        while goes_on {
            let (next, more) = gathering.page(log, at).await?;
            goes_on = more != More::Full;
            at = next;
            if more != More::Yes {
                break;
            }
        }
        if at > 0 {
            gathering.part.upto.push(LogPlace { log: log.log.clone(), offset: at });
        }
    }
    Ok(gathering.part)
}

/// Whether there is more to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    Yes,
    /// Not of this log.
    No,
    /// No more has room.
    Full,
}

impl Gathering<'_> {
    /// One page of a log from an offset on: where what was taken ends.
    async fn page(&mut self, log: &LogRow, from: u64) -> Result<(u64, More), String> {
        let end = match &self.wanted.exactly {
            Some(places) => places.iter().find(|place| place.log == log.log).map_or(0, |place| place.offset),
            None => log.size,
        };
        let query = Query::Entries { log: log.log.clone(), from, limit: PAGE_ENTRIES };
        let entries = match self.world.system.store().query(query).await {
            Ok(Rows::Entries(entries)) => entries,
            Ok(_) => return Err("the store answered with other rows than entries".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let mut at = from;
        for entry in &entries {
            if entry.offset >= end {
                return Ok((at, More::No));
            }
            let inbound = match &entry.of {
                EntryOf::Inbound(row) => (**row).clone(),
                EntryOf::Outbound(row) => self.inbound(&row.inbound).await?,
            };
            match shows(entry, &inbound) {
                Shows::NotYet => return Ok((at, More::No)),
                Shows::Nothing => {}
                Shows::Said(line) => {
                    self.bytes += line.text.len();
                    let is_full = self.bytes > self.wanted.bytes_max && !self.part.lines.is_empty();
                    if is_full && self.wanted.exactly.is_none() {
                        return Ok((at, More::Full));
                    }
                    self.part.lines.push(line);
                }
            }
            self.met.insert(inbound.id.clone(), inbound);
            (at, self.seen) = (entry.offset + u64::from(entry.length), self.seen + 1);
            if self.seen >= ENTRIES_MAX && self.wanted.exactly.is_none() {
                return Ok((at, More::Full));
            }
        }
        let is_last = entries.len() < PAGE_ENTRIES as usize || at >= end;
        Ok((at, if is_last { More::No } else { More::Yes }))
    }

    /// The event that a reply answers, which may stand far before it.
    async fn inbound(&self, id: &InboundId) -> Result<InboxRow, String> {
        if let Some(met) = self.met.get(id) {
            return Ok(met.clone());
        }
        match self.world.system.store().query(Query::Inbound { ids: vec![id.clone()] }).await {
            Ok(Rows::Inbox(rows)) => rows.into_iter().next().ok_or_else(|| format!("there is no event {id}")),
            Ok(_) => Err("the store answered with other rows than events".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Which of these events were erased, and are to be erased here, too.
pub(super) async fn erased(ids: &[InboundId], world: &World<Memory>) -> Result<Vec<InboundId>, String> {
    let mut erased = Vec::new();
    for some in ids.chunks(super::IDS_MAX) {
        match world.system.store().query(Query::Erased { ids: some.to_vec() }).await {
            Ok(Rows::Erased(ids)) => erased.extend(ids),
            Ok(_) => return Err("the store answered with other rows than erased events".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(erased)
}
