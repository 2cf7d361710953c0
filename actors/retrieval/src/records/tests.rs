use std::collections::HashMap;

use messages::index::{Found, Origin, Reach, Reply};
use messages::store::{EntryOf, EntryRow, InboundKind, InboxRow, InboxState};
use messages::turn::Chat;
use messages::{Address, InboundId, Moment, Slug, Trace};

use crate::engine::Engine as _;
use crate::library::Brake;
use crate::open::Wanted;
use crate::search::Question;
use crate::testing::Shelf;

/// Something that somebody said, with its entry at `offset`.
pub(crate) fn said(offset: u64, user: &str, text: &str) -> EntryRow {
    let id = InboundId::of("console", &format!("{user}:{offset}"));
    let row = InboxRow {
        seq: i64::try_from(offset).unwrap(),
        trace: Trace::of(&id),
        id,
        event: String::new(),
        context: Address::parse("ws/home/context/general").unwrap(),
        chat: Chat { connector: "console".into(), chat: "home/general".into() },
        user: user.into(),
        kind: InboundKind::Message,
        target: None,
        text: text.into(),
        salt: [0; 16],
        received_at: Moment(1_764_000_000_000 + i64::try_from(offset).unwrap()),
        state: InboxState::Settled,
        turn: None,
        outcome: None,
        reason: String::new(),
        settled_at: None,
        redacted: false,
    };
    EntryRow { log: "home/logs/console/general.md".into(), offset, length: 100, of: EntryOf::Inbound(Box::new(row)) }
}

pub(crate) fn reach_of(context: &str, paths: &[&str]) -> Reach {
    Reach {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        records_of: Some(Slug::parse(context).unwrap()),
    }
}

pub(crate) fn find(shelf: &Shelf, query: &str, reach: &Reach) -> Found {
    shelf.library().search(Question { query, limit: 50, reach }, &Brake::default()).unwrap().unwrap()
}

fn paths(found: &Found) -> Vec<&str> {
    found.hits.iter().map(|hit| hit.path.as_str()).collect()
}

const LOG: &str = "logs/console/general.md";

#[test]
fn a_context_finds_what_was_said_in_its_own_log_and_nobody_else_does() {
    let shelf = Shelf::new();
    let library = shelf.library();
    library.put_entries(("general", LOG), &[said(0, "ann", "the zebra is in the barn")], 100).unwrap();
    let found = find(&shelf, "zebra", &reach_of("general", &[]));
    assert_eq!((paths(&found), found.hits[0].origin), (vec![LOG], Origin::Log));
    assert!(found.hits[0].heading.ends_with("· ann"), "{}", found.hits[0].heading);
    for other in [reach_of("other", &["**"]), Reach { paths: vec!["**".into()], records_of: None }] {
        let found = find(&shelf, "zebra", &other);
        assert_eq!((found.hits.len(), found.files), (0, 0));
    }
}

#[test]
fn a_log_grows_and_nothing_of_it_is_taken_in_twice() {
    let shelf = Shelf::new();
    let library = shelf.library();
    let all = [said(0, "ann", "zebra one"), said(100, "bob", "zebra two"), said(200, "ann", "zebra three")];
    library.put_entries(("general", LOG), &all[..2], 200).unwrap();
    assert_eq!(library.logs_known("general").unwrap(), HashMap::from([(LOG.to_owned(), 200)]));
    // The whole log again, as after a crash that lost where it was.
    library.put_entries(("general", LOG), &all, 300).unwrap();
    let found = find(&shelf, "zebra", &reach_of("general", &[]));
    let mut said: Vec<&str> = found.hits.iter().map(|hit| hit.passage.as_str()).collect();
    said.sort_unstable();
    assert_eq!(said, ["zebra one", "zebra three", "zebra two"]);
    assert_eq!(library.logs_known("general").unwrap()[LOG], 300);
}

#[test]
fn an_erased_entry_is_gone_from_the_hits_and_from_the_files_of_the_database() {
    let shelf = Shelf::new();
    let library = shelf.library();
    let all = [said(0, "ann", "my password is hunzelbrunz"), said(100, "bob", "do not say that here")];
    library.put_entries(("general", LOG), &all, 200).unwrap();
    let holds = || {
        let folder = std::fs::read_dir(shelf.path("home/.index")).unwrap();
        folder
            .filter(|file| {
                let bytes = std::fs::read(file.as_ref().unwrap().path()).unwrap();
                bytes.windows(11).any(|window| window == b"hunzelbrunz")
            })
            .count()
    };
    assert!(holds() > 0);
    library.forget(LOG, Some(&[0])).unwrap();
    library.rest();
    assert_eq!(holds(), 0);
    assert_eq!(paths(&find(&shelf, "hunzelbrunz", &reach_of("general", &[]))), Vec::<&str>::new());
    assert_eq!(paths(&find(&shelf, "say that here", &reach_of("general", &[]))), [LOG]);
}

#[test]
fn an_erased_word_is_gone_from_pages_that_were_written_long_before_and_the_others_stay() {
    let shelf = Shelf::new();
    let library = shelf.library();
    // Each is a commit of its own: pages are merged now and then.
    for n in 0..200 {
        let text = if n == 57 { "it was hunzelbrunz again".to_owned() } else { format!("it was heron{n} again") };
        library.put_entries(("general", LOG), &[said(n * 100, "ann", &text)], (n + 1) * 100).unwrap();
    }
    library.forget(LOG, Some(&[5_700, 5_800])).unwrap();
    library.rest();
    let kept: Vec<u8> = std::fs::read_dir(shelf.path("home/.index"))
        .unwrap()
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    let has = |word: &[u8]| kept.windows(word.len()).any(|window| window == word);
    // The engine keeps of a word what it does not share with the one before it.
    assert!(!has(b"hunzelbrunz") && !has(b"unzelbrunz") && !has(b"nzelbrunz"));
    assert!(has(b"heron59 again"));
    let hits = find(&shelf, "heron59", &reach_of("general", &[])).hits;
    assert!(hits[0].passage.contains("heron59") && hits.iter().all(|hit| !hit.passage.contains("heron58")));
}

#[test]
fn a_record_that_is_forgotten_is_taken_in_again_from_its_beginning() {
    let shelf = Shelf::new();
    let library = shelf.library();
    library.put_entries(("general", LOG), &[said(0, "ann", "zebra")], 100).unwrap();
    library.forget(LOG, None).unwrap();
    assert_eq!(library.logs_known("general").unwrap(), HashMap::new());
    library.put_entries(("general", LOG), &[said(0, "ann", "giraffe")], 100).unwrap();
    assert_eq!(paths(&find(&shelf, "giraffe", &reach_of("general", &[]))), [LOG]);
}

#[test]
fn a_scan_leaves_records_alone() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "zebra");
    let library = shelf.library();
    library.put_entries(("general", LOG), &[said(0, "ann", "zebra")], 100).unwrap();
    let report = shelf.scan();
    assert_eq!((report.files, report.passages), (1, 1));
    let found = find(&shelf, "zebra", &reach_of("general", &["**"]));
    assert_eq!(found.hits.len(), 2);
}

#[test]
fn memory_is_searched_by_its_own_context_and_follows_its_file() {
    let shelf = Shelf::new();
    let library = shelf.library();
    let find = |query: &str, context: &str| {
        library.put_memory(context).unwrap();
        paths(&find(&shelf, query, &reach_of(context, &["**"]))).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    shelf.write("home/contexts/general/memory.md", "# Memory\n\n- Ann likes zebras. (in_1)\n");
    assert_eq!(find("zebras", "general"), ["contexts/general/memory.md"]);
    assert_eq!(find("zebras", "other"), Vec::<String>::new());
    shelf.write("home/contexts/general/memory.md", "# Memory\n\n- Ann likes giraffes. (in_1)\n");
    assert_eq!(find("zebras", "general"), Vec::<String>::new());
    assert_eq!(find("giraffes", "general"), ["contexts/general/memory.md"]);
    std::fs::remove_file(shelf.path("home/contexts/general/memory.md")).unwrap();
    assert_eq!(find("giraffes", "general"), Vec::<String>::new());
}

#[test]
fn a_memory_that_is_a_link_is_not_read() {
    let shelf = Shelf::new();
    shelf.write("elsewhere.md", "zebra");
    std::fs::create_dir_all(shelf.path("home/contexts/general")).unwrap();
    std::os::unix::fs::symlink(shelf.path("elsewhere.md"), shelf.path("home/contexts/general/memory.md")).unwrap();
    shelf.scan();
    shelf.library().put_memory("general").unwrap();
    assert_eq!(find(&shelf, "zebra", &reach_of("general", &["**"])).hits, []);
}

#[test]
fn own_records_are_opened_and_those_of_others_read_as_not_there() {
    let shelf = Shelf::new();
    shelf.write("home/logs/console/general.md", "### said\n");
    shelf.write("home/contexts/general/memory.md", "- kept\n");
    let library = shelf.library();
    library.put_entries(("general", LOG), &[said(0, "ann", "said")], 100).unwrap();
    let open = |typed: &str, context: &str| {
        library.open(Wanted { path: typed, page: 0, reach: &reach_of(context, &["**"]) }).unwrap()
    };
    for typed in [LOG, "console/general.md", "contexts/general/memory.md", "memory.md"] {
        assert!(matches!(open(typed, "general"), Reply::Page(_)), "{typed}");
        let Reply::NotOpened(why) = open(typed, "other") else { panic!("{typed} was opened") };
        assert!(why.starts_with("there is no file"), "{why}");
    }
}

#[test]
fn a_scan_of_an_index_that_was_taken_away_leaves_the_one_that_was_made_since_alone() {
    let shelf = Shelf::new();
    shelf.write("home/a.md", "# A\n\nnothing\n");
    shelf.scan();
    let library = shelf.library();
    // A scan is under way when the folder goes.
    let old = library.place().write().unwrap();
    old.execute_batch("UPDATE state SET changes = changes + 1").unwrap();
    std::fs::rename(shelf.path("home/.index"), shelf.path("away")).unwrap();
    library.put_entries(("general", LOG), &[said(0, "ann", "the first heron")], 100).unwrap();
    // Who searches keeps the new one open, so that its log is not written back.
    let reach = reach_of("general", &["**"]);
    let count = || {
        let question = Question { query: "heron", limit: 50, reach: &reach };
        library.search(question, &Brake::default()).unwrap().unwrap().hits.len()
    };
    assert_eq!(count(), 1);
    library.put_entries(("general", LOG), &[said(100, "ann", "the second heron")], 200).unwrap();
    drop(old);
    library.put_entries(("general", LOG), &[said(200, "ann", "the third heron")], 300).unwrap();
    assert_eq!(count(), 3, "nothing that was written is lost");
    shelf.scan();
    let config = shelf.config();
    let differences = crate::verify(&config.workspace_folder, &shelf.path("home/.index"), &config.mounts);
    assert!(differences.is_empty(), "{differences:?}");
}
