//! Certificates by commands: what is made, what is told, what is refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use tests::process::{Done, Spec, program};

/// Hosts, each a data folder in one folder.
struct Hosts {
    folder: tempfile::TempDir,
}

impl Hosts {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With an authority at the host `hub`.
    async fn with_authority() -> Self {
        let hosts = Self::new();
        hosts.well("hub", "pki init").await;
        hosts
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pki(&self, host: &str) -> PathBuf {
        self.path(host).join("agent-runtime/pki")
    }

    async fn run(&self, host: &str, line: &str) -> Done {
        let args: Vec<&str> = line.split(' ').chain(["--data", host]).collect();
        Spec::new(&program().unwrap(), &args).folder(self.folder.path()).run("").await.unwrap()
    }

    async fn well(&self, host: &str, line: &str) -> Done {
        self.run(host, line).await.expect_code(0).unwrap()
    }

    /// It ends with this code and says these words.
    async fn refused(&self, host: &str, line: &str, code: i32, words: &[&str]) {
        let done = self.run(host, line).await.expect_code(code).unwrap();
        for word in words {
            assert!(done.stderr.contains(word), "{line}: {word}: {}", done.stderr);
        }
    }

    async fn shown(&self, host: &str) -> Json {
        serde_json::from_str(&self.well(host, "pki show --json").await.stdout).unwrap()
    }

    /// The states of all certificates of a node that the authority recorded.
    async fn states(&self, node: &str) -> Vec<String> {
        let shown = self.shown("hub").await;
        let all = shown["certificates"].as_array().unwrap().clone();
        let of_node = all.iter().filter(|one| one["node"] == node);
        of_node.map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_cluster_gets_its_certificates_by_three_commands() {
    let hosts = Hosts::new();
    let made = hosts.well("hub", "pki init").await;
    assert_eq!(made.stdout.trim(), hosts.pki("hub").join("ca").display().to_string());
    assert!(made.stderr.contains("agent-runtime pki node NAME"), "{}", made.stderr);
    let own = hosts.well("hub", "pki node hub --roles hub,connector --san hub.example.org,10.0.0.1 --self").await;
    assert!(own.stderr.contains("set `node.name` to `hub`"), "{}", own.stderr);
    let other = hosts.well("hub", "pki node worker-1 --roles worker --san ::1 --days 7").await;
    assert_eq!(other.stdout.trim(), hosts.path("worker-1").display().to_string());
    assert!(other.stderr.contains("copy this folder"), "{}", other.stderr);

    // The folder goes to its host.
    fs::create_dir_all(hosts.pki("far")).unwrap();
    fs::rename(hosts.path("worker-1"), hosts.pki("far").join("node")).unwrap();
    let far = hosts.shown("far").await;
    assert_eq!(
        (&far["node"]["node"], &far["node"]["roles"], &far["authority"]),
        (&"worker-1".into(), &"worker".into(), &Json::Null)
    );
    assert_eq!((&far["node"]["state"], &far["node"]["hosts"]), (&"valid".into(), &serde_json::json!(["::1"])));
    let days = (far["node"]["not_after"].as_i64().unwrap() - far["node"]["not_before"].as_i64().unwrap()) / 86_400_000;
    assert_eq!(days, 7);

    let hub = hosts.shown("hub").await;
    assert_eq!((&hub["node"]["roles"], &hub["authority"]["crl_number"]), (&"hub,connector".into(), &1.into()));
    assert_eq!(hub["certificates"].as_array().unwrap().len(), 2);
    let told = hosts.well("hub", "pki show").await.stdout;
    for words in ["authority  Agent Runtime CA ", "sha256 ", "this node  hub (hub,connector)", "worker-1", "10.0.0.1"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    for name in ["ca", "node"] {
        assert_eq!(mode(&hosts.pki("hub").join(name)), 0o700);
        for entry in fs::read_dir(hosts.pki("hub").join(name)).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }
    hosts.well("hub", "doctor --only certificates,rights").await;
    hosts.well("far", "doctor --only certificates").await;
}

#[tokio::test]
async fn a_revoked_node_is_out_and_can_be_let_in_again() {
    let hosts = Hosts::with_authority().await;
    hosts.well("hub", "pki node hub --roles hub --self").await;
    hosts.well("hub", "pki node worker-1 --roles worker").await;
    hosts.well("hub", "pki renew worker-1 --out second").await;
    let revoked = hosts.well("hub", "pki revoke worker-1").await;
    assert_eq!(revoked.stdout.lines().filter(|line| line.ends_with(" worker-1")).count(), 2, "{}", revoked.stdout);
    assert!(revoked.stderr.contains("revocation list 2 is in the folder of this node"), "{}", revoked.stderr);
    assert_eq!(hosts.states("worker-1").await, ["revoked", "revoked"]);
    assert_eq!(hosts.states("hub").await, ["valid"]);
    let list = |place: &str| fs::read_to_string(hosts.pki("hub").join(place)).unwrap();
    assert_eq!(list("node/crl.pem"), list("ca/crl.pem"));

    // Its host gets the list, and is told what it means.
    fs::create_dir_all(hosts.pki("far")).unwrap();
    fs::rename(hosts.path("second"), hosts.pki("far").join("node")).unwrap();
    fs::write(hosts.pki("far").join("node/crl.pem"), list("ca/crl.pem")).unwrap();
    assert_eq!(hosts.shown("far").await["node"]["state"], "revoked");
    let told = hosts.run("far", "doctor --only certificates").await.expect_code(1).unwrap();
    assert!(told.stdout.contains("is revoked"), "{}", told.stdout);

    let again = hosts.well("hub", "pki revoke worker-1").await;
    assert!(again.stdout.is_empty() && again.stderr.contains("was revoked before"), "{again:?}");
    hosts.refused("hub", "pki renew worker-1 --out third", 1, &["are revoked", "pki node worker-1"]).await;
    hosts.well("hub", "pki node worker-1 --roles worker --out third").await;
    assert_eq!(hosts.states("worker-1").await, ["revoked", "revoked", "valid"]);
    let serial = hosts.shown("hub").await["node"]["serial"].as_str().unwrap().to_owned();
    hosts.well("hub", &format!("pki revoke --serial {serial}")).await;
    assert_eq!(hosts.states("hub").await, ["revoked"]);
}

#[tokio::test]
async fn a_node_beside_the_authority_renews_in_its_place() {
    let hosts = Hosts::with_authority().await;
    hosts.refused("hub", "pki renew --self", 1, &["is not there", "--self` issues the first"]).await;
    hosts.well("hub", "pki node hub --roles hub --self --days 3").await;
    let before = hosts.shown("hub").await["node"].clone();
    let done = hosts.well("hub", "pki renew --self --days 4").await;
    assert!(done.stderr.contains("of `hub`, until "), "{}", done.stderr);
    let after = hosts.shown("hub").await["node"].clone();
    assert!(before["serial"] != after["serial"] && before["roles"] == after["roles"]);
    assert!(after["not_after"].as_i64() > before["not_after"].as_i64());
    assert_eq!(hosts.states("hub").await, ["valid", "valid"]);
    // Elsewhere it can't: the authority is not there.
    fs::create_dir_all(hosts.pki("far")).unwrap();
    hosts.well("hub", "pki node far --roles worker --out far-node").await;
    fs::rename(hosts.path("far-node"), hosts.pki("far").join("node")).unwrap();
    hosts.refused("far", "pki renew --self", 1, &["no authority in this data folder", "pki init"]).await;
}

#[tokio::test]
async fn what_is_there_is_left_as_it_is_and_the_next_step_is_named() {
    let hosts = Hosts::new();
    hosts.refused("hub", "pki show", 1, &["neither an authority nor a certificate", "pki init"]).await;
    hosts.refused("hub", "pki node a --roles hub", 1, &["no authority in this data folder"]).await;
    hosts.refused("hub", "pki revoke a", 1, &["no authority in this data folder"]).await;
    assert!(!hosts.path("hub").exists(), "nothing is made by looking");
    hosts.well("hub", "pki init").await;
    let key = fs::read(hosts.pki("hub").join("ca/ca.key")).unwrap();
    hosts.refused("hub", "pki init", 1, &["already", "pki show"]).await;
    hosts.well("hub", "pki node a --roles hub --self").await;
    hosts.refused("hub", "pki node a --roles hub --out x", 1, &["pki renew a", "pki revoke a"]).await;
    hosts.refused("hub", "pki node b --roles hub --self", 1, &["has a certificate already", "--self"]).await;
    fs::create_dir(hosts.path("full")).unwrap();
    fs::write(hosts.path("full/letter"), "x").unwrap();
    hosts.refused("hub", "pki node b --roles hub --out full", 1, &["left as it is", "--out"]).await;
    hosts.refused("hub", "pki renew b --out y", 1, &["no certificate is recorded of `b`", "pki show"]).await;
    hosts.refused("hub", "pki revoke b", 1, &["no certificate is recorded of `b`"]).await;
    assert_eq!(
        hosts.shown("hub").await["certificates"].as_array().unwrap().len(),
        1,
        "what was refused was not issued"
    );
    assert_eq!(fs::read(hosts.pki("hub").join("ca/ca.key")).unwrap(), key);
    assert!(!hosts.path("x").exists() && !hosts.path("y").exists());
}

#[tokio::test]
async fn what_is_no_name_role_host_or_number_of_days_is_refused_before_anything_is_done() {
    let hosts = Hosts::with_authority().await;
    for (line, words) in [
        ("pki node A --roles hub", "no name of a node"),
        ("pki node a_b --roles hub", "no name of a node"),
        ("pki node a --roles root", "no role; known are hub, connector, worker"),
        ("pki node a", "--roles"),
        ("pki node a --roles hub --san *.x", "neither a name of DNS nor an IP address"),
        ("pki node a --roles hub --days 0", "0"),
        ("pki node a --roles hub --days 826", "826"),
        ("pki node a --roles hub --self --out x", "cannot be used with"),
        ("pki renew", "required"),
        ("pki renew a --self", "cannot be used with"),
        ("pki revoke", "required"),
        ("pki revoke --serial zz", "no number of a certificate"),
    ] {
        hosts.refused("hub", line, 2, &[words]).await;
    }
    hosts.well("hub", &format!("pki node {} --roles hub --days 825 --out longest", "a".repeat(63))).await;
    let sans = (0..17).map(|n| format!("10.0.0.{n}")).collect::<Vec<_>>().join(",");
    hosts.refused("hub", &format!("pki node b --roles hub --san {sans}"), 1, &["at most 16"]).await;
    assert_eq!(hosts.shown("hub").await["certificates"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_can_t_be_used_is_told_by_show_and_by_doctor() {
    let hosts = Hosts::with_authority().await;
    hosts.well("hub", "pki node hub --roles hub --self").await;
    let (key, open) = (hosts.pki("hub").join("node/node.key"), Permissions::from_mode(0o644));
    fs::set_permissions(&key, open).unwrap();
    let told = hosts.run("hub", "pki show").await.expect_code(8).unwrap();
    assert!(told.stdout.contains("PROBLEM") && told.stdout.contains("chmod 600"), "{}", told.stdout);
    let told = hosts.run("hub", "doctor --only certificates,rights").await.expect_code(1).unwrap();
    assert!(
        told.stdout.contains("wrong    certificates") && told.stdout.contains("wrong    rights"),
        "{}",
        told.stdout
    );
    let told = hosts.run("hub", "doctor --only rights --fix").await.expect_code(0).unwrap();
    assert!(told.stdout.contains("mode 644 is now 600"), "{}", told.stdout);
    hosts.well("hub", "doctor --only certificates").await;

    // The authority of another cluster in its place.
    hosts.well("other", "pki init").await;
    fs::rename(hosts.pki("hub").join("ca"), hosts.path("aside")).unwrap();
    fs::rename(hosts.pki("other").join("ca"), hosts.pki("hub").join("ca")).unwrap();
    let told = hosts.run("hub", "pki show --json").await.expect_code(8).unwrap();
    let told: Json = serde_json::from_str(&told.stdout).unwrap();
    assert!(told["problems"][0].as_str().unwrap().contains("another authority"), "{told}");
    let told = hosts.run("hub", "doctor --only certificates").await.expect_code(1).unwrap();
    assert!(told.stdout.contains("of another authority"), "{}", told.stdout);
    hosts.refused("hub", "pki renew --self", 1, &["no certificate is recorded of `hub`"]).await;
}

#[tokio::test]
async fn no_command_shows_a_private_key() {
    let hosts = Hosts::with_authority().await;
    hosts.well("hub", "pki node hub --roles hub --self").await;
    let secret = |path: &str| {
        let text = fs::read_to_string(hosts.pki("hub").join(path)).unwrap();
        text.lines().nth(1).unwrap().to_owned()
    };
    let secrets = [secret("ca/ca.key"), secret("node/node.key")];
    for line in ["pki show", "pki show --json", "pki renew --self", "pki revoke hub", "pki init", "doctor --json"] {
        let done = hosts.run("hub", line).await;
        assert!(!secrets.iter().any(|key| format!("{}{}", done.stdout, done.stderr).contains(key.as_str())), "{line}");
    }
}
