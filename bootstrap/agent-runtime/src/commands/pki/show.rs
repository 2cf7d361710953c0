//! `pki show`.

use std::process::ExitCode;

use ::pki::{AltName, Authority, CaCertificate, Loaded, Record, Revocations, UnixTime};
use anyhow::bail;
use serde::Serialize;

use super::super::{FAULTS_FOUND, give_json, give_table};
use super::{Folders, millis, now};
use crate::cli::Read;
use crate::logging;

/// Times are in milliseconds since the Unix epoch.
#[derive(Debug, Serialize)]
struct Shown {
    authority: Option<ShownAuthority>,
    /// This node's own certificate.
    node: Option<ShownCertificate>,
    certificates: Vec<ShownCertificate>,
    /// What can't be used, and why.
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ShownAuthority {
    folder: String,
    name: String,
    fingerprint: String,
    not_after: i64,
    crl_number: u64,
    revoked: usize,
}

#[derive(Debug, Serialize)]
struct ShownCertificate {
    node: String,
    roles: String,
    hosts: Vec<String>,
    serial: String,
    not_before: i64,
    not_after: i64,
    revoked_at: Option<i64>,
    state: &'static str,
}

pub(super) fn run(read: &Read) -> anyhow::Result<ExitCode> {
    let folders = Folders::of(&read.place)?;
    let shown = look(&folders, now());
    if shown.authority.is_none() && shown.node.is_none() && shown.problems.is_empty() {
        bail!(
            "{} holds neither an authority nor a certificate; a node that is alone needs none, and for a cluster \
             `agent-runtime pki init` makes the authority",
            folders.data.display()
        );
    }
    if read.json {
        give_json(&shown)?;
    } else {
        give(&shown);
    }
    Ok(if shown.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAULTS_FOUND) })
}

fn look(folders: &Folders, now: UnixTime) -> Shown {
    let mut shown = Shown { authority: None, node: None, certificates: Vec::new(), problems: Vec::new() };
    if Authority::is_there(&folders.ca) {
        match authority(folders) {
            Ok((of, records)) => {
                shown.authority = Some(of);
                shown.certificates = records.iter().map(|record| recorded(record, now)).collect();
                shown.certificates.sort_by(|a, b| (&a.node, a.not_before).cmp(&(&b.node, b.not_before)));
            }
            Err(error) => shown.problems.push(format!("the authority can't be used: {error:#}")),
        }
    }
    if folders.node.is_there() {
        match folders.node.look() {
            Ok(loaded) => {
                let is_ours = shown.authority.as_ref().is_none_or(|of| of.fingerprint == loaded.ca.fingerprint());
                if !is_ours {
                    shown.problems.push("this node's certificate is of another authority than the one here".to_owned());
                }
                shown.node = Some(own(&loaded, now));
            }
            Err(error) => shown.problems.push(format!("this node's certificate can't be used: {error}")),
        }
    }
    shown
}

fn authority(folders: &Folders) -> anyhow::Result<(ShownAuthority, Vec<Record>)> {
    let authority = folders.authority()?;
    let (ca, crl): (&CaCertificate, Revocations) = (authority.certificate(), authority.crl()?);
    let of = ShownAuthority {
        folder: folders.ca.display().to_string(),
        name: ca.name.clone(),
        fingerprint: ca.fingerprint(),
        not_after: millis(ca.not_after.as_secs()),
        crl_number: crl.number(),
        revoked: crl.len(),
    };
    Ok((of, authority.records()?))
}

fn state(is_revoked: bool, not_after: u64, now: UnixTime) -> &'static str {
    match (is_revoked, now.as_secs() > not_after) {
        (true, _) => "revoked",
        (false, true) => "expired",
        (false, false) => "valid",
    }
}

fn recorded(record: &Record, now: UnixTime) -> ShownCertificate {
    ShownCertificate {
        node: record.node.to_string(),
        roles: record.roles.to_string(),
        hosts: record.alt_names.iter().map(AltName::to_string).collect(),
        serial: record.serial.to_string(),
        not_before: millis(record.not_before),
        not_after: millis(record.not_after),
        revoked_at: record.revoked_at.map(millis),
        state: state(record.revoked_at.is_some(), record.not_after, now),
    }
}

fn own(loaded: &Loaded, now: UnixTime) -> ShownCertificate {
    let identity = &loaded.certificate.identity;
    ShownCertificate {
        node: identity.node.to_string(),
        roles: identity.roles.to_string(),
        hosts: loaded.certificate.alt_names.iter().map(AltName::to_string).collect(),
        serial: identity.serial.to_string(),
        not_before: millis(loaded.certificate.not_before.as_secs()),
        not_after: millis(identity.not_after.as_secs()),
        // When is known to the authority alone.
        revoked_at: None,
        state: state(loaded.crl.contains(&identity.serial), identity.not_after.as_secs(), now),
    }
}

fn give(shown: &Shown) {
    let until = |ms: i64| markdown::civil::utc(ms);
    if let Some(of) = &shown.authority {
        logging::give(&format!("authority  {} · until {} · {}", of.name, until(of.not_after), of.folder));
        logging::give(&format!("           sha256 {}", of.fingerprint));
        logging::give(&format!("crl        number {}, {} revoked", of.crl_number, of.revoked));
    }
    if let Some(own) = &shown.node {
        logging::give(&format!(
            "this node  {} ({}) · until {} · {}",
            own.node,
            own.roles,
            until(own.not_after),
            own.state
        ));
    }
    for problem in &shown.problems {
        logging::give(&format!("PROBLEM    {problem}"));
    }
    if !shown.certificates.is_empty() {
        let row = |of: &ShownCertificate| {
            let hosts = of.hosts.join(" ");
            vec![of.node.clone(), of.roles.clone(), of.state.to_owned(), until(of.not_after), of.serial.clone(), hosts]
        };
        give_table(&["NODE", "ROLES", "STATE", "UNTIL", "NUMBER", "HOST"], shown.certificates.iter().map(row));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_certificate_is_valid_to_its_last_second_unless_it_was_revoked() {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(100));
        for (is_revoked, not_after, word) in
            [(false, 100, "valid"), (false, 99, "expired"), (true, 100, "revoked"), (true, 99, "revoked")]
        {
            assert_eq!(state(is_revoked, not_after, now), word);
        }
    }
}
