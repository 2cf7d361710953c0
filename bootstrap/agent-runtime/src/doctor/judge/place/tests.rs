use crate::doctor::facts::{Clock, Limits};

use super::*;

fn told(verdict: &Verdict) -> String {
    format!("{verdict:?}")
}

fn path(mode: u32) -> PathFacts {
    PathFacts { path: "/d".into(), is_there: true, mode, uid: 7, ..PathFacts::default() }
}

#[test]
fn each_problem_of_the_configuration_is_a_finding() {
    let facts = Facts { problems: vec!["a:1:1: x".into(), "b".into()], config_file: "a".into(), ..Facts::default() };
    assert!(matches!(config(&facts), Verdict::Found(all) if all.len() == 2 && all[0].todo.contains("config check")));
    assert!(matches!(config(&Facts::default()), Verdict::Good(_)));
}

#[test]
fn what_others_can_reach_is_wrong_and_a_link_is_not_judged() {
    for (mode, is_folder, is_link, words) in [
        (0o600, false, false, "Good"),
        (0o700, true, false, "Good"),
        (0o640, false, false, "chmod 600 /d"),
        (0o701, true, false, "chmod 700 /d"),
        (0o777, false, true, "Good"),
    ] {
        let facts = Facts {
            data: Some("/d".into()),
            uid: 7,
            paths: vec![PathFacts { is_folder, is_link, ..path(mode) }],
            ..Facts::default()
        };
        assert!(told(&rights(&facts)).contains(words), "{mode:o}: {}", told(&rights(&facts)));
    }
    let of = |uid| rights(&Facts { data: Some("/d".into()), uid, paths: vec![path(0o600)], ..Facts::default() });
    assert!(of(8).is_wrong() && told(&of(8)).contains("another account (uid 7)"));
    assert!(!of(0).is_wrong(), "root may look at anybody's node");
}

#[test]
fn room_is_judged_at_its_edges() {
    let good = Disk { free_bytes: FREE_BYTES_SCARCE, free_files: Some(FREE_FILES_MIN), is_remote: false };
    for (disk, wrong, count) in [
        (good, false, 0),
        (Disk { free_files: None, ..good }, false, 0),
        (Disk { free_bytes: FREE_BYTES_SCARCE - 1, ..good }, false, 1),
        (Disk { free_bytes: FREE_BYTES_MIN, ..good }, false, 1),
        (Disk { free_bytes: FREE_BYTES_MIN - 1, ..good }, true, 1),
        (Disk { free_files: Some(FREE_FILES_MIN - 1), ..good }, true, 1),
        (Disk { is_remote: true, ..good }, true, 1),
    ] {
        let found = of_disk(disk, "/d");
        assert_eq!((found.iter().any(|f| f.is_wrong), found.len()), (wrong, count), "{disk:?}");
    }
}

#[test]
fn a_clock_that_went_back_is_seen_by_the_files() {
    let now_ms = CLOCK_MS_MIN;
    let of = |newest_file_ms, drift_ms| {
        clock(&Facts { clock: Clock { now_ms, newest_file_ms, drift_ms }, ..Facts::default() })
    };
    assert!(matches!(of(None, DRIFT_MS_MAX), Verdict::Good(_)));
    assert!(matches!(of(Some(now_ms + AHEAD_MS_MAX), 0), Verdict::Good(_)));
    assert!(of(Some(now_ms + AHEAD_MS_MAX + 1), 0).is_wrong());
    assert!(
        !of(None, DRIFT_MS_MAX + 1).is_wrong() && told(&of(None, -DRIFT_MS_MAX - 1)).contains("was set by -1001 ms")
    );
    let old = Clock { now_ms: CLOCK_MS_MIN - 1, ..Clock::default() };
    assert!(clock(&Facts { clock: old, ..Facts::default() }).is_wrong());
}

#[test]
fn limits_and_locale_are_judged() {
    let of = |files, node_files, locale: Option<&str>| {
        let locale = locale.map(|locale| ("LANG".to_owned(), locale.to_owned()));
        limits(&Facts { limits: Limits { files, node_files, locale }, ..Facts::default() })
    };
    assert!(matches!(of(None, None, None), Verdict::Good(_)));
    assert!(matches!(of(Some(FILES_MIN), Some(FILES_MIN), Some("de_DE.utf8")), Verdict::Good(_)));
    assert!(of(Some(FILES_MIN - 1), None, None).is_wrong() && of(None, Some(1), None).is_wrong());
    assert!(!of(None, None, Some("de_DE.ISO-8859-1")).is_wrong());
    assert!(told(&of(None, None, Some("POSIX"))).contains("LANG=POSIX"));
}

#[test]
fn a_copy_is_named_and_is_nothing_wrong_by_itself() {
    let facts = Facts { data: Some("/d".into()), copies: vec!["/d.old".into()], ..Facts::default() };
    assert!(!copy(&facts).is_wrong() && told(&copy(&facts)).contains("/d.old is a copy of /d"));
}

#[test]
fn what_the_configuration_would_name_is_not_called_good_when_it_can_not_be_read() {
    for judge in [rights, disk, copy] {
        assert_eq!(judge(&Facts::default()), Verdict::Skipped(NO_CONFIG.to_owned()));
    }
}
