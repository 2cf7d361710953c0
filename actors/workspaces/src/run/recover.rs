//! What a run does when a model gave no answer: the table of [`messages::model::Class`], as far as it is the asker's part.
//! What costs nothing was tried again, and other models were asked, before it came here.

use messages::model::{Action, Failure};

use super::{End, Why};

/// Tries of one step, the first included, where another may succeed.
const TRIES_MAX: u32 = 3;

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Recovery {
    /// The same again.
    Again,
    /// The same, of another model.
    AnotherModel,
    /// The same with less in the prompt.
    Shorter,
    /// The run is over.
    End(End),
}

/// After a step has failed for the `failed`-th time (from 1).
pub(super) fn recovery(failure: &Failure, failed: u32) -> Recovery {
    let words = || format!("The model gave no answer: {} {}", failure.message, failure.advice);
    let passing = || Recovery::End(End::Failed(Why::passing(words())));
    let lasting = || Recovery::End(End::Failed(Why::lasting(words())));
    match failure.class.action() {
        Action::Retry if failed < TRIES_MAX => Recovery::Again,
        Action::RetryOnceThenFallBack if failed == 1 => Recovery::Again,
        Action::RetryOnceThenFallBack if failed < TRIES_MAX => Recovery::AnotherModel,
        Action::Compact if failed < TRIES_MAX => Recovery::Shorter,
        Action::Retry | Action::RetryOnceThenFallBack | Action::RetryThenFallBack | Action::BackOff => passing(),
        Action::ParkUntilReset => Recovery::End(End::Parked { words: words(), until: failure.retry_at }),
        Action::ParkAndTellAdmin => Recovery::End(End::Parked { words: words(), until: None }),
        Action::Fail | Action::FailAndTellAdmin | Action::FallBack | Action::Compact | Action::Refuse => lasting(),
    }
}

#[cfg(test)]
mod tests {
    use messages::model::{Billed, Class};

    use super::*;

    fn after(class: Class, failed: u32) -> Recovery {
        let failure = Failure {
            class,
            message: "m".into(),
            advice: "a".into(),
            model: "zai".into(),
            billed: Billed::Nothing,
            retry_at: None,
        };
        recovery(&failure, failed)
    }

    #[test]
    fn every_class_ends_after_a_few_tries() {
        for class in Class::ALL {
            assert!(matches!(after(class, TRIES_MAX), Recovery::End(_)), "{class:?}");
        }
    }

    #[test]
    fn each_class_has_the_action_of_the_table() {
        assert_eq!([1, 2].map(|n| after(Class::Empty, n)), [Recovery::Again, Recovery::AnotherModel]);
        assert_eq!([1, 2].map(|n| after(Class::Truncated, n)), [Recovery::Again, Recovery::Again]);
        assert_eq!([1, 2].map(|n| after(Class::TooLong, n)), [Recovery::Shorter, Recovery::Shorter]);
        for class in [Class::Auth, Class::Refused, Class::Blocked, Class::NotAllowed, Class::NotInPlan] {
            assert!(matches!(after(class, 1), Recovery::End(End::Failed(Why { passes: false, .. }))), "{class:?}");
        }
        for class in [Class::RateLimited, Class::Overloaded, Class::Unreachable] {
            assert!(matches!(after(class, 1), Recovery::End(End::Failed(Why { passes: true, .. }))), "{class:?}");
        }
        for class in [Class::Quota, Class::Arrears] {
            assert!(matches!(after(class, 1), Recovery::End(End::Parked { .. })), "{class:?}");
        }
    }
}
