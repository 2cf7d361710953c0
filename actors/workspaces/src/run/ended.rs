//! A step has ended, one way or another: what that costs, and whether the run goes on.

use messages::Moment;
use messages::model::{Answer, Billed, Failure};
use messages::step::{Cost, Day, StepStatus, What};
use messages::store::{StepRow, Write};
use messages::tool::{Repeat, Use};

use super::recover::{Recovery, recovery};
use super::{End, Ground, Run, StepEnd, Used, Why};

impl Run {
    /// A step has ended. `None`: go on by [`Run::advance`].
    pub(crate) fn step_ended(&mut self, end: StepEnd, on: &Ground<'_>, writes: &mut Vec<Write>) -> Option<End> {
        let end = self.ended(end, on, writes);
        if end.is_some() {
            writes.append(&mut self.held);
        }
        end
    }

    fn ended(&mut self, end: StepEnd, on: &Ground<'_>, writes: &mut Vec<Write>) -> Option<End> {
        match end {
            StepEnd::Asked { step, passages, answered } => {
                if passages.is_some() {
                    self.passages = passages;
                }
                self.asked(step, answered, on, writes)
            }
            StepEnd::Used { of, used: Used::Unknown(words) } if on.facts.repeat(&of.call.name) == Repeat::Asks => {
                // Its sink could not be asked now; another run asks.
                Some(self.cut(&of, &words, on, writes))
            }
            StepEnd::Used { of, used } => self.used(&of, used, on, writes),
        }
    }

    fn asked(
        &mut self,
        seq: u32,
        answered: Result<Answer, Failure>,
        on: &Ground<'_>,
        writes: &mut Vec<Write>,
    ) -> Option<End> {
        match answered {
            Ok(answer) => {
                let cost = self.cost(&answer.model, answer.usage, on);
                let output = serde_json::to_string(&answer).unwrap_or_default();
                self.end(seq, What::Model, (StepStatus::Done, output, Some(cost)), (on.now, writes));
                (self.avoid, self.compact, self.failed) = (Vec::new(), 0, 0);
                None
            }
            Err(failure) => self.not_answered(seq, &failure, on, writes),
        }
    }

    fn not_answered(&mut self, seq: u32, failure: &Failure, on: &Ground<'_>, writes: &mut Vec<Write>) -> Option<End> {
        let cost = match failure.billed {
            Billed::Nothing => None,
            Billed::Known(usage) => Some(self.cost(&failure.model, usage, on)),
            Billed::Unknown => self.whole_reserve(&failure.model),
        };
        self.end(seq, What::Model, (StepStatus::Failed, failure.message.clone(), cost), (on.now, writes));
        self.failed += 1;
        match recovery(failure, self.failed) {
            Recovery::Again => None,
            Recovery::AnotherModel => {
                self.avoid.push(failure.model.clone());
                None
            }
            Recovery::Shorter => {
                self.compact += 1;
                None
            }
            Recovery::End(end) => Some(end),
        }
    }

    fn used(&mut self, of: &Use, used: Used, on: &Ground<'_>, writes: &mut Vec<Write>) -> Option<End> {
        let (what, now) = (What::Tool(of.call.clone()), on.now);
        match used {
            Used::Done(output) if on.facts.repeat(&of.call.name) == Repeat::Free => {
                let mut held = std::mem::take(&mut self.held);
                self.end(of.seq, what, (StepStatus::Done, output.text, None), (now, &mut held));
                self.held = held;
                None
            }
            Used::Done(output) => {
                self.end(of.seq, what, (StepStatus::Done, output.text, None), (now, writes));
                None
            }
            Used::Failed(words) => {
                self.end(of.seq, what, (StepStatus::Failed, words, None), (now, writes));
                None
            }
            Used::Unknown(words) => {
                self.end(of.seq, what, (StepStatus::Unknown, words.clone(), None), (now, writes));
                Some(End::InDoubt(words))
            }
            Used::Cut(words) => Some(self.cut(of, &words, on, writes)),
        }
    }

    /// A tool gave no answer. One that changes nothing has failed; of any other it is found out.
    fn cut(&mut self, of: &Use, words: &str, on: &Ground<'_>, writes: &mut Vec<Write>) -> End {
        if self.steps.last().is_some_and(|last| last.status == StepStatus::Started) {
            return self.cut_off(words, on, writes);
        }
        let what = What::Tool(of.call.clone());
        self.end(of.seq, what, (StepStatus::Failed, words.to_owned(), None), (on.now, writes));
        End::Failed(Why::passing(sentence(words)))
    }

    /// The step that runs is cut off, and the run with it. A tool that can't be repeated is in doubt from now on; the mark
    /// of any other stays, and another run asks what became of it.
    pub(crate) fn cut_off(&mut self, why: &str, on: &Ground<'_>, writes: &mut Vec<Write>) -> End {
        writes.append(&mut self.held);
        let begun = self.steps.last().filter(|last| last.status == StepStatus::Started);
        match begun.map(|last| (last.seq, last.what.clone())) {
            Some((seq, What::Tool(call))) if on.facts.repeat(&call.name) == Repeat::Never => {
                let words = format!("`{}` was cut off: {}", call.name, why.trim_end_matches('.'));
                self.end(seq, What::Tool(call), (StepStatus::Unknown, words.clone(), None), (on.now, writes));
                return End::InDoubt(words);
            }
            Some((_, What::Tool(_))) => {}
            _ => self.give_up(why, on.now, writes),
        }
        End::Failed(Why::passing(sentence(why)))
    }

    /// The step that runs is given up: what it had reserved is charged, as nobody knows what it used.
    pub(crate) fn give_up(&mut self, why: &str, now: Moment, writes: &mut Vec<Write>) {
        writes.append(&mut self.held);
        let Some(last) = self.steps.last().filter(|last| last.status == StepStatus::Started) else { return };
        let (seq, what) = (last.seq, last.what.clone());
        self.reserved = self.reserved.take().or_else(|| last.reserve.clone());
        let cost = self.whole_reserve("");
        let status = if matches!(what, What::Tool(_)) { StepStatus::Unknown } else { StepStatus::Failed };
        self.end(seq, what, (status, why.to_owned(), cost), (now, writes));
    }

    /// All subtasks have ended; the model is told how.
    pub(crate) fn children_ended(&mut self, words: String, now: Moment, writes: &mut Vec<Write>) {
        let waits = |step: &&StepRow| step.what == What::Children && step.status == StepStatus::Started;
        if let Some(seq) = self.steps.last().filter(waits).map(|step| step.seq) {
            self.end(seq, What::Children, (StepStatus::Done, words, None), (now, writes));
        }
    }

    fn cost(&self, model: &str, usage: messages::step::Usage, on: &Ground<'_>) -> Cost {
        let micro_usd = on.facts.offers.find(model).map_or(0, |offer| offer.prices.cost(usage));
        let day = self.reserved.as_ref().map_or(Day::of(on.now), |reserve| reserve.day);
        Cost { day, accounts: self.brief.accounts(), model: model.to_owned(), usage, micro_usd }
    }

    fn whole_reserve(&self, model: &str) -> Option<Cost> {
        let reserve = self.reserved.as_ref()?;
        let usage = messages::step::Usage { input: reserve.tokens, ..Default::default() };
        let (day, micro_usd) = (reserve.day, reserve.micro_usd);
        Some(Cost { day, accounts: self.brief.accounts(), model: model.to_owned(), usage, micro_usd })
    }
}

/// Words with the full stop that a sentence has.
fn sentence(words: &str) -> String {
    format!("{}.", words.trim_end_matches('.'))
}
