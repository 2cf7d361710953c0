//! The other nodes of the cluster, as the running node knows them.

use messages::membership::NodeView;

use crate::doctor::facts::Facts;
use crate::doctor::{Finding, Verdict};

pub(crate) fn nodes(facts: &Facts) -> Verdict {
    if facts.status().is_none() {
        return Verdict::Skipped(facts.no_node());
    }
    let Some(view) = &facts.cluster else { return Verdict::Good("this node stands alone".to_owned()) };
    let (out, linked): (Vec<&NodeView>, Vec<&NodeView>) =
        view.nodes.iter().filter(|node| node.node != view.node).partition(|node| !node.why.is_empty());
    let findings = out.into_iter().map(|node| {
        let what = format!("there is no link with `{}` ({}): {}", node.node, node.at, node.why);
        let why = "nothing that it holds is reached, and nothing goes to it; it is tried again all the while";
        Finding::wrong(what, why, format!("mend that; then `{}` shows the link", facts.command("nodes")))
    });
    let names: Vec<&str> = linked.iter().map(|node| node.node.as_str()).collect();
    let good = if names.is_empty() {
        "no other node is there now".to_owned()
    } else {
        format!("linked with {}", names.join(", "))
    };
    Verdict::of(findings.collect(), good)
}

#[cfg(test)]
mod tests {
    use messages::membership::ClusterView;

    use super::*;
    use crate::doctor::facts::NodeFacts;

    fn facts(nodes: &[(&str, &str)]) -> Facts {
        let view = |(node, why): &(&str, &str)| NodeView {
            node: (*node).into(),
            roles: "worker".into(),
            at: "10.0.0.7".into(),
            why: (*why).into(),
            ..NodeView::default()
        };
        let cluster = ClusterView { node: "hub".into(), nodes: nodes.iter().map(view).collect(), units: Vec::new() };
        let serves = NodeFacts::Serves(Box::default());
        Facts { node: serves, cluster: Some(cluster), ..Facts::default() }
    }

    #[test]
    fn a_node_without_a_link_is_named_with_the_reason_and_one_that_is_linked_is_well() {
        let verdict = nodes(&facts(&[("hub", ""), ("worker", "versions do not meet"), ("desk", "")]));
        let Verdict::Found(findings) = &verdict else { panic!("{verdict:?}") };
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].what, "there is no link with `worker` (10.0.0.7): versions do not meet");
        assert_eq!(nodes(&facts(&[("hub", ""), ("desk", "")])), Verdict::Good("linked with desk".into()));
        assert_eq!(nodes(&facts(&[("hub", "")])), Verdict::Good("no other node is there now".into()));
    }

    #[test]
    fn a_node_that_stands_alone_is_well() {
        let alone = Facts { cluster: None, ..facts(&[]) };
        assert_eq!(nodes(&alone), Verdict::Good("this node stands alone".into()));
        assert!(matches!(nodes(&Facts::default()), Verdict::Skipped(_)));
    }
}
