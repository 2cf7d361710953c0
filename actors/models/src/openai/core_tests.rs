use super::*;
use proptest::prelude::*;

fn callee() -> Callee {
    Callee { name: "zai".into(), model: "glm-5.3".into(), base_url: "https://api.z.ai/api/paas/v4".into() }
}

fn told(status: u16, code: &str) -> Told {
    Told { status, code: code.into(), message: "words of theirs".into(), retry_after: None }
}

#[test]
fn every_documented_error_has_its_class_and_only_what_passes_is_tried_again() {
    use Class::{Auth, RateLimited, Refused, Upstream};
    let table: &[(u16, &[&str], Class, bool)] = &[
        (401, &["", "1000", "1001", "1003", "1005"], Auth, false),
        (403, &["", "1220"], Auth, false),
        (429, &["1113", "insufficient_quota", "1309", "1311", "1313", "1314", "1315"], Auth, false),
        (429, &["", "1302", "1303", "1305", "1312"], RateLimited, true),
        (429, &["1308", "1310", "1316", "1317", "1318", "1319", "1320", "1321"], RateLimited, false),
        (400, &["", "1210", "1211", "1212", "1213", "1214", "1215", "1221", "1222", "1261", "1301"], Refused, false),
        (404, &["", "model_not_found"], Refused, false),
        (301, &[""], Refused, false),
        (307, &[""], Refused, false),
        (418, &[""], Refused, false),
        (500, &["", "1200", "1230", "1234"], Upstream, true),
        (408, &[""], Upstream, true),
        (502, &[""], Upstream, true),
        (599, &[""], Upstream, true),
        (200, &["", "whatever"], Upstream, true),
        (200, &["1302"], RateLimited, true),
        (200, &["1301"], Refused, false),
    ];
    for (status, codes, class, passes) in table {
        for code in *codes {
            let fault = classify(&callee(), &told(*status, code));
            assert_eq!((fault.failure.class, fault.passes), (*class, *passes), "{status} {code:?}");
            assert!(!fault.failure.advice.is_empty(), "{status} {code:?}");
        }
    }
}

#[test]
fn a_refused_key_says_where_to_set_it() {
    let failure = classify(&callee(), &told(401, "1001")).failure;
    assert_eq!(
        failure.message,
        "The key of model `zai` was not accepted by https://api.z.ai/api/paas/v4: \"words of theirs\"."
    );
    assert!(
        failure.advice.contains("ZAI_API_KEY") && failure.advice.contains("agent-runtime.toml"),
        "{}",
        failure.advice
    );
}

#[test]
fn the_provider_s_words_are_one_line_and_cut() {
    assert_eq!(quoted("a\n\u{7}b\t c."), ": \"a b c\"");
    assert_eq!(quoted(" \n"), "");
    assert!(!quoted(&"x".repeat(WORDS_CHARS_MAX)).contains('…'));
    assert!(quoted(&"ä".repeat(WORDS_CHARS_MAX + 1)).ends_with("ä…\""));
}

fn attempt(made: u32) -> Attempt {
    Attempt { made, heard: false, left: Duration::from_secs(60), seed: 7 }
}

fn fault(class: Class) -> Fault {
    Fault::new(class, "m", "a")
}

#[test]
fn what_passes_is_tried_twice_more_and_an_empty_answer_once() {
    for class in [Class::RateLimited, Class::Upstream, Class::Unreachable] {
        let tries: Vec<_> = (1..=3).map(|made| pause_before_retry(&fault(class), attempt(made)).is_some()).collect();
        assert_eq!(tries, [true, true, false], "{class:?}");
    }
    let tries: Vec<_> = (1..=2).map(|made| pause_before_retry(&fault(Class::Empty), attempt(made)).is_some()).collect();
    assert_eq!(tries, [true, false]);
}

#[test]
fn what_does_not_pass_is_never_tried_again() {
    for class in [Class::Auth, Class::Refused, Class::TimedOut, Class::Truncated, Class::NotAllowed] {
        assert_eq!(pause_before_retry(&fault(class), attempt(1)), None, "{class:?}");
    }
}

#[test]
fn a_call_whose_words_were_heard_is_never_tried_again() {
    let heard = Attempt { heard: true, ..attempt(1) };
    assert_eq!(pause_before_retry(&fault(Class::Unreachable), heard), None);
}

#[test]
fn a_pause_the_provider_asks_for_is_kept_or_the_call_is_given_up() {
    let mut limited = fault(Class::RateLimited);
    limited.retry_after = Some(Duration::from_secs(20));
    assert_eq!(pause_before_retry(&limited, attempt(1)), Some(Duration::from_secs(20)));
    let hurried = Attempt { left: Duration::from_secs(20), ..attempt(1) };
    assert_eq!(pause_before_retry(&limited, hurried), None);
}

proptest! {
    #[test]
    fn a_pause_grows_within_its_bounds(made in 1u32..3, seed: u64) {
        let pause = pause_before_retry(&fault(Class::Upstream), Attempt { seed, ..attempt(made) }).unwrap();
        let step = BACKOFF_MS_MIN << (made - 1);
        prop_assert!(pause >= Duration::from_millis(step / 2) && pause <= Duration::from_millis(step));
    }
}
