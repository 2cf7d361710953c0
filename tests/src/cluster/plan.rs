//! Which nodes a cluster has, and how each is started.

use std::path::PathBuf;

/// A node that there is to be.
#[derive(Debug, Clone)]
pub struct NodePlan {
    /// Its name, also that of its data folder.
    pub name: String,
    /// Its roles, `["worker"]`.
    pub roles: Vec<&'static str>,
    /// The host at which others reach it, an address or a name; also in its certificate.
    pub host: String,
    /// More lines of `[node]` in its configuration.
    pub node: String,
    /// The rest of its configuration: other sections.
    pub rest: String,
    /// What it dials instead of the hub's own address, such as a proxy.
    pub dials: Option<String>,
    /// A command that starts it, such as `ip netns exec NAME`; none for most.
    pub through: Vec<String>,
    /// Another program than [`crate::process::program`].
    pub program: Option<PathBuf>,
    /// Variables of its environment.
    pub env: Vec<(String, String)>,
}

impl NodePlan {
    /// A node of this host.
    #[must_use]
    pub fn new(name: &str, roles: &[&'static str]) -> Self {
        Self {
            name: name.to_owned(),
            roles: roles.to_vec(),
            host: "127.0.0.1".to_owned(),
            node: String::new(),
            rest: String::new(),
            dials: None,
            through: Vec::new(),
            program: None,
            env: Vec::new(),
        }
    }

    /// Whether others dial it.
    #[must_use]
    pub fn is_hub(&self) -> bool {
        self.roles.contains(&"hub")
    }
}

/// A hub, a connector and a worker, named after their roles.
#[must_use]
pub fn three() -> Vec<NodePlan> {
    ["hub", "connector", "worker"].map(|role| NodePlan::new(role, &[role])).to_vec()
}

/// A hub, a connector and two workers, `worker` and `worker-2`.
#[must_use]
pub fn four() -> Vec<NodePlan> {
    let mut nodes = three();
    nodes.push(NodePlan::new("worker-2", &["worker"]));
    nodes
}
