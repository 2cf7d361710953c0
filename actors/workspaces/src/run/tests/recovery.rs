//! What a run does when a model gives no answer: how often it asks, whom, with what, and what it is charged.

use messages::index::Hit;
use messages::model::{Billed, Class};
use messages::step::{StepStatus, Usage};
use rstest::rstest;

use super::super::End;
use super::desk::{Desk, answer, brief, failure};
use super::ground::NOON;

#[rstest]
#[case::timed_out(Class::TimedOut, 3)]
#[case::truncated(Class::Truncated, 3)]
#[case::upstream(Class::Upstream, 3)]
#[case::empty(Class::Empty, 3)]
#[case::too_long(Class::TooLong, 3)]
#[case::auth(Class::Auth, 1)]
#[case::arrears(Class::Arrears, 1)]
#[case::rate_limited(Class::RateLimited, 1)]
#[case::overloaded(Class::Overloaded, 1)]
#[case::quota(Class::Quota, 1)]
#[case::not_in_plan(Class::NotInPlan, 1)]
#[case::unreachable(Class::Unreachable, 1)]
#[case::refused(Class::Refused, 1)]
#[case::blocked(Class::Blocked, 1)]
#[case::not_allowed(Class::NotAllowed, 1)]
fn each_class_of_failure_is_tried_so_often_and_ends_as_its_table_says(#[case] class: Class, #[case] asks: usize) {
    let mut desk = Desk::begun();
    for _ in 0..asks {
        desk.fails(class, Billed::Nothing);
    }
    assert_eq!(desk.asked.len(), asks);
    let passes = matches!(
        class,
        Class::TimedOut
            | Class::Truncated
            | Class::Upstream
            | Class::Empty
            | Class::RateLimited
            | Class::Overloaded
            | Class::Unreachable
    );
    match desk.end() {
        End::Parked { words, until } => {
            assert!(matches!(class, Class::Quota | Class::Arrears) && words.contains("It gave none."), "{words}");
            assert_eq!(*until, (class == Class::Quota).then(|| NOON.plus_ms(60_000)));
        }
        End::Failed(why) => {
            assert!(!matches!(class, Class::Quota | Class::Arrears));
            assert_eq!(why.passes, passes, "{class:?}");
            assert!(why.words.contains("It gave none. Wait."), "what failed and what to do: {}", why.words);
        }
        other => panic!("{class:?}: {other:?}"),
    }
    assert_eq!(desk.steps().len(), 1, "it is one step, however often it is tried");
    assert_eq!(desk.last_status(), StepStatus::Failed);
}

#[test]
fn a_model_that_answered_with_nothing_twice_is_passed_over() {
    let mut desk = Desk::begun();
    desk.fails(Class::Empty, Billed::Nothing);
    desk.fails(Class::Empty, Billed::Nothing);
    let avoided: Vec<_> = desk.asked.iter().map(|request| request.avoid.clone()).collect();
    assert_eq!(avoided, [vec![], vec![], vec!["big".to_owned()]]);
    desk.calls(&[("look", "{}")]);
    desk.gives("seen");
    assert!(desk.asked[3].avoid.is_empty(), "the next step begins anew");
}

#[test]
fn failures_are_counted_by_step_and_forgotten_with_an_answer() {
    let mut desk = Desk::begun();
    for n in 0..4 {
        desk.fails(Class::TimedOut, Billed::Nothing);
        desk.fails(Class::TimedOut, Billed::Nothing);
        desk.calls(&[("look", &format!("{{\"n\":{n}}}"))]);
        desk.gives("seen");
    }
    desk.says("done");
    assert!(matches!(desk.end(), End::Answer(_)));
    assert_eq!(desk.asked.len(), 13);
}

#[test]
fn a_prompt_that_is_too_long_is_made_shorter_step_by_step() {
    let mut brief = brief("ann");
    brief.limits.passages = 2;
    brief.history = vec![messages::model::Said { role: messages::model::Role::User, text: "before".into() }];
    let mut desk = Desk::new(brief);
    desk.go();
    let hit = Hit {
        path: "notes/plan.md".into(),
        heading: String::new(),
        passage: "The plan.".into(),
        snippet: "The plan.".into(),
        score: 1.0,
        words_found: 1,
        words_asked: 1,
        ..Hit::default()
    };
    desk.answers_with(Some(vec![hit]), Ok(answer("", &[("look", r#"{"n":1}"#)])));
    desk.gives(&"a".repeat(5_000));
    desk.calls(&[("look", r#"{"n":2}"#)]);
    desk.gives(&"ä".repeat(5_000));
    desk.fails(Class::TooLong, Billed::Nothing);
    desk.fails(Class::TooLong, Billed::Nothing);
    let parts: Vec<_> = desk.asked[2..]
        .iter()
        .map(|request| {
            let results: Vec<_> = request.exchanges.iter().map(|exchange| exchange.results[0].len()).collect();
            (request.history.len(), request.passages.len(), results)
        })
        .collect();
    let note = "\n(the rest was left out)".len();
    assert_eq!(
        parts,
        [(1, 1, vec![5_000, 10_000]), (0, 1, vec![2_048 + note, 10_000]), (0, 0, vec![512 + note, 10_000]),],
        "what was said before, then older results and passages; never the last result"
    );
    assert_eq!(desk.asked[4].exchanges[0].calls.len(), 1, "calls stay beside their results");
}

#[test]
fn a_long_result_is_shortened_between_two_characters() {
    let mut desk = Desk::begun();
    desk.calls(&[("look", r#"{"n":1}"#)]);
    desk.gives(&format!("x{}", "ä".repeat(5_000)));
    desk.calls(&[("look", r#"{"n":2}"#)]);
    desk.gives("short");
    desk.fails(Class::TooLong, Billed::Nothing);
    let shortened = &desk.asked[3].exchanges[0].results[0];
    assert!(shortened.starts_with("xä") && shortened.len() < 2_048 + 30, "{}", shortened.len());
}

#[rstest]
#[case::nothing(Billed::Nothing)]
#[case::what_is_known(Billed::Known(Usage { input: 1_000, output: 100, cached: 0, reasoning: 0 }))]
#[case::all_that_was_reserved_when_nobody_knows(Billed::Unknown)]
fn a_failure_is_charged_what_it_cost(#[case] billed: Billed) {
    let mut desk = Desk::begun();
    let reserve = desk.steps()[0].reserve.clone().unwrap();
    desk.answers(Err(failure(Class::Refused, billed)));
    let (micro_usd, tokens) = match billed {
        Billed::Nothing => (0, 0),
        Billed::Known(_) => (1_000 + 400, 1_100),
        Billed::Unknown => (reserve.micro_usd, reserve.tokens),
    };
    let step = &desk.steps()[0];
    assert_eq!((step.micro_usd, step.usage.tokens()), (micro_usd, tokens));
    assert_eq!(desk.ledger.reserved(), 0);
    for account in desk.ledger.accounts.values() {
        assert_eq!((account.micro_usd, account.usage.tokens()), (micro_usd, tokens), "{}", account.account);
    }
}
