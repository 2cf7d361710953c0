//! What the program says on the standard error stream.

use std::io::{IsTerminal as _, Write as _};

use config::{Level, Log};
use tracing_subscriber::EnvFilter;

/// Changes what is logged while the program runs.
pub(crate) type SetLevel = Box<dyn Fn(Level) -> Result<(), String> + Send + Sync>;

/// Starts logging as configured. Payloads are never logged; ractor's own words are kept to warnings.
pub(crate) fn start(log: &Log) -> SetLevel {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter(log.level))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start (in one process) keeps the first.
    if log.json {
        let subscriber = subscriber.json().flatten_event(true).with_filter_reloading();
        let handle = subscriber.reload_handle();
        drop(subscriber.try_init());
        Box::new(move |level| handle.reload(filter(level)).map_err(|error| error.to_string()))
    } else {
        let subscriber = subscriber.with_target(false).with_filter_reloading();
        let handle = subscriber.reload_handle();
        drop(subscriber.try_init());
        Box::new(move |level| handle.reload(filter(level)).map_err(|error| error.to_string()))
    }
}

fn filter(level: Level) -> EnvFilter {
    EnvFilter::new(format!("{},ractor=warn,hyper=warn,reqwest=warn", level.as_str()))
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
