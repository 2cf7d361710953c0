//! An account is one connector's at a time, whatever becomes of its holder: by what both have logged. No fence stops what is
//! written to a socket, so it must have let go before the other is given it.

use std::time::Instant;

use tests::cluster::{NodePlan, three};
use tests::network::Way;

use super::cuts::on_hosts;
use super::world::{CONNECTOR, HUB, SOON, World, logged_at};
use crate::faults::driver::Driver;

const OTHER: &str = "connector-2";
const ACCOUNT: &str = "connector/console";
/// What a node says when it begins to use a unit, and when it stops.
const BEGINS: [&str; 2] = ["holds it unit=", "the lease was renewed unit="];
const ENDS: [&str; 3] =
    ["the lease has ended; nothing is written until it is renewed unit=", "given back unit=", "holds it no more unit="];

/// How often the account goes and comes again while its connector is asked.
const ROUNDS: usize = 10;
/// The end of a use that goes on.
const STILL: i64 = i64::MAX;

/// Who holds the account as the hub has it, once somebody does who is not `before`.
async fn holder(world: &World, before: Option<&str>) -> &'static str {
    loop {
        let units = world.told("placement --json", HUB).await;
        let account = units.as_array().unwrap().iter().find(|of| of["unit"] == ACCOUNT).cloned().unwrap_or_default();
        let names = [CONNECTOR, OTHER];
        let holder = names.into_iter().find(|name| account["node"] == **name && before != Some(*name));
        if let Some(holder) = holder {
            return holder;
        }
        assert!(!world.all_said().contains("panicked"), "{}", world.all_said());
    }
}

/// From when to when a node has used the account, in milliseconds by the times of its log. That a lease has ended is logged a
/// moment later, on a busy machine a long one; since when nothing is sent stands in the line.
fn uses(world: &World, name: &str) -> Vec<(i64, i64)> {
    let (mut uses, mut since) = (Vec::new(), None);
    for line in world.said(name).lines() {
        let ago_ms = line.rsplit_once(" ago_ms=").map_or(0, |(_, ms)| ms.trim().parse().unwrap());
        let time = || logged_at(line).unwrap_or_default() - ago_ms;
        let is = |words: &[&str]| words.iter().any(|word| line.contains(&format!("{word}{ACCOUNT}")));
        if is(&BEGINS) {
            since.get_or_insert_with(time);
        } else if is(&ENDS)
            && let Some(since) = since.take()
        {
            uses.push((since, time()));
        }
    }
    // Still.
    uses.extend(since.map(|since| (since, STILL)));
    uses
}

/// Whose console answers: this one's, or since that one may have given the account back to who had it before, the other's.
async fn answers(world: &World, first: &'static str) -> &'static str {
    let (until, mut at) = (Instant::now() + SOON, first);
    while let Err(error) = Driver::attach(&world.data(at)).await {
        assert!(Instant::now() < until, "the console does not answer: {error:#}\n{}", world.all_said());
        at = holder(world, None).await;
    }
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_never_used_by_two_connectors_at_once_whatever_is_cut() {
    let mut plans = three();
    plans.push(NodePlan::new(OTHER, &["connector"]));
    let Some((mut world, network)) = on_hosts(plans).await else { return };
    world.cluster.spawn_all().unwrap();
    for name in [HUB, CONNECTOR, OTHER] {
        assert!(world.node(name).ready().await.unwrap().is_none(), "{}", world.all_said());
    }
    let mut at = holder(&world, None).await;
    for (to_hub, from_hub) in [(Way::CUT, Way::CUT), (Way::CUT, Way::default()), (Way::default(), Way::CUT)] {
        network.set(at, HUB, to_hub).unwrap();
        network.set(HUB, at, from_hub).unwrap();
        let next = holder(&world, Some(at)).await;
        network.heal();
        // It is there again, and has heard that it holds nothing.
        let lost = world.said(at).matches(ENDS[2]).count();
        world
            .until(|world| {
                world.said(at).matches(ENDS[2]).count() > lost || uses(world, at).iter().all(|(_, end)| *end != STILL)
            })
            .await;
        at = answers(&world, next).await;
    }
    world.run("drain", at).await;
    let next = holder(&world, Some(at)).await;
    answers(&world, next).await;
    let (one, other) = (uses(&world, CONNECTOR), uses(&world, OTHER));
    assert!(one.len() + other.len() >= 5, "{one:?} {other:?}");
    for a in &one {
        assert!(other.iter().all(|b| a.1 <= b.0 || b.1 <= a.0), "{a:?} and one of {other:?}\n{}", world.all_said());
    }
    // A connector without the account can be asked, and be told to take units again.
    let units = world.told("placement --json", at).await;
    assert!(units.to_string().contains(ACCOUNT), "{units}");
    world.run("drain --undo", at).await;
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_at_a_connector_whose_account_comes_and_goes_is_answered() {
    let world = World::running().await;
    let (over, mut hears) = tokio::sync::watch::channel(false);
    let comes_and_goes = async {
        for _ in 0..ROUNDS {
            world.run(&format!("drain {CONNECTOR}"), HUB).await;
            world.run(&format!("drain {CONNECTOR} --undo"), HUB).await;
            holder(&world, None).await;
        }
        over.send_replace(true);
    };
    let asks = async {
        let mut asked = 0;
        while !*hears.borrow_and_update() {
            world.told("nodes --json", CONNECTOR).await;
            asked += 1;
        }
        asked
    };
    let ((), asked) = tokio::join!(comes_and_goes, asks);
    assert!(asked >= ROUNDS, "{asked}");
}
