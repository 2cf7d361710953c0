//! One record's bytes and hash; pure.

use sha2::{Digest as _, Sha256};

const RECORD_TAG: &[u8] = b"agent-runtime audit record 1\n";
const CHECKPOINT_TAG: &[u8] = b"agent-runtime audit checkpoint 1\n";

/// The hash before the first record.
pub(crate) const GENESIS: Head = Head { seq: 0, hash: [0; 32] };

/// Where the chain stands: its last record's number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) hash: [u8; 32],
}

/// What is hashed of a record, in this order, after its number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) at: i64,
    pub(crate) actor: &'a str,
    pub(crate) principal: &'a str,
    pub(crate) action: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) rules: &'a [String],
    pub(crate) detail: &'a str,
}

impl Head {
    /// The head once `record` has been added.
    pub(crate) fn after(&self, record: &Record<'_>) -> Self {
        let seq = self.seq.saturating_add(1);
        let mut hash = Sha256::new();
        hash.update(RECORD_TAG);
        hash.update(self.hash);
        hash.update(seq.to_be_bytes());
        hash.update(record.at.to_be_bytes());
        for text in [record.actor, record.principal, record.action, record.subject] {
            put(&mut hash, text);
        }
        hash.update(length(record.rules.len()));
        for rule in record.rules {
            put(&mut hash, rule);
        }
        put(&mut hash, record.detail);
        Self { seq, hash: hash.finalize().into() }
    }

    /// What a checkpoint signs.
    pub(crate) fn checkpoint_bytes(&self) -> Vec<u8> {
        [CHECKPOINT_TAG, &self.seq.to_be_bytes(), &self.hash].concat()
    }
}

fn put(hash: &mut Sha256, text: &str) {
    hash.update(length(text.len()));
    hash.update(text.as_bytes());
}

/// Texts are limited far below 4 GiB before they come here.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rules: &[String]) -> Record<'_> {
        Record {
            at: 1_000,
            actor: "ws/home/context/general",
            principal: "console:ann",
            action: "turn.taken",
            subject: "in_4k2v9m0x4k2v9m0x",
            rules,
            detail: "{}",
        }
    }

    #[test]
    fn the_documented_bytes_of_a_record_are_golden() {
        let rules = ["talk".to_owned()];
        // From the module's description alone, by Python:
        // sha256(tag + bytes(32) + pack('>qq', 1, 1000) + texts + pack('>I', 1) + texts).
        assert_eq!(hex(&GENESIS.after(&record(&rules)).hash), GOLDEN);
    }

    const GOLDEN: &str = "6b22cdb583515a22033079f35fd070f2316dadaa22073422b11f67d44ddb2b75";

    #[test]
    fn moving_a_byte_between_two_fields_changes_the_hash() {
        let mut moved = record(&[]);
        (moved.principal, moved.action) = ("console:annt", "urn.taken");
        assert_ne!(GENESIS.after(&record(&[])), GENESIS.after(&moved));
    }

    #[test]
    fn a_record_depends_on_all_before_it() {
        let first = GENESIS.after(&record(&[]));
        let other = GENESIS.after(&record(&["x".to_owned()]));
        assert_ne!(first.after(&record(&[])).hash, other.after(&record(&[])).hash);
        assert_eq!(first.after(&record(&[])).seq, 2);
    }
}
