//! A run that makes no way ends.

use messages::step::StepStatus;
use rstest::rstest;

use super::super::{End, Used};
use super::desk::{Desk, brief};

#[rstest]
#[case::the_same([r#"{"a":1,"b":[2]}"#; 3], true)]
#[case::written_in_other_ways([r#"{"a":1,"b":[2]}"#, r#"{ "b": [2], "a": 1 }"#, "{\"a\":1,\n\"b\":[ 2 ]}"], true)]
#[case::with_another_value([r#"{"a":1}"#, r#"{"a":1}"#, r#"{"a":2}"#], false)]
#[case::in_another_order_where_it_matters([r#"{"b":[1,2]}"#, r#"{"b":[2,1]}"#, r#"{"b":[1,2]}"#], false)]
fn the_same_call_for_the_third_time_ends_the_run(#[case] arguments: [&str; 3], #[case] ends: bool) {
    let mut desk = Desk::begun();
    for (n, arguments) in arguments.into_iter().enumerate() {
        desk.calls(&[("look", arguments)]);
        if n < 2 {
            desk.gives("nothing new");
        }
    }
    assert_eq!(desk.used.len(), if ends { 2 } else { 3 });
    if ends {
        let (words, passes) = desk.failure();
        assert!(words.contains("3 times for the same `look`") && !passes, "{words}");
    }
}

#[test]
fn the_same_arguments_for_another_tool_are_no_circle() {
    let mut desk = Desk::begun();
    for tool in ["look", "write", "look", "write"] {
        desk.calls(&[(tool, "{}")]);
        desk.gives("done");
    }
    assert_eq!((desk.used.len(), desk.asked.len()), (4, 5));
}

#[test]
fn the_same_call_is_counted_also_within_one_answer_and_across_a_crash() {
    let mut desk = Desk::begun();
    desk.calls(&[("write", "{}"), ("write", "{}"), ("write", "{}")]);
    desk.gives("one");
    desk.crash();
    desk.go();
    desk.gives("two");
    assert!(desk.failure().0.contains("same `write`"));
}

#[test]
fn what_changed_nothing_is_written_with_what_comes_next_and_lost_with_a_crash_before_it() {
    let mut desk = Desk::begun();
    desk.calls(&[("look", "{\"n\":1}"), ("look", "{\"n\":2}"), ("write", "{}")]);
    desk.gives("one");
    assert_eq!(desk.steps().len(), 1, "no commit of its own for what may be done again");
    desk.crash();
    desk.go();
    desk.gives("one");
    desk.gives("two");
    assert_eq!(desk.steps().len(), 4, "the mark of what changes something takes the others with it");
    let looks = desk.used.iter().filter(|of| of.call.name == "look").count();
    assert_eq!(looks, 4, "both were begun before the crash, and both are used again");
}

#[rstest]
#[case(1)]
#[case(3)]
#[case(24)]
fn a_run_asks_models_so_often_and_no_more(#[case] turns: u32) {
    let mut brief = brief("ann");
    brief.limits.model_turns = turns;
    brief.budget.micro_usd = u64::MAX;
    brief.budget.output_tokens = u64::MAX;
    let mut desk = Desk::new(brief);
    desk.go();
    for n in 0..turns {
        desk.calls(&[("look", &format!("{{\"n\":{n}}}"))]);
        desk.gives("found");
    }
    assert_eq!(desk.asked.len(), turns as usize);
    let (words, passes) = desk.failure();
    assert!(words.contains(&format!("after {turns} model calls")) && !passes, "{words}");
}

#[test]
fn a_step_that_is_tried_again_counts_as_one_turn() {
    let mut brief = brief("ann");
    brief.limits.model_turns = 1;
    let mut desk = Desk::new(brief);
    desk.go();
    desk.fails(messages::model::Class::TimedOut, messages::model::Billed::Nothing);
    desk.crash();
    desk.go();
    desk.says("done");
    assert!(matches!(desk.end(), End::Answer(answer) if answer.text == "done"));
}

#[test]
fn three_refused_calls_in_a_row_are_borne_and_the_next_ends_the_run() {
    let mut desk = Desk::begun();
    for n in 1..=3 {
        desk.calls(&[("nothing_of_the_kind", &format!("[{n}]"))]);
        assert_eq!((desk.refused(), desk.asked.len()), (n, n + 1));
    }
    desk.calls(&[("look", "{}")]);
    assert!(desk.used.is_empty());
    let (words, passes) = desk.failure();
    assert!(words.contains("3 calls of tools in a row") && !passes, "{words}");
}

#[test]
fn a_call_that_was_allowed_between_refused_ones_lets_the_run_go_on() {
    let mut desk = Desk::begun();
    for n in 0..4 {
        desk.calls(&[("nothing_of_the_kind", &n.to_string()), ("nor_of_that", &n.to_string())]);
        desk.calls(&[("look", &format!("{{\"n\":{n}}}"))]);
        // Also one that said no was allowed.
        desk.uses(Used::Failed("It is not there.".into()));
    }
    desk.says("done");
    assert_eq!(desk.refused(), 8);
    assert!(matches!(desk.end(), End::Answer(_)));
    assert_eq!(desk.last_status(), StepStatus::Done);
}

#[test]
fn a_run_that_takes_too_long_fails_and_another_may_succeed() {
    for (ms, asks) in [(3_599_000, true), (3_600_000, false)] {
        let mut desk = Desk::begun();
        desk.calls(&[("look", "{}")]);
        desk.now = desk.now.plus_ms(ms);
        desk.gives("late");
        assert_eq!(desk.asked.len() == 2, asks, "{ms}");
        if asks {
            assert_eq!(desk.asked[1].seconds_max, 1);
        } else {
            let (words, passes) = desk.failure();
            assert!(words.contains("longer than the 3600 s") && passes, "{words}");
        }
    }
}
