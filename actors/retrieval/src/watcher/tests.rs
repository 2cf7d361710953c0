use std::fs;

use crate::testing::{Node, Shelf};

#[tokio::test(flavor = "multi_thread")]
async fn files_in_new_nested_folders_are_found_soon() {
    let shelf = Shelf::new();
    let node = Node::start(shelf.config(), true).await;
    node.until_watcher(|folders, polled| folders == 2 && polled.is_empty()).await;
    shelf.write("notes/a/b/c/deep.md", "needle");
    node.until_found("needle", &["notes/a/b/c/deep.md"]).await;
    node.until_watcher(|folders, _| folders == 5).await;
    shelf.write("notes/a/b/c/more.md", "needle");
    node.until_found("needle", &["notes/a/b/c/deep.md", "notes/a/b/c/more.md"]).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_renames_and_deletions_are_found_soon() {
    let shelf = Shelf::new();
    shelf.write("notes/a/x.md", "needle");
    let node = Node::start(shelf.config(), true).await;
    node.until_watcher(|folders, _| folders == 3).await;
    node.until_found("needle", &["notes/a/x.md"]).await;
    fs::rename(shelf.path("notes/a"), shelf.path("notes/b")).unwrap();
    node.until_found("needle", &["notes/b/x.md"]).await;
    shelf.write("notes/b/x.md", "thread");
    node.until_found("thread", &["notes/b/x.md"]).await;
    fs::remove_dir_all(shelf.path("notes/b")).unwrap();
    node.until_found("thread", &[]).await;
    shelf.write("notes/b/y.md", "needle");
    node.until_found("needle", &["notes/b/y.md"]).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_comes_later_is_found() {
    let shelf = Shelf::new();
    fs::remove_dir(shelf.path("notes")).unwrap();
    let node = Node::start(shelf.config(), true).await;
    node.until_watcher(|folders, polled| folders == 1 && polled.len() == 1).await;
    shelf.write("notes/a.md", "needle");
    node.until_found("needle", &["notes/a.md"]).await;
    node.until_watcher(|folders, polled| folders == 2 && polled.is_empty()).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_hold_records_are_not_watched() {
    let shelf = Shelf::new();
    for folder in ["logs/console", "contexts/general", ".git/objects", "skills"] {
        fs::create_dir_all(shelf.path("home").join(folder)).unwrap();
    }
    let node = Node::start(shelf.config(), true).await;
    // home, home/skills, notes.
    node.until_watcher(|folders, polled| folders == 3 && polled.is_empty()).await;
    node.stop().await;
}
