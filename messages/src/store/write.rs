//! The durable vocabulary: everything that may be written, and who may write it.

use serde::{Deserialize, Serialize};

use super::memory::MemoryPut;
use super::notice::Notice;
use super::retention::RetentionWrite;
use super::task::{StepWrite, TaskWrite};
use crate::address::Address;
use crate::id::{InboundId, Moment, Trace};
use crate::turn::{Chat, Outcome, Turn};

/// Which kind of actor a commit comes from. Ownership is by column: see [`Write::owners`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Owner {
    /// A connector or one of its lanes: puts inbox rows, moves an outbox row's sending state.
    Connector,
    /// A context: takes inbox rows, sets outcomes, puts outbox rows, keeps its logs.
    Context,
    /// A workspace: gives its tasks their slots, keeps their record files.
    Workspace,
    /// A task: moves its own state, keeps its journal, makes subtasks.
    Task,
    /// A memory: keeps its row and the journal of its compactions.
    Memory,
    /// Retention: says what is to be erased, and cuts the audit.
    Retention,
    /// The runtime: claims units, drops timers that fired, tells alarms.
    Runtime,
}

/// What an inbound event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum InboundKind {
    /// Words: talk or a command.
    Message,
    /// New words for an earlier event, named by `target`.
    Edit,
    /// An earlier event, named by `target`, is to be forgotten.
    Delete,
    /// `/stop`: read before anything that waits.
    Stop,
}

/// One durable change. A variant's doc says which state it moves from where to where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Write {
    /// A new inbound event, waiting. Idempotent by (connector, event): a repeat writes nothing.
    InboxPut {
        /// `InboundId::of(connector, event)`.
        id: InboundId,
        /// The platform's id of the event.
        event: String,
        /// Which context it is for.
        context: Address,
        /// Where it came from.
        chat: Chat,
        /// Who sent it, by the connector's word.
        user: String,
        /// What it is.
        kind: InboundKind,
        /// For an edit or a delete: the `event` of what it is about, at the same connector.
        target: Option<String>,
        /// The words; empty for a delete.
        text: String,
        /// 16 random bytes: audit holds only the hash of salt and text, so a redaction leaves the chain whole.
        salt: [u8; 16],
        /// What follows it through the logs.
        trace: Trace,
        /// When it arrived.
        received_at: Moment,
    },
    /// waiting -> taken, with its frozen turn.
    InboxTake {
        /// Which row.
        seq: i64,
        /// The turn, fixed from here on.
        turn: Box<Turn>,
    },
    /// New words for an event that has not been taken, or whose turn has not begun.
    InboxText {
        /// Which row.
        seq: i64,
        /// The new words.
        text: String,
    },
    /// waiting or taken -> settled. Once only.
    InboxSettle {
        /// Which row.
        seq: i64,
        /// How it ended.
        outcome: Outcome,
        /// Why, in a few words; empty when the outcome says all.
        reason: String,
        /// When.
        at: Moment,
    },
    /// The words of an event, of its replies and its salt are erased; the rows stay.
    Redact {
        /// Which inbox row.
        seq: i64,
    },
    /// A reply, pending. Idempotent by (seq, n).
    OutboxPut {
        /// The inbox row it answers.
        seq: i64,
        /// 0 for the first reply of a turn, 1 for the second.
        n: u32,
        /// The context it comes from.
        context: Address,
        /// Where it goes.
        chat: Chat,
        /// The final text.
        text: String,
        /// Paths the text quotes.
        sources: Vec<String>,
        /// The event's outcome once this is delivered; `None` for a message that settles nothing.
        outcome: Option<Outcome>,
        /// When it was put.
        at: Moment,
    },
    /// pending -> sending: the attempt's mark, committed before anything is sent.
    OutboxSending {
        /// Which row.
        id: i64,
        /// When the attempt begins.
        at: Moment,
    },
    /// sending -> sent, with the platform's message id.
    OutboxSent {
        /// Which row.
        id: i64,
        /// The platform's id of what was delivered.
        platform_id: String,
        /// When it was confirmed.
        at: Moment,
    },
    /// sending -> pending: it is certain that nothing was sent.
    OutboxRetry {
        /// Which row.
        id: i64,
        /// Not to be tried before.
        not_before: Moment,
        /// What happened.
        error: String,
    },
    /// pending or sending -> failed: it can't be delivered.
    OutboxFailed {
        /// Which row.
        id: i64,
        /// Why.
        error: String,
        /// When.
        at: Moment,
    },
    /// sending -> in doubt: it may or may not have been delivered.
    OutboxDoubt {
        /// Which row.
        id: i64,
        /// What is known.
        error: String,
        /// When.
        at: Moment,
    },
    /// An outbox row's end is written into the log and the outcome; it need not be looked at again.
    OutboxLogged {
        /// Which row.
        id: i64,
    },
    /// The next entry of a chat log. Refused unless `offset` is the log's size.
    EntryPut {
        /// The log's path, relative to the folder of workspaces: `home/logs/console/general.md`.
        log: String,
        /// The context that keeps it.
        context: Address,
        /// Where it begins, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        length: u32,
        /// What it shows.
        what: EntryKind,
        /// The inbox `seq` or the outbox `id` it shows.
        of: i64,
    },
    /// Everything before `synced` is on disk, and the file looked like this.
    LogSynced {
        /// The log's path.
        log: String,
        /// Bytes that need not be written again.
        synced: u64,
        /// What the file looked like then.
        stamp: FileStamp,
    },
    /// What a context keeps of itself. Refused unless `rev` is one above the row's.
    ContextPut {
        /// Which context.
        context: Address,
        /// The row's new revision; 1 for a new row.
        rev: u64,
        /// The conversation begins after this inbox row (`/new`).
        fresh_after: i64,
        /// The last good text of its file.
        definition: String,
    },
    /// What a memory keeps of itself.
    Memory(Box<MemoryPut>),
    /// Words of the node itself.
    Notice(Box<Notice>),
    /// What is to be erased, and what of it was, changes.
    Retention(RetentionWrite),
    /// A task changes.
    Task(TaskWrite),
    /// A step of a turn, a task or a memory begins or ends.
    Step(Box<StepWrite>),
    /// Wake `entity` at `due`. One for each (entity, name).
    TimerPut {
        /// Who is woken.
        entity: Address,
        /// Which of its dates.
        name: String,
        /// When.
        due: Moment,
    },
    /// The date has passed or is no longer wanted.
    TimerDrop {
        /// Whose.
        entity: Address,
        /// Which.
        name: String,
    },
    /// Take a unit with the next epoch.
    UnitClaim {
        /// Which unit.
        unit: Address,
        /// By which node.
        node: String,
        /// Which start of that node.
        incarnation: String,
        /// Only if its epoch is still this one, 0 where it has none; `None`: whatever it is.
        after: Option<u64>,
    },
    /// A record in the audit chain.
    Audit {
        /// When.
        at: Moment,
        /// Which actor did it.
        actor: Address,
        /// For whom: `console:ann`; empty for the system itself.
        principal: String,
        /// What: `turn.taken`, `turn.settled`, `definition.broken`, `unit.claimed`.
        action: String,
        /// On what: an inbound id, a path.
        subject: String,
        /// The rules that allowed or refused it.
        rules: Vec<String>,
        /// The rest, as JSON; never a person's words in clear.
        detail: String,
    },
}

/// What an entry of a chat log shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EntryKind {
    /// An inbound event.
    Inbound,
    /// A reply, with how its delivery ended.
    Outbound,
}

/// What a file looked like: enough to notice that someone else wrote it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
}

impl Write {
    /// Who may write this. The table that the store enforces, and that stands beside the schema; empty: anyone.
    #[must_use]
    pub fn owners(&self) -> &'static [Owner] {
        match self {
            Self::InboxPut { .. }
            | Self::OutboxSending { .. }
            | Self::OutboxSent { .. }
            | Self::OutboxRetry { .. }
            | Self::OutboxFailed { .. }
            | Self::OutboxDoubt { .. } => &[Owner::Connector],
            Self::InboxTake { .. }
            | Self::InboxText { .. }
            | Self::InboxSettle { .. }
            | Self::Redact { .. }
            | Self::OutboxPut { .. }
            | Self::OutboxLogged { .. }
            | Self::EntryPut { .. }
            | Self::LogSynced { .. }
            | Self::ContextPut { .. } => &[Owner::Context],
            Self::Memory(_) => &[Owner::Memory],
            Self::UnitClaim { .. } | Self::Notice(_) => &[Owner::Runtime],
            Self::Retention(write) => write.owners(),
            Self::Task(write) => write.owners(),
            Self::Step(write) => write.owners(),
            Self::TimerPut { .. } | Self::TimerDrop { .. } | Self::Audit { .. } => &[],
        }
    }

    /// The variant's name, for errors and snapshots.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::InboxPut { .. } => "InboxPut",
            Self::InboxTake { .. } => "InboxTake",
            Self::InboxText { .. } => "InboxText",
            Self::InboxSettle { .. } => "InboxSettle",
            Self::Redact { .. } => "Redact",
            Self::OutboxPut { .. } => "OutboxPut",
            Self::OutboxSending { .. } => "OutboxSending",
            Self::OutboxSent { .. } => "OutboxSent",
            Self::OutboxRetry { .. } => "OutboxRetry",
            Self::OutboxFailed { .. } => "OutboxFailed",
            Self::OutboxDoubt { .. } => "OutboxDoubt",
            Self::OutboxLogged { .. } => "OutboxLogged",
            Self::EntryPut { .. } => "EntryPut",
            Self::LogSynced { .. } => "LogSynced",
            Self::ContextPut { .. } => "ContextPut",
            Self::Memory(_) => "MemoryPut",
            Self::Notice(_) => "Notice",
            Self::Retention(write) => write.name(),
            Self::Task(write) => write.name(),
            Self::Step(write) => write.name(),
            Self::TimerPut { .. } => "TimerPut",
            Self::TimerDrop { .. } => "TimerDrop",
            Self::UnitClaim { .. } => "UnitClaim",
            Self::Audit { .. } => "Audit",
        }
    }
}
