//! Who may write what: the table that the store enforces, as it is printed.

use messages::Moment;
use messages::step::StepStatus;
use messages::store::{CommitError, EntryKind, FileStamp, Owner, RetentionWrite, Write};
use messages::task::TaskState;
use messages::turn::Outcome;

use crate::work;
use crate::world::{World, audit, claim, context_put, entry, general, id, put, reply, sending, sent, settle, take};

/// One of each.
pub(crate) fn writes() -> Vec<Write> {
    let (at, error) = (Moment(1), String::new);
    let (entity, name) = (general(), "date".to_owned());
    let log = crate::world::LOG.to_owned();
    vec![
        put("a"),
        take(1),
        Write::InboxText { seq: 1, text: String::new() },
        settle(1, Outcome::Noted),
        Write::Redact { seq: 1 },
        reply(1, 0),
        sending(1),
        sent(1),
        Write::OutboxRetry { id: 1, not_before: at, error: error() },
        Write::OutboxFailed { id: 1, error: error(), at },
        Write::OutboxDoubt { id: 1, error: error(), at },
        Write::OutboxLogged { id: 1 },
        entry(0, 1, EntryKind::Inbound, 1),
        Write::LogSynced { log, synced: 0, stamp: FileStamp::default() },
        context_put(1, 0),
        Write::TimerPut { entity: entity.clone(), name: name.clone(), due: at },
        Write::TimerDrop { entity, name },
        claim(&general()),
        audit("x", &id("a")),
        crate::memory::kept(1, 0, None, 0),
        crate::notices::notice(1),
        Write::Retention(RetentionWrite::Put(messages::store::RetentionRow::default())),
        Write::Retention(RetentionWrite::Mark { seqs: vec![1], memory: false }),
        Write::Retention(RetentionWrite::Expire { seq: 1 }),
        crate::retention::forget("ann", None),
        Write::Retention(RetentionWrite::ForgetNext { id: 1, from: 0 }),
        Write::Retention(RetentionWrite::ForgetDone { id: 1, at }),
        Write::Retention(RetentionWrite::AuditCut { upto: 1, at, archive: String::new() }),
        work::put(work::task("a", 1)),
        work::claimed("a", 2),
        work::moved("a", 3, TaskState::Waiting),
        work::post("a", None),
        work::recorded("a", 1),
        work::discarded("a"),
        work::start(&work::of_turn("a"), 0, None),
        work::end(&work::of_turn("a"), 0, StepStatus::Done, None),
        work::start(&work::of_task("a"), 0, None),
        work::end(&work::of_task("a"), 0, StepStatus::Done, None),
        work::start(&crate::memory::work(1), 0, None),
        work::end(&crate::memory::work(1), 0, StepStatus::Done, None),
    ]
}

const TABLE: &str = "\
InboxPut       Connector
InboxTake      Context
InboxText      Context
InboxSettle    Context
Redact         Context
OutboxPut      Context
OutboxSending  Connector
OutboxSent     Connector
OutboxRetry    Connector
OutboxFailed   Connector
OutboxDoubt    Connector
OutboxLogged   Context
EntryPut       Context
LogSynced      Context
ContextPut     Context
TimerPut       Connector Context Workspace Task Memory Retention Runtime
TimerDrop      Connector Context Workspace Task Memory Retention Runtime
UnitClaim      Runtime
Audit          Connector Context Workspace Task Memory Retention Runtime
MemoryPut      Memory
Notice         Runtime
RetentionPut   Retention
Mark           Retention
Expire         Context
Forget         Retention
ForgetNext     Retention
ForgetDone     Retention
AuditCut       Retention
TaskPut        Context Task
TaskClaim      Workspace
TaskMove       Workspace Task
TaskPost       Workspace Task
TaskRecorded   Workspace
TaskDiscard    Task
StepStart      Context
StepEnd        Context
StepStart      Task
StepEnd        Task
StepStart      Memory
StepEnd        Memory
";

#[test]
fn each_column_has_its_owners_and_the_store_refuses_all_others() {
    let world = World::new();
    let mut table = String::new();
    for write in writes() {
        let name = write.name();
        let mut owners = Vec::new();
        for by in [
            Owner::Connector,
            Owner::Context,
            Owner::Workspace,
            Owner::Task,
            Owner::Memory,
            Owner::Retention,
            Owner::Runtime,
        ] {
            let refused = CommitError::Refused(format!("{name} can't be written by {by:?}"));
            if world.commit(by, vec![write.clone()]) != Err(refused) {
                owners.push(format!("{by:?}"));
            }
        }
        table.push_str(&format!("{name:<14} {}\n", owners.join(" ")));
    }
    assert_eq!(table, TABLE);
}

#[test]
fn a_foreign_write_refuses_all_of_its_commit() {
    let world = World::new();
    let refused = world.connector(vec![put("a"), take(1)]);
    assert!(matches!(refused, Err(CommitError::Refused(_))));
    assert_eq!(world.number("SELECT count(*) FROM inbox"), 0);
}
