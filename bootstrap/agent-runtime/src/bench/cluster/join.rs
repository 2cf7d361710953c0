//! From the start of a worker's process to its knowing that a workspace is its own.

use std::time::Duration;

use super::super::numbers::now;
use super::nodes::{Nodes, WORKER};

/// Starts that are measured.
const STARTS: usize = 9;

pub(super) async fn measure(nodes: &mut Nodes<'_>) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        nodes.end(WORKER).await?;
        let begin = now();
        nodes.begin(WORKER)?;
        nodes.holds(WORKER, "ws/home").await?;
        took.push(begin.elapsed());
    }
    Ok(took)
}
