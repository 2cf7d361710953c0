//! `[http]`, `[alarms]` and `[secrets]`: what whoever operates the node is told and where, and where its secrets' key is.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most of the disk, in hundredths, that may be asked to be free.
pub const DISK_FREE_PERCENT_MAX: u64 = 100;
/// The most mebibytes that may be asked to be free: a pebibyte.
pub const DISK_FREE_MIB_MAX: u64 = 1_073_741_824;
/// The longest wait in a mailbox that may be allowed, in seconds.
pub const MAILBOX_WAIT_S_MAX: u64 = 3_600;

/// Where `serve` tells health, readiness and metrics (docs/operations.md). `chat` listens nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// The IP address and port. Empty: nowhere. Port 0: one that the system chooses; `status` shows it. There is no
    /// password and no TLS: on another address than one of this machine alone, whoever reaches it reads it.
    #[schemars(extend("format" = "listen"))]
    pub listen: String,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".into() }
    }
}

impl Http {
    /// Where to listen; `None`: nowhere.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        // The schema has let nothing else through.
        self.listen.parse().ok()
    }
}

/// The store of secrets (docs/secrets.md): values that `agent-runtime secrets set` has put into one encrypted file in the
/// data folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Secrets {
    /// The file of the key that opens it, mode 0600; the first `secrets set` makes it when it is not there. None named: the
    /// credential `agent-runtime-secrets-key` of the service manager, else `secrets.key` beside the encrypted file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub key_file: Option<PathBuf>,
}

/// When an alarm is raised, and who is told (docs/operations.md). Read again on SIGHUP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alarms {
    /// When less of the data folder's disk is free, in hundredths of it. 0: never.
    #[schemars(range(min = 0, max = DISK_FREE_PERCENT_MAX))]
    pub disk_free_percent: u64,
    /// When fewer mebibytes of it are free. 0: never.
    #[schemars(range(min = 0, max = DISK_FREE_MIB_MAX))]
    pub disk_free_mib: u64,
    /// When a message has waited for more seconds in an actor's mailbox, and that has been so for a while.
    #[schemars(range(min = 1, max = MAILBOX_WAIT_S_MAX))]
    pub mailbox_wait_s: u64,
    /// The chat that is told when an alarm begins and when it is over, `workspace/context`: `home/ops`. Whoever may talk
    /// there reads which actors, contexts and files they are about. Empty: none.
    #[schemars(extend("format" = "chat"))]
    pub tell: String,
}

impl Default for Alarms {
    fn default() -> Self {
        Self { disk_free_percent: 5, disk_free_mib: 1_024, mailbox_wait_s: 30, tell: String::new() }
    }
}

impl Alarms {
    /// The workspace and the context that are told.
    #[must_use]
    pub fn chat(&self) -> Option<(&str, &str)> {
        self.tell.split_once('/')
    }
}
