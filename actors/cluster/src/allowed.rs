//! What a peer's roles allow it to send. A snapshot in the tests shows the whole table.

use messages::cluster::{Role, Roles};
use messages::envelope::{Head, Kind};

/// A row: who has this role may send this kind to such addresses. A last `**` takes one or more segments.
pub(crate) const TABLE: [(Role, Kind, &str); 10] = [
    // The hub relays for all others, and has been asked by them whether it may.
    (Role::Hub, Kind::Wake, "**"),
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
    if head.kind == Kind::Ping || TABLE.iter().any(allowed) {
        return Ok(());
    }
    let what = if head.kind == Kind::Wake { "wake" } else { "ask" };
    Err(format!("a node with the roles {roles} may not {what} {}", head.to))
}
