//! Every story in `tests/stories`, against a real node: as text and as JSON, with messages as they are and in wire form.

mod stage;

use stage::{Form, Stage};
use tests::story::{Act, parse};

/// Runs one story in one form and gives what was otherwise than it says.
async fn tell(story: &str, form: Form) -> anyhow::Result<()> {
    let steps = parse(story)?;
    let needs_node = steps.iter().any(|step| matches!(step.act, Act::Run { .. }));
    // One form of each story has the node in the chat itself.
    let served = needs_node || form.json || form.wire;
    let more =
        steps.iter().filter_map(|step| if let Act::Config { text } = &step.act { Some(text.as_str()) } else { None });
    let more: Vec<&str> = more.collect();
    let mut stage = Stage::set(form, served, (!more.is_empty()).then(|| more.concat()).as_deref()).await?;
    for step in steps {
        stage.act(&step.act).await.map_err(|e| anyhow::anyhow!("the block of line {}: {e:#}", step.line))?;
    }
    stage.end().await
}

macro_rules! stories {
    ($($name:ident)*) => {
        $(
            #[rstest::rstest]
            #[tokio::test(flavor = "multi_thread")]
            async fn $name(#[values(false, true)] json: bool, #[values(false, true)] wire: bool) {
                let story = include_str!(concat!("../../../stories/", stringify!($name), ".md"));
                if let Err(error) = tell(story, Form { json, wire }).await {
                    panic!("stories/{}.md, {error:#}", stringify!($name));
                }
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
            assert_eq!(there, [$(stringify!($name)),*]);
        }
    };
}

stories! {
    budgets
    commands
    definitions
    first_steps
    people
    private_workspace
    repeated_session
    tasks
    tools
    usage
    why
    why_tools
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_that_tells_otherwise_fails() {
    for wrong in [
        "```chat\n> /stop\nSomething else.\n```",
        "```chat exit=3\n> /stop\nNothing runs here now.\n```",
        "```chat\n> /stop\nNothing runs here now.\n= denied\n```",
        "```holds data/workspaces/home/workspace.md\nother\n```",
        "```run exit=1\n$ status\n…\n```",
    ] {
        for json in [false, true] {
            assert!(tell(wrong, Form { json, wire: false }).await.is_err(), "{wrong}");
        }
    }
}
