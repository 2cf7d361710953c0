//! The links of a cluster whose hub all others dial, by whichever of the two ways the machine allows.

use anyhow::Context as _;

use super::{Network, Proxies, Way, refused};
use crate::cluster::NodePlan;

/// How the nodes of a cluster reach their hub.
#[derive(Debug)]
pub enum Wires {
    /// Each node is a host with an address of its own.
    Namespaces(Network),
    /// All nodes are processes of this host; why they are no hosts of their own.
    Proxies(Proxies, String),
}

impl Wires {
    /// Lays wires for these nodes and changes their plans accordingly. Namespaces where they can be had.
    ///
    /// # Errors
    /// When neither can be had.
    pub async fn lay(plans: &mut [NodePlan]) -> anyhow::Result<Self> {
        match refused() {
            None => Ok(Self::Namespaces(hosts(plans)?)),
            Some(why) => Ok(Self::Proxies(proxies(plans).await?, why)),
        }
    }

    /// The address of the hub is known once the cluster is laid.
    pub fn towards(&self, hub: &str) {
        if let Self::Proxies(proxies, _) = self {
            proxies.towards(hub);
        }
    }

    /// Cuts a node from its hub: what it says, what it would hear, or both.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn cut(&self, hub: &str, node: &str, to_hub: bool, from_hub: bool) -> anyhow::Result<()> {
        let way = |cut| if cut { Way::CUT } else { Way::default() };
        match self {
            Self::Namespaces(network) => {
                network.set(node, hub, way(to_hub))?;
                network.set(hub, node, way(from_hub))
            }
            Self::Proxies(proxies, _) => proxies.cut(node, to_hub, from_hub),
        }
    }
}

/// Makes each node of the plans a host.
///
/// # Errors
/// When the system does not let us.
pub fn hosts(plans: &mut [NodePlan]) -> anyhow::Result<Network> {
    let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
    let network = Network::start(&names)?;
    for plan in plans {
        plan.host = network.address(&plan.name)?.to_string();
        plan.through = network.through(&plan.name)?;
    }
    Ok(network)
}

async fn proxies(plans: &mut [NodePlan]) -> anyhow::Result<Proxies> {
    let names: Vec<&str> = plans.iter().filter(|plan| !plan.is_hub()).map(|plan| plan.name.as_str()).collect();
    let proxies = Proxies::start(&names).await.context("proxies")?;
    for plan in plans.iter_mut().filter(|plan| !plan.is_hub()) {
        plan.dials = Some(proxies.address(&plan.name)?.to_string());
    }
    Ok(proxies)
}
