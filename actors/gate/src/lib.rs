//! The gate: the only code that opens knowledge files, and only beneath their folder.
//!
//! Everything is resolved by the kernel with `openat2` and RESOLVE_BENEATH, NO_SYMLINKS and NO_MAGICLINKS (openat2(2)):
//! there is no path to check and then open, so nothing can be exchanged in between.
//!
//! | what | where |
//! |---|---|
//! | which folders there are | [`Mount`], [`check_mounts`], [`roots`], [`Root`] |
//! | whose a path is | [`find_file`], [`find_folder`], [`Root::admits_folder`] |
//! | reading | [`Root::open`], [`OpenRoot::read`], [`OpenRoot::list`], [`walk`], [`walk_from`], [`walk_at`], [`Root::concerns`] |
//! | writing into the workspace's own folder | [`Root::may_write`], [`OpenRoot::write`], [`Draft`], [`Expect`] |
//! | a text's name | [`hash`] |
//!
//! Invariants: no symbolic link is followed, only regular files are read; records, hidden names and what is no text are
//! never knowledge; nothing in a mounted folder is ever written; a write leaves the old text whole or the new one, keeps
//! what it replaces under `.versions`, and never puts its text over one that it was not told of.
//!
//! Markers for tests that kill the process (feature `failpoints`): `gate.version.written`, `gate.version.kept`,
//! `gate.new.begun`, `gate.new.written`, `gate.exchanged`, `gate.put_back`, `gate.placed`, `gate.synced`.

mod core;
mod list;
mod mounts;
mod refused;
mod root;
mod walk;
mod write;

pub use crate::core::{DEPTH_MAX, FILE_BYTES_MAX, PATH_BYTES_MAX};
pub use list::{LISTED_MAX, Listed, Wanted};
pub use mounts::{MOUNTS_MAX, Mount, check_mounts, find_file, find_folder, roots};
pub use refused::Refused;
pub use root::{Identity, OpenRoot, Root};
pub use walk::{Found, Step, walk, walk_at, walk_from};
pub use write::{Draft, Expect, WriteError, Written, hash};

#[cfg(test)]
mod tests;
