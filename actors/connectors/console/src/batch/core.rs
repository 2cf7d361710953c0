//! What a batch tells and how it ends: no I/O.

use std::collections::HashMap;

use messages::InboundId;
use messages::store::TaskView;
use messages::task::TaskState;
use messages::turn::Outcome;
use serde::Serialize;

use crate::escape;
use crate::wire::Reply;

/// How a batch ended, and with which code the program exits. When several hold, the one that stands first here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 7: who read standard output is gone. What could not be given to it is not acknowledged.
    OutputClosed,
    /// 6: the node was lost, and events have no outcome that is known here.
    LostConnection,
    /// 4: at least one event is in doubt, or a task waits for a person.
    SomeInDoubt,
    /// 3: at least one event failed, expired or was denied, or a task that was waited for did not succeed.
    SomeFailed,
    /// 5: at least one line was not accepted; all others ended well.
    NotAccepted,
    /// 0: every line has its outcome: replied, noted, ignored, or cancelled by a person.
    AllReplied,
}

impl ExitStatus {
    /// The program's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::AllReplied => 0,
            Self::SomeFailed => 3,
            Self::SomeInDoubt => 4,
            Self::NotAccepted => 5,
            Self::LostConnection => 6,
            Self::OutputClosed => 7,
        }
    }
}

#[derive(Debug)]
struct Sent {
    line: u64,
    acknowledged: bool,
}

/// The lines without an outcome, and how the others ended.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: HashMap<InboundId, Sent>,
    not_accepted: u64,
    failed: u64,
    in_doubt: u64,
}

impl Tally {
    pub(crate) fn submitted(&mut self, inbound: InboundId, line: u64) {
        self.sent.insert(inbound, Sent { line, acknowledged: false });
    }

    /// The line of an event that is acknowledged for the first time.
    pub(crate) fn accepted(&mut self, inbound: &InboundId) -> Option<u64> {
        let sent = self.sent.get_mut(inbound)?;
        (!std::mem::replace(&mut sent.acknowledged, true)).then_some(sent.line)
    }

    /// A line was not accepted: one that was not sent, or the event by this id.
    pub(crate) fn not_accepted(&mut self, inbound: Option<&InboundId>) -> Option<u64> {
        self.not_accepted += 1;
        inbound.and_then(|inbound| self.sent.remove(inbound)).map(|sent| sent.line)
    }

    /// An event ended; its line, if it is one of this batch.
    pub(crate) fn ended(&mut self, inbound: &InboundId, outcome: Option<Outcome>) -> Option<u64> {
        let Some(outcome) = outcome else { return self.sent.get(inbound).map(|sent| sent.line) };
        let sent = self.sent.remove(inbound)?;
        match outcome {
            Outcome::Failed | Outcome::Expired | Outcome::Denied => self.failed += 1,
            Outcome::InDoubt => self.in_doubt += 1,
            Outcome::Replied | Outcome::Noted | Outcome::Cancelled | Outcome::Ignored => {}
        }
        Some(sent.line)
    }

    /// Tasks that were waited for have ended, or can't go on by themselves.
    pub(crate) fn tasks(&mut self, standing: &Standing) {
        self.failed += u64::try_from(standing.bad.len()).unwrap_or(u64::MAX);
        self.in_doubt += u64::try_from(standing.stuck.len()).unwrap_or(u64::MAX);
    }

    /// How the batch has ended, the connection being there to the last.
    pub(crate) fn status(&self) -> ExitStatus {
        match (self.in_doubt, self.failed, self.not_accepted) {
            (0, 0, 0) => ExitStatus::AllReplied,
            (0, 0, _) => ExitStatus::NotAccepted,
            (0, ..) => ExitStatus::SomeFailed,
            _ => ExitStatus::SomeInDoubt,
        }
    }
}

/// How the tasks stand that a batch waits for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// They go on by themselves.
    pub(crate) open: usize,
    /// They wait for a person: a line for each.
    pub(crate) stuck: Vec<String>,
    /// They ended without success: a line for each that no other task made.
    pub(crate) bad: Vec<String>,
}

/// What a page of tasks comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// The tasks before this place are to be looked at too.
    More(i64),
    /// These are all.
    All(Standing),
}

/// The tasks of one context that were made since a batch began.
#[derive(Debug)]
pub(crate) struct Watch {
    context: String,
    since: i64,
    round: Vec<TaskView>,
    last: Vec<TaskView>,
}

impl Watch {
    /// `newest`: the tasks that were there, newest first.
    pub(crate) fn begin(workspace: &str, context: &str, newest: &[TaskView]) -> Self {
        let since = newest.first().map_or(0, |task| task.place);
        Self { context: format!("ws/{workspace}/context/{context}"), since, round: Vec::new(), last: Vec::new() }
    }

    /// Takes a page, newest first, the first of a round or one that was asked for.
    pub(crate) fn look(&mut self, page: Vec<TaskView>) -> Looked {
        let (since, last) = (self.since, page.last().map(|task| task.place));
        let is_ours = |task: &TaskView| task.place > since && task.context.as_str() == self.context;
        self.round.extend(page.into_iter().filter(is_ours));
        match last.filter(|last| *last > since) {
            Some(before) => Looked::More(before),
            None => Looked::All(self.standing()),
        }
    }

    /// Ends a round. `true`: something is otherwise than in the round before.
    pub(crate) fn moved(&mut self) -> bool {
        let round = std::mem::take(&mut self.round);
        let moved = round != self.last;
        self.last = round;
        moved
    }

    fn standing(&self) -> Standing {
        let mut standing = Standing::default();
        for task in &self.round {
            match (task.state, task.wait) {
                (TaskState::Succeeded, _) => {}
                (state, _) if state.is_terminal() => {
                    if task.parent.is_none() {
                        standing.bad.push(told(task));
                    }
                }
                (state, wait) if state.waits_for_a_person(wait, task.not_before) => standing.stuck.push(told(task)),
                _ => standing.open += 1,
            }
        }
        standing
    }
}

fn told(task: &TaskView) -> String {
    let wait = task.wait.map(|wait| format!(" for {wait}")).unwrap_or_default();
    let because = if task.reason.is_empty() { String::new() } else { format!(": {}", task.reason) };
    format!("task {} is {}{wait}{because}", task.id, task.state)
}

#[derive(Serialize)]
struct AcceptedObject<'a> {
    accepted: &'a str,
    event: &'a str,
    line: u64,
}

#[derive(Serialize)]
struct NotAcceptedObject<'a> {
    not_accepted: &'a str,
    line: u64,
    why: &'a str,
}

#[derive(Serialize)]
struct ReplyObject<'a> {
    inbound: &'a str,
    context: &'a str,
    outcome: Option<Outcome>,
    text: &'a str,
    sources: &'a [String],
}

#[derive(Serialize)]
struct SettledObject<'a> {
    inbound: &'a str,
    context: &'a str,
    outcome: Outcome,
    text: &'a str,
    sources: [String; 0],
    reason: &'a str,
}

/// `{"accepted":"in_…","event":"s:1","line":1}`.
pub(crate) fn accepted_object(inbound: &InboundId, event: &str, line: u64) -> String {
    object(&AcceptedObject { accepted: inbound.as_str(), event, line })
}

/// `{"not_accepted":"s:1","line":1,"why":"…"}`.
pub(crate) fn not_accepted_object(event: &str, line: u64, why: &str) -> String {
    object(&NotAcceptedObject { not_accepted: event, line, why })
}

/// `{"inbound":"in_…","context":"general","outcome":"replied","text":"…","sources":[…]}`.
pub(crate) fn reply_object(reply: &Reply) -> String {
    let (inbound, context) = (reply.inbound.as_str(), reply.context.as_str());
    object(&ReplyObject { inbound, context, outcome: reply.outcome, text: &reply.text, sources: &reply.sources })
}

/// A reply's object with an empty text and a `reason`, for an event that ended without a reply here.
pub(crate) fn settled_object(inbound: &InboundId, context: &str, outcome: Outcome, reason: &str) -> String {
    object(&SettledObject { inbound: inbound.as_str(), context, outcome, text: "", sources: [], reason })
}

fn object(object: &impl Serialize) -> String {
    // Plain strings and numbers always become JSON; an error would show as a line that is none.
    let json = serde_json::to_string(object).unwrap_or_else(|error| format!("{{\"error\":{:?}}}", error.to_string()));
    escape::in_json(&json)
}

#[cfg(test)]
pub(crate) mod tests {
    use messages::task::{Budget, Spent, Wait};
    use messages::{Address, Moment, TaskId};

    use super::*;

    fn id(n: u64) -> InboundId {
        InboundId::of("console", &format!("s:{n}"))
    }

    #[test]
    fn the_status_names_the_worst_that_happened() {
        use Outcome::{Cancelled, Denied, Expired, Failed, Ignored, InDoubt, Noted, Replied};
        for (outcomes, refused, status, code) in [
            (vec![Replied, Noted, Ignored, Cancelled], 0, ExitStatus::AllReplied, 0),
            (vec![], 0, ExitStatus::AllReplied, 0),
            (vec![Replied], 1, ExitStatus::NotAccepted, 5),
            (vec![Replied, Failed], 1, ExitStatus::SomeFailed, 3),
            (vec![Denied], 0, ExitStatus::SomeFailed, 3),
            (vec![Expired], 0, ExitStatus::SomeFailed, 3),
            (vec![Failed, InDoubt], 1, ExitStatus::SomeInDoubt, 4),
        ] {
            let mut tally = Tally::default();
            for (n, outcome) in (1..).zip(&outcomes) {
                tally.submitted(id(n), n);
                assert_eq!(tally.ended(&id(n), Some(*outcome)), Some(n));
            }
            (0..refused).for_each(|_| assert_eq!(tally.not_accepted(None), None));
            assert_eq!((tally.status(), tally.status().code()), (status, code), "{outcomes:?}");
        }
        assert_eq!((ExitStatus::LostConnection.code(), ExitStatus::OutputClosed.code()), (6, 7));
    }

    #[test]
    fn an_event_is_acknowledged_once_and_ends_once() {
        let mut tally = Tally::default();
        tally.submitted(id(1), 7);
        assert_eq!(tally.accepted(&id(1)), Some(7));
        assert_eq!(tally.accepted(&id(1)), None, "a resubmission is no second acknowledgement");
        assert_eq!(tally.ended(&id(1), None), Some(7), "more comes");
        assert_eq!(tally.ended(&id(1), Some(Outcome::Failed)), Some(7));
        assert_eq!(tally.ended(&id(1), Some(Outcome::Failed)), None);
        assert_eq!(tally.failed, 1);
    }

    #[test]
    fn the_outcome_of_a_foreign_event_does_not_count() {
        let mut tally = Tally::default();
        assert_eq!(tally.ended(&id(9), Some(Outcome::InDoubt)), None);
        assert_eq!(tally.status(), ExitStatus::AllReplied);
    }

    pub(crate) fn task(place: i64, state: TaskState) -> TaskView {
        TaskView {
            id: TaskId::of("home", &place.to_string()),
            parent: None,
            context: Address::parse("ws/home/context/general").unwrap(),
            title: "t".into(),
            state,
            wait: None,
            reason: "so".into(),
            result: String::new(),
            not_before: None,
            budget: Budget::default(),
            spent: Spent::default(),
            place,
            created_at: Moment(0),
            ended_at: None,
            discarded_by: None,
        }
    }

    #[test]
    fn only_tasks_of_this_context_that_are_new_are_waited_for() {
        let mut watch = Watch::begin("home", "general", &[task(5, TaskState::Running)]);
        let other =
            TaskView { context: Address::parse("ws/home/context/other").unwrap(), ..task(8, TaskState::Running) };
        let page = vec![other, task(7, TaskState::Running), task(6, TaskState::Queued)];
        assert_eq!(watch.look(page), Looked::More(6));
        let page = vec![task(5, TaskState::Running), task(4, TaskState::Running)];
        assert_eq!(watch.look(page), Looked::All(Standing { open: 2, ..Standing::default() }));
        assert!(watch.moved());
    }

    #[test]
    fn a_round_that_is_as_the_one_before_has_not_moved() {
        let mut watch = Watch::begin("home", "general", &[]);
        for (state, moved) in [(TaskState::Running, true), (TaskState::Running, false), (TaskState::Succeeded, true)] {
            assert_eq!(watch.look(vec![task(1, state)]), Looked::More(1));
            watch.look(Vec::new());
            assert_eq!(watch.moved(), moved, "{state}");
        }
    }

    #[test]
    fn what_waits_for_a_person_is_not_waited_for_and_what_failed_counts_once() {
        use TaskState::{Cancelled, Dead, Draft, Failed, Succeeded, Waiting};
        let mut watch = Watch::begin("home", "general", &[]);
        let waits = |place, wait| TaskView { wait: Some(wait), ..task(place, Waiting) };
        let below = TaskView { parent: Some(TaskId::of("home", "9")), ..task(8, Failed) };
        watch.look(vec![task(9, Failed), below, task(7, Dead), task(6, Cancelled), task(5, Succeeded)]);
        let reset = TaskView { not_before: Some(Moment(9)), ..waits(2, Wait::Quota) };
        watch.look(vec![task(4, Draft), waits(3, Wait::InDoubt), reset, waits(1, Wait::Child)]);
        let Looked::All(standing) = watch.look(Vec::new()) else { panic!("more") };
        assert_eq!((standing.open, standing.stuck.len(), standing.bad.len()), (2, 2, 3));
        assert!(standing.stuck[1].ends_with("is waiting for in_doubt: so"), "{:?}", standing.stuck);
        let mut tally = Tally::default();
        tally.tasks(&Standing { stuck: Vec::new(), ..standing });
        assert_eq!(tally.status(), ExitStatus::SomeFailed);
        tally.tasks(&Standing { stuck: vec!["x".into()], ..Standing::default() });
        assert_eq!(tally.status(), ExitStatus::SomeInDoubt);
    }

    #[test]
    fn objects_have_the_documented_shape() {
        let inbound = InboundId::from_row("in_4k2v9m0x4k2v9m0x".into());
        assert_eq!(accepted_object(&inbound, "s:1", 1), r#"{"accepted":"in_4k2v9m0x4k2v9m0x","event":"s:1","line":1}"#);
        assert_eq!(not_accepted_object("s:2", 2, "no"), r#"{"not_accepted":"s:2","line":2,"why":"no"}"#);
        let reply = Reply {
            delivery: 1,
            inbound: inbound.clone(),
            context: "general".into(),
            outcome: Some(Outcome::Replied),
            text: "a\u{1b}\u{202e}b".into(),
            sources: vec!["notes/a.md".into()],
        };
        assert_eq!(
            reply_object(&reply),
            r#"{"inbound":"in_4k2v9m0x4k2v9m0x","context":"general","outcome":"replied","text":"a\u001b\u202eb","sources":["notes/a.md"]}"#
        );
        assert_eq!(
            settled_object(&inbound, "general", Outcome::Noted, ""),
            r#"{"inbound":"in_4k2v9m0x4k2v9m0x","context":"general","outcome":"noted","text":"","sources":[],"reason":""}"#
        );
    }
}
