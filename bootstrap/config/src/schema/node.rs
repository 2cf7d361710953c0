//! `[node]`: this node, and its place among others.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most addresses that a node may dial.
const PEERS_MAX: u32 = 16;
/// The most workspaces that are named.
const WORKSPACES_MAX: u32 = 4_096;
/// All workspaces.
const ALL: &str = "*";

/// This node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Node {
    /// The name of this node in logs, in the store and in `status`; among several nodes, the name in its certificate.
    #[schemars(extend("format" = "slug"))]
    pub name: String,
    /// The data folder: the store and all workspaces. It is made when it is not there. One node at a time uses it.
    #[schemars(extend("format" = "path"))]
    pub data: PathBuf,
    /// What this node takes on (docs/cluster.md): the `hub` has the store, a `connector` the outside chats, a `worker`
    /// workspaces. A node that stands alone has all three.
    #[schemars(extend("minItems" = 1, "maxItems" = 3, "items" = { "type": "string", "format": "role" }))]
    pub roles: Vec<String>,
    /// Where other nodes come in, by mutual TLS. Empty: nowhere.
    #[schemars(extend("format" = "listen"))]
    pub listen: String,
    /// The hub's address, a name or number with a port. Nobody: this node is the hub, or stands alone.
    #[schemars(extend("maxItems" = PEERS_MAX, "items" = { "type": "string", "format": "peer" }))]
    pub peers: Vec<String>,
    /// Of which workspaces a worker of a cluster has the files: names, or `*` for all that its data folder holds. Of others in
    /// that folder it takes none.
    #[schemars(extend("minItems" = 1, "maxItems" = WORKSPACES_MAX, "items" = { "type": "string", "format": "holds" }))]
    pub workspaces: Vec<String>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            name: "node".into(),
            data: PathBuf::from("./data"),
            roles: ["hub", "connector", "worker"].map(String::from).to_vec(),
            listen: String::new(),
            peers: Vec::new(),
            workspaces: vec![ALL.into()],
        }
    }
}

impl Node {
    /// There are other nodes: somebody may come in, or is dialled.
    #[must_use]
    pub fn is_of_a_cluster(&self) -> bool {
        !self.listen.is_empty() || !self.peers.is_empty()
    }

    /// Where other nodes come in; `None`: nowhere.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        // The schema has let nothing else through.
        self.listen.parse().ok()
    }

    /// The workspaces that are named, where not all are to be held.
    #[must_use]
    pub fn only(&self) -> Option<&[String]> {
        (!self.workspaces.iter().any(|name| name == ALL)).then_some(&self.workspaces)
    }

    /// This node takes that on.
    #[must_use]
    pub fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|has| has == role)
    }
}
