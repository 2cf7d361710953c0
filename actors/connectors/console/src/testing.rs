//! A node for tests: it keeps events in memory, and answers each as its test says, by the real registry.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use lane::{MaySend, Sending, Sink as _};
use messages::store::{
    Accepted, Commit, CommitError, Committed, Fence, InboxRow, InboxState, OutboxRow, OutboxState, Query, QueryError,
    Rows, Write,
};
use messages::turn::Outcome;
use messages::{Address, InboundId, Moment, Trace};
use runtime::{BoxFuture, Feed};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use crate::client::{Client, Who};
use crate::port::{Asker, Host};
use crate::registry::Sessions;
use crate::session::{self, Common};
use crate::wire::{AdminAsk, Answered};

/// What becomes of an event.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    Reply(String),
    Settle(Outcome),
    Never,
}

type Script = Box<dyn Fn(&InboxRow) -> Turn + Send>;

#[derive(Default)]
struct State {
    rows: Vec<InboxRow>,
    by_id: HashMap<InboundId, usize>,
    done: usize,
    refuse: VecDeque<CommitError>,
    away: Option<String>,
    commits: Vec<usize>,
    woken: Vec<Address>,
    sendings: Vec<Sending>,
    working: bool,
    answers: VecDeque<Answered>,
}

pub(crate) struct Node {
    me: Weak<Self>,
    state: Mutex<State>,
    script: Mutex<Script>,
    pub(crate) sessions: Sessions,
    pub(crate) feed: Feed,
    /// It is about to stop.
    pub(crate) draining: AtomicBool,
}

impl Node {
    pub(crate) fn new(script: impl Fn(&InboxRow) -> Turn + Send + 'static) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            state: Mutex::default(),
            script: Mutex::new(Box::new(script)),
            sessions: Sessions::new(),
            feed: Feed::default(),
            draining: AtomicBool::default(),
        })
    }

    /// Answers with the words it heard.
    pub(crate) fn echo() -> Arc<Self> {
        Self::new(|row| Turn::Reply(format!("echo {}", row.text)))
    }

    /// Serves one end of a new stream.
    pub(crate) fn serve(self: &Arc<Self>) -> (DuplexStream, tokio::task::JoinHandle<()>) {
        let (near, far) = tokio::io::duplex(64 * 1024);
        (far, tokio::spawn(session::run(self.common(), Box::new(near))))
    }

    pub(crate) fn common(self: &Arc<Self>) -> Arc<Common> {
        Arc::new(Common {
            host: self.clone(),
            sessions: self.sessions.clone(),
            node: "n1".into(),
            lines: vec!["hello".into()],
            refuses: None,
            knows: Arc::new(|_, context| {
                if context.as_str() == "missing" { Err("there is no context `missing`".into()) } else { Ok(()) }
            }),
            generation: 1,
        })
    }

    pub(crate) async fn client(self: &Arc<Self>, session: &str) -> Client {
        Client::over(self.serve().0, who(session)).await.unwrap()
    }

    pub(crate) fn refuse(&self, errors: impl IntoIterator<Item = CommitError>) {
        self.state.lock().unwrap().refuse.extend(errors);
    }

    /// Questions about the node are answered so, in this order.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answered>) {
        self.state.lock().unwrap().answers.extend(answers);
    }

    /// How many events each commit carried.
    pub(crate) fn commits(&self) -> Vec<usize> {
        self.state.lock().unwrap().commits.clone()
    }

    pub(crate) fn rows(&self) -> Vec<InboxRow> {
        self.state.lock().unwrap().rows.clone()
    }

    pub(crate) fn woken(&self) -> Vec<Address> {
        self.state.lock().unwrap().woken.clone()
    }

    pub(crate) fn sendings(&self) -> Vec<Sending> {
        self.state.lock().unwrap().sendings.clone()
    }

    pub(crate) fn settle(&self, event: &str, outcome: Outcome) {
        let mut state = self.state.lock().unwrap();
        let row = state.rows.iter_mut().find(|row| row.event == event).unwrap();
        (row.state, row.outcome) = (InboxState::Settled, Some(outcome));
    }

    /// The context's node is away, and this is said of it.
    pub(crate) fn is_away(&self, why: &str) {
        self.state.lock().unwrap().away = Some(why.to_owned());
    }

    pub(crate) fn outbox(row: &InboxRow, id: i64, text: &str) -> OutboxRow {
        OutboxRow {
            id,
            seq: row.seq,
            inbound: row.id.clone(),
            trace: row.trace.clone(),
            event: row.event.clone(),
            n: 0,
            context: row.context.clone(),
            chat: row.chat.clone(),
            text: text.into(),
            sources: vec![],
            outcome: Some(Outcome::Replied),
            state: OutboxState::Sending,
            attempt: 1,
            attempted_at: None,
            not_before: None,
            platform_id: None,
            error: String::new(),
            created_at: Moment(0),
            ended_at: None,
            redacted: false,
        }
    }

    /// Takes events one after the other, as a context and its lane do.
    async fn work(self: Arc<Self>) {
        loop {
            let row = {
                let mut state = self.state.lock().unwrap();
                let Some(row) = state.rows.get(state.done).cloned() else {
                    state.working = false;
                    return;
                };
                state.done += 1;
                row
            };
            let turn = (self.script.lock().unwrap())(&row);
            match turn {
                Turn::Never => {}
                Turn::Settle(outcome) => self.settle(&row.event, outcome),
                Turn::Reply(text) => {
                    let sending = self.sessions.send(Self::outbox(&row, row.seq, &text), MaySend::by(|| true)).await;
                    if matches!(sending, Sending::Sent { .. }) {
                        self.settle(&row.event, Outcome::Replied);
                    }
                    self.state.lock().unwrap().sendings.push(sending);
                }
            }
        }
    }

    fn put(&self, commit: &Commit) -> Result<Committed, CommitError> {
        let mut state = self.state.lock().unwrap();
        if let Some(error) = state.refuse.pop_front() {
            return Err(error);
        }
        assert_eq!(commit.fences, [Fence { unit: Address::fixed("connector/console"), epoch: 3 }]);
        state.commits.push(commit.writes.len());
        if commit.writes.iter().any(|write| inbox_row(write).text == "poison") {
            return Err(CommitError::Refused("poison".into()));
        }
        let mut inbox = Vec::new();
        for write in &commit.writes {
            let row = inbox_row(write);
            let duplicate = state.by_id.get(&row.id).copied();
            let at = duplicate.unwrap_or(state.rows.len());
            let seq = i64::try_from(at).unwrap() + 1;
            inbox.push(Accepted { id: row.id.clone(), seq, duplicate: duplicate.is_some() });
            if duplicate.is_none() {
                state.by_id.insert(row.id.clone(), at);
                state.rows.push(InboxRow { seq, ..row });
            }
        }
        Ok(Committed { inbox, epochs: vec![] })
    }
}

pub(crate) fn who(session: &str) -> Who {
    Who {
        user: "ann".into(),
        workspace: "home".into(),
        context: "general".into(),
        session: session.into(),
        previews: true,
        only_asks: false,
    }
}

fn inbox_row(write: &Write) -> InboxRow {
    let Write::InboxPut { id, event, context, chat, user, kind, text, salt, trace, received_at, .. } = write.clone()
    else {
        panic!("a console writes inbox rows only: {write:?}")
    };
    InboxRow {
        seq: 0,
        id,
        event,
        context,
        chat,
        user,
        kind,
        target: None,
        text,
        salt,
        trace,
        received_at,
        state: InboxState::Waiting,
        turn: None,
        outcome: None,
        reason: String::new(),
        settled_at: None,
        redacted: false,
    }
}

impl Host for Node {
    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    fn now(&self) -> Moment {
        Moment(42)
    }

    fn fences(&self) -> Result<Vec<Fence>, CommitError> {
        Ok(vec![Fence { unit: Address::fixed("connector/console"), epoch: 3 }])
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<Committed, CommitError>> {
        Box::pin(std::future::ready(self.put(&commit)))
    }

    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>> {
        let Query::Inbound { ids } = query else { panic!("{query:?}") };
        let state = self.state.lock().unwrap();
        let rows = ids.iter().filter_map(|id| state.by_id.get(id)).map(|at| state.rows[*at].clone()).collect();
        Box::pin(std::future::ready(Ok(Rows::Inbox(rows))))
    }

    fn wake(&self, address: &Address) {
        let mut state = self.state.lock().unwrap();
        state.woken.push(address.clone());
        if address.workspace_of().is_some() && !std::mem::replace(&mut state.working, true) {
            tokio::spawn(self.me.upgrade().unwrap().work());
        }
    }

    fn listen(&self, _: &Address, trace: Trace) -> mpsc::Receiver<String> {
        self.feed.listen(trace)
    }

    fn waits(&self, _: &Address) -> BoxFuture<Option<String>> {
        Box::pin(std::future::ready(self.state.lock().unwrap().away.clone()))
    }

    fn ask(&self, what: AdminAsk, asker: Asker) -> BoxFuture<Answered> {
        let scripted = self.state.lock().unwrap().answers.pop_front();
        let failed = || Answered::Failed(format!("{what:?} of {}", asker.context));
        Box::pin(std::future::ready(scripted.unwrap_or_else(failed)))
    }
}
