//! What a command of a chat reads of the store. A hub that is started again is away for a moment, and a person must not be
//! told of it as the answer.

use std::time::Duration;

use messages::store::{Query, QueryError, Rows};
use runtime::World;
use tokio::time::Instant;

use super::Context;

/// How long the store may be away until that is the answer.
const AWAY_MAX: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(100);

/// Asks until the store answers.
///
/// # Errors
/// One sentence.
pub(super) async fn rows(query: Query, world: &World<Context>) -> Result<Rows, String> {
    let until = Instant::now() + AWAY_MAX;
    loop {
        match world.system.store().query(query.clone()).await {
            Ok(rows) => return Ok(rows),
            Err(QueryError::Busy { .. } | QueryError::Unavailable(_)) if Instant::now() < until => {
                tokio::time::sleep(AGAIN).await;
            }
            Err(error) => return Err(format!("The store can't be read: {error}.")),
        }
    }
}
