//! A secret that the configuration names.

use std::time::Duration;

use rustix::process::Signal;
use tests::process::{NodeProcess, Spec, program};

use super::{VALUE, listed, own, run, serve, set, spec, world};
use crate::work::site::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_starts_with_what_was_set_and_not_without_it() {
    let world = world("");
    let spec = Spec::new(&program().unwrap(), &["serve"]).folder(&world.path(""));
    let mut refused = NodeProcess::spawn(spec, &world.path("other")).unwrap();
    assert_eq!(refused.wait(Duration::from_secs(30)).await.unwrap().code(), Some(1));
    assert!(refused.said().contains("there is no secret `zai`"), "{}", refused.said());
    assert!(refused.said().contains("agent-runtime secrets set zai --data "), "{}", refused.said());
    let before = listed(&world).await;
    assert_eq!((before.len(), before[0]["set_at"].is_null()), (1, true));
    set(&world, "zai").await;
    run(&world, &["config", "check"], "").await.expect_code(0).unwrap();
    let node = serve(&world).await;
    let after = listed(&world).await;
    assert!(after[0]["set_at"].as_i64().unwrap() > 1_767_225_600_000, "{after:?}");
    assert_eq!(after[0]["used_by"][0], "models.providers.z.key_secret");
    // A value that changed is told of when the configuration is read again.
    let says = "the store of secrets changed, and needs a restart";
    node.signal(Signal::HUP).unwrap();
    until("the reload", Duration::from_secs(30), || node.said().contains("read again")).await;
    assert!(!node.said().contains(says), "{}", node.said());
    let again = run(&world, &["secrets", "set", "zai"], VALUE).await.expect_code(0).unwrap();
    assert!(again.stdout.contains("in place of its old value") && again.stderr.contains("restart it"), "{again:?}");
    node.signal(Signal::HUP).unwrap();
    until(says, Duration::from_secs(30), || node.said().contains(says)).await;
    node.stop().await.unwrap();
}

#[tokio::test]
async fn what_the_configuration_names_is_removed_by_force_alone() {
    let world = world("");
    set(&world, "zai").await;
    set(&world, "other").await;
    let refused = run(&world, &["secrets", "rm", "zai"], "").await.expect_code(1).unwrap();
    for words in ["models.providers.z.key_secret", "agent-runtime.toml:4:14", "--force"] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    run(&world, &["secrets", "rm", "other"], "").await.expect_code(0).unwrap();
    let gone = run(&world, &["secrets", "rm", "other"], "").await.expect_code(1).unwrap();
    assert!(gone.stderr.contains("there is no secret `other`; `agent-runtime secrets list"), "{}", gone.stderr);
    run(&world, &["secrets", "rm", "zai", "--force"], "").await.expect_code(0).unwrap();
    let told = run(&world, &["secrets", "list"], "").await.expect_code(0).unwrap();
    assert!(told.stdout.contains("not set") && told.stderr.contains("agent-runtime secrets set zai"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_service_manager_opens_them_and_is_rotated_by_a_new_file() {
    let world = world("");
    set(&world, "zai").await;
    let credentials = world.path("credentials");
    std::fs::create_dir(&credentials).unwrap();
    let key = credentials.join("agent-runtime-secrets-key");
    std::fs::rename(own(&world, "secrets.key"), &key).unwrap();
    super::mode(&key, 0o440);
    let without = run(&world, &["config", "check"], "").await.expect_code(1).unwrap();
    assert!(without.stdout.contains("secrets.key is not there"), "{}", without.stdout);
    let given = |args: &[&str]| spec(&world, args).env("CREDENTIALS_DIRECTORY", credentials.display().to_string());
    let serve = Spec::new(&program().unwrap(), &["serve"]).folder(&world.path(""));
    let serve = serve.env("CREDENTIALS_DIRECTORY", credentials.display().to_string());
    NodeProcess::start(serve, &world.data()).await.unwrap().stop().await.unwrap();
    given(&["doctor", "--only", "secrets,config"]).run("").await.unwrap().expect_code(0).unwrap();
    given(&["secrets", "set", "more"]).run(VALUE).await.unwrap().expect_code(0).unwrap();
    let refused = given(&["secrets", "rotate"]).run("").await.unwrap().expect_code(1).unwrap();
    assert!(refused.stderr.contains("agent-runtime secrets rotate --new-key FILE --data data"), "{}", refused.stderr);
    let done = given(&["secrets", "rotate", "--new-key", "new.key"]).run("").await.unwrap().expect_code(0).unwrap();
    assert!(done.stderr.contains("LoadCredential"), "{}", done.stderr);
    given(&["config", "check"]).run("").await.unwrap().expect_code(1).unwrap();
    std::fs::rename(world.path("new.key"), &key).unwrap();
    given(&["config", "check"]).run("").await.unwrap().expect_code(0).unwrap();
}

#[tokio::test]
async fn a_key_that_the_configuration_names_is_made_there() {
    let world = world("[secrets]\nkey_file = 'elsewhere.key'\n");
    let told = run(&world, &["secrets", "set", "zai"], VALUE).await.expect_code(0).unwrap();
    assert!(told.stderr.contains("elsewhere.key; it is in no backup"), "{}", told.stderr);
    assert!(world.path("elsewhere.key").exists() && !own(&world, "secrets.key").exists());
    run(&world, &["config", "check"], "").await.expect_code(0).unwrap();
    run(&world, &["secrets", "rotate"], "").await.expect_code(0).unwrap();
    run(&world, &["config", "check"], "").await.expect_code(0).unwrap();
}
