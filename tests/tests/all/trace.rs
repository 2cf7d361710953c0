//! One trace follows a message through all actors, in logs that a machine reads.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::Value;
use tests::process::{NodeProcess, STOP_MAX, Spec, program};

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_follows_a_message_through_all_actors_in_json_logs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let env = [("AGENT_RUNTIME_LOG__JSON", "true"), ("AGENT_RUNTIME_LOG__LEVEL", "debug")];
    let mut node = NodeProcess::serve(&data, &env).await.unwrap();
    let chat = Spec::new(&program().unwrap(), &["chat", "--json", "--data"]).arg(data.to_str().unwrap());
    let done = chat.run("what is planned for the roof?\n").await.unwrap().expect_code(0).unwrap();
    let accepted: Value = serde_json::from_str(done.stdout.lines().next().unwrap()).unwrap();
    let inbound = accepted["accepted"].as_str().unwrap();
    // What was said last is there when the node has ended.
    node.signal(Signal::TERM).unwrap();
    node.wait(STOP_MAX).await.unwrap();
    let said = node.said();
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let first = lines.iter().find(|line| line["inbound"] == inbound && line["message"] == "accepted").unwrap();
    let trace = &first["trace"];
    let of_trace = lines.iter().filter(|line| line["trace"] == *trace);
    let actors: BTreeSet<&str> = of_trace.filter_map(|line| line["actor"].as_str()).collect();
    let wanted =
        ["connector/console", "connector/console/chat/home/general", "models/offline", "ws/home/context/general"];
    assert_eq!(actors.into_iter().collect::<Vec<_>>(), wanted, "{said}");
    assert!(!said.contains("what is planned"), "logs hold no words of a person: {said}");
}
