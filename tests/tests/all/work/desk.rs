//! Somebody who looks: at tasks, at the status, at what was spent.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use console::client::{Client, ClientError, Redial, Who, fresh_session};
use console::wire::{AdminAsk, Answered, FromNode};
use messages::admin::{ActorView, StatusView, TaskDo};
use messages::step::{Day, Spending};
use messages::store::{TaskFound, TaskRow, TaskRows, TaskView};
use messages::task::{TaskState, Wait};
use messages::{Slug, TaskId};
use tests::deployment::Reach;

use super::site::{LOOK, SOON};

/// How long a node that was killed may take until it answers again, in milliseconds.
const REDIAL_MS_MAX: u64 = 30_000;
/// Tasks of one page.
const PAGE: u32 = 128;

/// Sessions that only ask: at the node that has the store, and at the one that has `home`.
pub(crate) struct Desk {
    reach: Reach,
    store: Client,
    home: Client,
    n: u32,
    /// What was asked last had failed before, and was asked again.
    is_second: bool,
}

impl Desk {
    /// The one process that serves a data folder.
    pub(crate) async fn at(data: &Path) -> Self {
        Self::of(Reach::of_one(data)).await
    }

    pub(super) async fn of(reach: Reach) -> Self {
        let (store, home) = (Self::attached(&reach, &reach.store).await, Self::attached(&reach, &reach.home).await);
        Self { reach, store, home, n: 0, is_second: false }
    }

    async fn attached(reach: &Reach, data: &Path) -> Client {
        let who = Who {
            user: "ann".into(),
            workspace: "home".into(),
            context: "general".into(),
            session: fresh_session().unwrap(),
            previews: false,
            only_asks: true,
        };
        let _gate = reach.keep(data).await;
        Client::connect(data, who).await.unwrap().expect("a node")
    }

    pub(crate) async fn ask(&mut self, what: AdminAsk) -> Answered {
        let until = Instant::now() + SOON;
        self.is_second = false;
        loop {
            match tokio::time::timeout(SOON, self.once(what.clone())).await.expect("an answer") {
                Ok(Answered::Failed(why)) if self.reach.has_kills => assert!(Instant::now() < until, "{what:?}: {why}"),
                Ok(answer) => return answer,
                Err(error) => panic!("{what:?}: {error}"),
            }
            self.is_second = true;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The node that answers is not killed meanwhile, so that nothing is done twice.
    async fn once(&mut self, what: AdminAsk) -> Result<Answered, ClientError> {
        let of_home = matches!(what, AdminAsk::Status | AdminAsk::Actors);
        let data = if of_home { &self.reach.home } else { &self.reach.store };
        let _gate = self.reach.keep(data).await;
        let client = if of_home { &mut self.home } else { &mut self.store };
        loop {
            self.n += 1;
            client.ask(self.n, what.clone())?;
            match answer(client, self.n).await {
                // It was killed since it was asked last.
                Err(_) if self.reach.has_kills => {
                    client.redial(&Redial { data: data.clone(), wait_ms_max: REDIAL_MS_MAX }).await?;
                }
                answered => return answered,
            }
        }
    }

    /// All tasks of a workspace, newest first.
    pub(crate) async fn tasks(&mut self, workspace: &str) -> Vec<TaskView> {
        let mut tasks: Vec<TaskView> = Vec::new();
        loop {
            let (workspace, before) = (Slug::parse(workspace).unwrap(), tasks.last().map(|task| task.place));
            match self.ask(AdminAsk::Tasks { workspace, open: false, before, limit: PAGE }).await {
                Answered::Tasks(page) if page.is_empty() => return tasks,
                Answered::Tasks(page) => tasks.extend(page),
                other => panic!("{other:?}"),
            }
        }
    }

    /// One task.
    pub(crate) async fn task(&mut self, workspace: &str, id: &TaskId) -> TaskRows {
        match self.find(workspace, id).await {
            TaskFound::Found(rows, _) => *rows,
            other => panic!("{id}: {other:?}"),
        }
    }

    pub(crate) async fn find(&mut self, workspace: &str, id: &TaskId) -> TaskFound {
        let workspace = Slug::parse(workspace).unwrap();
        match self.ask(AdminAsk::Task { workspace, prefix: id.to_string() }).await {
            Answered::Task(found) => found,
            other => panic!("{id}: {other:?}"),
        }
    }

    /// Waits until a task of `home` is so.
    pub(crate) async fn until(&mut self, id: &TaskId, what: &str, is_so: impl Fn(&TaskRow) -> bool) -> TaskRows {
        let until = Instant::now() + SOON;
        loop {
            let rows = self.task("home", id).await;
            if is_so(&rows.task) {
                return rows;
            }
            assert!(Instant::now() < until, "{what}: it is not so within {} s: {}", SOON.as_secs(), shown(&rows));
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until a task of `home` is in this state.
    pub(crate) async fn is(&mut self, id: &TaskId, state: TaskState) -> TaskRows {
        self.until(id, state.as_str(), |task| task.state == state).await
    }

    /// Waits until a task of `home` waits for this.
    pub(crate) async fn waits(&mut self, id: &TaskId, wait: Wait) -> TaskRows {
        self.until(id, wait.as_str(), |task| task.wait == Some(wait)).await
    }

    pub(crate) async fn act(&mut self, id: &TaskId, what: TaskDo) -> Result<String, String> {
        let workspace = Slug::parse("home").unwrap();
        match self.ask(AdminAsk::TaskDo { workspace, prefix: id.to_string(), what }).await {
            // The worker may have been killed when it had done it and not yet said so: then it can't be done once more.
            Answered::TaskDone(Err(why)) if self.is_second => Ok(why),
            Answered::TaskDone(done) => done,
            other => panic!("{id}: {other:?}"),
        }
    }

    pub(crate) async fn status(&mut self) -> StatusView {
        match self.ask(AdminAsk::Status).await {
            Answered::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn actors(&mut self) -> Vec<ActorView> {
        match self.ask(AdminAsk::Actors).await {
            Answered::Actors(actors) => actors,
            other => panic!("{other:?}"),
        }
    }

    /// What each account has spent, on all days.
    pub(crate) async fn usage(&mut self) -> BTreeMap<String, Spending> {
        let what = AdminAsk::Usage { from: Day(0), to: Day(1_000_000), account: String::new() };
        match self.ask(what).await {
            Answered::Usage(rows) => rows.into_iter().map(|of| (of.account.clone(), of)).collect(),
            other => panic!("{other:?}"),
        }
    }
}

async fn answer(client: &mut Client, n: u32) -> Result<Answered, ClientError> {
    loop {
        if let FromNode::Answer { n: of, reply } = client.next().await?
            && of == n
        {
            return Ok(reply);
        }
    }
}

/// How a task stands, in a few lines.
pub(crate) fn shown(rows: &TaskRows) -> String {
    let task = &rows.task;
    let steps = rows
        .steps
        .iter()
        .map(|step| format!("\n  {} {:?} {} {}", step.seq, step.what, step.status.as_str(), step.output));
    format!(
        "{} {:?} {:?}, run {}, {} failures, lost {}, until {:?}: {}{}",
        task.id,
        task.state,
        task.wait,
        task.run,
        task.failures,
        task.lost,
        task.not_before,
        task.reason,
        steps.collect::<String>()
    )
}
