//! A data folder on which a node has been.

use tests::process::{NodeProcess, Spec, program};

use crate::faults::world::World;

/// A node ran on it, answered three messages, and was stopped.
pub(super) async fn used() -> anyhow::Result<World> {
    let world = World::new()?;
    let node = NodeProcess::start(Spec::new(&program()?, &["serve"]), &world.data()).await?;
    world.chat("one\ntwo\nthree\n").await?.expect_code(0)?;
    node.stop().await?;
    Ok(world)
}
