//! A commit that carries fences writes for the units of these fences and for nothing else.

use messages::store::{CommitError, EntryKind, Owner, Subject, Write};
use messages::{Address, Moment};

use crate::owners::writes;
use crate::work::{cost, end, of_turn, put as put_task, reserve, start, task};
use crate::world::{World, claim, entry, general, put_as, reply};

const UNITS: [&str; 4] = ["ws/home", "ws/home-2", "connector/console", "connector/other"];

/// What each write is about, and which of the units' holders may write it; what is the store's is held back by its owner.
const TABLE: &str = "\
InboxPut       connector/console                  connector/console
InboxTake      Inbound                            ws/home
InboxText      Inbound                            ws/home
InboxSettle    Inbound                            ws/home
Redact         Inbound                            ws/home
OutboxPut      ws/home/context/general            ws/home
OutboxSending  Delivery                           connector/console
OutboxSent     Delivery                           connector/console
OutboxRetry    Delivery                           connector/console
OutboxFailed   Delivery                           connector/console
OutboxDoubt    Delivery                           connector/console
OutboxLogged   Reply                              ws/home
EntryPut       ws/home/context/general ws/home    ws/home
LogSynced      ws/home                            ws/home
ContextPut     ws/home/context/general            ws/home
TimerPut       ws/home/context/general            ws/home
TimerDrop      ws/home/context/general            ws/home
UnitClaim      Store                              -
Audit          ws/home/context/general            ws/home
MemoryPut      ws/home/context/general            ws/home
Notice         Store                              -
RetentionPut   Store                              -
Mark           Store                              -
Expire         Inbound                            ws/home
Forget         Store                              -
ForgetNext     Store                              -
ForgetDone     Store                              -
AuditCut       Store                              -
TaskPut        ws/home ws/home/context/general    ws/home
TaskClaim      Task                               ws/home
TaskMove       Task                               ws/home
TaskPost       Task ws/home/context/general       ws/home
TaskRecorded   Task                               ws/home
TaskDiscard    Task                               ws/home
StepStart      Event                              ws/home
StepEnd        Event                              ws/home
StepStart      Task                               ws/home
StepEnd        Task                               ws/home
StepStart      Compaction                         ws/home
StepEnd        Compaction                         ws/home
";

/// All that the writes of the table are about is there.
fn world() -> World {
    let world = World::at_work();
    world.commit(Owner::Memory, vec![crate::memory::kept(1, 0, Some(1), 0)]).unwrap();
    world.context(vec![reply(1, 0), entry(0, 1, EntryKind::Inbound, 1)]).unwrap();
    world.task(vec![put_task(task("a", 1))]).unwrap();
    world
}

/// Who may write it at all.
fn owner(write: &Write) -> Owner {
    write.owners().first().copied().unwrap_or(Owner::Context)
}

/// Under the epoch in force.
fn commit(world: &World, unit: &'static str, write: &Write) -> Result<(), CommitError> {
    let epoch = u64::from(unit == "ws/home");
    world.fenced(owner(write), (&Address::fixed(unit), epoch), vec![write.clone()]).map(drop)
}

/// Refused since it is about something else than this unit.
fn is_foreign(done: &Result<(), CommitError>, write: &Write, unit: &str) -> bool {
    let Err(CommitError::Refused(why)) = done else { return false };
    let name = write.name();
    why.starts_with(&format!("{name} writes for ")) && why.ends_with(&format!("carries the fence of {unit} alone"))
}

fn shown(write: &Write) -> String {
    let of = |subject: &Subject<'_>| match subject {
        Subject::At(address) => address.to_string(),
        Subject::Inbound(_) => "Inbound".into(),
        Subject::Event(_) => "Event".into(),
        Subject::Reply(_) => "Reply".into(),
        Subject::Delivery(_) => "Delivery".into(),
        Subject::Task(_) => "Task".into(),
        Subject::Compaction(_) => "Compaction".into(),
        Subject::Store => "Store".into(),
    };
    write.subjects().iter().map(of).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_write_is_for_the_holder_of_what_it_is_about_and_for_no_other() {
    let mut table = String::new();
    for write in writes() {
        let may = |unit: &&'static str| !is_foreign(&commit(&world(), unit, &write), &write, unit);
        let is_of_the_store = write.subjects() == [Subject::Store];
        let mut holders: Vec<&str> = UNITS.into_iter().filter(|unit| is_of_the_store || may(unit)).collect();
        if is_of_the_store {
            let at_the_hub = [Owner::Runtime, Owner::Retention];
            assert!(!write.owners().is_empty() && write.owners().iter().all(|owner| at_the_hub.contains(owner)));
            holders = vec!["-"];
        }
        table.push_str(&format!("{:<14} {:<34} {}\n", write.name(), shown(&write), holders.join(" ")));
    }
    assert_eq!(table, TABLE);
}

#[test]
fn a_foreign_write_leaves_nothing_of_its_commit_whatever_comes_before_it() {
    let world = world();
    let rows = || {
        let tables = ["timer", "audit", "outbox", "entry", "task", "step", "context", "erase"];
        let counts = tables.map(|table| world.number(&format!("SELECT count(*) FROM {table}")));
        (counts, world.number("SELECT count(*) FROM inbox WHERE state = 1 AND redacted = 0"))
    };
    let before = rows();
    let own = Write::TimerPut { entity: Address::fixed("ws/home-2/context/x"), name: "own".into(), due: Moment(1) };
    for write in writes().into_iter().filter(|write| write.owners().contains(&Owner::Context)) {
        let commit = vec![own.clone(), write.clone()];
        let done = world.fenced(Owner::Context, (&Address::fixed("ws/home-2"), 0), commit).map(drop);
        assert!(is_foreign(&done, &write, "ws/home-2"), "{write:?}: {done:?}");
    }
    assert_eq!(rows(), before);
}

#[test]
fn a_step_charges_no_account_of_another_workspace() {
    let world = world();
    let mut reserve = reserve(7, 100);
    let mut cost = cost(7);
    let writes = |reserve, cost| {
        [start(&of_turn("a"), 0, Some(reserve)), end(&of_turn("a"), 0, messages::step::StepStatus::Done, Some(cost))]
    };
    for write in writes(reserve.clone(), cost.clone()) {
        commit(&world, "ws/home", &write).unwrap();
    }
    reserve.limits[1].account = "ws/home-2".into();
    cost.accounts[1] = "ws/home-2/context/general".into();
    for write in writes(reserve, cost) {
        let done = commit(&world, "ws/home", &write);
        assert!(is_foreign(&done, &write, "ws/home"), "{done:?}");
    }
}

#[test]
fn a_new_log_is_below_the_folder_of_its_workspace() {
    let world = world();
    let Write::EntryPut { context, offset, length, what, of, .. } = entry(0, 1, EntryKind::Inbound, 1) else {
        panic!()
    };
    let foreign = Write::EntryPut { log: "home-2/logs/a.md".into(), context, offset, length, what, of };
    assert!(is_foreign(&commit(&world, "ws/home", &foreign), &foreign, "ws/home"));
}

#[test]
fn who_holds_an_account_puts_words_for_any_workspace_and_the_hub_writes_without_fences() {
    let world = world();
    let elsewhere = Address::fixed("ws/home-2/context/x");
    let put = put_as("b", messages::store::InboundKind::Message, elsewhere, None);
    commit(&world, "connector/console", &put).unwrap();
    world.commit(Owner::Runtime, vec![claim(&general())]).unwrap();
}
