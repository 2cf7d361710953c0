//! `/memory` and `/forget`: what this context keeps of its conversation. Only its own is seen.

use messages::Address;
use messages::memory::{Memory, Msg, Reply};
use messages::store::{Query, Rows};
use runtime::World;

use super::Context;
use super::core::Job;
use super::job::Done;
use super::reads;
use crate::asks::{KNOWLEDGE_MAX, patiently};
use crate::memory::{file, view};

pub(super) async fn show(job: &Job, world: &World<Context>) -> Done {
    let scope = &job.turn.scope;
    let folder = world.deps.layout.context_folder(&scope.workspace, scope.context.as_str());
    let said = tokio::task::spawn_blocking(move || file::said(&folder)).await.map_err(|e| format!("{e}."))?;
    let said = said.map_err(|problem| format!("memory.md can't be read: {problem}."))?;
    match reads::rows(Query::Memory { context: world.address.clone() }, world).await? {
        Rows::Memory(rows) => Ok((view::tell(&said, &rows, job.when), Vec::new())),
        _ => Err("The store answered something else.".to_owned()),
    }
}

pub(super) async fn forget(entry: &str, job: &Job, world: &World<Context>) -> Done {
    let at = Address::memory(&job.turn.scope.workspace, &job.turn.scope.context);
    let msg = || Msg::Forget { entry: entry.to_owned(), by: job.turn.principal.clone() };
    match patiently::<Memory>(&world.system, &at, msg, KNOWLEDGE_MAX).await {
        Ok(Reply::Done(words)) => Ok((words, Vec::new())),
        Ok(Reply::Failed(words)) => Err(words),
        Err(error) => Err(format!("Memory did not answer: {error}. `/memory` shows whether it was done.")),
    }
}
