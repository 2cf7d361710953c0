//! What an open compares of a log, and what its date does.

use super::*;

/// More than a page is read in one go.
const MANY: i64 = 700;

#[tokio::test]
async fn opening_a_log_asks_only_for_entries_behind_its_synced_mark_however_long_it_is() {
    let desk = Desk::of(MANY, &[]).await;
    for (written, entries_behind) in [(699, 1), (700, 1), (690, 10)] {
        desk.write(&desk.whole[..if written == 700 { desk.whole.len() } else { desk.at(written) }]);
        let mark = desk.at(usize::try_from(MANY).unwrap() - entries_behind);
        assert!(is_written(desk.recover(&desk.synced(mark)).await.as_ref()));
        let asked = desk.asked();
        assert!(asked.len() <= 2 && asked.iter().all(|from| *from >= mark as u64), "{asked:?}");
        assert_eq!((desk.text() == desk.whole, desk.set_aside().len()), (true, 0));
        assert!(desk.forgotten().is_empty());
    }
    assert!(matches!(desk.prove(desk.at(699)).await, Event::LogProven { .. }));
    let pages = [0, desk.at(256) as u64, desk.at(512) as u64];
    assert_eq!(desk.asked(), pages, "a page is one effect, and turns go on in between");
}

#[tokio::test]
async fn a_log_that_is_all_synced_is_free_as_long_as_nobody_touches_it_and_compared_whole_after() {
    let desk = Desk::new(&[]).await;
    desk.write(&desk.whole);
    let row = desk.synced(desk.whole.len());
    assert!(desk.recover(&row).await.is_none());
    assert!(desk.asked().is_empty());
    let edited = desk.whole.replace("number 1", "number I");
    desk.write(&edited);
    assert!(matches!(desk.recover(&row).await, Some(Event::LogSetAside { .. })));
    assert_eq!((desk.text(), desk.set_aside()), (desk.whole.clone(), vec![edited]));
}

#[tokio::test]
async fn a_log_of_which_nothing_counts_as_synced_is_compared_whole_and_forgotten_by_the_index() {
    let desk = Desk::new(&[]).await;
    desk.write(&desk.whole);
    assert!(is_written(desk.recover(&desk.synced(0)).await.as_ref()));
    assert_eq!((desk.asked(), desk.forgotten().len()), (vec![0], 1));
}

#[tokio::test]
async fn a_torn_tail_is_written_again_and_what_lies_before_it_is_not_touched() {
    let whole = whole();
    let desk = Desk::new(&[]).await;
    let (first, last) = (desk.at(1), desk.at(2));
    let zeros = |at: usize| format!("{}{}", &whole[..at], "\0".repeat(whole.len() - at));
    let torn = [
        whole[..first].to_owned(),
        whole[..last].to_owned(),
        whole[..last + 9].to_owned(),
        zeros(last + 9),
        zeros(first),
    ];
    for left in torn {
        let desk = Desk::new(&[]).await;
        desk.write(&left);
        assert!(is_written(desk.recover(&desk.synced(first)).await.as_ref()), "{left:?}");
        assert_eq!((desk.text(), desk.set_aside().len()), (whole.clone(), 0));
    }
}

#[tokio::test]
async fn an_edit_before_the_mark_is_found_at_the_date_and_nothing_of_it_or_since_is_lost() {
    // Found by the process that opened it, or by the next one when it was killed before the date.
    for kills in 0..3 {
        let mut desk = Desk::new(&[]).await;
        let (mark, at) = (desk.at(1), desk.at(2));
        desk.write(&desk.whole[..at].replace("number 1", "number I"));
        for _ in 0..kills {
            assert!(is_written(desk.recover(&desk.synced(mark)).await.as_ref()));
            desk = desk.other();
        }
        assert!(is_written(desk.recover(&desk.synced(mark)).await.as_ref()));
        let edited = desk.whole.replace("number 1", "number I");
        assert_eq!((desk.text(), desk.set_aside().len()), (edited.clone(), 0));
        assert!(matches!(desk.prove(mark).await, Event::LogSetAside { .. }));
        assert_eq!((desk.text(), desk.set_aside()), (desk.whole.clone(), vec![edited]));
    }
}

#[tokio::test]
async fn an_edit_that_the_tail_shows_is_found_at_open_and_nothing_of_it_is_written_over() {
    let whole = whole();
    let desk = Desk::new(&[]).await;
    let (mark, at) = (desk.at(1), desk.at(2));
    let longer = |text: &str| text.replace("number 1", "number one, and more of it");
    let shorter = |text: &str| text.replace("words number 1", "1");
    let edits = [
        longer(&whole),
        shorter(&whole),
        // The tail had not been written; it is shifted, cut off before the mark, or goes on behind the end.
        longer(&whole[..at]),
        shorter(&whole[..mark]),
        whole[..mark - 5].to_owned(),
        format!("{whole}a note of mine\n"),
        whole.replace("number 3", "number III"),
    ];
    for edited in edits {
        let desk = Desk::new(&[]).await;
        desk.write(&edited);
        assert!(matches!(desk.recover(&desk.synced(mark)).await, Some(Event::LogSetAside { .. })), "{edited:?}");
        assert_eq!((desk.text(), desk.set_aside()), (whole.clone(), vec![edited]));
    }
}

#[tokio::test]
async fn a_mark_inside_an_entry_hides_nothing() {
    let desk = Desk::new(&[]).await;
    let edited = desk.whole.replace("number 2", "number 0");
    desk.write(&edited);
    assert!(matches!(desk.recover(&desk.synced(desk.at(1) + 5)).await, Some(Event::LogSetAside { .. })));
    assert_eq!((desk.text(), desk.set_aside()), (desk.whole.clone(), vec![edited]));
}

#[tokio::test]
async fn an_entry_of_the_tail_that_was_erased_before_it_was_written_does_not_hide_an_edit() {
    let desk = Desk::new(&[3]).await;
    let edited = whole()[..desk.at(2)].replace("number 1", "number one, and more of it than there was room for");
    desk.write(&edited);
    assert!(matches!(desk.recover(&desk.synced(desk.at(2))).await, Some(Event::LogSetAside { .. })));
    assert_eq!((desk.text(), desk.set_aside()), (desk.whole.clone(), vec![edited]));
}

#[tokio::test]
async fn an_edit_while_the_rest_is_still_to_be_proven_is_found_by_the_next_write() {
    let desk = Desk::new(&[]).await;
    let (mark, at) = (desk.at(1), desk.at(2));
    let row = LogRow { size: at as u64, ..desk.synced(mark) };
    desk.write(&desk.whole[..at]);
    assert!(is_written(desk.recover(&row).await.as_ref()));
    let edited = desk.whole[..at].replace("number 1", "number I");
    desk.write(&edited);
    let (log, bytes) = (desk.log.log.clone(), desk.whole.as_bytes()[at..].to_vec());
    let write = Effect::WriteLog { log, offset: at as u64, bytes };
    assert!(matches!(perform(&write, &desk.world).await, Some(Event::LogSetAside { .. })));
    assert_eq!((desk.text(), desk.set_aside()), (desk.whole.clone(), vec![edited]));
}

/// A world whose store is away.
fn away(desk: &Desk) -> World<Context> {
    let store = ScriptedStore::new(
        |_| Err(CommitError::Refused(String::new())),
        |_: &Query| Err(QueryError::Unavailable("away".into())),
    );
    World { system: system(store, Vec::new(), runtime::Options::default()), ..desk.world.clone() }
}

#[tokio::test]
async fn what_could_not_be_compared_is_not_written_and_does_not_count_as_synced() {
    for write in 0..3 {
        let desk = Desk::new(&[2]).await;
        let (log, mark) = (desk.log.log.clone(), desk.at(2));
        // Cut off, it looks like one that waits for its next entry.
        let edited = whole()[..mark].replace("words number 1", "1");
        desk.write(&edited);
        let told = perform(&Effect::MendLog(desk.synced(mark)), &away(&desk)).await;
        assert!(matches!(told, Some(Event::LogWritten { problem: Some(_), .. })), "{told:?}");
        let bytes = desk.whole.as_bytes()[mark..].to_vec();
        let effect = match write {
            0 => Effect::Erase { seq: 2, log },
            1 => Effect::WriteLog { log, offset: mark as u64, bytes },
            _ => Effect::SyncLog(log),
        };
        assert!(matches!(perform(&effect, &desk.world).await, Some(Event::LogSetAside { .. })), "{effect:?}");
        assert_eq!((desk.text(), desk.set_aside()), (desk.whole.clone(), vec![edited]));
    }
}

#[tokio::test]
async fn a_proof_that_the_store_does_not_answer_is_tried_again() {
    let desk = Desk::new(&[]).await;
    desk.write(&desk.whole);
    let proof = Effect::ProveLog { log: desk.log.log.clone(), part: 0..desk.at(2) as u64 };
    assert!(is_written(perform(&proof, &away(&desk)).await.as_ref()), "its date comes again");
    assert!(matches!(perform(&proof, &desk.world).await, Some(Event::LogProven { .. })));
}
