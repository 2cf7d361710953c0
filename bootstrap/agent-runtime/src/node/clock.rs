//! For tests of a clock that jumps: the node's clock is the machine's, shifted by what a file says.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use runtime::{Clock, ShiftedClock};

/// How often the file is read.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `AGENT_RUNTIME_TEST_CLOCK_FILE` names a file of one whole number, the milliseconds by which the clock is off. A file
/// that is not there, or holds none, leaves the clock as it was.
pub(super) fn from_env() -> anyhow::Result<Arc<dyn Clock>> {
    let clock = Arc::new(ShiftedClock::default());
    if let Some(file) = std::env::var_os("AGENT_RUNTIME_TEST_CLOCK_FILE").map(PathBuf::from) {
        let follower = clock.clone();
        let follow = move || loop {
            let said = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
            said.into_iter().for_each(|ms| follower.shift_to(ms));
            std::thread::sleep(LOOK_EVERY);
        };
        std::thread::Builder::new().name("clock".to_owned()).spawn(follow).context("the clock's thread")?;
    }
    Ok(clock)
}
