//! The store, from a node that does not have it; and from any, what tells a member that it was fenced.

use std::sync::Arc;

use messages::cluster::Unit;
use messages::envelope::Kind;
use messages::store::{Commit, CommitError, Committed, Query, QueryError, Rows, StoreAnswer, StoreCall};
use messages::{Address, AskError};
use runtime::port::{BoxFuture, Store};

use super::{Event, Member, away, head};

/// How long a commit or a query may take. A disk that is slower than this is ill.
const STORE_MS_MAX: u32 = 10_000;

/// The hub's store.
pub struct RemoteStore(pub Arc<Member>);

impl RemoteStore {
    async fn ask(member: &Member, message: &StoreCall) -> Result<StoreAnswer, AskError> {
        let link = member.hub().ok_or_else(|| away("the store", "the link to the hub is down"))?;
        let body = postcard::to_stdvec(message).map_err(|e| AskError::Decode(e.to_string()))?;
        let answer = link.ask(head(&Address::fixed("store"), Kind::Ask, STORE_MS_MAX), &body).await?;
        postcard::from_bytes(&answer).map_err(|e| AskError::Decode(e.to_string()))
    }
}

impl Store for RemoteStore {
    fn commit(&self, commit: Commit) -> BoxFuture<Result<Committed, CommitError>> {
        let member = self.0.clone();
        Box::pin(async move {
            let done = match Self::ask(&member, &StoreCall::Commit(commit)).await {
                Ok(StoreAnswer::Committed(done)) => done,
                Ok(_) => Err(CommitError::Unknown("the hub answered something else".into())),
                Err(error) => Err(refused(error)),
            };
            if let Err(CommitError::Fenced { unit, stale, .. }) = &done {
                member.fenced(unit, *stale);
            }
            done
        })
    }

    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>> {
        let member = self.0.clone();
        Box::pin(async move {
            match Self::ask(&member, &StoreCall::Query(query)).await {
                Ok(StoreAnswer::Rows(rows)) => rows,
                Ok(_) => Err(QueryError::Unavailable("the hub answered something else".into())),
                Err(error) => Err(unread(&error)),
            }
        })
    }
}

/// What was certainly not sent may be tried again; of what was sent it is not known whether it was written.
fn refused(error: AskError) -> CommitError {
    match error {
        AskError::Busy { .. } | AskError::NotOwner => CommitError::Unavailable(error.to_string()),
        AskError::Denied(why) => CommitError::Refused(why),
        AskError::TooLarge { .. } | AskError::Decode(_) => CommitError::Refused(error.to_string()),
        _ => CommitError::Unknown(error.to_string()),
    }
}

/// That the hub is away is an alarm already; what can never be read would only be seen as something that waits.
fn unread(error: &AskError) -> QueryError {
    if matches!(error, AskError::TooLarge { .. } | AskError::Decode(_) | AskError::Denied(_)) {
        tracing::warn!(%error, "the hub's store can't be read");
    }
    QueryError::Unavailable(error.to_string())
}

impl Member {
    /// A commit for this unit was refused as stale.
    pub(super) fn fenced(&self, unit: &Address, epoch: u64) {
        if let Ok(unit) = Unit::try_from(unit.clone()) {
            tracing::warn!(%unit, epoch, "a commit was refused: the unit has a newer holder");
            // Full, it is found at the next renewal.
            drop(self.events.try_send(Event::Fenced { unit, epoch }));
        }
    }
}
