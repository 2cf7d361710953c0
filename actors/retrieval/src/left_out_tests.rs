//! What the index leaves out, with the reason that it tells; the gate itself is tested in its own crate.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use gate::{DEPTH_MAX, FILE_BYTES_MAX, Mount};

use crate::config::IndexConfig;
use crate::library::Library;
use crate::testing::{LATER_NS, Never, Shelf};

#[test]
fn nothing_outside_the_folders_is_read_by_a_link() {
    let shelf = Shelf::new();
    shelf.write("outside/secret.md", "launch codes");
    symlink(shelf.path("outside/secret.md"), shelf.path("notes/a.md")).unwrap();
    symlink(shelf.path("outside"), shelf.path("notes/b")).unwrap();
    symlink("../outside", shelf.path("home/c")).unwrap();
    symlink(".", shelf.path("notes/loop")).unwrap();
    shelf.write("notes/plain.md", "codes of conduct");
    let report = shelf.scan();
    assert_eq!(shelf.found("codes"), ["notes/plain.md"]);
    assert_eq!(report.skipped_total, 4, "{:?}", report.skipped);
    assert!(report.skipped.iter().all(|line| line.contains("symbolic link")), "{:?}", report.skipped);
    for path in ["notes/a.md", "notes/b/secret.md", "c/secret.md", "notes/../outside/secret.md", "/etc/hosts.md"] {
        let messages::index::Reply::NotOpened(_) = shelf.open(path, 0, &["**"]) else { panic!("{path} was opened") };
    }
}

#[test]
fn a_pipe_or_socket_is_left_out_and_blocks_nothing() {
    let shelf = Shelf::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, shelf.path("notes/pipe.md"), rustix::fs::Mode::RWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(shelf.path("notes/socket.md")).unwrap();
    let report = shelf.scan();
    assert_eq!(report.skipped_total, 2);
    assert!(report.skipped.iter().all(|line| line.contains("not a regular file")), "{:?}", report.skipped);
    for path in ["notes/pipe.md", "notes/socket.md"] {
        let messages::index::Reply::NotOpened(why) = shelf.open(path, 0, &["**"]) else { panic!() };
        assert!(why.contains("not a regular file"), "{why}");
    }
}

#[test]
fn the_size_of_a_file_is_limited_at_its_edge() {
    let shelf = Shelf::new();
    let edge = usize::try_from(FILE_BYTES_MAX).unwrap();
    shelf.write("notes/edge.txt", "needle ".to_owned() + &" ".repeat(edge - 7));
    shelf.write("notes/over.txt", "needle ".to_owned() + &" ".repeat(edge - 6));
    let report = shelf.scan();
    assert_eq!(shelf.found("needle"), ["notes/edge.txt"]);
    assert_eq!(report.skipped, [format!("notes/over.txt: it has {} bytes; {edge} are allowed", edge + 1)]);
}

#[test]
fn what_is_no_text_is_left_out_and_told() {
    let shelf = Shelf::new();
    shelf.write("notes/latin.md", b"gr\xfc\xdfe needle");
    shelf.write("notes/nul.md", b"needle\0");
    shelf.write("notes/good.md", "needle");
    shelf.write("notes/code.rs", "needle");
    shelf.write("notes/.hidden.md", "needle");
    shelf.write("notes/.git/x.md", "needle");
    let mut report = shelf.scan();
    report.skipped.sort();
    assert_eq!(shelf.found("needle"), ["notes/good.md"]);
    assert_eq!(report.skipped.len(), 2);
    assert!(report.skipped[0].starts_with("notes/latin.md: it is not UTF-8"));
    assert!(report.skipped[1].starts_with("notes/nul.md: it is not text"));
}

#[test]
fn records_of_the_workspace_are_never_knowledge() {
    let shelf = Shelf::new();
    for path in [
        "logs/console/general.md",
        "contexts/general/memory.md",
        "tasks/t.md",
        "approvals/a.md",
        "mail/me/inbox/m.md",
        "drafts/d.md",
        ".qmd/x.md",
        ".index/x.md",
    ] {
        shelf.write(&format!("home/{path}"), "needle");
    }
    shelf.write("home/plan.md", "needle");
    shelf.write("home/sub/logs/x.md", "needle");
    shelf.scan();
    let mut found = shelf.found("needle");
    found.sort();
    assert_eq!(found, ["plan.md", "sub/logs/x.md"]);
    let messages::index::Reply::NotOpened(_) = shelf.open("contexts/general/memory.md", 0, &["**"]) else { panic!() };
}

#[test]
fn a_mount_that_holds_the_workspace_does_not_show_its_records() {
    let shelf = Shelf::new();
    shelf.write("data/workspaces/home/logs/x.md", "needle");
    shelf.write("data/workspaces/other/logs/x.md", "needle");
    shelf.write("data/readme.md", "needle");
    let mount = |name: &str, folder: &str| Mount { name: name.into(), folder: shelf.path(folder) };
    let config = IndexConfig {
        workspace_folder: shelf.path("data/workspaces/home"),
        mounts: vec![
            mount("all", ""),
            mount("log", "data/workspaces/home/logs"),
            mount("neighbour", "data/workspaces/other"),
        ],
        ..IndexConfig::default()
    };
    let library = Library::new(&config);
    let report = library.scan(LATER_NS, &Never).unwrap();
    assert_eq!((report.files, report.skipped_total), (1, 3), "{:?}", report.skipped);
    let reach = crate::testing::knowledge(&["**"]);
    for path in
        ["all/data/workspaces/home/logs/x.md", "all/data/workspaces/other/logs/x.md", "log/x.md", "neighbour/logs/x.md"]
    {
        let wanted = crate::open::Wanted { path, page: 0, reach: &reach };
        let opened = library.open(wanted).unwrap();
        assert!(matches!(opened, messages::index::Reply::NotOpened(_)), "{path}: {opened:?}");
    }
}

#[test]
fn an_unreadable_file_is_told_and_the_rest_goes_on() {
    let shelf = Shelf::new();
    shelf.write("notes/closed/a.md", "needle");
    shelf.write("notes/b.md", "needle");
    shelf.write("notes/c.md", "needle");
    fs::set_permissions(shelf.path("notes/b.md"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(shelf.path("notes/closed"), fs::Permissions::from_mode(0o000)).unwrap();
    // Permissions don't bind root.
    let may_read_all = fs::read(shelf.path("notes/b.md")).is_ok();
    let report = shelf.scan();
    fs::set_permissions(shelf.path("notes/closed"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(report.skipped_total, if may_read_all { 0 } else { 2 }, "{:?}", report.skipped);
    assert!(shelf.found("needle").contains(&"notes/c.md".to_owned()));
}

#[test]
fn depth_is_limited_and_a_name_that_hides_is_told() {
    let shelf = Shelf::new();
    shelf.write(&format!("notes/{}deep.md", "d/".repeat(DEPTH_MAX)), "needle");
    shelf.write(&format!("notes/{}deeper.md", "d/".repeat(DEPTH_MAX + 1)), "needle");
    shelf.write("notes/a\u{202e}b.md", "needle");
    let report = shelf.scan();
    assert_eq!((report.files, report.skipped_total), (1, 2), "{:?}", report.skipped);
}
