//! What the pages tell to type is typed.

use std::path::Path;
use std::time::Duration;

use tests::process::{NodeProcess, Spec, program};

use crate::faults::world::World;

/// Commands of the pages that are not run here, and why. A page that no longer holds one must lose it here, too.
const NOT_RUN: [(&str, &str); 10] = [
    ("cargo build --release", "it takes minutes; tests run what `cargo build` made"),
    ("cargo build --profile dist", "it takes minutes"),
    ("export ZAI_API_KEY=…", "a key of z.ai is not there"),
    ("./tests/run", "it runs this"),
    ("./compose/install.sh", "it would change this machine; `install` runs it below a folder"),
    ("./compose/install.sh --dry-run", "`install` runs it"),
    (
        "sudo -u agent-runtime agent-runtime doctor --config /etc/agent-runtime/agent-runtime.toml",
        "nothing is installed",
    ),
    ("sudo -u agent-runtime agent-runtime chat --config /etc/agent-runtime/agent-runtime.toml", "nothing is installed"),
    ("systemctl --user enable --now agent-runtime", "nothing is installed"),
    ("target/release/agent-runtime serve", "it is what all others are run beside"),
];

/// How a command begins, in pages.
const BEGINNINGS: [&str; 8] =
    ["cargo ", "target/release/", "agent-runtime ", "./", "systemctl ", "sudo ", "echo ", "export "];

/// Lines to type: those of fenced blocks that begin with a command, without what is said behind `#`.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```").skip(1).step_by(2);
    let lines = blocks.filter_map(|block| block.strip_prefix('\n')).flat_map(str::lines);
    let bare = lines.map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned());
    bare.filter(|line| BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))).collect()
}

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

/// The same as a line of a shell in which the program is `$P` and `DIR` a folder of notes.
fn as_run_here(line: &str) -> String {
    let line = line.replace("cargo run --release -- ", "$P ").replace("target/release/agent-runtime ", "$P ");
    let line = if line.starts_with("agent-runtime ") { line.replacen("agent-runtime ", "$P ", 1) } else { line };
    line.replace("--notes DIR", "--notes notes")
}

async fn typed(world: &World, line: &str) -> anyhow::Result<()> {
    let shell = Path::new("/bin/sh").to_owned();
    let spec = Spec::new(&shell, &["-c", line]).folder(&world.path("")).env("P", program()?.display().to_string());
    let said = spec.run_within("", Duration::from_secs(120)).await?;
    said.expect_code(0).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_readme_and_of_the_page_on_installing_does_what_it_says() -> anyhow::Result<()> {
    let all: Vec<String> = ["README.md", "docs/install.md"].iter().flat_map(|name| commands(&page(name))).collect();
    assert!(all.len() >= 18, "{all:?}");
    // A chat with a folder of notes starts a node of its own; all else is asked of the one that serves.
    let (alone, beside): (Vec<&String>, Vec<&String>) = all.iter().partition(|line| line.contains("--notes"));
    let world = World::new()?;
    for line in alone {
        typed(&world, &as_run_here(line)).await?;
    }
    let node = NodeProcess::start(Spec::new(&program()?, &["serve"]), &world.data()).await?;
    for line in beside.iter().filter(|line| !NOT_RUN.iter().any(|(kept, _)| kept == **line)) {
        typed(&world, &as_run_here(line)).await?;
    }
    node.stop().await?;
    Ok(())
}

#[test]
fn what_is_not_run_stands_in_the_pages_still() {
    let all = ["README.md", "docs/install.md"].map(page).concat();
    let gone: Vec<&str> = NOT_RUN.iter().map(|(line, _)| *line).filter(|line| !all.contains(line)).collect();
    assert_eq!(gone, Vec::<&str>::new());
}

#[tokio::test]
async fn every_exit_code_stands_on_one_page() -> anyhow::Result<()> {
    let page = page("docs/chat.md");
    let table = page.split("| exit code | meaning |").nth(1).unwrap();
    let codes: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()).collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
    // Those of `chat` are asserted by `control`; that of a lost node by `chaos`.
    let world = super::world::used().await?;
    std::fs::write(world.path("bad.toml"), "[nod]\n")?;
    for (args, code) in [
        (&["config", "check"][..], 0),
        (&["explain", "disk"], 0),
        (&["config", "check", "bad.toml"], 1),
        (&["config", "explain", "nothing"], 1),
        (&["doctor", "--only", "config", "--config", "bad.toml"], 1),
        (&["status"], 1),
        (&["doctor", "--only", "nothing"], 2),
        (&["completions", "nothing"], 2),
        (&[], 2),
    ] {
        Spec::new(&program()?, args).folder(&world.path("")).run("").await?.expect_code(code)?;
    }
    Ok(())
}
