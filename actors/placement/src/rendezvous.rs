//! Which node a unit would rather be on: highest random weight, so that a node that leaves moves only its own units.

use std::cmp::Reverse;

use messages::Slug;
use messages::cluster::Unit;
use sha2::{Digest as _, Sha256};

/// The weight of a node for a unit: the first eight bytes, big endian, of SHA-256 over the node's name, a zero byte and
/// the unit's address. A name holds no zero byte, so no two pairs are the same text. This is for ever: another hash
/// would move nearly every unit of every cluster.
#[must_use]
pub fn weight(node: &Slug, unit: &Unit) -> u64 {
    let mut hash = Sha256::new();
    hash.update(node.as_str().as_bytes());
    hash.update([0]);
    hash.update(unit.address().as_str().as_bytes());
    hash.finalize().iter().take(8).fold(0, |weight, byte| (weight << 8) | u64::from(*byte))
}

/// These nodes, the one that the unit would rather be on first; equal weights by name.
#[must_use]
pub fn rank<'a>(nodes: impl Iterator<Item = &'a Slug>, unit: &Unit) -> Vec<Slug> {
    let mut ranked: Vec<(Reverse<u64>, &Slug)> = nodes.map(|node| (Reverse(weight(node, unit)), node)).collect();
    ranked.sort();
    ranked.into_iter().map(|(_, node)| node.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nodes(count: usize) -> Vec<Slug> {
        (0..count).map(|n| Slug::parse(&format!("node-{n}")).unwrap()).collect()
    }

    fn units(count: usize) -> Vec<Unit> {
        (0..count).map(|n| Unit::parse(&format!("ws/w{n}")).unwrap()).collect()
    }

    #[test]
    fn the_weights_are_these_for_ever() {
        let unit = Unit::parse("ws/home").unwrap();
        let weights: Vec<u64> = nodes(3).iter().map(|node| weight(node, &unit)).collect();
        assert_eq!(weights, WEIGHTS);
    }

    /// By hand: `printf 'node-0\0ws/home' | sha256sum | cut -c1-16`.
    const WEIGHTS: [u64; 3] = [0x3a0c_3cc6_0078_5db6, 0x770b_448e_fec1_192e, 0x92af_9f41_e0d5_aede];

    proptest! {
        #[test]
        fn only_the_units_of_a_node_that_leaves_move(count in 2..12_usize, leaves in 0..12_usize, unit in 0..1_000_usize) {
            let (all, unit) = (nodes(count), Unit::parse(&format!("mailbox/m{unit}")).unwrap());
            let gone = &all[leaves % count];
            let before = rank(all.iter(), &unit);
            let after = rank(all.iter().filter(|node| *node != gone), &unit);
            let left: Vec<Slug> = before.into_iter().filter(|node| node != gone).collect();
            prop_assert_eq!(left, after);
        }
    }

    #[test]
    fn a_node_that_joins_takes_about_its_share_and_nothing_else_moves() {
        let units = units(4_000);
        for count in 2..8 {
            let all = nodes(count);
            let first = |nodes: &[Slug], unit| rank(nodes.iter(), unit).into_iter().next().unwrap();
            let moved: Vec<Slug> = units
                .iter()
                .filter(|u| first(&all[..count - 1], u) != first(&all, u))
                .map(|u| first(&all, u))
                .collect();
            assert!(moved.iter().all(|to| to == &all[count - 1]), "only to the new one");
            let share = units.len() / count;
            assert!(moved.len().abs_diff(share) < share / 5, "{} of {share} with {count} nodes", moved.len());
        }
    }
}
