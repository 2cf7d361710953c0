//! Looks at the tasks all the while: no more may run at once than there are slots.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::admin::Admin;
use super::node::Stage;
use super::truth::Truth;

/// How often.
const LOOK: Duration = Duration::from_millis(25);

/// What was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Slots {
    /// Looks.
    pub looks: u64,
    /// The most tasks that ran at once in the workspace.
    pub of_workspace: u64,
    /// The most that ran at once for one context.
    pub of_context: u64,
}

/// Looks until the run is over. A node that is killed meanwhile is looked at again when it is back.
pub(super) async fn watch(stage: Arc<Stage>, truth: Arc<Truth>) -> Slots {
    let mut slots = Slots::default();
    while !truth.over.load(Ordering::SeqCst) {
        // What ends a look is the end of its node, which is nothing to tell.
        look(stage.data.clone(), &stage.account, &truth, &mut slots).await.ok();
        tokio::time::sleep(LOOK).await;
    }
    slots
}

async fn look(data: PathBuf, account: &str, truth: &Truth, slots: &mut Slots) -> anyhow::Result<()> {
    let mut admin = Admin::of(&data, account).await?;
    while !truth.over.load(Ordering::SeqCst) {
        let running = admin.status().await?.counts.tasks_running;
        let mut of: BTreeMap<String, u64> = BTreeMap::new();
        for task in admin.page(true, None).await?.iter().filter(|task| task.state.holds_slot()) {
            *of.entry(task.context.to_string()).or_default() += 1;
        }
        slots.looks += 1;
        slots.of_workspace = slots.of_workspace.max(running).max(of.values().sum());
        slots.of_context = slots.of_context.max(of.into_values().max().unwrap_or(0));
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
