//! What the pages tell to say in a chat.

use tests::process::{NodeProcess, Spec, program};

use super::pages::{names, page, said};
use crate::faults::world::World;

/// What one who has mistyped a command is told.
const PROBLEMS: [&str; 5] = ["There is no command", "` needs ", "is none of", "takes nothing after it", "too short"];

/// Each once, in the order of the pages.
fn all_said() -> Vec<String> {
    let mut all: Vec<String> = names().iter().flat_map(|name| said(&page(name))).collect();
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|line| seen.insert(line.clone()));
    all
}

fn is_id(word: &str, prefix: &str) -> bool {
    word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 4)
}

/// With something of this node in the place of what the page says; `None`: only the name of the command is told.
fn as_said_here(line: &str, event: &str, task: &str) -> Option<String> {
    let is_about_tasks = line.starts_with("/tasks");
    let word = |word: &str| match word {
        "<query>" => "plan".to_owned(),
        "<text>" => "list what is planned".to_owned(),
        "<path>[#heading]" => "notes/plan.md".to_owned(),
        "[page]" => "1".to_owned(),
        "[all]" => "all".to_owned(),
        "<entry>" => "4k2v9".to_owned(),
        "<id>" | "…" if is_about_tasks => task.to_owned(),
        "<id>" => event.to_owned(),
        _ if is_id(word, "in_") => event.to_owned(),
        _ if is_id(word, "tsk_") => task.to_owned(),
        _ => word.to_owned(),
    };
    let words: Vec<String> = line.split_whitespace().map(word).collect();
    let takes_nothing = ["/help", "/status", "/stop", "/new", "/whoami", "/memory", "/tasks"];
    let is_whole = match words.len() {
        1 => takes_nothing.contains(&words[0].as_str()),
        2 => !is_about_tasks || words[1] == "all",
        _ => true,
    };
    is_whole.then(|| words.join(" "))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_a_chat_that_the_pages_tell_is_understood() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = NodeProcess::start(Spec::new(&program()?, &["serve"]), &world.data()).await?;
    let first = world.chat("what is planned?\n").await?.expect_code(0)?;
    let accepted: serde_json::Value = serde_json::from_str(first.stdout.lines().next().unwrap_or_default())?;
    let task = world.run(&["task", "list what is planned", "--user", "ann"]).await?.expect_code(0)?;
    let (event, task) = (accepted["accepted"].as_str().unwrap(), task.stdout.trim().to_owned());
    let lines: Vec<String> = all_said().iter().filter_map(|line| as_said_here(line, event, &task)).collect();
    assert!(lines.len() >= 18, "{lines:?}");
    let done = world.chat(lines.join("\n") + "\n").await?;
    let (mut answered, mut wrong) = (0, Vec::new());
    for line in done.stdout.lines() {
        let said: serde_json::Value = serde_json::from_str(line)?;
        let Some(text) = said["text"].as_str() else { continue };
        answered += 1;
        if PROBLEMS.iter().any(|problem| text.contains(problem)) {
            wrong.push(text.to_owned());
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(answered >= lines.len(), "{answered} answers to {lines:?}\n{done:?}");
    node.stop().await?;
    Ok(())
}

#[test]
fn every_command_of_a_chat_that_a_page_names_is_one() {
    let commands = page("docs/commands.md");
    let table = commands.split_once("\n## In a chat\n").unwrap().1;
    let known = |name: &str| table.contains(&format!("| `{name}`")) || table.contains(&format!("| `{name} "));
    let name = |line: &String| line.split_whitespace().next().unwrap().to_owned();
    let unknown: Vec<String> = all_said().iter().map(name).filter(|name| !known(name)).collect();
    assert_eq!(unknown, Vec::<String>::new());
    assert!(known("/why") && !known("/wh"));
}
