//! A test of the whole runs in every shape, or stands here with the reason why it does not.

use std::path::Path;

use syn::visit::{self, Visit};

/// Modules or single tests that mean one process, or something of their own. Where other scenarios of a folder are in the
/// list, single tests are named.
const ALONE: [(&str, &str); 28] = [
    ("backup", "files of one data folder, and what a restored store does"),
    ("bad_input", "what one console, one configuration and one folder refuse"),
    ("bench", "the bench starts its own nodes"),
    ("chaos", "kills of one process at its commit boundaries"),
    ("cluster", "clusters of their own: links, leases, placement, networks"),
    ("doctor", "what is around one host"),
    ("faults", "the disk and the files of one data folder fail"),
    ("ops", "the address, the signals and the alarms of one process"),
    ("pki", "files of certificates"),
    ("retention", "the clock of one process is set; the store is looked into"),
    ("rules", "rules of the repository; nothing runs"),
    ("secrets", "the store of secrets of one data folder"),
    ("shapes", "this list itself"),
    ("soak", "the soak starts its own node"),
    ("trace", "what one process writes into its log"),
    ("tree", "the supervision tree of one process"),
    ("isolation::deliveries::what_comes_later_waits_for_somebody_who_is_admitted", "not kept"),
    ("isolation::policies::patterns_fit_as_they_are_defined", "pure"),
    ("isolation::timing::not_there_takes_as_long_as_not_allowed", "a measurement"),
    ("stories::a_story_that_tells_otherwise_fails", "looks at the tests themselves"),
    ("work::budgets::a_crash_between_reservation_and_answer_charges_the_reservation", "killed at a marker"),
    ("work::memory::a_node_that_is_killed_keeps_all_once", "killed at a marker"),
    ("work::memory::a_node_that_is_killed_while_it_forgets_has_forgotten_after_the_start", "killed at a marker"),
    ("work::fairness::a_thousand_tasks_in_the_background_do_not_hold_up_a_conversation", "measures one process"),
    (
        "work::known_failures::two_thousand_tasks_leave_neither_memory_nor_a_busy_core_nor_calls_behind",
        "measures one process",
    ),
    ("work::models::a_key_that_can_t_be_one_is_told_when_the_node_starts", "the start of one process"),
    ("work::models::a_provider_without_its_key_is_told_when_the_node_starts", "the start of one process"),
    ("work::models::z_ai_needs_a_key_and_nothing_else", "the environment of one process"),
];

/// Folders whose scenarios are in the list: a test of theirs that is not must be named by itself.
const LISTED: [&str; 4] = ["control", "isolation", "stories", "work"];

struct Tests {
    module: Vec<String>,
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let is_test = |attribute: &syn::Attribute| attribute.path().segments.last().is_some_and(|s| s.ident == "test");
        if item.attrs.iter().any(is_test) {
            let name = [self.module.as_slice(), &[item.sig.ident.to_string()]].concat();
            self.found.push(name.join("::"));
        }
    }
}

/// The tests that a file declares by themselves, with their modules.
fn tests_of(path: &Path, text: &str) -> Vec<String> {
    let module = path.with_extension("");
    let module =
        module.iter().map(|part| part.to_string_lossy().into_owned()).filter(|part| part != "mod" && part != "main");
    let mut tests = Tests { module: module.collect(), found: Vec::new() };
    tests.visit_file(&syn::parse_file(text).unwrap());
    tests.found
}

fn all(folder: &Path, top: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            all(&path, top, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.extend(tests_of(path.strip_prefix(top).unwrap(), &std::fs::read_to_string(&path).unwrap()));
        }
    }
}

fn is_within(test: &str, entry: &str) -> bool {
    test == entry || test.strip_prefix(entry).is_some_and(|rest| rest.starts_with("::"))
}

#[test]
fn every_test_of_the_whole_runs_in_every_shape_or_says_why_not() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all");
    let mut found = Vec::new();
    all(&top, &top, &mut found);
    let undecided: Vec<&String> =
        found.iter().filter(|test| !ALONE.iter().any(|(entry, _)| is_within(test, entry))).collect();
    assert!(undecided.is_empty(), "tests that are neither in shapes/list.rs nor in {}: {undecided:#?}", file!());
    let gone: Vec<&str> = ALONE
        .iter()
        .map(|(entry, _)| *entry)
        .filter(|entry| !found.iter().any(|test| is_within(test, entry)))
        .collect();
    assert!(gone.is_empty(), "entries without a test: {gone:?}");
    let broad = ALONE.iter().filter(|(entry, _)| LISTED.iter().any(|folder| is_within(entry, folder)));
    let broad: Vec<&str> =
        broad.map(|(entry, _)| *entry).filter(|entry| !found.iter().any(|test| test == entry)).collect();
    assert!(broad.is_empty(), "entries that name more than a test: {broad:?}");
}

#[test]
fn tests_are_found_whatever_makes_them_one() {
    let text = "#[test]\nfn a() {}\nfn b() {}\nmod c { #[tokio::test(flavor = \"multi_thread\")]\nasync fn d() {} }\n";
    assert_eq!(tests_of(Path::new("work/x.rs"), text), ["work::x::a", "work::x::c::d"]);
    assert_eq!(tests_of(Path::new("work/mod.rs"), text)[0], "work::a");
    assert!(is_within("work::x::a", "work::x") && !is_within("work::xy::a", "work::x"));
}
