//! What retention decides, on rows that change as the store changes them.

use messages::store::FORGET_ROWS_MAX;
use rstest::rstest;

use super::*;

const DAYS: i64 = 1_000 * DAY_MS;

/// Rows, what was written, and what is to be done next.
struct Sim {
    rows: RetentionRows,
    state: State,
    facts: RetentionFacts,
    now: Moment,
    wrote: Vec<Write>,
    todo: Vec<Effect>,
    answers: Vec<Reply>,
    /// Events past their time that are not marked, and cuts that may be made.
    past: Vec<i64>,
    cuts: Vec<AuditCut>,
    archive_fails: bool,
    clock_alarm: bool,
}

impl Sim {
    fn new(policy: Policy) -> Self {
        let row = RetentionRow { seen: Some(Moment(DAYS)), ..RetentionRow::default() };
        Self {
            rows: RetentionRows { row, ..RetentionRows::default() },
            state: State::default(),
            facts: RetentionFacts { policy, account: "console:op".into() },
            now: Moment(DAYS + 1),
            wrote: Vec::new(),
            todo: Vec::new(),
            answers: Vec::new(),
            past: Vec::new(),
            cuts: Vec::new(),
            archive_fails: false,
            clock_alarm: false,
        }
    }

    fn hear(&mut self, event: Event) {
        let address = messages::retention::address();
        let cx = Cx { now: self.now, seed: 1, address: &address, facts: &self.facts };
        let Decision { writes, then, answers, .. } = self.state.decide(event, &cx);
        writes.iter().for_each(|write| self.apply(write));
        self.wrote.extend(writes);
        self.todo.extend(then);
        self.answers.extend(answers.into_iter().map(|(_, reply)| reply));
    }

    fn apply(&mut self, write: &Write) {
        let Write::Retention(write) = write else { return };
        match write {
            RetentionWrite::Put(row) => self.rows.row = row.clone(),
            RetentionWrite::Mark { seqs, .. } => {
                assert!(seqs.len() <= MARKS_MAX as usize);
                self.past.retain(|seq| !seqs.contains(seq));
                self.rows.marked += seqs.len() as u64;
            }
            RetentionWrite::AuditCut { upto, .. } => self.cuts.retain(|cut| cut.upto != *upto),
            RetentionWrite::Forget { person, workspace, by, at } => self.rows.forgets.push(ForgetRow {
                id: 1,
                person: person.clone(),
                workspace: workspace.clone(),
                by: by.clone(),
                asked_at: *at,
                last: 3 * FORGET_ROWS_MAX,
                ..ForgetRow::default()
            }),
            RetentionWrite::ForgetNext { from, .. } => {
                let row = &mut self.rows.forgets[0];
                assert_eq!(row.next, *from);
                (row.next, row.events, row.left) = (from + FORGET_ROWS_MAX, row.events + 600, row.left + 600);
            }
            RetentionWrite::ForgetDone { id, .. } => {
                assert!(self.rows.forgets.iter().all(|row| row.id != *id || row.left == 0));
                self.rows.forgets.retain(|row| row.id != *id);
            }
            RetentionWrite::Expire { .. } => panic!("a context's"),
        }
    }

    /// Wakes it and does all that follows, without that contexts do anything.
    fn wake(&mut self) {
        self.hear(Event::Woken);
        for _ in 0..100 {
            if self.todo.is_empty() {
                return;
            }
            match self.todo.remove(0) {
                Effect::Look => self.look(),
                Effect::Archive(cut) => {
                    let file = if self.archive_fails { Err("no space".into()) } else { Ok("file".into()) };
                    self.hear(Event::Archived { cut, file });
                }
                Effect::Clean(Some(forget)) => self.hear(Event::Cleaned { forget, done: Ok(()) }),
                Effect::Clean(None) => {}
                other => panic!("{other:?}"),
            }
        }
        panic!("it never comes to rest");
    }

    fn look(&mut self) {
        let (mut rows, clock_alarm) = (self.rows.clone(), self.clock_alarm);
        rows.past = self.past.iter().take(MARKS_MAX as usize).copied().collect();
        rows.cut = self.cuts.first().cloned();
        self.hear(Event::Looked { rows: Box::new(rows), clock_alarm });
    }

    fn marked(&self) -> usize {
        let of = |write: &Write| match write {
            Write::Retention(RetentionWrite::Mark { seqs, .. }) => seqs.len(),
            _ => 0,
        };
        self.wrote.iter().map(of).sum()
    }

    fn records(&self, wanted: &str) -> usize {
        self.wrote.iter().filter(|write| matches!(write, Write::Audit { action, .. } if action == wanted)).count()
    }

    fn next(&self) -> i64 {
        let due = self.wrote.iter().rev().find_map(|write| match write {
            Write::TimerPut { due, .. } => Some(due.ms_since(self.now)),
            _ => None,
        });
        due.unwrap()
    }
}

fn policy(messages_days: Option<u32>, audit_days: Option<u32>) -> Policy {
    Policy { messages_days, audit_days, archive: true, memory: false }
}

#[test]
fn a_round_marks_by_pages_waits_for_the_contexts_and_is_over() {
    let mut sim = Sim::new(policy(Some(30), None));
    sim.past = (1..=5_000).collect();
    sim.wake();
    assert_eq!((sim.marked(), sim.rows.marked), (1_024, 1_024), "no more wait at a time");
    assert_eq!(sim.next(), 1_000);
    for _ in 0..10 {
        sim.rows.marked = 0;
        sim.now = sim.now.plus_ms(1_000);
        sim.wake();
    }
    assert_eq!((sim.marked(), sim.past.len(), sim.records("retention.ran")), (5_000, 0, 1));
    let row = &sim.rows.row;
    assert_eq!((row.marked, row.marked_ever, row.ended.is_some()), (5_000, 5_000, true));
    assert!((1_001..=LOOK_EVERY_MS).contains(&sim.next()), "there is no haste any more");
    sim.past = vec![5_001];
    for (ms, marked) in [(ROUND_EVERY_MS - 60_000, 5_000), (60_000, 5_001)] {
        sim.now = sim.now.plus_ms(ms);
        sim.wake();
        assert_eq!(sim.marked(), marked, "the next round begins a day after this one had begun");
    }
}

#[test]
fn a_round_that_erases_nothing_leaves_no_record() {
    let mut sim = Sim::new(policy(Some(30), Some(30)));
    sim.wake();
    assert_eq!((sim.records("retention.ran"), sim.rows.row.ended), (0, Some(sim.now)));
}

#[test]
fn without_a_policy_everything_is_kept() {
    let mut sim = Sim::new(Policy::default());
    (sim.past, sim.cuts) = (vec![1], vec![AuditCut { from: 1, upto: 5 }]);
    sim.wake();
    assert!(sim.wrote.iter().all(|write| matches!(write, Write::TimerPut { .. })), "{:?}", sim.wrote);
}

#[rstest]
#[case::far_forward(400 * DAY_MS, false)]
#[case::while_the_alarm_stands(1, true)]
fn by_a_date_that_is_in_doubt_nothing_is_erased(#[case] ms: i64, #[case] clock_alarm: bool) {
    let mut sim = Sim::new(policy(Some(30), Some(30)));
    (sim.past, sim.cuts, sim.clock_alarm) = (vec![1], vec![AuditCut { from: 1, upto: 5 }], clock_alarm);
    sim.now = sim.now.plus_ms(ms);
    sim.wake();
    assert_eq!((sim.marked(), sim.cuts.len(), sim.state.held.is_empty()), (0, 1, false));
    assert_eq!(sim.next(), LOOK_EVERY_MS);
}

#[test]
fn a_clock_that_is_set_back_erases_nothing_more_and_a_round_is_due_by_the_new_date() {
    let mut sim = Sim::new(policy(Some(30), None));
    sim.wake();
    sim.now = sim.now.plus_ms(-100 * DAY_MS);
    sim.wake();
    assert_eq!((sim.rows.row.seen, sim.rows.row.began), (Some(sim.now), Some(sim.now)));
}

#[test]
fn records_are_archived_before_they_are_cut() {
    let mut sim = Sim::new(policy(None, Some(30)));
    sim.cuts = vec![AuditCut { from: 1, upto: 5 }, AuditCut { from: 6, upto: 9 }];
    sim.archive_fails = true;
    sim.wake();
    assert_eq!(sim.cuts.len(), 2, "what can't be archived stays");
    sim.archive_fails = false;
    sim.wake();
    assert!(sim.cuts.is_empty());
    let named = |write: &&Write| matches!(write, Write::Retention(RetentionWrite::AuditCut { archive, .. }) if archive == "file");
    assert_eq!(sim.wrote.iter().filter(named).count(), 2);
}

#[test]
fn without_archives_records_are_cut_all_the_same() {
    let mut sim = Sim::new(Policy { archive: false, ..policy(None, Some(30)) });
    (sim.cuts, sim.archive_fails) = (vec![AuditCut { from: 1, upto: 5 }], true);
    sim.wake();
    assert!(sim.cuts.is_empty());
}

fn ask(by: &str, user: &str) -> Event {
    let person = Person { connector: "console".into(), user: user.into() };
    Event::Heard(Msg::Forget { person, workspace: None, by: by.into() }, AskId(1))
}

#[rstest]
#[case("console:bob", "ann")]
#[case("console:op", "")]
fn who_may_not_ask_and_who_is_nobody_is_refused(#[case] by: &str, #[case] user: &str) {
    let mut sim = Sim::new(Policy::default());
    sim.hear(ask(by, user));
    assert!(matches!(sim.answers[..], [Reply::Refused(_)]) && sim.wrote.is_empty());
}

#[test]
fn nobody_else_is_told_what_a_person_wrote() {
    let mut sim = Sim::new(Policy::default());
    let person = Person { connector: "console".into(), user: "ann".into() };
    let count = Msg::Count { person, workspace: None, after: 0, by: "console:bob".into() };
    sim.hear(Event::Heard(count, AskId(1)));
    assert!(matches!(sim.answers[..], [Reply::Refused(_)]) && sim.todo.is_empty());
}

#[test]
fn a_person_is_forgotten_page_by_page_and_one_record_says_so() {
    let mut sim = Sim::new(Policy::default());
    sim.hear(ask("console:op", "ann"));
    assert!(matches!(sim.todo[..], [Effect::FindForget(..), Effect::Look]));
    sim.todo.clear();
    sim.wake();
    assert_eq!(sim.rows.forgets[0].left, 1_200, "no more than that wait at a time");
    for _ in 0..3 {
        sim.rows.forgets[0].left = 0;
        sim.wake();
        if sim.rows.forgets.is_empty() {
            break;
        }
        assert_eq!(sim.records("person.forgotten"), 0, "not before all is erased");
    }
    assert!(sim.rows.forgets.is_empty());
    assert_eq!(sim.records("person.forgotten"), 1);
    let told = sim.wrote.iter().find_map(|write| match write {
        Write::Audit { principal, subject, detail, .. } => {
            Some((principal.as_str(), subject.as_str(), detail.as_str()))
        }
        _ => None,
    });
    assert_eq!(told, Some(("console:op", "console:ann", r#"{"events":1800,"workspace":null}"#)));
}

#[test]
fn as_long_as_an_old_copy_can_t_be_removed_a_person_is_not_forgotten() {
    let mut sim = Sim::new(Policy::default());
    let forget = ForgetRow { id: 1, next: 5, last: 5, ..ForgetRow::default() };
    sim.rows.forgets = vec![forget.clone()];
    sim.hear(Event::Cleaned { forget, done: Err("not permitted".into()) });
    assert!(sim.wrote.is_empty());
}
