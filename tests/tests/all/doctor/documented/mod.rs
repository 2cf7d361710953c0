//! What the pages tell to type is typed.

mod chats;
mod pages;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tests::process::{NodeProcess, Spec, program};

use self::pages::{names, page, short, typed};
use crate::faults::world::World;

const INSTALLED: &str = "nothing is installed here; `install` runs the installer below a folder";
const MINUTES: &str = "it takes minutes; its words are compared with `commands.md`";
const CLUSTER: &str = "a node that stands alone has no others; `cluster` runs it";
const MACHINE: &str = "it would change this machine, or it is not this program's";

/// What the pages tell to type and is not run here, and why. What no page tells any more must leave this list, too.
const NOT_RUN: [(&str, &str); 41] = [
    ("cargo build --release", "it takes minutes; tests run what `cargo build` made"),
    ("cargo build --profile dist", "it takes minutes"),
    ("export ZAI_API_KEY=…", "a key of z.ai is not there"),
    ("export ZAI_API_KEY_FILE=/run/secrets/zai", "a key of z.ai is not there"),
    ("./tests/run", "it runs this"),
    ("./compose/install.sh", INSTALLED),
    ("./compose/install.sh --dry-run", "`install` runs it"),
    ("sudo -u agent-runtime agent-runtime doctor --config /etc/agent-runtime/agent-runtime.toml", INSTALLED),
    ("sudo -u agent-runtime agent-runtime chat --config /etc/agent-runtime/agent-runtime.toml", INSTALLED),
    ("systemctl --user enable --now agent-runtime", INSTALLED),
    ("target/release/agent-runtime serve", "it is what all others are run beside"),
    ("agent-runtime serve", "it is what all others are run beside"),
    ("kill -TERM PID", "it is how each node here is ended"),
    ("chown -R ACCOUNT DATA", "it takes root"),
    ("timedatectl status", MACHINE),
    ("timedatectl set-ntp true", MACHINE),
    ("agent-runtime bench turns", MINUTES),
    ("agent-runtime bench turns --search", MINUTES),
    ("agent-runtime bench contexts", MINUTES),
    ("agent-runtime bench recovery", MINUTES),
    ("agent-runtime bench tasks", MINUTES),
    ("agent-runtime bench starvation", MINUTES),
    ("agent-runtime bench search", MINUTES),
    ("agent-runtime bench cluster", MINUTES),
    ("agent-runtime bench all", MINUTES),
    ("agent-runtime bench all --json", MINUTES),
    ("agent-runtime bench all --into docs/performance.md", MINUTES),
    ("agent-runtime bench all --quick", "`bench` runs it"),
    ("agent-runtime bench turns --rates 1 --seconds 60 &", MINUTES),
    ("sudo -u agent-runtime agent-runtime secrets set zai --config /etc/agent-runtime/agent-runtime.toml", INSTALLED),
    ("agent-runtime secrets set more --config /etc/agent-runtime/agent-runtime.toml", INSTALLED),
    ("chown root: /etc/agent-runtime/secrets.key", INSTALLED),
    ("systemctl edit agent-runtime", INSTALLED),
    ("systemctl restart agent-runtime", INSTALLED),
    ("agent-runtime pki renew NAME", "`pki` runs it; the folder of its first certificate is in the way here"),
    ("agent-runtime nodes", CLUSTER),
    ("agent-runtime placement", CLUSTER),
    ("agent-runtime drain", CLUSTER),
    ("agent-runtime drain worker-1", CLUSTER),
    ("agent-runtime actors restart ADDRESS", "no actor is stopped here"),
    ("agent-runtime actors restart <address>", "the same"),
];

/// What stands in pages for something of the reader's, and what it is here.
const HERE: [(&str, &str); 19] = [
    ("--notes DIR", "--notes notes"),
    ("age1…", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"),
    ("/etc/agent-runtime/backup.key", "backup.key"),
    ("/srv/agent-runtime", "data"),
    ("/srv/new", "new"),
    (" /backups", " backups"),
    ("explain ID", "explain disk"),
    ("--workspace ID", "--workspace home"),
    ("explain KEY", "explain runtime.mailbox_max"),
    ("model test NAME", "model test offline"),
    ("context show NAME", "context show general"),
    ("restore FILE --data DATA", "restore plain.tar.zst --data new"),
    ("restore before.tar.zst --data DATA", "restore before.tar.zst --data new"),
    ("secrets set NAME", "secrets set zai"),
    ("secrets set zai", "secrets set zai < backup.key"),
    ("forget-user NAME", "forget-user nobody --yes"),
    ("chmod 600 FILE", "chmod 600 backup.key"),
    ("chmod 700 DATA", "chmod 700 data"),
    ("DATA", "data"),
];

/// The key of the recipient above; both are of the age format's own examples.
const KEY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n";

/// The same as a line of a shell in which the program is `$P`.
fn as_run_here(line: &str) -> String {
    let line = line.replace("cargo run --release -- ", "$P ").replace("target/release/agent-runtime ", "$P ");
    let line = line.strip_prefix("agent-runtime ").map_or(line.clone(), |rest| format!("$P {rest}"));
    let line = if line == "$P context show" { format!("{line} general") } else { line };
    HERE.iter().fold(line, |line, (there, here)| line.replace(there, here))
}

async fn run(world: &World, line: &str) -> anyhow::Result<()> {
    let line = as_run_here(line);
    if let Some(folder) = line.strip_prefix("$P serve --data ") {
        let node = NodeProcess::start(Spec::new(&program()?, &["serve"]), &world.path(folder)).await?;
        anyhow::ensure!(node.stop().await?.success(), "{line}");
        return Ok(());
    }
    let shell = Path::new("/bin/sh").to_owned();
    let spec = Spec::new(&shell, &["-c", &line]).folder(&world.path("")).env("P", program()?.display().to_string());
    spec.run_within("", Duration::from_secs(120)).await?.expect_code(0).map(drop)
}

/// Each line once, in the order of the pages.
fn all_lines() -> Vec<String> {
    let mut seen = BTreeSet::new();
    let lines = names().into_iter().flat_map(|name| typed(&page(&name)));
    lines.filter(|line| seen.insert(line.clone())).collect()
}

/// What pages take for granted: a key, a folder of backups, a backup, a context of operators.
async fn prepare(world: &World) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir(world.path("backups"))?;
    std::fs::write(world.path("backup.key"), KEY)?;
    std::fs::set_permissions(world.path("backup.key"), std::fs::Permissions::from_mode(0o600))?;
    run(world, "agent-runtime context create ops --data data").await?;
    run(world, "agent-runtime backup create plain.tar.zst --data data").await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_readme_and_of_the_docs_does_what_it_says() -> anyhow::Result<()> {
    let all = all_lines();
    assert!(all.len() >= 60, "{all:?}");
    // A chat with a folder of notes starts a node of its own; all else is asked of the one that serves.
    let (alone, beside): (Vec<&String>, Vec<&String>) = all.iter().partition(|line| line.contains("--notes"));
    let world = World::new()?;
    for line in alone {
        run(&world, line).await?;
    }
    let node = NodeProcess::start(Spec::new(&program()?, &["serve"]), &world.data()).await?;
    prepare(&world).await?;
    for line in beside.iter().filter(|line| !NOT_RUN.iter().any(|(kept, _)| kept == **line)) {
        run(&world, line).await?;
    }
    node.stop().await?;
    Ok(())
}

#[test]
fn what_is_not_run_stands_in_the_pages_still() {
    let all = all_lines();
    let gone: Vec<&str> = NOT_RUN.iter().map(|(line, _)| *line).filter(|line| !all.iter().any(|l| l == line)).collect();
    assert_eq!(gone, Vec::<&str>::new());
    let text: String = names().iter().map(|name| page(name)).collect();
    let gone: Vec<&str> = HERE.iter().map(|(there, _)| *there).filter(|there| !text.contains(there.trim())).collect();
    assert_eq!(gone, Vec::<&str>::new());
}

/// The section of the page of commands on one of them.
fn section<'a>(commands: &'a str, path: &str) -> Option<&'a str> {
    let rest = commands.split_once(&format!("\n## {path}\n"))?.1;
    Some(rest.split("\n## ").next().unwrap_or_default())
}

/// Why the command line does not know this; the page of commands is made from it.
fn unknown(commands: &str, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(['[', ']'])).collect();
    let names = words
        .iter()
        .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-'))
        .count();
    let mut paths = (1..=names).rev().map(|length| words[..length].join(" "));
    let is_known = |path: &String| section(commands, path).is_some() || commands.contains(&format!("\n## {path} "));
    let Some(path) = paths.find(is_known) else { return Some(format!("{line}: there is no such command")) };
    let is_group = commands.contains(&format!("\n## {path} "));
    if let Some(word) = words[..names].get(path.split(' ').count()).filter(|_| is_group) {
        return Some(format!("{line}: `{path}` has no `{word}`"));
    }
    let section = section(commands, &path).unwrap_or_default();
    let flags = words.iter().filter(|word| word.starts_with("--"));
    let mut missing =
        flags.filter(|flag| !section.contains(&format!("`{flag}`")) && !section.contains(&format!("`{flag} ")));
    missing.next().map(|flag| format!("{line}: `{path}` has no `{flag}`"))
}

#[test]
fn every_command_that_a_page_names_is_one() {
    let commands = page("docs/commands.md");
    let paths: Vec<String> = commands.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect();
    let mut wrong = Vec::new();
    for name in names() {
        let text = page(&name);
        let full = typed(&text).into_iter().filter_map(|line| line.strip_prefix("agent-runtime ").map(str::to_owned));
        let all = full.chain(short(&text, &paths)).filter(|line| !line.starts_with("--version"));
        wrong.extend(all.filter_map(|line| unknown(&commands, &line)).map(|why| format!("{name}: {why}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
    for (line, is_known) in [
        ("tasks retry ID", true),
        ("tasks undo ID", false),
        ("task TEXT --wait", true),
        ("task --soon", false),
        ("x", false),
    ] {
        assert_eq!(unknown(&commands, line).is_none(), is_known, "{line}");
    }
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
