//! Broken `context.md` and `workspace.md`: the last good version stays in force, and the line and the reason are told.

use std::fs;
use std::path::Path;

use messages::turn::Outcome;
use tests::process::NodeProcess;

use crate::faults::driver::Driver;
use crate::faults::world::{PATIENCE, World};

/// `a: &a [x,x,…]`, each level ten times the one before: a thousand million words if it were followed.
fn bomb() -> String {
    let mut text = "---\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..9 {
        let below = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", [below.as_str(); 10].join(",")));
    }
    text + "---\n\nBoom.\n"
}

fn broken() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let head = |line: &str| format!("---\npaths: [\"**\"]\n{line}\n---\n\nBe brief.\n").into_bytes();
    vec![
        ("unclosed", b"---\npaths: [\"**\"]\n\nBe brief.\n".to_vec(), "---"),
        ("no YAML", head("paths: ["), "line"),
        ("unknown key", head("pahts: [x]"), "pahts"),
        ("wrong type", head("limits: {turn_seconds: soon}"), "line 3"),
        ("out of range", head("limits: {turn_seconds: 0}"), "turn_seconds"),
        (
            "not UTF-8",
            head("# \u{e9}").into_iter().map(|b| if b == 0xc3 { 0xff } else { b }).collect(),
            "line 3: it is not UTF-8",
        ),
        ("1 MB", head(&"# long\n".repeat(150_000)), "larger than 262144 bytes"),
        ("alias bomb", bomb().into_bytes(), "line"),
        ("deep", head(&format!("paths: {}", "[".repeat(100_000))), "line"),
    ]
}

/// The context goes on with what was good, and says what is wrong.
async fn goes_on(ann: &mut Driver, name: &str, words: &str) -> anyhow::Result<()> {
    let ended = ann.ask("/whoami", PATIENCE).await?;
    assert_eq!(ended.outcome, Outcome::Replied, "{name}: {ended:?}");
    let status = ann.ask("/status", PATIENCE).await?;
    assert!(status.text.contains("context.md") && status.text.contains(words), "{name}: {words:?} in {}", status.text);
    let told = |alarms: &[String]| alarms.iter().any(|a| a.contains("context.md") && a.contains("last good version"));
    ann.status_until(PATIENCE, |status| told(&status.alarms)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_context_file_leaves_the_last_good_one_in_force_and_is_told() -> anyhow::Result<()> {
    let world = World::new()?;
    let mut node = world.serve().await?;
    let file = world.data().join("workspaces/home/contexts/general/context.md");
    let good = fs::read(&file)?;
    let mut ann = Driver::attach(&world.data()).await?;
    assert_eq!(ann.ask("/whoami", PATIENCE).await?.outcome, Outcome::Replied);
    for (name, bytes, words) in broken() {
        fs::write(&file, bytes)?;
        goes_on(&mut ann, name, words).await?;
        fs::write(&file, &good)?;
        let status = ann.ask("/status", PATIENCE).await?;
        assert!(!status.text.contains("context.md:"), "after {name}: {}", status.text);
        ann.status_until(PATIENCE, |status| status.alarms.is_empty()).await?;
    }
    for (name, words) in [("a folder", "not a regular file"), ("a pipe", "not a regular file")] {
        fs::remove_file(&file)?;
        put(&file, name)?;
        goes_on(&mut ann, name, words).await?;
        if name == "a folder" {
            fs::remove_dir(&file)?;
        } else {
            fs::remove_file(&file)?;
        }
        fs::write(&file, &good)?;
    }
    assert!(node.ended()?.is_none());
    assert!(!node.said().contains("panicked"), "{}", node.said());
    ann.leave().await;
    node.stop().await?;
    world.is_clean().await
}

fn put(file: &Path, what: &str) -> anyhow::Result<()> {
    if what == "a folder" {
        return Ok(fs::create_dir(file)?);
    }
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    Ok(rustix::fs::mknodat(rustix::fs::CWD, file, rustix::fs::FileType::Fifo, mode, 0)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_on_a_broken_context_file_uses_the_last_good_one() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = world.serve().await?;
    let file = world.data().join("workspaces/home/contexts/general/context.md");
    let mut ann = Driver::attach(&world.data()).await?;
    ann.ask("/whoami", PATIENCE).await?;
    ann.leave().await;
    node.stop().await?;
    for (name, bytes, words) in broken() {
        fs::write(&file, bytes)?;
        let node: NodeProcess = world.serve().await?;
        let mut ann = Driver::attach(&world.data()).await?;
        goes_on(&mut ann, name, words).await?;
        ann.leave().await;
        node.stop().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_whose_file_was_never_readable_is_closed_and_says_why() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = world.serve().await?;
    world.run(&["workspace", "create", "team"]).await?.expect_code(0)?;
    let file = world.data().join("workspaces/team/workspace.md");
    fs::write(&file, "---\nkind: secret\n---\n")?;
    let who = console::client::Who {
        user: "ann".into(),
        workspace: "team".into(),
        context: "general".into(),
        session: "ann".into(),
        previews: false,
        only_asks: false,
    };
    let mut ann = Driver::attach_as(&world.data(), who).await?;
    let ended = ann.ask("Anybody there?", PATIENCE).await?;
    assert_eq!(ended.outcome, Outcome::Denied, "{ended:?}");
    fs::write(&file, "---\nname: Team\nkind: community\n---\n")?;
    let ended = ann.ask("And now?", PATIENCE).await?;
    assert_eq!(ended.outcome, Outcome::Replied, "{ended:?}");
    ann.leave().await;
    world.becomes_clean().await?;
    node.stop().await?;
    world.is_clean().await
}
