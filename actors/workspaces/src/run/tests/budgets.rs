//! What a call may cost at most is put aside before it is made.

use messages::model::{Billed, Class, Purpose, Role, Said};
use messages::step::{Day, Reserve, Spending, StepStatus, Usage};
use messages::task::{Budget, DayCap, Spent};
use proptest::prelude::*;
use rstest::rstest;

use super::super::{End, Todo};
use super::desk::{Desk, answer, brief, turn_brief};
use super::ground::NOON;

/// Tokens that an answer of 16,000 bytes may have, thinking included.
const OUTPUT: u64 = 8_192 + 16_000 / 3;

fn reserve(desk: &Desk) -> Option<&Reserve> {
    desk.steps().last().and_then(|step| step.reserve.as_ref())
}

fn parked(desk: &Desk) -> (&str, Option<messages::Moment>) {
    match desk.end() {
        End::Parked { words, until } => (words, *until),
        other => panic!("it is not parked: {other:?}"),
    }
}

#[test]
fn a_call_puts_aside_what_its_words_and_its_longest_answer_cost() {
    let desk = Desk::begun();
    let request = &desk.asked[0];
    assert_eq!(request.output_tokens_max, OUTPUT);
    let reserve = reserve(&desk).unwrap();
    let input = reserve.tokens - OUTPUT;
    let words: usize = request.tools.iter().map(|tool| tool.name.len() + tool.what.len() + tool.schema.len()).sum();
    assert!(input >= (request.system.len() + request.question.len() + words) as u64);
    assert_eq!((reserve.micro_usd, reserve.day), (input + 4 * OUTPUT, Day::of(NOON)));
    let accounts: Vec<_> = reserve.limits.iter().map(|limit| limit.account.as_str()).collect();
    assert_eq!(accounts, ["node", "ws/home", "ws/home/context/general"]);
}

#[rstest]
#[case::a_free_model(Purpose::Triage, None, false)]
#[case::a_free_model_where_tokens_are_capped(Purpose::Triage, Some(1_000_000), true)]
#[case::one_that_only_quotes_where_tokens_are_capped(Purpose::Draft, Some(1_000_000), false)]
fn what_costs_nothing_reserves_nothing_unless_tokens_are_capped(
    #[case] purpose: Purpose,
    #[case] tokens: Option<u64>,
    #[case] reserves: bool,
) {
    let mut brief = brief("ann");
    brief.purpose = purpose;
    let mut desk = Desk::new(brief);
    desk.facts.limits.workspace_day.tokens = tokens;
    desk.go();
    assert_eq!(reserve(&desk).map(|reserve| reserve.micro_usd), reserves.then_some(0));
    assert_eq!(desk.steps().len(), usize::from(reserves), "what reserves nothing needs no mark before it");
    desk.answers(Ok(answer("done", &[])));
    assert_eq!(desk.last_status(), StepStatus::Done);
}

#[test]
fn a_chain_reserves_what_its_dearest_model_may_cost() {
    let costs = |models: &[&str]| {
        let mut brief = brief("ann");
        brief.purpose = Purpose::Research;
        brief.models = models.iter().map(|name| (*name).to_owned()).collect();
        let mut desk = Desk::new(brief);
        desk.go();
        reserve(&desk).map(|reserve| reserve.micro_usd)
    };
    let [both, big, small] = [&["small", "big"][..], &["big"], &["small"]].map(|models| costs(models).unwrap());
    assert_eq!((both, both), (big.max(small), small));
    assert!(small > big, "long answers are dearer from the small one");
    assert_eq!(costs(&["free"]), None);
}

#[rstest]
#[case::dollars(Budget { micro_usd: 1_000, ..Budget::default() }, "millionths of a dollar")]
#[case::tokens_to_read(Budget { input_tokens: 10, ..Budget::default() }, "tokens to read")]
#[case::tokens_to_write(Budget { output_tokens: 255, ..Budget::default() }, "tokens to write")]
fn a_budget_that_does_not_reach_parks_the_work_until_a_person_says_more(#[case] budget: Budget, #[case] words: &str) {
    for (mut brief, more) in [(brief("ann"), "`/tasks retry`"), (turn_brief("ann"), "`turn_cents`")] {
        brief.budget = budget;
        let mut desk = Desk::new(brief);
        desk.go();
        let (said, until) = parked(&desk);
        assert!(said.contains(words) && said.contains(more) && until.is_none(), "{said}");
        assert!(desk.steps().is_empty() && desk.asked.is_empty(), "the call is not made");
    }
}

#[test]
fn a_budget_holds_at_its_edge() {
    let need = reserve(&Desk::begun()).unwrap().clone();
    for (micro_usd, asks) in [(need.micro_usd, 1), (need.micro_usd - 1, 0)] {
        let mut brief = brief("ann");
        brief.budget.micro_usd = micro_usd;
        let mut desk = Desk::new(brief);
        desk.go();
        assert_eq!(desk.asked.len(), asks);
    }
    // A budget of a few tokens makes answers short before it ends.
    let mut brief = brief("ann");
    brief.budget.output_tokens = 256;
    let mut desk = Desk::new(brief);
    desk.go();
    assert_eq!(desk.asked[0].output_tokens_max, 256);
}

#[test]
fn uses_of_tools_are_a_budget_too() {
    let mut brief = brief("ann");
    brief.budget.tool_calls = 2;
    let mut desk = Desk::new(brief);
    desk.go();
    desk.calls(&[("look", r#"{"n":1}"#), ("post", r#"{"text":"hi"}"#), ("look", r#"{"n":2}"#)]);
    desk.gives("seen");
    let (words, until) = parked(&desk);
    assert!(words.contains("2 uses of tools") && until.is_none(), "{words}");
    assert_eq!(desk.used.len(), 1);
}

#[test]
fn what_subtasks_may_take_is_not_there_for_the_task_itself() {
    let mut desk = Desk::new(brief("ann"));
    desk.carved = Spent { micro_usd: 499_000, ..Spent::default() };
    desk.go();
    assert!(parked(&desk).0.contains("1000 are left"));
}

#[test]
fn what_a_crash_cut_off_counts_against_the_budget_before_the_question_is_asked_again() {
    let need = reserve(&Desk::begun()).unwrap().micro_usd;
    for (budget, asks) in [(need * 2, 2), (need * 2 - 1, 1)] {
        let mut brief = brief("ann");
        brief.budget.micro_usd = budget;
        let mut desk = Desk::new(brief);
        desk.go();
        desk.crash();
        desk.go();
        assert_eq!(desk.asked.len(), asks, "a budget of {budget} when each call may cost {need}");
    }
}

fn held(account: &str, day: Day, micro_usd: u64, reserved_micro_usd: u64) -> Spending {
    Spending { day, account: account.into(), micro_usd, reserved_micro_usd, ..Spending::default() }
}

#[rstest]
#[case::node("node")]
#[case::workspace("ws/home")]
#[case::context("ws/home/context/general")]
fn an_account_that_is_used_up_parks_the_work_until_the_next_day(#[case] account: &str) {
    let need = reserve(&Desk::begun()).unwrap().micro_usd;
    let limit = 1_000_000;
    let cap = DayCap { micro_usd: Some(limit), tokens: None };
    let today = Day::of(NOON);
    for (of, asks) in [
        (held(account, today, limit - need, 0), 1),
        (held(account, today, limit - need + 1, 0), 0),
        (held(account, today, limit - need - 10, 11), 0),
        (held(account, Day(today.0 - 1), limit, 0), 1),
        (held("ws/other", today, limit, 0), 1),
    ] {
        let mut desk = Desk::new(brief("ann"));
        let limits = &mut desk.facts.limits;
        (limits.node_day, limits.workspace_day, limits.context_day) = (cap, cap, cap);
        desk.run.refresh(vec![of.clone()]);
        desk.go();
        assert_eq!(desk.asked.len(), asks, "{of:?}");
        if asks == 0 {
            let (words, until) = parked(&desk);
            assert!(words.contains(&format!("`{account}` is used up")), "{words}");
            assert_eq!(words.contains("of $1.00"), account == "ws/home/context/general", "{words}");
            assert_eq!(until, Some(today.next().begins()));
        }
    }
}

#[test]
fn a_call_that_was_cut_off_and_is_not_made_again_is_charged_what_it_had_reserved() {
    let mut desk = Desk::begun();
    let need = reserve(&desk).unwrap().micro_usd;
    desk.crash();
    desk.facts.limits.node_day.micro_usd = Some(need);
    desk.go();
    parked(&desk);
    let step = desk.steps().last().unwrap();
    assert_eq!((step.status, step.micro_usd, &step.reserve), (StepStatus::Failed, need, &None));
}

#[test]
fn tokens_of_a_day_are_a_limit_of_their_own() {
    let mut desk = Desk::new(brief("ann"));
    desk.facts.limits.context_day.tokens = Some(OUTPUT);
    desk.go();
    let (words, until) = parked(&desk);
    assert!(words.contains("The day's tokens of `ws/home/context/general` are used up"), "{words}");
    assert!(until.is_some());
}

#[test]
fn what_a_call_put_aside_itself_does_not_count_against_the_next_one() {
    let mut desk = Desk::new(brief("ann"));
    let cap = DayCap { micro_usd: Some(100_000), tokens: Some(30_000) };
    desk.facts.limits.node_day = cap;
    desk.go();
    // The accounts are read again while the call runs, as each wake does.
    let accounts = desk.run.brief.accounts();
    desk.run.refresh(desk.ledger.latest(&accounts));
    desk.calls(&[("look", "{}")]);
    desk.gives("seen");
    assert_eq!(desk.asked.len(), 2, "{:?}", desk.todo);
    // Also after a crash: what was cut off is spent, and what followed it is not held twice.
    desk.run.refresh(desk.ledger.latest(&accounts));
    desk.says("done");
    let known = desk.run.spending();
    assert_eq!(known, {
        let mut stored = desk.ledger.latest(&accounts);
        stored.sort_by(|a, b| a.account.cmp(&b.account));
        stored
    });
}

#[test]
fn a_day_that_ends_while_a_call_runs_is_charged_what_it_had_reserved() {
    let mut brief = brief("ann");
    brief.limits.seconds = 86_400;
    let mut desk = Desk::new(brief);
    desk.go();
    desk.now = Day::of(NOON).next().begins();
    desk.calls(&[("look", "{}")]);
    desk.gives("seen");
    let days: Vec<_> = desk
        .ledger
        .accounts
        .iter()
        .filter(|((_, name), _)| name == "node")
        .map(|((day, _), of)| (*day, of.micro_usd))
        .collect();
    assert_eq!(days, [(Day::of(NOON), 140), (Day::of(NOON).next(), 0)]);
    assert_eq!(reserve(&desk).unwrap().day, Day::of(NOON).next());
}

#[test]
fn a_clock_that_was_set_back_gives_no_budget_twice() {
    let today = Day::of(NOON);
    for (days, charged) in [(1, Day(today.0 + 1)), (2, Day(today.0 + 2)), (3, today)] {
        let mut desk = Desk::new(brief("ann"));
        desk.run.refresh(vec![held("node", Day(today.0 + days), 1, 0)]);
        desk.go();
        assert_eq!(reserve(&desk).unwrap().day, charged, "a day that is {days} days later is known");
    }
}

fn words() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-zäß ]{0,200}").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// No tokenizer makes more tokens of the words than there are bytes, so that a model which counts each byte stays below.
    #[test]
    fn what_is_put_aside_is_never_less_than_what_a_call_can_use(
        (system, question) in (words(), words()),
        history in proptest::collection::vec(words(), 0..6),
        results in proptest::collection::vec((words(), words()), 0..4),
        compacted in any::<bool>(),
        answer_bytes in 200..60_000_usize,
    ) {
        let mut brief = brief("ann");
        (brief.system, brief.question, brief.limits.answer_bytes) = (system, question, answer_bytes);
        brief.history = history.into_iter().map(|text| Said { role: Role::User, text }).collect();
        let mut desk = Desk::new(brief);
        desk.go();
        for (n, (argument, result)) in results.iter().enumerate() {
            desk.calls(&[("look", &format!("{{\"{n}\":\"{argument}\"}}"))]);
            desk.gives(result);
        }
        if compacted {
            desk.fails(Class::TooLong, Billed::Nothing);
        }
        let request = desk.asked.last().unwrap();
        let tools: usize = request.tools.iter().map(|tool| tool.name.len() + tool.what.len() + tool.schema.len()).sum();
        let said: usize = request.history.iter().map(|said| said.text.len()).sum();
        let exchanged: usize = request.exchanges.iter().map(|exchange| {
            let calls: usize = exchange.calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
            exchange.text.len() + calls + exchange.results.iter().map(String::len).sum::<usize>()
        }).sum();
        let input = (tools + said + exchanged + request.system.len() + request.question.len()) as u64;
        let output = request.output_tokens_max;
        prop_assert!(output >= (answer_bytes / 3) as u64);
        let reserve = reserve(&desk).unwrap();
        prop_assert!(reserve.tokens >= input + output);
        let cost = desk.facts.offers.all[0].prices.cost(Usage { input, output, ..Usage::default() });
        prop_assert!(reserve.micro_usd >= cost);
    }

    /// Whatever calls cost within what they put aside, and wherever they are cut off: no budget ends below nothing.
    #[test]
    fn no_budget_is_ever_exceeded(
        budget in 40_000..300_000_u64,
        ends in proptest::collection::vec((0..5_u8, 0..=100_u64), 1..40),
    ) {
        let mut brief = brief("ann");
        brief.budget.micro_usd = budget;
        brief.limits.model_turns = 100;
        let mut desk = Desk::new(brief);
        desk.facts.limits.node_day = DayCap { micro_usd: Some(200_000), tokens: Some(60_000) };
        desk.go();
        for (n, (how, part)) in ends.iter().enumerate() {
            let Some(Todo::Ask(ask)) = &desk.todo else { break };
            let reserve = reserve(&desk).unwrap();
            let most = Usage { input: reserve.tokens - ask.request.output_tokens_max, output: ask.request.output_tokens_max, ..Usage::default() };
            let usage = Usage { input: most.input * part / 100, output: most.output * part / 100, ..most };
            match how {
                0 => desk.fails(Class::TimedOut, Billed::Known(usage)),
                1 => desk.fails(Class::TimedOut, Billed::Unknown),
                2 => {
                    desk.crash();
                    desk.go();
                }
                _ => {
                    let arguments = format!("{{\"n\":{n}}}");
                    let mut answer = answer("", &[("look", arguments.as_str())]);
                    answer.usage = usage;
                    desk.answers(Ok(answer));
                    desk.gives("seen");
                }
            }
            let charged: u64 = desk.steps().iter().map(|step| step.micro_usd + step.reserve.as_ref().map_or(0, |held| held.micro_usd)).sum();
            prop_assert!(charged <= budget, "{charged} of {budget}");
            let node = &desk.ledger.accounts[&(Day::of(NOON), "node".to_owned())];
            prop_assert!(node.micro_usd + node.reserved_micro_usd <= 200_000);
            prop_assert!(node.usage.tokens() + node.reserved_tokens <= 60_000);
        }
    }
}
