//! `serve`: a node until it is told to stop.
//!
//! | signal | then |
//! |---|---|
//! | SIGTERM, SIGINT | it stops in good order; a second one ends it at once |
//! | SIGHUP | the configuration is read again; see [`super::reload`] |

use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::reload::Reload;
use crate::cli::Serve;
use crate::logging;
use crate::node::{self, Node, Settings};
use crate::notify::Notify;

/// What a shell adds to the number of the signal that ended a program.
const ENDED_BY_SIGNAL: i32 = 128;

pub(super) async fn run(args: Serve) -> anyhow::Result<ExitCode> {
    let config = node::load(&args.place)?;
    let set_level = logging::start(&config.log);
    let settings = Settings::new(&config, &args.place, None)?;
    let data = settings.data.clone();
    // Before the start: a signal that comes during it is heard after it.
    let mut signals = Signals::new()?;
    let notify = Notify::from_env();
    let node = Node::start(settings).await?;
    tracing::info!(node = node.system.node(), data = %data.display(), ready_ms = node.system.uptime().as_millis(), "ready");
    notify.say("READY=1");
    let mut reload = Reload::new(args.place, config, set_level);
    let why = loop {
        tokio::select! {
            heard = signals.next() => match heard {
                Heard::End(_) => break None,
                Heard::Reload => reload.again(&node, &notify),
            },
            () = beat(&node, &notify) => {}
            why = node.system.ended() => break Some(why),
        }
    };
    tracing::info!("stopping");
    notify.say("STOPPING=1");
    tokio::select! {
        stopped = node.stop() => stopped?,
        number = signals.end() => {
            logging::say("ended at once; what was under way is found again at the next start");
            std::process::exit(ENDED_BY_SIGNAL + number);
        }
    }
    match why {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => Err(anyhow::anyhow!("the node gave up: {why}")),
    }
}

/// A signal that was heard.
enum Heard {
    /// By its number.
    End(i32),
    Reload,
}

/// The signals that are heard.
struct Signals {
    term: Signal,
    int: Signal,
    reload: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let [term, int, reload] = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        Ok(Self { term: term?, int: int?, reload: reload? })
    }

    async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.term.recv() => Heard::End(SignalKind::terminate().as_raw_value()),
            _ = self.int.recv() => Heard::End(SignalKind::interrupt().as_raw_value()),
            _ = self.reload.recv() => Heard::Reload,
        }
    }

    /// Waits until the end is asked for: by which signal.
    async fn end(&mut self) -> i32 {
        loop {
            if let Heard::End(number) = self.next().await {
                return number;
            }
        }
    }
}

/// Tells the service manager, when its time has come, that the node lives; not, when it does not.
async fn beat(node: &Node, notify: &Notify) {
    let Some(every) = notify.beat() else { return std::future::pending().await };
    tokio::time::sleep(every).await;
    if node.is_alive().await {
        notify.say("WATCHDOG=1");
    } else {
        tracing::error!("the node does not answer itself; the service manager is not told that it lives");
    }
}
