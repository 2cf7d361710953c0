//! Isolation: whatever a policy leaves out is as good as not there, for any policy and any question.

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use messages::index::{Origin, Reach, Reply};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rustix::fs::inotify;

use crate::engine::Engine as _;
use crate::library::{Brake, Library};
use crate::open::Wanted;
use crate::records::tests::{find, reach_of, said};
use crate::search::Question;
use crate::testing::Shelf;

const CONTEXTS: [&str; 3] = ["general", "plans", "board"];
const FOLDERS: [&str; 4] = ["", "team/", "team/secret/", "notes/"];

/// Each file and each record says `common`, and a word that nothing else says.
fn house() -> (Shelf, Vec<String>) {
    house_of(&CONTEXTS, |_| true)
}

/// The same with the records of these contexts, and the files that are wanted.
fn house_of(contexts: &[&str], wanted: impl Fn(&str) -> bool) -> (Shelf, Vec<String>) {
    let shelf = Shelf::new();
    let mut knowledge = Vec::new();
    for (n, folder) in FOLDERS.iter().enumerate() {
        for m in 0..3 {
            let path = format!("{folder}page{n}{m}.md");
            let on_disk = if folder.starts_with("notes/") { path.clone() } else { format!("home/{path}") };
            if wanted(&path) {
                shelf.write(&on_disk, format!("# Page {n} {m}\n\ncommon words and unique{n}{m} ones\n"));
                knowledge.push(path);
            }
        }
    }
    shelf.scan();
    let library = shelf.library();
    for context in contexts {
        let log = format!("logs/console/{context}.md");
        shelf.write(&format!("home/{log}"), "### an entry\n");
        library.put_entries((context, &log), &[said(0, "ann", &format!("common words in{context}"))], 100).unwrap();
        shelf.write(&format!("home/contexts/{context}/memory.md"), format!("- common words mem{context}\n"));
        library.put_memory(context).unwrap();
    }
    (shelf, knowledge)
}

fn patterns() -> impl Strategy<Value = Vec<String>> {
    let one = prop::sample::select(vec![
        "**",
        "*.md",
        "team/**",
        "team/*.md",
        "team/secret/**",
        "notes/**",
        "notes/page3?.md",
        "page0*.md",
        "**/page?1.md",
        "nowhere/**",
        "logs/**",
        "contexts/**",
        "**/memory.md",
    ]);
    prop::collection::vec(one.prop_map(str::to_owned), 0..4)
}

fn questions() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "common",
        "words",
        "unique00",
        "unique21",
        "unique31",
        "ingeneral",
        "inplans",
        "memboard",
        "page",
        "\"common words\"",
        "-unique21",
        "path:team",
        "path:**",
        "path:logs/**",
        "tag:x",
        "after:2020",
        "memory",
        "secret",
    ]);
    prop::collection::vec(words, 1..4).prop_map(|words| words.join(" "))
}

/// What may be seen, worked out from the definition alone.
fn may_see(reach: &Reach, knowledge: &[String]) -> BTreeSet<String> {
    let mut seen: BTreeSet<String> =
        knowledge.iter().filter(|path| markdown::paths::any(&reach.paths, path)).cloned().collect();
    if let Some(own) = &reach.records_of {
        seen.insert(format!("logs/console/{own}.md"));
        seen.insert(format!("contexts/{own}/memory.md"));
    }
    seen
}

#[test]
fn no_policy_and_no_question_shows_what_is_out_of_reach() {
    let (shelf, knowledge) = house();
    let library = shelf.library();
    let cases = (patterns(), prop::sample::select(CONTEXTS.to_vec()), any::<bool>(), questions());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(400));
    runner
        .run(&cases, |(paths, context, with_records, query)| {
            let reach = Reach { paths, records_of: reach_of(context, &[]).records_of.filter(|_| with_records) };
            let seen = may_see(&reach, &knowledge);
            let question = Question { query: &query, limit: 50, reach: &reach };
            let found = library.search(question, &Brake::default()).unwrap().unwrap();
            for hit in &found.hits {
                prop_assert!(seen.contains(&hit.path), "{query:?} shows {} to {reach:?}", hit.path);
                prop_assert_eq!(hit.origin == Origin::Knowledge, knowledge.contains(&hit.path));
                for other in CONTEXTS.iter().filter(|other| **other != context) {
                    let (log, memory) = (format!("in{other}"), format!("mem{other}"));
                    prop_assert!(!hit.passage.contains(&log) && !hit.passage.contains(&memory), "{:?}", hit);
                    prop_assert!(!hit.snippet.contains(&log) && !hit.snippet.contains(&memory), "{:?}", hit);
                }
            }
            prop_assert!(found.files <= seen.len() as u64);
            if found.hits.is_empty() && found.problem.is_none() {
                prop_assert_eq!(found.files, seen.len() as u64);
            }
            let view = library.count(&reach).unwrap();
            prop_assert_eq!(view.files, seen.len() as u64);
            Ok(())
        })
        .unwrap();
}

#[test]
fn everything_in_reach_is_found() {
    let (shelf, knowledge) = house();
    for patterns in [vec!["**"], vec!["team/**", "*.md"], vec!["notes/**"], vec![]] {
        let reach = reach_of("plans", &patterns);
        let found: BTreeSet<String> = find(&shelf, "common", &reach).hits.into_iter().map(|hit| hit.path).collect();
        assert_eq!(found, may_see(&reach, &knowledge));
    }
}

#[test]
fn opening_what_is_out_of_reach_reads_word_for_word_as_opening_what_is_not_there() {
    let (shelf, knowledge) = house();
    let library = shelf.library();
    let nothing = Shelf::new();
    let empty = nothing.library();
    let records = CONTEXTS.iter().flat_map(|c| [format!("logs/console/{c}.md"), format!("contexts/{c}/memory.md")]);
    let all: Vec<String> = knowledge.iter().cloned().chain(records).collect();
    let cases = (patterns(), prop::sample::select(CONTEXTS.to_vec()), prop::sample::select(all), 0usize..20);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(400));
    runner
        .run(&cases, |(paths, context, path, cut)| {
            let reach = Reach { paths, records_of: reach_of(context, &[]).records_of };
            // The whole path, or an end of it; with a heading, or without.
            let typed = path.get(cut.min(path.len())..).unwrap_or(&path).to_owned();
            for typed in [typed.clone(), format!("{typed}#page")] {
                let wanted = |reach| Wanted { path: &typed, page: 0, reach };
                let opened = library.open(wanted(&reach)).unwrap();
                let meant = typed.split('#').next().unwrap_or_default();
                let is_end = |path: &String| path == meant || path.ends_with(&format!("/{meant}"));
                let seen: Vec<String> = may_see(&reach, &knowledge).into_iter().filter(is_end).collect();
                if seen.is_empty() || meant.is_empty() {
                    let not_there = empty.open(wanted(&reach)).unwrap();
                    prop_assert_eq!(format!("{opened:?}"), format!("{not_there:?}"));
                } else if let Reply::NotOpened(why) = &opened {
                    for hidden in knowledge.iter().filter(|hidden| !seen.contains(hidden)) {
                        prop_assert!(!why.contains(hidden.as_str()), "{why} tells of {hidden}");
                    }
                }
            }
            Ok(())
        })
        .unwrap();
}

/// A pipe would hold up whoever opens it, a folder without rights would be told: neither is touched.
#[test]
fn what_is_out_of_reach_is_not_even_looked_at() {
    let shelf = Shelf::new();
    shelf.write("home/a.md", "x");
    std::fs::create_dir_all(shelf.path("home/closed")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, shelf.path("home/closed/pipe.md"), rustix::fs::Mode::RWXU).unwrap();
    shelf.scan();
    let open = |library: &Library, paths: &[&str]| {
        let reach = reach_of("general", paths);
        format!("{:?}", library.open(Wanted { path: "closed/pipe.md", page: 0, reach: &reach }).unwrap())
    };
    let seen = open(&shelf.library(), &["**"]);
    assert!(seen.contains("not a regular file"), "{seen}");
    assert_eq!(open(&shelf.library(), &["*.md"]), open(&Shelf::new().library(), &["*.md"]));
}

/// What was opened or read below a folder since it is watched.
struct Watched(OwnedFd);

impl Watched {
    fn folders(folders: &[PathBuf]) -> Self {
        let fd = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        let events = inotify::WatchFlags::OPEN | inotify::WatchFlags::ACCESS;
        for folder in folders {
            inotify::add_watch(&fd, folder, events).unwrap();
        }
        Self(fd)
    }

    fn touched(&self) -> bool {
        let mut room = [MaybeUninit::uninit(); 4_096];
        inotify::Reader::new(&self.0, &mut room).next().is_ok()
    }
}

#[test]
fn no_file_and_no_folder_out_of_reach_is_opened_or_read_for_an_answer() {
    let (shelf, knowledge) = house();
    let library = shelf.library();
    let reach = reach_of("general", &["notes/**"]);
    let of = |folder: &str| shelf.path(&format!("home/{folder}"));
    let hidden = ["team", "team/secret", "logs/console", "contexts/plans", "contexts/board"].map(of);
    let watched = Watched::folders(&hidden);
    for path in &knowledge {
        for typed in
            [path.clone(), path.rsplit('/').next().unwrap().to_owned(), format!("{path}#page"), format!("./{path}")]
        {
            drop(library.open(Wanted { path: &typed, page: 0, reach: &reach }).unwrap());
        }
    }
    for typed in
        ["logs/console/plans.md", "contexts/plans/memory.md", "plans.md", "memory.md", "../home/team/page10.md"]
    {
        drop(library.open(Wanted { path: typed, page: 0, reach: &reach }).unwrap());
    }
    for query in
        ["common", "unique21", "inplans", "memboard", "path:team/** common", "\"common words\" -unique10", "path:**"]
    {
        let question = Question { query, limit: 50, reach: &reach };
        drop(library.search(question, &Brake::default()).unwrap());
    }
    drop(library.count(&reach).unwrap());
    assert!(!watched.touched());
    drop(std::fs::read(of("team/page10.md")).unwrap());
    assert!(watched.touched(), "it would be seen");
}

/// What is found, and all that is told of it but the scores.
fn answer(library: &Library, query: &str, reach: &Reach) -> (BTreeSet<(String, String, String)>, String) {
    let found = library.search(Question { query, limit: 50, reach }, &Brake::default()).unwrap().unwrap();
    let hits = found.hits.iter().map(|hit| (hit.path.clone(), hit.heading.clone(), hit.snippet.clone())).collect();
    (hits, format!("{} {} {:?} {}", found.files, found.filters, found.problem, found.behind))
}

/// A house that has nothing but what may be seen answers everything in the same words.
#[test]
fn a_search_is_answered_as_if_nothing_was_there_but_what_may_be_seen() {
    let (shelf, knowledge) = house();
    let library = shelf.library();
    let hidden = prop::sample::select(vec!["unique00", "unique10", "unique21", "unique32", "inplans", "memplans"]);
    let forms =
        prop::sample::select(vec!["{}", "\"{}\"", "path:** {}", "tag:{}", "common -{}", "path:team/** common {}"]);
    let questions = prop::collection::vec((hidden, forms), 8);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(60));
    runner
        .run(&(patterns(), questions), |(paths, questions)| {
            let reach = Reach { paths, records_of: reach_of("general", &[]).records_of };
            let (bare, _) = house_of(&["general"], |path| markdown::paths::any(&reach.paths, path));
            let bare = bare.library();
            prop_assert_eq!(bare.count(&reach).unwrap().files, may_see(&reach, &knowledge).len() as u64);
            for (word, form) in questions {
                let query = form.replace("{}", word);
                prop_assert_eq!(
                    answer(&library, &query, &reach),
                    answer(&bare, &query, &reach),
                    "{} {:?}",
                    query,
                    reach
                );
            }
            Ok(())
        })
        .unwrap();
}

/// All rows of the index are looked at for a count, so that it takes as long for any reach and any question.
#[test]
fn a_count_is_of_all_that_may_be_seen_whatever_is_asked() {
    let (shelf, knowledge) = house();
    let library = shelf.library();
    for paths in [&["**"][..], &["team/**"], &["nowhere/**"], &[]] {
        let reach = reach_of("general", paths);
        for query in ["qqqq", "path:logs/console/plans.md qqqq", "path:nowhere/** qqqq", "tag:q", "\"qqqq\""] {
            let question = Question { query, limit: 50, reach: &reach };
            let found = library.search(question, &Brake::default()).unwrap().unwrap();
            assert_eq!(found.files, may_see(&reach, &knowledge).len() as u64, "{query} {paths:?}");
        }
    }
}
