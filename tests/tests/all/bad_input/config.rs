//! Configuration and command lines with mistakes: file, line, what was expected.

use tests::process::{Spec, program};

use crate::faults::world::World;

#[tokio::test]
async fn a_mistake_in_the_configuration_is_told_with_its_place_and_what_was_expected() -> anyhow::Result<()> {
    for (text, words) in [
        ("[node]\nnmae = \"x\"\n", &["agent-runtime.toml:2:1", "unknown key `nmae`", "did you mean `name`"][..]),
        ("[node]\nname = 5\n", &["agent-runtime.toml:2:8", "`node.name`", "the number 5"]),
        ("[node\nname = 5\n", &["agent-runtime.toml:1:6", "not TOML", "expected `]`"]),
        ("[log]\nlevel = \"loud\"\n", &["agent-runtime.toml:2:9", "loud", "`error`, `warn`, `info`"]),
        ("\n[runtime]\nmailbox_max = 0\n", &["agent-runtime.toml:3:15", "from 1 to 65536"]),
        ("[models]\ndefault = \"gpt\"\n", &["agent-runtime.toml:2", "gpt", "offline"]),
        ("[models.providers.x]\nkind = \"openai\"\n", &["agent-runtime.toml", "base_url", "model"]),
        ("[workspaces.home]\nnotes = \"notes\"\n", &["agent-runtime.toml:2", "list"]),
    ] {
        let world = World::new()?;
        std::fs::write(world.path("agent-runtime.toml"), text)?;
        for command in [&["serve"][..], &["chat"], &["status"], &["verify"]] {
            let said = Spec::new(&program()?, command).folder(&world.path("")).run("").await?.expect_code(1)?;
            assert!(said.stderr.starts_with("error: "), "{said:?}");
            assert!(words.iter().all(|word| said.stderr.contains(word)), "{words:?} in {}", said.stderr);
        }
        assert!(!world.data().exists(), "nothing is made before the configuration holds");
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_argument_is_told_with_what_to_do() -> anyhow::Result<()> {
    let world = World::new()?;
    std::fs::write(world.path("file"), "no folder")?;
    for (command, words) in [
        (&["chat", "--notes", "nowhere"][..], &["notes folder nowhere", "give an existing folder"][..]),
        (&["chat", "--notes", "file"], &["notes folder file is not a folder", "give the folder"]),
        (&["chat", "--data", "file"], &["file/agent-runtime", "use another --data"]),
        (&["serve", "--data", "/dev/null"], &["/dev/null", "use another --data"]),
        (&["chat", "--config", "nowhere.toml"], &["nowhere.toml", "--config"]),
        (&["chat", "--context", "nope"], &["no context `nope`", "context create nope"]),
        (&["chat", "--workspace", "nope"], &["`nope`", "workspace create nope"]),
        (&["chat", "--user", " "], &["a user's name is 1 to 64"]),
        (&["chat", "--session", "a b"], &["a session's name is 1 to 64"]),
        (&["status", "--data", "nowhere"], &["no node serves", "agent-runtime serve"]),
        (&["verify", "--data", "nowhere"], &["no store", "--data"]),
        (&["audit", "verify", "--data", "nowhere"], &["no store", "--data"]),
        (&["context", "show", "nope"], &["no context `nope`", "context create nope"]),
        (&["workspace", "show", "nope"], &["no workspace `nope`", "workspace create nope"]),
        (&["workspace", "create", "home"], &["exists already", "home"]),
    ] {
        let said = Spec::new(&program()?, command).folder(&world.path("")).run("").await?.expect_code(1)?;
        assert!(said.stderr.starts_with("error: "), "{said:?}");
        assert!(words.iter().all(|word| said.stderr.contains(word)), "{command:?}: {words:?} in {}", said.stderr);
        assert!(!said.stderr.contains("panicked"), "{said:?}");
    }
    Ok(())
}
