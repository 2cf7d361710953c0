//! Certificates, as the links want them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use cluster::{PeerIdentity, Trust};
use messages::cluster::{Role, Roles};
use pki::{LiveCredentials, NodeFolder, Serial};
use rustls::pki_types::CertificateDer;
use rustls::time_provider::DefaultTimeProvider;
use rustls::{ClientConfig, ServerConfig};

/// How often the files are looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(300);

/// The credentials of this node, and the cluster's cookie.
pub(super) fn open(own: &Path, name: &str, roles: Roles) -> anyhow::Result<(Arc<dyn Trust>, String)> {
    let path = pki::node_folder(own);
    let folder = NodeFolder::new(path.clone());
    if !folder.is_there() {
        bail!(
            "{} has no certificate of this node; where the cluster's authority is, run `agent-runtime pki node {name} --roles {}` and copy what it writes",
            path.display(),
            roles.to_string().replace(' ', "")
        );
    }
    let live = LiveCredentials::open(folder, Arc::new(DefaultTimeProvider))
        .with_context(|| format!("the certificate of this node in {}", path.display()))?;
    let cookie = NodeFolder::new(path).cookie().context("the cluster's cookie")?;
    let live = Arc::new(live);
    look_again(&live);
    Ok((Arc::new(Certificates(live)), cookie))
}

/// A renewed certificate and a new revocation list are in force within a third of a second.
fn look_again(live: &Arc<LiveCredentials>) {
    let live = Arc::downgrade(live);
    // Reading may wait for who writes: not on a thread of the actors.
    let look = move || {
        let mut told = String::new();
        while let Some(live) = live.upgrade() {
            let problem = live.reload().err().map(|error| error.to_string()).unwrap_or_default();
            if problem != told && !problem.is_empty() {
                tracing::warn!(problem, "the certificates of this node can't be read again; what is in force stays");
            }
            told = problem;
            drop(live);
            std::thread::sleep(LOOK_EVERY);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("certificates".into()).spawn(look) {
        tracing::warn!(%error, "certificates are read at the start alone");
    }
}

struct Certificates(Arc<LiveCredentials>);

impl Trust for Certificates {
    fn server(&self) -> Arc<ServerConfig> {
        self.0.server_config()
    }

    fn client(&self) -> Arc<ClientConfig> {
        self.0.client_config()
    }

    fn identify(&self, certificate: &CertificateDer<'_>) -> Result<PeerIdentity, String> {
        let found = pki::identify(certificate).map_err(|e| e.to_string())?;
        let has = |role: &Role| found.roles.iter().any(|has| has.as_str() == role.to_string());
        let roles: Vec<Role> = Role::ALL.into_iter().filter(has).collect();
        Ok(PeerIdentity {
            node: found.node.as_str().to_owned(),
            roles: Roles::of(&roles),
            serial: found.serial.as_str().to_owned(),
        })
    }

    fn is_revoked(&self, serial: &str) -> bool {
        serial.parse::<Serial>().is_ok_and(|serial| self.0.is_revoked(&serial))
    }
}
