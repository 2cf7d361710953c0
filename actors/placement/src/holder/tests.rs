use messages::cluster::{Renewed, ToNode};

use super::*;

const NUMBER: u64 = 10;

fn unit(text: &str) -> Unit {
    Unit::parse(text).unwrap()
}

fn ver(number: u64) -> Version {
    Version { hub: 1, number }
}

struct Kit {
    holder: Holder,
    now: u64,
}

impl Kit {
    /// Linked, with a lease that was asked for at 0.
    fn new() -> Self {
        let holder =
            Holder::new(Slug::parse("a").unwrap(), Incarnation::parse("0000000000000001").unwrap(), Monotonic(0));
        let mut kit = Self { holder, now: 0 };
        kit.tell(Event::Up);
        kit.renewed(1, NUMBER, &[]);
        kit
    }

    fn tell(&mut self, event: Event) -> Vec<Action> {
        self.holder.decide(event, Version::default(), Monotonic(self.now))
    }

    fn renewed(&mut self, seq: u64, number: u64, units: &[(&str, u64)]) -> Vec<Action> {
        let units = units.iter().map(|(text, epoch)| (unit(text), *epoch)).collect();
        let renewed = Renewed { seq, ver: ver(number), ttl_ms: crate::timers::LIFE_MS, units };
        self.tell(Event::Heard(ToNode::Renewed(renewed)))
    }

    fn assign(&mut self, text: &str, epoch: u64, number: u64) -> Vec<Action> {
        self.tell(Event::Heard(ToNode::Assign { ver: ver(number), unit: unit(text), epoch }))
    }

    fn opened(&mut self, text: &str, epoch: u64, is_open: bool) -> Vec<Action> {
        self.tell(Event::Opened { unit: unit(text), epoch, is_open })
    }

    /// Given and open.
    fn has(&mut self, text: &str, epoch: u64, number: u64) {
        self.assign(text, epoch, number);
        self.opened(text, epoch, true);
    }

    fn give_back(&mut self, text: &str, epoch: u64) -> Vec<Action> {
        self.tell(Event::Heard(ToNode::Yield { unit: unit(text), epoch }))
    }

    fn may(&self, text: &str) -> Option<u64> {
        self.holder.may_commit(&unit(text), Monotonic(self.now))
    }
}

fn released(text: &str, epoch: u64) -> Action {
    Action::Send(ToHub::Released { unit: unit(text), epoch })
}

#[test]
fn a_lease_counts_from_when_the_renewal_was_sent_and_not_from_its_answer() {
    let mut kit = Kit::new();
    kit.has("ws/x", 1, 11);
    kit.now = 1_000;
    let said = kit.tell(Event::Tick);
    assert!(matches!(&said[..], [Action::Send(ToHub::Renew(renew))] if renew.seq == 2 && renew.heard == 1));
    kit.now = 3_000;
    kit.renewed(2, 11, &[("ws/x", 1)]);
    assert_eq!(kit.holder.hard_deadline(&unit("ws/x")), Some(Monotonic(6_000)));
    kit.now = 5_999;
    assert_eq!(kit.may("ws/x"), Some(1));
    kit.now = 6_000;
    assert_eq!(kit.may("ws/x"), None, "also before it was told that time has passed");
}

#[test]
fn a_lease_that_ends_suspends_and_a_renewal_with_the_same_epoch_resumes() {
    let mut kit = Kit::new();
    kit.has("ws/x", 1, 11);
    kit.now = 9_000;
    let said = kit.tell(Event::Tick);
    assert!(matches!(&said[0], Action::Suspend(of, Monotonic(0..9_000)) if *of == unit("ws/x")), "{said:?}");
    assert_eq!((kit.may("ws/x"), kit.holder.hard_deadline(&unit("ws/x"))), (None, None));
    assert!(matches!(&said[1], Action::Send(ToHub::Renew(renew)) if renew.has == [(unit("ws/x"), 1)]));
    assert_eq!(kit.renewed(2, 11, &[("ws/x", 1)]), [Action::Resume(unit("ws/x"))]);
    assert_eq!(kit.may("ws/x"), Some(1));
}

#[test]
fn who_wakes_with_an_old_lease_is_suspended_before_it_hears_anything() {
    let mut kit = Kit::new();
    kit.has("ws/x", 1, 11);
    kit.now = 60_000;
    let said = kit.assign("ws/y", 1, 12);
    assert!(matches!(&said[0], Action::Suspend(of, _) if *of == unit("ws/x")), "{said:?}");
    assert!(
        !said.contains(&Action::Open(unit("ws/y"), 1)),
        "without a lease nothing is opened; the next Renewed has it"
    );
    assert_eq!(
        kit.renewed(2, 12, &[("ws/y", 1)]),
        [Action::Close(unit("ws/x"), Closed::NotHeld), Action::Open(unit("ws/y"), 1)]
    );
}

#[test]
fn a_missing_unit_is_dropped_only_by_a_table_that_knows_of_it() {
    let mut kit = Kit::new();
    kit.has("ws/x", 1, 11);
    kit.now = 1_000;
    kit.tell(Event::Tick);
    assert_eq!(kit.renewed(2, 10, &[]), [], "it was said before the unit was ours");
    kit.now = 2_000;
    kit.tell(Event::Tick);
    assert_eq!(kit.renewed(3, 11, &[]), [Action::Close(unit("ws/x"), Closed::NotHeld)]);
}

#[test]
fn an_answer_that_comes_after_a_later_one_says_nothing() {
    let mut kit = Kit::new();
    for now in [1_000, 2_000] {
        kit.now = now;
        kit.tell(Event::Tick);
    }
    kit.renewed(3, 12, &[("ws/x", 4)]);
    kit.opened("ws/x", 4, true);
    assert_eq!(kit.renewed(2, 12, &[]), []);
    assert_eq!(kit.may("ws/x"), Some(4));
}

#[test]
fn an_epoch_that_is_not_above_the_highest_seen_is_ignored() {
    let mut kit = Kit::new();
    assert_eq!(kit.assign("ws/x", 5, 11), [Action::Open(unit("ws/x"), 5)]);
    assert_eq!(kit.assign("ws/x", 5, 11), []);
    assert_eq!(kit.assign("ws/x", 4, 11), []);
    let anew = [Action::Close(unit("ws/x"), Closed::NewerEpoch), Action::Open(unit("ws/x"), 6)];
    assert_eq!(kit.assign("ws/x", 6, 12), anew);
    kit.tell(Event::Fenced { unit: unit("ws/x"), epoch: 6 });
    assert_eq!(kit.assign("ws/x", 6, 12), [], "also when it is not held any more");
}

#[test]
fn a_commit_that_was_refused_closes_the_unit_of_that_epoch_alone() {
    let mut kit = Kit::new();
    kit.has("ws/x", 5, 11);
    assert_eq!(kit.tell(Event::Fenced { unit: unit("ws/x"), epoch: 4 }), []);
    let fenced = kit.tell(Event::Fenced { unit: unit("ws/x"), epoch: 5 });
    assert_eq!(fenced, [Action::Close(unit("ws/x"), Closed::Fenced)]);
}

#[test]
fn a_unit_is_given_back_when_its_work_is_done_and_may_commit_until_then() {
    let mut kit = Kit::new();
    kit.has("ws/x", 5, 11);
    assert_eq!(kit.give_back("ws/x", 5), [Action::Drain(unit("ws/x"), 5)]);
    assert_eq!(kit.give_back("ws/x", 5), [], "it is asked again with each renewal");
    assert_eq!(kit.may("ws/x"), Some(5));
    assert_eq!(kit.tell(Event::Finished { unit: unit("ws/x"), epoch: 5 }), [released("ws/x", 5)]);
    assert_eq!(kit.may("ws/x"), None);
    assert_eq!(kit.give_back("ws/x", 5), [released("ws/x", 5)], "the answer was lost: it is said again");
}

#[test]
fn what_is_asked_back_before_it_came_is_never_opened() {
    let mut kit = Kit::new();
    assert_eq!(kit.give_back("ws/x", 5), [released("ws/x", 5)]);
    assert_eq!(kit.assign("ws/x", 5, 11), []);
}

#[test]
fn a_lease_that_ends_while_it_finishes_closes_it() {
    let mut kit = Kit::new();
    kit.has("connector/c", 5, 11);
    kit.give_back("connector/c", 5);
    kit.now = 5_000;
    let said = kit.tell(Event::Tick);
    assert_eq!(said[..2], [Action::Close(unit("connector/c"), Closed::LeaseOver), released("connector/c", 5)]);
}

#[test]
fn a_hub_that_believes_what_is_not_so_is_told() {
    let mut kit = Kit::new();
    kit.has("ws/x", 5, 11);
    kit.tell(Event::Fenced { unit: unit("ws/x"), epoch: 5 });
    kit.now = 1_000;
    kit.tell(Event::Tick);
    assert_eq!(kit.renewed(2, 12, &[("ws/x", 5)]), [released("ws/x", 5)]);
}

#[test]
fn who_was_taken_for_deaf_says_at_once_that_it_hears() {
    let mut kit = Kit::new();
    kit.now = 1_000;
    kit.tell(Event::Tick);
    kit.now = 1_001;
    let renewed = Renewed { seq: 2, ver: ver(11), ttl_ms: 0, units: vec![] };
    let said = kit.tell(Event::Heard(ToNode::Renewed(renewed)));
    assert!(matches!(&said[..], [Action::Send(ToHub::Renew(renew))] if renew.seq == 3 && renew.heard == 2), "{said:?}");
}

#[test]
fn a_goodbye_is_said_when_all_is_closed_and_nothing_is_heard_after_it() {
    let mut kit = Kit::new();
    kit.has("ws/x", 5, 11);
    let said = kit.tell(Event::Goodbye);
    assert_eq!(said, [Action::Close(unit("ws/x"), Closed::Goodbye), Action::Send(ToHub::Goodbye)]);
    assert_eq!(kit.assign("ws/y", 1, 12), []);
    assert_eq!(kit.holder.due(), None);
}

#[test]
fn a_drain_is_said_at_once_and_is_over_when_nothing_is_held() {
    let mut kit = Kit::new();
    kit.has("ws/x", 5, 11);
    kit.now = 10;
    let said = kit.tell(Event::Drain(true));
    assert!(matches!(&said[..], [Action::Send(ToHub::Renew(renew))] if renew.drain));
    assert!(!kit.holder.is_drained());
    kit.give_back("ws/x", 5);
    kit.tell(Event::Finished { unit: unit("ws/x"), epoch: 5 });
    assert!(kit.holder.is_drained());
}

#[test]
fn it_asks_to_be_called_for_the_next_renewal_or_the_end_of_the_lease() {
    let mut kit = Kit::new();
    assert_eq!(kit.holder.due(), Some(Monotonic(1_000)));
    kit.has("ws/x", 5, 11);
    kit.tell(Event::Down);
    assert_eq!(kit.holder.due(), Some(Monotonic(5_000)));
    kit.now = 5_000;
    kit.tell(Event::Tick);
    assert_eq!(kit.holder.due(), None);
}

#[test]
fn a_unit_may_commit_when_it_was_opened_and_not_when_it_was_given() {
    let mut kit = Kit::new();
    assert_eq!(kit.assign("ws/x", 5, 11), [Action::Open(unit("ws/x"), 5)]);
    assert_eq!((kit.may("ws/x"), kit.holder.is_open(&unit("ws/x"))), (None, false));
    assert_eq!(kit.opened("ws/x", 4, true), [], "that was an earlier one");
    assert_eq!(kit.may("ws/x"), None);
    assert_eq!(kit.opened("ws/x", 5, true), [Action::Begin(unit("ws/x"), 5)]);
    assert_eq!((kit.may("ws/x"), kit.holder.is_open(&unit("ws/x"))), (Some(5), true));
}

#[test]
fn a_unit_that_can_not_be_opened_is_tried_again_and_nothing_is_committed_for_it_meanwhile() {
    let mut kit = Kit::new();
    kit.assign("ws/x", 5, 11);
    kit.now = 10;
    assert_eq!(kit.opened("ws/x", 5, false), []);
    assert_eq!((kit.may("ws/x"), kit.holder.due()), (None, Some(Monotonic(1_000))));
    kit.now = 1_010;
    let said = kit.tell(Event::Tick);
    assert_eq!(said[0], Action::Open(unit("ws/x"), 5));
    assert!(!kit.tell(Event::Tick).contains(&Action::Open(unit("ws/x"), 5)), "one try at a time");
    assert_eq!(kit.opened("ws/x", 5, true), [Action::Begin(unit("ws/x"), 5)]);
}

#[test]
fn what_is_asked_back_while_it_opens_is_closed_and_does_not_begin() {
    let mut kit = Kit::new();
    kit.assign("ws/x", 5, 11);
    assert_eq!(kit.give_back("ws/x", 5), [Action::Drain(unit("ws/x"), 5)]);
    assert_eq!(kit.opened("ws/x", 5, true), []);
    assert_eq!(kit.tell(Event::Finished { unit: unit("ws/x"), epoch: 5 }), [released("ws/x", 5)]);
}

#[test]
fn a_lease_that_ends_while_a_unit_opens_lets_it_begin_with_the_next() {
    let mut kit = Kit::new();
    kit.assign("ws/x", 5, 11);
    kit.now = 9_000;
    let said = kit.tell(Event::Tick);
    assert!(!said.iter().any(|action| matches!(action, Action::Suspend(..))), "nothing of it runs: {said:?}");
    assert_eq!(kit.opened("ws/x", 5, true), []);
    assert_eq!(kit.may("ws/x"), None);
    assert_eq!(kit.renewed(2, 11, &[("ws/x", 5)]), [Action::Resume(unit("ws/x"))]);
    assert_eq!(kit.may("ws/x"), Some(5));
}

#[test]
fn nothing_new_begins_of_a_unit_that_is_given_back() {
    let mut kit = Kit::new();
    kit.has("ws/x", 5, 11);
    let may_begin = |kit: &Kit| kit.holder.may_begin(&unit("ws/x"), Monotonic(kit.now));
    assert_eq!(may_begin(&kit), Some(5));
    kit.give_back("ws/x", 5);
    assert_eq!((may_begin(&kit), kit.may("ws/x")), (None, Some(5)), "what was begun is finished");
}
