//! `pki revoke`.

use std::process::ExitCode;

use ::pki::{Error, Which};
use anyhow::{Context as _, bail};

use super::{Folders, explained, now};
use crate::cli::PkiRevoke;
use crate::logging;

pub(super) fn run(args: PkiRevoke) -> anyhow::Result<ExitCode> {
    let folders = Folders::of(&args.place)?;
    let which = match (args.name, args.serial) {
        (_, Some(serial)) => Which::Serial(serial),
        (Some(name), None) => Which::Node(name),
        (None, None) => bail!("name a node, or a certificate with --serial"),
    };
    let authority = folders.authority()?;
    let revoked = authority.revoke(&which, now()).map_err(|error: Error| explained(error, &folders.ca))?;
    for record in &revoked {
        logging::give(&format!("{} {}", record.serial, record.node));
    }
    if revoked.is_empty() {
        logging::say("it was revoked before");
    }
    let crl = authority.crl()?;
    let place = folders.ca.join("crl.pem");
    if folders.node.is_there() {
        folders.node.put_crl(crl.pem()).with_context(|| {
            format!(
                "it is revoked, but the node of this data folder could not be told; copy {} to {}",
                place.display(),
                folders.node.path().display()
            )
        })?;
        logging::say(&format!(
            "revocation list {} is in the folder of this node, which takes it while it runs and hands it on",
            crl.number()
        ));
    } else {
        logging::say(&format!(
            "no node is known here: copy {} to agent-runtime/pki/node in the data folder of a running one",
            place.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
