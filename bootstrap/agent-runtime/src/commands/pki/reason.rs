//! Why a command on certificates failed, with what to do next.

use std::path::Path;

use ::pki::{Authority, Error};
use anyhow::anyhow;

/// An error of an authority in this folder.
pub(super) fn explained(error: Error, ca: &Path) -> anyhow::Error {
    match next(&error, ca) {
        Some(next) => anyhow!("{error}; {next}"),
        None => error.into(),
    }
}

fn next(error: &Error, ca: &Path) -> Option<String> {
    Some(match error {
        Error::NotThere(_) if !Authority::is_there(ca) => {
            "there is no authority in this data folder: run this on the host that has it, or make one with \
             `agent-runtime pki init`"
                .to_owned()
        }
        Error::NotThere(_) => "restore the folder as it was".to_owned(),
        Error::HasCertificate(node) => format!(
            "`agent-runtime pki renew {node}` issues the next one; if its host was lost or is another now, \
             `agent-runtime pki revoke {node}` comes first"
        ),
        Error::AllRevoked(node) => {
            format!("`agent-runtime pki node {node} --roles …` issues a first one again, if its host is to be let in")
        }
        Error::Unknown(_) => "`agent-runtime pki show` lists all".to_owned(),
        Error::TooMany(_) => {
            "`agent-runtime pki show` lists them; those of hosts that are gone can be revoked".to_owned()
        }
        Error::AuthorityExpired => {
            "move its folder away, make another with `agent-runtime pki init`, and issue all certificates anew"
                .to_owned()
        }
        Error::Busy(_) => "try again".to_owned(),
        Error::KeyMismatch => "restore both from the same time".to_owned(),
        _ => return None,
    })
}
