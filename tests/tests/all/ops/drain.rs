//! SIGTERM under load.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use console::client::{Client, Redial, Who};
use console::wire::FromNode;
use messages::InboundId;
use messages::store::{InboxState, Query, Rows};
use rustix::process::Signal;
use tests::fake_model::Mode;
use tests::process::STOP_MAX;

use crate::work::site::Site;

/// Contexts that talk at once.
const CONTEXTS: usize = 4;
/// Events of each at most.
const EVENTS_MAX: usize = 4_000;
/// Events that are accepted before the node is told to stop.
const ACCEPTED_MIN: usize = 40;

/// How long the next start may take to answer them all: machines that test are slow.
const SETTLED_MAX: Duration = Duration::from_secs(150);

/// Someone who submits as fast as may be, and takes what comes.
struct Talker {
    client: Client,
    accepted: BTreeMap<InboundId, u32>,
    submitted: Vec<InboundId>,
    replies: BTreeMap<i64, InboundId>,
}

impl Talker {
    async fn new(data: &Path, n: usize) -> Self {
        let who = Who {
            user: "ann".into(),
            workspace: "home".into(),
            context: format!("talk-{n}"),
            session: format!("drain-{n}"),
            previews: false,
            only_asks: false,
        };
        let client = Client::connect(data, who).await.unwrap().expect("a node");
        Self { client, accepted: BTreeMap::new(), submitted: Vec::new(), replies: BTreeMap::new() }
    }

    /// As many as may be under way at once.
    async fn submit(&mut self) {
        while self.submitted.len() < EVENTS_MAX && self.client.has_room() {
            let n = self.submitted.len() + 1;
            let event = format!("{}:{n}", self.client.session());
            self.submitted.push(self.client.submit(&event, &format!("line {n}")).unwrap());
        }
        // A node that is gone is found out by what comes from it.
        self.client.flush().await.ok();
    }

    /// One frame; false when the node is gone.
    async fn take(&mut self) -> bool {
        match self.client.next().await {
            Ok(FromNode::Accepted { inbound, duplicate, .. }) => {
                *self.accepted.entry(inbound).or_default() += u32::from(!duplicate);
            }
            Ok(FromNode::Reply(reply)) => {
                assert!(self.replies.insert(reply.delivery, reply.inbound).is_none(), "a reply came twice");
                self.client.flushed(reply.delivery).unwrap();
            }
            Ok(FromNode::NotAccepted { event, why }) => panic!("{event}: {why}"),
            Ok(_) => {}
            Err(_) => return false,
        }
        true
    }

    /// Goes on as long as the node does.
    async fn talk_until_gone(&mut self) {
        loop {
            self.submit().await;
            if !self.take().await {
                return;
            }
        }
    }

    async fn take_until_settled(&mut self) {
        while self.client.unsettled() > 0 {
            assert!(self.take().await, "the node is gone");
        }
        self.client.flush().await.unwrap();
    }
}

/// The outcomes of events, read from the store of a node that has stopped.
async fn all_settled(data: &Path, ids: &[InboundId]) {
    let store = store::open(&data.join("agent-runtime"), &store::OpenOptions::new("test")).unwrap();
    for ids in ids.chunks(200) {
        let query = Query::Inbound { ids: ids.to_vec() };
        let Rows::Inbox(rows) = runtime::Store::query(&store, query).await.unwrap() else { panic!() };
        assert_eq!(rows.len(), ids.len(), "accepted and not there");
        let open: Vec<_> = rows.iter().filter(|row| row.state != InboxState::Settled).map(|row| &row.id).collect();
        assert!(open.is_empty(), "accepted and without an outcome: {open:?}");
    }
    store.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_told_to_stop_under_load_loses_nothing_that_it_accepted() {
    let mut site = Site::with("").await;
    site.model.set(Mode::Normal { chunks: 2, delay_ms: 2 });
    (0..CONTEXTS).for_each(|n| site.define("home", &format!("talk-{n}"), "tools: []"));
    let mut talkers = Vec::new();
    for n in 0..CONTEXTS {
        let mut talker = Talker::new(&site.data(), n).await;
        talker.submit().await;
        talkers.push(talker);
    }
    while talkers.iter().map(|talker| talker.accepted.len()).sum::<usize>() < ACCEPTED_MIN {
        for talker in &mut talkers {
            tokio::time::timeout(Duration::from_millis(5), talker.take()).await.ok();
        }
    }
    let mut node = site.take_node();
    let began = Instant::now();
    node.signal(Signal::TERM).unwrap();
    let gone = talkers.iter_mut().map(Talker::talk_until_gone);
    let (status, _) = futures_util::join!(node.wait(STOP_MAX), futures_util::future::join_all(gone));
    assert!(status.unwrap().success(), "{}", node.said());
    let accepted: usize = talkers.iter().map(|talker| talker.accepted.len()).sum();
    let submitted: usize = talkers.iter().map(|talker| talker.submitted.len()).sum();
    println!("stopped in {} ms; {accepted} of {submitted} were accepted", began.elapsed().as_millis());
    drop(node);
    site.start().await;
    let redial = Redial { data: site.data(), wait_ms_max: 20_000 };
    for talker in &mut talkers {
        talker.client.redial(&redial).await.unwrap();
    }
    let settled = talkers.iter_mut().map(Talker::take_until_settled);
    tokio::time::timeout(SETTLED_MAX, futures_util::future::join_all(settled)).await.expect("all settled");
    let ids: Vec<InboundId> = talkers.iter().flat_map(|talker| talker.submitted.clone()).collect();
    let twice = talkers.iter().flat_map(|talker| &talker.accepted).filter(|(_, times)| **times > 1).count();
    assert_eq!(twice, 0, "accepted as new more than once");
    for talker in talkers {
        talker.client.leave().await;
    }
    site.verified().await;
    site.end_node(false).await;
    all_settled(&site.data(), &ids).await;
}
