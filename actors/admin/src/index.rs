//! An operator's questions to the index of a workspace.

use std::time::Duration;

use messages::admin::{IndexAnswer, IndexAsk};
use messages::index::{Index, Msg, Reply};
use messages::{Address, AskError, Slug};
use runtime::System;

/// How long an index may take.
const INDEX_MAX: Duration = Duration::from_secs(4);

/// Asks the index of a workspace; it is opened for that if it is not yet.
pub(crate) async fn answer(system: &System, workspace: &Slug, ask: IndexAsk) -> Result<IndexAnswer, AskError> {
    let msg = match ask {
        IndexAsk::Describe => Msg::Describe(None),
        IndexAsk::Rebuild => Msg::Rebuild,
        IndexAsk::Explain { query, limit } => Msg::Explain { query, limit },
    };
    match system.to::<Index>(&Address::index(workspace)).ask(msg, INDEX_MAX).await? {
        Reply::Described(view) => Ok(IndexAnswer::Described(view)),
        Reply::Done => Ok(IndexAnswer::Rebuilding),
        Reply::Explained(hits) => Ok(IndexAnswer::Explained(hits)),
        // There is no database yet.
        Reply::Found(_) => Ok(IndexAnswer::Explained(Vec::new())),
        _ => Err(AskError::Failed("the index answered something else".to_owned())),
    }
}
