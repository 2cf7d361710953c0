//! Nodes that are replaced by another version of the program, one after the other, while work goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use messages::InboundId;
use messages::turn::Outcome;
use tests::cluster::three;
use tests::fake_model::FakeModel;
use tests::process::{Spec, program};

use super::versions::{speaks, until_seen};
use super::world::{CONNECTOR, HUB, SOON, WORKER, World};
use crate::faults::doubts::doubts;
use crate::faults::driver::Driver;

/// Conversations that go on.
const TALKS: usize = 3;
/// Lines that are said at once in each.
const LINES: usize = 3;
/// The pause between two changes of a file that a person edits.
const EDIT_EVERY: Duration = Duration::from_millis(50);

/// How long words of a task are waited for, before it is looked whether they will not come.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// Everyone who works goes on until this is set, and then to the end of what was begun.
type Over = Arc<AtomicBool>;

/// Who gave tasks, and what they were.
type Worked = (Driver, Vec<(InboundId, bool)>);

/// Waits until all these have ended, over as many connections as it takes.
async fn settled(driver: &mut Driver, data: &Path, said: &[InboundId]) -> anyhow::Result<()> {
    let until = Instant::now() + SOON;
    while let Err(error) = driver.settled(said, until.saturating_duration_since(Instant::now())).await {
        anyhow::ensure!(Instant::now() < until, "{error:#}");
        driver.dial_again(data).await?;
    }
    Ok(())
}

/// A conversation, and what was said in it.
async fn talk(mut driver: Driver, data: PathBuf, over: Over) -> anyhow::Result<(Driver, Vec<InboundId>)> {
    let mut said = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let begin = said.len();
        for n in begin..begin + LINES {
            said.push(driver.put(&format!("line {n}"))?);
        }
        driver.flush().await.ok();
        settled(&mut driver, &data, &said[begin..]).await?;
    }
    Ok((driver, said))
}

/// The words of a file that a task writes.
fn written(n: usize) -> String {
    format!("# Page {n}\n\nwritten by task {n}\n")
}

/// Tasks that write a file each, one after the other: their messages, and whether their ends were told. `data` is where it is
/// asked, `store` where it is kept.
async fn work(mut driver: Driver, (data, store): (PathBuf, PathBuf), over: Over) -> anyhow::Result<Worked> {
    let mut asked = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let n = asked.len();
        let arguments = serde_json::json!({"path": format!("pages/{n}.md"), "text": written(n), "replaces": ""});
        let inbound = driver.put(&format!("/task write page {n}\ntools: md_write {arguments}\n"))?;
        driver.flush().await.ok();
        settled(&mut driver, &data, std::slice::from_ref(&inbound)).await?;
        let until = Instant::now() + SOON;
        let mut is_told = true;
        while let Err(error) = driver.heard(&inbound, 1, LOOK_MAX).await {
            // Words that were on their way when their node stopped may have come or not, and are not said again.
            if doubts(&store, driver.session()).iter().any(|of| of.inbound == inbound && of.outcome.is_none()) {
                is_told = false;
                break;
            }
            anyhow::ensure!(Instant::now() < until, "the end of task {n} is not told: {error:#}");
            driver.dial_again(&data).await?;
        }
        asked.push((inbound, is_told));
    }
    Ok((driver, asked))
}

/// A person edits a page of the workspace: gives the number of the last version.
async fn edit(page: PathBuf, over: Over) -> usize {
    let mut n = 0;
    while !over.load(Ordering::SeqCst) {
        n += 1;
        std::fs::write(&page, format!("# Edited\n\nedition{n} of this page\n")).unwrap();
        tokio::time::sleep(EDIT_EVERY).await;
    }
    n
}

async fn laid() -> (World, FakeModel) {
    let model = FakeModel::start(0).await.unwrap();
    let mut plans = three();
    let worker = plans.iter_mut().find(|plan| plan.name == WORKER).unwrap();
    worker.rest = format!(
        "[models]\ndefault = \"fake\"\n[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\n",
        model.base_url()
    );
    let world = World::of(plans).await;
    let context = world.data(WORKER).join("workspaces/home/contexts/work/context.md");
    std::fs::create_dir_all(context.parent().unwrap()).unwrap();
    std::fs::write(context, "---\ntools: [\"*\"]\n---\n\nDo as you are told.\n").unwrap();
    (world, model)
}

/// The name of the account that runs this: it may have files written.
async fn account(world: &World) -> String {
    let spec = Spec::new(&program().unwrap(), &["chat", "--data"]);
    let asked = spec.arg(world.cluster.folder().join("account").display().to_string());
    let done = asked.run("/whoami\n").await.unwrap().expect_code(0).unwrap();
    done.stdout.split('`').nth(1).expect("a name").to_owned()
}

/// Stops a node and starts it as another version; returns when all are linked again, in these versions.
async fn replace(world: &mut World, name: &str, versions: Option<&str>, links: [(&str, &str); 2]) {
    world.stop(name).await;
    match versions {
        Some(versions) => speaks(world, name, versions),
        None => {
            let plan = world.cluster.plan_mut(name).unwrap();
            (plan.program, plan.env) = (None, Vec::new());
        }
    }
    world.spawn(name);
    for (other, version) in links {
        until_seen(world, HUB, other, |node| node["protocol"] == version && node["why"] == "").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_are_replaced_one_after_the_other_under_load_there_and_back_and_nothing_is_lost_or_done_twice() {
    let (mut world, _model) = laid().await;
    world.start().await;
    let (over, data) = (Over::default(), world.data(CONNECTOR));
    let mut talks = tokio::task::JoinSet::new();
    for n in 0..TALKS {
        let driver = world.attach(&format!("talk-{n}")).await;
        talks.spawn(talk(driver, data.clone(), over.clone()));
    }
    let worker = Driver::attach_in(&data, "home", "work", &account(&world).await).await.unwrap();
    let work = tokio::spawn(work(worker, (data.clone(), world.data(HUB)), over.clone()));
    let home = world.data(WORKER).join("workspaces/home");
    let edit = tokio::spawn(edit(home.join("edited.md"), over.clone()));

    let (old, new) = ("version 1", "version 2");
    replace(&mut world, WORKER, Some("1-2"), [(WORKER, old), (CONNECTOR, old)]).await;
    replace(&mut world, CONNECTOR, Some("1-2"), [(WORKER, old), (CONNECTOR, old)]).await;
    replace(&mut world, HUB, Some("1-2"), [(WORKER, new), (CONNECTOR, new)]).await;
    replace(&mut world, CONNECTOR, None, [(WORKER, new), (CONNECTOR, old)]).await;
    replace(&mut world, HUB, None, [(WORKER, old), (CONNECTOR, old)]).await;
    replace(&mut world, WORKER, None, [(WORKER, old), (CONNECTOR, old)]).await;
    over.store(true, Ordering::SeqCst);

    let mut unknown = 0;
    while let Some(ended) = talks.join_next().await {
        let (driver, said) = ended.unwrap().unwrap_or_else(|error| panic!("{error:#}\n{}", world.all_said()));
        let replied = |id: &&InboundId| driver.ended[*id].outcome == Outcome::Replied;
        // A reply that was on its way when its chat's node stopped may have come or not. That is told when it is found out.
        let others: Vec<_> = said.iter().filter(|id| !replied(id)).map(|id| &driver.ended[id]).collect();
        assert!(others.iter().all(|ended| ended.outcome == Outcome::InDoubt), "{others:?}");
        unknown += others.len();
        let order = once(&driver.order);
        assert!(order.iter().filter(replied).eq(said.iter().filter(replied)), "in their order: {order:?}, {said:?}");
        assert_eq!(order.len(), said.len(), "and nothing besides");
    }
    let (driver, asked) = work.await.unwrap().unwrap_or_else(|error| panic!("{error:#}\n{}", world.all_said()));
    for (n, (inbound, is_told)) in asked.iter().enumerate() {
        unknown += usize::from(!is_told);
        let told = driver.later.get(inbound).map(Vec::as_slice).unwrap_or_default();
        assert!(told.len() == 1 || (told.is_empty() && !is_told), "told once: {told:?}");
        assert!(told.iter().all(|words| words.contains("has succeeded")), "{told:?}");
        assert_eq!(std::fs::read_to_string(home.join(format!("pages/{n}.md"))).unwrap(), written(n));
    }
    assert_eq!(std::fs::read_dir(home.join("pages")).unwrap().count(), asked.len(), "no page that nobody asked for");
    let last = edit.await.unwrap();
    finds(&world, &format!("edition{last}")).await;
    println!("{} tasks, {last} editions, {unknown} doubts", asked.len());
    world.verified().await;
}

/// Each once, in the order of its first end: a client that attaches again is told of an end again.
fn once(order: &[InboundId]) -> Vec<InboundId> {
    let mut each: Vec<InboundId> = Vec::new();
    for id in order {
        if !each.contains(id) {
            each.push(id.clone());
        }
    }
    each
}

/// The last edition of a page is found, as soon as the index has seen it.
async fn finds(world: &World, word: &str) {
    let mut ann = world.attach("talk-0").await;
    let until = Instant::now() + SOON;
    loop {
        let told = world.ask(&mut ann, &format!("/search {word}")).await;
        if told.contains("edited.md") {
            return;
        }
        assert!(Instant::now() < until, "{word} is not found: {told}");
    }
}
