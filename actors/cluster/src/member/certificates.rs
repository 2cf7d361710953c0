//! What members do for their certificates: revocation lists are handed on, links of who was revoked are ended, and a
//! certificate that is due is renewed by the hub.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use messages::cluster::Role;
use messages::membership::Msg;
use tokio::time::Instant;

use super::{Member, tell};
use crate::links::Link;
use crate::trust::Trust;

/// How often it is looked whether a list has come.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How often it is looked whether the certificate is to be renewed, and the wait after a try.
const RENEW_EVERY: Duration = Duration::from_secs(30);

/// Runs as long as the node does.
pub(super) async fn run(member: Arc<Member>) {
    let Some(links) = member.links.get().cloned() else { return };
    let trust = links.trust();
    // By link: which list its peer was given.
    let mut given: HashMap<u64, u64> = HashMap::new();
    let mut renew_at = Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        links.check_revoked();
        let up = links.up();
        given.retain(|id, _| up.values().any(|link| link.id() == *id));
        let (number, list) = trust.list();
        for link in up.values().filter(|_| number > 0) {
            if given.get(&link.id()).is_none_or(|had| *had < number) {
                given.insert(link.id(), number);
                tell(link, &Msg::List(list.clone()));
            }
        }
        // Who can't be asked yet is asked as soon as it can.
        let can_ask = member.is_hub() || member.hub().is_some();
        if can_ask && Instant::now() >= renew_at && trust.is_due() {
            renew_at = Instant::now() + RENEW_EVERY;
            renew(&member, &trust).await;
        }
    }
}

/// Asks for the next certificate, when it is time.
async fn renew(member: &Arc<Member>, trust: &Arc<dyn Trust>) {
    let asked = blocking(trust, |trust| trust.request()).await;
    let request = match asked {
        Ok(request) => request,
        Err(why) => return tracing::warn!(why, "the certificate of this node can't be renewed"),
    };
    if !member.is_hub() {
        if let Some(hub) = member.hub() {
            tell(&hub, &Msg::Renew(request));
        }
        return;
    }
    let renewed = blocking(trust, move |trust| trust.renew(&request, &trust.own())).await;
    match renewed {
        Ok(certificate) => installed(trust, certificate).await,
        Err(why) => tracing::warn!(why, "the certificate of this node can't be renewed"),
    }
}

/// A peer says something of certificates.
pub(super) fn heard(
    member: &Arc<Member>,
    link: &Arc<Link>,
    message: Msg,
) -> Option<impl Future<Output = ()> + Send + use<>> {
    let trust = member.links.get()?.trust();
    let (member, link) = (member.clone(), link.clone());
    Some(async move {
        match message {
            Msg::List(list) => match blocking(&trust, move |trust| trust.take_list(&list)).await {
                Ok(true) => {
                    tracing::info!(from = %link.peer().node, "a newer list of revoked certificates is in force");
                }
                Ok(false) => {}
                Err(why) => {
                    tracing::warn!(from = %link.peer().node, why, "its list of revoked certificates is refused");
                }
            },
            Msg::Renew(request) if member.is_hub() => {
                let serial = link.peer().serial.clone();
                match blocking(&trust, move |trust| trust.renew(&request, &serial)).await {
                    Ok(certificate) => tell(&link, &Msg::Certificate(certificate)),
                    Err(why) => tracing::warn!(node = %link.peer().node, why, "its certificate can't be renewed"),
                }
            }
            Msg::Certificate(certificate) if link.peer().roles.has(Role::Hub) => installed(&trust, certificate).await,
            _ => {}
        }
    })
}

async fn installed(trust: &Arc<dyn Trust>, certificate: String) {
    match blocking(trust, move |trust| trust.install(&certificate)).await {
        Ok(()) => tracing::info!("the certificate of this node was renewed"),
        Err(why) => tracing::warn!(why, "a renewed certificate can't be taken"),
    }
}

/// Files are read and written: beside the actors.
async fn blocking<T: Send + 'static>(
    trust: &Arc<dyn Trust>,
    work: impl FnOnce(&dyn Trust) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let trust = trust.clone();
    tokio::task::spawn_blocking(move || work(&*trust)).await.unwrap_or_else(|error| Err(error.to_string()))
}
