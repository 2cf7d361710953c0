//! For each class of failure: what is done about it, counted at the wire.

use std::time::Duration;

use messages::Moment;
use messages::model::{Billed, Class, Purpose, Request};
use messages::step::Usage;
use models::{ProviderConfig, ProviderKind};
use runtime::System;

use crate::node::{answer, described, endpoint, failure, nobody, node_asking, question, zai};
use crate::server::{Act, DONE, Server, chunk, end, event, head, refusal, reply, server, stop, used, whole};

/// z.ai's models as these tests chain them, and their names at the endpoint.
const CHAIN: [&str; 2] = ["zai", "zai/glm-4.6"];
const FIRST: &str = "glm-5.2";
const NEXT: &str = "glm-4.6";

async fn chained(scripts: Vec<Vec<Act>>) -> (Server, System) {
    let server = server(scripts).await;
    let system = node_asking(&CHAIN, vec![zai(&server.base_url)]).await;
    (server, system)
}

#[tokio::test]
async fn what_another_model_may_do_better_is_asked_of_the_next() {
    for (status, code, asked) in [
        (401, "1001", vec![FIRST, NEXT]),
        (429, "1113", vec![FIRST, NEXT]),
        (429, "1308", vec![FIRST, NEXT]),
        (429, "1311", vec![FIRST, NEXT]),
        (429, "1305", vec![FIRST, FIRST, FIRST, NEXT]),
        (503, "", vec![FIRST, FIRST, FIRST, NEXT]),
    ] {
        let mut scripts: Vec<Vec<Act>> = (1..asked.len()).map(|_| refusal(status, code, "")).collect();
        scripts.push(whole(&["ok"]));
        let (server, system) = chained(scripts).await;
        assert_eq!(answer(&system, question("q")).await.model, CHAIN[1], "{status} {code}");
        assert_eq!(server.seen.models(), asked, "{status} {code}");
    }
}

#[tokio::test]
async fn what_no_other_model_does_better_ends_it() {
    for (status, code, class, calls) in [
        (400, "1210", Class::Refused, 1),
        (403, "1220", Class::Refused, 1),
        (400, "1261", Class::TooLong, 1),
        (400, "1301", Class::Blocked, 1),
        (500, "1234", Class::Upstream, 3),
    ] {
        let (server, system) = chained((0..calls).map(|_| refusal(status, code, "")).collect()).await;
        let failure = failure(&system, question("q")).await;
        assert_eq!((failure.class, failure.billed, failure.model.as_str()), (class, Billed::Nothing, "zai"), "{code}");
        assert_eq!(server.seen.models(), vec![FIRST; calls], "{code}");
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_as_long_as_the_provider_asks_and_the_window_is_halved() {
    let (server, system) = chained(vec![refusal(429, "1302", "retry-after: 1\r\n"), whole(&["ok"])]).await;
    assert_eq!(answer(&system, question("q")).await.model, "zai");
    assert_eq!(server.seen.models(), [FIRST, FIRST]);
    let pause = server.seen.pauses()[0];
    // A busy machine is late, but never early.
    assert!(pause >= Duration::from_secs(1) && pause < Duration::from_secs(15), "{pause:?}");
    // From 2 to 1, and after one answer to 2 again.
    assert!(described(&system).await.contains("zai: 0 of 2 (at most 16) calls, 0 waiting"));
}

#[tokio::test]
async fn a_rate_limit_that_outlasts_the_call_says_until_when() {
    let (server, system) = chained(vec![refusal(429, "1302", "retry-after: 3600\r\n")]).await;
    let before = system.now();
    let failure = failure(&system, question("q")).await;
    assert_eq!((failure.class, failure.billed), (Class::RateLimited, Billed::Nothing));
    let wait = failure.retry_at.unwrap().ms_since(before);
    assert!((3_600_000..3_660_000).contains(&wait), "{wait}");
    assert_eq!(server.seen.models(), [FIRST]);
    assert!(described(&system).await.contains("zai: 0 of 1 (at most 16) calls"));
}

#[tokio::test]
async fn what_was_paid_goes_back_at_once_with_the_model_and_its_cost() {
    let thoughts = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n";
    let error = "data: {\"error\":{\"code\":\"1305\",\"message\":\"too much\"}}\n\n";
    let known = Billed::Known(Usage { input: 9, output: 4, cached: 0, reasoning: 1 });
    for (script, class, billed) in [
        (vec![chunk(thoughts), chunk(&used("stop", 9, 4)), chunk(DONE), end()], Class::Empty, known),
        (vec![chunk(thoughts), chunk(&stop("stop")), chunk(DONE), end()], Class::Empty, Billed::Unknown),
        (vec![chunk(&event("half an")), end()], Class::Truncated, Billed::Unknown),
        (vec![chunk(&event("half an")), chunk(error), end()], Class::Overloaded, Billed::Unknown),
        (vec![chunk(&event("half an")), chunk(&stop("network_error")), end()], Class::Upstream, Billed::Unknown),
        (vec![chunk(&event("half an")), chunk(&stop("sensitive")), end()], Class::Blocked, Billed::Unknown),
        (vec![chunk(&event("half an")), Act::Reset], Class::Unreachable, Billed::Unknown),
    ] {
        let script = std::iter::once(head()).chain(script).collect();
        let (server, system) = chained(vec![script, whole(&["ok"])]).await;
        let failure = failure(&system, question("q")).await;
        assert_eq!((failure.class, failure.billed, failure.model.as_str()), (class, billed, "zai"));
        assert_eq!(server.seen.models(), [FIRST], "{class:?}");
        // Whoever asked makes the next try its own, and names what gave nothing.
        let again = Request { avoid: vec!["zai".into()], ..question("q") };
        assert_eq!(answer(&system, again).await.model, CHAIN[1]);
        assert_eq!(server.seen.models(), [FIRST, NEXT], "{class:?}");
    }
}

#[tokio::test]
async fn a_refusal_at_the_beginning_of_a_stream_is_one_like_any_other() {
    let error = "data: {\"error\":{\"code\":\"1311\",\"message\":\"not in your plan\"}}\n\n";
    let (server, system) = chained(vec![vec![head(), chunk(error), end()], whole(&["ok"])]).await;
    assert_eq!(answer(&system, question("q")).await.model, CHAIN[1]);
    assert_eq!(server.seen.models(), [FIRST, NEXT]);
}

#[tokio::test]
async fn when_no_model_is_left_the_quota_that_is_reset_first_is_told() {
    let quota = |at: &str| {
        let body = format!(r#"{{"error":{{"code":"1308","message":"Your limit will reset at {at}"}}}}"#);
        reply("429 Too Many Requests", "", &body)
    };
    // The clock is the machine's; what is past is now, and what is far is no date.
    let (server, system) = chained(vec![quota("2020-01-01 00:00:00"), quota("2999-01-01 00:00:00")]).await;
    let before = system.now();
    let failure = failure(&system, question("q")).await;
    assert_eq!((failure.class, failure.model.as_str()), (Class::Quota, "zai"));
    let at: Moment = failure.retry_at.unwrap();
    assert!(at >= before && at <= system.now(), "{at:?}");
    assert_eq!(server.seen.models(), [FIRST, NEXT]);
}

#[tokio::test]
async fn when_all_fail_the_last_failure_is_told() {
    let (server, system) = chained(vec![refusal(429, "1311", ""), refusal(401, "1000", "")]).await;
    let failure = failure(&system, question("q")).await;
    assert_eq!((failure.class, failure.model.as_str()), (Class::Auth, CHAIN[1]));
    assert_eq!(server.seen.calls(), 2);
}

#[tokio::test]
async fn what_an_admin_must_mend_raises_an_alarm_that_the_next_success_clears() {
    for (status, code, words) in [(401, "1000", "was not accepted"), (429, "1113", "has no credit")] {
        let (_server, system) = chained(vec![refusal(status, code, ""), whole(&["ok"]), whole(&["ok"])]).await;
        assert_eq!(answer(&system, question("q")).await.model, CHAIN[1]);
        let alarms = system.alarms();
        assert!(alarms.len() == 1 && alarms[0].contains(words) && alarms[0].contains("`zai`"), "{alarms:?}");
        assert_eq!(answer(&system, question("q")).await.model, "zai");
        assert_eq!(system.alarms(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_stood_in_for_by_another() {
    let (_nobody, base_url) = nobody();
    let offline = ProviderConfig::new("offline", ProviderKind::Offline);
    let system = node_asking(&["zai", "offline"], vec![endpoint(&base_url), offline]).await;
    assert_eq!(answer(&system, question("q")).await.model, "offline");
}

#[tokio::test]
async fn a_window_opens_with_two_and_keeps_more_waiting() {
    let word = std::sync::Arc::new(tokio::sync::Notify::new());
    let held = || {
        let mut script = vec![Act::Wait(word.clone())];
        script.extend(whole(&["a"]));
        script
    };
    let (server, system) = chained((0..4).map(|_| held()).collect()).await;
    let asked: Vec<_> = (0..4).map(|n| crate::node::asked(&system, question(&format!("q{n}")))).collect();
    crate::node::until_described(&system, "zai: 2 of 2 (at most 16) calls, 2 waiting").await;
    let seen = async {
        while server.seen.calls() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap();
    assert_eq!(server.seen.calls(), 2);
    for calls in [3, 4] {
        word.notify_one();
        let seen = async {
            while server.seen.calls() < calls {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap();
    }
    // One place more after two answers.
    crate::node::until_described(&system, "zai: 2 of 3 (at most 16) calls, 0 waiting").await;
    word.notify_one();
    word.notify_one();
    for one in asked {
        assert!(one.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_purpose_has_a_route_of_its_own_and_says_whether_the_model_thinks() {
    let server = server(vec![whole(&["a"]), whole(&["b"])]).await;
    let system = node_asking(&["zai/glm-5.3-flash"], vec![zai(&server.base_url)]).await;
    for purpose in [Purpose::Chat, Purpose::Research] {
        answer(&system, Request { purpose, allowed: vec!["zai/glm-4.7".into()], ..question("q") }).await;
    }
    let thinking: Vec<String> =
        server.seen.bodies().iter().map(|body| body["thinking"]["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        (server.seen.models(), thinking),
        (vec!["glm-4.7".into(); 2], vec!["disabled".into(), "enabled".into()])
    );
}
