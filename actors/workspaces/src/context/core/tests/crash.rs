//! Whatever happens in whatever order, and wherever the process ends in between: each event has one outcome in the end.

use messages::store::{InboundKind, OutboxState};
use messages::turn::Outcome;
use proptest::prelude::*;

use super::super::Event;
use super::files::Hand;
use super::sim::Sim;

#[derive(Debug, Clone)]
enum Op {
    Say { user: usize, text: usize },
    Stop(usize),
    Edit { user: usize, about: usize, text: usize },
    Delete { user: usize, about: usize },
    Mark { about: usize, by_age: bool },
    Burst(usize),
    Wake,
    Finish { failed: bool },
    Late(usize),
    Deliver(OutboxState),
    Clock(i64),
    Pass(i64),
    Disk(bool),
    Fuse(u32),
    Crash,
    Hand { how: Hand, at: usize },
    Tear { at: usize, zeros: bool },
    Stale,
}

const USERS: [&str; 4] = ["ann", "bob", "eve", "spam"];
const TEXTS: [&str; 8] = ["hello", "/help", "/new", "/status", "/search plan", "/nonsense", "/stop", "/whoami"];

fn op() -> impl Strategy<Value = Op> {
    let user = 0..USERS.len();
    let how =
        prop_oneof![4 => Just(OutboxState::Sent), 1 => Just(OutboxState::Failed), 1 => Just(OutboxState::InDoubt)];
    let clock = prop_oneof![Just(-90_000_000_i64), Just(-5_000), Just(70_000), Just(90_000_000)];
    prop_oneof![
        6 => (user.clone(), 0..TEXTS.len() * 2).prop_map(|(user, text)| Op::Say { user, text }),
        2 => user.clone().prop_map(Op::Stop),
        4 => (user.clone(), 0..8_usize, 0..TEXTS.len() * 2).prop_map(|(user, about, text)| Op::Edit { user, about, text }),
        4 => (user, 0..8_usize).prop_map(|(user, about)| Op::Delete { user, about }),
        2 => (0..8_usize, any::<bool>()).prop_map(|(about, by_age)| Op::Mark { about, by_age }),
        1 => (30..45_usize).prop_map(Op::Burst),
        4 => Just(Op::Wake),
        5 => any::<bool>().prop_map(|failed| Op::Finish { failed }),
        1 => (1..20_usize).prop_map(Op::Late),
        6 => how.prop_map(Op::Deliver),
        1 => clock.prop_map(Op::Clock),
        2 => (0..20_000_i64).prop_map(Op::Pass),
        1 => any::<bool>().prop_map(Op::Disk),
        3 => (0..40_u32).prop_map(Op::Fuse),
        2 => Just(Op::Crash),
        1 => (prop_oneof![Just(Hand::Over), Just(Hand::Into)], any::<usize>()).prop_map(|(how, at)| Op::Hand { how, at }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(at, zeros)| Op::Tear { at, zeros }),
        1 => Just(Op::Stale),
    ]
}

/// The words of an event: each its own, so that they can be looked for.
fn words(sim: &Sim, text: usize) -> String {
    TEXTS.get(text).map_or_else(|| format!("words-{}.", sim.model.inbox.len() + 1), |text| (*text).to_owned())
}

/// The `back`-th event from the end.
fn about(sim: &Sim, back: usize) -> Option<i64> {
    let seq = i64::try_from(sim.model.inbox.len().checked_sub(back)?).ok()?;
    (seq > 0).then_some(seq)
}

fn act(sim: &mut Sim, op: &Op) {
    match op {
        Op::Say { user, text } => {
            let text = words(sim, *text);
            sim.put(USERS[*user], InboundKind::Message, &text, None);
        }
        Op::Stop(user) => drop(sim.put(USERS[*user], InboundKind::Stop, "/stop", None)),
        Op::Edit { user, about: back, text } => {
            let (target, text) = (about(sim, *back), words(sim, *text));
            sim.put(USERS[*user], InboundKind::Edit, &text, target);
        }
        Op::Delete { user, about: back } => {
            let target = about(sim, *back);
            sim.put(USERS[*user], InboundKind::Delete, "", target);
        }
        Op::Mark { about: back, by_age } => {
            let marked = about(sim, *back).filter(|seq| sim.model.may_be_marked(*seq, *by_age));
            sim.model.marks.extend(marked.map(|seq| (seq, *by_age)));
        }
        Op::Burst(many) => {
            for _ in 0..*many {
                let text = words(sim, TEXTS.len());
                sim.put("ann", InboundKind::Message, &text, None);
            }
        }
        Op::Wake => sim.wake(),
        Op::Finish { failed } => sim.finish(*failed),
        Op::Late(seq) => sim.late_result(i64::try_from(*seq).unwrap()),
        Op::Deliver(how) => drop(sim.deliver(*how)),
        Op::Clock(ms) => sim.now = sim.now.plus_ms(*ms),
        Op::Pass(ms) => sim.pass(*ms),
        Op::Disk(fails) => sim.disk.fails = *fails,
        Op::Fuse(points) => sim.fuse = Some(*points),
        Op::Crash => sim.crash(),
        Op::Hand { how, at } => sim.edit_by_hand(*how, *at),
        Op::Tear { at, zeros } => sim.tear(*at, *zeros),
        Op::Stale => {
            let stale = sim.model.work(9);
            sim.wake();
            sim.may_be_refused = true;
            sim.hear(Event::Work(Box::new(stale)));
            sim.may_be_refused = false;
        }
    }
}

fn assert_policy(sim: &Sim, notes: bool) {
    for row in &sim.model.inbox {
        let said = row.kind == InboundKind::Message && !row.redacted;
        match row.user.as_str() {
            "spam" if said => assert_eq!(row.outcome, Some(Outcome::Ignored), "{row:?}"),
            "eve" if said => {
                let by_delivery = [Outcome::Denied, Outcome::Failed, Outcome::InDoubt].map(Some);
                assert!(by_delivery.contains(&row.outcome), "{row:?}");
            }
            "ann" if said && notes && row.text.starts_with("words-") => {
                assert_eq!(row.outcome, Some(Outcome::Noted), "{row:?}");
            }
            _ => {}
        }
        if row.user == "spam" {
            assert!(sim.model.replies_to(row.seq).is_empty(), "nobody reacts to who is ignored");
        }
    }
}

/// Messages are answered in the order in which they came.
fn assert_order(sim: &Sim) {
    let answered: Vec<i64> = sim
        .model
        .outbox
        .iter()
        .filter(|reply| matches!(reply.outcome, Some(Outcome::Replied)))
        .map(|reply| reply.seq)
        .filter(|seq| sim.model.row(*seq).kind == InboundKind::Message)
        .filter(|seq| sim.model.row(*seq).turn.as_ref().is_some_and(|turn| turn.action != "/stop"))
        .collect();
    assert!(answered.is_sorted(), "answers in the order {answered:?}");
}

fn assert_erased(sim: &Sim) {
    assert!(sim.model.marks.is_empty(), "what is marked is erased");
    let words = sim.all_words();
    for row in sim.model.inbox.iter().filter(|row| row.kind == InboundKind::Message && row.redacted) {
        assert!(row.text.is_empty() && row.salt == [0; 16]);
        let said = format!("words-{}.", row.seq);
        assert!(!words.contains(&said), "{said} is still there");
        assert!(!words.contains(&format!("answer to {}\n", row.seq)));
    }
}

/// Each case is a hundred events; `PROPTEST_CASES` asks for more of them.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / 2, max_shrink_iters: 4_000, failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_event_has_one_outcome_whatever_happens_and_wherever_it_ends(
        ops in proptest::collection::vec(op(), 1..90),
        restart in any::<bool>(),
        notes in any::<bool>(),
    ) {
        let edits = if restart { "restart" } else { "follow" };
        let answers = if notes { "never" } else { "always" };
        let mut sim = Sim::new(&format!(
            "edits: {edits}\nanswers: {answers}\nmembers: [ann, bob]\nignore: [spam]\nlimits: {{wait_seconds: 60}}"
        ));
        for op in &ops {
            act(&mut sim, op);
        }
        sim.drain();
        sim.assert_promises();
        assert_policy(&sim, notes);
        assert_order(&sim);
        assert_erased(&sim);
        let rows = |sim: &Sim| format!("{:?} {:?} {:?}", sim.model.inbox, sim.model.outbox, sim.model.logs);
        let before = rows(&sim);
        sim.crash();
        sim.drain();
        prop_assert_eq!(before, rows(&sim), "opening again changes nothing");
    }
}

/// The way of a few events, ended at each of its points in turn.
#[test]
fn a_turn_that_ends_at_any_point_goes_on_to_the_same_end() {
    for edits in ["follow", "restart"] {
        for fuse in 0..160 {
            let mut sim = Sim::new(&format!("edits: {edits}"));
            sim.fuse = Some(fuse);
            let first = sim.say("ann", "words-1.");
            let second = sim.say("ann", "words-2.");
            let third = sim.say("ann", "words-3.");
            sim.control("ann", InboundKind::Edit, "words-4.", Some(first));
            sim.control("ann", InboundKind::Delete, "", Some(second));
            sim.finish(false);
            sim.deliver(OutboxState::Sent);
            sim.control("ann", InboundKind::Stop, "/stop", None);
            sim.drain();
            sim.assert_promises();
            assert_eq!(sim.model.outcome(second), Some(Outcome::Cancelled), "fuse {fuse}");
            assert!(!sim.all_words().contains("words-2."), "fuse {fuse}");
            assert!(sim.model.outcome(third).is_some());
        }
    }
}
