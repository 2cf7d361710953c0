//! What a call may cost at most is put aside before it is made; where it does not fit into a budget, it is not made.

use messages::model::Request;
use messages::offer::Offer;
use messages::step::{Cost, Day, Limit, Reserve, Spending, Usage};
use messages::step::{StepStatus, What};
use messages::store::StepRow;
use messages::task::{Budget, DayCap, Spent};

use super::{End, Ground, Run};

/// Tokens of thinking that a call may add to its answer.
const THINKING_TOKENS_MAX: u64 = 8_192;
/// Bytes of an answer that are one token, on the low side.
pub(super) const BYTES_PER_TOKEN: u64 = 3;
/// With fewer tokens left to write an answer would be cut in its first lines: the budget has ended.
const OUTPUT_TOKENS_MIN: u64 = 256;
/// Tokens that a message costs besides its words.
const MESSAGE_TOKENS: u64 = 16;
/// A day that accounts know goes on although the clock says an earlier one, so many days earlier at most.
const DAYS_BACK_MAX: i64 = 2;
/// Bytes of one passage with its place, at most.
pub(super) const PASSAGE_BYTES_MAX: u64 = 1_800;

/// What steps have used of a budget.
pub(crate) fn spent(steps: &[StepRow]) -> Spent {
    let used = |step: &&StepRow| {
        matches!(step.what, What::Tool(_)) && matches!(step.status, StepStatus::Done | StepStatus::Failed)
    };
    let sum = |of: fn(&StepRow) -> u64| steps.iter().map(of).fold(0, u64::saturating_add);
    Spent {
        micro_usd: sum(|step| step.micro_usd),
        input_tokens: sum(|step| step.usage.input),
        output_tokens: sum(|step| step.usage.output),
        tool_calls: u32::try_from(steps.iter().filter(used).count()).unwrap_or(u32::MAX),
    }
}

impl Run {
    /// What is left of the work's own budget. What a call that was cut off had put aside may have been used.
    pub(super) fn left(&self, on: &Ground<'_>) -> Budget {
        let held = |of: &Reserve| Spent { micro_usd: of.micro_usd, input_tokens: of.tokens, ..Spent::default() };
        let cut_off = self.steps.iter().filter_map(|step| step.reserve.as_ref()).map(held);
        self.brief.budget.less(cut_off.fold(spent(&self.steps), Spent::plus).plus(on.carved))
    }

    /// What this call puts aside; `None` when nothing need be. Sets what the model may write at most.
    pub(super) fn reserve(
        &self,
        request: &mut Request,
        chain: &[&Offer],
        on: &Ground<'_>,
    ) -> Result<Option<Reserve>, Box<End>> {
        let (input, left) = (self.input_tokens_max(request), self.left(on));
        let answer = u64::try_from(request.answer_bytes_max).unwrap_or(u64::MAX) / BYTES_PER_TOKEN;
        let output = THINKING_TOKENS_MAX.saturating_add(answer).min(left.output_tokens);
        request.output_tokens_max = output;
        // What quotes and does not read costs nothing that could end.
        if chain.iter().all(|offer| offer.prices.is_free() && !offer.takes_tools) {
            return Ok(None);
        }
        if input > left.input_tokens {
            return Err(self.own_budget_ended("tokens to read", left.input_tokens, input));
        }
        if output < OUTPUT_TOKENS_MIN {
            return Err(self.own_budget_ended("tokens to write", left.output_tokens, OUTPUT_TOKENS_MIN));
        }
        let usage = Usage { input, output, ..Usage::default() };
        let micro_usd = chain.iter().map(|offer| offer.prices.cost(usage)).max().unwrap_or(0);
        if micro_usd > left.micro_usd {
            return Err(self.own_budget_ended("millionths of a dollar", left.micro_usd, micro_usd));
        }
        self.on_accounts(micro_usd, input.saturating_add(output), on)
    }

    fn on_accounts(&self, micro_usd: u64, tokens: u64, on: &Ground<'_>) -> Result<Option<Reserve>, Box<End>> {
        let day = self.day(on);
        let caps = [&on.facts.limits.node_day, &on.facts.limits.workspace_day, &on.facts.limits.context_day];
        let limits: Vec<Limit> =
            self.brief.accounts().into_iter().zip(caps).map(|(name, cap)| limit(name, cap)).collect();
        let counts_tokens = limits.iter().any(|limit| limit.tokens.is_some());
        if micro_usd == 0 && !counts_tokens {
            return Ok(None);
        }
        let own = self.brief.context.as_str();
        for limit in &limits {
            let none = Spending::default();
            let held = self.spending.get(&limit.account).filter(|of| of.day == day).unwrap_or(&none);
            if let Some(words) = overdrawn(limit, held, (micro_usd, tokens), own) {
                let words = format!("{words} {}", self.what_then());
                return Err(Box::new(End::Parked { words, until: Some(day.next().begins()) }));
            }
        }
        Ok(Some(Reserve { day, micro_usd, tokens, limits }))
    }

    /// The day that a call is charged to. A clock that was set back gives no day's budget twice, nor asks the store again
    /// and again for what only the store knows to be used up.
    fn day(&self, on: &Ground<'_>) -> Day {
        let today = Day::of(on.now);
        let known =
            self.spending.values().map(|of| of.day).filter(|day| day.0.saturating_sub(DAYS_BACK_MAX) <= today.0);
        known.max().unwrap_or(today).max(today)
    }

    /// What to do when a day's budget has ended: a task goes on by itself, a turn is said again.
    fn what_then(&self) -> &'static str {
        if self.brief.is_interactive() {
            "Say it again when the next day begins (UTC), or when the limit was raised (`[budgets]` in agent-runtime.toml)."
        } else {
            "It goes on when the next day begins (UTC); when the limit was raised (`[budgets]` in agent-runtime.toml), `/tasks retry` lets it go on at once."
        }
    }

    fn own_budget_ended(&self, of: &str, left: u64, needed: u64) -> Box<End> {
        let what = if self.brief.is_interactive() { "turn" } else { "task" };
        let more = if self.brief.is_interactive() {
            "Ask for less at once, or raise `turn_cents` of `[budgets]` in agent-runtime.toml."
        } else {
            "`/tasks retry` gives it the same budget once more."
        };
        let words = format!(
            "The budget of this {what} does not reach for another model call: it may take {needed} {of}, and {left} are left. {more}"
        );
        Box::new(End::Parked { words, until: None })
    }

    /// No tokenizer makes more tokens than there are bytes.
    fn input_tokens_max(&self, request: &Request) -> u64 {
        let said = request.history.iter().map(|said| said.text.len());
        let exchanged = request.exchanges.iter().flat_map(|exchange| {
            let calls = exchange.calls.iter().map(|call| call.name.len() + call.arguments.len() + call.id.len());
            std::iter::once(exchange.text.len()).chain(calls).chain(exchange.results.iter().map(String::len))
        });
        let tools = request.tools.iter().map(|tool| tool.name.len() + tool.what.len() + tool.schema.len());
        let parts = said.chain(exchanged).chain(tools).chain([request.system.len(), request.question.len()]);
        let (mut bytes, mut messages) = (0u64, 0u64);
        for part in parts {
            bytes = bytes.saturating_add(u64::try_from(part).unwrap_or(u64::MAX));
            messages += 1;
        }
        let passages = if self.compact > 1 { 0 } else { u64::from(self.brief.limits.passages) };
        bytes.saturating_add(messages * MESSAGE_TOKENS).saturating_add(passages * PASSAGE_BYTES_MAX)
    }

    /// The accounts in memory follow what a call puts aside; what an earlier try of it had put aside (`lost`) is spent.
    pub(super) fn put_aside(&mut self, lost: Option<&Reserve>, reserve: Option<&Reserve>) {
        if let Some(lost) = lost {
            self.release(lost);
            let usage = Usage { input: lost.tokens, ..Usage::default() };
            self.account(lost.day, &accounts(lost), |of| {
                of.micro_usd = of.micro_usd.saturating_add(lost.micro_usd);
                of.usage = of.usage.plus(usage);
            });
        }
        let Some(reserve) = reserve else { return };
        self.account(reserve.day, &accounts(reserve), |of| {
            of.reserved_micro_usd = of.reserved_micro_usd.saturating_add(reserve.micro_usd);
            of.reserved_tokens = of.reserved_tokens.saturating_add(reserve.tokens);
        });
    }

    fn release(&mut self, reserve: &Reserve) {
        self.account(reserve.day, &accounts(reserve), |of| {
            of.reserved_micro_usd = of.reserved_micro_usd.saturating_sub(reserve.micro_usd);
            of.reserved_tokens = of.reserved_tokens.saturating_sub(reserve.tokens);
        });
    }

    /// The accounts in memory follow what was charged; what was put aside for it is free again.
    pub(super) fn settle(&mut self, cost: Option<&Cost>) {
        if let Some(reserve) = self.reserved.take() {
            self.release(&reserve);
        }
        let Some(cost) = cost else { return };
        self.account(cost.day, &cost.accounts, |of| {
            of.micro_usd = of.micro_usd.saturating_add(cost.micro_usd);
            of.usage = of.usage.plus(cost.usage);
            of.calls += 1;
        });
    }

    /// Changes accounts on a day. One that is known for a later day is left as it is: by that one is decided.
    fn account(&mut self, day: Day, names: &[String], change: impl Fn(&mut Spending)) {
        for name in names {
            let of = self.spending.entry(name.clone()).or_default();
            if of.account.is_empty() || of.day < day {
                *of = Spending { day, account: name.clone(), ..Spending::default() };
            }
            if of.day == day {
                change(of);
            }
        }
    }
}

fn accounts(reserve: &Reserve) -> Vec<String> {
    reserve.limits.iter().map(|limit| limit.account.clone()).collect()
}

fn limit(account: String, cap: &DayCap) -> Limit {
    Limit { account, micro_usd: cap.micro_usd, tokens: cap.tokens }
}

/// One sentence, when this call would overdraw the account. How much of it is used is told of the context's `own` alone: of
/// a wider one it would tell what others do.
fn overdrawn(limit: &Limit, held: &Spending, (micro_usd, tokens): (u64, u64), own: &str) -> Option<String> {
    let account = &limit.account;
    let used_of =
        |used: String, max: String| if account == own { format!("{used} of {max}, and ") } else { String::new() };
    let used = held.micro_usd.saturating_add(held.reserved_micro_usd);
    if let Some(max) = limit.micro_usd.filter(|max| used.saturating_add(micro_usd) > *max) {
        let (used, more) = (used_of(dollars(used), dollars(max)), dollars(micro_usd));
        return Some(format!("The day's budget of `{account}` is used up: {used}this call may cost {more}."));
    }
    let used = held.usage.tokens().saturating_add(held.reserved_tokens);
    limit.tokens.filter(|max| used.saturating_add(tokens) > *max).map(|max| {
        let used = used_of(used.to_string(), max.to_string());
        format!("The day's tokens of `{account}` are used up: {used}this call may take {tokens}.")
    })
}

/// Millionths of a dollar as people read them: `$0.0123`.
pub(crate) fn dollars(micro_usd: u64) -> String {
    let (whole, part) = (micro_usd / 1_000_000, micro_usd % 1_000_000);
    let part = format!("{part:06}");
    let part = part.trim_end_matches('0');
    if part.len() <= 2 { format!("${whole}.{part:0<2}") } else { format!("${whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_said_to_the_last_digit_that_counts() {
        let amounts = [0, 1, 10_000, 12_300, 100_000, 123_456, 1_000_000, 1_500_000, 20_000_010, u64::MAX];
        let said = amounts.map(dollars);
        assert_eq!(
            said,
            [
                "$0.00",
                "$0.000001",
                "$0.01",
                "$0.0123",
                "$0.10",
                "$0.123456",
                "$1.00",
                "$1.50",
                "$20.00001",
                "$18446744073709.551615"
            ]
        );
    }

    #[test]
    fn an_account_is_overdrawn_beyond_its_limit_and_not_at_it() {
        let limit = Limit { account: "node".into(), micro_usd: Some(100), tokens: Some(50) };
        let held = Spending {
            micro_usd: 60,
            reserved_micro_usd: 30,
            usage: Usage { input: 20, output: 10, ..Usage::default() },
            reserved_tokens: 10,
            ..Spending::default()
        };
        let said = |more, own| overdrawn(&limit, &held, more, own);
        assert_eq!(said((10, 10), "node"), None);
        assert!(said((11, 10), "node").is_some_and(|words| words.contains("day's budget of `node`")));
        assert!(said((10, 11), "node").is_some_and(|words| words.contains("day's tokens of `node`")));
        let none = Limit { account: "node".into(), ..Limit::default() };
        assert_eq!(overdrawn(&none, &held, (u64::MAX, u64::MAX), "node"), None);
    }

    #[test]
    fn what_others_have_spent_is_not_told() {
        let limit = Limit { account: "node".into(), micro_usd: Some(100), tokens: None };
        let held = Spending { micro_usd: 77, ..Spending::default() };
        let said = |own| overdrawn(&limit, &held, (50, 0), own).unwrap();
        assert!(said("node").contains("$0.000077 of $0.0001"), "{}", said("node"));
        assert_eq!(
            said("ws/home/context/general"),
            "The day's budget of `node` is used up: this call may cost $0.00005."
        );
    }
}
