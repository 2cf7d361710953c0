//! A person is forgotten.

use console::wire::{AdminAsk, Answered};
use messages::retention::Reply;
use messages::store::Person;
use messages::turn::Outcome;
use serde_json::Value as Json;
use tests::fake_model::Mode;
use tests::process::{chaos_program, program};

use super::{chain_holds, log, until_it, until_log};
use crate::faults::driver::Driver;
use crate::work::erased::{SECRET, holding};
use crate::work::site::{SOON, Site, until};

/// What was said in another workspace.
const ELSEWHERE: &str = "frobozz-words";

async fn as_bob(site: &Site, workspace: &str) -> Driver {
    Driver::attach_in(&site.data(), workspace, "general", "bob").await.unwrap()
}

/// Bob and ann have talked, in two workspaces; bob has had a task done.
async fn said(mut site: Site) -> Site {
    site.start().await;
    site.workspace("work").await;
    let (mut ann, mut bob) = (site.talk("home", "general").await, as_bob(&site, "home").await);
    ann.ask("kind words", SOON).await.unwrap();
    ann.leave().await;
    bob.ask(SECRET, SOON).await.unwrap();
    let (asked, _) = bob.task(&format!("find {SECRET}"), SOON).await.unwrap();
    bob.heard(&asked, 1, SOON).await.unwrap();
    bob.leave().await;
    let mut bob = as_bob(&site, "work").await;
    bob.ask(ELSEWHERE, SOON).await.unwrap();
    bob.leave().await;
    until("all is in the logs", SOON, || {
        log(&site, "home").matches(SECRET).count() >= 4 && log(&site, "work").matches(ELSEWHERE).count() >= 2
    })
    .await;
    site
}

async fn new() -> Site {
    said(Site::laid("", program().unwrap()).await).await
}

async fn forget(site: &Site, more: &[&str]) -> Json {
    let args = [&["forget-user", "bob", "--json"], more].concat();
    let told = site.run(&args).await.expect_code(0).unwrap();
    serde_json::from_str(&told.stdout).unwrap()
}

/// No file has bob's words of `home`, and ann's are where they were.
async fn is_forgotten(mut site: Site) {
    if site.runs() {
        site.verified().await;
        // Records are written when their tasks have rested for a second.
        let records = site.data().join("workspaces/home/tasks");
        until("records are written again", SOON, || !records.is_dir() || holding(&records).is_empty()).await;
        site.end_node(false).await;
    }
    assert_eq!(holding(&site.data()), Vec::<String>::new());
    assert!(log(&site, "home").contains("kind words") && log(&site, "home").contains("echo: kind words"));
    site.verified().await;
    chain_holds(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_is_shown_first_and_nothing_is_erased_without_a_word() {
    let site = new().await;
    let found = forget(&site, &["--dry-run"]).await;
    let contexts = found["contexts"].as_array().unwrap();
    assert_eq!(contexts.len(), 2, "{found}");
    assert_eq!(
        (&contexts[0]["context"], &contexts[0]["events"], &contexts[0]["tasks"]),
        (&"ws/home/context/general".into(), &2.into(), &1.into())
    );
    assert_eq!((&found["done"], &found["erased"]), (&false.into(), &Json::Null));
    let told = site.run(&["forget-user", "bob"]).await.expect_code(1).unwrap();
    assert!(told.stdout.contains("general") && told.stderr.contains("--yes"), "{told:?}");
    let told = site.run(&["forget-user", "nobody", "--yes"]).await.expect_code(0).unwrap();
    assert!(told.stderr.contains("there is nothing of nobody"), "{told:?}");
    site.run(&["forget-user", "bob", "--workspace", "none", "--yes"]).await.expect_code(1).unwrap();
    assert!(log(&site, "home").contains(SECRET));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_forgotten_in_one_workspace_and_then_in_all_and_nobody_else_is() {
    let site = new().await;
    let done = forget(&site, &["--workspace", "home", "--yes"]).await;
    assert_eq!((&done["done"], &done["erased"]), (&true.into(), &2.into()), "{done}");
    until_log(&site, "home", SECRET, false).await;
    assert!(log(&site, "work").contains(ELSEWHERE), "the other workspace is as it was");
    let told = site.run(&["forget-user", "bob", "--yes"]).await.expect_code(0).unwrap();
    assert!(
        told.stdout.contains("bob is forgotten: 1 events") && told.stdout.contains("stays in the audit"),
        "{told:?}"
    );
    until_log(&site, "work", ELSEWHERE, false).await;
    let told = site.run(&["audit", "tail"]).await.expect_code(0).unwrap().stdout;
    assert_eq!(told.matches("person.forgotten").count(), 2, "{told}");
    is_forgotten(site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_node_it_is_done_by_one_that_is_started_for_it() {
    let mut site = new().await;
    site.end_node(false).await;
    assert_eq!(forget(&site, &["--yes"]).await["erased"], 3);
    is_forgotten(site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_cancelled_and_a_reply_that_nobody_takes_is_erased_where_it_waits() {
    let site = new().await;
    let mut bob = as_bob(&site, "home").await;
    site.model.set(Mode::SlowFirstByte { delay_ms: 300 });
    bob.say(&format!("{SECRET} once more")).await.unwrap();
    until("the model is asked", SOON, || site.model.stats().in_flight == 1).await;
    drop(bob);
    until("the reply waits", SOON, || site.model.stats().in_flight == 0).await;
    site.model.set(Mode::NeverEnds);
    let mut bob = as_bob(&site, "work").await;
    let runs = bob.say(&format!("{SECRET} without end")).await.unwrap();
    until("the model is asked", SOON, || site.model.stats().in_flight == 1).await;
    assert_eq!(forget(&site, &["--yes"]).await["erased"], 5);
    bob.settled(std::slice::from_ref(&runs), SOON).await.unwrap();
    assert_eq!(bob.ended[&runs].outcome, Outcome::Cancelled);
    until("the model is left", SOON, || site.model.stats().in_flight == 0).await;
    bob.leave().await;
    is_forgotten(site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_memory_keeps_of_them_goes_with_them() {
    let mut site = Site::laid("", program().unwrap()).await;
    let config = format!(
        "[models]\ndefault = \"fake\"\n[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\n",
        site.model.base_url()
    );
    std::fs::write(site.path("agent-runtime.toml"), config).unwrap();
    site.start().await;
    site.define("home", "general", "limits: {memory_bytes: 1500}");
    let (mut ann, mut bob) = (site.talk("home", "general").await, as_bob(&site, "home").await);
    ann.ask("kind words", SOON).await.unwrap();
    let kind = ann.order[0].clone();
    bob.ask(SECRET, SOON).await.unwrap();
    let secret = bob.order[0].clone();
    let text = format!("+ Bob says {SECRET}. [{secret}]\n+ Ann is kind. [{kind}]");
    site.model.set(Mode::Says { when: "Notes in force:".into(), text });
    let long = ann.say(&"and so on ".repeat(100)).await.unwrap();
    ann.settled(&[long], SOON).await.unwrap();
    let file = site.data().join("workspaces/home/contexts/general/memory.md");
    let memory = || std::fs::read_to_string(&file).unwrap_or_default();
    until("it is kept", SOON, || memory().contains(SECRET) && memory().contains("Ann is kind.")).await;
    bob.leave().await;
    ann.leave().await;
    forget(&site, &["--yes"]).await;
    until("memory has forgotten, too", SOON, || !memory().contains(SECRET)).await;
    assert!(memory().contains("Ann is kind."), "{}", memory());
    is_forgotten(site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_account_that_holds_the_folder_is_told_or_obeyed() {
    let site = new().await;
    let mut desk = site.desk().await;
    let person = || Person { connector: "console".into(), user: "bob".into() };
    for ask in [
        AdminAsk::ForgetCount { person: person(), workspace: None, after: 0 },
        AdminAsk::Forget { person: person(), workspace: None },
    ] {
        let answer = desk.ask(ask).await;
        assert!(matches!(answer, Answered::Retention(Reply::Refused(_))), "{answer:?}");
    }
    assert!(log(&site, "home").contains(SECRET));
    site.end().await;
}

#[rstest::rstest]
#[case("retention.after_commit:2")]
#[case("retention.before_commit:3")]
#[case("retention.after_commit:3")]
#[case("context.before_commit:1")]
#[case("context.after_commit:1")]
#[case("context.after_effect:6")]
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_ends_the_same_after_the_next_start(#[case] marker: &str) {
    let mut site = said(Site::laid("", chaos_program().unwrap()).await).await;
    // What is due for logs would open contexts after the start, and the markers be met before anything is forgotten.
    let store = rusqlite::Connection::open(site.data().join("agent-runtime/meta.sqlite")).unwrap();
    let dates = "SELECT count(*) FROM timer WHERE name = 'logs'";
    until("logs are on the disk", SOON, || store.query_row(dates, [], |row| row.get::<_, u32>(0)).unwrap() == 0).await;
    drop(store);
    site.end_node(false).await;
    let mut dying = site.starts_to_die_at(marker);
    // It may be dead before it is asked: then nothing was begun, and it is asked again.
    let asked =
        dying.ready().await.unwrap().is_none() && site.run(&["forget-user", "bob", "--yes"]).await.code == Some(0);
    assert!(!asked, "it died in the middle");
    dying.wait(SOON).await.unwrap_or_else(|error| panic!("{marker}: {error:#}"));
    // A log may be behind its rows until the next start.
    chain_holds(&site).await;
    site.start().await;
    let view = until_it(&site, "it goes on by itself", |view| view["forgetting"] == Json::Array(Vec::new())).await;
    assert_eq!(view["marked"], 0);
    forget(&site, &["--yes"]).await;
    until_log(&site, "home", SECRET, false).await;
    until_log(&site, "work", ELSEWHERE, false).await;
    is_forgotten(site).await;
}
