//! Resident memory of nodes: of the three, and of two more that join and are given nothing.

use std::time::Duration;

use serde_json::{Map, Value};

use super::super::child;
use super::nodes::{CONNECTOR, HUB, Nodes, WORKER};
use super::rss;

/// After its link is up. Within three seconds of its start no unit of another node goes to it.
const REST: Duration = Duration::from_secs(1);

pub(super) fn of(nodes: &Nodes<'_>) -> anyhow::Result<Value> {
    let all = [HUB, CONNECTOR, WORKER].map(|name| Ok((name.to_owned(), rss(nodes.process(name)?))));
    all.into_iter().collect::<anyhow::Result<Map<_, _>>>().map(Value::Object)
}

/// Of nodes that join now, from nothing, under names that begin so: it must not depend on what others have.
pub(super) async fn of_peers(nodes: &Nodes<'_>, names: &str) -> anyhow::Result<Value> {
    let mut all = Map::new();
    for role in [CONNECTOR, WORKER] {
        let name = format!("{names}-{role}");
        let peer = child::serve(&nodes.add(&name, role)?)?;
        nodes.is_linked(&name).await?;
        tokio::time::sleep(REST).await;
        all.insert(role.to_owned(), rss(&peer));
        peer.stop().await?;
    }
    Ok(all.into())
}
