//! `/tasks`: which there are, how one stands, and what becomes of it. Only this context's are seen.

use messages::store::{Query, Rows, TaskFound};
use messages::task::{Msg, Reply, Task};
use messages::{Address, TaskId};
use runtime::World;

use super::core::Job;
use super::job::Done;
use super::{Context, reads};
use crate::asks::{KNOWLEDGE_MAX, patiently};
use crate::commands::TasksAsk;
use crate::task::view;

/// Tasks of one list.
const LIST_MAX: u32 = 50;

pub(super) async fn answer(asked: &TasksAsk, job: &Job, world: &World<Context>) -> Done {
    match asked {
        TasksAsk::List { all } => list(*all, job, world).await,
        TasksAsk::Show(prefix) => match find(prefix, job, world).await? {
            TaskFound::Found(rows, below) => Ok((view::whole(&rows, &below), Vec::new())),
            other => Ok((not_one(prefix, &other), Vec::new())),
        },
        TasksAsk::Cancel(prefix) => steer(prefix, Msg::Cancel(job.turn.principal.clone()), job, world).await,
        TasksAsk::Retry(prefix) => steer(prefix, Msg::Retry(job.turn.principal.clone()), job, world).await,
        TasksAsk::Discard(prefix) => steer(prefix, Msg::Discard(job.turn.principal.clone()), job, world).await,
    }
}

async fn list(all: bool, job: &Job, world: &World<Context>) -> Done {
    let workspace = job.turn.scope.workspace.clone();
    let context = Some(world.address.clone());
    let query = Query::Tasks { workspace, context, open: !all, before: None, limit: LIST_MAX };
    match reads::rows(query, world).await? {
        Rows::Tasks(tasks) => Ok((view::list(&tasks, all, world.system.now()), Vec::new())),
        _ => Err("The store answered something else.".to_owned()),
    }
}

async fn find(prefix: &str, job: &Job, world: &World<Context>) -> Result<TaskFound, String> {
    let workspace = job.turn.scope.workspace.clone();
    let context = Some(world.address.clone());
    match reads::rows(Query::FindTask { workspace, context, prefix: prefix.to_owned() }, world).await? {
        Rows::TaskFound(found) => Ok(found),
        _ => Err("The store answered something else.".to_owned()),
    }
}

async fn steer(prefix: &str, msg: Msg, job: &Job, world: &World<Context>) -> Done {
    let id = match find(prefix, job, world).await? {
        TaskFound::Found(rows, _) => rows.task.id,
        other => return Ok((not_one(prefix, &other), Vec::new())),
    };
    let at = Address::task(&job.turn.scope.workspace, &id);
    match patiently::<Task>(&world.system, &at, || msg.clone(), KNOWLEDGE_MAX).await {
        Ok(Reply::Done(words) | Reply::Refused(words)) => Ok((words, Vec::new())),
        Err(error) => Err(format!("Task `{id}` did not answer: {error}. `/tasks show {id}` tells how it stands.")),
    }
}

fn not_one(prefix: &str, found: &TaskFound) -> String {
    let TaskFound::Ambiguous(ids) = found else {
        return format!("No task of this context has an id that begins with `{prefix}`. `/tasks all` lists them.");
    };
    let ids: Vec<_> = ids.iter().map(|id: &TaskId| format!("`{id}`")).collect();
    format!("`{prefix}` is the beginning of several ids: {}. Give a few characters more.", ids.join(", "))
}
