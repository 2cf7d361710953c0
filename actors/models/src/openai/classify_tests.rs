use std::time::Duration;

use messages::Moment;
use messages::model::{Action, Billed};

use super::*;

fn callee() -> Callee {
    Callee {
        name: "zai".into(),
        provider: "zai".into(),
        model: "glm-5.3".into(),
        base_url: "https://api.z.ai/api/paas/v4".into(),
    }
}

fn told(status: u16, code: &str) -> Told {
    Told { status, code: code.into(), message: "words of theirs".into(), retry_after: None }
}

#[test]
fn every_documented_error_has_the_action_of_the_table() {
    let table: &[(u16, &[&str], Action)] = &[
        (401, &["1000", "1001", "1003", "1005"], Action::FailAndTellAdmin),
        (429, &["1113"], Action::ParkAndTellAdmin),
        (429, &["1302", "1303"], Action::BackOff),
        (429, &["1305", "1312"], Action::RetryThenFallBack),
        (429, &["1308", "1310", "1316", "1317", "1318", "1319", "1320", "1321"], Action::ParkUntilReset),
        (429, &["1309", "1311", "1313", "1314", "1315"], Action::FallBack),
        (400, &["1210", "1211", "1212", "1213", "1214", "1215", "1221", "1222"], Action::Fail),
        (403, &["1220"], Action::Fail),
        (400, &["1261"], Action::Compact),
        (400, &["1301"], Action::Refuse),
        (500, &["1200", "1230", "1234"], Action::Retry),
    ];
    for (status, codes, action) in table {
        for code in *codes {
            // Within a stream the status says nothing.
            for status in [*status, 200] {
                let failure = classify(&callee(), &told(status, code)).failure;
                assert_eq!(failure.class.action(), *action, "{status} {code}");
                assert_eq!(failure.billed, Billed::Nothing);
                assert!(failure.message.contains("words of theirs") && !failure.advice.is_empty(), "{failure:?}");
            }
        }
    }
}

#[test]
fn an_endpoint_without_codes_is_judged_by_its_status() {
    use Class::{Arrears, Auth, Blocked, Overloaded, RateLimited, Refused, TooLong, Upstream};
    for (status, code, class) in [
        (401, "", Auth),
        (403, "", Auth),
        (400, "invalid_api_key", Auth),
        (402, "", Arrears),
        (429, "insufficient_quota", Arrears),
        (429, "", RateLimited),
        (429, "unheard_of", RateLimited),
        (503, "", Overloaded),
        (529, "", Overloaded),
        (400, "", Refused),
        (404, "model_not_found", Refused),
        (301, "", Refused),
        (307, "", Refused),
        (418, "", Refused),
        (400, "context_length_exceeded", TooLong),
        (413, "", TooLong),
        (400, "content_filter", Blocked),
        (500, "", Upstream),
        (502, "", Upstream),
        (599, "", Upstream),
        (408, "", Upstream),
        (200, "", Upstream),
        (200, "whatever", Upstream),
    ] {
        assert_eq!(classify(&callee(), &told(status, code)).failure.class, class, "{status} {code:?}");
    }
}

#[test]
fn a_quota_knows_when_it_is_reset_by_the_header_or_by_its_words() {
    let words = Told { message: "Your limit will reset in 2 hours".into(), ..told(429, "1308") };
    assert_eq!(classify(&callee(), &words).wait, Some(Wait::For(Duration::from_secs(7_200))));
    let header = Some(Wait::Until(Moment(7)));
    assert_eq!(classify(&callee(), &Told { retry_after: header, ..words.clone() }).wait, header);
    assert_eq!(classify(&callee(), &Told { code: "1302".into(), ..words }).wait, None, "only a quota's words are read");
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
