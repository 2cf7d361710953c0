use clap::CommandFactory as _;

use super::*;

fn parsed(line: &str) -> Result<Command, String> {
    let words = std::iter::once("agent-runtime").chain(line.split(' '));
    Cli::try_parse_from(words).map(|cli| cli.command).map_err(|error| error.to_string())
}

#[test]
fn the_command_line_is_whole() {
    Cli::command().debug_assert();
}

#[test]
fn a_task_takes_its_words_with_or_without_quotes() {
    let Ok(Command::Task(task)) = parsed("task read the notes --wait --context ops") else { panic!() };
    assert_eq!((task.text.join(" ").as_str(), task.wait, task.context.as_str()), ("read the notes", true, "ops"));
    assert!(parsed("task --wait").unwrap_err().contains("<TEXT>"));
}

#[test]
fn tasks_are_listed_unless_something_else_is_asked() {
    let Ok(Command::Tasks(tasks)) = parsed("tasks --all --json --workspace acme") else { panic!() };
    assert!(tasks.action.is_none() && tasks.list.all && tasks.list.of.read.json);
    assert_eq!(tasks.list.of.workspace.as_str(), "acme");
    let Ok(Command::Tasks(tasks)) = parsed("tasks list --all") else { panic!() };
    assert!(matches!(tasks.action, Some(TasksAction::List(TasksList { all: true, .. }))));
    for (word, wanted) in [("show", 0), ("cancel", 1), ("retry", 2), ("discard", 3)] {
        let Ok(Command::Tasks(tasks)) = parsed(&format!("tasks {word} 4k2v --workspace acme")) else { panic!() };
        let (at, one) = match tasks.action {
            Some(TasksAction::Show(one)) => (0, one),
            Some(TasksAction::Cancel(one)) => (1, one),
            Some(TasksAction::Retry(one)) => (2, one),
            Some(TasksAction::Discard(one)) => (3, one),
            other => panic!("{other:?}"),
        };
        assert_eq!((at, one.id.as_str(), one.of.workspace.as_str()), (wanted, "4k2v", "acme"));
    }
    assert!(parsed("tasks show").is_err());
}

#[test]
fn a_query_is_taken_with_or_without_quotes() {
    let Ok(Command::Index(Index::Explain { query, of, limit })) = parsed("index explain the roof -n 3 --json") else {
        panic!()
    };
    assert_eq!((query.join(" ").as_str(), limit, of.read.json), ("the roof", 3, true));
    assert!(parsed("index explain roof -n 51").is_err() && parsed("index explain").is_err());
    assert!(matches!(parsed("index status"), Ok(Command::Index(Index::Status(_)))));
    assert!(matches!(parsed("index rebuild --workspace a"), Ok(Command::Index(Index::Rebuild(_)))));
}

#[test]
fn days_of_usage_have_their_edges() {
    for (days, fits) in [("1", true), ("366", true), ("0", false), ("367", false)] {
        assert_eq!(parsed(&format!("usage --days {days}")).is_ok(), fits, "{days}");
    }
    let Ok(Command::Usage(usage)) = parsed("usage") else { panic!() };
    assert_eq!(usage.days, 7);
}

#[test]
fn a_model_to_be_tested_need_not_be_named() {
    assert!(matches!(parsed("model test"), Ok(Command::Model(Model::Test { name: None, .. }))));
    let Ok(Command::Model(Model::Test { name, read })) = parsed("model test zai/glm-5 --json") else { panic!() };
    assert_eq!((name.as_deref(), read.json), (Some("zai/glm-5"), true));
    assert!(matches!(parsed("model list"), Ok(Command::Model(Model::List(_)))));
    assert!(matches!(parsed("chat --wait-tasks"), Ok(Command::Chat(Chat { wait_tasks: true, .. }))));
}

#[test]
fn what_is_said_of_a_command_in_more_than_a_line_is_in_its_long_help() {
    for (name, words) in [
        ("task", "survives the node"),
        ("tasks", "that nobody has read"),
        ("index", "can be deleted at any time"),
        ("restore", "Each such thing is in doubt"),
        ("doctor", "nothing without `--fix`"),
    ] {
        let mut cli = Cli::command();
        let help = cli.find_subcommand_mut(name).unwrap().render_long_help().to_string();
        let words_of = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words_of(&help).contains(words), "{name}: {help}");
    }
}
