//! What workspaces, contexts and tasks decide by.

use std::sync::Arc;

use messages::offer::Offers;
use messages::task::WorkLimits;
use messages::tool::{Repeat, ToolSpec};
use messages::turn::Principal;
use policy::{Policy, Role};

/// The facts of a node: its policy, its models, its tools, its limits.
#[derive(Debug, Clone)]
pub struct WorkFacts {
    /// The policy in force.
    pub policy: Policy,
    /// The account that holds the data folder: the console's overlord.
    pub account: String,
    /// The models that can be asked.
    pub offers: Arc<Offers>,
    /// The tools that there are.
    pub tools: Arc<Vec<ToolSpec>>,
    /// The limits of all work.
    pub limits: WorkLimits,
}

impl WorkFacts {
    pub(crate) fn role(&self, principal: &Principal) -> Role {
        if principal.connector == "console" {
            policy::console_role(&principal.user, &self.account)
        } else {
            Role::Viewer
        }
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&ToolSpec> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// A tool's step is marked before it begins. For a test that must be able to fail, a test build can leave that out.
    pub(crate) fn marks_tools(&self) -> bool {
        #[cfg(feature = "failpoints")]
        return std::env::var_os("AGENT_RUNTIME_TEST_WITHOUT_JOURNAL").is_none();
        #[cfg(not(feature = "failpoints"))]
        true
    }

    /// Whether a use that was cut off may be made again; one of a tool that is gone by now changes nothing any more.
    pub(crate) fn repeat(&self, name: &str) -> Repeat {
        self.tool(name).map_or(Repeat::Free, |tool| tool.repeat)
    }
}
