//! A store in a folder of its own, and the writes of the vocabulary with everything that a test does not care about.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use messages::store::{
    Accepted, Commit, CommitError, Committed, EntryKind, Fence, InboundKind, Owner, Query, QueryError, Rows, Write,
};
use messages::turn::{Chat, Outcome, Principal, Scope, Turn};
use messages::{Address, InboundId, Moment, Slug, Trace};
use runtime::{BoxFuture, Store as _};
use store::{OpenOptions, StoreHandle};

/// Nothing here takes longer unless it is broken.
const WAIT_SECONDS_MAX: u64 = 30;

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: StoreHandle,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&options())
    }

    pub(crate) fn with(options: &OpenOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store::open(folder.path(), options).unwrap();
        Self { folder, store }
    }

    /// Ends without a close, and opens again.
    pub(crate) fn killed_and_opened(self) -> Self {
        let Self { folder, store } = self;
        drop(store);
        let store = store::open(folder.path(), &options()).unwrap();
        Self { folder, store }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("meta.sqlite")
    }

    /// The file, past the store, as a person with a shell has it.
    pub(crate) fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.sql().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn commit(&self, by: Owner, writes: Vec<Write>) -> Result<Committed, CommitError> {
        wait(self.store.commit(Commit { by, fences: Vec::new(), writes }))
    }

    pub(crate) fn start(&self, by: Owner, writes: Vec<Write>) -> BoxFuture<Result<Committed, CommitError>> {
        self.store.commit(Commit { by, fences: Vec::new(), writes })
    }

    pub(crate) fn fenced(
        &self,
        by: Owner,
        fence: (&Address, u64),
        writes: Vec<Write>,
    ) -> Result<Committed, CommitError> {
        let fences = vec![Fence { unit: fence.0.clone(), epoch: fence.1 }];
        wait(self.store.commit(Commit { by, fences, writes }))
    }

    pub(crate) fn query(&self, query: Query) -> Result<Rows, QueryError> {
        wait(self.store.query(query))
    }

    /// Puts one message and gives its place.
    pub(crate) fn put(&self, event: &str) -> i64 {
        self.accept(put(event)).seq
    }

    pub(crate) fn accept(&self, write: Write) -> Accepted {
        self.commit(Owner::Connector, vec![write]).unwrap().inbox.remove(0)
    }

    pub(crate) fn context(&self, writes: Vec<Write>) -> Result<Committed, CommitError> {
        self.commit(Owner::Context, writes)
    }

    pub(crate) fn connector(&self, writes: Vec<Write>) -> Result<Committed, CommitError> {
        self.commit(Owner::Connector, writes)
    }

    /// The whole way of one message, from its arrival to its logged reply.
    pub(crate) fn turn(&self, event: &str, log_size: u64) -> (i64, i64) {
        let seq = self.put(event);
        let entry = entry(log_size, 10, EntryKind::Inbound, seq);
        self.context(vec![take(seq), entry, reply(seq, 0), audit("turn.taken", &id(event))]).unwrap();
        let id = self.number(&format!("SELECT id FROM outbox WHERE seq = {seq}"));
        self.connector(vec![Write::OutboxSending { id, at: Moment(5) }]).unwrap();
        self.connector(vec![sent(id)]).unwrap();
        let entry = self::entry(log_size + 10, 10, EntryKind::Outbound, id);
        self.context(vec![settle(seq, Outcome::Replied), entry, Write::OutboxLogged { id }]).unwrap();
        (seq, id)
    }
}

pub(crate) fn options() -> OpenOptions {
    OpenOptions::new("0.0.0-test")
}

pub(crate) fn wait<T>(future: BoxFuture<T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let limit = Duration::from_secs(WAIT_SECONDS_MAX);
    runtime.block_on(async { tokio::time::timeout(limit, future).await }).expect("no answer in time")
}

/// Looks until it is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(WAIT_SECONDS_MAX);
    while !so() {
        assert!(Instant::now() < end, "it never came to be that {what}");
        std::thread::yield_now();
    }
}

pub(crate) fn slug(name: &str) -> Slug {
    Slug::parse(name).unwrap()
}

pub(crate) fn general() -> Address {
    Address::context(&slug("home"), &slug("general"))
}

pub(crate) fn chat() -> Chat {
    Chat { connector: "console".into(), chat: "home/general".into() }
}

pub(crate) fn id(event: &str) -> InboundId {
    InboundId::of("console", event)
}

pub(crate) fn put(event: &str) -> Write {
    put_as(event, InboundKind::Message, general(), None)
}

pub(crate) fn put_as(event: &str, kind: InboundKind, context: Address, target: Option<&str>) -> Write {
    Write::InboxPut {
        id: id(event),
        event: event.into(),
        context,
        chat: chat(),
        user: "ann".into(),
        kind,
        target: target.map(str::to_owned),
        text: format!("words of {event}"),
        salt: [7; 16],
        trace: Trace::of(&id(event)),
        received_at: Moment(1),
    }
}

pub(crate) fn turn() -> Turn {
    Turn {
        reply_to: chat(),
        principal: Principal { connector: "console".into(), user: "ann".into() },
        action: "talk".into(),
        policy: 1,
        rules: vec!["talk".into()],
        scope: Scope { workspace: slug("home"), context: slug("general"), paths: vec!["**".into()] },
        definition: "built-in".into(),
        taken_at: Moment(2),
    }
}

pub(crate) fn take(seq: i64) -> Write {
    Write::InboxTake { seq, turn: Box::new(turn()) }
}

pub(crate) fn settle(seq: i64, outcome: Outcome) -> Write {
    Write::InboxSettle { seq, outcome, reason: "so".into(), at: Moment(9) }
}

pub(crate) fn reply(seq: i64, n: u32) -> Write {
    Write::OutboxPut {
        seq,
        n,
        context: general(),
        chat: chat(),
        text: format!("reply {n} to {seq}"),
        sources: vec!["notes/a.md".into()],
        outcome: Some(Outcome::Replied),
        at: Moment(3),
    }
}

pub(crate) fn sending(id: i64) -> Write {
    Write::OutboxSending { id, at: Moment(4) }
}

pub(crate) fn sent(id: i64) -> Write {
    Write::OutboxSent { id, platform_id: format!("m{id}"), at: Moment(6) }
}

pub(crate) const LOG: &str = "home/logs/console/general.md";

pub(crate) fn entry(offset: u64, length: u32, what: EntryKind, of: i64) -> Write {
    Write::EntryPut { log: LOG.into(), context: general(), offset, length, what, of }
}

pub(crate) fn context_put(rev: u64, fresh_after: i64) -> Write {
    Write::ContextPut { context: general(), rev, fresh_after, definition: "# General".into() }
}

pub(crate) fn claim(unit: &Address) -> Write {
    let (node, incarnation) = ("n1".into(), "i1".into());
    Write::UnitClaim { unit: unit.clone(), node, incarnation, after: None }
}

pub(crate) fn audit(action: &str, subject: &InboundId) -> Write {
    Write::Audit {
        at: Moment(8),
        actor: general(),
        principal: "console:ann".into(),
        action: action.into(),
        subject: subject.to_string(),
        rules: vec!["talk".into()],
        detail: "{}".into(),
    }
}

/// A message of 100,000 bytes.
pub(crate) fn large(event: &str) -> Write {
    let Write::InboxPut { id, event, context, chat, user, kind, target, salt, trace, received_at, .. } = put(event)
    else {
        panic!("no event")
    };
    let text = "x".repeat(100_000);
    Write::InboxPut { id, event, context, chat, user, kind, target, text, salt, trace, received_at }
}
