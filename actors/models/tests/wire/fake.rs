//! The fake of the tests of the whole, as these models see it: what it does on command is what they make of it.

use messages::model::{Class, Exchange, Request};
use messages::tool::{Repeat, Risk, ToolSpec};

use crate::fake_model::{FakeModel, Mode};
use crate::node::{answer, failure, node, patient, question, zai};

fn tools() -> Vec<ToolSpec> {
    let (schema, what) = (r#"{"type":"object"}"#.to_owned(), "Reads.".to_owned());
    let (risk, repeat) = (Risk::Low, Repeat::Free);
    vec![ToolSpec { name: "md_read".into(), what, schema, risk, repeat, tasks_only: false }]
}

#[tokio::test]
async fn each_misbehaviour_is_taken_for_what_it_is() {
    let fake = FakeModel::start(0).await.unwrap();
    let system = node(vec![zai(&fake.zai_url())]).await;
    for (name, class) in [
        ("code:1000", Class::Auth),
        ("code:1113", Class::Arrears),
        ("code:1308", Class::Quota),
        ("code:1311", Class::NotInPlan),
        ("code:1214", Class::Refused),
        ("code:1261", Class::TooLong),
        ("code:1301", Class::Blocked),
        ("cut_before_first", Class::Unreachable),
        ("cut_in_middle", Class::Unreachable),
        ("cut_in_arguments", Class::Unreachable),
        ("no_done", Class::Truncated),
        ("empty", Class::Empty),
        ("reasoning_only", Class::Empty),
        ("invalid_json", Class::Upstream),
        ("stream_error", Class::Upstream),
        ("stream_error:1305", Class::Overloaded),
        ("finish:network_error", Class::Upstream),
        ("finish:sensitive", Class::Blocked),
        ("finish:tool_calls", Class::Empty),
    ] {
        fake.set(Mode::named(name).unwrap());
        assert_eq!(failure(&system, question("question")).await.class, class, "{name}");
    }
    let system = node(vec![patient(&fake.zai_url(), 300, 300)]).await;
    for name in ["never_ends", "slow_first_byte", "slow_between"] {
        fake.set(Mode::named(name).unwrap());
        assert_eq!(failure(&system, question("question")).await.class, Class::TimedOut, "{name}");
    }
}

#[tokio::test]
async fn a_quota_of_the_fake_says_when_it_is_reset() {
    let fake = FakeModel::start(0).await.unwrap();
    fake.set(Mode::Code { code: "1310".into(), retry_after_s: None, reset: "in 2 hours".into() });
    let system = node(vec![zai(&fake.zai_url())]).await;
    let before = system.now();
    let wait = failure(&system, question("q")).await.retry_at.unwrap().ms_since(before);
    assert!((7_200_000..7_300_000).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_script_of_tools_is_carried_through_to_its_answer() {
    let fake = FakeModel::start(0).await.unwrap();
    let system = node(vec![zai(&fake.zai_url())]).await;
    let words = "Read both.\ntools: md_read {\"path\":\"a.md\"}\ntools: md_read {\"path\":\"b.md\"}";
    let mut request = Request { tools: tools(), ..question(words) };
    for path in ["a.md", "b.md"] {
        let turn = answer(&system, request.clone()).await;
        assert_eq!(turn.calls.len(), 1);
        assert_eq!(turn.calls[0].arguments, format!("{{\"path\":\"{path}\"}}"));
        assert!(turn.usage.input > 0 && turn.usage.output > 0);
        let results = vec![format!("what {path} holds")];
        request.exchanges.push(Exchange { text: turn.text, calls: turn.calls, results });
    }
    request.exchanges.push(Exchange { results: vec!["a subtask ended".into()], ..Exchange::default() });
    let last = answer(&system, request).await;
    assert_eq!(last.text, "echo: Read both.\nresult: what a.md holds\nresult: what b.md holds\ntold: a subtask ended");
}

#[tokio::test]
async fn wrong_and_many_tools_are_given_as_they_came() {
    let fake = FakeModel::start(0).await.unwrap();
    let system = node(vec![zai(&fake.zai_url())]).await;
    let request = || Request { tools: tools(), ..question("q") };
    fake.set(Mode::Sequence { modes: vec![Mode::InvalidArguments, Mode::named("many_calls").unwrap()] });
    let invalid = answer(&system, request()).await;
    assert_eq!(
        (invalid.calls[0].name.as_str(), invalid.calls[0].arguments.as_str()),
        ("md_read", "{\"path\": \"notes/pl")
    );
    let many = answer(&system, request()).await;
    assert_eq!((many.calls.len(), many.calls_left_out), (16, 984));
    assert_eq!(answer(&system, request()).await.text, "echo: q");
    fake.set(Mode::Endless);
    let endless = answer(&system, request()).await;
    assert!(endless.cut && (3_990..=4_000).contains(&endless.text.len()), "{}", endless.text.len());
}
