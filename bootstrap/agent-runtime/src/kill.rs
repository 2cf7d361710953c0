//! For crash tests: the process kills itself at a marker, as `kill -9` would. For controls: what a test must be able to do
//! without is switched off.

use std::sync::atomic::{AtomicU64, Ordering};

/// `AGENT_RUNTIME_TEST_KILL_AT=store.before_commit:12` ends the process the twelfth time it comes by that marker.
pub(crate) fn arm_from_env() {
    switch_off_from_env();
    let Ok(wanted) = std::env::var("AGENT_RUNTIME_TEST_KILL_AT") else { return };
    let (name, count) = wanted.rsplit_once(':').unwrap_or((&wanted, "1"));
    let left = AtomicU64::new(count.parse().unwrap_or(1));
    let armed = fail::cfg_callback(name, move || {
        if left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL).ok();
            loop {
                std::thread::park();
            }
        }
    });
    if let Err(error) = armed {
        crate::logging::say(&format!("AGENT_RUNTIME_TEST_KILL_AT={wanted}: {error}"));
    }
}

/// `AGENT_RUNTIME_TEST_WITHOUT=store.fence,member.lets_go`: the store compares no epochs, a node lets go of no unit.
fn switch_off_from_env() {
    let names = std::env::var("AGENT_RUNTIME_TEST_WITHOUT").unwrap_or_default();
    for name in names.split(',').filter(|name| !name.is_empty()) {
        if let Err(error) = fail::cfg(name, "return") {
            crate::logging::say(&format!("AGENT_RUNTIME_TEST_WITHOUT={names}: {error}"));
        }
    }
}
