//! Certificates, as the links want them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use cluster::{PeerIdentity, Trust};
use messages::cluster::{Role, Roles};
use pki::{Authority, LiveCredentials, NodeFolder, NodeKey, Serial, UnixTime};
use rustls::pki_types::CertificateDer;
use rustls::time_provider::DefaultTimeProvider;
use rustls::{ClientConfig, ServerConfig};

/// How often the files are looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(300);

fn folder(own: &Path, name: &str, roles: Roles) -> anyhow::Result<NodeFolder> {
    let folder = NodeFolder::new(pki::node_folder(own));
    if !folder.is_there() {
        bail!(
            "{} has no certificate of this node; where the cluster's authority is, run `agent-runtime pki node {name} --roles {}` and copy what it writes",
            folder.path().display(),
            roles.to_string().replace(' ', "")
        );
    }
    Ok(folder)
}

fn in_folder(folder: &NodeFolder) -> String {
    format!("the certificate of this node in {}", folder.path().display())
}

/// What no other cluster has: the fingerprint of its authority.
pub(super) fn fingerprint(own: &Path, name: &str, roles: Roles) -> anyhow::Result<String> {
    let folder = folder(own, name, roles)?;
    let loaded = folder.look().with_context(|| in_folder(&folder))?;
    Ok(loaded.ca.fingerprint())
}

/// The credentials of this node, and the cluster's cookie.
pub(crate) fn open(own: &Path, name: &str, roles: Roles) -> anyhow::Result<(Arc<dyn Trust>, String)> {
    let folder = folder(own, name, roles)?;
    let live = LiveCredentials::open(folder.clone(), Arc::new(DefaultTimeProvider));
    let live = live.with_context(|| in_folder(&folder))?;
    let cookie = folder.cookie().context("the cluster's cookie")?;
    let live = Arc::new(live);
    look_again(&live);
    let seed = name.bytes().fold(0u64, |seed, byte| seed.wrapping_mul(131).wrapping_add(u64::from(byte)));
    let trust = Certificates { live, authority: pki::ca_folder(own), asked: Mutex::new(None), seed };
    Ok((Arc::new(trust), cookie))
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

struct Certificates {
    live: Arc<LiveCredentials>,
    /// Where the authority is, on the node that has it.
    authority: PathBuf,
    /// The key of a certificate that was asked for.
    asked: Mutex<Option<NodeKey>>,
    /// When in its life this node renews.
    seed: u64,
}

impl Trust for Certificates {
    fn server(&self) -> Arc<ServerConfig> {
        self.live.server_config()
    }

    fn client(&self) -> Arc<ClientConfig> {
        self.live.client_config()
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
        serial.parse::<Serial>().is_ok_and(|serial| self.live.is_revoked(&serial))
    }

    fn list(&self) -> (u64, String) {
        let list = self.live.crl();
        (list.number(), list.pem().to_owned())
    }

    fn take_list(&self, list: &str) -> Result<bool, String> {
        self.live.take_crl(list).map_err(|e| e.to_string())
    }

    fn own(&self) -> String {
        self.live.certificate().identity.serial.as_str().to_owned()
    }

    fn is_due(&self) -> bool {
        let current = self.live.certificate();
        let due = |now| pki::renewal_due(current.not_before, current.identity.not_after, now, self.seed);
        self.live.now().is_ok_and(due)
    }

    fn request(&self) -> Result<String, String> {
        let current = self.live.certificate();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // A lost answer is asked for again with the same key.
        let key = match asked.take() {
            Some(key) => key,
            None => NodeKey::generate().map_err(|e| e.to_string())?,
        };
        let request = pki::request(&key, &current).map_err(|e| e.to_string());
        *asked = Some(key);
        request
    }

    fn renew(&self, request: &str, serial: &str) -> Result<String, String> {
        let authority = Authority::open(&self.authority).map_err(|e| e.to_string())?;
        let records = authority.records().map_err(|e| e.to_string())?;
        let record = records.iter().find(|record| record.serial.as_str() == serial);
        let record = record.ok_or("the authority has not issued its present certificate")?;
        let current = pki::PeerIdentity {
            node: record.node.clone(),
            roles: record.roles.clone(),
            serial: record.serial.clone(),
            not_after: UnixTime::since_unix_epoch(Duration::from_secs(record.not_after)),
        };
        authority.renew(request, &current, self.live.now().map_err(|e| e.to_string())?).map_err(|e| e.to_string())
    }

    fn install(&self, certificate: &str) -> Result<(), String> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let key = asked.take().ok_or("none was asked for")?;
        let installed = self.live.install(certificate, &key).map_err(|e| e.to_string());
        if installed.is_err() {
            *asked = Some(key);
        }
        installed
    }
}
