//! What is looked at: the store's counts, the actors by kind, the host.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use messages::index::{Index, Msg as IndexMsg, Reply as IndexReply};
use messages::store::{Counts, Oldest, Query, Rows};
use messages::{Address, Moment, Protocol as _, meter};
use runtime::{KindView, System};
use rustix::time::{ClockId, clock_gettime};

use super::core::Disk;
use crate::memory::rss_bytes;
use crate::metrics::StoreStats;
use crate::service::AdminConfig;

/// How long the store may take to count.
const COUNT_MAX: Duration = Duration::from_secs(2);
/// How long one index may take to describe itself.
const DESCRIBE_MAX: Duration = Duration::from_secs(1);
/// Indexes that are asked at once.
const INDEXES_MAX: usize = 1_024;
/// What is in doubt for so long is an alarm: whoever was asked has had a day to say what is known.
const DOUBT_MS_MIN: i64 = 86_400_000;
/// And for so long: what nobody has cleared up within a week more nobody will.
const DOUBT_MS_MAX: i64 = 8 * 86_400_000;

/// What was seen of the node at one moment.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) at: Instant,
    pub(crate) version: String,
    pub(crate) node: String,
    pub(crate) uptime: Duration,
    /// `None`: the store could not be read in time.
    pub(crate) counts: Option<Counts>,
    pub(crate) oldest: Option<Oldest>,
    pub(crate) kinds: Vec<KindView>,
    pub(crate) host: Host,
    pub(crate) store: StoreStats,
    /// By name and label.
    pub(crate) meters: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// By id.
    pub(crate) alarms: Vec<(String, String)>,
}

/// What the machine tells.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Host {
    pub(crate) wall: Moment,
    /// Since the machine began, its sleep included.
    pub(crate) steady_ms: u64,
    pub(crate) disk: Option<Disk>,
    pub(crate) rss_bytes: u64,
    /// What the allocator holds.
    pub(crate) heap: heap::Held,
    pub(crate) open_files: u64,
}

/// All search indexes together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Indexes {
    pub(crate) files: u64,
    pub(crate) passages: u64,
    /// Those that are looking at files now.
    pub(crate) scanning: u64,
    /// Of those, such that have not looked at everything since they were opened.
    pub(crate) made: u64,
}

/// Each name that actors count under.
const METERS: [&str; 7] = [
    meter::COMMITS_STALE,
    meter::ACTOR_RESTARTS,
    meter::MODEL_CALLS,
    meter::MODEL_FAILURES,
    meter::MODEL_INPUT_TOKENS,
    meter::MODEL_OUTPUT_TOKENS,
    meter::MODEL_MICRO_USD,
];

impl Sample {
    pub(crate) async fn take(config: &AdminConfig, system: &System) -> Self {
        system.alarm("store", (config.store)());
        let host = Host::look(&config.data, system.now());
        let doubts = Query::Oldest {
            doubts_from: host.wall.plus_ms(-DOUBT_MS_MAX),
            doubts_to: host.wall.plus_ms(-DOUBT_MS_MIN),
        };
        let (counts, oldest) = futures_util::join!(rows(system, Query::Counts), rows(system, doubts));
        Self {
            at: Instant::now(),
            version: config.version.clone(),
            node: system.node().to_owned(),
            uptime: system.uptime(),
            counts: counts.and_then(|rows| if let Rows::Counts(counts) = rows { Some(counts) } else { None }),
            oldest: oldest.and_then(|rows| if let Rows::Oldest(oldest) = rows { Some(oldest) } else { None }),
            kinds: system.kinds(),
            host,
            store: (config.stats)(),
            meters: METERS.into_iter().map(|name| (name, system.meters().of(name))).collect(),
            alarms: system.alarms_by_id(),
        }
    }
}

async fn rows(system: &System, query: Query) -> Option<Rows> {
    tokio::time::timeout(COUNT_MAX, system.store().query(query)).await.ok()?.ok()
}

impl Host {
    fn look(data: &str, wall: Moment) -> Self {
        let steady = clock_gettime(ClockId::Boottime);
        let steady_ms = steady.tv_sec.saturating_mul(1_000).saturating_add(steady.tv_nsec / 1_000_000);
        Self {
            wall,
            steady_ms: u64::try_from(steady_ms).unwrap_or_default(),
            disk: disk(data),
            rss_bytes: rss_bytes(),
            heap: heap::held(),
            open_files: std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64),
        }
    }
}

/// The room that this account may use.
fn disk(folder: &str) -> Option<Disk> {
    let found = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Some(Disk { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
}

impl Indexes {
    pub(crate) async fn take(system: &System) -> Self {
        let live = system.actors().into_iter().filter(|actor| actor.kind == Index::KIND).take(INDEXES_MAX);
        let asked = live.filter_map(|actor| Address::parse(&actor.address).ok()).map(|address| {
            let index = system.to::<Index>(&address);
            async move { index.ask(IndexMsg::Describe(None), DESCRIBE_MAX).await }
        });
        let mut all = Self::default();
        for described in futures_util::future::join_all(asked).await {
            let Ok(IndexReply::Described(view)) = described else { continue };
            all.files += view.files;
            all.passages += view.passages;
            all.scanning += u64::from(view.scanning.is_some());
            all.made += u64::from(view.scanning.is_some() && view.scans_of_all == 0);
        }
        all
    }
}
