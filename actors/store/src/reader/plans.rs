//! That each query of recovery, wakes and lanes walks its own partial index and sorts nothing.

use rusqlite::{Connection, StatementStatus, params};

use crate::connection::{self, Place};

use super::{context, entries, memory, notice, oldest, rest, retention, spending, task, unfinished, why, work};

/// A query's name, its statement, the first step of its plan.
type Walk = (&'static str, &'static str, &'static str);

/// Events, replies, logs, dates, the audit.
const CHATS: &[Walk] = &[
    ("Context.taken", context::TAKEN, "SEARCH i USING INDEX inbox_open (ctx=?)"),
    ("Context.begun", context::BEGUN, "SEARCH entry USING COVERING INDEX entry_of (shows=? AND what=?)"),
    ("Context.replies", context::REPLIES, "SEARCH o USING INDEX outbox_unlogged (ctx=?)"),
    ("Context.logs", context::LOGS, "SEARCH log USING INDEX log_of_context (ctx=?)"),
    ("Context.tail", context::TAIL, "SEARCH entry USING PRIMARY KEY (log=? AND offset<?)"),
    ("Work.control", work::CONTROL, "SEARCH i USING INDEX inbox_control (ctx=?)"),
    ("Work.messages", work::MESSAGES, "SEARCH i USING INDEX inbox_open (ctx=?)"),
    ("Work.ended", work::ENDED, "SEARCH o USING INDEX outbox_ended (ctx=?)"),
    ("Lane", work::LANE, "SEARCH o USING INDEX outbox_lane (lane=?)"),
    ("Unfinished.open", unfinished::OPEN, "SEARCH inbox USING COVERING INDEX inbox_open (ctx>?)"),
    ("Unfinished.ended", unfinished::ENDED, "SEARCH outbox USING INDEX outbox_ended (ctx>?)"),
    ("Unfinished.lanes", unfinished::LANES, "SEARCH outbox USING INDEX outbox_lane (lane>?)"),
    ("Notices", notice::WAITING, "SEARCH outbox USING INDEX outbox_lane (lane=?)"),
    ("Unfinished.erase", unfinished::ERASE, "SEARCH erase USING PRIMARY KEY (ctx>?)"),
    ("Work.erase", retention::ERASE, "SEARCH e USING PRIMARY KEY (ctx=?)"),
    ("Retention.past", retention::PAST, "SEARCH i USING INDEX inbox_words (settled_at<?)"),
    ("Due", rest::DUE, "SEARCH timer USING COVERING INDEX timer_due ((due,entity,name)>(?,?,?) AND due<?)"),
    ("NextDue", rest::NEXT_DUE, "SCAN timer USING COVERING INDEX timer_due"),
    ("Why.ids", why::IDS, "SEARCH inbox USING INDEX sqlite_autoindex_inbox_1 (id>? AND id<?)"),
    ("Why.replies", why::REPLIES, "SEARCH o USING INDEX sqlite_autoindex_outbox_1 (seq=?)"),
    ("Why.audit", why::AUDIT, "SEARCH audit USING INDEX audit_inbox (inbox=?)"),
    ("Inbound", rest::INBOUND, "SEARCH i USING INDEX sqlite_autoindex_inbox_1 (id=?)"),
    ("Entries", entries::FROM, "SEARCH entry USING PRIMARY KEY (log=? AND offset>?)"),
    ("EntriesOf", entries::OF, "SEARCH e USING INDEX entry_of (shows=? AND what=?)"),
    ("EntriesOf.replies", entries::REPLIES, "SEARCH outbox USING COVERING INDEX sqlite_autoindex_outbox_1 (seq=?)"),
    ("Counts.inbox", rest::WAITING, "SCAN inbox USING COVERING INDEX inbox_open"),
    ("Counts.outbox", rest::GOING, "SCAN outbox USING COVERING INDEX outbox_lane"),
    ("Oldest.event", oldest::EVENT, "SEARCH inbox USING COVERING INDEX inbox_open"),
    ("Oldest.reply", oldest::REPLY, "SEARCH outbox USING COVERING INDEX outbox_lane"),
    ("Oldest.tasks", oldest::TASKS, "SCAN task USING INDEX task_shown"),
    ("Counts.doubt", rest::IN_DOUBT, "SCAN outbox USING COVERING INDEX outbox_doubt"),
];

/// Tasks, steps, spending.
const WORK: &[Walk] = &[
    ("Unfinished.queues", unfinished::QUEUES, "SEARCH task USING INDEX task_queue (keeper>?)"),
    ("Unfinished.records", unfinished::RECORDS, "SEARCH task USING INDEX task_unrecorded (keeper>?)"),
    ("Unfinished.slots", unfinished::SLOTS, "SEARCH task USING INDEX task_slot (address>?)"),
    ("Unfinished.children", unfinished::CHILDREN_ENDED, "SEARCH t USING INDEX task_waits_child (address>?)"),
    ("Unfinished.blocked", unfinished::UNBLOCKED, "SEARCH t USING INDEX task_blocked (address>?)"),
    ("Unfinished.parent", unfinished::PARENT_ENDED, "SEARCH t USING INDEX task_sub_open (address>?)"),
    ("Unfinished.memories", unfinished::MEMORIES, "SEARCH memory USING INDEX memory_open (address>?)"),
    ("Memory", memory::MEMORY, "SEARCH memory USING INDEX sqlite_autoindex_memory_2 (ctx=?)"),
    ("Task", task::TASK, "SEARCH t USING INDEX sqlite_autoindex_task_1 (id=?)"),
    ("Task.steps", task::STEPS, "SEARCH step USING PRIMARY KEY (work=?)"),
    ("Task.children", task::CHILDREN, "SEARCH t USING INDEX task_of_parent (parent=?)"),
    ("Task.below", task::BELOW, "SEARCH task USING INDEX task_of_root (root=?)"),
    ("Task.needs", task::NEEDS, "SEARCH d USING PRIMARY KEY (task=?)"),
    ("Task.needed_by", task::NEEDED_BY, "SEARCH d USING COVERING INDEX depends_needs (needs=?)"),
    ("Unrecorded", task::UNRECORDED, "SEARCH t USING INDEX task_unrecorded (keeper=?)"),
    ("Queue.slots", task::SLOTS, "SEARCH task USING INDEX task_slot (address>? AND address<?)"),
    ("Queue.contexts", task::CONTEXTS, "SEARCH task USING INDEX task_queue (keeper=? AND ctx>?)"),
    ("Queue.queued", task::QUEUED, "SEARCH task USING INDEX task_queue (keeper=? AND ctx=? AND priority=?)"),
    ("Queue.late", task::LATE, "SEARCH task USING INDEX task_start_by (keeper=? AND start_by<?)"),
    ("Queue.next_by", task::NEXT_BY, "SEARCH task USING INDEX task_start_by (keeper=? AND start_by>?)"),
    ("Queue.next_from", task::NEXT_FROM, "SEARCH task USING INDEX task_not_before (keeper=? AND not_before>?)"),
    ("Tasks.all", task::ALL, "SEARCH t USING INDEX task_of_workspace (ws=? AND place<?)"),
    ("Tasks.of_context", task::OF_CONTEXT, "SEARCH t USING INDEX task_of_context (ctx=? AND place<?)"),
    ("Tasks.open", task::OPEN, "SEARCH t USING INDEX task_shown (ws=? AND place<?)"),
    ("FindTask.ids", task::IDS, "SEARCH task USING INDEX sqlite_autoindex_task_1 (id>? AND id<?)"),
    ("FindTask.below", task::OF_ROOT, "SEARCH t USING INDEX task_of_root (root=?)"),
    ("Why.tasks", task::OF_INBOX, "SEARCH t USING INDEX task_of_inbox (seq=?)"),
    ("Spending", spending::DAYS, "SEARCH spending USING PRIMARY KEY (day>? AND day<?)"),
    ("Spending.latest", spending::LATEST, "SEARCH spending USING INDEX spending_account (account=?)"),
    ("Counts.tasks", rest::TASKS, "SCAN task USING COVERING INDEX task_shown"),
];

/// A new store's reader.
fn store() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let place = Place { folder: folder.path().to_owned(), pages_max: None };
    let mut sql = connection::writer(&place, true).unwrap();
    crate::schema::migrate(&mut sql, &place.file()).unwrap();
    let reader = connection::reader(folder.path()).unwrap();
    (folder, reader)
}

fn plan(sql: &Connection, statement: &str) -> Vec<String> {
    let mut explained = sql.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    // Parameters are bound to what selects: the plan must hold whatever they are.
    let rows = explained.raw_query();
    rows.mapped(|row| row.get::<_, String>(3)).map(Result::unwrap).collect()
}

#[test]
fn every_query_that_is_asked_often_walks_its_index_and_sorts_nothing() {
    let (_folder, sql) = store();
    for (name, statement, walk) in CHATS.iter().chain(WORK) {
        let plan = plan(&sql, statement);
        assert_eq!(plan.first().map(String::as_str), Some(*walk), "{name}: {plan:?}");
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
        let scans = plan.iter().skip(1).any(|step| step.contains("SCAN"));
        assert!(!sorts && !scans, "{name}: {plan:?}");
    }
}

#[test]
fn what_a_task_and_all_below_it_have_used_is_found_from_parent_to_subtask() {
    let (_folder, sql) = store();
    let plan = plan(&sql, task::SPENT);
    for walk in ["SEARCH t USING INDEX task_of_parent (parent=?)", "SEARCH s USING PRIMARY KEY (work=?)"] {
        assert!(plan.iter().any(|step| step == walk), "{walk}: {plan:?}");
    }
    let records = self::plan(&sql, task::UNRECORDED_COUNT);
    assert!(records.iter().any(|step| step.contains("task_unrecorded (keeper=?)")), "{records:?}");
}

#[test]
fn a_statement_is_prepared_once_whatever_is_bound_to_it() {
    let (_folder, sql) = store();
    for statement in [context::TAKEN, context::LOGS, work::CONTROL, work::MESSAGES, work::ENDED, work::LANE] {
        for limit in 0..5 {
            let mut cached = sql.prepare_cached(statement).unwrap();
            let mut rows = cached.query(params![format!("a{limit}"), limit]).unwrap();
            assert!(rows.next().unwrap().is_none());
        }
        let cached = sql.prepare_cached(statement).unwrap();
        assert_eq!(cached.get_status(StatementStatus::Run), 5, "{statement}");
        assert_eq!(cached.get_status(StatementStatus::RePrepare), 0, "{statement}");
    }
}
