//! What becomes of work when a model gives no answer: the action of each class, end to end.

use std::time::{Duration, Instant};

use messages::admin::TaskDo;
use messages::task::{TaskState, Wait};
use messages::turn::Outcome;
use rstest::rstest;
use tests::deployment::Shape;
use tests::fake_model::{FakeModel, Mode};
use tests::process::{NodeProcess, Spec, program};

use super::desk::shown;
use super::site::{SOON, Site};
use crate::faults::driver::Driver;

const KEY: &str = "0f3c9d.verySecretIndeed";

pub(crate) async fn a_rate_limit_is_waited_out_as_long_as_the_provider_says(shape: Shape) {
    let site = Site::of(shape, "").await;
    let limited = Mode::Code { code: "1302".into(), retry_after_s: Some(2), reset: String::new() };
    site.model.set(Mode::Sequence { modes: vec![limited] });
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let began = Instant::now();
    let (_, task) = ann.task("be patient", SOON).await.unwrap();
    let rows = desk.is(&task, TaskState::Succeeded).await;
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!((site.model.stats().calls, rows.task.failures, rows.steps.len()), (2, 0, 1), "{}", shown(&rows));
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn a_quota_parks_a_task_until_it_is_reset_and_it_goes_on_by_itself(shape: Shape) {
    let site = Site::of(shape, "").await;
    let used_up = Mode::Code { code: "1308".into(), retry_after_s: None, reset: "in 15 seconds".into() };
    site.model.set(Mode::Sequence { modes: vec![used_up] });
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (asked, task) = ann.task("wait for the quota", SOON).await.unwrap();
    let rows = desk.waits(&task, Wait::Quota).await;
    let wait = rows.task.not_before.unwrap().ms_since(rows.task.moved_at);
    assert!((0..=15_100).contains(&wait), "{wait} ms: {}", shown(&rows));
    ann.heard(&asked, 2, SOON).await.unwrap();
    assert!(ann.later[&asked][0].contains("waits: "), "{:?}", ann.later);
    assert!(ann.later[&asked][1].contains("has succeeded"), "{:?}", ann.later);
    let rows = desk.is(&task, TaskState::Succeeded).await;
    assert_eq!((rows.task.run, rows.task.failures), (2, 0), "{}", shown(&rows));
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn an_account_without_credit_parks_work_and_is_an_alarm_until_a_model_answers_again(shape: Shape) {
    let site = Site::of(shape, "").await;
    site.model.set(Mode::code("1113"));
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (asked, task) = ann.task("spend", SOON).await.unwrap();
    let rows = desk.waits(&task, Wait::Quota).await;
    assert_eq!((rows.task.not_before, rows.task.failures), (None, 0), "{}", shown(&rows));
    let before = rows.task.budget;
    ann.heard(&asked, 1, SOON).await.unwrap();
    let status = desk.status().await;
    assert!(status.alarms.iter().any(|alarm| alarm.contains("fake")), "{:?}", status.alarms);
    let said = site.run(&["status"]).await.expect_code(0).unwrap();
    assert!(said.stdout.contains("ALARM"), "{}", said.stdout);
    site.model.set(Mode::default());
    desk.act(&task, TaskDo::Retry).await.unwrap();
    let rows = desk.is(&task, TaskState::Succeeded).await;
    assert_eq!(rows.task.budget, before, "its budget had not ended, and is not given once more");
    assert_eq!(desk.status().await.alarms, Vec::<String>::new());
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn a_key_that_is_refused_fails_work_at_once_and_is_an_alarm(shape: Shape) {
    let site = Site::of(shape, "").await;
    site.model.set(Mode::code("1000"));
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (asked, task) = ann.task("knock", SOON).await.unwrap();
    let rows = desk.is(&task, TaskState::Failed).await;
    assert_eq!(site.model.stats().calls, 1, "it is not asked again: {}", shown(&rows));
    ann.heard(&asked, 1, SOON).await.unwrap();
    let ended = ann.ask("and in a conversation?", SOON).await.unwrap();
    assert_eq!(ended.outcome, Outcome::Failed);
    assert!(ended.text.contains("key"), "it says what to do: {}", ended.text);
    let alarms = desk.status().await.alarms;
    assert!(alarms.iter().any(|alarm| alarm.contains("fake") && alarm.contains("key")), "{alarms:?}");
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn the_next_model_of_a_route_answers_for_one_that_has_too_much_to_do(shape: Shape) {
    next_answers(shape, "fake/code:1305", "code:1305", 3).await;
}

pub(crate) async fn the_next_model_of_a_route_answers_for_one_that_the_plan_does_not_hold(shape: Shape) {
    next_answers(shape, "fake/code:1311", "code:1311", 1).await;
}

pub(crate) async fn the_next_model_of_a_route_answers_for_one_whose_key_is_refused(shape: Shape) {
    next_answers(shape, "fake/unauthorized", "unauthorized", 1).await;
}

async fn next_answers(shape: Shape, first: &str, mode: &str, calls: u64) {
    let mut site = Site::not_started(shape, "").await;
    let route = format!("[models.routes]\nresearch = [\"{first}\", \"fake\"]\n");
    site.configure(|config| config.replace("[models.routes]\n", &route));
    site.start().await;
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (_, task) = ann.task("find a way", SOON).await.unwrap();
    let rows = desk.is(&task, TaskState::Succeeded).await;
    assert_eq!((rows.steps.len(), rows.steps[0].model.as_str()), (1, "fake"), "{}", shown(&rows));
    let stats = site.model.stats();
    assert_eq!((stats.by_mode[mode], stats.by_mode["normal"]), (calls, 1));
    let usage = desk.usage().await;
    assert!(usage.contains_key("model/fake") && !usage.contains_key(&format!("model/{first}")), "{usage:?}");
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn a_context_that_allows_no_model_of_the_route_is_told_so(shape: Shape) {
    let site = Site::of(shape, "").await;
    site.define("home", "general", "models: [nobody]");
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let (_, task) = ann.task("ask nobody", SOON).await.unwrap();
    let rows = desk.is(&task, TaskState::Failed).await;
    assert!(rows.task.reason.contains("nobody"), "{}", rows.task.reason);
    assert_eq!(site.model.stats().calls, 0);
    ann.leave().await;
    site.end().await;
}

/// `serve` with these variables, as far as it comes.
async fn served(env: &[(&str, &str)], config: &str) -> tests::process::Done {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("agent-runtime.toml"), config).unwrap();
    let spec = Spec::new(&program().unwrap(), &["serve"]).folder(folder.path());
    let spec = env.iter().fold(spec, |spec, (name, value)| spec.env(name, *value));
    let done = spec.run_within("", Duration::from_secs(10)).await.unwrap();
    assert!(!folder.path().join("data").exists(), "nothing is made before the keys hold");
    done
}

#[rstest]
#[case::empty(&[("ZAI_API_KEY", "")], "empty")]
#[case::a_placeholder(&[("ZAI_API_KEY", "your-api-key")], "placeholder")]
#[case::undefined(&[("ZAI_API_KEY", "undefined")], "placeholder")]
#[case::no_key_at_all(&[("ZAI_API_KEY", "nodots")], "dot")]
#[case::a_file_that_is_not_there(&[("ZAI_API_KEY_FILE", "/nowhere/zai.key")], "/nowhere/zai.key")]
#[case::two_at_once(&[("ZAI_API_KEY", KEY), ("ZAI_API_KEY_FILE", "/nowhere/zai.key")], "ZAI_API_KEY_FILE")]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_can_t_be_one_is_told_when_the_node_starts(#[case] env: &[(&str, &str)], #[case] words: &str) {
    let done = served(env, "").await.expect_code(1).unwrap();
    assert!(done.stderr.starts_with("error: ") && done.stderr.contains(words), "{}", done.stderr);
    assert!(done.stderr.contains("ZAI_API_KEY") && !done.stderr.contains(KEY), "{}", done.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_its_key_is_told_when_the_node_starts() {
    let done = served(&[], "[models]\ndefault = \"zai\"\n[models.providers.zai]\nkind = \"zai\"\n").await;
    let done = done.expect_code(1).unwrap();
    assert!(done.stderr.starts_with("error: ") && done.stderr.contains("ZAI_API_KEY"), "{}", done.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn z_ai_needs_a_key_and_nothing_else() {
    let (folder, fake) = (tempfile::tempdir().unwrap(), FakeModel::start(0).await.unwrap());
    let data = folder.path().join("data");
    let env = [("ZAI_API_KEY", KEY), ("ZAI_BASE_URL", &fake.zai_url()), ("AGENT_RUNTIME_LOG__LEVEL", "trace")];
    let spec = Spec::new(&program().unwrap(), &["serve"]).folder(folder.path());
    let node = NodeProcess::start(env.iter().fold(spec, |spec, (name, value)| spec.env(name, *value)), &data).await;
    let node = node.unwrap();
    let mut ann = Driver::attach(&data).await.unwrap();
    assert_eq!(ann.ask("who are you?", SOON).await.unwrap().text, "echo: who are you?");
    let (asked, _) = ann.task("think", SOON).await.unwrap();
    ann.heard(&asked, 1, SOON).await.unwrap();
    let run = async |args: &[&str]| {
        let spec = Spec::new(&program().unwrap(), args).folder(folder.path());
        spec.arg("--data").arg(data.display().to_string()).run("").await.unwrap().expect_code(0).unwrap()
    };
    let tested = run(&["model", "test"]).await;
    assert!(tested.stdout.contains("zai"), "{tested:?}");
    let usage = run(&["usage"]).await;
    assert!(usage.stdout.contains("model/zai"), "{usage:?}");
    let all = [
        node.said(),
        tested.stdout,
        tested.stderr,
        run(&["model", "list"]).await.stdout,
        run(&["status"]).await.stdout,
    ];
    assert!(all.iter().all(|said| !said.contains("verySecret")), "the key is shown nowhere");
    ann.leave().await;
    assert!(node.stop().await.unwrap().success());
    assert_eq!(fake.stats().calls, 3);
    assert!(
        fake.requests().iter().all(|body| !body.to_string().contains("verySecret")),
        "nor is it part of a question"
    );
}
