//! Tasks and what was spent: read from the store; what is to be done of a task is asked of the task itself.

use std::time::Duration;

use messages::admin::{Msg, Reply, TaskDo};
use messages::store::{PAGE_ROWS_MAX, Query, QueryError, Rows, TaskFound};
use messages::task::{Reply as TaskReply, Task};
use messages::turn::Principal;
use messages::{Address, AskError, Slug};
use runtime::System;

use crate::core::{TASKS_MAX, ask_of, listed, meant, shown};

/// How long a task may take to do what it is asked.
const TASK_MAX: Duration = Duration::from_secs(4);

/// Answers what the store knows.
pub(crate) async fn answer(system: &System, msg: Msg) -> Result<Reply, AskError> {
    match msg {
        Msg::Tasks { workspace, open, before, limit } => {
            let limit = limit.min(TASKS_MAX);
            match rows(system, Query::Tasks { workspace, context: None, open, before, limit }).await? {
                Rows::Tasks(tasks) => Ok(Reply::Tasks(listed(tasks))),
                _ => Err(other_rows()),
            }
        }
        Msg::Task { workspace, prefix } => Ok(Reply::Task(shown(find(system, &workspace, &prefix).await?))),
        Msg::TaskDo { workspace, prefix, what, principal } => {
            Ok(Reply::TaskDone(perform(system, &workspace, &prefix, (what, principal)).await?))
        }
        Msg::Usage { from, to, account } => {
            match rows(system, Query::Spending { from, to, account, limit: PAGE_ROWS_MAX }).await? {
                Rows::Spending(spending) => Ok(Reply::Usage(spending)),
                _ => Err(other_rows()),
            }
        }
        Msg::Cluster(_)
        | Msg::Actors
        | Msg::Status
        | Msg::Models
        | Msg::TestModel { .. }
        | Msg::Index { .. }
        | Msg::Retention(_)
        | Msg::Restart { .. } => Err(AskError::Failed("this is not read from rows".to_owned())),
    }
}

async fn perform(
    system: &System,
    workspace: &Slug,
    prefix: &str,
    (what, principal): (TaskDo, Principal),
) -> Result<Result<String, String>, AskError> {
    let task = match meant(find(system, workspace, prefix).await?, prefix) {
        Ok(task) => task,
        Err(why) => return Ok(Err(why)),
    };
    let address = Address::task(workspace, &task);
    Ok(match system.to::<Task>(&address).ask(ask_of(what, principal), TASK_MAX).await? {
        TaskReply::Done(done) => Ok(done),
        TaskReply::Refused(why) => Err(why),
    })
}

async fn find(system: &System, workspace: &Slug, prefix: &str) -> Result<TaskFound, AskError> {
    let query = Query::FindTask { workspace: workspace.clone(), context: None, prefix: prefix.to_owned() };
    match rows(system, query).await? {
        Rows::TaskFound(found) => Ok(found),
        _ => Err(other_rows()),
    }
}

async fn rows(system: &System, query: Query) -> Result<Rows, AskError> {
    system.store().query(query).await.map_err(|error: QueryError| AskError::Failed(error.to_string()))
}

fn other_rows() -> AskError {
    AskError::Failed("the store answered with other rows than were asked for".to_owned())
}
