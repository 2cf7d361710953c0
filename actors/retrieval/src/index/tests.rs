use tokio::time::Instant;

use super::*;
use crate::testing::{Node, Shelf, knowledge};

#[tokio::test(flavor = "multi_thread")]
async fn the_very_first_search_finds_things() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "needle");
    let node = Node::start(shelf.config(), false).await;
    assert_eq!(node.found("needle").await, ["notes/a.md"]);
    let view = node.view().await;
    assert_eq!((view.files, view.passages, view.skipped_total), (1, 1, 0));
    assert_eq!(view.roots[1], format!("notes -> {}", shelf.path("notes").display()));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_told_within_reach_however_much_of_others_is() {
    let shelf = Shelf::new();
    for n in 0..SKIPPED_SHOWN_MAX * 2 {
        shelf.write(&format!("home/a/{n}.md"), b"gr\xfc\xdfe");
    }
    // A name that holds what parts a path from its reason.
    shelf.write("home/z.md: b/odd.md", b"gr\xfc\xdfe");
    shelf.write("home/z/odd.md", b"gr\xfc\xdfe");
    let node = Node::start(shelf.config(), false).await;
    node.found("needle").await;
    let within = async |paths: &[&str]| match node.ask(Msg::Describe(Some(knowledge(paths)))).await {
        Ok(Reply::Described(view)) => (view.skipped_total, view.skipped.len(), view.skipped.first().cloned()),
        other => panic!("{other:?}"),
    };
    let why = "it is not UTF-8 text; save it as UTF-8";
    assert_eq!(within(&["z/**"]).await, (1, 1, Some(format!("z/odd.md: {why}"))));
    assert_eq!(within(&["*.md", "b/**"]).await, (0, 0, None));
    let all = SKIPPED_SHOWN_MAX * 2;
    assert_eq!(within(&["a/**"]).await, (all as u64, SKIPPED_SHOWN_MAX, Some(format!("a/0.md: {why}"))));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wake_brings_the_index_up_to_date() {
    let shelf = Shelf::new();
    let node = Node::start(shelf.config(), false).await;
    assert_eq!(node.found("needle").await, Vec::<String>::new());
    shelf.write("home/a.md", "needle");
    node.wake_index();
    node.until_found("needle", &["a.md"]).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_damaged_while_it_runs_is_made_again() {
    let shelf = Shelf::new();
    for n in 0..50 {
        shelf.write(&format!("notes/{n}.md"), format!("needle {n} {}", "word ".repeat(200)));
    }
    let node = Node::start(shelf.config(), false).await;
    let all = node.found("needle").await;
    assert_eq!(all.len(), 50);
    let file = shelf.path("home/.index/index.sqlite");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4_096..].fill(0x5a);
    std::fs::write(&file, &bytes).unwrap();
    let search = |limit| Msg::Search { query: "needle".into(), limit, reach: knowledge(&["**"]) };
    // A search over a damaged file may fail; it must never end the index, and soon it works again.
    drop(node.ask(search(50)).await);
    let began = Instant::now();
    loop {
        let answer = node.ask(search(50)).await;
        if matches!(&answer, Ok(Reply::Found(found)) if found.hits.len() == 50) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{answer:?}");
        sleep(Duration::from_millis(10)).await;
    }
    std::fs::remove_dir_all(shelf.path("home/.index")).unwrap();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    node.until_found("needle", &all).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_is_away_is_told_and_ends_nothing() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "needle");
    let mut config = shelf.config();
    config.workspace_folder = shelf.path("nowhere");
    let node = Node::start(config, false).await;
    assert_eq!(node.found("needle").await, Vec::<String>::new());
    let skipped = node.view().await.skipped;
    assert!(skipped[0].contains("can't be used"), "{skipped:?}");
    node.stop().await;
}

#[test]
fn opening_an_index_touches_no_disk() {
    let config = IndexConfig { workspace_folder: "/nowhere/at/all".into(), ..IndexConfig::default() };
    assert!(IndexService::open(config.clone()).is_ok());
    let mounts = vec![crate::Mount { name: "logs".into(), folder: "/x".into() }];
    assert!(IndexService::open(IndexConfig { mounts, ..config }).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_searches_than_the_limit_are_refused_and_none_is_left_unanswered() {
    let shelf = Shelf::new();
    // While the first scan has not ended searches wait: the queue fills.
    for n in 0..400 {
        shelf.write(&format!("notes/{n}.md"), "needle ".repeat(2_000));
    }
    let node = Arc::new(Node::start(shelf.config(), false).await);
    let asks = (0..WAITING_MAX * 3).map(|_| {
        let node = node.clone();
        tokio::spawn(async move {
            node.ask(Msg::Search { query: "needle".into(), limit: 1, reach: knowledge(&["**"]) }).await
        })
    });
    let (mut answered, mut refused) = (0, 0);
    for ask in asks.collect::<Vec<_>>() {
        match ask.await.unwrap() {
            Ok(Reply::Found(_)) => answered += 1,
            Err(AskError::Busy { what, .. }) => {
                assert_eq!(what, format!("{WAITING_MAX} searches run or wait"));
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answered + refused, WAITING_MAX * 3);
    assert!(answered >= WAITING_MAX, "{answered}");
    assert!(refused > 0);
}
