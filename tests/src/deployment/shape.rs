//! Which nodes a deployment has.

/// The ways in which the same configuration runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One process that has all roles.
    OneProcess,
    /// The same, and messages between its actors take the form that they have between nodes.
    WireForm,
    /// A hub, a connector and a worker.
    ThreeNodes,
    /// A hub, a connector and two workers, each with workspaces of its own.
    FourNodes,
    /// The same nodes with one folder of workspaces for both workers; one node after the other is killed and started again.
    FourNodesWithKills,
}

impl Shape {
    /// It has more than one node.
    #[must_use]
    pub fn is_cluster(self) -> bool {
        !matches!(self, Self::OneProcess | Self::WireForm)
    }

    /// Nodes are killed meanwhile.
    #[must_use]
    pub fn has_kills(self) -> bool {
        self == Self::FourNodesWithKills
    }

    /// Two workers.
    #[must_use]
    pub fn has_two_workers(self) -> bool {
        matches!(self, Self::FourNodes | Self::FourNodesWithKills)
    }
}
