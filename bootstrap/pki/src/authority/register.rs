//! What was issued and what was taken back: `issued.json`.

use std::path::Path;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use serde::{Deserialize, Serialize};

use super::{DAY_SECS, DAYS_MAX, Wanted};
use crate::profile::Span;
use crate::{ALT_NAMES_MAX, AltName, Error, NodeName, PeerIdentity, Roles, Serial, files};

/// The most certificates that are recorded.
pub const RECORDS_MAX: usize = 10_000;
/// The most certificates of one node that are valid at once: a node that has them all gets no other.
pub const VALID_PER_NODE_MAX: usize = 8;
/// Days for which a certificate that has expired is still recorded.
pub const KEEP_DAYS: u64 = 90;
const FORMAT: u32 = 1;
/// The longest file in bytes: as many records as there may be, each with the most and longest names.
const BYTES_MAX: usize = 64 << 20;

/// Which certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All of a node.
    Node(NodeName),
    /// The one of this number.
    Serial(Serial),
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its number.
    pub serial: Serial,
    /// Whose it is.
    pub node: NodeName,
    /// What the node may be.
    pub roles: Roles,
    /// By what its host is reached.
    pub alt_names: Vec<AltName>,
    /// For how many days it was asked for.
    pub days: u32,
    /// From when it is valid, in seconds since the Unix epoch.
    pub not_before: u64,
    /// Until when, the same.
    pub not_after: u64,
    /// When it was taken back, the same; `None`: it was not.
    pub revoked_at: Option<u64>,
}

impl Record {
    pub(super) fn new(serial: Serial, wanted: &Wanted, span: &Span) -> Result<Self, Error> {
        if !(1..=DAYS_MAX).contains(&wanted.days) {
            return Err(Error::Invalid(format!(
                "a certificate is valid for 1 to {DAYS_MAX} days, not {}",
                wanted.days
            )));
        }
        if wanted.alt_names.len() > ALT_NAMES_MAX {
            return Err(Error::Invalid(format!("a certificate has at most {ALT_NAMES_MAX} names of its host")));
        }
        Ok(Self {
            serial,
            node: wanted.node.clone(),
            roles: wanted.roles.clone(),
            alt_names: wanted.alt_names.clone(),
            days: wanted.days,
            not_before: span.from.as_secs(),
            not_after: span.to.as_secs(),
            revoked_at: None,
        })
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            node: self.node.clone(),
            roles: self.roles.clone(),
            alt_names: self.alt_names.clone(),
            days: self.days,
        }
    }

    /// It has expired.
    #[must_use]
    pub fn has_expired(&self, now: UnixTime) -> bool {
        now.as_secs() > self.not_after
    }

    /// Peers accept it.
    #[must_use]
    pub fn is_valid(&self, now: UnixTime) -> bool {
        self.revoked_at.is_none() && !self.has_expired(now)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    format: u32,
    /// The number of the revocation list that says all that is revoked here. It only grows.
    pub(super) crl_number: u64,
    /// Oldest first.
    pub(super) certificates: Vec<Record>,
}

impl Register {
    pub(super) fn new() -> Self {
        Self { format: FORMAT, crl_number: 1, certificates: Vec::new() }
    }

    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let bad = |why: String| Error::damaged(path.display().to_string(), why);
        let text = files::read(path, BYTES_MAX)?;
        let read: Self = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if read.format != FORMAT {
            return Err(bad(format!("its format is {}, this program knows {FORMAT}", read.format)));
        }
        Ok(read)
    }

    pub(super) fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self).map_err(|error| Error::damaged("issued.json", error.to_string()))
    }

    pub(super) fn valid(&self, node: &NodeName, now: UnixTime) -> impl Iterator<Item = &Record> {
        self.certificates.iter().filter(move |record| record.node == *node && record.is_valid(now))
    }

    /// The newest certificate of a node that was not taken back.
    pub(super) fn last(&self, node: &NodeName) -> Result<Record, Error> {
        let mut all = self.certificates.iter().rev().filter(|record| record.node == *node).peekable();
        if all.peek().is_none() {
            return Err(Error::Unknown(node.to_string()));
        }
        all.find(|record| record.revoked_at.is_none()).cloned().ok_or_else(|| Error::AllRevoked(node.clone()))
    }

    /// The record of a certificate by which its node may get the next.
    pub(super) fn renewable(&self, current: &PeerIdentity, now: UnixTime) -> Result<&Record, Error> {
        let PeerIdentity { node, serial, .. } = current;
        let record = self.certificates.iter().find(|record| record.serial == *serial && record.node == *node);
        let record = record.ok_or_else(|| Error::Unknown(serial.to_string()))?;
        if record.revoked_at.is_some() {
            return Err(Error::Revoked { node: node.clone(), serial: serial.clone() });
        }
        if record.has_expired(now) {
            return Err(Error::OutOfTime { node: node.clone(), serial: serial.clone() });
        }
        Ok(record)
    }

    /// Records one more; what has long expired is forgotten.
    pub(super) fn add(&mut self, record: Record, now: UnixTime) -> Result<(), Error> {
        let kept_from = now.as_secs().saturating_sub(KEEP_DAYS * DAY_SECS);
        self.certificates.retain(|kept| kept.not_after >= kept_from);
        if self.certificates.len() >= RECORDS_MAX {
            return Err(Error::TooMany(format!(
                "{RECORDS_MAX} certificates are recorded, and none has expired for {KEEP_DAYS} days"
            )));
        }
        if self.valid(&record.node, now).count() >= VALID_PER_NODE_MAX {
            return Err(Error::TooMany(format!("`{}` has {VALID_PER_NODE_MAX} valid certificates", record.node)));
        }
        self.certificates.push(record);
        Ok(())
    }

    /// Takes certificates back; gives those that were not before.
    pub(super) fn revoke(&mut self, which: &Which, now: UnixTime) -> Result<Vec<Record>, Error> {
        let is_meant = |record: &Record| match which {
            Which::Node(node) => record.node == *node,
            Which::Serial(serial) => record.serial == *serial,
        };
        let mut meant = self.certificates.iter_mut().filter(|record| is_meant(record)).peekable();
        if meant.peek().is_none() {
            return Err(Error::Unknown(match which {
                Which::Node(node) => node.to_string(),
                Which::Serial(serial) => serial.to_string(),
            }));
        }
        let mut revoked = Vec::new();
        for record in meant.filter(|record| record.revoked_at.is_none()) {
            record.revoked_at = Some(now.as_secs());
            revoked.push(record.clone());
        }
        if !revoked.is_empty() {
            self.crl_number = self.crl_number.saturating_add(1);
        }
        Ok(revoked)
    }

    /// What is to stand on the list, with since when.
    pub(super) fn revoked(&self) -> impl Iterator<Item = (&Serial, UnixTime)> {
        let at = |secs| UnixTime::since_unix_epoch(Duration::from_secs(secs));
        self.certificates.iter().filter_map(move |record| Some((&record.serial, at(record.revoked_at?))))
    }
}
