//! What is read through the gate, on a real disk.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use crate::{FILE_BYTES_MAX, LISTED_MAX, Mount, Refused, Root, Step, Wanted, find_file, find_folder, roots, walk};

/// A workspace `home` with the mount `notes` beside it.
pub(crate) struct Shelf(TempDir);

impl Shelf {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("home")).unwrap();
        fs::create_dir_all(dir.path().join("notes")).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn roots(&self) -> Vec<Root> {
        roots(&self.path("home"), &[Mount { name: "notes".into(), folder: self.path("notes") }])
    }

    fn read(&self, path: &str) -> Result<String, Refused> {
        let roots = self.roots();
        let (root, below) = find_file(&roots, path).ok_or(Refused::NotThere)?;
        root.open()?.read(below)
    }

    fn list(&self, folder: &str, after: &str, limit: usize) -> Result<Vec<String>, Refused> {
        let roots = self.roots();
        let (root, folder) = find_folder(&roots, folder).ok_or(Refused::NotThere)?;
        let listed =
            root.open()?.list(&Wanted { folder, after, limit, admits: &|path, _| !path.contains("secret") })?;
        let shown = |of: crate::Listed| of.bytes.map_or(format!("{}/", of.name), |n| format!("{} {n}", of.name));
        Ok(listed.into_iter().map(shown).collect())
    }
}

/// What a walk tells of a root: files and what is left out.
fn walked(root: &Root) -> (Vec<String>, Vec<String>) {
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    let _ended = walk(&root.open().unwrap(), &mut |step| {
        match step {
            Step::Folder(_) => {}
            Step::File(found) => files.push(root.shown(&found.path)),
            Step::Skipped { path, why, .. } => skipped.push(format!("{}: {why}", root.shown(&path))),
        }
        ControlFlow::Continue(())
    });
    files.sort();
    skipped.sort();
    (files, skipped)
}

#[test]
fn nothing_outside_the_folders_is_read_or_listed_by_a_link() {
    let shelf = Shelf::new();
    shelf.put("outside/secret.md", "launch codes");
    symlink(shelf.path("outside/secret.md"), shelf.path("notes/a.md")).unwrap();
    symlink(shelf.path("outside"), shelf.path("notes/b")).unwrap();
    symlink("../outside", shelf.path("home/c")).unwrap();
    symlink("/proc/self/cwd", shelf.path("home/d")).unwrap();
    for path in ["notes/a.md", "notes/b/secret.md", "c/secret.md", "d/Cargo.md"] {
        assert!(matches!(shelf.read(path), Err(Refused::Link)), "{path}: {:?}", shelf.read(path));
    }
    for path in ["notes/../outside/secret.md", "../outside/secret.md", "/etc/hosts.md"] {
        assert!(matches!(shelf.read(path), Err(Refused::NotThere)), "{path}");
    }
    for folder in ["notes/b", "c", "d"] {
        // The system says of the end of a path only that it is no folder.
        assert!(matches!(shelf.list(folder, "", 10), Err(Refused::NotThere)), "{folder}");
    }
    assert_eq!(shelf.list("notes", "", 10).unwrap(), Vec::<String>::new());
    let (files, skipped) = walked(&shelf.roots()[1]);
    assert_eq!((files.len(), skipped.len()), (0, 2));
    assert!(skipped.iter().all(|line| line.contains("symbolic link")), "{skipped:?}");
}

#[test]
fn a_folder_that_is_exchanged_for_a_link_while_it_is_read_leads_nowhere() {
    let shelf = Shelf::new();
    shelf.put("outside/a.md", "secret");
    shelf.put("home/real/a.md", "plain");
    symlink(shelf.path("outside"), shelf.path("home/link")).unwrap();
    let (stop, roots) = (AtomicBool::new(false), shelf.roots());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let (one, other) = (shelf.path("home/real"), shelf.path("home/link"));
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(rustix::fs::CWD, one, rustix::fs::CWD, other, flags).unwrap();
            }
        });
        let open = roots[0].open().unwrap();
        let (mut read, mut refused) = (0, 0);
        while read < 500 || refused < 500 {
            match open.read("real/a.md") {
                Ok(text) => {
                    assert_eq!(text, "plain");
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_pipe_or_socket_is_left_out_and_blocks_nothing() {
    let shelf = Shelf::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, shelf.path("notes/pipe.md"), rustix::fs::Mode::RWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(shelf.path("notes/socket.md")).unwrap();
    fs::create_dir(shelf.path("notes/folder.md")).unwrap();
    for path in ["notes/pipe.md", "notes/socket.md", "notes/folder.md"] {
        assert!(matches!(shelf.read(path), Err(Refused::NotRegular)), "{path}");
    }
    assert_eq!(shelf.list("notes", "", 10).unwrap(), ["folder.md/"]);
}

#[test]
fn the_size_of_a_file_is_limited_at_its_edge() {
    let shelf = Shelf::new();
    let edge = usize::try_from(FILE_BYTES_MAX).unwrap();
    shelf.put("notes/edge.txt", " ".repeat(edge));
    shelf.put("notes/over.txt", " ".repeat(edge + 1));
    assert_eq!(shelf.read("notes/edge.txt").unwrap().len(), edge);
    let why = shelf.read("notes/over.txt").unwrap_err().to_string();
    assert_eq!(why, format!("it has {} bytes; {edge} are allowed", edge + 1));
    assert_eq!(shelf.list("notes", "", 10).unwrap(), [format!("edge.txt {edge}")]);
}

#[test]
fn what_is_no_text_is_refused_with_its_reason() {
    let shelf = Shelf::new();
    shelf.put("notes/latin.md", b"gr\xfc\xdfe");
    shelf.put("notes/nul.md", b"a\0");
    assert!(matches!(shelf.read("notes/latin.md"), Err(Refused::NotUtf8)));
    assert!(matches!(shelf.read("notes/nul.md"), Err(Refused::Binary)));
    for path in ["notes/code.rs", "notes/.hidden.md", "notes/.git/x.md"] {
        shelf.put(path, "x");
        assert!(matches!(shelf.read(path), Err(Refused::NotThere)), "{path}");
    }
}

#[test]
fn records_of_the_workspace_are_never_knowledge() {
    let shelf = Shelf::new();
    let records = ["logs/c/x.md", "contexts/g/x.md", "tasks/t.md", "approvals/a.md", "mail/a/i/m.md", "drafts/d.md"];
    for path in records.into_iter().chain([".versions/a.md/k.md", ".index/x.md", "plan.md", "sub/logs/x.md"]) {
        shelf.put(&format!("home/{path}"), "x");
    }
    assert_eq!(walked(&shelf.roots()[0]).0, ["plan.md", "sub/logs/x.md"]);
    assert_eq!(shelf.list("", "", 10).unwrap(), ["plan.md 1", "sub/"]);
    for path in records {
        assert!(matches!(shelf.read(path), Err(Refused::NotThere)), "{path}");
    }
    for folder in ["logs", "contexts/g", ".versions", "mail/a"] {
        assert!(matches!(shelf.list(folder, "", 10), Err(Refused::NotThere)), "{folder}");
    }
}

#[test]
fn a_mount_that_holds_the_workspace_does_not_show_its_records() {
    let shelf = Shelf::new();
    shelf.put("data/workspaces/home/logs/x.md", "x");
    shelf.put("data/workspaces/other/logs/x.md", "x");
    shelf.put("data/readme.md", "x");
    let mount = |name: &str, folder: &str| Mount { name: name.into(), folder: shelf.path(folder) };
    let mounts =
        [mount("all", ""), mount("log", "data/workspaces/home/logs"), mount("neighbour", "data/workspaces/other")];
    let roots = roots(&shelf.path("data/workspaces/home"), &mounts);
    let all = roots[1].open().unwrap();
    assert_eq!(walked(&roots[1]).0, ["all/data/readme.md"]);
    for path in ["data/workspaces/home/logs/x.md", "data/workspaces/other/logs/x.md"] {
        assert!(matches!(all.read(path), Err(Refused::Records)), "{path}");
    }
    let names = |folder: &str| {
        let wanted = Wanted { folder, after: "", limit: 10, admits: &|_, _| true };
        all.list(&wanted).map(|listed| listed.into_iter().map(|of| of.name).collect::<Vec<_>>())
    };
    assert_eq!(names("data").unwrap(), ["readme.md"]);
    for folder in ["data/workspaces", "data/workspaces/home", "data/workspaces/home/logs", "data/workspaces/other/logs"]
    {
        assert!(matches!(names(folder), Err(Refused::Records)), "{folder}");
    }
    for root in &roots[2..] {
        assert!(matches!(root.open().err(), Some(Refused::Records)), "{}", root.name);
    }
}

#[test]
fn a_folder_is_listed_in_order_page_by_page() {
    let shelf = Shelf::new();
    for path in ["b.md", "a/x.md", "a.md", "secret.md", ".hidden.md", "c.rs", "d/e/x.md"] {
        shelf.put(&format!("notes/{path}"), "xy");
    }
    assert_eq!(shelf.list("notes", "", 10).unwrap(), ["a/", "a.md 2", "b.md 2", "d/"]);
    assert_eq!(shelf.list("notes", "", 2).unwrap(), ["a/", "a.md 2"]);
    assert_eq!(shelf.list("notes", "a.md", 2).unwrap(), ["b.md 2", "d/"]);
    assert_eq!(shelf.list("notes/d", "", 10).unwrap(), ["e/"]);
    assert_eq!(shelf.list("notes/d", "e", 10).unwrap(), Vec::<String>::new());
    for folder in ["notes/gone", "notes/a.md", "gone"] {
        assert!(matches!(shelf.list(folder, "", 10), Err(Refused::NotThere)), "{folder}");
    }
}

#[test]
fn the_names_of_a_listing_are_limited_at_their_edge() {
    let shelf = Shelf::new();
    for n in 0..=LISTED_MAX {
        shelf.put(&format!("notes/{n:04}.md"), "");
    }
    let listed = shelf.list("notes", "", usize::MAX).unwrap();
    assert_eq!(listed.len(), LISTED_MAX);
    assert_eq!(listed.last().unwrap(), &format!("{:04}.md 0", LISTED_MAX - 1));
    assert_eq!(shelf.list("notes", "", LISTED_MAX).unwrap().len(), LISTED_MAX);
}

#[test]
fn depth_is_limited_and_a_name_that_hides_is_told() {
    let shelf = Shelf::new();
    let (deep, deeper) = ("d/".repeat(crate::core::DEPTH_MAX), "d/".repeat(crate::core::DEPTH_MAX + 1));
    shelf.put(&format!("notes/{deep}deep.md"), "x");
    shelf.put(&format!("notes/{deeper}deeper.md"), "x");
    shelf.put("notes/a\u{202e}b.md", "x");
    let (files, skipped) = walked(&shelf.roots()[1]);
    assert_eq!((files.len(), skipped.len()), (1, 2), "{skipped:?}");
    let deepest = format!("notes/{}", deep.trim_end_matches('/'));
    assert_eq!(shelf.list(&deepest, "", 10).unwrap(), ["deep.md 1"]);
}

/// What a walk meets at and below a path, in order, as text.
fn met(open: &crate::OpenRoot<'_>, path: &str, whole: bool) -> Vec<String> {
    let mut met = Vec::new();
    let mut visit = |step: Step<'_>| {
        met.push(match step {
            Step::Folder(path) => format!("{path} folder"),
            Step::File(found) => format!("{} file {}", found.path, found.size),
            Step::Skipped { path, why, unknown_below } => format!("{path} {why} {unknown_below}"),
        });
        ControlFlow::Continue(())
    };
    let _ended = if whole { walk(open, &mut visit) } else { crate::walk_at(open, path.as_ref(), &mut visit) };
    let is_at = |line: &String| {
        let rest = line.strip_prefix(path);
        path.is_empty() || rest.is_some_and(|rest| rest.starts_with(['/', ' ']))
    };
    met.retain(is_at);
    met.sort();
    met
}

#[test]
fn a_look_at_one_path_meets_what_a_walk_of_all_meets_there() {
    let shelf = Shelf::new();
    for path in ["a/b/c.md", "a/b/d/e.txt", "a/x.rs", "logs/l.md", ".git/g.md", "big.md", "folder.md/in.md"] {
        shelf.put(&format!("home/{path}"), "text");
    }
    shelf.put(&format!("home/{}x.md", "d/".repeat(crate::DEPTH_MAX + 1)), "deep");
    fs::write(shelf.path("home/big.md"), vec![b' '; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]).unwrap();
    symlink("a", shelf.path("home/link")).unwrap();
    symlink("c.md", shelf.path("home/a/b/link.md")).unwrap();
    let roots = shelf.roots();
    let open = roots[0].open().unwrap();
    let deep = "d/".repeat(crate::DEPTH_MAX + 1);
    for path in [
        "",
        "a",
        "a/b",
        "a/b/c.md",
        "a/b/d",
        "a/x.rs",
        "a/none.md",
        "logs",
        "logs/l.md",
        ".git",
        ".git/g.md",
        "big.md",
        "folder.md",
        "folder.md/in.md",
        "link",
        "a/b/link.md",
        "none",
        deep.trim_end_matches('/'),
    ] {
        assert_eq!(met(&open, path, false), met(&open, path, true), "{path}");
    }
    assert_eq!(met(&open, "a/b", false).len(), 5);
}

#[test]
fn a_look_beyond_a_link_or_outside_tells_of_the_link_and_leads_nowhere() {
    let shelf = Shelf::new();
    shelf.put("home/a/x.md", "text");
    shelf.put("outside.md", "text");
    symlink("a", shelf.path("home/link")).unwrap();
    let roots = shelf.roots();
    let open = roots[0].open().unwrap();
    for path in ["link/x.md", "../outside.md", "a/../../outside.md", "/etc/hosts.md", "a/./../x.md"] {
        let mut files = 0;
        let _ended = crate::walk_at(&open, path.as_ref(), &mut |step| {
            files += u32::from(matches!(step, Step::File(_)));
            assert!(!matches!(&step, Step::Skipped { path, .. } if path != "link"));
            ControlFlow::Continue(())
        });
        assert_eq!(files, 0, "{path}");
    }
}

#[test]
fn a_look_into_records_that_a_mount_holds_is_refused() {
    let shelf = Shelf::new();
    shelf.put("data/workspaces/home/logs/x.md", "text");
    let mount = Mount { name: "all".into(), folder: shelf.path("data") };
    let roots = roots(&shelf.path("data/workspaces/home"), &[mount]);
    let open = roots[1].open().unwrap();
    let mut told = Vec::new();
    let _ended = crate::walk_at(&open, "workspaces/home/logs/x.md".as_ref(), &mut |step| {
        if let Step::Skipped { path, why, .. } = step {
            told.push(format!("{path}: {why}"));
        }
        ControlFlow::Continue(())
    });
    assert_eq!(told, ["workspaces: it holds this workspace's own records"]);
}
