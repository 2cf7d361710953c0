//! `serve`: a node until it is told to stop.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Serve;
use crate::logging;
use crate::node::{self, Node, Settings};

pub(super) async fn run(args: Serve) -> anyhow::Result<ExitCode> {
    let config = node::load(&args.place)?;
    logging::start(&config.log);
    let settings = Settings::new(&config, None)?;
    let data = settings.data.clone();
    let node = Node::start(settings).await?;
    tracing::info!(node = node.system.node(), data = %data.display(), ready_ms = node.system.uptime().as_millis(), "ready");
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let why = tokio::select! {
        _ = term.recv() => None,
        _ = int.recv() => None,
        why = node.system.ended() => Some(why),
    };
    tracing::info!("stopping");
    node.stop().await?;
    match why {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => Err(anyhow::anyhow!("the node gave up: {why}")),
    }
}
