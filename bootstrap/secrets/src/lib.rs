//! The store of secrets: one file, encrypted to one key, that is changed by whole files alone.
//!
//! ```text
//!   <data>/agent-runtime/secrets.age    age v1, to one X25519 key:  {"version":1,"secrets":{"zai":{"value":…,"set_at":…}}}
//!   the key                             a named file, else a credential of the service manager, else secrets.key beside it
//!   <data>/agent-runtime/secrets.lock   one writer at a time
//! ```
//!
//! | what | for |
//! |---|---|
//! | [`Place`] | where file and key are: [`Place::read`], [`Place::set`], [`Place::remove`], [`Place::rotate`] |
//! | [`Secrets`], [`Value`] | what was read; a value is shown by nothing but [`Secrets::value`] |
//! | [`SecretsError`] | what is wrong, and the command that mends it |
//!
//! Invariants: whatever kills the process, the file on disk is whole and its key is beside it or where it was; a key is
//! never made for a file that is there; a file that is larger than what can be legal is not read; no error and no
//! `Debug` holds a value or a key.
//!
//! Markers for tests that kill the process (feature `failpoints`): `secrets.before_rename`, `secrets.after_rename`, each
//! passed once for every file that is put in place.

mod document;
mod error;
mod files;
mod key;
mod place;

pub use document::{NAME_CHARS_MAX, SECRETS_MAX, Secrets, VALUE_BYTES_MAX, Value, check_name};
pub use error::SecretsError;
pub use files::FILE_BYTES_MAX;
pub use key::{CREDENTIAL, KEY_BYTES_MAX, KeyAt};
pub use place::{Place, Rotated, STORE_FILE};

#[cfg(test)]
mod tests;
