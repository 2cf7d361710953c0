//! Opening: what is made, what is refused and in which words.

use std::os::unix::fs::PermissionsExt as _;

use rstest::rstest;
use store::OpenError;

use crate::world::{World, large, options};

fn refused(folder: &std::path::Path) -> OpenError {
    match store::open(folder, &options()) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn a_store_is_private_to_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("data/agent-runtime");
    let store = store::open(&inside, &options()).unwrap();
    let mode = |name: &str| std::fs::metadata(inside.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("meta.sqlite"), mode("audit.key"), mode("lock")), (0o700, 0o600, 0o600, 0o600));
    assert_eq!((mode("meta.sqlite-wal"), mode("meta.sqlite-shm")), (0o600, 0o600), "of the first start, too");
    store.close().unwrap();
    std::fs::set_permissions(&inside, std::fs::Permissions::from_mode(0o755)).unwrap();
    store::open(&inside, &options()).unwrap();
    assert_eq!(mode(""), 0o700);
}

#[test]
fn a_second_node_is_told_who_has_the_store() {
    let world = World::new();
    let error = refused(world.folder.path()).to_string();
    let pid = std::process::id();
    assert!(error.contains(&format!("is used by another agent-runtime (pid {pid})")), "{error}");
    assert!(error.ends_with("stop it or use another --data"), "{error}");
    world.put("a");
    world.store.close().unwrap();
    store::open(world.folder.path(), &options()).unwrap();
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_alone() {
    let world = World::new();
    world.put("a");
    world.store.close().unwrap();
    world.sql().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(world.folder.path());
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("was made by a newer version of agent-runtime"), "{error}");
    assert_eq!(world.number("SELECT count(*) FROM inbox"), 1);
}

#[rstest]
#[case::text(b"these are my notes, not a store")]
#[case::short(b"x")]
fn a_foreign_file_is_refused_and_not_written_over(#[case] bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("meta.sqlite");
    std::fs::write(&file, bytes).unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("is damaged or is no store"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn a_damaged_file_is_refused_with_what_to_do() {
    let world = World::new();
    world.put("a");
    world.store.close().unwrap();
    let mut bytes = std::fs::read(world.file()).unwrap();
    // The schema's own page: after the file's header of 100 bytes.
    bytes[100..4_096].fill(0xa5);
    std::fs::write(world.file(), bytes).unwrap();
    let error = refused(world.folder.path()).to_string();
    assert!(error.contains("restore a backup"), "{error}");
}

#[test]
fn a_folder_that_is_a_file_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("taken");
    std::fs::write(&path, b"").unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::Folder { .. } | OpenError::Lock(_)), "{error}");
}

#[test]
fn the_file_is_kept_as_the_promises_need_it() {
    let world = World::new();
    world.put("a");
    let mode: String = world.sql().pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let made_by: String =
        world.sql().query_row("SELECT value FROM meta WHERE key = 'made_by'", [], |row| row.get(0)).unwrap();
    assert_eq!(made_by, "0.0.0-test");
}

#[test]
fn the_write_ahead_log_stays_small() {
    let world = World::new();
    for n in 0..40 {
        let writes = (0..8).map(|m| large(&format!("e{n}-{m}")));
        world.connector(writes.collect()).unwrap();
    }
    let bytes = |name: &str| std::fs::metadata(world.folder.path().join(name)).unwrap().len();
    assert!(bytes("meta.sqlite") > 24 << 20);
    assert!(bytes("meta.sqlite-wal") < 9 << 20);
}
