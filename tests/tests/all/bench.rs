//! `bench all` measures every bench, and says what and where it measured.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tests::process::{Done, Spec, program};

/// Longer than it takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(240);

async fn bench(args: &[&str]) -> Done {
    let spec = Spec::new(&program().unwrap(), &[&["bench"], args].concat());
    spec.run_within("", PATIENCE).await.unwrap()
}

/// The benches of `bench --help`.
fn named(help: &str) -> BTreeSet<String> {
    let commands = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    // Further lines of a description stand further to the right.
    let names = commands.lines().filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    let names = names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    names.filter(|name| name != "all" && name != "help").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_holds_every_bench_with_its_numbers_and_its_machine_and_goes_into_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.md");
    let none = bench(&["all", "--quick", "--into", page.to_str().unwrap()]).await.expect_code(1).unwrap();
    assert!(none.stderr.contains("can't be read"), "{none:?}");
    std::fs::write(&page, "# Page\n").unwrap();
    let unmarked = bench(&["all", "--quick", "--into", page.to_str().unwrap()]).await.expect_code(1).unwrap();
    assert!(unmarked.stderr.contains("has no lines"), "{unmarked:?}");
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/performance.md")).unwrap();
    std::fs::write(&page, &docs).unwrap();

    let done = bench(&["all", "--quick", "--json", "--into", page.to_str().unwrap()]).await;
    let done = done.expect_code(0).unwrap();
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((document["format"].as_u64(), document["quick"].as_bool()), (Some(1), Some(true)));
    assert_eq!(document["failed"].as_array().map(Vec::len), Some(0), "{document}");
    for fact in ["date", "version", "commit", "profile", "rustc", "cpu", "kernel"] {
        assert!(document["machine"][fact].as_str().is_some_and(|text| !text.is_empty()), "{fact}: {document}");
    }
    for fact in ["cores", "memory_mb", "program_mb", "fsync_p50_ms"] {
        assert!(document["machine"][fact].as_f64().is_some(), "{fact}: {document}");
    }
    let rows = document["rows"].as_array().unwrap();
    let benches = rows.iter().filter_map(|row| row["bench"].as_str()?.split(' ').next());
    let benches: BTreeSet<String> = benches.map(str::to_owned).collect();
    assert_eq!(benches, named(&bench(&["--help"]).await.stdout));
    for row in rows {
        let number = |name: &str| row[name].as_f64().unwrap();
        assert!(number("least") <= number("value") && number("value") <= number("most"), "{row}");
        assert!(row["unit"].as_str().is_some_and(|unit| !unit.is_empty()) && row["runs"] == 1, "{row}");
    }
    let marker = "<!-- end of bench -->";
    let made = std::fs::read_to_string(&page).unwrap();
    assert!(made.contains("Loads were small") && made.contains("| `recovery --in-flight 10` |"), "{made}");
    assert_eq!(made.split_once(marker).unwrap().1, docs.split_once(marker).unwrap().1, "the rest of the page stays");
    assert!(done.stderr.contains("1 of "), "{}", done.stderr);
}
