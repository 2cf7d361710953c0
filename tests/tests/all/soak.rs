//! A node under mixed load and faults keeps what it promises, and the report of a soak has its numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tests::process::program;
use tests::soak::{Fault, Plan, Verdict, run};

fn plan(seconds: u64) -> Plan {
    Plan {
        program: program().unwrap(),
        time: Duration::from_secs(seconds),
        seed: 5,
        contexts: 6,
        rate: 40,
        faults: vec![Fault::Model, Fault::Clients, Fault::Index, Fault::Hup, Fault::Term, Fault::Kill],
        keep: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_in_a_short_soak_and_all_of_it_is_measured() {
    let report = run(plan(25), Arc::default()).await.unwrap();
    assert!(report.is_correct(), "{}", report.summary());
    assert!(report.counts.ended > 50 && report.counts.tasks > 0, "{}", report.summary());
    assert!(report.made.values().sum::<u64>() > 1 && report.pages_changed > 0, "{}", report.summary());
    for measure in [&report.rss_mb, &report.anonymous_mb, &report.open_files, &report.threads] {
        assert!(measure.last > 0.0 && measure.max >= measure.median, "{}", report.summary());
        assert_eq!(measure.verdict, Verdict::TooShort);
    }
    assert!(report.disk.last.store > 0 && report.disk.last.logs > 0 && report.disk.last.index > 0);
    assert!(report.cpu_ms_per_event > 0.0 && report.zombies_last == 0, "{}", report.summary());
    let json = serde_json::to_value(&report).unwrap();
    for at in
        ["/rss_mb/slope_per_hour", "/open_files/verdict", "/threads/limits/per_hour", "/disk/halves/1", "/zombies_max"]
    {
        assert!(json.pointer(at).is_some(), "{at} is missing: {json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soak_that_is_stopped_ends_with_its_report() {
    let stop = Arc::new(AtomicBool::new(false));
    let running = tokio::spawn(run(Plan { faults: Vec::new(), ..plan(3_600) }, stop.clone()));
    stop.store(true, Ordering::SeqCst);
    let report = running.await.unwrap().unwrap();
    assert!(report.counts.is_kept() && report.verify_clean && report.seconds < 600.0, "{}", report.summary());
}
