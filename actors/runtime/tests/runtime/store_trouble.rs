//! What an entity does when the store says no.

use std::time::Duration;

use messages::AskError;
use messages::store::{CommitError, QueryError};
use runtime::Options;

use crate::kit::{Node, Wish, probe};
use crate::probe::Plan;

fn unavailable() -> CommitError {
    CommitError::Unavailable("no space".into())
}

#[tokio::test(start_paused = true)]
async fn fenced_conflict_and_unknown_open_it_from_its_rows_and_count_as_no_restart() {
    let fenced = CommitError::Fenced { unit: probe("unit"), current: 2, stale: 1 };
    for error in [fenced, CommitError::Conflict("row 1".into()), CommitError::Unknown("no answer".into())] {
        let (node, at) = (Node::new().await, probe("a"));
        node.ask(&at, Plan::default()).await.unwrap();
        node.book.answer_next([error.clone()]);
        assert!(node.ask(&at, Plan::writing("lost")).await.is_err(), "{error:?}");
        node.until("its rows are read again", || node.trace.count("rows probe/a") == 2).await;
        node.ask(&at, Plan::writing("after")).await.unwrap();
        let view = node.view(&at).unwrap();
        assert_eq!((view.restarts, view.state.as_str()), (0, "running"), "{error:?}");
        assert!(!node.trace.has("commit lost"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_busy_or_away_pauses_it_and_it_goes_on_by_itself() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::default()).await.unwrap();
    node.book.answer_next([CommitError::Busy { limit: 9 }, unavailable(), unavailable()]);
    let asked = node.start_ask(&at, Plan::writing("mark"));
    node.until("it shows", || node.state(&at) == "paused").await;
    assert!(node.view(&at).unwrap().last_error.contains("queue of 9"), "{:?}", node.view(&at));
    assert_eq!(asked.await.unwrap().unwrap(), "done");
    assert_eq!((node.trace.count("refused"), node.trace.count("commit mark")), (3, 1));
    assert_eq!((node.state(&at).as_str(), node.view(&at).unwrap().restarts), ("running", 0));
}

#[tokio::test(start_paused = true)]
async fn the_pause_grows_and_never_spins() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::default()).await.unwrap();
    node.book.refuse_all(Some(unavailable()));
    let asked = node.start_ask(&at, Plan::writing("mark"));
    node.pass(Duration::from_secs(60)).await;
    let tries = node.trace.count("refused");
    assert!((20..=40).contains(&tries), "{tries} tries in a minute");
    node.book.refuse_all(None);
    assert_eq!(asked.await.unwrap().unwrap(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_refuses_beyond_its_limit_while_the_store_is_away() {
    let options = Options { mailbox_max: 4, ..Wish::default().options };
    let node = Node::with(Wish { options, ..Wish::default() }).await;
    let at = probe("a");
    node.ask(&at, Plan::default()).await.unwrap();
    node.book.refuse_all(Some(unavailable()));
    let first = node.start_ask(&at, Plan::writing("first"));
    node.until("it is paused", || node.state(&at) == "paused").await;
    let waiting: Vec<_> = (0..4).map(|n| node.start_ask(&at, Plan::writing(&n.to_string()))).collect();
    node.until("all wait", || node.view(&at).unwrap().mailbox == 4).await;
    let refused = node.ask(&at, Plan::writing("one more")).await.unwrap_err();
    let AskError::Busy { what, retry_after } = refused else { panic!("{refused:?}") };
    assert!(what.contains("mailbox of 4") && retry_after > Duration::ZERO, "{what}");
    node.book.refuse_all(None);
    first.await.unwrap().unwrap();
    for asked in waiting {
        asked.await.unwrap().unwrap();
    }
    assert!(!node.trace.has("commit one more"));
    assert_eq!(node.view(&at).unwrap().mailbox, 0);
}

#[tokio::test(start_paused = true)]
async fn it_opens_as_soon_as_the_store_can_be_read() {
    let (node, at) = (Node::new().await, probe("a"));
    let away = QueryError::Unavailable("it is being replaced".into());
    node.book.no_reads.lock().unwrap().extend([away, QueryError::Busy { limit: 1 }]);
    assert_eq!(node.ask(&at, Plan::writing("mark")).await.unwrap(), "done");
    assert_eq!(node.view(&at).unwrap().restarts, 0);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_wrong_fails_the_actor_and_counts() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::default()).await.unwrap();
    node.book.answer_next([CommitError::Refused("a foreign owner".into())]);
    assert!(matches!(node.ask(&at, Plan::writing("wrong")).await, Err(AskError::Failed(_))));
    node.until("it is open again", || node.trace.count("perform opened") == 2).await;
    let view = node.view(&at).unwrap();
    assert_eq!(view.restarts, 1);
    assert!(view.last_error.contains("a foreign owner"), "{}", view.last_error);
    node.ask(&at, Plan::writing("after")).await.unwrap();
}
