use std::sync::Mutex;

use messages::index::{Msg, Reply};
use messages::store::{FileStamp, OutboxRow, OutboxState};
use messages::{Moment, Trace};

use super::*;
use crate::records::tests::{reach_of, said};
use crate::testing::{Node, Shelf};

/// The entries of one log, as a store would have them.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<EntryRow>>>);

impl Ledger {
    fn say(&self, text: &str) -> InboxRow {
        let mut all = self.0.lock().unwrap();
        let entry = said(all.len() as u64 * 100, "ann", text);
        all.push(entry.clone());
        let EntryOf::Inbound(row) = entry.of else { unreachable!() };
        *row
    }

    fn answer(&self, to: &InboxRow, text: &str, outcome: Option<Outcome>) {
        let mut all = self.0.lock().unwrap();
        let entry = said(all.len() as u64 * 100, "agent", text);
        let row = OutboxRow {
            id: i64::try_from(all.len()).unwrap(),
            seq: to.seq,
            inbound: to.id.clone(),
            trace: Trace::of(&to.id),
            event: String::new(),
            n: 0,
            context: to.context.clone(),
            chat: to.chat.clone(),
            text: text.into(),
            sources: Vec::new(),
            outcome,
            state: OutboxState::Sent,
            attempt: 1,
            attempted_at: None,
            not_before: None,
            platform_id: None,
            error: String::new(),
            created_at: Moment(0),
            ended_at: None,
            redacted: false,
        };
        all.push(EntryRow { of: EntryOf::Outbound(Box::new(row)), ..entry });
    }

    fn change(&self, nth: usize, change: impl FnOnce(&mut InboxRow)) {
        let mut all = self.0.lock().unwrap();
        let EntryOf::Inbound(row) = &mut all[nth].of else { unreachable!() };
        change(row);
    }

    fn rows(&self, query: &Query) -> Rows {
        let all = self.0.lock().unwrap();
        match query {
            Query::Logs { context, .. } if context.leaf() == "general" => Rows::Logs(vec![LogRow {
                log: "home/logs/console/general.md".into(),
                size: all.len() as u64 * 100,
                synced: 0,
                stamp: FileStamp::default(),
            }]),
            Query::Logs { .. } => Rows::Logs(Vec::new()),
            Query::Entries { from, limit, .. } => {
                let wanted = all.iter().filter(|entry| entry.offset >= *from).take(*limit as usize);
                Rows::Entries(wanted.cloned().collect())
            }
            Query::Inbound { ids } => Rows::Inbox(
                all.iter()
                    .filter_map(|entry| match &entry.of {
                        EntryOf::Inbound(row) if ids.contains(&row.id) => Some((**row).clone()),
                        _ => None,
                    })
                    .collect(),
            ),
            other => panic!("{other:?}"),
        }
    }

    async fn node(&self, shelf: &Shelf) -> Node {
        let rows = self.clone();
        Node::start_on(shelf.config(), None, move |query| rows.rows(query)).await
    }
}

async fn found(node: &Node, query: &str, context: &str) -> Vec<String> {
    let msg = Msg::Search { query: query.into(), limit: 50, reach: reach_of(context, &["**"]) };
    let Reply::Found(found) = node.ask(msg).await.unwrap() else { panic!("nothing was searched") };
    let mut said: Vec<String> = found.hits.into_iter().map(|hit| hit.passage).collect();
    said.sort_unstable();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_found_as_soon_as_its_turn_has_ended() {
    let (shelf, ledger) = (Shelf::new(), Ledger::default());
    let asked = ledger.say("where is the zebra");
    ledger.change(0, |row| row.state = InboxState::Taken);
    let node = ledger.node(&shelf).await;
    assert_eq!(found(&node, "zebra", "general").await, Vec::<String>::new());
    ledger.change(0, |row| row.state = InboxState::Settled);
    ledger.answer(&asked, "the zebra is in the barn", Some(Outcome::Replied));
    assert_eq!(found(&node, "zebra", "general").await, ["the zebra is in the barn", "where is the zebra"]);
    assert_eq!(found(&node, "zebra", "other").await, Vec::<String>::new());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_their_answers_are_no_finds_and_words_of_tasks_are() {
    let (shelf, ledger) = (Shelf::new(), Ledger::default());
    let asked = ledger.say("/search zebra");
    ledger.answer(&asked, "1. zebra.md: a zebra", Some(Outcome::Replied));
    ledger.answer(&asked, "the task has found a zebra", None);
    let node = ledger.node(&shelf).await;
    assert_eq!(found(&node, "zebra", "general").await, ["the task has found a zebra"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_people_who_were_refused_are_no_finds() {
    let (shelf, ledger) = (Shelf::new(), Ledger::default());
    let asked = ledger.say("zebra, do as I say");
    ledger.change(0, |row| row.outcome = Some(Outcome::Denied));
    ledger.answer(&asked, "Denied: no zebra for you", Some(Outcome::Denied));
    let node = ledger.node(&shelf).await;
    assert_eq!(found(&node, "zebra", "general").await, Vec::<String>::new());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_taken_in_page_by_page_and_whole() {
    let (shelf, ledger) = (Shelf::new(), Ledger::default());
    for n in 0..700 {
        ledger.say(&format!("number{n} of many"));
    }
    let node = ledger.node(&shelf).await;
    for n in [0, 255, 256, 512, 699] {
        assert_eq!(found(&node, &format!("\"number{n}\""), "general").await, [format!("number{n} of many")]);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_is_not_found_and_never_taken_in_again() {
    let (shelf, ledger) = (Shelf::new(), Ledger::default());
    ledger.say("the zebra is a secret");
    ledger.say("the giraffe is none");
    let node = ledger.node(&shelf).await;
    assert_eq!(found(&node, "secret", "general").await.len(), 1);
    ledger.change(0, |row| (row.text, row.redacted) = (String::new(), true));
    let forget = |entries| Msg::Forget { record: "logs/console/general.md".into(), entries };
    assert!(matches!(node.ask(forget(Some(vec![0]))).await, Ok(Reply::Done)));
    assert_eq!(found(&node, "secret", "general").await, Vec::<String>::new());
    // As after a crash between the two: all of it is made again.
    assert!(matches!(node.ask(forget(None)).await, Ok(Reply::Done)));
    assert_eq!(found(&node, "secret", "general").await, Vec::<String>::new());
    assert_eq!(found(&node, "giraffe", "general").await, ["the giraffe is none"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_made_again_has_its_logs_again() {
    let (shelf, ledger) = (Shelf::new(), Ledger::default());
    ledger.say("the zebra is in the barn");
    let node = ledger.node(&shelf).await;
    assert_eq!(found(&node, "zebra", "general").await.len(), 1);
    assert!(matches!(node.ask(Msg::Rebuild).await, Ok(Reply::Done)));
    node.until_view(|view| view.scans > 1 && view.scanning.is_none()).await;
    assert_eq!(found(&node, "zebra", "general").await, ["the zebra is in the barn"]);
    node.stop().await;
}
