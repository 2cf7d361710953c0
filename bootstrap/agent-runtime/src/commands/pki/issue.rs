//! `pki init`, `pki node`, `pki renew`: what makes files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::pki::{Authority, Bundle, Error, NodeName, Roles, Wanted};
use anyhow::{Context as _, anyhow, bail};

use super::{Folders, explained, now, utc};
use crate::cli::{PkiNode, PkiPlace, PkiRenew, Where};
use crate::logging;
use crate::node;

pub(super) fn init(place: &Where) -> anyhow::Result<ExitCode> {
    let folders = Folders::of(place)?;
    let made = Authority::init(&folders.ca, now()).map_err(|error| match error {
        Error::AlreadyThere(folder) => anyhow!(
            "there is an authority in {} already; `agent-runtime pki show` shows it, and nodes of one are strangers to another",
            folder.display()
        ),
        error => explained(error, &folders.ca),
    })?;
    let ca = made.certificate();
    logging::give(&folders.ca.display().to_string());
    logging::say(&format!("{}, until {}, sha256 {}", ca.name, utc(ca.not_after.as_secs()), ca.fingerprint()));
    logging::say(
        "whoever has ca.key can let any host in: it is in no backup of the data folder, so keep a copy where nodes are not",
    );
    logging::say("next, for the node of this data folder: `agent-runtime pki node NAME --roles hub --san HOST --self`");
    Ok(ExitCode::SUCCESS)
}

pub(super) fn first(args: PkiNode) -> anyhow::Result<ExitCode> {
    let roles: BTreeSet<_> = args.roles.into_iter().collect();
    // Each host once, in a fixed order.
    let alt_names = args.alt_names.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let wanted = Wanted { node: args.name, roles: Roles::try_from(roles)?, alt_names, days: args.days };
    let folders = Folders::of(&args.to.place)?;
    let authority = folders.authority()?;
    let target = target(&args.to, &folders, &wanted.node)?;
    if args.to.own && folders.node.is_there() {
        bail!(
            "the node of {} has a certificate already; `agent-runtime pki renew --self` issues the next one, and to begin \
             anew move {} away first",
            folders.data.display(),
            target.display()
        );
    }
    is_free(&target)?;
    let bundle = authority.issue(&wanted, now()).map_err(|error| explained(error, &folders.ca))?;
    write(&bundle, &target, &wanted.node)?;
    told(&args.to, &target, &wanted.node)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn next(args: &PkiRenew) -> anyhow::Result<ExitCode> {
    let folders = Folders::of(&args.to.place)?;
    match &args.name {
        Some(name) => {
            let target = target(&args.to, &folders, name)?;
            is_free(&target)?;
            let bundle = reissue(&folders, name, args.days)?;
            write(&bundle, &target, name)?;
            told(&args.to, &target, name)?;
        }
        None => own(&folders, args.days)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn reissue(folders: &Folders, name: &NodeName, days: Option<u32>) -> anyhow::Result<Bundle> {
    folders.authority()?.reissue(name, days, now()).map_err(|error| explained(error, &folders.ca))
}

/// Renews the certificate of this data folder's node.
fn own(folders: &Folders, days: Option<u32>) -> anyhow::Result<()> {
    let current = folders.node.load().map_err(|error| {
        let next = "; `agent-runtime pki node NAME --roles … --self` issues the first one";
        let is_first = !folders.node.is_there();
        anyhow!("the certificate of this node can't be renewed: {error}{}", if is_first { next } else { "" })
    })?;
    let name = &current.certificate.identity.node;
    let bundle = reissue(folders, name, days)?;
    folders.node.install(&bundle.certificate, &bundle.key, now())?;
    folders.node.put_crl(&bundle.crl)?;
    logging::give(&folders.node.path().display().to_string());
    let renewed = folders.node.load()?.certificate.identity;
    logging::say(&format!(
        "certificate {} of `{name}`, until {}; a running node shows it in its next links",
        renewed.serial,
        utc(renewed.not_after.as_secs())
    ));
    Ok(())
}

/// The folder that is made.
fn target(to: &PkiPlace, folders: &Folders, name: &NodeName) -> anyhow::Result<PathBuf> {
    if to.own {
        return Ok(folders.node.path().to_owned());
    }
    node::absolute(&to.out.clone().unwrap_or_else(|| PathBuf::from(name.as_str())))
}

/// Before anything is issued.
fn is_free(target: &Path) -> anyhow::Result<()> {
    let is_empty = std::fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
    if target.symlink_metadata().is_ok() && !is_empty {
        bail!("{} is there already and is left as it is; name another folder with --out", target.display());
    }
    Ok(())
}

fn write(bundle: &Bundle, target: &Path, name: &NodeName) -> anyhow::Result<()> {
    bundle.write(target).with_context(|| {
        format!(
            "the certificate was issued and could not be written to {}; `agent-runtime pki renew {name}` issues another",
            target.display()
        )
    })
}

fn told(to: &PkiPlace, target: &Path, name: &NodeName) -> anyhow::Result<()> {
    logging::give(&target.display().to_string());
    if !to.own {
        logging::say(&format!(
            "copy this folder with its modes to the host of `{name}`, as agent-runtime/pki/node in its data folder, and \
             delete it here: it holds the node's private key"
        ));
        return Ok(());
    }
    let configured = node::load(&to.place)?.node.name;
    if configured != name.as_str() {
        logging::say(&format!("the configuration calls this node `{configured}`; set `node.name` to `{name}`"));
    }
    Ok(())
}
