//! The command line of certificates.

use std::path::PathBuf;

use ::pki::{AltName, DAYS_DEFAULT, DAYS_MAX, NodeName, Role, Serial};
use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};

use super::{Read, Where};

/// The nodes of a cluster know each other by certificates of the cluster's own authority. docs/cluster.md tells how they are
/// handed out, renewed and taken back.
#[derive(Debug, Subcommand)]
pub(crate) enum Pki {
    /// Make the authority of a cluster, in this data folder. Once for a cluster, on the host of the hub.
    Init {
        #[command(flatten)]
        place: Where,
    },
    /// Issue the first certificate of a node: a folder to be copied to its host.
    Node(PkiNode),
    /// The authority with all certificates that it issued, and this node's own. Exit code 8 when one of its own can't be used.
    Show(Read),
    /// Issue a node's next certificate, when it could not renew it by itself.
    Renew(PkiRenew),
    /// Take certificates back: running nodes end their links to that node.
    Revoke(PkiRevoke),
}

/// Where the files of a certificate go.
#[derive(Debug, Args)]
pub(crate) struct PkiPlace {
    #[command(flatten)]
    pub(crate) place: Where,
    /// The folder to make [default: ./NAME]. It holds a private key.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// It is for the node of this data folder, and is put in its place.
    #[arg(long = "self", conflicts_with = "out")]
    pub(crate) own: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PkiNode {
    /// The node's name: 1 to 63 of a-z, 0-9 and -.
    pub(crate) name: NodeName,
    /// What it may be: hub, connector, worker.
    #[arg(long, value_name = "ROLES", required = true, value_delimiter = ',')]
    pub(crate) roles: Vec<Role>,
    /// A DNS name or IP address by which its host is reached; at most 16. Nodes are told apart by NAME, whatever this says.
    #[arg(long = "san", value_name = "HOST", value_delimiter = ',')]
    pub(crate) alt_names: Vec<AltName>,
    /// For how many days it is valid, up to 825.
    #[arg(long, value_name = "N", default_value_t = DAYS_DEFAULT, value_parser = days())]
    pub(crate) days: u32,
    #[command(flatten)]
    pub(crate) to: PkiPlace,
}

/// It gets a new key, the names of the last certificate and, unless told otherwise, as many days. The last one stays valid.
#[derive(Debug, Args)]
pub(crate) struct PkiRenew {
    /// The node's name.
    #[arg(required_unless_present = "own", conflicts_with = "own")]
    pub(crate) name: Option<NodeName>,
    /// For how many days it is valid, up to 825 [default: as the last one].
    #[arg(long, value_name = "N", value_parser = days())]
    pub(crate) days: Option<u32>,
    #[command(flatten)]
    pub(crate) to: PkiPlace,
}

#[derive(Debug, Args)]
pub(crate) struct PkiRevoke {
    /// The node, all of whose certificates are meant.
    #[arg(required_unless_present = "serial", conflicts_with = "serial")]
    pub(crate) name: Option<NodeName>,
    /// One certificate, by its number as `pki show` gives it.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) serial: Option<Serial>,
    #[command(flatten)]
    pub(crate) place: Where,
}

fn days() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=u64::from(DAYS_MAX))
}
