//! What a node may be in the cluster.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::name::shown;

/// A role of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Holds the store and assigns what the others hold.
    Hub,
    /// Holds connections to the outside.
    Connector,
    /// Holds workspaces.
    Worker,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hub, Self::Connector, Self::Worker];

    /// As text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Connector => "connector",
            Self::Worker => "worker",
        }
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| Error::Invalid(format!("`{}` is no role; known are hub, connector, worker", shown(text))))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The roles of a node, one at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeSet<Role>", into = "BTreeSet<Role>")]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// One of them is this.
    #[must_use]
    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// All of them, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Role> + '_ {
        self.0.iter().copied()
    }

    /// As they stand in the one OU of a certificate: rcgen writes no second attribute of one type.
    pub(crate) fn unit(&self) -> String {
        self.iter().map(Role::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The roles of an OU. Only the form that [`Self::unit`] gives is one.
    pub(crate) fn of_unit(unit: &str) -> Option<Self> {
        let roles: Result<BTreeSet<Role>, Error> = unit.split(' ').map(str::parse).collect();
        let roles = Self::try_from(roles.ok()?).ok()?;
        (roles.unit() == unit).then_some(roles)
    }
}

impl TryFrom<BTreeSet<Role>> for Roles {
    type Error = Error;

    fn try_from(roles: BTreeSet<Role>) -> Result<Self, Error> {
        if roles.is_empty() {
            return Err(Error::Invalid("a node has one role at least: hub, connector or worker".to_owned()));
        }
        Ok(Self(roles))
    }
}

impl From<Roles> for BTreeSet<Role> {
    fn from(roles: Roles) -> Self {
        roles.0
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Role::as_str).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_only_in_the_form_in_which_they_are_written() {
        for good in ["hub", "connector", "worker", "hub connector", "hub connector worker"] {
            assert_eq!(Roles::of_unit(good).unwrap().unit(), good);
        }
        for bad in ["", " ", "hub ", "connector hub", "hub hub", "hub,worker", "Hub", "root", "hub  worker"] {
            assert_eq!(Roles::of_unit(bad), None, "{bad:?}");
        }
        assert!(Roles::try_from(BTreeSet::new()).is_err());
    }
}
