//! How often each tool may run at once, in one place.

use messages::turn::Scope;

use crate::registry::{MD_LIST, MD_READ, MD_WRITE, SEARCH};

/// For what a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Per {
    /// All uses in one workspace.
    Workspace,
}

/// How often a tool may run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// The tool.
    pub(crate) tool: &'static str,
    /// For what it counts.
    pub(crate) per: Per,
    /// Uses that run at once.
    pub(crate) at_once: usize,
    /// Uses that wait for their turn, first come, first served; one more is refused as busy.
    pub(crate) waiting: usize,
}

/// One row for each tool that is performed here.
pub(crate) const LIMITS: [Limit; 4] = [
    // A file from the page cache is read in a millisecond: what is more at once only takes threads from others.
    Limit { tool: MD_READ, per: Per::Workspace, at_once: 8, waiting: 64 },
    Limit { tool: MD_LIST, per: Per::Workspace, at_once: 8, waiting: 64 },
    // Each waits for the disk several times; two keep it busy, and more would hold up the store's own commits.
    Limit { tool: MD_WRITE, per: Per::Workspace, at_once: 2, waiting: 64 },
    // The index runs four at once and queues the rest, which are people's searches too.
    Limit { tool: SEARCH, per: Per::Workspace, at_once: 8, waiting: 64 },
];

impl Limit {
    /// The row of a tool.
    pub(crate) fn of(tool: &str) -> Option<&'static Self> {
        LIMITS.iter().find(|limit| limit.tool == tool)
    }

    /// Under which name a use counts.
    pub(crate) fn key(&self, scope: &Scope) -> String {
        match self.per {
            Per::Workspace => scope.workspace.as_str().to_owned(),
        }
    }
}
