use messages::Slug;
use messages::cluster::{
    HOLDS_MAX, Holds, Incarnation, NodeFacts, Place, Renew, Role, Roles, TABLE_ENTRIES_MAX, ToHub, ToNode, UNITS_MAX,
    Unit, UnitClass, Version,
};
use proptest::prelude::*;

use super::*;
use crate::rendezvous::rank;
use crate::timers::{GRACE_MS, LIFE_MS, SETTLE_MS, STEADY_MS, WRITE_AGAIN_MS, YIELD_MS};

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn unit(text: &str) -> Unit {
    Unit::parse(text).unwrap()
}

fn start(number: u64) -> Incarnation {
    Incarnation::parse(&format!("{number:016x}")).unwrap()
}

fn facts(node: &str, number: u64) -> NodeFacts {
    NodeFacts {
        node: slug(node),
        incarnation: start(number),
        roles: Roles::ALL,
        holds: Holds::All,
        units_max: u32::MAX,
    }
}

/// A hub at a time, and the nodes that are linked to it.
struct Kit {
    hub: Hub,
    now: u64,
    seq: u64,
    links: u64,
    nodes: BTreeMap<Slug, (LinkId, NodeFacts, bool)>,
    /// The store answers by itself.
    writes: bool,
    said: Vec<Action>,
}

impl Kit {
    fn new(rows: Vec<(Unit, Row)>, units: &[&str]) -> Self {
        Self::begun(Start { reign: 1, rows, units: units.iter().map(|text| unit(text)).collect(), restored: false })
    }

    fn begun(start: Start) -> Self {
        let hub = Hub::start(start, Monotonic(1_000));
        let nodes = BTreeMap::new();
        let mut kit = Self { hub, now: 1_000, seq: 0, links: 0, nodes, writes: true, said: Vec::new() };
        kit.tell(Event::Tick);
        kit
    }

    /// Two nodes, settled and steady.
    fn two(units: &[&str]) -> Self {
        let mut kit = Self::new(Vec::new(), units);
        kit.up(facts("a", 1));
        kit.up(facts("b", 1));
        kit.pass(SETTLE_MS + STEADY_MS);
        kit
    }

    fn tell(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let done = self.hub.decide(event, Monotonic(self.now));
            for action in &done {
                if let Action::Write { unit, after, .. } = action
                    && self.writes
                {
                    events.push(Event::Written { unit: unit.clone(), epoch: after + 1 });
                }
                if let Action::Send { node, message: ToNode::Yield { unit, epoch }, link } = action
                    && self.nodes.get(node).is_some_and(|(_, _, yields)| *yields)
                {
                    let message = ToHub::Released { unit: unit.clone(), epoch: *epoch };
                    events.push(Event::Heard { node: node.clone(), link: *link, message });
                }
            }
            self.said.extend(done);
        }
    }

    fn up(&mut self, facts: NodeFacts) {
        self.links += 1;
        let link = LinkId(self.links);
        self.nodes.insert(facts.node.clone(), (link, facts.clone(), true));
        let node = facts.node.clone();
        self.tell(Event::Up { link, facts });
        self.renew(&node, false);
    }

    fn down(&mut self, node: &str) {
        let (link, ..) = self.nodes.remove(&slug(node)).unwrap();
        self.tell(Event::Down { node: slug(node), link });
    }

    /// It is there and says nothing more.
    fn silent(&mut self, node: &str) {
        self.nodes.remove(&slug(node));
    }

    fn stubborn(&mut self, node: &str) {
        self.nodes.get_mut(&slug(node)).unwrap().2 = false;
    }

    fn renew(&mut self, node: &Slug, drain: bool) {
        self.seq += 1;
        let (link, facts, _) = self.nodes[node].clone();
        let (seq, heard, table) = (self.seq, self.seq - 1, self.hub.version());
        let renew = Renew { node: node.clone(), incarnation: facts.incarnation, seq, heard, drain, table, has: vec![] };
        self.tell(Event::Heard { node: node.clone(), link, message: ToHub::Renew(renew) });
    }

    fn say(&mut self, node: &str, message: ToHub) {
        let link = self.nodes[&slug(node)].0;
        self.tell(Event::Heard { node: slug(node), link, message });
    }

    /// Time passes; the hub is called when it wants to be, and nodes renew each second.
    fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.now < end {
            let due = self.hub.due().0.max(self.now + 1);
            let second = (self.now / 1_000 + 1) * 1_000;
            self.now = due.min(second).min(end);
            if self.now == second {
                let nodes: Vec<Slug> = self.nodes.keys().cloned().collect();
                nodes.iter().for_each(|node| self.renew(node, false));
            }
            self.tell(Event::Tick);
        }
    }

    fn holder(&self, text: &str) -> Option<(String, u64)> {
        let placed = self.placed(text);
        placed.holder.map(|by| (by.node.to_string(), placed.epoch))
    }

    fn placed(&self, text: &str) -> Placement {
        self.hub.explain(&unit(text), Monotonic(self.now)).unwrap()
    }

    fn why(&self, text: &str) -> String {
        self.placed(text).why.to_string()
    }

    fn writes_of(&self, text: &str) -> usize {
        let of = |action: &&Action| matches!(action, Action::Write { unit: of, .. } if of == &unit(text));
        self.said.iter().filter(of).count()
    }
}

fn first_of<'a>(nodes: &[&'a str], of: &str) -> &'a str {
    let names: Vec<Slug> = nodes.iter().map(|node| slug(node)).collect();
    let first = rank(names.iter(), &unit(of)).remove(0);
    nodes.iter().find(|node| **node == first.as_str()).unwrap()
}

fn held(node: &str, number: u64, epoch: u64) -> Row {
    Row { by: Holder { node: slug(node), incarnation: start(number) }, epoch }
}

#[test]
fn a_node_by_itself_is_given_everything_at_once() {
    let mut kit = Kit::new(Vec::new(), &["ws/home", "connector/console"]);
    assert_eq!(
        kit.why("ws/home"),
        "it waits for a host: the hub has just started or stood still, and moves nothing for 3 s"
    );
    kit.up(facts("a", 1));
    assert_eq!(kit.holder("ws/home"), Some(("a".into(), 1)));
    assert_eq!(kit.holder("connector/console"), Some(("a".into(), 1)));
    assert_eq!(kit.now, 1_000);
}

#[test]
fn a_node_that_begins_anew_has_its_units_back_at_once_also_from_a_hub_that_just_started() {
    let rows = vec![(unit("ws/home"), held("a", 1, 7)), (unit("connector/c"), held("a", 1, 3))];
    let mut kit = Kit::new(rows, &["ws/home", "connector/c"]);
    kit.up(facts("b", 5));
    assert_eq!(kit.holder("ws/home"), Some(("a".into(), 7)), "nothing moves to another before the hub has settled");
    kit.up(facts("a", 2));
    assert_eq!(kit.holder("ws/home"), Some(("a".into(), 8)));
    assert_eq!(kit.holder("connector/c"), Some(("a".into(), 4)));
}

#[test]
fn a_node_that_comes_back_as_it_was_keeps_its_epochs() {
    let rows = vec![(unit("ws/home"), held("a", 1, 7)), (unit("connector/c"), held("a", 1, 3))];
    let mut kit = Kit::new(rows, &["ws/home", "connector/c"]);
    kit.up(facts("a", 1));
    kit.pass(10_000);
    assert_eq!(kit.holder("ws/home"), Some(("a".into(), 7)));
    assert_eq!(kit.holder("connector/c"), Some(("a".into(), 3)));
}

#[test]
fn after_a_start_of_the_hub_fenced_units_wait_three_seconds_and_exclusive_ones_a_lease() {
    let rows = vec![(unit("ws/home"), held("gone", 1, 7)), (unit("connector/c"), held("gone", 1, 3))];
    let mut kit = Kit::new(rows, &["ws/home", "connector/c"]);
    kit.up(facts("a", 1));
    kit.pass(SETTLE_MS - 1);
    assert_eq!(kit.holder("ws/home"), Some(("gone".into(), 7)));
    kit.pass(1);
    assert_eq!(kit.holder("ws/home"), Some(("a".into(), 8)));
    kit.pass(5_100 - SETTLE_MS - 1);
    assert_eq!(kit.holder("connector/c"), Some(("gone".into(), 3)));
    kit.pass(1);
    assert_eq!(kit.holder("connector/c"), Some(("a".into(), 4)));
}

#[test]
fn after_a_restore_no_exclusive_unit_is_given_to_anyone_for_a_whole_lease() {
    let units = vec![unit("connector/c"), unit("ws/home")];
    let mut kit = Kit::begun(Start { reign: 2, rows: vec![], units, restored: true });
    kit.up(facts("a", 1));
    assert!(kit.holder("ws/home").is_some());
    kit.pass(5_099);
    assert_eq!(kit.holder("connector/c"), None);
    assert!(kit.why("connector/c").contains("restored"));
    kit.pass(1);
    assert_eq!(kit.holder("connector/c"), Some(("a".into(), 1)));
}

#[test]
fn at_the_end_of_a_link_fenced_units_move_after_the_grace_and_exclusive_ones_at_the_end_of_the_lease() {
    let (ws, bot) = (["ws/w0", "ws/w1", "ws/w2", "ws/w3"], ["mailbox/m0", "mailbox/m1", "mailbox/m2", "mailbox/m3"]);
    let mut kit = Kit::two(&[ws, bot].concat());
    let on_a = |text: &&&str| first_of(&["a", "b"], text) == "a";
    let (ws, bot) = (*ws.iter().find(on_a).unwrap(), *bot.iter().find(on_a).unwrap());
    kit.down("a");
    let renewed = kit.now;
    kit.pass(GRACE_MS - 1);
    assert_eq!(kit.holder(ws).unwrap().0, "a");
    kit.pass(1);
    assert_eq!(kit.holder(ws), Some(("b".into(), 2)));
    kit.pass(renewed + 5_100 - kit.now - 1);
    assert_eq!(kit.holder(bot).unwrap().0, "a");
    assert!(kit.why(bot).contains("until its lease ends"), "{}", kit.why(bot));
    kit.pass(1);
    assert_eq!(kit.holder(bot), Some(("b".into(), 2)));
}

#[test]
fn a_link_that_is_dialled_again_within_the_grace_moves_nothing() {
    let mut kit = Kit::two(&["ws/w0", "ws/w1", "ws/w2"]);
    let writes: usize = ["ws/w0", "ws/w1", "ws/w2"].iter().map(|text| kit.writes_of(text)).sum();
    kit.down("a");
    kit.pass(GRACE_MS - 1);
    kit.up(facts("a", 1));
    kit.pass(10_000);
    assert_eq!(["ws/w0", "ws/w1", "ws/w2"].iter().map(|text| kit.writes_of(text)).sum::<usize>(), writes);
}

#[test]
fn what_no_other_may_have_stays_with_a_lost_node_and_goes_on_under_its_epoch() {
    let mut kit = Kit::new(Vec::new(), &["ws/home", "connector/c"]);
    kit.up(facts("a", 1));
    kit.pass(4_000);
    kit.down("a");
    kit.pass(20_000);
    assert_eq!(kit.why("ws/home"), "it waits for a node that may have it: a (away for 20 s)");
    kit.up(facts("a", 1));
    assert_eq!(kit.holder("ws/home"), Some(("a".into(), 1)));
    assert_eq!(kit.holder("connector/c"), Some(("a".into(), 1)));
}

#[test]
fn at_a_goodbye_all_moves_at_once() {
    let units = ["ws/w0", "ws/w1", "ws/w2", "connector/c0", "connector/c1", "connector/c2"];
    let mut kit = Kit::two(&units);
    let at = kit.now;
    kit.say("a", ToHub::Goodbye);
    assert!(units.iter().all(|text| kit.holder(text).unwrap().0 == "b") && kit.now == at);
}

#[test]
fn a_unit_is_handed_over_step_by_step_and_nobody_is_told_before_it_is_written() {
    let mut kit = Kit::new(Vec::new(), &["ws/w0"]);
    let (first, other) = if first_of(&["a", "b"], "ws/w0") == "a" { ("a", "b") } else { ("b", "a") };
    kit.up(facts(other, 1));
    kit.pass(SETTLE_MS);
    kit.up(facts(first, 1));
    kit.stubborn(other);
    kit.pass(STEADY_MS - 1);
    assert_eq!(kit.why("ws/w0"), format!("it stays: {first} would be better and has not been up for 3 s"));
    kit.said.clear();
    kit.writes = false;
    kit.pass(1);
    let asked = |action: &Action| matches!(action, Action::Send { message: ToNode::Yield { epoch: 1, .. }, .. });
    assert!(kit.said.iter().any(asked));
    assert_eq!(kit.why("ws/w0"), "its node is giving it back to a better one");
    kit.said.clear();
    kit.say(other, ToHub::Released { unit: unit("ws/w0"), epoch: 1 });
    let to = Holder { node: slug(first), incarnation: start(1) };
    assert_eq!(kit.said, [Action::Write { unit: unit("ws/w0"), to, after: 1 }]);
    assert_eq!(kit.why("ws/w0"), format!("it is being given to {first}"));
    kit.said.clear();
    kit.tell(Event::Written { unit: unit("ws/w0"), epoch: 2 });
    let words: Vec<&str> = kit
        .said
        .iter()
        .map(|action| match action {
            Action::Send { node, message: ToNode::Assign { epoch: 2, .. }, .. } if node.as_str() == first => "assign",
            Action::Send { message: ToNode::Table(table), .. } => match &table.entries[..] {
                [(_, Place::Held { node, epoch: 2 })] if node.as_str() == first => "table",
                _ => "another table",
            },
            _ => "something else",
        })
        .collect();
    assert_eq!(words, ["assign", "table", "table"]);
    assert_eq!(kit.why("ws/w0"), "it is the first choice of 2 nodes");
}

#[test]
fn who_does_not_give_back_loses_a_fenced_unit_after_two_seconds_and_an_exclusive_one_never() {
    for (text, class) in [("ws/w0", UnitClass::Fenced), ("connector/c0", UnitClass::Exclusive)] {
        let mut kit = Kit::new(Vec::new(), &[text]);
        kit.up(facts("a", 1));
        kit.pass(SETTLE_MS);
        kit.stubborn("a");
        kit.up(facts("b", 1));
        kit.renew(&slug("a"), true);
        kit.said.clear();
        // It renews without drain by itself; what it was asked for stays asked.
        kit.pass(YIELD_MS - 1);
        assert_eq!(kit.holder(text).unwrap().0, "a");
        let asked = |action: &&Action| matches!(action, Action::Send { message: ToNode::Yield { .. }, .. });
        assert!(kit.said.iter().filter(asked).count() >= 1, "it is asked again with each renewal");
        kit.pass(8_000);
        let epoch = kit.holder(text).map_or(0, |(_, epoch)| epoch);
        assert_eq!(epoch > 1, class == UnitClass::Fenced, "{text}: {:?}", kit.placed(text));
    }
}

#[test]
fn a_release_of_an_earlier_epoch_or_by_another_node_frees_nothing() {
    let rows = vec![(unit("connector/c"), held("a", 1, 7))];
    let mut kit = Kit::new(rows, &["connector/c"]);
    kit.up(facts("a", 1));
    kit.up(facts("b", 1));
    for (node, epoch) in [("a", 6), ("a", 8), ("b", 7)] {
        kit.say(node, ToHub::Released { unit: unit("connector/c"), epoch });
        assert_eq!(kit.holder("connector/c"), Some(("a".into(), 7)), "{node} {epoch}");
    }
}

#[test]
fn a_drain_takes_all_units_and_says_how_far_it_is() {
    let units = ["ws/w0", "ws/w1", "ws/w2", "ws/w3", "connector/c0"];
    let mut kit = Kit::two(&units);
    kit.stubborn("a");
    let on_a = units.iter().filter(|text| kit.holder(text).unwrap().0 == "a").count();
    let on_a = u32::try_from(on_a).unwrap();
    kit.renew(&slug("a"), true);
    assert_eq!(kit.hub.progress(&slug("a")), Some(Progress { of: on_a, left: on_a }));
    let one = units.into_iter().find(|text| kit.holder(text).unwrap().0 == "a").unwrap();
    assert_eq!(kit.why(one), "its node drains and is giving it back");
    kit.say("a", ToHub::Released { unit: unit(one), epoch: 1 });
    assert_eq!(kit.hub.progress(&slug("a")), Some(Progress { of: on_a, left: on_a - 1 }));
    assert_eq!(kit.holder(one).unwrap().0, "b");
}

#[test]
fn a_drain_of_the_only_host_gives_back_what_then_waits_visibly() {
    let mut kit = Kit::new(Vec::new(), &["ws/home"]);
    kit.up(facts("a", 1));
    kit.pass(SETTLE_MS);
    kit.renew(&slug("a"), true);
    assert_eq!(kit.why("ws/home"), "it waits for a host: every node that may have it drains");
}

#[test]
fn a_write_that_fails_is_tried_again_and_one_that_is_refused_is_read() {
    let mut kit = Kit::new(Vec::new(), &["ws/home"]);
    kit.writes = false;
    kit.up(facts("a", 1));
    kit.tell(Event::NotWritten(unit("ws/home")));
    assert!(kit.why("ws/home").contains("could not take the write"));
    kit.pass(WRITE_AGAIN_MS - 1);
    assert_eq!(kit.writes_of("ws/home"), 1);
    kit.pass(1);
    assert_eq!(kit.writes_of("ws/home"), 2);
    kit.tell(Event::Refused(unit("ws/home")));
    assert_eq!(kit.said.last(), Some(&Action::Read(unit("ws/home"))));
    // It had been written after all, or by someone else: the row is believed.
    kit.tell(Event::Read { unit: unit("ws/home"), row: Some(held("a", 1, 9)) });
    assert_eq!(kit.holder("ws/home"), Some(("a".into(), 9)));
}

#[test]
fn who_left_before_it_was_written_never_held_it() {
    let mut kit = Kit::new(Vec::new(), &["connector/c"]);
    kit.writes = false;
    kit.up(facts("a", 1));
    kit.down("a");
    kit.tell(Event::Written { unit: unit("connector/c"), epoch: 1 });
    assert_eq!(kit.placed("connector/c").holder, None);
    kit.writes = true;
    kit.pass(SETTLE_MS);
    kit.up(facts("b", 1));
    assert_eq!(kit.holder("connector/c"), Some(("b".into(), 2)));
}

#[test]
fn a_hub_that_stood_still_forgives_its_peers_first() {
    let mut kit = Kit::two(&["ws/w0", "ws/w1", "ws/w2", "connector/c0", "connector/c1"]);
    let before = kit.said.len();
    kit.now += 60_000;
    kit.tell(Event::Tick);
    assert_eq!(kit.said.len(), before, "nothing moves");
    kit.pass(10_000);
    let moved = |action: &&Action| matches!(action, Action::Write { .. });
    assert_eq!(kit.said[before..].iter().filter(moved).count(), 0, "they all renew");
}

#[test]
fn a_silent_node_is_given_nothing_and_loses_all_at_the_end_of_its_lease() {
    let mut kit = Kit::two(&["ws/w0", "ws/w1", "ws/w2", "ws/w3", "ws/w4"]);
    let on_a =
        ["ws/w0", "ws/w1", "ws/w2", "ws/w3", "ws/w4"].into_iter().find(|u| first_of(&["a", "b"], u) == "a").unwrap();
    kit.silent("a");
    let last = kit.now;
    kit.pass(2_501);
    let new = (0..50).map(|n| format!("ws/n{n}")).find(|text| first_of(&["a", "b"], text) == "a").unwrap();
    kit.tell(Event::Added(unit(&new)));
    assert_eq!(kit.holder(&new).unwrap().0, "b", "the first choice is silent");
    kit.pass(last + 5_100 - kit.now - 1);
    assert_eq!(kit.holder(on_a).unwrap().0, "a");
    kit.pass(1);
    assert_eq!(kit.holder(on_a).unwrap().0, "b");
}

#[test]
fn a_node_that_does_not_hear_is_granted_no_lease() {
    let mut kit = Kit::new(Vec::new(), &["ws/home"]);
    kit.up(facts("a", 1));
    let heard = kit.seq;
    let (link, ..) = kit.nodes[&slug("a")].clone();
    let granted = |kit: &mut Kit, seq| {
        let (node, table) = (slug("a"), kit.hub.version());
        let renew = Renew { node: node.clone(), incarnation: start(1), seq, heard, drain: false, table, has: vec![] };
        kit.said.clear();
        kit.tell(Event::Heard { node, link, message: ToHub::Renew(renew) });
        kit.said.iter().find_map(|action| match action {
            Action::Send { message: ToNode::Renewed(renewed), .. } => Some(renewed.ttl_ms),
            _ => None,
        })
    };
    for (after, ttl) in [(1_000, LIFE_MS), (1_000, LIFE_MS), (1_000, 0), (1_000, 0)] {
        kit.now += after;
        let seq = kit.now;
        assert_eq!(granted(&mut kit, seq), Some(ttl), "at {}", kit.now);
    }
}

#[test]
fn who_never_hears_loses_its_units_however_often_it_says_by_the_same_link_what_it_is() {
    let all = ["ws/w0", "ws/w1", "ws/w2", "ws/w3", "ws/w4"];
    let mut kit = Kit::two(&all);
    let on_a = all.into_iter().find(|of| first_of(&["a", "b"], of) == "a").unwrap();
    let (link, facts, _) = kit.nodes[&slug("a")].clone();
    let heard = kit.seq;
    kit.silent("a");
    for second in 1..=12 {
        kit.pass(1_000);
        if second % 3 == 0 {
            kit.tell(Event::Up { link, facts: facts.clone() });
        }
        kit.seq += 1;
        let (node, seq, table) = (slug("a"), kit.seq, kit.hub.version());
        let renew = Renew { node: node.clone(), incarnation: start(1), seq, heard, drain: false, table, has: vec![] };
        kit.tell(Event::Heard { node, link, message: ToHub::Renew(renew) });
    }
    assert_eq!(kit.holder(on_a).unwrap().0, "b");
    // By another link it may well hear.
    kit.up(facts);
    kit.pass(STEADY_MS + YIELD_MS);
    assert_eq!(kit.holder(on_a).unwrap().0, "a");
}

#[test]
fn an_older_start_is_refused_while_the_newer_lives_and_a_newer_one_cuts_the_older() {
    let mut kit = Kit::new(Vec::new(), &["ws/home"]);
    kit.up(facts("a", 2));
    kit.tell(Event::Up { link: LinkId(90), facts: facts("a", 1) });
    let cut = |kit: &Kit, link| matches!(kit.said.iter().rev().find(|a| matches!(a, Action::Cut { .. })), Some(Action::Cut { link: of, .. }) if *of == link);
    assert!(cut(&kit, LinkId(90)));
    assert_eq!(kit.holder("ws/home"), Some(("a".into(), 1)));
    kit.up(facts("a", 3));
    assert!(cut(&kit, LinkId(1)));
    assert_eq!(kit.holder("ws/home"), Some(("a".into(), 2)), "nobody else is there, and the old start is dead");
}

#[test]
fn a_start_with_a_clock_that_was_set_back_is_let_in_and_what_looks_newer_waits_its_lease() {
    // The row of `ws/old` is of an earlier start of the same node that looks newer.
    let rows = vec![(unit("connector/old"), held("a", 9, 1)), (unit("connector/c"), held("a", 4, 5))];
    let mut kit = Kit::new(rows, &["connector/old", "connector/c"]);
    kit.up(facts("a", 4));
    assert_eq!(kit.holder("connector/c"), Some(("a".into(), 5)), "it goes on");
    kit.pass(5_099);
    assert_eq!(kit.holder("connector/old"), Some(("a".into(), 1)));
    kit.pass(1);
    assert_eq!(kit.holder("connector/old"), Some(("a".into(), 2)));
}

#[test]
fn a_node_is_not_given_more_than_it_takes() {
    let mut kit = Kit::new(Vec::new(), &["ws/w0", "ws/w1", "ws/w2"]);
    kit.up(NodeFacts { units_max: 2, ..facts("a", 1) });
    let waiting: Vec<&str> =
        ["ws/w0", "ws/w1", "ws/w2"].into_iter().filter(|text| kit.holder(text).is_none()).collect();
    assert_eq!(waiting.len(), 1);
    kit.pass(SETTLE_MS);
    assert_eq!(kit.why(waiting[0]), "it waits for a host: every node that may have it is full");
    let held = ["ws/w0", "ws/w1", "ws/w2"].into_iter().find(|text| *text != waiting[0]).unwrap();
    kit.tell(Event::Removed(unit(held)));
    kit.pass(1);
    assert_eq!(kit.holder(waiting[0]).unwrap().0, "a", "there is room again");
    assert_eq!(kit.why(held), "it waits for a host: it is not configured");
}

#[test]
fn files_and_roles_decide_who_may_have_a_unit_and_the_reason_is_said() {
    let mut kit = Kit::new(Vec::new(), &["ws/x", "ws/y", "connector/c"]);
    let worker = Roles::of(&[Role::Worker]);
    kit.up(NodeFacts { roles: worker, holds: Holds::These(vec![slug("x")]), ..facts("a", 1) });
    kit.pass(SETTLE_MS);
    assert_eq!(kit.why("ws/x"), "no other node may have it");
    assert_eq!(kit.why("ws/y"), "it waits for a host: no node that is there has its files");
    assert_eq!(kit.why("connector/c"), "it waits for a host: no node with the role connector is there");
}

#[test]
fn a_node_brings_as_many_new_workspaces_as_it_may_hold_and_no_more_however_it_names_them_and_it_is_told_once() {
    let mut kit = Kit::new(Vec::new(), &["ws/mine"]);
    let names = |from: usize, count: usize| (from..from + count).map(|n| slug(&format!("w{n}"))).collect::<Vec<_>>();
    let mut bring = |node: &str, workspaces: Vec<Slug>| {
        let units: Vec<Unit> = workspaces.iter().map(Unit::workspace).collect();
        kit.up(NodeFacts { holds: Holds::These(workspaces), units_max: 1, ..facts(node, 1) });
        kit.said.clear();
        units.into_iter().for_each(|unit| kit.tell(Event::Added(unit)));
        let full = |action| if let Action::Full { node, why } = action { Some((node, why)) } else { None };
        let told: Vec<_> = std::mem::take(&mut kit.said).into_iter().filter_map(full).collect();
        (kit.hub.units.len(), told)
    };
    assert_eq!(bring("a", names(0, HOLDS_MAX)), (1 + HOLDS_MAX, Vec::new()));
    let (units, told) = bring("a", names(HOLDS_MAX, 2));
    let [(node, why)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((units, node), (1 + HOLDS_MAX, &Some(slug("a"))));
    assert!(why.contains("`a` has named 4096 workspaces") && why.contains("ws/w4096 is nobody's"), "{why}");
    assert_eq!(bring("a", names(HOLDS_MAX + 2, 3)), (1 + HOLDS_MAX, Vec::new()), "told before");
    // What is known is no new one, and another node has its own room.
    assert_eq!(bring("a", names(0, 3)), (1 + HOLDS_MAX, Vec::new()));
    assert_eq!(bring("b", names(HOLDS_MAX, 2)), (3 + HOLDS_MAX, Vec::new()));
}

#[test]
fn a_hub_that_knows_as_many_units_as_there_may_be_says_so_once_and_goes_on_with_those() {
    let units: Vec<Unit> = (0..UNITS_MAX).map(|n| unit(&format!("ws/w{n}"))).collect();
    let mut kit = Kit::begun(Start { reign: 1, rows: vec![], units, restored: false });
    let full = |action: &&Action| matches!(action, Action::Full { node: None, .. });
    assert_eq!(kit.said.iter().filter(full).count(), 0);
    kit.tell(Event::Added(unit("ws/more")));
    kit.tell(Event::Added(unit("ws/more-2")));
    assert_eq!(kit.said.iter().filter(full).count(), 1);
    assert!(kit.hub.explain(&unit("ws/more"), Monotonic(kit.now)).is_none());
    assert!(kit.hub.explain(&unit("ws/w0"), Monotonic(kit.now)).is_some());
}

#[test]
fn a_table_of_many_thousand_units_goes_in_parts_and_changes_fit_too() {
    let units: Vec<Unit> = (0..2 * TABLE_ENTRIES_MAX + 1).map(|n| unit(&format!("ws/w{n}"))).collect();
    let mut kit = Kit::begun(Start { reign: 1, rows: vec![], units: units.clone(), restored: false });
    kit.writes = false;
    kit.up(facts("a", 1));
    let mut table = crate::table::Table::new();
    let mut parts = 0;
    for action in std::mem::take(&mut kit.said) {
        if let Action::Send { message: ToNode::Table(message), .. } = action {
            assert!(message.entries.len() <= TABLE_ENTRIES_MAX);
            parts += 1;
            table.apply(message);
        }
    }
    assert_eq!((parts, table.version()), (3, kit.hub.version()));
    assert_eq!(table.places().count(), units.len());
}

#[test]
fn a_router_that_missed_something_is_sent_the_whole_table() {
    let mut kit = Kit::two(&["ws/w0"]);
    let (link, ..) = kit.nodes[&slug("a")].clone();
    kit.said.clear();
    let table = Version { hub: 0, number: 0 };
    let (node, seq) = (slug("a"), kit.seq + 1);
    let renew =
        Renew { node: node.clone(), incarnation: start(1), seq, heard: seq - 1, drain: false, table, has: vec![] };
    kit.tell(Event::Heard { node, link, message: ToHub::Renew(renew) });
    let whole =
        |action: &Action| matches!(action, Action::Send { message: ToNode::Table(table), .. } if table.since.is_none());
    assert!(kit.said.iter().any(whole));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn only_the_units_of_a_node_that_leaves_move_and_one_that_joins_draws_only_its_own(
        count in 2..6_usize, leaves in 0..6_usize, salt in 0..1_000_u32,
    ) {
        let names: Vec<String> = (0..count).map(|n| format!("n{n}")).collect();
        let units: Vec<String> = (0..60).map(|n| format!("ws/s{salt}-{n}")).collect();
        let texts: Vec<&str> = units.iter().map(String::as_str).collect();
        let mut kit = Kit::new(Vec::new(), &texts);
        names.iter().for_each(|name| kit.up(facts(name, 1)));
        kit.pass(SETTLE_MS + STEADY_MS);
        let at = |kit: &Kit| -> Vec<(String, u64)> { texts.iter().map(|text| kit.holder(text).unwrap()).collect() };
        let before = at(&kit);
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        for (text, (node, _)) in texts.iter().zip(&before) {
            prop_assert_eq!(node.as_str(), first_of(&all, text));
        }
        let leaver = &names[leaves % count];
        kit.say(leaver, ToHub::Goodbye);
        kit.silent(leaver);
        kit.pass(1_000);
        let without = at(&kit);
        for (was, is) in before.iter().zip(&without) {
            prop_assert_eq!(was != is, &was.0 == leaver);
        }
        kit.up(facts(leaver, 2));
        kit.pass(STEADY_MS + 1_000);
        for ((was, is), then) in before.iter().zip(&at(&kit)).zip(&without) {
            prop_assert_eq!(&was.0, &is.0);
            prop_assert_eq!(is != then, &is.0 == leaver);
        }
    }
}

#[test]
fn a_workspace_whose_files_no_living_node_has_names_the_nodes_that_it_waits_for() {
    let with_files = |node: &str, number, of: &[&str]| NodeFacts {
        holds: Holds::These(of.iter().map(|id| slug(id)).collect()),
        ..facts(node, number)
    };
    let mut kit = Kit::new(Vec::new(), &["ws/a", "ws/b"]);
    kit.up(with_files("one", 1, &["a"]));
    kit.up(with_files("two", 1, &["a", "b"]));
    kit.pass(SETTLE_MS + STEADY_MS);
    assert_eq!(kit.hub.waiting(Monotonic(kit.now)), []);
    kit.down("two");
    kit.pass(60_000);
    let waiting = kit.hub.waiting(Monotonic(kit.now));
    assert_eq!(waiting.iter().map(|(unit, _)| unit.to_string()).collect::<Vec<_>>(), ["ws/b"]);
    assert_eq!(kit.why("ws/b"), "it waits for a node that may have it: two (away for 60 s)");
    assert_eq!(kit.holder("ws/a").unwrap().0, "one");
    kit.down("one");
    kit.pass(9_000);
    assert_eq!(kit.why("ws/a"), "it waits for a node that may have it: one (away for 9 s) or two (away for 69 s)");
    // It comes back without them.
    kit.up(with_files("two", 2, &["a"]));
    kit.pass(1_000);
    assert!(kit.why("ws/b").contains("no node that is there has its files"), "{}", kit.why("ws/b"));
}

#[test]
fn a_hub_that_has_just_begun_names_the_last_holder_as_the_node_that_is_waited_for() {
    let by = Holder { node: slug("gone"), incarnation: start(1) };
    let mut kit = Kit::new(vec![(unit("ws/home"), Row { by, epoch: 3 })], &["ws/home"]);
    kit.pass(20_000);
    assert_eq!(kit.why("ws/home"), "it waits for a node that may have it: gone (away for 20 s)");
}
