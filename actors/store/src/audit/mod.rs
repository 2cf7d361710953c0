//! The audit chain: what was done, by whom, under which rules, so that a change of the past shows.
//!
//! Records are numbered from 1 without gaps. Each has a hash over itself and the hash before it, and every
//! [`CHECKPOINT_RECORDS`] records, and when the store is closed in good order, the hash reached is signed. Whoever
//! keeps one checkpoint elsewhere can tell later whether anything up to it was changed.
//!
//! # How to verify it without this program
//!
//! All integers are big-endian. A text is its length in bytes as a 32-bit unsigned integer, then its UTF-8 bytes.
//!
//! `hash(n) = SHA-256( "agent-runtime audit record 1\n" ‖ hash(n-1) ‖ seq ‖ at ‖ actor ‖ principal ‖ action ‖ subject ‖
//! rules ‖ detail )`
//!
//! - `hash(0)` is 32 zero bytes; `seq` and `at` (milliseconds since the Unix epoch) are 64-bit signed integers;
//! - `actor`, `principal`, `action`, `subject`, `detail` are texts;
//! - `rules` is the number of rules as a 32-bit unsigned integer, then each rule as a text. (The column holds them as a
//!   JSON array of strings.)
//!
//! A checkpoint is an Ed25519 signature (RFC 8032) by the key of `audit.key` (PKCS #8, RFC 5958) over
//! `"agent-runtime audit checkpoint 1\n" ‖ seq ‖ hash(seq)`; the public key, 32 bytes, stands beside it and in
//! [`AuditReport::public_key`].
//!
//! A chain whose oldest records were taken out begins behind a checkpoint: the first record's `hash(n-1)` is the hash that
//! this checkpoint signs. A later record, action `audit.cut`, names the number and the hash of that checkpoint in its
//! detail (`upto`, `hash`); without it the chain does not hold.

mod chain;
mod key;
mod record;

pub use chain::{AuditReport, BadRecord};

pub(crate) use chain::{walk, walk_tail};
pub(crate) use key::AuditKey;
pub(crate) use record::{GENESIS, Head, Record, hex};

/// The action of the record that says that the records up to a checkpoint were taken out.
pub(crate) const CUT: &str = "audit.cut";

/// So many records after the last signed checkpoint the next one is signed.
pub const CHECKPOINT_RECORDS: i64 = 1_000;
