//! Files, the disk, and what the system allows.

use std::fs::Metadata;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use config::Config;
use rustix::process::{Resource, getrlimit};
use secrets::KeyAt;

use crate::doctor::facts::{Disk, Limits, PathFacts};
use crate::node::{self, own_folder};

/// Folders beside the data folder that are looked at for a copy.
const SIBLINGS_MAX: usize = 256;
/// A signing key has fewer bytes.
const KEY_BYTES_MAX: u64 = 4_096;
/// The node's own files, but for the folder they lie in.
const OWN_FILES: [&str; 8] = [
    "meta.sqlite",
    "meta.sqlite-wal",
    "meta.sqlite-shm",
    "audit.key",
    "lock",
    "console.sock",
    "secrets.age",
    "secrets.key",
];
/// Where certificates are, with the files in it that others must not read.
const PKI: [&str; 6] = ["pki", "pki/ca", "pki/ca/ca.key", "pki/node", "pki/node/node.key", "pki/node/cookie"];
/// Kinds of disks of other machines, as `statfs(2)` numbers them: NFS, SMB, CIFS, SMB2, 9P, Ceph, AFS.
const REMOTE: [i64; 7] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997, 0x00c3_6400, 0x5346_414f];

/// The data folder, the node's folder in it, and the files in that.
pub(super) fn own_paths(data: &Path) -> Vec<PathFacts> {
    let own = own_folder(data);
    let files = OWN_FILES.iter().chain(&PKI).map(|name| own.join(name));
    [data.to_owned(), own.clone()].into_iter().chain(files).map(facts).collect()
}

/// The files of keys that are named.
pub(super) fn secrets(config: &Config) -> Vec<PathFacts> {
    let providers = config.models.providers.values();
    let named = providers.clone().filter_map(|provider| provider.key_file.clone());
    let by_variable = std::env::var_os("ZAI_API_KEY_FILE")
        .filter(|_| providers.clone().any(config::Provider::asks_environment))
        .map(PathBuf::from);
    // Of the store of secrets, once it is made; what a service manager gives has rights of its own kind.
    let of_store = node::secrets::place(config).ok().and_then(|place| match place.key() {
        KeyAt::Named(path) | KeyAt::Own(path) => path.exists().then(|| path.clone()),
        KeyAt::Credential(_) => None,
    });
    named.chain(by_variable).chain(of_store).map(key_file).collect()
}

/// A link to a key, as containers mount them, is judged by what it leads to.
fn key_file(path: PathBuf) -> PathFacts {
    facts(path.canonicalize().unwrap_or(path))
}

fn facts(path: PathBuf) -> PathFacts {
    let found = std::fs::symlink_metadata(&path).ok();
    let of = |read: fn(&Metadata) -> u32| found.as_ref().map(read).unwrap_or_default();
    PathFacts {
        is_folder: found.as_ref().is_some_and(Metadata::is_dir),
        is_link: found.as_ref().is_some_and(Metadata::is_symlink),
        is_there: found.is_some(),
        mode: of(|found| found.mode() & 0o777),
        uid: of(Metadata::uid),
        path,
    }
}

/// When the newest of the node's own files was changed, in milliseconds since the Unix epoch.
pub(super) fn newest(data: &Path) -> Option<i64> {
    let own = own_folder(data);
    let changed = OWN_FILES.iter().filter_map(|name| {
        let at = std::fs::symlink_metadata(own.join(name)).ok()?.modified().ok()?;
        i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
    });
    changed.max()
}

/// The disk of the folder, or of the nearest one above it that is there.
pub(super) fn disk(data: &Path) -> Option<Disk> {
    let there = data.ancestors().find(|folder| folder.exists())?;
    let room = rustix::fs::statvfs(there).ok()?;
    let kind = rustix::fs::statfs(there).ok()?.f_type;
    Some(Disk {
        free_bytes: room.f_bavail.saturating_mul(room.f_frsize),
        free_files: (room.f_files > 0).then_some(room.f_favail),
        is_remote: REMOTE.contains(&kind),
    })
}

/// Folders beside the data folder with the same signing key.
pub(super) fn copies(data: &Path) -> Vec<PathBuf> {
    let Some(own) = signing_key(data) else { return Vec::new() };
    let Ok(data) = data.canonicalize() else { return Vec::new() };
    let beside = data.parent().and_then(|parent| std::fs::read_dir(parent).ok());
    let folders = beside.into_iter().flatten().flatten().take(SIBLINGS_MAX).map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        folders.filter(|folder| *folder != data && signing_key(folder).is_some_and(|key| key == own)).collect();
    found.sort();
    found
}

fn signing_key(data: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(own_folder(data).join("audit.key")).ok()?;
    file.take(KEY_BYTES_MAX).read_to_end(&mut bytes).ok().filter(|read| *read > 0)?;
    Some(bytes)
}

/// What this account is allowed, and the node of this process id.
pub(super) fn limits(node: Option<u32>) -> Limits {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
        Some((name.to_owned(), value))
    });
    let node_files = node.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/limits")).ok());
    Limits {
        files: getrlimit(Resource::Nofile).maximum,
        node_files: node_files.as_deref().and_then(open_files),
        locale,
    }
}

/// The limit of open files in `/proc/<pid>/limits` (proc_pid_limits(5)); `None`: no limit, or not told.
fn open_files(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_read_from_what_the_system_tells() {
        let told = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n";
        assert_eq!(open_files(told), Some(1024));
        assert_eq!(open_files("Max open files unlimited unlimited files"), None);
        assert_eq!(open_files(""), None);
    }

    #[test]
    fn a_folder_with_the_same_key_beside_it_is_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        for (name, key) in [("data", "k1"), ("data.old", "k1"), ("other", "k2"), ("empty", "")] {
            let own = own_folder(&folder.path().join(name));
            std::fs::create_dir_all(&own).unwrap();
            std::fs::write(own.join("audit.key"), key).unwrap();
        }
        let beside = |name: &str| copies(&folder.path().join(name)).len();
        assert_eq!((beside("data"), beside("other"), beside("empty"), beside("gone")), (1, 0, 0, 0));
    }

    #[test]
    fn the_disk_of_a_folder_that_is_not_there_yet_is_that_of_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        assert!(disk(&folder.path().join("a/b/c")).is_some());
    }
}
