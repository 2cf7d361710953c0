//! What queries give.

use serde::{Deserialize, Serialize};

use super::memory::MemoryRows;
use super::notice::Notices;
use super::restored::Restored;
use super::retention::{EraseRow, ForgetRow, RetentionRows, WordsOf};
use super::task::{QueueRows, StepRow, TaskFound, TaskRows, TaskView};
use super::write::{EntryKind, FileStamp, InboundKind};
use crate::address::Address;
use crate::id::{InboundId, Moment, Trace};
use crate::step::Spending;
use crate::turn::{Chat, Outcome, Turn};

/// The answer to a [`super::Query`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rows {
    /// To `Query::Context`.
    Context(Box<ContextRows>),
    /// To `Query::Work`.
    Work(WorkRows),
    /// To `Query::Lane`.
    Outbox(Vec<OutboxRow>),
    /// To `Query::Entries` and `Query::EntriesOf`.
    Entries(Vec<EntryRow>),
    /// To `Query::Logs`, in the order in which they began.
    Logs(Vec<LogRow>),
    /// To `Query::Unfinished`.
    Addresses(Vec<Address>),
    /// To `Query::Due` and `Query::NextDue`.
    Timers(Vec<TimerRow>),
    /// To `Query::Why`.
    Why(WhyRows),
    /// To `Query::Inbound`.
    Inbox(Vec<InboxRow>),
    /// To `Query::Task`; `None` when there is no such task.
    Task(Option<Box<TaskRows>>),
    /// To `Query::Memory`.
    Memory(Box<MemoryRows>),
    /// To `Query::Queue`.
    Queue(QueueRows),
    /// To `Query::Unrecorded`.
    Records(Vec<TaskRows>),
    /// To `Query::Tasks`.
    Tasks(Vec<TaskView>),
    /// To `Query::FindTask`.
    TaskFound(TaskFound),
    /// To `Query::Spending`.
    Spending(Vec<Spending>),
    /// To `Query::Erased`.
    Erased(Vec<InboundId>),
    /// To `Query::Retention`.
    Retention(Box<RetentionRows>),
    /// To `Query::PastTime`: how many events, how many audit records.
    PastTime(u64, u64),
    /// To `Query::Forgetting`: it, and how many memories, logs and records may still have words in their files that were erased.
    Forgetting(Option<Box<ForgetRow>>, u64),
    /// To `Query::WordsOf`: by context, and the place after which there is more.
    WordsOf(Vec<WordsOf>, Option<i64>),
    /// To `Query::Counts`.
    Counts(Counts),
    /// To `Query::Oldest`.
    Oldest(Oldest),
    /// To `Query::Notices`.
    Notices(Notices),
    /// To `Query::Unit`; `None` when nobody ever held it.
    Unit(Option<UnitRow>),
    /// To `Query::Generation`.
    Generation(i64),
    /// Units with who holds them.
    Units(Vec<(Address, UnitRow)>),
    /// To `Query::Audit`.
    Audit(Vec<AuditRow>),
}

/// How far an inbound event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxState {
    /// Accepted, nobody has looked at it.
    Waiting,
    /// Its turn exists.
    Taken,
    /// It has its outcome.
    Settled,
}

/// How far a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// To be sent.
    Pending,
    /// An attempt has begun.
    Sending,
    /// Delivered.
    Sent,
    /// Can't be delivered.
    Failed,
    /// May or may not have been delivered.
    InDoubt,
}

/// One inbound event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxRow {
    /// Its place among all events.
    pub seq: i64,
    /// What people call it.
    pub id: InboundId,
    /// The platform's id.
    pub event: String,
    /// For which context.
    pub context: Address,
    /// From where.
    pub chat: Chat,
    /// From whom.
    pub user: String,
    /// What it is.
    pub kind: InboundKind,
    /// What an edit or delete is about: (seq, state) of the target, when it is known.
    pub target: Option<(i64, InboxState)>,
    /// The words; empty once redacted.
    pub text: String,
    /// For the hash in the audit; zero once redacted.
    pub salt: [u8; 16],
    /// Its trace.
    pub trace: Trace,
    /// When it arrived.
    pub received_at: Moment,
    /// How far it is.
    pub state: InboxState,
    /// Its turn, once taken.
    pub turn: Option<Turn>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reason: String,
    /// When it ended.
    pub settled_at: Option<Moment>,
    /// Its words were erased.
    pub redacted: bool,
}

/// One reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its id.
    pub id: i64,
    /// The inbox row it answers.
    pub seq: i64,
    /// The id of that inbox row.
    pub inbound: InboundId,
    /// That row's trace.
    pub trace: Trace,
    /// The event's id at the connector, so that the lane finds who asked.
    pub event: String,
    /// The n-th reply of its turn.
    pub n: u32,
    /// Which context says it.
    pub context: Address,
    /// Where it goes.
    pub chat: Chat,
    /// The text; empty once redacted.
    pub text: String,
    /// Paths it quotes.
    pub sources: Vec<String>,
    /// What delivery makes of the event.
    pub outcome: Option<Outcome>,
    /// How far it is.
    pub state: OutboxState,
    /// How many attempts have begun.
    pub attempt: u32,
    /// When the last one began.
    pub attempted_at: Option<Moment>,
    /// Not to be tried before.
    pub not_before: Option<Moment>,
    /// The platform's id, once delivered.
    pub platform_id: Option<String>,
    /// What went wrong last.
    pub error: String,
    /// When it was put.
    pub created_at: Moment,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Its words were erased.
    pub redacted: bool,
}

/// One entry of a log and what is needed to render it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRow {
    /// The log's path.
    pub log: String,
    /// Where it begins.
    pub offset: u64,
    /// Its length in bytes, as it was first written; a redacted entry keeps it.
    pub length: u32,
    /// What it shows.
    pub of: EntryOf,
}

/// The row an entry shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryOf {
    /// An inbound event.
    Inbound(Box<InboxRow>),
    /// A reply.
    Outbound(Box<OutboxRow>),
}

impl EntryOf {
    /// Which kind of entry it is.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Inbound(_) => EntryKind::Inbound,
            Self::Outbound(_) => EntryKind::Outbound,
        }
    }
}

/// What the store knows of a log file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRow {
    /// Its path, relative to the folder of workspaces.
    pub log: String,
    /// Bytes allotted to entries.
    pub size: u64,
    /// Bytes known to be on disk.
    pub synced: u64,
    /// What the file looked like when it was last synced.
    pub stamp: FileStamp,
}

/// What a context keeps of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextRow {
    /// Counts its changes.
    pub rev: u64,
    /// The conversation begins after this inbox row.
    pub fresh_after: i64,
    /// The last good text of its file; empty when the file has never been read.
    pub definition: String,
}

/// All that a context opens from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextRows {
    /// Its own row, if it ever wrote one.
    pub context: Option<ContextRow>,
    /// Taken and not answered, by `seq`: its unfinished turns (waiting ones come by `Query::Work`).
    pub taken: Vec<InboxRow>,
    /// Those of `taken` that have their entry in a log: their turn had begun. One at most, as turns run one at a time.
    pub begun: Vec<i64>,
    /// The journal of the turn that had begun.
    pub steps: Vec<StepRow>,
    /// The latest day of each account that its turns are charged to.
    pub spending: Vec<Spending>,
    /// Replies not yet logged, in any state, by id.
    pub replies: Vec<OutboxRow>,
    /// Its logs.
    pub logs: Vec<LogRow>,
    /// The last entries of the conversation (after `fresh_after`), oldest first.
    pub tail: Vec<EntryRow>,
}

/// What a woken context has to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkRows {
    /// Waiting inbox rows: control events first, then messages by `seq`.
    pub waiting: Vec<InboxRow>,
    /// More messages wait than were given.
    pub more: bool,
    /// Replies that are sent, failed or in doubt and not logged, by id, 64 at most.
    pub ended: Vec<OutboxRow>,
    /// Events whose words are to be erased, 32 at most.
    pub erase: Vec<EraseRow>,
}

/// One date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerRow {
    /// Whose.
    pub entity: Address,
    /// Which.
    pub name: String,
    /// When.
    pub due: Moment,
}

/// The whole way of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhyRows {
    /// No event of this context begins so.
    Unknown,
    /// Several do; the first few.
    Ambiguous(Vec<InboundId>),
    /// This one.
    Found {
        /// The event.
        inbound: Box<InboxRow>,
        /// Its replies.
        replies: Vec<OutboxRow>,
        /// The journal of its turn.
        steps: Vec<StepRow>,
        /// Tasks that came of it, oldest first.
        tasks: Vec<TaskView>,
        /// What the audit holds of it.
        audit: Vec<AuditRow>,
    },
}

/// Who holds a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRow {
    /// The node.
    pub node: String,
    /// Which start of it.
    pub incarnation: String,
    /// Under which epoch.
    pub epoch: u64,
}

/// One record of the audit chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its number; without gaps.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// Which actor.
    pub actor: String,
    /// For whom.
    pub principal: String,
    /// What.
    pub action: String,
    /// On what.
    pub subject: String,
    /// By which rules.
    pub rules: Vec<String>,
    /// The rest, JSON.
    pub detail: String,
    /// SHA-256 over the record and the hash before it, hexadecimal.
    pub hash: String,
}

/// What has waited longest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oldest {
    /// When the first of the events that nobody has looked at was accepted.
    pub event_since: Option<Moment>,
    /// When the first of the replies that are to be sent was put.
    pub reply_since: Option<Moment>,
    /// Replies that went into doubt within the span that was asked for, of the last 1,024 in doubt.
    pub replies_in_doubt: u64,
    /// Tasks the same.
    pub tasks_in_doubt: u64,
}

/// How much of everything there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events accepted and not looked at.
    pub waiting: u64,
    /// Turns that run or queue.
    pub taken: u64,
    /// Replies to be sent.
    pub pending: u64,
    /// Replies being sent.
    pub sending: u64,
    /// Replies in doubt, ever.
    pub in_doubt: u64,
    /// Tasks that wait for a slot or for others.
    pub tasks_queued: u64,
    /// Tasks that hold a slot.
    pub tasks_running: u64,
    /// Tasks that wait for something that is named.
    pub tasks_waiting: u64,
    /// Of those, for a person who finds out whether a step was done.
    pub tasks_in_doubt: u64,
    /// Dead letters that nobody has read.
    pub tasks_dead: u64,
    /// Highest inbox number: how many events were ever accepted.
    pub accepted: u64,
    /// Audit records.
    pub audit: u64,
    /// Bytes of the store's file and its log.
    pub bytes: u64,
    /// How the store came out of a backup; `None` when it was never restored.
    #[serde(default)]
    pub restored: Option<Restored>,
}
