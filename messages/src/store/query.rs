//! Everything that may be read. Reads never wait for the writer.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::id::{InboundId, Moment, Slug};
use crate::step::Day;
use crate::task::TaskId;
use crate::turn::Chat;

use super::TimerRow;
use super::retention::Person;

/// The most rows one page of a paged query gives; a larger `limit` is cut to this.
pub const PAGE_ROWS_MAX: u32 = 4_096;

/// The most rows that `Query::Lane` gives.
pub const LANE_ROWS_MAX: usize = 32;

/// The most bytes of words in the replies, and in the log entries, that `Query::Context` gives.
pub const CONTEXT_TEXT_BYTES_MAX: usize = 1_048_576;

/// The most contexts whose queued tasks `Query::Queue` gives at a time.
pub const QUEUE_CONTEXTS_MAX: usize = 64;

/// A read. Each variant names the [`super::Rows`] variant that answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// All that a context needs to open: its row, unfinished inbox rows, replies not yet logged, its logs, the last
    /// `tail` log entries -> `Rows::Context`. Of replies and of entries the older ones are without their words when all
    /// would have more than [`CONTEXT_TEXT_BYTES_MAX`] each.
    Context {
        /// Which.
        context: Address,
        /// How many log entries of the conversation.
        tail: u32,
    },
    /// What a woken context has to do: waiting inbox rows (control events first, then by order of arrival) and replies
    /// whose delivery has ended -> `Rows::Work`. A delete is given once the answer to its target has settled.
    Work {
        /// Which.
        context: Address,
        /// At most so many messages; control events (stop, edit, delete) are given beyond it, 32 at most.
        limit: u32,
    },
    /// Outbox rows of one chat that are pending or sending, oldest first, [`LANE_ROWS_MAX`] at most -> `Rows::Outbox`.
    Lane {
        /// Which chat.
        chat: Chat,
    },
    /// Entries of a log with what they show, from an offset on -> `Rows::Entries`.
    Entries {
        /// The log's path.
        log: String,
        /// First offset wanted.
        from: u64,
        /// At most.
        limit: u32,
    },
    /// The logs of one context -> `Rows::Logs`.
    Logs {
        /// Which context.
        context: Address,
        /// At most.
        limit: u32,
    },
    /// The entries that show one inbound event or its replies -> `Rows::Entries` (of all logs of its context).
    EntriesOf {
        /// The inbox row.
        seq: i64,
    },
    /// What must be woken after a start, and by the sweep: entities with unfinished rows, in order, after `after`
    /// -> `Rows::Addresses`. Contexts with waiting or taken inbox rows or unlogged ended replies; lanes with pending or
    /// sending rows; workspaces with queued tasks or record files that are behind; tasks that hold a slot, and those that
    /// wait for others which have ended; memories with a compaction under way or erasures to be carried out; contexts with
    /// words to be erased, and retention while a person is being forgotten.
    Unfinished {
        /// Addresses after this one; `None` for the first page.
        after: Option<Address>,
        /// At most.
        limit: u32,
    },
    /// Dates that have come, after `after` -> `Rows::Timers`, earliest first, those of one moment by entity and name.
    Due {
        /// The moment.
        now: Moment,
        /// The last of the page before; `None` for the first page.
        after: Option<TimerRow>,
        /// At most.
        limit: u32,
    },
    /// The earliest date of all -> `Rows::Timers` with one or none.
    NextDue,
    /// An inbound event of one context by a prefix of its id, with all that came of it -> `Rows::Why`.
    Why {
        /// Only this context's events are looked at.
        context: Address,
        /// `in_` and at least four characters, as `InboundId::prefix` gives.
        prefix: String,
    },
    /// All that a task opens from -> `Rows::Task`.
    Task {
        /// Which.
        task: TaskId,
    },
    /// All that the memory of a context opens from -> `Rows::Memory`; a new row when there is none.
    Memory {
        /// Whose conversation.
        context: Address,
    },
    /// What a workspace decides on: who holds its slots, who waits for one -> `Rows::Queue`.
    Queue {
        /// Which workspace.
        workspace: Slug,
        /// Contexts after this one are looked at first, then those before it.
        after: Option<Address>,
        /// The moment; what may not be run before a later one is counted and not given.
        now: Moment,
        /// Where so many hold a slot, none that waits is given: there is nothing to decide on.
        slots: u32,
    },
    /// Tasks whose record file is behind, with all that it shows -> `Rows::Records`, 256 at most.
    Unrecorded {
        /// Of which workspace.
        workspace: Slug,
        /// Only those that have not moved since: what moves often is written once.
        quiet_since: Moment,
        /// At most.
        limit: u32,
    },
    /// Tasks of a workspace, newest first -> `Rows::Tasks`.
    Tasks {
        /// Which workspace.
        workspace: Slug,
        /// Only this context's.
        context: Option<Address>,
        /// Only those that have not ended, and dead letters that nobody has read.
        open: bool,
        /// Those made before this one: the last [`super::TaskView::place`] of the page before.
        before: Option<i64>,
        /// At most.
        limit: u32,
    },
    /// One task by a prefix of its id, with all below it -> `Rows::TaskFound`.
    FindTask {
        /// Of which workspace.
        workspace: Slug,
        /// Only this context's.
        context: Option<Address>,
        /// `tsk_` and at least four characters, as `TaskId::prefix` gives.
        prefix: String,
    },
    /// What was spent from one day on to another, both counted -> `Rows::Spending`, by day and account.
    Spending {
        /// From.
        from: Day,
        /// To.
        to: Day,
        /// Only accounts that begin so; empty: all.
        account: String,
        /// At most.
        limit: u32,
    },
    /// Which of these events were erased, and are to be erased from memory, too -> `Rows::Erased`.
    Erased {
        /// At most 256.
        ids: Vec<InboundId>,
    },
    /// What retention works on -> `Rows::Retention`.
    Retention {
        /// Events that ended before this are past their time, [`super::MARKS_MAX`] of them are given.
        events_before: Option<Moment>,
        /// Audit records before this are.
        audit_before: Option<Moment>,
    },
    /// How much is past its time -> `Rows::PastTime`.
    PastTime {
        /// Events that ended before this; `None`: none is.
        events_before: Option<Moment>,
        /// Audit records before this.
        audit_before: Option<Moment>,
    },
    /// How a forgetting stands -> `Rows::Forgetting`.
    Forgetting {
        /// Which.
        id: i64,
    },
    /// What there is of a person's words -> `Rows::WordsOf`, a page of the inbox at a time.
    WordsOf {
        /// Who.
        person: Person,
        /// Only in this workspace.
        workspace: Option<Slug>,
        /// After this place.
        after: i64,
    },
    /// How some events stand -> `Rows::Inbox` (those that exist, any order).
    Inbound {
        /// At most 256.
        ids: Vec<InboundId>,
    },
    /// Counts for `status` -> `Rows::Counts`.
    Counts,
    /// What has waited longest, and what has been in doubt for long -> `Rows::Oldest`.
    Oldest {
        /// Doubts that began at this moment or later are counted: older ones nobody can clear up any more.
        doubts_from: Moment,
        /// And before this one.
        doubts_to: Moment,
    },
    /// The store's generation: another after each restore -> `Rows::Generation`.
    Generation,
    /// All units that were ever held, in order, after `after` -> `Rows::Units`.
    Units {
        /// Units after this one; `None` for the first page.
        after: Option<Address>,
        /// At most.
        limit: u32,
    },
    /// How far the node has told a chat what it has to tell -> `Rows::Notices`.
    Notices {
        /// Which chat.
        chat: Chat,
    },
    /// One unit's holder -> `Rows::Unit`.
    Unit {
        /// Which.
        unit: Address,
    },
    /// Audit records after `after` -> `Rows::Audit`. With `last`, the last `limit` records instead.
    Audit {
        /// After this sequence number.
        after: i64,
        /// From the end.
        last: bool,
        /// At most.
        limit: u32,
    },
}
