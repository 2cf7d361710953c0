//! What the running node is asked from outside: its tasks, its counts, its spending.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use console::client::{Client, ClientError, Who};
use console::wire::{AdminAsk, Answered, FromNode};
use messages::admin::{StatusView, TaskDo};
use messages::step::{Day, Spending};
use messages::store::{TaskFound, TaskRows, TaskView};
use messages::task::{TaskState, Wait};
use messages::{Slug, TaskId};
use tokio::net::UnixStream;

/// Tasks of one page.
const PAGE_MAX: u32 = 128;
/// How often a node that has work left is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// A day that comes long after all runs.
const DAY_MAX: Day = Day(100_000);

/// One who asks, and is given no reply of a chat.
pub(crate) struct Admin {
    client: Client,
    workspace: Slug,
    n: u32,
}

impl Admin {
    /// Of the node that serves the data folder now.
    pub(crate) async fn of(data: &Path, account: &str) -> anyhow::Result<Self> {
        let stream = UnixStream::connect(console::socket_path(data)).await.context("the node can't be asked")?;
        let who = Who {
            user: account.to_owned(),
            workspace: "home".to_owned(),
            context: "general".to_owned(),
            session: console::client::fresh_session()?,
            previews: false,
            only_asks: true,
        };
        let workspace = Slug::parse(&who.workspace)?;
        Ok(Self { client: Client::over(stream, who).await?, workspace, n: 0 })
    }

    async fn ask(&mut self, what: AdminAsk) -> Result<Answered, ClientError> {
        self.n += 1;
        self.client.ask(self.n, what)?;
        loop {
            if let FromNode::Answer { n, reply } = self.client.next().await?
                && n == self.n
            {
                return Ok(reply);
            }
        }
    }

    pub(crate) async fn status(&mut self) -> anyhow::Result<StatusView> {
        match self.ask(AdminAsk::Status).await? {
            Answered::Status(status) => Ok(*status),
            other => bail!("asked for its status, the node says {other:?}"),
        }
    }

    /// A page of tasks, newest first.
    pub(super) async fn page(&mut self, open: bool, before: Option<i64>) -> anyhow::Result<Vec<TaskView>> {
        let what = AdminAsk::Tasks { workspace: self.workspace.clone(), open, before, limit: PAGE_MAX };
        match self.ask(what).await? {
            Answered::Tasks(page) => Ok(page),
            other => bail!("asked for tasks, the node says {other:?}"),
        }
    }

    /// All tasks, or all that are open.
    pub(super) async fn tasks(&mut self, open: bool) -> anyhow::Result<Vec<TaskView>> {
        let mut all: Vec<TaskView> = Vec::new();
        loop {
            let page = self.page(open, all.last().map(|task| task.place)).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// The rows of all tasks, by id.
    pub(super) async fn rows(&mut self) -> anyhow::Result<BTreeMap<TaskId, TaskRows>> {
        let mut all = BTreeMap::new();
        for task in self.tasks(false).await? {
            let what = AdminAsk::Task { workspace: self.workspace.clone(), prefix: task.id.as_str().to_owned() };
            match self.ask(what).await? {
                Answered::Task(TaskFound::Found(rows, _)) => all.insert(task.id, *rows),
                other => bail!("asked for task {}, the node says {other:?}", task.id),
            };
        }
        Ok(all)
    }

    pub(super) async fn retry(&mut self, id: &TaskId) -> anyhow::Result<()> {
        let prefix = id.as_str().to_owned();
        let what = AdminAsk::TaskDo { workspace: self.workspace.clone(), prefix, what: TaskDo::Retry };
        match self.ask(what).await? {
            Answered::TaskDone(Ok(_)) => Ok(()),
            other => bail!("told to let task {id} go on, the node says {other:?}"),
        }
    }

    /// What the accounts hold once nothing is reserved, or after this time.
    pub(super) async fn spending_at_rest(&mut self, within: Duration) -> anyhow::Result<Vec<Spending>> {
        let until = Instant::now() + within;
        loop {
            let rows = self.spending().await?;
            if rows.iter().all(|of| of.reserved_tokens == 0) || Instant::now() > until {
                return Ok(rows);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the accounts hold of every day.
    async fn spending(&mut self) -> anyhow::Result<Vec<Spending>> {
        let (from, to) = (Day(0), DAY_MAX);
        match self.ask(AdminAsk::Usage { from, to, account: String::new() }).await? {
            Answered::Usage(rows) => Ok(rows),
            other => bail!("asked for its spending, the node says {other:?}"),
        }
    }

    /// Waits until nothing moves any more: no event, no reply, no task but those that wait for a person or another day.
    pub(super) async fn settled(&mut self, within: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        loop {
            let (counts, open) = (self.status().await?.counts, self.tasks(true).await?);
            let moving: Vec<&TaskView> = open.iter().filter(|task| is_moving(task, &open)).collect();
            let rest = counts.waiting + counts.taken + counts.pending + counts.sending;
            if moving.is_empty() && rest == 0 && self.is_recorded().await? {
                return Ok(());
            }
            if Instant::now() > until {
                let shown: Vec<String> = moving.iter().take(5).map(|task| shown(task)).collect();
                bail!(
                    "after {} s {} tasks move still ({}): {counts:?}",
                    within.as_secs(),
                    moving.len(),
                    shown.join("; ")
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// All record files show the last revisions.
    async fn is_recorded(&mut self) -> anyhow::Result<bool> {
        Ok(self.rows().await?.values().all(|rows| rows.task.recorded == rows.task.rev))
    }
}

fn shown(task: &TaskView) -> String {
    format!("{} {} {:?}: {} ({})", task.id, task.state, task.wait, task.title, task.reason)
}

/// It goes on by itself, sooner than tomorrow.
fn is_moving(task: &TaskView, all: &[TaskView]) -> bool {
    match task.wait {
        _ if task.state.is_terminal() => false,
        Some(Wait::Quota | Wait::InDoubt) => false,
        // Its subtasks tell.
        Some(Wait::Child) => !all.iter().any(|other| other.parent.as_ref() == Some(&task.id) && is_parked(other)),
        _ => true,
    }
}

/// It waits for a person or another day.
pub(super) fn is_parked(task: &TaskView) -> bool {
    task.state == TaskState::Waiting && matches!(task.wait, Some(Wait::Quota | Wait::InDoubt))
}
