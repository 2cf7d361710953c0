//! What the pages tell of a busy node, and what they never tell.

use std::collections::BTreeSet;

use tests::fake_model::Mode;

use super::{SOON, get, served, until, value};

/// Names that no page may show.
const SECRETS: [&str; 4] = ["zebra-context", "yak-workspace", "xerxes", "quagga"];

/// Families, and labels with their values, of a text in Prometheus' form.
fn read(metrics: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut families, mut labels) = (BTreeSet::new(), BTreeSet::new());
    for line in metrics.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(family) => drop(families.insert(family.split(' ').next().unwrap().to_owned())),
            None if line.starts_with('#') => {}
            None => {
                let (series, number) = line.rsplit_once(' ').unwrap();
                number.parse::<f64>().unwrap_or_else(|_| panic!("{line}"));
                let inside = series.split_once('{').map_or("", |(_, rest)| rest.trim_end_matches('}'));
                labels.extend(inside.split("\",").filter_map(|pair| pair.split('=').next()).map(str::to_owned));
            }
        }
    }
    labels.remove("");
    (families, labels)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_nodes_metrics_are_those_that_are_documented_and_name_nobody() {
    let (site, address) = served("").await;
    site.workspace("yak-workspace").await;
    site.define("yak-workspace", "zebra-context", "tools: []");
    let mut xerxes = crate::faults::driver::Driver::attach_in(&site.data(), "yak-workspace", "zebra-context", "xerxes")
        .await
        .unwrap();
    xerxes.ask("does the quagga live?", SOON).await.unwrap();
    xerxes.task("look after the quagga", SOON).await.unwrap();
    site.model.set(Mode::NeverEnds);
    xerxes.say("and now? quagga?").await.unwrap();
    let taken = |page: &super::Page| {
        value(&page.body, "agent_runtime_events_accepted_total") >= Some(3.0)
            && value(&page.body, "agent_runtime_events{state=\"taken\"}") == Some(1.0)
            // Of the turns, the task and the one that runs, two have asked by then.
            && value(&page.body, "agent_runtime_model_calls_total{model=\"fake\"}") >= Some(2.0)
            && value(&page.body, "agent_runtime_index_files") >= Some(1.0)
    };
    let metrics = until(address, "/metrics", "a turn that runs", taken).await;
    assert!(metrics.head.contains("text/plain; version=0.0.4"), "{}", metrics.head);
    let (families, labels) = read(&metrics.body);
    let documented: BTreeSet<String> = admin::METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(families, documented);
    let allowed = ["alarm", "direction", "kind", "le", "model", "node", "of", "state", "version"];
    assert_eq!(labels, BTreeSet::from(allowed.map(str::to_owned)));
    let ready = get(address, "/readyz").await;
    for secret in SECRETS.iter().chain(&["tsk_", "in_4", "/data"]) {
        assert!(!metrics.body.contains(secret), "{secret} stands in /metrics");
        assert!(!ready.body.contains(secret), "{secret} stands in /readyz");
    }
    for (line, least) in [
        ("agent_runtime_events_accepted_total", 3.0),
        ("agent_runtime_commit_seconds_count", 5.0),
        ("agent_runtime_commit_group_size_count", 5.0),
        ("agent_runtime_model_calls_total{model=\"fake\"}", 2.0),
        ("agent_runtime_model_tokens_total{direction=\"output\",model=\"fake\"}", 1.0),
        ("agent_runtime_actors{kind=\"context\"}", 1.0),
        ("agent_runtime_index_files", 1.0),
        ("agent_runtime_disk_bytes", 1.0),
        ("agent_runtime_resident_memory_bytes", 1.0),
        ("agent_runtime_open_files", 5.0),
        ("agent_runtime_audit_records_total", 2.0),
    ] {
        let found = value(&metrics.body, line).unwrap_or_else(|| panic!("no {line}:\n{}", metrics.body));
        assert!(found >= least, "{line} is {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_a_model_that_refuses_and_forgets_it_when_it_answers() {
    let (site, address) = served("").await;
    until(address, "/readyz", "ready", |page| page.status == 200).await;
    assert_eq!((get(address, "/healthz").await.status, get(address, "/healthz").await.body.as_str()), (200, "ok\n"));
    site.model.set(Mode::Unauthorized);
    let mut ann = site.talk("home", "general").await;
    ann.ask("knock", SOON).await.unwrap();
    let page = until(address, "/readyz", "not ready", |page| page.status == 503).await;
    assert_eq!(page.not_ready(), ["model"]);
    assert!(page.body.contains("agent-runtime model test fake"), "{}", page.body);
    assert_eq!(page.json()["alarms"][0], "model");
    let metrics = until(address, "/metrics", "an alarm", |page| {
        value(&page.body, "agent_runtime_alarm{alarm=\"model\"}") == Some(1.0)
    })
    .await;
    assert_eq!(value(&metrics.body, "agent_runtime_ready"), Some(0.0));
    assert_eq!(value(&metrics.body, "agent_runtime_model_failures_total{model=\"fake\"}"), Some(1.0));
    site.model.set(Mode::default());
    ann.ask("knock again", SOON).await.unwrap();
    until(address, "/readyz", "ready again", |page| page.status == 200).await;
    ann.leave().await;
    site.end().await;
}
