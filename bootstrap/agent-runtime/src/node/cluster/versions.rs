//! For tests of nodes that speak other versions: what the node says that it speaks. It speaks as it does all the same.

use anyhow::Context as _;
use cluster::{VERSIONS, Versions};

/// `AGENT_RUNTIME_TEST_PROTOCOL=2-3`: the oldest and the newest version.
pub(super) fn from_env() -> anyhow::Result<Versions> {
    let Ok(said) = std::env::var("AGENT_RUNTIME_TEST_PROTOCOL") else { return Ok(VERSIONS) };
    let (min, max) = said.split_once('-').context("AGENT_RUNTIME_TEST_PROTOCOL is not like 2-3")?;
    Ok(Versions { min: min.parse()?, max: max.parse()? })
}
