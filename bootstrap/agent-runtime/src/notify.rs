//! What a service manager is told (sd_notify(3)): one datagram a word, to the socket that it names.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// How many beats there are in the time that the service manager allows between two.
const BEATS: u32 = 3;

/// The service manager; one that is not there is told nothing.
pub(crate) struct Notify {
    to: Option<(UnixDatagram, SocketAddr)>,
    /// How often it is to be told that we live.
    beat: Option<Duration>,
}

impl Notify {
    /// As `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` say.
    pub(crate) fn from_env() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let to = variable("NOTIFY_SOCKET").and_then(|name| {
            let to = address(&name);
            let socket = UnixDatagram::unbound();
            match to.and_then(|to| Ok((socket?, to))) {
                Ok(to) => Some(to),
                Err(error) => {
                    tracing::warn!(%error, name, "the service manager's socket can't be used; it is told nothing");
                    None
                }
            }
        });
        let is_ours = variable("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let beat = variable("WATCHDOG_USEC").filter(|_| is_ours && to.is_some());
        Self { to, beat: beat.and_then(|micros| beat_of(&micros)) }
    }

    /// Tells it, `READY=1`. One that does not listen is no reason to stop.
    pub(crate) fn say(&self, words: &str) {
        if let Some((socket, to)) = &self.to
            && let Err(error) = socket.send_to_addr(words.as_bytes(), to)
        {
            tracing::debug!(%error, words, "the service manager could not be told");
        }
    }

    /// How often it is to be told that we live; `None`: not at all.
    pub(crate) fn beat(&self) -> Option<Duration> {
        self.beat
    }
}

fn beat_of(micros: &str) -> Option<Duration> {
    micros.parse().ok().filter(|micros| *micros > 0).map(|micros| Duration::from_micros(micros) / BEATS)
}

/// A path, or `@` and a name of the abstract namespace.
fn address(name: &str) -> std::io::Result<SocketAddr> {
    match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_arrives_at_a_path_and_at_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify").display().to_string();
        for name in [path, format!("@agent-runtime-test-{}", std::process::id())] {
            let to = address(&name).unwrap();
            let manager = UnixDatagram::bind_addr(&to).unwrap();
            let notify = Notify { to: Some((UnixDatagram::unbound().unwrap(), to)), beat: None };
            notify.say("READY=1");
            let mut heard = [0; 64];
            let length = manager.recv(&mut heard).unwrap();
            assert_eq!(&heard[..length], b"READY=1", "{name}");
        }
    }

    #[test]
    fn a_manager_that_is_away_is_no_failure() {
        Notify { to: None, beat: None }.say("READY=1");
        let to = address("/nowhere/notify").unwrap();
        Notify { to: Some((UnixDatagram::unbound().unwrap(), to)), beat: None }.say("READY=1");
    }

    #[test]
    fn a_beat_comes_three_times_in_the_time_allowed() {
        assert_eq!(beat_of("30000000"), Some(Duration::from_secs(10)));
        assert_eq!((beat_of("0"), beat_of(""), beat_of("-1")), (None, None, None));
    }
}
