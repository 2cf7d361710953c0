//! The journal and the accounts as `messages::store::StepWrite` documents them: no gaps, what has ended as done or refused
//! stays so, what was reserved is charged when a step begins again, and no account is overdrawn.

use std::collections::BTreeMap;
use std::rc::Rc;

use messages::Moment;
use messages::step::{Cost, Day, Reserve, Spending, StepStatus, Usage, What};
use messages::store::{StepRow, StepWrite};

type Refused = Result<(), String>;

fn need(so: bool, why: impl Fn() -> String) -> Refused {
    if so { Ok(()) } else { Err(why()) }
}

/// The words by which a refused reservation is known.
pub(crate) const OVERDRAWN: &str = "overdrawn";

#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    steps: BTreeMap<String, Rc<Vec<StepRow>>>,
    pub(crate) accounts: BTreeMap<(Day, String), Spending>,
}

impl Ledger {
    pub(crate) fn steps(&self, work: &str) -> &[StepRow] {
        self.steps.get(work).map_or(&[], |steps| steps)
    }

    /// The words of all steps are erased, as the store does for an event that is deleted.
    pub(crate) fn erase(&mut self, work: &str) {
        for step in self.steps.get_mut(work).map(Rc::make_mut).into_iter().flatten() {
            step.output.clear();
            if let What::Tool(call) = &mut step.what {
                call.arguments.clear();
            }
        }
    }

    /// The latest day of each account.
    pub(crate) fn latest(&self, accounts: &[String]) -> Vec<Spending> {
        let of = |name: &String| self.accounts.iter().rev().find(|((_, known), _)| known == name);
        accounts.iter().filter_map(of).map(|(_, spending)| spending.clone()).collect()
    }

    /// What all accounts hold back for calls that run.
    pub(crate) fn reserved(&self) -> u64 {
        self.accounts.values().map(|of| of.reserved_micro_usd + of.reserved_tokens).sum()
    }

    /// Applies a write, or refuses it and says why; what was written of it then must be forgotten with it.
    pub(crate) fn apply(&mut self, write: &StepWrite) -> Refused {
        let (StepWrite::Start { seq, what, at, .. } | StepWrite::End { seq, what, at, .. }) = write;
        let found = self.row(write.work().as_str(), *seq, (what, *at))?;
        let before = found.reserve.clone();
        match write {
            StepWrite::Start { reserve, .. } => self.start(write, before, reserve.as_ref(), *at),
            StepWrite::End { status, output, cost, .. } => {
                need(*status != StepStatus::Started, || "it ends as started".into())?;
                if let Some(before) = before {
                    self.release(&before);
                }
                self.charge(cost.as_ref());
                let row = self.last(write.work().as_str());
                (row.status, row.output, row.ended_at, row.reserve) = (*status, output.clone(), Some(*at), None);
                if let Some(cost) = cost {
                    row.usage = row.usage.plus(cost.usage);
                    row.micro_usd += cost.micro_usd;
                    if !cost.model.is_empty() {
                        row.model.clone_from(&cost.model);
                    }
                }
                Ok(())
            }
        }
    }

    fn start(&mut self, write: &StepWrite, before: Option<Reserve>, reserve: Option<&Reserve>, at: Moment) -> Refused {
        if let Some(before) = &before {
            self.release(before);
            let usage = Usage { input: before.tokens, ..Usage::default() };
            for limit in &before.limits {
                let of = self.account(before.day, &limit.account);
                of.micro_usd += before.micro_usd;
                of.usage = of.usage.plus(usage);
            }
        }
        if let Some(reserve) = reserve {
            self.put_aside(reserve)?;
        }
        let row = self.last(write.work().as_str());
        if let Some(before) = before {
            row.usage.input += before.tokens;
            row.micro_usd += before.micro_usd;
        }
        (row.status, row.reserve, row.attempt) = (StepStatus::Started, reserve.cloned(), row.attempt + 1);
        (row.started_at, row.ended_at, row.output) = (at, None, String::new());
        Ok(())
    }

    /// The last step, or a new one after it.
    fn row(&mut self, work: &str, seq: u32, (what, at): (&What, Moment)) -> Result<&StepRow, String> {
        let steps = Rc::make_mut(self.steps.entry(work.to_owned()).or_default());
        let place = usize::try_from(seq).unwrap();
        need(place <= steps.len(), || format!("step {seq} follows {}", steps.len()))?;
        need(place + 1 >= steps.len(), || format!("step {seq} was followed by another"))?;
        if place == steps.len() {
            need(steps.last().is_none_or(|last| last.status != StepStatus::Started), || format!("before {seq} ended"))?;
            steps.push(StepRow {
                seq,
                what: what.clone(),
                status: StepStatus::Failed,
                attempt: 0,
                output: String::new(),
                model: String::new(),
                usage: Usage::default(),
                micro_usd: 0,
                reserve: None,
                started_at: at,
                ended_at: None,
            });
        }
        let row = &mut steps[place];
        need(!matches!(row.status, StepStatus::Done | StepStatus::Refused), || {
            format!("step {seq} is {:?}", row.status)
        })?;
        row.what.clone_from(what);
        Ok(row)
    }

    fn last(&mut self, work: &str) -> &mut StepRow {
        self.steps.get_mut(work).map(Rc::make_mut).and_then(|steps| steps.last_mut()).unwrap()
    }

    fn account(&mut self, day: Day, account: &str) -> &mut Spending {
        let new = || Spending { day, account: account.to_owned(), ..Spending::default() };
        self.accounts.entry((day, account.to_owned())).or_insert_with(new)
    }

    fn put_aside(&mut self, reserve: &Reserve) -> Refused {
        for limit in &reserve.limits {
            let of = self.account(reserve.day, &limit.account);
            of.reserved_micro_usd += reserve.micro_usd;
            of.reserved_tokens += reserve.tokens;
            let (micro_usd, tokens) = (of.micro_usd + of.reserved_micro_usd, of.usage.tokens() + of.reserved_tokens);
            let fits =
                limit.micro_usd.is_none_or(|max| micro_usd <= max) && limit.tokens.is_none_or(|max| tokens <= max);
            need(fits, || format!("{} would be {OVERDRAWN}", limit.account))?;
        }
        Ok(())
    }

    fn release(&mut self, reserve: &Reserve) {
        for limit in &reserve.limits {
            let of = self.account(reserve.day, &limit.account);
            of.reserved_micro_usd = of.reserved_micro_usd.checked_sub(reserve.micro_usd).unwrap();
            of.reserved_tokens = of.reserved_tokens.checked_sub(reserve.tokens).unwrap();
        }
    }

    fn charge(&mut self, cost: Option<&Cost>) {
        let Some(cost) = cost else { return };
        for name in &cost.accounts {
            let of = self.account(cost.day, name);
            of.micro_usd += cost.micro_usd;
            of.usage = of.usage.plus(cost.usage);
            of.calls += 1;
        }
    }
}
