//! What a backup says of itself.

use serde::{Deserialize, Serialize};

/// The version of the format.
pub const FORMAT: u32 = 1;
/// The most members of a backup.
pub const MEMBERS_MAX: usize = 200_000;
/// The longest name of a member in bytes.
pub const NAME_BYTES_MAX: usize = 1_024;
/// The longest first and last member in bytes.
pub(crate) const JSON_BYTES_MAX: u64 = 128 << 20;
/// The first member and the last.
pub(crate) const ABOUT: &str = "about.json";
pub(crate) const MANIFEST: &str = "manifest.json";

/// What a backup is of; its first member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the program that made it.
    pub version: String,
    /// When the store was copied, in milliseconds since the Unix epoch.
    pub created_at: i64,
    /// Things that were wrong with the store when it was copied; 0: none.
    pub faults: u64,
    /// What the store holds, by its own account.
    pub store: serde_json::Value,
}

/// All that is in a backup; its last member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What it is of, once more.
    pub about: About,
    /// Bytes of all members.
    pub bytes: u64,
    /// The members in their order.
    pub members: Vec<Member>,
}

/// What is kept of a file besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// How many bytes it has.
    pub bytes: u64,
    /// When it was changed last, in seconds since the Unix epoch.
    pub changed_s: u64,
    /// Who may do what with it: the nine bits of `chmod`.
    pub mode: u32,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name, relative to the data folder, with `/`.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of them, hexadecimal.
    pub sha256: String,
}

/// Whether a name leads to a place below a folder, and is of a length that is taken.
#[must_use]
pub fn is_safe(name: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
    name.len() <= NAME_BYTES_MAX && name.split('/').all(part)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_its_folder() {
        for name in ["a", "workspaces/home/.versions/a.md", "a..b/c"] {
            assert!(is_safe(name), "{name}");
        }
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        for name in ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\\b", "a\0b", long.as_str()] {
            assert!(!is_safe(name), "{name:?}");
        }
    }
}
