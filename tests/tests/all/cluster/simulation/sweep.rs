//! Wakes who has rows that wait, each second, as the runtime's timers do. Those also look at the memory of the process, on
//! threads of their own, and no two runs of a seed would be the same.

use std::time::Duration;

use messages::store::{Query, Rows};
use runtime::{ReplyPort, Service, ServiceCx, ServiceError};

use super::desk::{Nothing, Silent};

const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// More than there are contexts.
const ROWS_MAX: u32 = 64;

pub(super) struct Sweep;

impl Service for Sweep {
    type Proto = Silent;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        let system = cx.system.clone();
        cx.spawn("the sweep", async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                let query = Query::Unfinished { after: None, limit: ROWS_MAX };
                if let Ok(Rows::Addresses(all)) = system.store().query(query).await {
                    // Of the lanes, there are none.
                    all.iter().filter(|at| at.workspace_of().is_some()).for_each(|at| system.wake(at));
                }
            }
        });
        Ok(())
    }

    async fn handle(&mut self, msg: Nothing, _: ReplyPort<Silent>, _: &ServiceCx) -> Result<(), ServiceError> {
        match msg {}
    }
}
