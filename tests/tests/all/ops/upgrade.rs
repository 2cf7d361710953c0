//! A data folder that an earlier version made, and one that a later version made.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use messages::InboundId;
use messages::turn::Outcome;
use rusqlite::Connection;
use tests::process::{Done, Spec, program};

use crate::faults::driver::Driver;
use crate::faults::world::{PATIENCE, World};

/// What the first version left after a conversation, and `kill -9` while its last message was in a turn: the store as SQL text, and
/// all files. Never changed.
const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/schema_1");

fn store(data: &Path) -> PathBuf {
    data.join("agent-runtime/meta.sqlite")
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copied(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// The data folder of the first version, as it was.
fn of_first_version() -> World {
    let world = World::new().unwrap();
    let data = world.data();
    copied(&Path::new(FIRST).join("data"), &data);
    for (path, mode) in
        [(data.clone(), 0o700), (data.join("agent-runtime"), 0o700), (data.join("agent-runtime/audit.key"), 0o600)]
    {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let sql = Connection::open(store(&data)).unwrap();
    sql.pragma_update(None, "journal_mode", "WAL").unwrap();
    // The text has tables in the order of their names.
    sql.pragma_update(None, "foreign_keys", false).unwrap();
    sql.execute_batch(&std::fs::read_to_string(Path::new(FIRST).join("store.sql")).unwrap()).unwrap();
    world
}

fn schema(file: &Path) -> i64 {
    Connection::open(file).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_of_the_first_version_opens_answers_and_is_clean() -> anyhow::Result<()> {
    let world = of_first_version();
    assert_eq!(schema(&store(&world.data())), 1);
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    // What was in a turn then is answered now; what was answered then can be explained still.
    let in_a_turn = InboundId::of("console", "cefef61c13a617b3d:1");
    ann.settled(std::slice::from_ref(&in_a_turn), PATIENCE).await?;
    assert_eq!(ann.ended[&in_a_turn].outcome, Outcome::Replied, "{:?}", ann.ended);
    let answered = InboundId::of("console", "c2f281739bf1cf6e9:1");
    let why = ann.ask(&format!("/why {answered}"), PATIENCE).await?;
    assert!(why.text.contains("outcome: **replied**"), "{}", why.text);
    let log = std::fs::read_to_string(world.data().join("workspaces/home/logs/console/general.md"))?;
    assert_eq!(log.matches(&format!("agent → {answered}")).count(), 1, "it is not answered again: {log}");
    let found = ann.ask("When do we begin with the fence?", PATIENCE).await?;
    assert_eq!((found.outcome, found.text.contains("3 March")), (Outcome::Replied, true), "{}", found.text);
    ann.task("list what is planned", PATIENCE).await?;
    ann.leave().await;
    node.stop().await?;
    assert!(schema(&store(&world.data())) > 1);
    let copies: Vec<PathBuf> = std::fs::read_dir(world.data().join("agent-runtime"))?
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("meta.before-v"))
        .collect();
    assert_eq!((copies.len(), schema(&copies[0])), (1, 1), "the store of before is kept beside it");
    world.is_clean().await?;
    world.run(&["audit", "verify"]).await?.expect_code(0).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_can_be_made_of_a_data_folder_of_the_first_version_once_a_node_has_opened_it() -> anyhow::Result<()> {
    let world = of_first_version();
    let file = world.path("b.tar.zst").display().to_string();
    let refused = world.run(&["backup", "create", &file]).await?.expect_code(1)?;
    assert!(refused.stderr.contains("data/agent-runtime/meta.sqlite has schema 1"), "{}", refused.stderr);
    world.serve().await?.stop().await?;
    world.run(&["backup", "create", &file]).await?.expect_code(0)?;
    Spec::new(&program()?, &["backup", "verify", &file]).run("").await?.expect_code(0)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_later_version_is_refused_in_words_and_not_changed() -> anyhow::Result<()> {
    let world = World::new()?;
    world.serve().await?.stop().await?;
    let file = store(&world.data());
    let sql = Connection::open(&file)?;
    sql.pragma_update(None, "user_version", 1_000)?;
    sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(sql);
    let before = std::fs::read(&file)?;
    let of_newer = "was made by a newer version of agent-runtime (schema 1000";
    let backup = world.path("b.tar.zst").display().to_string();
    for (args, words) in [
        (&["serve"][..], of_newer),
        (&["chat"], of_newer),
        (&["verify"], "has schema 1000, this program verifies"),
        (&["audit", "verify"], "has schema 1000, this program verifies"),
        (&["backup", "create", &backup], "data/agent-runtime/meta.sqlite has schema 1000"),
    ] {
        let Done { code, stderr, .. } = world.run(args).await?;
        assert_eq!((code, stderr.contains(words), stderr.lines().count()), (Some(1), true, 1), "{args:?}: {stderr}");
    }
    let doctor = world.run(&["doctor", "--only", "version"]).await?.expect_code(1)?;
    assert!(
        doctor.stdout.contains("the store has schema 1000") && doctor.stdout.contains("restore a backup"),
        "{}",
        doctor.stdout
    );
    assert!(std::fs::read(&file)? == before, "nothing was written into it");
    assert!(!Path::new(&backup).exists());
    Ok(())
}
