//! Each kind of change, on a real disk, told by the system, searchable soon. [`how_soon`] measures how soon.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::changes::NAMES_WAITING_MAX;
use crate::testing::{Node, Shelf};

/// A node that watches, whose first scans have ended: the next scan is one of the next change.
async fn watched(shelf: &Shelf) -> Node {
    let node = Node::start(shelf.config(), true).await;
    node.until_watcher(|folders, polled| folders >= 2 && polled.is_empty()).await;
    let began = Instant::now();
    loop {
        let before = node.until_view(|_| true).await;
        // Another name each time: a scan by name is one of this event, not of one before.
        let (word, name) = (format!("sentinel{}", before.scans), format!("begin{}.md", before.scans));
        shelf.settled(&name, &word);
        move_to(shelf, &name, &format!("home/{name}"));
        node.until_found(&word, &[&name]).await;
        let after = node.until_view(|_| true).await;
        if (after.scans, after.scans_of_all) == (before.scans + 1, before.scans_of_all) {
            return node;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{after:?}");
    }
}

impl Shelf {
    /// A file that was written long ago.
    fn settled(&self, path: &str, text: &str) {
        self.write(path, text);
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        fs::File::options().write(true).open(self.path(path)).unwrap().set_modified(long_ago).unwrap();
    }
}

/// One change of a kind, and where the word `needle` is to be found after it.
struct Step {
    kind: &'static str,
    act: fn(&Shelf),
    then: &'static [&'static str],
}

const fn step(kind: &'static str, act: fn(&Shelf), then: &'static [&'static str]) -> Step {
    Step { kind, act, then }
}

fn save_by_rename(shelf: &Shelf, path: &str, text: &str) {
    let tmp = format!("{path}.tmp");
    shelf.write(&tmp, text);
    fs::rename(shelf.path(&tmp), shelf.path(path)).unwrap();
}

fn move_to(shelf: &Shelf, from: &str, to: &str) {
    fs::rename(shelf.path(from), shelf.path(to)).unwrap();
}

const STEPS: [Step; 19] = [
    step("created file", |s| s.write("notes/a.md", "needle"), &["notes/a.md"]),
    step("changed file", |s| s.write("notes/a.md", "thread"), &[]),
    step("saved by truncate and write", |s| s.write("notes/a.md", "needle again"), &["notes/a.md"]),
    step("saved by rename, word gone", |s| save_by_rename(s, "notes/a.md", "thread"), &[]),
    step("saved by rename, word new", |s| save_by_rename(s, "notes/a.md", "needle"), &["notes/a.md"]),
    step("renamed file", |s| move_to(s, "notes/a.md", "notes/b.md"), &["notes/b.md"]),
    step("moved to another root", |s| move_to(s, "notes/b.md", "home/b.md"), &["b.md"]),
    step("deleted file", |s| fs::remove_file(s.path("home/b.md")).unwrap(), &[]),
    step("nested folders at once", |s| s.write("notes/p/q/r/s/deep.md", "needle"), &["notes/p/q/r/s/deep.md"]),
    step("renamed folder", |s| move_to(s, "notes/p", "notes/z"), &["notes/z/q/r/s/deep.md"]),
    step("changed in a renamed folder", |s| s.write("notes/z/q/r/s/deep.md", "thread"), &[]),
    step("created in a renamed folder", |s| s.write("notes/z/q/new.md", "needle"), &["notes/z/q/new.md"]),
    step("deleted folder", |s| fs::remove_dir_all(s.path("notes/z")).unwrap(), &[]),
    step(
        "tree moved in",
        |s| {
            s.write("outside/one/two/x.md", "needle");
            s.write("outside/y.md", "needle");
            move_to(s, "outside", "notes/in");
        },
        &["notes/in/one/two/x.md", "notes/in/y.md"],
    ),
    step("tree moved out", |s| move_to(s, "notes/in", "out"), &[]),
    step(
        "file replaced by a folder",
        |s| {
            s.write("notes/both.md", "needle");
            fs::remove_file(s.path("notes/both.md")).unwrap();
            s.write("notes/both.md/in.md", "needle");
        },
        &["notes/both.md/in.md"],
    ),
    step(
        "folder replaced by a file",
        |s| {
            fs::remove_dir_all(s.path("notes/both.md")).unwrap();
            s.write("notes/both.md", "needle");
        },
        &["notes/both.md"],
    ),
    step(
        "two folders exchanged",
        |s| {
            s.write("notes/l/x.md", "needle in the left");
            s.write("notes/m/y.md", "needle in the right");
            fs::remove_file(s.path("notes/both.md")).unwrap();
            move_to(s, "notes/l", "notes/tmp");
            move_to(s, "notes/m", "notes/l");
            move_to(s, "notes/tmp", "notes/m");
        },
        &["notes/l/y.md", "notes/m/x.md"],
    ),
    step(
        "root away, back with less",
        |s| {
            move_to(s, "notes", "away");
            fs::remove_dir_all(s.path("away/l")).unwrap();
            move_to(s, "away", "notes");
        },
        &["notes/m/x.md"],
    ),
];

/// Does all steps one after another. Gives how long each took until the search showed it.
async fn all_steps(shelf: &Shelf, node: &Node) -> Vec<(&'static str, Duration)> {
    let mut took = Vec::new();
    for step in &STEPS {
        (step.act)(shelf);
        let began = Instant::now();
        node.until_found("needle", step.then).await;
        took.push((step.kind, began.elapsed()));
    }
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_change_is_found_soon() {
    let shelf = Shelf::new();
    let node = watched(&shelf).await;
    all_steps(&shelf, &node).await;
    assert_eq!(
        crate::verify(&shelf.path("home"), &shelf.path("home/.index"), &shelf.config().mounts),
        Vec::<String>::new()
    );
    node.stop().await;
}

/// `cargo nextest run --release -p retrieval --run-ignored only --no-capture how_soon`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)]
async fn how_soon() {
    let shelf = Shelf::new();
    let node = watched(&shelf).await;
    for (kind, took) in all_steps(&shelf, &node).await {
        eprintln!("{:>6} ms  {kind}", took.as_millis());
    }
    let before = node.view().await.files;
    let began = Instant::now();
    for n in 0..1_000 {
        shelf.write(&format!("notes/checkout/{}/{n}.md", n % 20), "many");
    }
    let written = began.elapsed();
    node.until_view(|view| view.files == before + 1_000).await;
    eprintln!(
        "{:>6} ms  a checkout of 1,000 files, written in {} ms",
        began.elapsed().as_millis(),
        written.as_millis()
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_one_file_looks_at_one_file() {
    let shelf = Shelf::new();
    for n in 0..50 {
        shelf.settled(&format!("notes/{n}.md"), "thread");
    }
    let node = watched(&shelf).await;
    let before = node.view().await;
    shelf.settled("new.md", "needle");
    move_to(&shelf, "new.md", "notes/7.md");
    node.until_found("needle", &["notes/7.md"]).await;
    let after = node.until_view(|_| true).await;
    assert_eq!((after.scans, after.scans_of_all), (before.scans + 1, before.scans_of_all));
    assert_eq!(after.files, before.files);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workspaces_own_records_cause_no_scan() {
    let shelf = Shelf::new();
    for folder in ["logs/console", "tasks", "contexts/general", ".versions/plan.md"] {
        fs::create_dir_all(shelf.path("home").join(folder)).unwrap();
    }
    let node = watched(&shelf).await;
    let before = node.view().await;
    for n in 0..100 {
        shelf.write("home/logs/console/general.md", format!("line {n}"));
        shelf.write(&format!("home/tasks/{n}.md"), "task");
        shelf.write("home/contexts/general/context.md", "context");
        shelf.write(&format!("home/.versions/plan.md/{n}"), "old");
        shelf.write(&format!("home/.index/{n}.md"), "derived");
        shelf.write(&format!("home/approvals/{n}/a.md"), "new folders of records");
        shelf.write("home/.hidden.md", "hidden");
    }
    // What is heard comes in order: once this is found all of the above was heard.
    shelf.settled("new.md", "needle");
    move_to(&shelf, "new.md", "home/new.md");
    node.until_found("needle", &["new.md"]).await;
    let after = node.until_view(|_| true).await;
    // One for the file, and one at most for what had not settled before.
    assert!(after.scans <= before.scans + 2, "{} scans after {}", after.scans, before.scans);
    assert_eq!(after.scans_of_all, before.scans_of_all);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_right_after_their_new_folders_are_all_found() {
    let shelf = Shelf::new();
    let node = watched(&shelf).await;
    let before = node.view().await.files;
    for round in 0..20u64 {
        shelf.write(&format!("notes/{round}/a/b/c/d/one.md"), "needle");
        shelf.write(&format!("notes/{round}/a/b/two.md"), "needle");
        shelf.write(&format!("notes/{round}/three.md"), "needle");
        // Some rounds in one batch, some in several.
        if round % 5 == 0 {
            node.until_view(|view| view.files == before + 3 * (round + 1)).await;
        }
    }
    node.until_view(|view| view.files == before + 60).await;
    assert_eq!(
        crate::verify(&shelf.path("home"), &shelf.path("home/.index"), &shelf.config().mounts),
        Vec::<String>::new()
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_of_a_thousand_files_is_found_and_so_is_its_undoing() {
    let shelf = Shelf::new();
    let node = watched(&shelf).await;
    let before = node.view().await.files;
    for n in 0..1_000 {
        shelf.write(&format!("notes/{}/{n}.md", n % 20), "needle");
    }
    node.until_view(|view| view.files == before + 1_000).await;
    for n in 0..500 {
        fs::remove_file(shelf.path(&format!("notes/{}/{n}.md", n % 20))).unwrap();
    }
    node.until_view(|view| view.files == before + 500).await;
    assert_eq!(
        crate::verify(&shelf.path("home"), &shelf.path("home/.index"), &shelf.config().mounts),
        Vec::<String>::new()
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_changes_than_are_kept_by_name_are_found_by_looking_at_everything() {
    let shelf = Shelf::new();
    for n in 0..NAMES_WAITING_MAX * 3 {
        shelf.settled(&format!("outside/{n}.md"), "needle");
    }
    let node = watched(&shelf).await;
    let before = node.view().await;
    for n in 0..NAMES_WAITING_MAX * 3 {
        move_to(&shelf, &format!("outside/{n}.md"), &format!("notes/{n}.md"));
    }
    let after = node.until_view(|view| view.files == before.files + 3 * NAMES_WAITING_MAX as u64).await;
    assert!(after.scans_of_all > before.scans_of_all);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_while_it_is_read_is_whole_in_the_end() {
    let shelf = Shelf::new();
    let node = watched(&shelf).await;
    let path = shelf.path("notes/growing.md");
    let grows = tokio::task::spawn_blocking(move || {
        use std::io::Write as _;
        let mut file = fs::File::create(path).unwrap();
        let began = std::time::Instant::now();
        // More than an index takes, and then little by little: a disk is for others, too.
        let mut written = 0;
        while began.elapsed() < Duration::from_secs(2) {
            let lines = if written > gate::FILE_BYTES_MAX { 1 } else { 10_000 };
            let bytes = "a line of many words\n".repeat(lines);
            file.write_all(bytes.as_bytes()).unwrap();
            written += bytes.len() as u64;
            std::thread::yield_now();
        }
        file.write_all(b"\n# End\nneedle\n").unwrap();
    });
    // Meanwhile searches are answered.
    while !grows.is_finished() {
        node.found("needle").await;
    }
    grows.await.unwrap();
    let told = |line: &String| line.starts_with("notes/growing.md");
    let larger = fs::metadata(shelf.path("notes/growing.md")).unwrap().len() > gate::FILE_BYTES_MAX;
    if larger {
        node.until_view(|view| view.skipped.iter().any(told)).await;
        shelf.write("notes/growing.md", "needle");
    }
    node.until_found("needle", &["notes/growing.md"]).await;
    node.until_view(|view| !view.skipped.iter().any(told)).await;
    node.stop().await;
}

fn mode(shelf: &Shelf, path: &str, mode: u32) {
    fs::set_permissions(shelf.path(path), fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_read_is_told_and_found_again_once_it_may() {
    let shelf = Shelf::new();
    shelf.settled("notes/a.md", "needle");
    shelf.settled("notes/closed/b.md", "thread");
    let node = watched(&shelf).await;
    mode(&shelf, "notes/a.md", 0o000);
    // Permissions don't bind root.
    if fs::read(shelf.path("notes/a.md")).is_err() {
        node.until_found("needle", &[]).await;
        let told = |line: &String| line.starts_with("notes/a.md: it may not be read");
        node.until_view(|view| view.skipped.iter().any(told)).await;
        mode(&shelf, "notes/closed", 0o000);
        // Nothing is known of what is in there: it stays.
        node.until_view(|view| view.skipped.iter().any(|line| line.starts_with("notes/closed: "))).await;
        node.until_found("thread", &["notes/closed/b.md"]).await;
        mode(&shelf, "notes/closed", 0o700);
    }
    mode(&shelf, "notes/a.md", 0o600);
    node.until_found("needle", &["notes/a.md"]).await;
    node.until_view(|view| view.skipped.is_empty()).await;
    shelf.write("notes/closed/c.md", "thread");
    node.until_found("thread", &["notes/closed/b.md", "notes/closed/c.md"]).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_could_not_be_read_at_the_start_is_watched_once_it_can() {
    let shelf = Shelf::new();
    shelf.settled("notes/closed/b.md", "thread");
    mode(&shelf, "notes/closed", 0o000);
    let node = watched(&shelf).await;
    mode(&shelf, "notes/closed", 0o700);
    node.until_found("thread", &["notes/closed/b.md"]).await;
    shelf.write("notes/closed/c.md", "thread");
    node.until_found("thread", &["notes/closed/b.md", "notes/closed/c.md"]).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_replaced_by_an_empty_folder_loses_nothing() {
    let shelf = Shelf::new();
    shelf.settled("notes/a.md", "needle");
    shelf.settled("notes/sub/b.md", "needle");
    let node = watched(&shelf).await;
    move_to(&shelf, "notes", "away");
    fs::create_dir(shelf.path("notes")).unwrap();
    node.until_view(|view| view.skipped.iter().any(|line| line.contains("is its disk mounted?"))).await;
    assert_eq!(node.found("needle").await, ["notes/a.md", "notes/sub/b.md"]);
    // A change elsewhere does not make it forget, nor does one there.
    shelf.write("home/c.md", "needle");
    node.until_found("needle", &["c.md", "notes/a.md", "notes/sub/b.md"]).await;
    fs::remove_dir(shelf.path("notes")).unwrap();
    move_to(&shelf, "away", "notes");
    fs::remove_file(shelf.path("notes/a.md")).unwrap();
    node.until_found("needle", &["c.md", "notes/sub/b.md"]).await;
    node.until_view(|view| view.skipped.is_empty()).await;
    shelf.write("notes/sub/d.md", "needle");
    node.until_found("needle", &["c.md", "notes/sub/b.md", "notes/sub/d.md"]).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_same_size_and_time_are_found_with_an_event_and_without() {
    let shelf = Shelf::new();
    let node = watched(&shelf).await;
    shelf.write("notes/a.md", "old needle");
    node.until_found("old", &["notes/a.md"]).await;
    let rewrite = |path: &Path, text: &str| {
        let time = fs::metadata(path).unwrap().modified().unwrap();
        fs::write(path, text).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    rewrite(&shelf.path("notes/a.md"), "new needle");
    node.until_found("new", &["notes/a.md"]).await;
    node.stop().await;
    // Without a watcher nobody tells.
    shelf.write("notes/b.md", "old thread");
    let node = Node::start(shelf.config(), false).await;
    node.until_found("old", &["notes/b.md"]).await;
    rewrite(&shelf.path("notes/b.md"), "new thread");
    node.until_found("new", &["notes/a.md", "notes/b.md"]).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_deleted_or_overwritten_is_whole_after_the_next_change() {
    let shelf = Shelf::new();
    for n in 0..50 {
        shelf.settled(&format!("notes/{n}.md"), "thread");
    }
    let node = watched(&shelf).await;
    let (file, files) = (shelf.path("home/.index/index.sqlite"), node.view().await.files);
    let damages: [&dyn Fn(); 3] = [
        &|| fs::remove_dir_all(shelf.path("home/.index")).unwrap(),
        &|| fs::write(&file, "this is no database at all ".repeat(1_000)).unwrap(),
        &|| fs::remove_file(&file).unwrap(),
    ];
    for (n, damage) in damages.into_iter().enumerate() {
        let before = node.view().await;
        damage();
        // No search sees the damage first: the scan of one change does.
        shelf.write("home/new.md", format!("needle{n}"));
        node.until_view(|view| view.scans_of_all > before.scans_of_all && view.files == files + 1).await;
        node.until_found(&format!("needle{n}"), &["new.md"]).await;
        assert_eq!(node.found("thread").await.len(), 50);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn left_out_files_of_elsewhere_stay_told_and_mended_ones_do_not() {
    let shelf = Shelf::new();
    shelf.settled("notes/a.md", "\0");
    shelf.settled("notes/sub/b.md", "\0");
    let node = watched(&shelf).await;
    assert_eq!(node.view().await.skipped_total, 2);
    shelf.write("notes/c.md", "\0");
    node.until_view(|view| view.skipped_total == 3).await;
    shelf.write("notes/sub/b.md", "needle");
    node.until_found("needle", &["notes/sub/b.md"]).await;
    let view = node.until_view(|view| view.skipped_total == 2).await;
    assert!(view.skipped[0].starts_with("notes/a.md: ") && view.skipped[1].starts_with("notes/c.md: "), "{view:?}");
    fs::remove_file(shelf.path("notes/a.md")).unwrap();
    node.until_view(|view| view.skipped_total == 1).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_number_of_watched_folders_everything_is_still_found() {
    let shelf = Shelf::new();
    let node = Node::start_with(shelf.config(), Some(3)).await;
    node.until_watcher(|folders, _| folders == 2).await;
    shelf.write("notes/a/b/c.md", "needle");
    node.until_watcher(|folders, polled| folders == 0 && polled.len() == 1).await;
    node.until_found("needle", &["notes/a/b/c.md"]).await;
    shelf.write("notes/a/b/d/e.md", "needle");
    node.until_found("needle", &["notes/a/b/c.md", "notes/a/b/d/e.md"]).await;
    fs::remove_dir_all(shelf.path("notes/a")).unwrap();
    node.until_found("needle", &[]).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_the_configuration_has_polled_are_looked_at_and_not_watched() {
    let shelf = Shelf::new();
    let config = crate::IndexConfig { poll: true, ..shelf.config() };
    let node = Node::start(config, true).await;
    node.until_watcher(|folders, polled| folders == 0 && polled.len() == 1).await;
    shelf.write("notes/a/b.md", "needle");
    node.until_found("needle", &["notes/a/b.md"]).await;
    let view = node.view().await;
    assert_eq!(view.skipped, ["folders are looked at every 2 s, as `watch = \"poll\"` says"]);
    fs::remove_file(shelf.path("notes/a/b.md")).unwrap();
    node.until_found("needle", &[]).await;
    node.stop().await;
}
