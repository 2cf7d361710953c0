//! What a peer's roles allow it to send. A snapshot in the tests shows the whole table.

use messages::cluster::{Role, Roles};
use messages::envelope::{Head, Kind};
use messages::store::{Owner, Query, StoreCall};

/// A row: who has this role may send this kind to such addresses. A last `**` takes one or more segments.
pub(crate) const TABLE: [(Role, Kind, &str); 11] = [
    // The hub relays for all others, and has been asked by them whether it may.
    (Role::Hub, Kind::Wake, "**"),
    (Role::Hub, Kind::Due, "**"),
    (Role::Hub, Kind::Ask, "**"),
    // A connector vouches for what its own users say: it puts that into the store and wakes who is to look at it.
    (Role::Connector, Kind::Ask, "store"),
    (Role::Connector, Kind::Ask, "cluster"),
    (Role::Connector, Kind::Wake, "ws/**"),
    (Role::Connector, Kind::Ask, "ws/*/context/*"),
    // A worker answers, and wakes the lanes that deliver.
    (Role::Worker, Kind::Ask, "store"),
    (Role::Worker, Kind::Ask, "cluster"),
    (Role::Worker, Kind::Wake, "ws/**"),
    (Role::Worker, Kind::Wake, "connector/**"),
];

/// Whether a peer with these roles may send this.
///
/// # Errors
/// Words: which roles it has, and what it wanted.
pub(crate) fn check(roles: Roles, head: &Head) -> Result<(), String> {
    let allowed =
        |(role, kind, pattern): &(Role, Kind, &str)| roles.has(*role) && *kind == head.kind && head.to.is_like(pattern);
    // These are handed to nobody.
    let is_of_the_link = matches!(head.kind, Kind::Ping | Kind::Put | Kind::Part);
    if is_of_the_link || TABLE.iter().any(allowed) {
        return Ok(());
    }
    let what = match head.kind {
        Kind::Wake => "wake",
        Kind::Due => "tell the dates of",
        _ => "ask",
    };
    Err(format!("a node with the roles {roles} may not {what} {}", head.to))
}

/// Whether a peer with these roles may ask this of the store. Which units it holds is looked at beside this, and the store
/// compares each write with the fences that the commit carries ([`messages::store::Write::subjects`]).
///
/// # Errors
/// Words: what it wanted, and what it lacks.
pub(crate) fn check_store(roles: Roles, message: &StoreCall) -> Result<(), String> {
    match message {
        StoreCall::Describe => Ok(()),
        StoreCall::Commit(commit) => {
            let owns = match commit.by {
                Owner::Connector => roles.has(Role::Connector),
                Owner::Context | Owner::Workspace | Owner::Task | Owner::Memory => roles.has(Role::Worker),
                // These decide for the whole store, at the hub.
                Owner::Retention | Owner::Runtime => false,
            };
            if !owns {
                return Err(format!("a node with the roles {roles} may not write as {:?}", commit.by));
            }
            if commit.fences.is_empty() {
                return Err("a commit from another node must carry the fence of a unit that it holds".into());
            }
            Ok(())
        }
        StoreCall::Query(query) if roles.has(Role::Worker) || for_connectors(query) => Ok(()),
        StoreCall::Query(_) => Err(format!("a node with the roles {roles} may not read this of the store")),
    }
}

/// What a connector needs to deliver, and to show how the node stands.
fn for_connectors(query: &Query) -> bool {
    matches!(
        query,
        Query::Lane { .. }
            | Query::Inbound { .. }
            | Query::Counts
            // Before it stops: what it has just delivered is to be recorded as such.
            | Query::Unfinished { .. }
            | Query::Generation
            | Query::Oldest { .. }
            // What the whole installation has spent today is a part of how it stands.
            | Query::Spending { .. }
            // Who has asked for a task stays until it has ended.
            | Query::Tasks { .. }
            | Query::FindTask { .. }
            | Query::Unit { .. }
    )
}
