//! Work in steps: what a turn of talk and a task have in common.
//!
//! ```text
//!   journal ──next──► ask a model ──► answer, with calls? ──► use each tool ──► ask again … ──► answer
//!      ▲                  │ reserve before, charge after          │ policy decides each
//!      └──────────────────┴────────── every step is a row ────────┘
//! ```
//!
//! What comes next follows from the journal alone ([`next`]), so that a run that begins again after a crash goes on where
//! the rows end. Nothing here does I/O: [`Run::advance`] gives writes and what is to be done after their commit.

mod brief;
mod end;
mod ended;
mod journal;
mod next;
mod recover;
mod request;
mod reserve;
mod spawn;
mod tools;
mod window;

use std::collections::BTreeMap;

use messages::index::Hit;
use messages::model::{Answer, Failure, Request};
use messages::step::{Cost, Reserve, Spending, StepStatus, What};
use messages::store::{StepRow, StepWrite, Write};
use messages::task::Budget;
use messages::tool::{Output, Use};
use messages::turn::Scope;
use messages::{Address, Moment, TaskId};

pub(crate) use brief::{Brief, Line, RunLimits};
pub(crate) use end::{End, Why};
use next::{By, Next, next};
pub(crate) use reserve::{dollars, spent};
pub(crate) use spawn::{put, seconds_ms, title_of};

use crate::WorkFacts;

/// Steps that one decision may end without anything to wait for: tools that are refused, or are rows of the commit.
const AT_ONCE_MAX: usize = 64;

/// What a run decides on besides itself.
pub(crate) struct Ground<'a> {
    pub(crate) facts: &'a WorkFacts,
    /// The context's files in force, as policy reads them.
    pub(crate) people: &'a policy::ContextFacts,
    pub(crate) actor: &'a Address,
    pub(crate) now: Moment,
    /// Subtasks that were made so far, of this task and of its whole line.
    pub(crate) children: u32,
    pub(crate) descendants: u32,
    /// What subtasks have taken of the budget.
    pub(crate) carved: messages::task::Spent,
}

/// A piece of work on its way.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) brief: Brief,
    pub(crate) steps: Vec<StepRow>,
    /// When this run began.
    pub(crate) began: Moment,
    /// Found for the question, once.
    pub(crate) passages: Option<Vec<Hit>>,
    /// Models that gave nothing for the step that is tried.
    avoid: Vec<String>,
    /// How much is left out of the prompt because it was too long.
    compact: u8,
    /// Times that the step which is tried has failed in this run.
    failed: u32,
    /// What the accounts held when it was last read, and what was charged since.
    spending: BTreeMap<String, Spending>,
    /// What the model call that runs has put aside.
    reserved: Option<Reserve>,
    /// Ends of tools that changed nothing: they go with the next commit of this run. Lost with a crash, the tool is used
    /// again, which changes nothing either.
    held: Vec<Write>,
    /// Who is to be woken after the commit.
    pub(crate) wakes: Vec<Address>,
    /// Subtasks that this run has made, with what they took of the budget.
    pub(crate) made: Vec<(TaskId, Budget)>,
}

/// What is to be done after the commit.
#[derive(Debug)]
pub(crate) enum Todo {
    /// Ask a model.
    Ask(Box<Ask>),
    /// Use a tool.
    Use(Box<Use>),
    /// Nothing until the subtasks have ended.
    Children,
    /// The run is over.
    End(End),
}

/// A question to a model.
#[derive(Debug, Clone)]
pub struct Ask {
    pub(crate) seq: u32,
    pub(crate) request: Request,
    /// Passages that are to be found for it first, so many.
    pub(crate) find: Option<u32>,
    /// Where they are looked for.
    pub(crate) scope: Scope,
}

/// A step that ran beside the mailbox has ended.
#[derive(Debug)]
pub enum StepEnd {
    /// A model has answered, or has not.
    Asked {
        step: u32,
        /// What was found for the question, if it was looked for.
        passages: Option<Vec<Hit>>,
        answered: Result<Answer, Failure>,
    },
    /// A tool has been used, or has not.
    Used { of: Use, used: Used },
}

/// What became of a use of a tool.
#[derive(Debug, Clone)]
pub enum Used {
    Done(Output),
    /// Nothing was done, for this reason.
    Failed(String),
    /// It may or may not have been done, and nobody can find out.
    Unknown(String),
    /// It gave no answer: its step stays as it is, and another run finds out.
    Cut(String),
}

impl Run {
    pub(crate) fn new(brief: Brief, steps: Vec<StepRow>, spending: Vec<Spending>, began: Moment) -> Self {
        Self {
            brief,
            began,
            steps,
            passages: None,
            avoid: Vec::new(),
            compact: 0,
            failed: 0,
            spending: spending.into_iter().map(|of| (of.account.clone(), of)).collect(),
            reserved: None,
            held: Vec::new(),
            wakes: Vec::new(),
            made: Vec::new(),
        }
    }

    /// The accounts as they are known by now. What others had reserved when they were read counts still: a run that began
    /// without it would be refused by the store, together with the end of the one before it, again and again.
    pub(crate) fn spending(&self) -> Vec<Spending> {
        self.spending.values().cloned().collect()
    }

    /// The accounts as they were read again.
    pub(crate) fn refresh(&mut self, spending: Vec<Spending>) {
        self.spending = spending.into_iter().map(|of| (of.account.clone(), of)).collect();
    }

    /// Goes on until something must be waited for.
    pub(crate) fn advance(&mut self, on: &mut Ground<'_>, writes: &mut Vec<Write>) -> Todo {
        let todo = self.go_on(on, writes);
        if matches!(todo, Todo::End(_)) {
            writes.append(&mut self.held);
        }
        todo
    }

    fn go_on(&mut self, on: &mut Ground<'_>, writes: &mut Vec<Write>) -> Todo {
        for _ in 0..AT_ONCE_MAX {
            let (turns_max, joins) = (self.brief.limits.model_turns, self.brief.line.is_some());
            match next(&self.steps, &By { turns_max, joins, repeat: |name: &str| on.facts.repeat(name) }) {
                Next::Ask { seq } => return self.ask(seq, on, writes),
                Next::Use { seq, call, again } => {
                    if let Some(todo) = self.tool(seq, call, again, (on, writes)) {
                        return todo;
                    }
                }
                Next::Children { seq } => {
                    if self.steps.last().is_none_or(|last| last.seq != seq) {
                        self.start(seq, What::Children, None, (on.now, writes));
                    }
                    return Todo::Children;
                }
                Next::Answer(answer) => return Todo::End(End::Answer(answer)),
                Next::InDoubt { seq, call } => {
                    let words = format!("`{}` had begun when it was cut off", call.name);
                    self.end(seq, What::Tool(call), (StepStatus::Unknown, words.clone(), None), (on.now, writes));
                    return Todo::End(End::InDoubt(words));
                }
                Next::Stuck(stuck) => return self.over(End::Failed(Why::lasting(stuck.words())), on, writes),
            }
        }
        Todo::End(End::Failed(Why::lasting(format!("{AT_ONCE_MAX} calls in a row came to nothing; it was given up."))))
    }

    fn ask(&mut self, seq: u32, on: &Ground<'_>, writes: &mut Vec<Write>) -> Todo {
        let seconds = self.brief.limits.seconds;
        let Some(left) = seconds
            .checked_sub(u64::try_from(on.now.ms_since(self.began) / 1_000).unwrap_or(0))
            .filter(|left| *left > 0)
        else {
            let words = format!("It took longer than the {seconds} s that are allowed.");
            return self.over(End::Failed(Why::passing(words)), on, writes);
        };
        let chain = on.facts.offers.chain(self.brief.purpose, &self.brief.models);
        let mut request = self.request(left, &chain, on);
        let find = (self.passages.is_none() && self.brief.limits.passages > 0).then_some(self.brief.limits.passages);
        let find = window::fit(&mut request, &chain, find).filter(|limit| *limit > 0);
        let reserve = match self.reserve(&mut request, &chain, on) {
            Ok(reserve) => reserve,
            Err(end) => return self.over(*end, on, writes),
        };
        if reserve.is_some() {
            self.start(seq, What::Model, reserve.clone(), (on.now, writes));
        }
        self.reserved = reserve;
        Todo::Ask(Box::new(Ask { seq, request, find, scope: self.brief.turn.scope.clone() }))
    }

    /// The run is over. A call that had been cut off, and is not made again now, costs what it had reserved.
    fn over(&mut self, end: End, on: &Ground<'_>, writes: &mut Vec<Write>) -> Todo {
        if self.steps.last().is_some_and(|last| last.what == What::Model) {
            self.give_up("it was cut off, and not made again", on.now, writes);
        }
        Todo::End(end)
    }

    fn start(&mut self, seq: u32, what: What, reserve: Option<Reserve>, (at, writes): (Moment, &mut Vec<Write>)) {
        let lost = self.steps.last().filter(|last| last.seq == seq).and_then(|last| last.reserve.clone());
        self.put_aside(lost.as_ref(), reserve.as_ref());
        journal::begin(&mut self.steps, (seq, what.clone(), reserve.clone()), at);
        writes.append(&mut self.held);
        let work = self.brief.work.clone();
        writes.push(Write::Step(Box::new(StepWrite::Start { work, seq, what, reserve, at })));
    }

    fn end(
        &mut self,
        seq: u32,
        what: What,
        (status, output, cost): (StepStatus, String, Option<Cost>),
        (at, writes): (Moment, &mut Vec<Write>),
    ) {
        self.settle(cost.as_ref());
        journal::end(&mut self.steps, (seq, what.clone()), (status, &output, cost.as_ref()), at);
        writes.append(&mut self.held);
        let work = self.brief.work.clone();
        writes.push(Write::Step(Box::new(StepWrite::End { work, seq, what, status, output, cost, at })));
    }
}

#[cfg(test)]
pub(crate) mod tests;
