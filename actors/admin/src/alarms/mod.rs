//! The actor `alarms`: it looks at the node again and again, raises alarms, tells them in a chat, and tells readiness and
//! metrics.

mod core;
mod names;
mod sample;
mod telling;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use messages::Address;
use messages::alarms::{Alarms, Msg, Readiness, Reply};
use runtime::{ReplyPort, Service, ServiceCx, ServiceError, System};

use self::core::{Facts, Seen, Wait, Watch, readiness};
use self::sample::{Host, Indexes, Sample};
use self::telling::Teller;
use crate::metrics;
use crate::service::AdminConfig;

pub use self::core::AlarmLimits;
pub(crate) use self::core::name;
pub use self::names::{ALARMS, AlarmName};
pub(crate) use self::sample::{Indexes as IndexSample, Sample as NodeSample};
pub use self::telling::AlarmChat;

/// How often the node is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// What was seen is told again for so long, so that many who ask cost no more than one.
const SEEN_FOR: Duration = Duration::from_secs(1);

/// Limits that can be changed while the node runs.
pub type LiveLimits = Arc<Mutex<AlarmLimits>>;

/// The actor at `alarms`.
pub struct AlarmsService {
    config: AdminConfig,
    limits: LiveLimits,
    last: Option<(Sample, Indexes)>,
}

impl AlarmsService {
    /// Opens at once; the first look is at its start.
    #[must_use]
    pub fn new(config: AdminConfig, limits: LiveLimits) -> Self {
        Self { config, limits, last: None }
    }

    /// Where it is.
    #[must_use]
    pub fn address() -> Address {
        Address::fixed("alarms")
    }

    /// What was seen within the last second.
    async fn seen(&mut self, system: &System) -> (Sample, Indexes) {
        if let Some(last) = self.last.as_ref().filter(|(sample, _)| sample.at.elapsed() < SEEN_FOR) {
            return last.clone();
        }
        let (sample, indexes) = futures_util::join!(Sample::take(&self.config, system), Indexes::take(system));
        self.last.insert((sample, indexes)).clone()
    }
}

impl Service for AlarmsService {
    type Proto = Alarms;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        let (config, limits, system) = (self.config.clone(), self.limits.clone(), cx.system.clone());
        cx.spawn("looking at the node", async move {
            let (mut watch, mut teller) = (Watch::new(config.data.clone()), Teller::new(system.now()));
            loop {
                let sample = Sample::take(&config, &system).await;
                let limits = limits.lock().unwrap_or_else(PoisonError::into_inner).clone();
                for (id, text) in watch.look(&limits, &seen(&sample)) {
                    system.alarm(&id, text);
                }
                teller.look(&system, limits.tell.as_ref()).await;
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Alarms>, cx: &ServiceCx) -> Result<(), ServiceError> {
        match msg {
            Msg::Alive => reply.send(Reply::Alive),
            Msg::Ready => {
                let (sample, indexes) = self.seen(&cx.system).await;
                reply.send(Reply::Ready(ready(&sample, &indexes, &cx.system)));
            }
            Msg::Metrics => {
                let (sample, indexes) = self.seen(&cx.system).await;
                let is_ready = ready(&sample, &indexes, &cx.system).ready;
                reply.send(Reply::Metrics(metrics::text(&sample, &indexes, is_ready)));
            }
        }
        Ok(())
    }
}

fn ready(sample: &Sample, indexes: &Indexes, system: &System) -> Readiness {
    let alarms = system.alarms_by_id();
    readiness(&Facts {
        draining: system.is_draining(),
        counted: sample.counts.is_some(),
        indexes_made: indexes.made,
        alarms: &alarms,
    })
}

fn seen(sample: &Sample) -> Seen {
    let wait = |kind: &runtime::KindView| {
        let address = kind.oldest_at.as_ref()?.to_string();
        let wait_ms = u64::try_from(kind.oldest_wait.as_millis()).unwrap_or(u64::MAX);
        Some(Wait { kind: kind.kind, address, wait_ms })
    };
    let Host { wall, steady_ms, disk, .. } = sample.host;
    Seen {
        wall_ms: wall.0,
        steady_ms,
        disk,
        waits: sample.kinds.iter().filter_map(wait).collect(),
        doubts: sample.oldest.map(|oldest| (oldest.replies_in_doubt, oldest.tasks_in_doubt)),
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
