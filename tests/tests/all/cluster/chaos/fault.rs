//! What becomes of a node, and how long nobody could take its place.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tests::network::Wires;

use super::super::world::{CONNECTOR, HUB, World};

/// Longer than a lease: what a node believed when it was frozen or cut off is not true any more.
const AWAY: Duration = Duration::from_secs(7);

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// `kill -9`, and started again.
    Killed,
    /// SIGSTOP for longer than its lease.
    Frozen,
    /// SIGTERM, and started again.
    Stopped,
    /// Its links pass nothing.
    Cut,
    /// What it says does not arrive.
    Unheard,
    /// What is said to it does not arrive.
    Deaf,
    /// It gives its units away, and takes some again.
    Drained,
}

/// A node by its part: which of the workers it is, is looked up when it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Hub,
    Connector,
    /// The worker that holds the workspace.
    Holder,
    /// The other one.
    Spare,
}

/// Each part with each fault that it can meet.
pub(super) fn all() -> Vec<(Part, Fault)> {
    use Fault::{Cut, Deaf, Drained, Frozen, Killed, Stopped, Unheard};
    let of = |part, faults: &[Fault]| faults.iter().map(|fault| (part, *fault)).collect::<Vec<_>>();
    [
        of(Part::Hub, &[Killed, Frozen, Stopped, Cut]),
        of(Part::Connector, &[Killed, Frozen, Stopped, Cut, Unheard, Deaf, Drained]),
        of(Part::Holder, &[Killed, Frozen, Stopped, Cut, Unheard, Deaf, Drained]),
        of(Part::Spare, &[Killed, Cut]),
    ]
    .concat()
}

impl Part {
    async fn name(self, world: &World) -> String {
        match self {
            Self::Hub => HUB.to_owned(),
            Self::Connector => CONNECTOR.to_owned(),
            Self::Holder => holder(world).await,
            Self::Spare => {
                let holder = holder(world).await;
                let workers = world.cluster.plans().iter().filter(|plan| plan.roles.contains(&"worker"));
                workers.map(|plan| plan.name.clone()).find(|name| *name != holder).unwrap()
            }
        }
    }

    /// Nobody takes its place: what was said is answered when it is back.
    fn is_the_only_one(self) -> bool {
        matches!(self, Self::Hub | Self::Connector)
    }
}

/// Who holds the workspace, once somebody does.
async fn holder(world: &World) -> String {
    loop {
        let units = world.told("placement --json", HUB).await;
        let home = units.as_array().unwrap().iter().find(|of| of["unit"] == "ws/home");
        if let Some(node) = home.and_then(|home| home["node"].as_str()) {
            return node.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Has it happen, and gives how long the node was away and nobody could take its place.
pub(super) async fn happen(world: &mut World, wires: &Wires, part: Part, fault: Fault) -> Duration {
    let name = part.name(world).await;
    let begun = Instant::now();
    match fault {
        Fault::Killed => {
            world.kill(&name);
            world.spawn(&name);
        }
        Fault::Stopped => {
            world.stop(&name).await;
            world.spawn(&name);
        }
        Fault::Frozen => {
            world.node(&name).signal(Signal::STOP).unwrap();
            tokio::time::sleep(AWAY).await;
            world.node(&name).signal(Signal::CONT).unwrap();
        }
        Fault::Cut => cut(world, wires, &name, (true, true)).await,
        Fault::Unheard => cut(world, wires, &name, (true, false)).await,
        Fault::Deaf => cut(world, wires, &name, (false, true)).await,
        Fault::Drained => {
            world.run("drain", &name).await;
            world.run("drain --undo", &name).await;
        }
    }
    if part.is_the_only_one() { begun.elapsed() } else { Duration::ZERO }
}

/// Cuts a node from its hub for a while, the hub from all.
async fn cut(world: &World, wires: &Wires, name: &str, (to_hub, from_hub): (bool, bool)) {
    let others = world.cluster.plans().iter().filter(|plan| !plan.is_hub());
    let names: Vec<&str> = others.map(|plan| plan.name.as_str()).filter(|of| name == HUB || *of == name).collect();
    let set = |to_hub, from_hub| names.iter().try_for_each(|of| wires.cut(HUB, of, to_hub, from_hub)).unwrap();
    set(to_hub, from_hub);
    tokio::time::sleep(AWAY).await;
    set(false, false);
}
