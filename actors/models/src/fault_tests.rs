use messages::step::Usage;
use proptest::prelude::*;

use super::*;

const NOW: Moment = Moment(1_000_000);

fn attempt(made: u32) -> Attempt {
    Attempt { made, left: Duration::from_secs(60), seed: 7, now: NOW }
}

fn fault(class: Class) -> Fault {
    Fault::new(class, "m", "a")
}

/// How often a call of this kind is made in all.
fn calls(fault: &Fault) -> u32 {
    (1..).find(|made| pause_before_retry(fault, attempt(*made)).is_none()).unwrap()
}

#[test]
fn each_class_is_tried_again_as_the_table_says() {
    for class in Class::ALL {
        let expected = match class {
            Class::RateLimited => 9,
            Class::Overloaded | Class::Unreachable | Class::TimedOut | Class::Truncated | Class::Upstream => 3,
            _ => 1,
        };
        assert_eq!(calls(&fault(class)), expected, "{class:?}");
    }
}

#[test]
fn what_was_worked_on_is_never_tried_again_here() {
    for class in Class::ALL {
        for billed in [Billed::Unknown, Billed::Known(Usage::default())] {
            assert_eq!(calls(&fault(class).costing(billed)), 1, "{class:?}");
        }
    }
}

#[test]
fn a_pause_the_provider_asks_for_is_kept_or_the_call_is_given_up() {
    for wait in [Wait::For(Duration::from_secs(20)), Wait::Until(NOW.plus_ms(20_000))] {
        let limited = Fault { wait: Some(wait), ..fault(Class::RateLimited) };
        let pause = pause_before_retry(&limited, attempt(1)).unwrap();
        assert!(
            pause >= Duration::from_secs(20) && pause <= Duration::from_millis(20_000 + BACKOFF_MS_MIN),
            "{pause:?}"
        );
        let hurried = Attempt { left: Duration::from_secs(20), ..attempt(1) };
        assert_eq!(pause_before_retry(&limited, hurried), None);
        assert_eq!(limited.told("zai", NOW).retry_at, Some(NOW.plus_ms(20_000)));
    }
}

#[test]
fn a_reset_that_has_passed_is_now_and_one_that_nobody_would_wait_for_is_none() {
    let at = |wait| Fault { wait: Some(wait), ..fault(Class::Quota) }.told("zai", NOW).retry_at;
    assert_eq!(at(Wait::Until(Moment(5))), Some(NOW));
    assert_eq!(at(Wait::Until(NOW.plus_ms(RESET_DAYS_MAX * DAY_MS))), Some(NOW.plus_ms(RESET_DAYS_MAX * DAY_MS)));
    assert_eq!(at(Wait::Until(NOW.plus_ms(RESET_DAYS_MAX * DAY_MS + 1))), None);
    assert_eq!(at(Wait::For(Duration::MAX)), None);
}

proptest! {
    #[test]
    fn a_pause_is_by_chance_from_nothing_to_a_bound_that_doubles(made in 1u32..9, seed: u64) {
        let pause = pause_before_retry(&fault(Class::RateLimited), Attempt { seed, ..attempt(made) }).unwrap();
        prop_assert!(pause <= Duration::from_millis((BACKOFF_MS_MIN << (made - 1)).min(BACKOFF_MS_MAX)));
    }
}
