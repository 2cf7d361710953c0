//! SIGHUP: the configuration is read again. What can be changed while the node runs is; of the rest it is told that it
//! needs a restart. A configuration that is wrong changes nothing.

use config::Config;
use rustix::time::{ClockId, clock_gettime};

use crate::cli::Where;
use crate::logging::SetLevel;
use crate::node::{self, Node, secrets::Stamp};
use crate::notify::Notify;

/// The configuration that is in force.
pub(super) struct Reload {
    place: Where,
    config: Config,
    set_level: SetLevel,
    /// Of the secrets that the node was started with.
    secrets: Stamp,
}

impl Reload {
    pub(super) fn new(place: Where, config: Config, set_level: SetLevel) -> Self {
        Self { place, secrets: Stamp::of(&config), config, set_level }
    }

    /// Reads it again.
    pub(super) fn again(&mut self, node: &Node, notify: &Notify) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
        notify.say(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
        match node::load(&self.place) {
            Ok(config) => self.apply(config, node),
            Err(error) => tracing::error!("the configuration stays as it was: {error:#}"),
        }
        notify.say("READY=1");
    }

    fn apply(&mut self, config: Config, node: &Node) {
        let (live, rest): (Vec<_>, Vec<_>) = self.config.differing(&config).into_iter().partition(|key| is_live(key));
        if let Err(error) = (self.set_level)(config.log.level) {
            tracing::warn!(error, "the level of the log could not be changed");
        }
        node.limit_alarms(node::alarm_limits(&config.alarms));
        (self.config.log.level, self.config.alarms) = (config.log.level, config.alarms);
        if Stamp::of(&self.config) != self.secrets {
            tracing::warn!(
                "the store of secrets changed, and needs a restart: the node has the values that it began with"
            );
        }
        if !rest.is_empty() {
            tracing::warn!(keys = rest.join(", "), "changed, and needs a restart");
        }
        tracing::info!(keys = live.join(", "), "the configuration was read again");
    }
}

/// It can be changed while the node runs.
fn is_live(key: &str) -> bool {
    key == "log.level" || key.starts_with("alarms.")
}
