//! What the host of entities does, on the tables of a small store and a file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use markdown::memory::{edit, parse};
use messages::model::{Answer, Billed, Class, Failure};
use messages::store::{LogPlace, LogRow, MemoryRow, MemoryRows, StepRow, StepWrite, Write};
use messages::{InboundId, Moment};
use runtime::{Cx, Entity};

use super::super::super::Memory;
use super::super::super::gather::Wanted;
use super::super::super::part::{Line, Part};
use super::super::{Decision, Effect, Event, State};
use crate::WorkFacts;
use crate::context::Loaded;
use crate::definition::{Definition, WorkspaceDefinition};
use crate::memory::file::MemoryText;
use crate::run::tests::ground::{NOON, context, facts, slug};
use crate::run::tests::ledger::Ledger;
use crate::run::{Ask, StepEnd};

const LOG: &str = "home/logs/console/general.md";
/// Bytes of one entry of the log.
pub(super) const ENTRY: u64 = 1_000;

/// The process ended.
#[derive(Debug)]
pub(super) struct Crash;

pub(super) struct Sim {
    pub(super) row: MemoryRow,
    pub(super) ledger: Ledger,
    /// What was said, an entry each, and whether it was erased.
    pub(super) said: Vec<(InboundId, bool)>,
    pub(super) file: String,
    pub(super) file_fails: bool,
    pub(super) definition: String,
    pub(super) facts: WorkFacts,
    pub(super) now: Moment,
    pub(super) timer: Option<Moment>,
    pub(super) state: Option<State>,
    todo: VecDeque<Effect>,
    pub(super) asking: Option<Box<Ask>>,
    /// So many points are left until the process ends.
    pub(super) fuse: Option<u32>,
    /// Questions that were asked.
    pub(super) asked: Vec<String>,
    /// Actions of the audit.
    pub(super) audit: Vec<(String, String)>,
    pub(super) compactions: BTreeMap<String, bool>,
}

pub(super) fn said(n: usize) -> InboundId {
    InboundId::of("console", &format!("e{n}"))
}

impl Sim {
    /// So many things were said; from 4,000 bytes on they go into memory.
    pub(super) fn new(entries: usize) -> Self {
        Self {
            row: MemoryRow::default(),
            ledger: Ledger::default(),
            said: (0..entries).map(|n| (said(n), false)).collect(),
            file: String::new(),
            file_fails: false,
            definition: "---\nlimits: {memory_bytes: 4000}\n---\nBe kind.\n".into(),
            facts: facts(),
            now: NOON,
            timer: None,
            state: None,
            todo: VecDeque::new(),
            asking: None,
            fuse: None,
            asked: Vec::new(),
            audit: Vec::new(),
            compactions: BTreeMap::new(),
        }
    }

    fn rows(&self) -> MemoryRows {
        let size = self.said.len() as u64 * ENTRY;
        let log = LogRow { log: LOG.into(), size, synced: 0, stamp: messages::store::FileStamp::default() };
        let steps: Vec<StepRow> =
            self.row.work.as_ref().map(|work| self.ledger.steps(work.id.as_str()).to_vec()).unwrap_or_default();
        let accounts = ["node", "ws/home", context("general").as_str()].map(str::to_owned);
        MemoryRows { memory: self.row.clone(), steps, logs: vec![log], spending: self.ledger.latest(&accounts) }
    }

    /// A message is erased, as the store does it.
    pub(super) fn erase(&mut self, n: usize) {
        self.said[n].1 = true;
        if self.row.rev > 0 {
            self.row.erasures += 1;
        }
        if let Some(work) = &self.row.work {
            self.ledger.erase(work.id.as_str());
        }
    }

    pub(super) fn crash(&mut self) {
        (self.state, self.asking, self.fuse) = (None, None, None);
        self.todo.clear();
    }

    fn point(&mut self) -> Result<(), Crash> {
        match self.fuse.as_mut() {
            Some(0) => Err(Crash),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(super) fn wake(&mut self) {
        self.hear(Event::Woken);
    }

    pub(super) fn hear(&mut self, event: Event) {
        let heard = self.open_if_need_be().and_then(|()| self.decide(event)).and_then(|()| self.perform_all());
        if heard.is_err() {
            self.crash();
        }
    }

    fn open_if_need_be(&mut self) -> Result<(), Crash> {
        if self.state.is_none() {
            let (state, effects) = State::open((slug("home"), slug("general")), self.rows());
            (self.state, self.todo) = (Some(state), effects.into());
            self.perform_all()?;
        }
        Ok(())
    }

    fn decide(&mut self, event: Event) -> Result<(), Crash> {
        let Some(state) = self.state.as_mut() else { return Ok(()) };
        let address = messages::Address::memory(&slug("home"), &slug("general"));
        let cx = Cx { now: self.now, seed: 7, address: &address, facts: &self.facts };
        let Decision { writes, then, abort, .. } = state.decide(event, &cx);
        self.point()?;
        for write in &writes {
            self.apply(write);
        }
        self.point()?;
        if !abort.is_empty() {
            self.asking = None;
        }
        self.todo.extend(then);
        Ok(())
    }

    fn apply(&mut self, write: &Write) {
        match write {
            Write::Memory(put) => {
                assert_eq!(put.rev, self.row.rev + 1, "a revision follows");
                if let Some(ended) = self.row.work.as_ref().filter(|was| put.work.as_ref() != Some(was)) {
                    assert!(put.work.is_none(), "one compaction at a time");
                    self.ledger.erase(ended.id.as_str());
                    self.compactions.insert(ended.id.to_string(), true);
                }
                if let Some(begun) = put.work.as_ref().filter(|work| self.row.work.as_ref() != Some(work)) {
                    assert_eq!(self.compactions.insert(begun.id.to_string(), false), None, "a new one");
                }
                let erasures = self.row.erasures;
                assert!(put.erased <= erasures);
                self.row = MemoryRow {
                    rev: put.rev,
                    upto: put.upto.clone(),
                    work: put.work.clone(),
                    erasures,
                    erased: put.erased,
                    failing: put.failing.clone(),
                };
            }
            Write::Step(step) => {
                assert_eq!(self.compactions.get(step.work().as_str()), Some(&false), "it is under way");
                self.ledger.apply(step).unwrap();
                if matches!(**step, StepWrite::End { .. }) && self.row.is_stale() {
                    self.ledger.erase(step.work().as_str());
                }
            }
            Write::TimerPut { due, .. } => self.timer = Some(*due),
            Write::Audit { action, detail, .. } => self.audit.push((action.clone(), detail.clone())),
            other => panic!("a memory writes no {other:?}"),
        }
    }

    fn perform_all(&mut self) -> Result<(), Crash> {
        while let Some(effect) = self.todo.pop_front() {
            self.point()?;
            if let Some(event) = self.perform(effect) {
                self.point()?;
                self.decide(event)?;
            }
        }
        Ok(())
    }

    fn perform(&mut self, effect: Effect) -> Option<Event> {
        let is_slow = <Memory as Entity>::slow(&effect).is_some();
        match effect {
            Effect::Look { seen, .. } => self.look(seen.is_some()),
            Effect::Read => Some(Event::Read(Box::new(self.rows()))),
            Effect::Gather(wanted) => Some(Event::Gathered(Ok(Box::new(self.gather(&wanted))))),
            Effect::Ask(ask) => {
                assert!(is_slow && self.asking.is_none(), "one question at a time");
                self.asked.push(ask.request.question.clone());
                self.asking = Some(ask);
                None
            }
            Effect::Apply(_) | Effect::Sweep { .. } if self.file_fails => Some(match effect {
                Effect::Sweep { erasures } => Event::Swept { erasures, removed: Err("no space".into()) },
                _ => Event::Applied(Err("no space".into())),
            }),
            Effect::Apply(changes) => {
                let edited = changes.on(&self.file);
                self.file.clone_from(&edited.text);
                Some(Event::Applied(Ok(edited)))
            }
            Effect::Sweep { erasures } => {
                let erased: BTreeSet<String> =
                    self.said.iter().filter(|(_, erased)| *erased).map(|(id, _)| id.to_string()).collect();
                let edited = edit(&self.file, |entry| entry.of.iter().any(|id| erased.contains(id)), &[]);
                self.file = edited.text;
                Some(Event::Swept { erasures, removed: Ok(edited.removed) })
            }
            Effect::Forget { .. } | Effect::Alarm(_) => None,
        }
    }

    fn look(&self, seen: bool) -> Option<Event> {
        let workspace = "---\nname: Home\n---\n";
        let loaded = Loaded {
            stamps: Default::default(),
            context: Ok(Some((self.definition.clone(), Definition::parse(&self.definition).unwrap()))),
            workspace: Ok(Some((workspace.into(), WorkspaceDefinition::parse(workspace).unwrap()))),
            memory: Ok(MemoryText::default()),
        };
        (!seen).then(|| Event::Looked(Box::new(loaded)))
    }

    fn gather(&self, wanted: &Wanted) -> Part {
        let from = usize::try_from(wanted.memory.kept(LOG) / ENTRY).unwrap();
        let end = wanted.exactly.as_ref().map(|places| usize::try_from(places[0].offset / ENTRY).unwrap());
        let (mut part, mut bytes, mut at) = (Part { file: self.file.clone(), ..Part::default() }, 0, from);
        for (id, erased) in self.said.iter().skip(from) {
            bytes += 100;
            if end.is_some_and(|end| at >= end) || (end.is_none() && bytes > wanted.bytes_max) {
                break;
            }
            at += 1;
            if !erased {
                part.lines.push(Line { id: id.clone(), at: NOON, text: format!("[{id}] ann: word {at}\n") });
            }
        }
        part.upto = vec![LogPlace { log: LOG.into(), offset: at as u64 * ENTRY }];
        part
    }

    /// The model answers the question that is asked.
    pub(super) fn answer(&mut self, text: &str) {
        let answer = Answer { text: text.into(), model: "big".into(), ..Answer::default() };
        self.answered(Ok(answer));
    }

    pub(super) fn fail(&mut self) {
        self.answered(Err(Failure {
            class: Class::Refused,
            message: "It does not want to.".into(),
            advice: "Ask another.".into(),
            model: "big".into(),
            billed: Billed::Nothing,
            retry_at: None,
        }));
    }

    fn answered(&mut self, answered: Result<Answer, Failure>) {
        let ask = self.asking.take().expect("a question");
        let end = StepEnd::Asked { step: ask.seq, passages: None, answered };
        self.hear(Event::StepEnded(Box::new(end)));
    }

    /// The date has come, if there is one.
    pub(super) fn fire(&mut self) {
        if let Some(due) = self.timer.take() {
            self.now = self.now.max(due);
            self.hear(Event::Due);
        }
    }

    pub(super) fn texts(&self) -> Vec<String> {
        parse(&self.file).entries.into_iter().map(|entry| entry.text).collect()
    }

    /// Entries that are in memory.
    pub(super) fn kept(&self) -> usize {
        usize::try_from(self.row.kept(LOG) / ENTRY).unwrap()
    }

    pub(super) fn did(&self, action: &str) -> usize {
        self.audit.iter().filter(|(did, _)| did == action).count()
    }

    /// Nothing is left under way: no reserve, no words in the journal, no row.
    pub(super) fn assert_at_rest(&self) {
        assert!(self.asking.is_none() && self.row.work.is_none() && !self.row.is_stale(), "{:?}", self.row);
        assert_eq!(self.ledger.reserved(), 0, "nothing is held back");
        for work in self.compactions.keys() {
            assert!(self.ledger.steps(work).iter().all(|step| step.output.is_empty() && step.ended_at.is_some()));
        }
    }
}
