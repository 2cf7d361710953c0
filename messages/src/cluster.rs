//! What the hub and the nodes of a cluster say to each other about who holds which unit.
//!
//! Plain data. How it is decided with is in `actors/placement`; how it travels is in `actors/cluster`.
//!
//! [`ToNode::Renewed`] is the truth about what a node holds; [`ToNode::Assign`] and [`ToNode::Yield`] are hints that
//! make things faster and may be lost. Nothing here is larger than one envelope (1 MiB): the bounds are the constants
//! below, and a test makes the largest of each message.

mod roles;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::id::Slug;

pub use roles::{Role, Roles};

/// The longest name of a unit in bytes: `connector/` and an account of 118. A workspace's is 67 at most.
pub const UNIT_BYTES_MAX: usize = 128;
/// The most units that one node may hold: what it holds goes into each renewal, and this many fit an envelope.
pub const UNITS_PER_NODE_MAX: usize = 4_096;
/// The most units of a cluster: sixteen nodes' worth. It bounds the hub's memory and a router's.
pub const UNITS_MAX: usize = 65_536;
/// The most entries of one [`Table`]: this many fit an envelope; a longer table goes in parts.
pub const TABLE_ENTRIES_MAX: usize = 4_096;
/// The most workspaces that a node may name as the ones its files allow; a hub takes no more from it.
pub const HOLDS_MAX: usize = 4_096;

/// How a unit may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UnitClass {
    /// Its harm is in commits, and those are fenced by the epoch: it may move while an old holder still believes.
    Fenced,
    /// It has one outside session (a poller, a socket): it moves only when the old holder certainly has stopped.
    Exclusive,
}

/// What is placed as one: `ws/<id>`, `connector/<account>` or `mailbox/<account>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Address", into = "Address")]
pub struct Unit(Address);

/// Why an address is not a [`Unit`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a unit: ws/<id>, connector/<account> or mailbox/<account>, at most {UNIT_BYTES_MAX} bytes")]
pub struct NotAUnit(pub Address);

impl Unit {
    /// The unit that an address belongs to: `ws/acme` for all below it. `None` for what is on every node.
    #[must_use]
    pub fn of(address: &Address) -> Option<Self> {
        let mut parts = address.segments();
        let (class, name) = (parts.next()?, parts.next()?);
        Address::parse(&format!("{class}/{name}")).ok().and_then(|unit| Self::try_from(unit).ok())
    }

    /// Reads one.
    ///
    /// # Errors
    /// One sentence that says what a unit looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let address = Address::parse(text).map_err(|e| e.to_string())?;
        Self::try_from(address).map_err(|e| e.to_string())
    }

    /// The unit of a workspace.
    #[must_use]
    pub fn workspace(id: &Slug) -> Self {
        Self(Address::workspace(id))
    }

    /// How it may move.
    #[must_use]
    pub fn class(&self) -> UnitClass {
        if self.0.workspace_of().is_some() { UnitClass::Fenced } else { UnitClass::Exclusive }
    }

    /// The role that a node needs to hold it.
    #[must_use]
    pub fn role(&self) -> Role {
        match self.class() {
            UnitClass::Fenced => Role::Worker,
            UnitClass::Exclusive => Role::Connector,
        }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.0
    }
}

impl TryFrom<Address> for Unit {
    type Error = NotAUnit;
    fn try_from(address: Address) -> Result<Self, NotAUnit> {
        let parts: Vec<&str> = address.segments().collect();
        let good = match parts.as_slice() {
            ["ws", id] => Slug::parse(id).is_ok(),
            ["connector" | "mailbox", _] => address.as_str().len() <= UNIT_BYTES_MAX,
            _ => false,
        };
        if good { Ok(Self(address)) } else { Err(NotAUnit(address)) }
    }
}

impl From<Unit> for Address {
    fn from(unit: Unit) -> Self {
        unit.0
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One start of a node: 16 hexadecimal characters wherever it is shown. A greater one is newer.
///
/// A node makes it from its clock and chance ([`Incarnation::new`]). Should a clock have been set back, then the new
/// start looks older: the hub lets it in when the lease of the one it knows has ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(u64);

impl Incarnation {
    /// Of a start at this moment: 48 bits of milliseconds, and 16 of chance for two starts in one.
    #[must_use]
    pub fn new(started: crate::Moment, chance: u16) -> Self {
        let ms = u64::try_from(started.0).unwrap_or(0) & 0xffff_ffff_ffff;
        Self((ms << 16) | u64::from(chance))
    }

    /// As it is kept in rows.
    ///
    /// # Errors
    /// One sentence when it is not 16 hexadecimal characters.
    pub fn parse(text: &str) -> Result<Self, String> {
        let good = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let bad = || format!("`{}` is no incarnation: 16 of 0-9 and a-f", text.chars().take(40).collect::<String>());
        if good { u64::from_str_radix(text, 16).map(Self).map_err(|_| bad()) } else { Err(bad()) }
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The workspaces that a node's files allow it to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holds {
    /// Any: it has the only disk, or a shared mount.
    All,
    /// These, at most [`HOLDS_MAX`].
    These(Vec<Slug>),
}

impl Holds {
    /// These; of more than a node may name, the first.
    #[must_use]
    pub fn first_of(mut workspaces: Vec<Slug>) -> Self {
        workspaces.truncate(HOLDS_MAX);
        Self::These(workspaces)
    }

    /// No more than a node may name.
    ///
    /// # Errors
    /// Words: how many they may be.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::These(these) if these.len() > HOLDS_MAX => {
                Err(format!("it names more than {HOLDS_MAX} workspaces, which is the most of one node"))
            }
            _ => Ok(()),
        }
    }
}

/// What a node says of itself in the hello of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Its name; the one in its certificate.
    pub node: Slug,
    /// Which start of it.
    pub incarnation: Incarnation,
    /// What it is there for.
    pub roles: Roles,
    /// The workspaces that its files allow.
    pub holds: Holds,
    /// The most units it takes; above [`UNITS_PER_NODE_MAX`] counts as that.
    pub units_max: u32,
}

impl NodeFacts {
    /// Its roles and files allow this unit.
    #[must_use]
    pub fn allows(&self, unit: &Unit) -> bool {
        let files = match (&self.holds, unit.address().workspace_of()) {
            (Holds::All, _) | (_, None) => true,
            (Holds::These(these), Some(id)) => these.contains(&id),
        };
        files && self.roles.has(unit.role())
    }
}

/// The order of what the hub says: first by the hub's start, then by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Which start of the hub; durable, and greater at each.
    pub hub: u64,
    /// Counted up by that hub with each change of its table.
    pub number: u64,
}

/// A unit and an epoch of it.
pub type UnitEpoch = (Unit, u64);

/// From a node to the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToHub {
    /// I live; each second.
    Renew(Renew),
    /// I have finished with this unit and forgotten it.
    Released {
        /// Which.
        unit: Unit,
        /// Under which epoch it was held.
        epoch: u64,
    },
    /// I hold nothing any more and leave; what I held may move at once.
    Goodbye,
}

/// A node asks for five more seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// Who.
    pub node: Slug,
    /// Which start of it.
    pub incarnation: Incarnation,
    /// Counted up with each; the answer names it, and the lease counts from when this one was sent.
    pub seq: u64,
    /// The last renewal whose answer I have heard; 0: none. Who is deaf is granted no lease: it could not end.
    pub heard: u64,
    /// Take my units away, I am about to leave.
    pub drain: bool,
    /// The table that I route by; the hub sends the whole one when it is too old.
    pub table: Version,
    /// What I hold, suspended or not; at most [`UNITS_PER_NODE_MAX`].
    pub has: Vec<UnitEpoch>,
}

/// From the hub to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToNode {
    /// The answer to [`ToHub::Renew`], and the truth about what the node holds.
    Renewed(Renewed),
    /// Hold this unit.
    Assign {
        /// The table in which it is yours.
        ver: Version,
        /// Which.
        unit: Unit,
        /// Under which epoch.
        epoch: u64,
    },
    /// Finish what you do with this unit, forget it, and say [`ToHub::Released`].
    Yield {
        /// Which.
        unit: Unit,
        /// Under which epoch you hold it.
        epoch: u64,
    },
    /// Who holds what, for the router.
    Table(Table),
}

/// The hub grants a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    /// The renewal that it answers.
    pub seq: u64,
    /// The table that `units` was read from.
    pub ver: Version,
    /// How long from when the renewal was sent; 0: no longer than it has, since the node did not hear what was said before.
    pub ttl_ms: u32,
    /// All that the node holds; at most [`UNITS_PER_NODE_MAX`].
    pub units: Vec<UnitEpoch>,
}

/// Who holds what: the whole table, or what changed since an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// `None`: the whole table. Otherwise it changes exactly the table of this version.
    pub since: Option<Version>,
    /// The version after it.
    pub ver: Version,
    /// Which part of a whole table, from 0.
    pub part: u16,
    /// Of how many; 1 for changes. The table changes when the last has come.
    pub parts: u16,
    /// At most [`TABLE_ENTRIES_MAX`].
    pub entries: Vec<(Unit, Place)>,
}

/// Where a unit is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// On this node, under this epoch.
    Held {
        /// The node.
        node: Slug,
        /// The epoch.
        epoch: u64,
    },
    /// Nobody may hold it now.
    Waits,
    /// There is no such unit any more.
    Gone,
}

#[cfg(test)]
mod tests;
