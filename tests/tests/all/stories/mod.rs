//! Every story in `tests/stories`, in every shape: as text and as JSON, with messages as they are and in wire form.

mod stage;

use stage::Stage;
use tests::deployment::Shape;
use tests::story::{Act, parse};

/// Runs one story in one form and gives what was otherwise than it says.
async fn tell(story: &str, shape: Shape, json: bool) -> anyhow::Result<()> {
    let steps = parse(story)?;
    let needs_node = steps.iter().any(|step| matches!(step.act, Act::Run { .. }));
    // One form of each story has the node in the chat itself.
    let served = needs_node || json || shape != Shape::OneProcess;
    let more =
        steps.iter().filter_map(|step| if let Act::Config { text } = &step.act { Some(text.as_str()) } else { None });
    let more: Vec<&str> = more.collect();
    let mut stage = Stage::set(shape, json, served, (!more.is_empty()).then(|| more.concat()).as_deref()).await?;
    for step in steps {
        let done = stage.act(&step.act).await;
        done.map_err(|e| anyhow::anyhow!("the block of line {}: {e:#}\n{}", step.line, stage.said()))?;
    }
    stage.end().await
}

/// Runs one story in the forms of a shape.
async fn told(name: &str, story: &str, shape: Shape) {
    let forms: &[bool] = match shape {
        Shape::OneProcess | Shape::WireForm => &[false, true],
        Shape::ThreeNodes => &[false],
        Shape::FourNodes | Shape::FourNodesWithKills => &[true],
    };
    for json in forms {
        if let Err(error) = tell(story, shape, *json).await {
            panic!("stories/{name}.md, {}: {error:#}", if *json { "as JSON" } else { "as text" });
        }
    }
}

macro_rules! stories {
    ($($story:ident $name:ident)*) => {
        $(
            pub(crate) async fn $name(shape: Shape) {
                let story = include_str!(concat!("../../../stories/", stringify!($story), ".md"));
                told(stringify!($story), story, shape).await;
            }
        )*

        #[test]
        fn every_story_is_told() {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("stories");
            let mut there: Vec<_> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".md").to_owned())
                .collect();
            there.sort();
            assert_eq!(there, [$(stringify!($story)),*]);
        }
    };
}

stories! {
    budgets a_story_of_budgets
    commands a_story_of_commands
    definitions a_story_of_definitions
    first_steps a_story_of_first_steps
    people a_story_of_people
    private_workspace a_story_of_private_workspace
    repeated_session a_story_of_repeated_session
    tasks a_story_of_tasks
    tools a_story_of_tools
    usage a_story_of_usage
    why a_story_of_why
    why_tools a_story_of_why_tools
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_that_tells_otherwise_fails() {
    let holds = "```holds data/workspaces/home/workspace.md\nother\n```";
    assert!(tell(holds, Shape::OneProcess, false).await.is_err());
    for wrong in [
        "```chat\n> /stop\nSomething else.\n```",
        "```chat exit=3\n> /stop\nNothing runs here now.\n```",
        "```chat\n> /stop\nNothing runs here now.\n= denied\n```",
        "```run exit=1\n$ status\n…\n```",
    ] {
        for json in [false, true] {
            assert!(tell(wrong, Shape::OneProcess, json).await.is_err(), "{wrong}");
        }
    }
}
