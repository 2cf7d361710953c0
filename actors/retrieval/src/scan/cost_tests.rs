//! What a change costs. `cargo nextest run --release -p retrieval --run-ignored only --no-capture cost`

use std::time::Instant;

use super::*;
use crate::testing::{LATER_NS, Never, Shelf};

const ROUNDS: u32 = 50;

/// Nanoseconds that this thread has worked.
fn worked() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse().unwrap()
}

#[allow(clippy::print_stderr, clippy::cast_precision_loss)]
fn measured(what: &str, mut work: impl FnMut(u32)) {
    let (before, began) = (worked(), Instant::now());
    (0..ROUNDS).for_each(&mut work);
    let each = |ns: u128| ns as f64 / f64::from(ROUNDS) / 1e6;
    let (cpu, wall) = (each(u128::from(worked() - before)), each(began.elapsed().as_nanos()));
    eprintln!("{what}: {cpu:.2} ms of a core, {wall:.2} ms");
}

#[test]
#[ignore = "a measurement"]
fn cost_of_one_change_among_ten_thousand_files() {
    let shelf = Shelf::new();
    for n in 0..10_000 {
        let text = format!("# File {n}\n\n{}", format!("words of file {n} about this and that. ").repeat(60));
        shelf.write(&format!("notes/{}/{}/{n}.md", n % 10, n % 100), text);
    }
    let library = shelf.library();
    let mut scanner = Scanner::default();
    let mut scan = |changes: &Changes| scanner.scan(library.covered(), changes, LATER_NS, &Never).unwrap();
    scan(&Changes::Everything);
    // A connection that reads keeps the log from being cut at the end of each scan, as searches do.
    for _reads in [false, true] {
        let _held = _reads.then(|| library.place().read().unwrap());
        measured("everything, nothing changed", |_| drop(scan(&Changes::Everything)));
        let change = |n: u32| {
            shelf.write("notes/7/77/77.md", format!("# New\n\n{}", format!("other words {n}. ").repeat(100)));
            let mut changes = Changes::default();
            changes.note(shelf.path("notes/7/77/77.md"));
            changes
        };
        measured("everything, one file changed (as before)", |n| {
            change(n);
            scan(&Changes::Everything);
        });
        measured("one file that changed", |n| drop(scan(&change(n + 1_000))));
        let mut unchanged = Changes::default();
        unchanged.note(shelf.path("notes/7/77/77.md"));
        measured("one file that was named and did not change", |_| drop(scan(&unchanged)));
    }
}
