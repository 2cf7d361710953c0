//! The drawn tree is the real tree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use messages::admin::ActorView;
use tests::fake_model::{FakeModel, Mode};
use tests::process::{NodeProcess, Spec, program};

/// How long an actor may take to open.
const OPEN_MAX: Duration = Duration::from_secs(20);
const PAGE: &str = include_str!("../../../docs/architecture.md");

/// A line of the drawing.
#[derive(Debug, PartialEq)]
struct Drawn {
    address: String,
    kind: String,
    parent: String,
}

/// Reads the drawing: an address and a kind a line, each level three characters to the right.
fn drawing(page: &str) -> Vec<Drawn> {
    let section = page.split("## The supervision tree").nth(1).expect("a section on the tree");
    let block = section.split("```").nth(1).expect("a drawing");
    let mut above: Vec<String> = Vec::new();
    let mut drawn = Vec::new();
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        let lead = line.chars().take_while(|c| " │├└─".contains(*c)).count();
        let words: String = line.chars().skip(lead).collect();
        let mut words = words.split_whitespace();
        let address = words.next().unwrap().to_owned();
        above.truncate(lead / 3);
        let parent = above.last().cloned().unwrap_or_default();
        above.push(address.clone());
        drawn.push(Drawn { address, kind: words.next().expect("a kind").to_owned(), parent });
    }
    drawn
}

/// `ws/<workspace>/index` is the pattern of `ws/home/index`.
fn fits(pattern: &str, address: &str) -> bool {
    let (pattern, address): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), address.split('/').collect());
    pattern.len() == address.len() && pattern.iter().zip(&address).all(|(p, a)| p.starts_with('<') || p == a)
}

/// What differs between a drawing and a tree.
fn differences(drawn: &[Drawn], actors: &[ActorView]) -> Vec<String> {
    let line_of = |address: &str| drawn.iter().find(|line| fits(&line.address, address));
    let (mut found, mut met) = (Vec::new(), BTreeSet::new());
    for actor in actors {
        let Some(line) = line_of(&actor.address) else {
            found.push(format!("`{}` ({}) below `{}` is not drawn", actor.address, actor.kind, actor.parent));
            continue;
        };
        met.insert(&line.address);
        if line.kind != actor.kind {
            found.push(format!("`{}` is drawn as {} and is a {}", line.address, line.kind, actor.kind));
        }
        let parent = if actor.parent.is_empty() { "" } else { line_of(&actor.parent).map_or("?", |p| &p.address) };
        if line.parent != parent {
            found.push(format!("`{}` is drawn below `{}` and is below `{}`", line.address, line.parent, actor.parent));
        }
    }
    let unmet = drawn.iter().filter(|line| !met.contains(&line.address));
    found.extend(unmet.map(|line| format!("`{}` is drawn and is not there", line.address)));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drawn_tree_is_the_real_tree() {
    let folder = tempfile::tempdir().unwrap();
    let (data, config) = (folder.path().join("data"), folder.path().join("agent-runtime.toml"));
    let fake = FakeModel::start(0).await.unwrap();
    let provider = format!("kind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\n", fake.base_url());
    std::fs::write(&config, format!("[models]\ndefault = \"fake\"\n[models.providers.fake]\n{provider}")).unwrap();
    let spec = |args: &[&str]| Spec::new(&program().unwrap(), args).folder(folder.path());
    let on_data = |args: &[&str]| spec(args).arg("--data").arg(data.display().to_string());
    let node =
        NodeProcess::start(spec(&["serve"]).env("AGENT_RUNTIME_HTTP__LISTEN", "127.0.0.1:0"), &data).await.unwrap();
    // A lane and a context open when something is said, a memory when it is asked to forget, a task while it has something
    // to do.
    fake.set(Mode::NeverEnds);
    on_data(&["chat"]).run("/forget zzzzz\n/task hello\n").await.unwrap().expect_code(0).unwrap();
    let mut actors: Vec<ActorView> = Vec::new();
    let until = Instant::now() + OPEN_MAX;
    while actors.iter().all(|actor| actor.kind != "task") && Instant::now() < until {
        let done = on_data(&["actors", "--json"]).run("").await.unwrap().expect_code(0).unwrap();
        actors = serde_json::from_str(&done.stdout).unwrap();
    }
    let drawn = drawing(PAGE);
    let differences = differences(&drawn, &actors);
    assert!(differences.is_empty(), "docs/architecture.md draws another tree:\n{}", differences.join("\n"));
    node.stop().await.unwrap();
}

#[test]
fn a_drawing_is_read_by_its_columns_and_what_differs_is_told() {
    let page = "## The supervision tree\n```\nnode         supervisor\n├─ a/<b>     one words\n│  └─ c      two\n└─ d         three\n```\n";
    let drawn = drawing(page);
    let lines: Vec<_> = drawn.iter().map(|d| (d.address.as_str(), d.kind.as_str(), d.parent.as_str())).collect();
    assert_eq!(
        lines,
        [("node", "supervisor", ""), ("a/<b>", "one", "node"), ("c", "two", "a/<b>"), ("d", "three", "node")]
    );
    let actor = |address: &str, kind: &str, parent: &str| ActorView {
        address: address.into(),
        kind: kind.into(),
        parent: parent.into(),
        ..ActorView::default()
    };
    let real = [actor("node", "supervisor", ""), actor("a/x", "one", "node"), actor("c", "two", "a/x")];
    assert_eq!(differences(&drawn, &real), ["`d` is drawn and is not there"]);
    let wrong = [actor("c", "one", "node"), actor("e", "one", "node")];
    let told: BTreeMap<usize, String> = differences(&drawn, &wrong).into_iter().enumerate().collect();
    assert!(told[&0].contains("drawn as two") && told[&1].contains("below `a/<b>`") && told[&2].contains("not drawn"));
}
