//! From a stream to a link: who is there, whether both go on, and the hand-over.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use messages::Address;
use messages::envelope::{Head, Kind};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::cluster::Inner;
use crate::gate::{Gate, GateReader};
use crate::hello::{self, Heard, Hello};
use crate::limits::{LINKS_MAX, PING_EVERY, SILENCE_MAX, STEP_MAX};
use crate::links::{Inbound, LetIn, Link};
use crate::serve::Peer;
use crate::sessions::LinkStream;
use crate::switch::{Armed, Switch};
use crate::trust::PeerIdentity;
use crate::unproven::Place;
use crate::writer::LinkWriter;

/// Which end of a connection we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Dialled,
    Accepted,
}

/// A stream after TLS.
pub(crate) struct Connection<S> {
    pub(crate) stream: S,
    /// Who its certificate says is there.
    pub(crate) identity: PeerIdentity,
    pub(crate) at: String,
    pub(crate) end: End,
    /// Its place among those that have not proved themselves; given back once it has.
    pub(crate) unproven: Option<Place>,
}

/// What both ends have said, and the version that they go on in.
struct Agreed {
    ours: Hello,
    theirs: Hello,
    version: u16,
}

impl Inner {
    /// Makes a link of a connection, and returns when that has ended, with the reason and how long it was up.
    pub(crate) async fn run<S>(&self, mut connection: Connection<S>) -> (Duration, String)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let place = connection.unproven.take();
        let agreed = within(STEP_MAX, "its hello did not come", self.agree(&mut connection));
        let agreed = match &place {
            Some(place) => place.unless_needed(agreed).await,
            None => agreed.await,
        };
        let agreed = match agreed {
            Ok(agreed) => agreed,
            Err(why) => return (Duration::ZERO, why),
        };
        drop(place);
        match self.hand_over(connection, agreed).await {
            Ok((link, _let_in)) => {
                self.refused.forget(&link.peer().node);
                self.live(&link).await
            }
            Err(why) => (Duration::ZERO, why),
        }
    }

    /// Both say who they are, and whether they go on. Nothing of the peer is believed before.
    async fn agree<S>(&self, connection: &mut Connection<S>) -> Result<Agreed, String>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (ours, speaks) = (self.hello(), self.config.versions);
        let (mut read, mut write) = tokio::io::split(&mut connection.stream);
        let words = |error: io::Error| error.to_string();
        let (sent, heard) = tokio::join!(hello::send(&mut write, &ours, speaks), hello::receive(&mut read, speaks));
        sent.map_err(words)?;
        let heard = heard.map_err(words)?;
        let verdict = self.judge(&ours, &connection.identity, &heard);
        let (told, answer) = tokio::join!(hello::tell(&mut write, &verdict), hello::told(&mut read));
        verdict?;
        told.map_err(words)?;
        answer.map_err(words)?.map_err(|why| format!("it refuses: {why}"))?;
        match heard {
            Heard::Hello(theirs, version) => Ok(Agreed { ours, theirs, version }),
            Heard::Other(_) => Err("it speaks other versions".into()),
        }
    }

    fn judge(&self, ours: &Hello, identity: &PeerIdentity, heard: &Heard) -> Result<(), String> {
        hello::judge(ours, self.config.versions, identity, heard)?;
        if self.config.trust.is_revoked(&identity.serial) {
            return Err(format!("the certificate {} of `{}` was revoked", identity.serial, identity.node));
        }
        let up = self.links.up();
        if up.len() >= LINKS_MAX && !up.contains_key(&identity.node) {
            return Err(format!("{LINKS_MAX} links are up, which is the limit"));
        }
        Ok(())
    }

    async fn hand_over<S>(
        &self,
        connection: Connection<S>,
        Agreed { ours, theirs, version }: Agreed,
    ) -> Result<(Arc<Link>, LetIn), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // One at a time to each peer: the transport keeps the older of two links to one name, we the newer.
        let place = self.place_of(&theirs.node);
        let _place = place.lock().await;
        if let Some(old) = self.links.up().get(&theirs.node) {
            old.close("a newer link has taken its place");
            old.gone().await;
        }
        let id = self.next_id();
        let switch = Switch::new();
        let gate = Gate::new(name_in_transport(&theirs), self.region_pid(), theirs.region, id);
        let (read, write) = tokio::io::split(connection.stream);
        let stream = LinkStream {
            label: format!("{}/{id}", theirs.node),
            read: Box::new(GateReader::new(read, gate, Armed::new(SILENCE_MAX), switch.clone())),
            write: Box::new(LinkWriter::new(write, switch.clone())),
            switch: switch.clone(),
        };
        let peer = Peer {
            node: theirs.node,
            incarnation: theirs.incarnation,
            roles: theirs.roles,
            serial: connection.identity.serial,
            program: theirs.program,
            version,
            at: connection.at,
        };
        let inbound = Inbound::new(id, peer, ours.token, switch.clone());
        let let_in = self.links.let_in(&inbound);
        let is_server = connection.end == End::Accepted;
        let opened = self.sessions.open(stream, is_server, theirs.region);
        let opened = within(STEP_MAX, "its transport did not become ready", opened).await;
        let session = opened.inspect_err(|why| switch.turn_off(why))?;
        let link = Arc::new(Link::new(inbound, theirs.token, session));
        self.links.put(&link);
        Ok((link, let_in))
    }

    /// Asks the peer each second whether it lives, until the link ends.
    async fn live(&self, link: &Arc<Link>) -> (Duration, String) {
        let node = &link.peer().node;
        tracing::info!(peer = %node, at = %link.peer().at, roles = %link.peer().roles, version = link.peer().version, "link is up");
        let pings = async {
            loop {
                drop(link.ask(ping(), &[]).await);
                tokio::time::sleep(PING_EVERY).await;
            }
        };
        tokio::select! {
            () = pings => {}
            () = link.switch().is_off() => {}
        }
        self.links.take(link);
        link.end().await;
        let (lasted, why) = (link.since.elapsed(), link.switch().why().to_owned());
        tracing::info!(peer = %node, why, "link is down");
        (lasted, why)
    }
}

/// As whom a node's transport speaks.
pub(crate) fn name_in_transport(hello: &Hello) -> String {
    format!("{}#{}@{}", hello.node, hello.incarnation, hello.node)
}

fn ping() -> Head {
    Head {
        token: [0; 16],
        to: Address::fixed("cluster"),
        from: None,
        trace: None,
        deadline_ms: u32::try_from(SILENCE_MAX.as_millis()).unwrap_or(u32::MAX),
        kind: Kind::Ping,
        whole: None,
    }
}

/// Bounds a step.
pub(crate) async fn within<T>(
    time: Duration,
    else_say: &str,
    step: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    match tokio::time::timeout(time, step).await {
        Ok(done) => done,
        Err(_) => Err(format!("{else_say} within {time:?}")),
    }
}
