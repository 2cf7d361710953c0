//! What each write is about. A commit that carries fences writes for the units of these fences and for nothing else.

use std::borrow::Cow;

use super::{Commit, Fence, RetentionWrite, StepWrite, TaskWrite, Write};
use crate::id::InboundId;
use crate::memory::MemoryId;
use crate::step::Work;
use crate::task::TaskId;

/// What a write is about, as far as the write itself says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject<'a> {
    /// What lives at this address: `ws/home/context/general`, `connector/console`.
    At(Cow<'a, str>),
    /// The context of this inbox row.
    Inbound(i64),
    /// The same, by the row's id.
    Event(&'a InboundId),
    /// The context of this outbox row.
    Reply(i64),
    /// The account by which this outbox row leaves.
    Delivery(i64),
    /// This task, by its row.
    Task(&'a TaskId),
    /// The context of this compaction, by its row.
    Compaction(&'a MemoryId),
    /// The store as a whole. No unit's: its owners are at the hub alone.
    Store,
}

fn at(address: &str) -> Subject<'_> {
    Subject::At(Cow::Borrowed(address))
}

fn workspace(id: &str) -> Subject<'_> {
    Subject::At(Cow::Owned(format!("ws/{id}")))
}

/// A log is below its workspace's folder.
fn log(path: &str) -> Subject<'_> {
    workspace(path.split('/').next().unwrap_or_default())
}

impl Write {
    /// All that it is about. A row is looked up by the store where only its number is here.
    #[must_use]
    pub fn subjects(&self) -> Vec<Subject<'_>> {
        match self {
            // Words are for any workspace. Whoever holds the account vouches for who said them.
            Self::InboxPut { chat, .. } => vec![Subject::At(Cow::Owned(format!("connector/{}", chat.connector)))],
            Self::InboxTake { seq, .. }
            | Self::InboxText { seq, .. }
            | Self::InboxSettle { seq, .. }
            | Self::Redact { seq } => vec![Subject::Inbound(*seq)],
            // The store compares the context with that of the inbox row. Replies leave by any account.
            Self::OutboxPut { context, .. } | Self::ContextPut { context, .. } => vec![at(context.as_str())],
            Self::OutboxSending { id, .. }
            | Self::OutboxSent { id, .. }
            | Self::OutboxRetry { id, .. }
            | Self::OutboxFailed { id, .. }
            | Self::OutboxDoubt { id, .. } => vec![Subject::Delivery(*id)],
            Self::OutboxLogged { id } => vec![Subject::Reply(*id)],
            Self::EntryPut { log: path, context, .. } => vec![at(context.as_str()), log(path)],
            Self::LogSynced { log: path, .. } => vec![log(path)],
            Self::Memory(put) => vec![at(put.context.as_str())],
            Self::Task(write) => write.subjects(),
            Self::Step(write) => write.subjects(),
            Self::TimerPut { entity, .. } | Self::TimerDrop { entity, .. } => vec![at(entity.as_str())],
            Self::Audit { actor, .. } => vec![at(actor.as_str())],
            Self::Retention(RetentionWrite::Expire { seq }) => vec![Subject::Inbound(*seq)],
            Self::Retention(
                RetentionWrite::Put(_)
                | RetentionWrite::Mark { .. }
                | RetentionWrite::Forget { .. }
                | RetentionWrite::ForgetNext { .. }
                | RetentionWrite::ForgetDone { .. }
                | RetentionWrite::AuditCut { .. },
            )
            | Self::Notice(_)
            | Self::UnitClaim { .. } => vec![Subject::Store],
        }
    }
}

impl TaskWrite {
    fn subjects(&self) -> Vec<Subject<'_>> {
        match self {
            Self::Put(task) => vec![workspace(task.workspace.as_str()), at(task.context.as_str())],
            // The store compares both.
            Self::Post { task, context, .. } => vec![Subject::Task(task), at(context.as_str())],
            Self::Move(to) => vec![Subject::Task(&to.task)],
            Self::Claim { task, .. } | Self::Recorded { task, .. } | Self::Discard { task, .. } => {
                vec![Subject::Task(task)]
            }
        }
    }
}

impl StepWrite {
    /// Whose step it is, and the accounts of workspaces and contexts that it charges. Those of the node and of models are
    /// everybody's.
    fn subjects(&self) -> Vec<Subject<'_>> {
        let accounts: Vec<&str> = match self {
            Self::Start { reserve, .. } => {
                reserve.iter().flat_map(|reserve| &reserve.limits).map(|limit| limit.account.as_str()).collect()
            }
            Self::End { cost, .. } => cost.iter().flat_map(|cost| &cost.accounts).map(String::as_str).collect(),
        };
        let work = match self.work() {
            Work::Turn(event) => Subject::Event(event),
            Work::Task(task) => Subject::Task(task),
            Work::Memory(compaction) => Subject::Compaction(compaction),
        };
        let charged = accounts.into_iter().filter(|account| account.starts_with("ws/")).map(at);
        std::iter::once(work).chain(charged).collect()
    }
}

impl Commit {
    /// What its writes name is of the units whose fences it carries. One without fences is written by the hub itself: its
    /// door lets none in.
    ///
    /// # Errors
    /// Words: which write, and for what.
    pub fn check_named(&self) -> Result<(), String> {
        if self.fences.is_empty() {
            return Ok(());
        }
        self.writes.iter().try_for_each(|write| {
            write.subjects().iter().try_for_each(|subject| match subject {
                Subject::At(address) => within(write, address, &self.fences),
                _ => Ok(()),
            })
        })
    }
}

/// Whether a write about this address may be in a commit with these fences: it is at or below one of their units.
///
/// # Errors
/// Words: what it is about, and for what the commit may write.
pub fn within(write: &Write, address: &str, fences: &[Fence]) -> Result<(), String> {
    let is_below = |fence: &Fence| {
        let rest = address.strip_prefix(fence.unit.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if fences.iter().any(is_below) {
        return Ok(());
    }
    let held: Vec<&str> = fences.iter().map(|fence| fence.unit.as_str()).collect();
    Err(format!(
        "{} writes for {address}, and the commit carries the fence of {} alone",
        write.name(),
        held.join(" and ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::id::Moment;
    use crate::store::Owner;

    fn fence(unit: &'static str) -> Fence {
        Fence { unit: Address::fixed(unit), epoch: 1 }
    }

    fn dated(entity: &str) -> Write {
        Write::TimerPut { entity: Address::parse(entity).unwrap(), name: "x".into(), due: Moment(1) }
    }

    #[test]
    fn a_unit_is_itself_and_what_is_below_it_and_no_unit_whose_name_only_begins_so() {
        let write = dated("ws/home");
        for (address, may) in [
            ("ws/home", true),
            ("ws/home/context/general", true),
            ("ws/home-2/context/general", false),
            ("ws/other", false),
            ("ws", false),
            ("connector/console", false),
            ("retention", false),
        ] {
            assert_eq!(within(&write, address, &[fence("ws/home")]).is_ok(), may, "{address}");
        }
        assert!(within(&write, "ws/home/context/general", &[]).is_err());
        assert!(within(&write, "ws/b/x", &[fence("ws/a"), fence("ws/b")]).is_ok());
    }

    #[test]
    fn a_commit_names_what_it_has_fences_for_and_says_what_it_has_none_for() {
        let commit = |fences, entities: &[&str]| {
            let writes = entities.iter().map(|entity| dated(entity)).collect();
            Commit { by: Owner::Context, fences, writes }
        };
        let own = ["ws/a/context/x", "ws/a/task/y"];
        assert_eq!(commit(vec![fence("ws/a")], &own).check_named(), Ok(()));
        let foreign = commit(vec![fence("ws/a")], &["ws/a/context/x", "ws/b/context/x"]).check_named();
        let words = "TimerPut writes for ws/b/context/x, and the commit carries the fence of ws/a alone";
        assert_eq!(foreign, Err(words.into()));
        assert_eq!(commit(Vec::new(), &["ws/b/context/x"]).check_named(), Ok(()));
    }
}
