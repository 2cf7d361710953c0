//! What a node takes on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a node is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Has the store and decides who holds what. One of a cluster.
    Hub,
    /// Holds connectors and mailboxes.
    Connector,
    /// Holds workspaces.
    Worker,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Hub, Self::Connector, Self::Worker];

    fn bit(self) -> u8 {
        match self {
            Self::Hub => 1,
            Self::Connector => 2,
            Self::Worker => 4,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hub => "hub",
            Self::Connector => "connector",
            Self::Worker => "worker",
        })
    }
}

/// A set of roles. One byte on the wire; a bit that this version does not know is refused.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Roles(u8);

impl Roles {
    /// All roles: a node that is a system by itself.
    pub const ALL: Self = Self(7);

    /// These roles.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        Self(roles.iter().fold(0, |bits, role| bits | role.bit()))
    }

    /// This role is among them.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Each of them is among the others, too.
    #[must_use]
    pub fn is_within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles, in the order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.iter().map(|role| role.to_string()).collect();
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl TryFrom<u8> for Roles {
    type Error = String;
    fn try_from(bits: u8) -> Result<Self, String> {
        if bits & !Self::ALL.0 == 0 { Ok(Self(bits)) } else { Err(format!("unknown roles: {bits:#b}")) }
    }
}

impl From<Roles> for u8 {
    fn from(roles: Roles) -> Self {
        roles.0
    }
}
