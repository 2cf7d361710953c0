use super::*;

const LIMITS: AlarmLimits =
    AlarmLimits { disk_free_percent: 5, disk_free_bytes: 1_000, mailbox_wait_ms: 30_000, tell: None };

fn watch() -> Watch {
    Watch::new("/data".into())
}

fn at(steady_ms: u64) -> Seen {
    Seen { steady_ms, wall_ms: i64::try_from(steady_ms).unwrap(), ..Seen::default() }
}

/// (id, raised) of what changed.
fn changes(watch: &mut Watch, seen: &Seen) -> Vec<(String, bool)> {
    watch.look(&LIMITS, seen).into_iter().map(|(id, text)| (id, text.is_some())).collect()
}

fn one(id: &str, raised: bool) -> Vec<(String, bool)> {
    vec![(id.to_owned(), raised)]
}

#[test]
fn a_disk_is_low_by_either_limit_and_over_only_a_tenth_above_it() {
    for (free, total, low) in [
        (50_000, 1_000_000, false),
        (49_999, 1_000_000, true),
        (1_000, 10_000, false),
        (999, 10_000, true),
        (0, 0, true),
        (u64::MAX, u64::MAX, false),
    ] {
        let seen = Seen { disk: Some(Disk { free, total }), ..Seen::default() };
        assert_eq!(!watch().look(&LIMITS, &seen).is_empty(), low, "{free} of {total}");
    }
    let mut watch = watch();
    let free = |free| Seen { disk: Some(Disk { free, total: 1_000_000 }), ..Seen::default() };
    assert_eq!(changes(&mut watch, &free(49_999)), one("disk", true));
    assert_eq!(changes(&mut watch, &free(40_000)), []);
    assert_eq!(changes(&mut watch, &free(54_999)), []);
    assert_eq!(changes(&mut watch, &free(55_000)), one("disk", false));
    assert_eq!(changes(&mut watch, &free(55_000)), []);
    assert_eq!(changes(&mut watch, &Seen::default()), []);
}

#[test]
fn a_mailbox_alarms_after_a_time_over_its_limit_and_is_over_at_half_of_it() {
    let wait = |steady, wait_ms| {
        let waits = vec![Wait { kind: "context", address: "ws/home/context/a".into(), wait_ms }];
        Seen { waits, ..at(steady) }
    };
    let mut watch = watch();
    assert_eq!(changes(&mut watch, &wait(0, 30_000)), []);
    assert_eq!(changes(&mut watch, &wait(1, 30_001)), []);
    assert_eq!(changes(&mut watch, &wait(MAILBOX_FOR_MS, 45_000)), []);
    let told = watch.look(&LIMITS, &wait(MAILBOX_FOR_MS + 1, 46_000));
    assert_eq!(told[0].0, "mailbox:context");
    assert!(told[0].1.as_ref().unwrap().contains("ws/home/context/a") && told[0].1.as_ref().unwrap().contains("46 s"));
    assert_eq!(changes(&mut watch, &wait(40_000, 60_000)), []);
    assert_eq!(changes(&mut watch, &wait(50_000, 15_001)), []);
    assert_eq!(changes(&mut watch, &wait(60_000, 15_000)), one("mailbox:context", false));
    // A short dip begins the time anew.
    assert_eq!(changes(&mut watch, &wait(70_000, 40_000)), []);
    assert_eq!(changes(&mut watch, &at(80_000)), []);
    assert_eq!(changes(&mut watch, &wait(90_000, 40_000)), []);
}

#[test]
fn a_clock_alarms_on_a_jump_alone_and_is_calm_after_ten_minutes() {
    let seen = |steady_ms, off: i64| Seen { wall_ms: i64::try_from(steady_ms).unwrap() + off, ..at(steady_ms) };
    for (off, told) in
        [(30_000, None), (30_001, Some("forward by 30 s")), (-30_000, None), (-90_000, Some("back by 90 s"))]
    {
        let mut watch = watch();
        assert_eq!(changes(&mut watch, &seen(0, 0)), []);
        let changed = watch.look(&LIMITS, &seen(5_000, off));
        match told {
            None => assert!(changed.is_empty(), "{off}: {changed:?}"),
            Some(words) => assert!(changed[0].1.as_ref().unwrap().contains(words), "{off}: {changed:?}"),
        }
    }
    let mut watch = watch();
    assert_eq!(changes(&mut watch, &seen(0, 0)), []);
    assert_eq!(changes(&mut watch, &seen(5_000, 60_000)), one("clock", true));
    assert_eq!(changes(&mut watch, &seen(10_000, 60_000)), []);
    assert_eq!(changes(&mut watch, &seen(4_999 + CLOCK_CALM_MS, 60_000)), []);
    assert_eq!(changes(&mut watch, &seen(5_000 + CLOCK_CALM_MS, 60_000)), one("clock", false));
    // A machine that slept has not jumped: both clocks went on.
    assert_eq!(changes(&mut watch, &seen(90_000_000, 60_000)), []);
    let extreme = Seen { wall_ms: i64::MIN, steady_ms: u64::MAX, ..Seen::default() };
    assert_eq!(changes(&mut watch, &extreme), one("clock", true));
}

#[test]
fn a_doubt_is_told_once_and_its_end_too() {
    let seen = |replies, tasks| Seen { doubts: Some((replies, tasks)), ..Seen::default() };
    let mut watch = watch();
    assert_eq!(changes(&mut watch, &seen(0, 0)), []);
    assert_eq!(changes(&mut watch, &seen(1, 0)), one("doubt", true));
    assert_eq!(changes(&mut watch, &seen(7, 0)), []);
    assert_eq!(changes(&mut watch, &Seen::default()), []);
    assert_eq!(changes(&mut watch, &seen(7, 1)), one("doubt", true));
    assert_eq!(changes(&mut watch, &seen(0, 0)), one("doubt", false));
}

#[test]
fn what_is_not_ready_is_named_without_addresses() {
    let ready = |ids: &[&str], facts: Facts<'_>| {
        let alarms: Vec<_> = ids.iter().map(|id| ((*id).to_owned(), "ws/home/context/secret".to_owned())).collect();
        readiness(&Facts { alarms: &alarms, ..facts })
    };
    let fine = || Facts { counted: true, ..Facts::default() };
    assert!(ready(&[], fine()).ready);
    for (ids, facts, what) in [
        (&["store"][..], fine(), &["store", "audit"][..]),
        (&[], Facts::default(), &["store"]),
        (&[], Facts { draining: true, ..fine() }, &["stopping"]),
        (&[], Facts { indexes_made: 2, ..fine() }, &["index"]),
        (&["model:zai/glm-5"], fine(), &["model"]),
        (&["stopped:ws/home/context/secret", "stopped:ws/home/context/other"], fine(), &["actors"]),
        (&["disk"], fine(), &["disk"]),
        (&["clock", "doubt", "mailbox:context", "broken:home/contexts/secret/context.md"], fine(), &[]),
    ] {
        let told = ready(ids, facts);
        let named: Vec<_> = told.not_ready.iter().map(|one| one.what.as_str()).collect();
        assert_eq!((named.as_slice(), told.ready), (what, what.is_empty()), "{ids:?}");
        assert!(!format!("{told:?}").contains("secret"), "{told:?}");
    }
    assert_eq!(ready(&["stopped:a", "stopped:b", "store"], fine()).alarms, ["stopped", "store"]);
}
