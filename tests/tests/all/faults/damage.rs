//! Files that something else has damaged: what it is, where, and what to do is said, and what is derived is made again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use messages::turn::Outcome;
use tests::process::NodeProcess;

use super::driver::Driver;
use super::world::{PATIENCE, World};

const PAGE_BYTES: usize = 4_096;

/// A world in which five things were said and answered.
async fn used() -> anyhow::Result<World> {
    let world = World::new()?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    for n in 0..5 {
        assert_eq!(ann.ask(&format!("Quarterly plan {n}?"), PATIENCE).await?.outcome, Outcome::Replied);
    }
    ann.leave().await;
    node.stop().await?;
    world.is_clean().await?;
    Ok(world)
}

fn store(world: &World) -> PathBuf {
    world.data().join("agent-runtime/meta.sqlite")
}

fn log(world: &World) -> PathBuf {
    world.data().join("workspaces/home/logs/console/general.md")
}

/// The store without its side files, so that what is in the file counts.
fn overwrite(file: &Path, at: usize, bytes: &[u8]) -> anyhow::Result<()> {
    let mut all = fs::read(file)?;
    all[at..at + bytes.len()].copy_from_slice(bytes);
    Ok(fs::write(file, all)?)
}

/// `verify` finds a fault that is said with these words.
async fn is_found(world: &World, words: &[&str]) -> anyhow::Result<()> {
    let found = world.run(&["verify"]).await?.expect_code(8)?;
    assert!(words.iter().all(|word| found.stdout.contains(word)), "{words:?} in\n{}", found.stdout);
    Ok(())
}

/// A node does not start on it and says why in these words; the store's file is not touched.
async fn is_refused(world: &World, words: &[&str]) -> anyhow::Result<()> {
    let before = fs::read(store(world))?;
    for command in [&["serve"][..], &["chat"][..]] {
        let said = world.run(command).await?.expect_code(1)?;
        assert!(said.stderr.starts_with("error: "), "{}", said.stderr);
        assert!(words.iter().all(|word| said.stderr.contains(word)), "{words:?} in\n{}", said.stderr);
    }
    assert_eq!(fs::read(store(world))?, before);
    Ok(())
}

#[tokio::test]
async fn a_store_whose_header_is_overwritten_is_refused_with_its_name_and_what_to_do() -> anyhow::Result<()> {
    let world = used().await?;
    overwrite(&store(&world), 0, b"this is no store")?;
    let name = store(&world).display().to_string();
    is_refused(&world, &[&name, "restore a backup"]).await?;
    for command in [&["verify"][..], &["audit", "verify"][..], &["audit", "tail"][..]] {
        let said = world.run(command).await?.expect_code(1)?;
        assert!(said.stderr.contains("agent-runtime") && said.stderr.contains("restore a backup"), "{}", said.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_in_words_and_not_touched() -> anyhow::Result<()> {
    let world = used().await?;
    overwrite(&store(&world), 60, &99_u32.to_be_bytes())?;
    is_refused(&world, &["newer version of agent-runtime", "schema 99", "install that version"]).await?;
    let said = world.run(&["verify"]).await?.expect_code(1)?;
    assert!(
        said.stderr.contains("schema 99") && said.stderr.contains("use the version that wrote it"),
        "{}",
        said.stderr
    );
    Ok(())
}

/// Every page, in shares that are run beside each other.
#[rstest::rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_store_that_is_overwritten_is_told_by_verify_and_by_the_node(
    #[values(1, 2, 3, 4)] first: usize,
) -> anyhow::Result<()> {
    let world = used().await?;
    let whole = fs::read(store(&world))?;
    let (mut refused, mut alarmed, mut worked) = (0, 0, 0);
    for page in (first..whole.len() / PAGE_BYTES).step_by(4) {
        fs::write(store(&world), &whole)?;
        overwrite(&store(&world), page * PAGE_BYTES, &[0xff; PAGE_BYTES])?;
        for beside in ["meta.sqlite-wal", "meta.sqlite-shm"] {
            fs::remove_file(store(&world).with_file_name(beside)).ok();
        }
        let found = world.run(&["verify"]).await?;
        let said = format!("{}{}", found.stdout, found.stderr);
        assert!(matches!(found.code, Some(1 | 8)), "page {page}: {said}");
        assert!(said.contains("meta.sqlite") && said.contains("restore a backup"), "page {page}: {said}");
        match node_on_damage(&world).await.with_context(|| format!("page {page}"))? {
            Met::Refused => refused += 1,
            Met::Alarmed => alarmed += 1,
            Met::Worked => worked += 1,
        }
    }
    println!(
        "of {} pages: {refused} refused at the start, {alarmed} alarms, {worked} did not matter",
        refused + alarmed + worked
    );
    assert!(refused > 0 && alarmed > 0);
    Ok(())
}

enum Met {
    Refused,
    Alarmed,
    Worked,
}

/// A node on a damaged file ends with words, or says an alarm, or gives its answer; it never falls silent.
async fn node_on_damage(world: &World) -> anyhow::Result<Met> {
    let is_told = |said: &str| said.contains("meta.sqlite") && said.contains("restore a backup");
    let said_before = fs::read_to_string(world.data().with_extension("stderr"))?.len();
    let mut node = NodeProcess::spawn(world.spec()?, &world.data())?;
    if node.ready().await?.is_some() {
        let said = node.said();
        assert!(is_told(&said[said_before..]), "{}", &said[said_before..]);
        return Ok(Met::Refused);
    }
    let mut ann = Driver::attach(&world.data()).await?;
    ann.say("Is it still there?").await?;
    let until = Instant::now() + PATIENCE;
    loop {
        assert!(node.ended()?.is_none(), "it ended: {}", node.said());
        let status = ann.status().await?;
        if status.alarms.iter().any(|alarm| is_told(alarm)) {
            return Ok(Met::Alarmed);
        }
        if !ann.ended.is_empty() {
            return Ok(Met::Worked);
        }
        assert!(Instant::now() < until, "it falls silent: {status:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_audit_record_is_named() -> anyhow::Result<()> {
    let world = used().await?;
    let text = fs::read(store(&world))?;
    // The records of a page grow from its end, so the last in the file is the first in the chain.
    let places: Vec<usize> =
        text.windows(10).enumerate().filter(|(_, w)| *w == b"turn.taken").map(|(at, _)| at).collect();
    let (last, before) = (places[places.len() - 1], places[places.len() - 2]);
    overwrite(&store(&world), before, b"turn.faked")?;
    overwrite(&store(&world), last, b"turn.faked")?;
    let tail = world.run(&["audit", "tail", "--json"]).await?.expect_code(0)?;
    let records: serde_json::Value = serde_json::from_str(&tail.stdout)?;
    let faked = records.as_array().unwrap().iter().filter(|record| record["action"] == "turn.faked");
    let faked: Vec<u64> = faked.map(|record| record["seq"].as_u64().unwrap()).collect();
    assert_eq!(faked.len(), 2, "{records}");
    let said = world.run(&["audit", "verify"]).await?.expect_code(8)?;
    assert!(said.stdout.contains(&format!("BROKEN at record {}:", faked[0])), "{}", said.stdout);
    is_found(&world, &["audit.chain", &format!("audit record {}", faked[0])]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_ahead_log_that_is_cut_or_garbled_costs_only_what_it_held() -> anyhow::Result<()> {
    for keep in [0.0, 0.3, 0.9] {
        let world = World::new()?;
        let mut node = world.serve().await?;
        let mut ann = Driver::attach(&world.data()).await?;
        for n in 0..10 {
            ann.ask(&format!("Quarterly plan {n}?"), PATIENCE).await?;
        }
        node.kill9()?;
        let wal = store(&world).with_file_name("meta.sqlite-wal");
        let bytes = fs::read(&wal)?;
        assert!(!bytes.is_empty(), "the log of a killed node holds its last commits");
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let kept = (bytes.len() as f64 * keep) as usize;
        fs::write(&wal, [&bytes[..kept], &[0xa5; 5_000]].concat())?;
        let mut node = world.serve().await?;
        let mut ann = Driver::attach(&world.data()).await?;
        assert_eq!(ann.ask("What is left?", PATIENCE).await?.outcome, Outcome::Replied, "{}", node.said());
        assert!(node.ended()?.is_none());
        ann.leave().await;
        world.becomes_clean().await?;
        node.stop().await?;
        world.is_clean().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_cut_edited_or_lost_is_named_and_written_again_and_the_edit_is_kept() -> anyhow::Result<()> {
    let world = used().await?;
    let first = fs::read_to_string(log(&world))?;
    let edited = first.replace("Quarterly", "QUARTERLY");
    let cut: String = first.chars().take(100).collect();
    let longer = format!("{first}more\n");
    for (what, now) in [("cut", Some(cut)), ("edited", Some(edited)), ("longer", Some(longer)), ("lost", None)] {
        let whole = fs::read_to_string(log(&world))?;
        match &now {
            Some(text) => fs::write(log(&world), text)?,
            None => fs::remove_file(log(&world))?,
        }
        is_found(&world, &["log.file", "home/logs/console/general.md"]).await?;
        let node = world.serve().await?;
        let mut ann = Driver::attach(&world.data()).await?;
        ann.ask("And now?", PATIENCE).await?;
        ann.leave().await;
        world.becomes_clean().await?;
        node.stop().await?;
        let written = fs::read_to_string(log(&world))?;
        assert!(written.starts_with(&whole), "{what}: {written}");
        // What is but the beginning of what is there now holds nothing of anybody's.
        if let Some(now) = now.filter(|now| !written.starts_with(now.as_str())) {
            assert!(beside(&log(&world))?.contains(&now), "{what}: what was found is kept");
        }
    }
    Ok(())
}

/// The texts of the files beside this one.
fn beside(file: &Path) -> anyhow::Result<Vec<String>> {
    let all = fs::read_dir(file.parent().unwrap())?.map(|entry| entry.unwrap().path());
    Ok(all.filter(|path| path != file).map(fs::read_to_string).collect::<Result<_, _>>()?)
}

/// Asks until an answer has what the index holds.
async fn is_made_again(ann: &mut Driver, node: &NodeProcess) -> anyhow::Result<()> {
    let found = ann.ask_until("When do we ship the quarterly plan?", "ship in October", PATIENCE).await;
    found.with_context(|| format!("it is not made again: {}", node.said())).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_index_is_made_again_by_itself() -> anyhow::Result<()> {
    let world = used().await?;
    let index = world.data().join("workspaces/home/.index/index.sqlite");
    fs::write(&index, [0xa5; 40_000])?;
    is_found(&world, &["index.file", "damaged"]).await?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    is_made_again(&mut ann, &node).await?;
    // Under the running node, beside its open files and in its place.
    for bytes in [vec![0xa5; 40_000], Vec::new(), b"not a database".repeat(999)] {
        fs::write(&index, bytes)?;
        is_made_again(&mut ann, &node).await?;
    }
    fs::remove_dir_all(index.parent().unwrap())?;
    is_made_again(&mut ann, &node).await?;
    ann.leave().await;
    world.becomes_clean().await?;
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_audit_chain_that_is_garbled_is_refused_and_one_that_is_lost_is_told() -> anyhow::Result<()> {
    let world = used().await?;
    let key = world.data().join("agent-runtime/audit.key");
    let good = fs::read(&key)?;
    fs::write(&key, b"garbage")?;
    is_refused(&world, &["audit.key", "put it back from a backup"]).await?;
    fs::remove_file(&key)?;
    is_found(&world, &["audit.key", "put it back from a backup"]).await?;
    fs::write(&key, good)?;
    world.is_clean().await
}
