//! How long what comes from outside may be, and what of a write can be seen to be wrong without the rows.

mod work;

use messages::store::{RetentionWrite, Write};
use messages::{Address, InboundId};

/// The longest text of a person, an agent or a file that one write may carry, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;
/// The longest name or foreign id that one write may carry, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 1_024;

/// Refuses, in words, a write that could not be right in any state of the store.
pub(crate) fn measure(write: &Write) -> Result<(), String> {
    for (what, text, bytes_max) in texts(write).into_iter().flatten() {
        if text > bytes_max {
            let name = write.name();
            return Err(format!("{what} of {name} has {text} bytes; at most {bytes_max}"));
        }
    }
    match write {
        Write::InboxPut { id, event, chat, .. } => {
            if *id != InboundId::of(&chat.connector, event) {
                return Err(format!("{id} is not the id of event {event} at {}", chat.connector));
            }
            lane(chat)
        }
        Write::OutboxPut { chat, .. } => lane(chat),
        Write::Notice(notice) => lane(&notice.chat),
        Write::EntryPut { length: 0, log, .. } => Err(format!("an entry of {log} has no bytes")),
        Write::Task(write) => work::task(write),
        _ => Ok(()),
    }
}

fn lane(chat: &messages::turn::Chat) -> Result<(), String> {
    Address::lane(chat).map(drop).map_err(|bad| format!("a reply could not go there: {bad}"))
}

type Measured = Option<(&'static str, usize, usize)>;

fn name(what: &'static str, text: &str) -> Measured {
    Some((what, text.len(), NAME_BYTES_MAX))
}

fn long(what: &'static str, text: &str) -> Measured {
    Some((what, text.len(), TEXT_BYTES_MAX))
}

fn list<'a>(what: &'static str, texts: impl IntoIterator<Item = &'a String>) -> Measured {
    Some((what, texts.into_iter().map(|t| t.len() + 4).sum(), TEXT_BYTES_MAX))
}

/// The texts of a write that come from outside, with their limits. A chat's own limit is that of an address.
fn texts(write: &Write) -> [Measured; 5] {
    let target = |t: &Option<String>| t.as_deref().and_then(|t| name("target", t));
    match write {
        Write::InboxPut { event, user, target: t, text, trace, .. } => {
            [name("event", event), name("user", user), target(t), long("text", text), name("trace", &trace.0)]
        }
        Write::InboxText { text, .. } => [long("text", text), None, None, None, None],
        Write::InboxSettle { reason, .. } => [long("reason", reason), None, None, None, None],
        Write::OutboxPut { text, sources, .. } => [long("text", text), list("sources", sources), None, None, None],
        Write::OutboxSent { platform_id, .. } => [name("platform_id", platform_id), None, None, None, None],
        Write::OutboxRetry { error, .. } | Write::OutboxFailed { error, .. } | Write::OutboxDoubt { error, .. } => {
            [long("error", error), None, None, None, None]
        }
        Write::EntryPut { log, .. } | Write::LogSynced { log, .. } => [name("log", log), None, None, None, None],
        Write::ContextPut { definition, .. } => [long("definition", definition), None, None, None, None],
        Write::TimerPut { name: n, .. } | Write::TimerDrop { name: n, .. } => [name("name", n), None, None, None, None],
        Write::UnitClaim { node, incarnation, .. } => {
            [name("node", node), name("incarnation", incarnation), None, None, None]
        }
        Write::Audit { principal, action, subject, rules, detail, .. } => [
            name("principal", principal),
            name("action", action),
            name("subject", subject),
            list("rules", rules),
            long("detail", detail),
        ],
        Write::Notice(notice) => [long("text", &notice.text), long("told", &notice.told), None, None, None],
        Write::Memory(put) => {
            let work = put.work.iter().flat_map(|work| &work.upto);
            [list("places", put.upto.iter().chain(work).map(|place| &place.log)), None, None, None, None]
        }
        Write::Retention(RetentionWrite::Forget { person, by, .. }) => {
            [name("connector", &person.connector), name("user", &person.user), name("by", by), None, None]
        }
        Write::Retention(RetentionWrite::AuditCut { archive, .. }) => {
            [name("archive", archive), None, None, None, None]
        }
        Write::Retention(_) => [None, None, None, None, None],
        Write::Task(write) => work::texts_of_task(write),
        Write::Step(write) => work::texts_of_step(write),
        Write::InboxTake { .. } | Write::Redact { .. } | Write::OutboxSending { .. } | Write::OutboxLogged { .. } => {
            [None, None, None, None, None]
        }
    }
}
