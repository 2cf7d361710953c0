//! What the checks judge: plain values, gathered once.

use std::path::{Path, PathBuf};

use messages::admin::{ActorView, ModelTest, StatusView};
use messages::index::View;
use messages::membership::ClusterView;
use store::verify::Condition;

/// All that was gathered. What was not asked for, or could not be looked at, is as its default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// The flags that lead to this node, for commands: ` --data /srv/x`; empty: none were given.
    pub(crate) flags: String,
    /// The file of the configuration, as commands name it.
    pub(crate) config_file: String,
    /// What is wrong in the configuration, one line each.
    pub(crate) problems: Vec<String>,
    /// The data folder; `None` when the configuration that names it can't be read.
    pub(crate) data: Option<PathBuf>,
    /// The account of this process.
    pub(crate) uid: u32,
    /// What is there of the data folder and of the node's own files in it, the folder first.
    pub(crate) paths: Vec<PathFacts>,
    /// Files that hold keys; `None` when the configuration that names them can't be read.
    pub(crate) secrets: Option<Vec<PathFacts>>,
    /// The store of secrets; `None` when it is not used.
    pub(crate) store_of_secrets: Option<SecretsFacts>,
    /// The disk under the data folder.
    pub(crate) disk: Option<Disk>,
    /// What clocks and files say.
    pub(crate) clock: Clock,
    /// The store.
    pub(crate) store: StoreFacts,
    /// The node that serves the data folder.
    pub(crate) node: NodeFacts,
    /// The index of each workspace.
    pub(crate) indexes: Vec<IndexFacts>,
    /// What came of a small question to the model; `None`: not asked.
    pub(crate) model: Option<Result<ModelTest, String>>,
    /// Actors of the running node.
    pub(crate) actors: Vec<ActorView>,
    /// How its cluster stands; `None`: it stands alone, or was not asked.
    pub(crate) cluster: Option<ClusterView>,
    /// Other folders whose node would sign with the same key.
    pub(crate) copies: Vec<PathBuf>,
    /// What this account is allowed.
    pub(crate) limits: Limits,
    /// Certificates of a cluster.
    pub(crate) certificates: Certificates,
}

/// Certificates as they were found in the data folder: what there is of them, or why it can't be used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Certificates {
    /// The node's own; `None`: it has none.
    pub(crate) own: Option<Result<OwnCertificate, String>>,
    /// That of the authority; `None`: it is on another host.
    pub(crate) authority: Option<Result<AuthorityCertificate, String>>,
}

/// A node's certificate; moments in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OwnCertificate {
    pub(crate) node: String,
    pub(crate) not_before_ms: i64,
    pub(crate) not_after_ms: i64,
    pub(crate) is_revoked: bool,
    /// The fingerprint of the authority that it is from.
    pub(crate) authority: String,
}

/// An authority's certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AuthorityCertificate {
    pub(crate) not_after_ms: i64,
    pub(crate) fingerprint: String,
}

/// A file or folder as it lies on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PathFacts {
    pub(crate) path: PathBuf,
    pub(crate) is_folder: bool,
    /// A link is judged by nobody: what it leads to is its owner's choice.
    pub(crate) is_link: bool,
    pub(crate) is_there: bool,
    /// The nine bits of its mode.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
}

/// The store of secrets as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretsFacts {
    /// Names that the configuration names.
    pub(crate) named: Vec<String>,
    /// Names that are there.
    pub(crate) found: Result<Vec<String>, Trouble>,
    /// A rotation was cut off.
    pub(crate) is_on_its_way: bool,
}

/// Why the store of secrets can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) what: String,
    pub(crate) todo: String,
    /// It is the key's rights, which are told with the key's file.
    pub(crate) is_of_rights: bool,
}

/// Room on a disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Bytes that this account may still write.
    pub(crate) free_bytes: u64,
    /// Files that may still be made; `None` where the disk does not count them.
    pub(crate) free_files: Option<u64>,
    /// It is another machine's.
    pub(crate) is_remote: bool,
}

/// Moments in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) now_ms: i64,
    /// When the newest of the node's own files was changed.
    pub(crate) newest_file_ms: Option<i64>,
    /// By how much the wall clock and the steady one came apart while facts were gathered.
    pub(crate) drift_ms: i64,
}

/// The store as it was found.
#[derive(Debug, Clone, Default)]
pub(crate) enum StoreFacts {
    /// There is none yet, or it was not asked for.
    #[default]
    None,
    /// It can't be read; why.
    Unreadable(String),
    Found(Box<Condition>),
}

/// The running node as it was found.
#[derive(Debug, Clone, Default)]
pub(crate) enum NodeFacts {
    /// Nobody serves the data folder.
    #[default]
    None,
    /// Somebody does, and does not answer; why.
    Silent(String),
    Serves(Box<StatusView>),
}

/// The index of a workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct IndexFacts {
    pub(crate) workspace: String,
    /// Its database is there.
    pub(crate) is_there: bool,
    /// How the running node describes it; `None` without one.
    pub(crate) view: Option<Result<View, String>>,
}

/// What the system allows this account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Open files of this process at most, and of the running node; `None`: no limit, or not known.
    pub(crate) files: Option<u64>,
    pub(crate) node_files: Option<u64>,
    /// The locale in force for characters, and the variable that says so; `None`: none is set.
    pub(crate) locale: Option<(String, String)>,
}

impl Facts {
    /// The status of the running node, if one answers.
    pub(crate) fn status(&self) -> Option<&StatusView> {
        match &self.node {
            NodeFacts::Serves(status) => Some(status),
            NodeFacts::None | NodeFacts::Silent(_) => None,
        }
    }

    /// A command of this program that leads to the same node.
    pub(crate) fn command(&self, words: &str) -> String {
        format!("agent-runtime {words}{}", self.flags)
    }

    /// The data folder as a word of a command.
    pub(crate) fn data_word(&self) -> String {
        self.data.as_deref().map(word).unwrap_or_default()
    }

    /// Why something that only the running node can tell is not told.
    pub(crate) fn no_node(&self) -> String {
        match (&self.node, &self.data) {
            (NodeFacts::Silent(_), _) => "the running node does not answer; see the check `node`".to_owned(),
            (_, None) => NO_CONFIG.to_owned(),
            (_, Some(data)) => {
                format!("no node serves {}; start one with `{}` and look again", data.display(), self.command("serve"))
            }
        }
    }
}

/// Why nothing is known of what the configuration names.
pub(crate) const NO_CONFIG: &str =
    "the configuration that names it can't be read; see the check `config`, or give --data DIR";

/// A path as a word that a shell takes as it is.
pub(crate) fn word(path: &Path) -> String {
    let shown = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ',' | ':' | '@' | '%');
    if !shown.is_empty() && shown.chars().all(plain) { shown } else { format!("'{}'", shown.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_command_is_one_word() {
        for (path, shown) in [
            ("/srv/a-b_1.0", "/srv/a-b_1.0"),
            ("/a b", "'/a b'"),
            ("/it's", r"'/it'\''s'"),
            ("/$(x)", "'/$(x)'"),
            ("", "''"),
        ] {
            assert_eq!(word(Path::new(path)), shown);
        }
    }
}
