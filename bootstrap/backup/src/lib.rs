//! A backup: one file that holds a store and its workspaces, with a manifest, and that says itself whether it is whole.
//!
//! ```text
//!   tar of  about.json  <members…>  manifest.json  ──► zstd with its checksum, and a seal over it ──► age, on wish ──► file
//! ```
//!
//! Each layer is of a kind that other programs read: `age -d`, `zstd -d` and `tar x` take a backup apart without this one.
//!
//! | what | for |
//! |---|---|
//! | [`Packer`] | writing one, member by member, in constant memory |
//! | [`read`], [`about`] | reading one whole, or only what it says of itself first |
//! | [`Manifest`], [`About`], [`Member`] | what is in it |
//!
//! Invariants: a name that leads out of its folder is refused; nothing is given that was not hashed; a file that was cut or
//! changed anywhere is refused, and said of which member it was first known. Nothing here knows what a store is, nor
//! how a file is encrypted: that is `age_format`'s, around what is written and read here.

mod bad;
mod hashed;
mod manifest;
mod pack;
mod seal;
mod unpack;

pub use bad::Bad;
pub use hashed::{Hashed, hash_of};
pub use manifest::{About, FORMAT, MEMBERS_MAX, Manifest, Member, NAME_BYTES_MAX, Stat, is_safe};
pub use pack::Packer;
pub use unpack::{about, read};
