//! What the program says on the standard error stream.

use std::io::{IsTerminal as _, Write as _};

use config::Log;
use tracing_subscriber::EnvFilter;

/// Starts logging as configured. Payloads are never logged; ractor's own words are kept to warnings.
pub(crate) fn start(log: &Log) {
    let filter = EnvFilter::new(format!("{},ractor=warn,hyper=warn,reqwest=warn", log.level.as_str()));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start (in one process) keeps the first.
    if log.json {
        drop(subscriber.json().flatten_event(true).try_init());
    } else {
        drop(subscriber.with_target(false).try_init());
    }
}

/// The last words of a command that failed: what, and every reason below it.
pub(crate) fn tell_error(error: &anyhow::Error) {
    let mut words = format!("error: {error}");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !words.contains(&cause) {
            words.push_str(&format!("\n  because: {cause}"));
        }
    }
    say(&words);
}

/// One line to the person, apart from what a command gives.
pub(crate) fn say(words: &str) {
    // Nobody is left to be told when this fails.
    drop(writeln!(std::io::stderr(), "{words}"));
}

/// One line of what a command gives. `false`: nobody reads it any more.
pub(crate) fn give(words: &str) -> bool {
    writeln!(std::io::stdout(), "{words}").is_ok()
}
