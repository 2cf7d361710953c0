//! What a context keeps of its conversation: once, from its own words alone, beside what people write, and whatever ends the
//! node.

use std::path::PathBuf;
use std::time::Instant;

use messages::InboundId;
use messages::turn::Outcome;
use tests::deployment::Shape;
use tests::fake_model::Mode;
use tests::process::chaos_program;

use super::erased::held;
use super::site::{SOON, Site, until};
use crate::faults::driver::Driver;

/// What a question about what is worth keeping holds, and no other.
const ASKED: &str = "Notes in force:";
/// Long enough that a conversation passes the limit of these tests with it.
const LIMIT: &str = "limits: {memory_bytes: 1500}";

/// A node whose models keep what they are told to keep.
fn kept(mut site: Site) -> Site {
    let url = site.model.base_url();
    site.configure(|_| {
        format!(
            "[models]\ndefault = \"fake\"\n[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{url}\"\nmodel = \"m\"\n\
             price_input = 1000000\nprice_output = 1000000\n",
        )
    });
    site
}

/// The same with markers at which it is killed.
async fn marked() -> Site {
    kept(Site::laid("", chaos_program().unwrap()).await)
}

async fn started(shape: Shape) -> Site {
    let mut site = kept(Site::not_started(shape, "").await);
    site.start().await;
    site.define("home", "general", LIMIT);
    site
}

fn file(site: &Site, context: &str) -> PathBuf {
    site.files("home").join(format!("contexts/{context}/memory.md"))
}

fn memory(site: &Site) -> String {
    std::fs::read_to_string(file(site, "general")).unwrap_or_default()
}

/// What is kept when it is asked for.
fn keeps(site: &Site, text: String) {
    site.model.set(Mode::Says { when: ASKED.into(), text });
}

/// The questions about what is worth keeping, whole.
fn questions(site: &Site) -> Vec<String> {
    site.model.requests().iter().map(ToString::to_string).filter(|body| body.contains(ASKED)).collect()
}

/// What the model that was asked last was told besides the conversation.
fn system(site: &Site) -> String {
    let last = site.model.requests().pop().unwrap_or_default();
    last.pointer("/messages/0/content").map(ToString::to_string).unwrap_or_default()
}

async fn said(ann: &mut Driver, text: &str) -> InboundId {
    let id = ann.say(text).await.unwrap();
    ann.settled(std::slice::from_ref(&id), SOON).await.unwrap();
    id
}

/// Says enough that what was said goes into memory.
async fn fill(ann: &mut Driver) {
    said(ann, &"and so on ".repeat(100)).await;
}

async fn until_kept(site: &Site, what: &str) {
    until(what, SOON, || memory(site).contains(what)).await;
}

pub(crate) async fn a_conversation_goes_into_memory_once_and_stands_in_its_own_prompts_alone(shape: Shape) {
    let site = started(shape).await;
    site.define("home", "other", LIMIT);
    let mut ann = site.talk("home", "general").await;
    let mut other = site.talk("home", "other").await;
    let empty = ann.ask("/memory", SOON).await.unwrap();
    assert!(empty.text.contains("Nothing is kept") && empty.text.contains("From 1500 on"), "{empty:?}");
    let foreign = said(&mut other, "our secret is plugh").await;
    let dog = said(&mut ann, "my dog is called Rex").await;
    keeps(&site, format!("+ Ann has a dog, Rex. [{dog}]\n+ Plugh. [{foreign}]\n+ Nothing. []"));
    fill(&mut ann).await;
    until_kept(&site, "Ann has a dog, Rex.").await;
    assert!(memory(&site).contains(&format!("- Ann has a dog, Rex. ({dog}, ")), "{}", memory(&site));
    assert!(!memory(&site).to_lowercase().contains("plugh") && !memory(&site).contains("Nothing."));
    let asked = questions(&site);
    assert_eq!(asked.len(), 1);
    assert!(asked[0].contains("my dog is called Rex") && !asked[0].contains("plugh"), "{}", asked[0]);

    let shown = ann.ask("/memory", SOON).await.unwrap();
    assert!(shown.text.contains("Ann has a dog, Rex.") && shown.text.contains(dog.as_str()), "{shown:?}");
    said(&mut ann, "what is his name?").await;
    let prompt = site.model.requests().last().unwrap().to_string();
    assert!(
        prompt.contains("What you know of this conversation") && prompt.contains("Ann has a dog, Rex."),
        "{prompt}"
    );
    said(&mut other, "what do you know?").await;
    let prompt = site.model.requests().last().unwrap().to_string();
    assert!(!prompt.contains("Rex"), "{prompt}");
    let shown = other.ask("/memory", SOON).await.unwrap();
    assert!(shown.text.contains("Nothing is kept"), "{shown:?}");
    assert_eq!(questions(&site).len(), 1, "what is in memory is not asked about again");
    ann.leave().await;
    other.leave().await;
    site.end().await;
}

pub(crate) async fn what_people_write_stays_and_what_they_forget_is_gone(shape: Shape) {
    let site = started(shape).await;
    let mut ann = site.talk("home", "general").await;
    let own = "# Ours\n\nWritten by hand.\n\n* Speak German.\n\n## More\n";
    std::fs::write(file(&site, "general"), own).unwrap();
    let dog = said(&mut ann, "my dog is called Rex").await;
    keeps(&site, format!("+ Ann has a dog, Rex. [{dog}]"));
    fill(&mut ann).await;
    until_kept(&site, "Ann has a dog, Rex.").await;
    let (before, after) = own.split_at(own.find("\n## More").unwrap());
    assert!(memory(&site).starts_with(before) && memory(&site).ends_with(after), "{}", memory(&site));
    said(&mut ann, "hello").await;
    assert!(system(&site).contains("Speak German.") && system(&site).contains("Written by hand."));
    assert!(system(&site).contains("Ann has a dog"));

    let shown = ann.ask("/memory", SOON).await.unwrap().text;
    let line = shown.lines().find(|line| line.contains("Rex")).unwrap();
    let id = line.split('`').nth(1).unwrap().to_owned();
    for (asked, told) in
        [("/forget zzzzz", "`/memory` lists them"), ("/forget", "for example"), ("/forget it all", "no id")]
    {
        let answer = ann.ask(asked, SOON).await.unwrap();
        assert!(answer.text.contains(told), "{asked}: {answer:?}");
    }
    let forgot = ann.ask(&format!("/forget {id}"), SOON).await.unwrap();
    assert!(forgot.text.contains("Forgotten: “Ann has a dog, Rex.”"), "{forgot:?}");
    assert_eq!(memory(&site), own);
    said(&mut ann, "hello again").await;
    assert!(!system(&site).contains("Ann has a dog") && system(&site).contains("Speak German."));
    ann.leave().await;
    site.end().await;
}

#[rstest::rstest]
#[case::before_the_file("memory.before_write", 1)]
#[case::after_the_file("memory.written", 1)]
#[case::before_the_answer("memory.before_ask", 1)]
#[case::after_the_answer("memory.after_ask", 2)]
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_keeps_all_once(#[case] point: &str, #[case] calls: usize) {
    let mut site = marked().await;
    site.start_with(&[("AGENT_RUNTIME_TEST_KILL_AT", &format!("{point}:1"))]).await;
    site.define("home", "general", LIMIT);
    let mut ann = site.talk("home", "general").await;
    let dog = said(&mut ann, "my dog is called Rex").await;
    keeps(&site, format!("+ Ann has a dog, Rex. [{dog}]"));
    // The node may end before it has heard how this went.
    ann.say(&"and so on ".repeat(100)).await.unwrap();
    let id = ann.say("anything").await.unwrap();
    drop(ann.settled(&[id], SOON).await);
    let mut node = site.take_node();
    node.wait(SOON).await.unwrap();
    site.start().await;
    until_kept(&site, "Ann has a dog, Rex.").await;
    let mut ann = site.talk("home", "general").await;
    until("nothing is under way", SOON, || !memory(&site).is_empty()).await;
    said(&mut ann, "hello").await;
    assert_eq!(memory(&site).matches("Ann has a dog").count(), 1, "{}", memory(&site));
    assert_eq!(questions(&site).len(), calls);
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn a_message_that_is_deleted_leaves_memory_and_the_data_folder(shape: Shape) {
    const SECRET: &str = super::erased::SECRET;
    let mut site = started(shape).await;
    let mut ann = site.talk("home", "general").await;
    let secret = said(&mut ann, &format!("the word is {SECRET}")).await;
    let dog = said(&mut ann, "my dog is called Rex").await;
    keeps(&site, format!("+ The word is {SECRET}. [{secret}]\n+ Rex knows. [{dog} {secret}]\n+ Ann has Rex. [{dog}]"));
    fill(&mut ann).await;
    until_kept(&site, "Ann has Rex.").await;
    assert!(memory(&site).contains(SECRET));
    // A task that was told of it.
    site.model.set(Mode::NeverEnds);
    let (_, task) = ann.task("take long", SOON).await.unwrap();
    let mut desk = site.desk().await;
    assert!(desk.task("home", &task).await.task.spec.memory.text.contains(SECRET));
    assert_eq!(ann.delete(1, SOON).await.unwrap().outcome, Outcome::Noted);
    until("it has left the file", SOON, || !memory(&site).contains(SECRET)).await;
    assert!(memory(&site).contains("Ann has Rex.") && !memory(&site).contains("Rex knows."), "{}", memory(&site));
    assert_eq!(desk.task("home", &task).await.task.spec.memory.text, "");
    desk.act(&task, messages::admin::TaskDo::Cancel).await.unwrap();
    site.model.set(Mode::default());
    said(&mut ann, "hello").await;
    assert!(!site.model.requests().last().unwrap().to_string().contains(SECRET));
    ann.leave().await;
    site.verified().await;
    // While it runs the write-ahead log may hold it.
    site.end_node(false).await;
    assert_eq!(held(&site), Vec::<String>::new());
    site.verified().await;
}

#[rstest::rstest]
#[case("memory.before_sweep")]
#[case("memory.swept")]
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_it_forgets_has_forgotten_after_the_start(#[case] point: &str) {
    const SECRET: &str = super::erased::SECRET;
    let mut site = marked().await;
    site.start_with(&[("AGENT_RUNTIME_TEST_KILL_AT", &format!("{point}:1"))]).await;
    site.define("home", "general", LIMIT);
    let mut ann = site.talk("home", "general").await;
    let secret = said(&mut ann, &format!("the word is {SECRET}")).await;
    keeps(&site, format!("+ The word is {SECRET}. [{secret}]"));
    fill(&mut ann).await;
    until_kept(&site, SECRET).await;
    drop(ann.delete(1, SOON).await);
    site.take_node().wait(SOON).await.unwrap();
    site.start().await;
    until("it has left the file", SOON, || !memory(&site).contains(SECRET)).await;
    // The log is mended when its context opens.
    let mut ann = site.talk("home", "general").await;
    said(&mut ann, "hello").await;
    ann.leave().await;
    site.verified().await;
    site.end_node(false).await;
    assert_eq!(held(&site), Vec::<String>::new());
}

pub(crate) async fn a_model_that_fails_holds_nobody_up_and_costs_what_it_costs(shape: Shape) {
    let mut site = kept(Site::not_started(shape, "").await);
    let routes = "[models.routes]\nsummarize = [\"fake/server_error\"]\n";
    site.configure(|config| config.replace("[models.providers", &format!("{routes}[models.providers")));
    site.start().await;
    site.define("home", "general", LIMIT);
    let mut ann = site.talk("home", "general").await;
    fill(&mut ann).await;
    fill(&mut ann).await;
    let until = Instant::now() + SOON;
    while !site.model.stats().by_mode.contains_key("server_error") {
        assert!(Instant::now() < until, "it was not asked");
        // Memory is looked at when a turn ends; after a kill in between, when the next one does.
        said(&mut ann, "and so on").await;
    }
    let answer = ann.ask("hello", SOON).await.unwrap();
    assert_eq!((answer.outcome, memory(&site)), (Outcome::Replied, String::new()));
    let shown = ann.ask("/memory", SOON).await.unwrap();
    assert!(shown.text.contains("Not in it yet"), "{shown:?}");
    ann.leave().await;
    site.end().await;
}
