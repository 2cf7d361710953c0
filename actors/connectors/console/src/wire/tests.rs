use messages::admin::{IndexAnswer, IndexAsk};
use messages::index;
use messages::model::{Answer, Purpose};
use messages::offer::Offer;
use messages::task::{Budget, Spent, TaskState, Wait};
use messages::{Address, Moment, TaskId};

use super::*;

fn golden<T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(frame: &T, text: &str) {
    assert_eq!(serde_json::to_string(frame).unwrap(), text);
    assert_eq!(&serde_json::from_str::<T>(text).unwrap(), frame);
}

#[test]
fn what_the_client_says_reads_the_same_in_every_build_of_this_version() {
    let hello = Hello {
        version: 2,
        user: "ann".into(),
        workspace: "home".into(),
        context: "general".into(),
        session: "s1".into(),
        previews: true,
        only_asks: false,
        flushed: vec![7],
        generation: 1,
    };
    golden(
        &FromClient::Hello(hello),
        r#"{"hello":{"version":2,"user":"ann","workspace":"home","context":"general","session":"s1","previews":true,"only_asks":false,"flushed":[7],"generation":1}}"#,
    );
    golden(
        &FromClient::Submit { event: "s1:1".into(), text: "a\u{200b}\n".into() },
        "{\"submit\":{\"event\":\"s1:1\",\"text\":\"a\u{200b}\\n\"}}",
    );
    golden(
        &FromClient::Edit { event: "s1:2".into(), target: "s1:1".into(), text: "b".into() },
        r#"{"edit":{"event":"s1:2","target":"s1:1","text":"b"}}"#,
    );
    golden(
        &FromClient::Delete { event: "s1:3".into(), target: "s1:1".into() },
        r#"{"delete":{"event":"s1:3","target":"s1:1"}}"#,
    );
    golden(&FromClient::Flushed { delivery: 9 }, r#"{"flushed":{"delivery":9}}"#);
    golden(&FromClient::Ask { n: 1, what: AdminAsk::Actors }, r#"{"ask":{"n":1,"what":"actors"}}"#);
    golden(
        &FromClient::Ask { n: 2, what: AdminAsk::Restart { address: "models".into() } },
        r#"{"ask":{"n":2,"what":{"restart":{"address":"models"}}}}"#,
    );
    golden(&FromClient::Bye, r#""bye""#);
}

#[test]
fn what_the_node_says_reads_the_same_in_every_build_of_this_version() {
    let inbound = InboundId::from_row("in_4k2v9m0x4k2v9m0x".into());
    golden(
        &FromNode::Welcome(Welcome {
            node: "n1".into(),
            workspace: "home".into(),
            context: "general".into(),
            lines: vec!["hi".into()],
            generation: 1,
        }),
        r#"{"welcome":{"node":"n1","workspace":"home","context":"general","lines":["hi"],"generation":1}}"#,
    );
    golden(&FromNode::Refused { why: "no".into() }, r#"{"refused":{"why":"no"}}"#);
    golden(
        &FromNode::Accepted { event: "s1:1".into(), inbound: inbound.clone(), duplicate: false },
        r#"{"accepted":{"event":"s1:1","inbound":"in_4k2v9m0x4k2v9m0x","duplicate":false}}"#,
    );
    golden(
        &FromNode::NotAccepted { event: "s1:1".into(), why: "no".into() },
        r#"{"not_accepted":{"event":"s1:1","why":"no"}}"#,
    );
    golden(
        &FromNode::Preview { inbound: inbound.clone(), piece: "He".into() },
        r#"{"preview":{"inbound":"in_4k2v9m0x4k2v9m0x","piece":"He"}}"#,
    );
    golden(
        &FromNode::Reply(Reply {
            delivery: 3,
            inbound: inbound.clone(),
            context: "ws/home/context/general".into(),
            outcome: Some(Outcome::Replied),
            text: "Hello".into(),
            sources: vec!["notes/a.md".into()],
        }),
        r#"{"reply":{"delivery":3,"inbound":"in_4k2v9m0x4k2v9m0x","context":"ws/home/context/general","outcome":"replied","text":"Hello","sources":["notes/a.md"]}}"#,
    );
    golden(
        &FromNode::Settled { inbound, outcome: Outcome::InDoubt, reason: "cut off".into() },
        r#"{"settled":{"inbound":"in_4k2v9m0x4k2v9m0x","outcome":"in_doubt","reason":"cut off"}}"#,
    );
    golden(
        &FromNode::Answer { n: 1, reply: Answered::Failed("no".into()) },
        r#"{"answer":{"n":1,"reply":{"failed":"no"}}}"#,
    );
    golden(&FromNode::Busy { why: "disk".into() }, r#"{"busy":{"why":"disk"}}"#);
}

#[test]
fn a_hello_may_leave_out_what_an_older_client_does_not_know() {
    let text = r#"{"hello":{"version":2,"user":"a","workspace":"w","context":"c","session":"s"}}"#;
    let FromClient::Hello(hello) = serde_json::from_str(text).unwrap() else { panic!("not a hello") };
    assert!(!hello.previews && !hello.only_asks && hello.flushed.is_empty());
}

fn home() -> Slug {
    Slug::parse("home").unwrap()
}

fn asks(what: AdminAsk, text: &str) {
    golden(&FromClient::Ask { n: 1, what }, &format!(r#"{{"ask":{{"n":1,"what":{text}}}}}"#));
}

fn answers(reply: Answered, text: &str) {
    golden(&FromNode::Answer { n: 1, reply }, &format!(r#"{{"answer":{{"n":1,"reply":{text}}}}}"#));
}

#[test]
fn what_is_asked_of_tasks_and_models_reads_the_same_in_every_build_of_this_version() {
    asks(
        AdminAsk::Tasks { workspace: home(), open: true, before: None, limit: 9 },
        r#"{"tasks":{"workspace":"home","open":true,"before":null,"limit":9}}"#,
    );
    let prefix = || "tsk_4k2v".to_owned();
    asks(
        AdminAsk::Task { workspace: home(), prefix: prefix() },
        r#"{"task":{"workspace":"home","prefix":"tsk_4k2v"}}"#,
    );
    for (what, name) in [(TaskDo::Cancel, "cancel"), (TaskDo::Retry, "retry"), (TaskDo::Discard, "discard")] {
        asks(
            AdminAsk::TaskDo { workspace: home(), prefix: prefix(), what },
            &format!(r#"{{"task_do":{{"workspace":"home","prefix":"tsk_4k2v","what":"{name}"}}}}"#),
        );
    }
    asks(
        AdminAsk::Usage { from: Day(20_000), to: Day(20_006), account: "ws/home".into() },
        r#"{"usage":{"from":20000,"to":20006,"account":"ws/home"}}"#,
    );
    asks(AdminAsk::Models, r#""models""#);
    asks(AdminAsk::TestModel { model: "zai".into() }, r#"{"test_model":{"model":"zai"}}"#);
}

#[test]
fn what_is_asked_of_indexes_and_answered_reads_the_same_in_every_build_of_this_version() {
    for (ask, text) in [
        (IndexAsk::Describe, r#""describe""#),
        (IndexAsk::Rebuild, r#""rebuild""#),
        (IndexAsk::Explain { query: "roof".into(), limit: 3 }, r#"{"explain":{"query":"roof","limit":3}}"#),
    ] {
        let asked = AdminAsk::Index { workspace: home(), ask };
        asks(asked, &format!(r#"{{"index":{{"workspace":"home","ask":{text}}}}}"#));
    }
    answers(Answered::Index(IndexAnswer::Rebuilding), r#"{"index":"rebuilding"}"#);
    answers(
        Answered::Index(IndexAnswer::Described(index::View { files: 2, ..index::View::default() })),
        r#"{"index":{"described":{"files":2,"passages":0,"scanning":null,"roots":[],"skipped":[],"skipped_total":0,"scans":0,"scans_of_all":0,"bytes":0}}}"#,
    );
    let explained = index::Explained {
        hit: index::Hit { path: "a.md".into(), words_found: 1, words_asked: 1, ..index::Hit::default() },
        bm25: 1.5,
        lexical: 1.0,
        cosine: None,
        nearness: 0.0,
        weight: 0.25,
        words: vec![("roof".into(), true)],
    };
    answers(
        Answered::Index(IndexAnswer::Explained(vec![explained])),
        r#"{"index":{"explained":[{"hit":{"path":"a.md","origin":"knowledge","heading":"","passage":"","snippet":"","score":0.0,"words_found":1,"words_asked":1},"bm25":1.5,"lexical":1.0,"cosine":null,"nearness":0.0,"weight":0.25,"words":[["roof",true]]}]}}"#,
    );
}

#[test]
fn what_is_answered_of_tasks_and_models_reads_the_same_in_every_build_of_this_version() {
    let task = TaskView {
        id: TaskId::from_row("tsk_4k2v9m0x4k2v9m0x".into()),
        parent: None,
        context: Address::parse("ws/home/context/general").unwrap(),
        title: "read the notes".into(),
        state: TaskState::Waiting,
        wait: Some(Wait::InDoubt),
        reason: "cut off".into(),
        result: String::new(),
        not_before: Some(Moment(6)),
        budget: Budget { micro_usd: 1, input_tokens: 2, output_tokens: 3, tool_calls: 4 },
        spent: Spent::default(),
        place: 7,
        created_at: Moment(5),
        ended_at: None,
        discarded_by: None,
    };
    answers(
        Answered::Tasks(vec![task]),
        r#"{"tasks":[{"id":"tsk_4k2v9m0x4k2v9m0x","parent":null,"context":"ws/home/context/general","title":"read the notes","state":"waiting","wait":"in_doubt","reason":"cut off","result":"","not_before":6,"budget":{"micro_usd":1,"input_tokens":2,"output_tokens":3,"tool_calls":4},"spent":{"micro_usd":0,"input_tokens":0,"output_tokens":0,"tool_calls":0},"place":7,"created_at":5,"ended_at":null,"discarded_by":null}]}"#,
    );
    answers(Answered::Task(TaskFound::Unknown), r#"{"task":"Unknown"}"#);
    answers(Answered::TaskDone(Err("no".into())), r#"{"task_done":{"Err":"no"}}"#);
    answers(Answered::TaskDone(Ok("yes".into())), r#"{"task_done":{"Ok":"yes"}}"#);
    answers(
        Answered::Usage(vec![Spending { day: Day(1), account: "node".into(), calls: 2, ..Spending::default() }]),
        r#"{"usage":[{"day":1,"account":"node","micro_usd":0,"usage":{"input":0,"output":0,"cached":0,"reasoning":0},"calls":2,"reserved_micro_usd":0,"reserved_tokens":0}]}"#,
    );
    let offer = Offer { name: "zai".into(), provider: "zai".into(), model: "glm".into(), ..Offer::default() };
    let routes = [(Purpose::Chat, vec!["zai".to_owned()])].into_iter().collect();
    answers(
        Answered::Models(Offers { all: vec![offer], routes }),
        r#"{"models":{"all":[{"name":"zai","provider":"zai","model":"glm","prices":{"input":0,"output":0,"cached":0},"context_tokens":0,"takes_tools":false,"quotes_only":false}],"routes":{"chat":["zai"]}}}"#,
    );
    answers(
        Answered::ModelTested(Box::new(ModelTest {
            model: "zai".into(),
            took_ms: 3,
            answer: Ok(Answer { text: "pong".into(), ..Answer::default() }),
            micro_usd: 4,
        })),
        r#"{"model_tested":{"model":"zai","took_ms":3,"answer":{"Ok":{"text":"pong","calls":[],"calls_left_out":0,"sources":[],"model":"","cut":false,"usage":{"input":0,"output":0,"cached":0,"reasoning":0}}},"micro_usd":4}}"#,
    );
}
