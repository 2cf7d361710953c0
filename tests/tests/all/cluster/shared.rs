//! One folder of workspaces for several workers: on a disk that all of them have, who writes is said by the epoch.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tests::cluster::four;
use tests::process::{Spec, program};

use super::world::{HUB, SOON, WORKER, WORKER_2 as OTHER, World};

/// Lines that are under way when the holder is frozen.
const LINES: usize = 10;
/// What a node says whose unit is another's.
const LOST: &str = "holds it no more";
/// Why a unit is where it is once both workers are there and it does not move.
const SETTLED: &str = "it is the first choice of 2 nodes";
/// Times that the holder is frozen.
const ROUNDS: usize = 2;

/// Gives nodes the same folder of workspaces.
pub(super) fn share(world: &World, names: &[&str]) -> PathBuf {
    let shared = world.cluster.folder().join("shared");
    std::fs::create_dir_all(&shared).unwrap();
    for name in names {
        std::os::unix::fs::symlink(&shared, world.data(name).join("workspaces")).unwrap();
    }
    shared
}

/// Who holds the workspace, and under which epoch.
async fn holder(world: &World) -> (String, u64) {
    let units = world.told("placement --json", HUB).await;
    let home = units.as_array().unwrap().iter().find(|of| of["unit"] == "ws/home").unwrap().clone();
    (home["node"].as_str().unwrap_or_default().to_owned(), home["epoch"].as_u64().unwrap())
}

/// Logs that were set aside: somebody wrote what is not in the store.
pub(super) fn set_aside(shared: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(shared.join("home/logs/console")).unwrap().map(|found| found.unwrap().path());
    all.filter(|path| path.to_string_lossy().contains(".edited-")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_holder_is_frozen_takes_the_shared_files_over_and_nothing_is_lost_when_it_wakes() {
    let mut world = World::of(four()).await;
    let shared = share(&world, &[WORKER, OTHER]);
    world.start().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "before").await;
    let mut said = Vec::new();
    for round in 0..ROUNDS {
        world.placed("ws/home", SETTLED).await;
        for n in 0..LINES {
            said.push(ann.say(&format!("line {n} of round {round}")).await.unwrap());
        }
        let (frozen, epoch) = holder(&world).await;
        let losses = world.said(&frozen).matches(LOST).count();
        world.node(&frozen).signal(Signal::STOP).unwrap();
        said.push(ann.say(&format!("while it is frozen in round {round}")).await.unwrap());
        // By the other one: this one says nothing.
        if let Err(error) = ann.settled(&said, SOON).await {
            panic!("{error:#}\n{}", world.all_said());
        }
        let (now, next) = holder(&world).await;
        assert!(now != frozen && next > epoch, "{now} {next} after {frozen} {epoch}");
        world.node(&frozen).signal(Signal::CONT).unwrap();
        // It is there again, and has been told that it holds nothing of what it held.
        world.until(|world| world.said(&frozen).matches(LOST).count() > losses).await;
        said.push(ann.say(&format!("when it is awake in round {round}")).await.unwrap());
        ann.settled(&said, SOON).await.unwrap();
    }
    let ends: Vec<String> = said.iter().map(|inbound| format!("{:?}", ann.ended[inbound].outcome)).collect();
    assert!(ends.iter().all(|end| end == "Replied"), "{ends:?}");
    assert!(ann.order.iter().filter(|inbound| said.contains(inbound)).eq(&said), "each once, and in their order");
    assert_eq!(set_aside(&shared), Vec::<PathBuf>::new());
    for name in [WORKER, OTHER] {
        assert!(
            world.data(name).join("agent-runtime/index/home/index.sqlite").is_file(),
            "{name} has an index of its own"
        );
    }
    drop(ann);
    for name in ["connector", WORKER, OTHER, HUB] {
        world.stop(name).await;
    }
    // As one that has the files: so that logs are compared with their entries, too.
    share(&world, &[HUB]);
    std::fs::write(world.cluster.folder().join("alone.toml"), "").unwrap();
    let alone = world.cluster.folder().join("alone.toml").display().to_string();
    let verified = world.run(&format!("verify --json --config {alone}"), HUB).await.stdout;
    let report: serde_json::Value = serde_json::from_str(&verified).unwrap();
    assert_eq!((&report["logs"], &report["logs_elsewhere"]), (&1.into(), &0.into()), "{verified}");
    assert!(report["entries"].as_u64().unwrap() >= said.len() as u64 * 2, "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_on_one_folder_refuse_each_other_in_words_and_the_second_works_when_the_first_has_gone() {
    let (mut world, mut others) = (World::of(four()).await, World::laid().await);
    let shared = share(&world, &[WORKER, OTHER]);
    world.start().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "hello").await;
    // While it moves from one worker to the other nobody has the folder.
    world.placed("ws/home", SETTLED).await;
    // A node that stands alone.
    let alone = world.cluster.folder().join("alone");
    std::fs::create_dir(&alone).unwrap();
    std::os::unix::fs::symlink(&shared, alone.join("workspaces")).unwrap();
    let spec = Spec::new(&program().unwrap(), &["chat", "--data", &alone.display().to_string()]);
    let told = spec.folder(world.cluster.folder()).run("hello\n").await.unwrap();
    assert!(told.code != Some(0) && told.stderr.contains("is used by another agent-runtime"), "{told:?}");
    // A worker of another cluster: it is given the unit by its own hub, and can't open it.
    std::os::unix::fs::symlink(&shared, others.data(WORKER).join("workspaces")).unwrap();
    others.start().await;
    assert!(others.node(WORKER).ready().await.unwrap().is_none(), "{}", others.said(WORKER));
    let mut eve = others.attach("general").await;
    let waits = eve.say("from elsewhere").await.unwrap();
    loop {
        let status = others.told("status --json", WORKER).await;
        if status["alarms"].to_string().contains("of another cluster") {
            break;
        }
    }
    world.ask(&mut ann, "and still").await;
    world.verified().await;
    // What could not be opened was not worked on, and is opened when it can be.
    assert!(!eve.ended.contains_key(&waits), "it was answered in files that are another's");
    assert!(!others.said(WORKER).contains("holds it unit=ws/home"), "{}", others.said(WORKER));
    for name in [WORKER, OTHER] {
        world.stop(name).await;
    }
    eve.settled(&[waits], SOON).await.unwrap();
    others.until(|others| others.said(WORKER).contains("holds it unit=ws/home")).await;
}
