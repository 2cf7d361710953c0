//! Certificates of the cluster, by the real authority, and the credentials that each node begins with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cluster::{PeerIdentity, Trust};
use messages::cluster::{Role, Roles};
use pki::{Authority, LiveCredentials, NodeFolder, UnixTime, Wanted};
use rustls::pki_types::CertificateDer;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ServerConfig};

use super::network::BEGIN_MS;
use super::node::Spec;

/// The simulated time begins, and for certificates it stays there: what they hold is the same in each run of a seed.
#[derive(Debug)]
struct Begin;

impl TimeProvider for Begin {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(BEGIN_MS.unsigned_abs())))
    }
}

/// What nodes prove themselves with.
#[derive(Clone)]
pub(super) struct Credentials {
    live: BTreeMap<&'static str, Arc<LiveCredentials>>,
    pub(super) cookie: String,
}

impl Credentials {
    /// Makes an authority in `folder`, and issues a certificate for each node.
    pub(super) fn issue(folder: &Path, nodes: &[Spec]) -> Self {
        let now = Begin.current_time().unwrap();
        let authority = Authority::init(&folder.join("ca"), now).unwrap();
        let (mut live, mut cookie) = (BTreeMap::new(), String::new());
        for of in nodes {
            let roles: std::collections::BTreeSet<pki::Role> =
                of.roles.iter().map(|role| role.to_string().parse().unwrap()).collect();
            let (node, roles) = (of.name.parse().unwrap(), pki::Roles::try_from(roles).unwrap());
            let bundle = authority.issue(&Wanted { node, roles, alt_names: Vec::new(), days: 30 }, now).unwrap();
            let at = NodeFolder::new(folder.join(of.name));
            bundle.write(at.path()).unwrap();
            cookie = at.cookie().unwrap();
            live.insert(of.name, Arc::new(LiveCredentials::open(at, Arc::new(Begin)).unwrap()));
        }
        Self { live, cookie }
    }

    pub(super) fn of(&self, node: &str) -> Arc<dyn Trust> {
        Arc::new(PkiTrust(self.live[node].clone()))
    }
}

/// Links are proved by it. Lists and renewals are those of `bootstrap/pki`, and tested with it and with whole nodes.
pub(in crate::cluster) struct PkiTrust(pub(in crate::cluster) Arc<LiveCredentials>);

impl Trust for PkiTrust {
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
        let (node, serial) = (found.node.as_str().to_owned(), found.serial.as_str().to_owned());
        Ok(PeerIdentity { node, roles: Roles::of(&roles), serial })
    }

    fn is_revoked(&self, _: &str) -> bool {
        false
    }

    fn list(&self) -> (u64, String) {
        (0, String::new())
    }

    fn take_list(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }

    fn own(&self) -> String {
        String::new()
    }

    fn is_due(&self) -> bool {
        false
    }

    fn request(&self) -> Result<String, String> {
        Err("it is not due".into())
    }

    fn renew(&self, _: &str, _: &str) -> Result<String, String> {
        Err("no authority".into())
    }

    fn install(&self, _: &str) -> Result<(), String> {
        Err("none was asked for".into())
    }
}
