//! Keys are canaries: nothing that the program writes or shows holds one, however it was given, even when its provider
//! says it back.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tests::process::{NodeProcess, Spec, program};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::faults::world::World;

/// One for each way to give a key, with the part by which it would be found.
const BY_FILE: &str = "0f3c9a.canaryByFile71c2";
const BY_VARIABLE: &str = "0f3c9b.canaryByVariable71c2";
const OF_ZAI: &str = "0f3c9c.canaryOfZai71c2";
const BY_SECRET: &str = "0f3c9e.canaryBySecret71c2";
const MARK: &str = "canary";
/// Keys that went astray: the program refuses each without saying it again.
const ASTRAY: &str = "0f3c9d canaryAstray71c2";

/// An endpoint that refuses every key and says it back, in its words and in a header.
struct Parrot {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Parrot {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (url, heard) = (format!("http://{}/v1", listener.local_addr()?), Arc::default());
        let keep: Arc<Mutex<Vec<String>>> = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&keep)));
            }
        });
        Ok(Self { url, heard })
    }
}

async fn answer(mut stream: TcpStream, heard: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut asked = vec![0; 65_536];
    let read = stream.read(&mut asked).await?;
    let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
    let header = asked.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization:"));
    let key = header.and_then(|line| line.rsplit(' ').next()).unwrap_or_default().trim().to_owned();
    heard.lock().unwrap().push(key.clone());
    let body = format!(r#"{{"error":{{"code":"401","message":"Incorrect API key provided: {key}."}}}}"#);
    let head = format!("HTTP/1.1 401 Unauthorized\r\nx-key: {key}\r\ncontent-length: {}\r\n", body.len());
    stream
        .write_all(format!("{head}content-type: application/json\r\nconnection: close\r\n\r\n{body}").as_bytes())
        .await
}

/// The configuration with the ways that it names, in a world.
fn configured(parrot: &Parrot) -> anyhow::Result<World> {
    let world = World::new()?;
    let provider = |name: &str, key: &str| {
        format!("[models.providers.{name}]\nkind = 'openai'\nmodel = 'm'\nbase_url = '{}'\n{key}\n", parrot.url)
    };
    let text = format!(
        "[models]\ndefault = 'file'\n[models.routes]\nresearch = ['variable', 'zai', 'secret']\n[log]\nlevel = 'trace'\njson = true\n[tasks]\nattempts = 1\n{}{}{}[models.providers.zai]\nkind = 'zai'\nbase_url = '{}'\n",
        provider("file", "key_file = 'file.key'"),
        provider("variable", "key_env = 'CANARY_KEY'"),
        provider("secret", "key_secret = 'by-secret'"),
        parrot.url
    );
    fs::write(world.path("agent-runtime.toml"), text)?;
    fs::write(world.path("file.key"), format!("{BY_FILE}\n"))?;
    fs::set_permissions(world.path("file.key"), Permissions::from_mode(0o600))?;
    Ok(world)
}

fn with_keys(world: &World, args: &[&str]) -> anyhow::Result<Spec> {
    let spec = Spec::new(&program()?, args).folder(&world.path(""));
    Ok(spec.env("CANARY_KEY", BY_VARIABLE).env("ZAI_API_KEY", OF_ZAI))
}

/// Every file below a folder that holds the mark, whatever else is in it.
fn holding(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(holding(&path));
        } else if fs::read(&path).is_ok_and(|bytes| bytes.windows(MARK.len()).any(|part| part == MARK.as_bytes())) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// What the system shows of a process; without the keys that are in its environment because they were given there.
fn as_others_see(node: &NodeProcess) -> Vec<(String, String)> {
    let of = |file: &str| {
        let bytes = fs::read(format!("/proc/{}/{file}", node.pid().as_raw_nonzero())).unwrap();
        let text = String::from_utf8_lossy(&bytes).replace(BY_VARIABLE, "").replace(OF_ZAI, "");
        (file.to_owned(), text)
    };
    ["cmdline", "environ"].map(of).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_in_anything_that_is_written_or_shown() -> anyhow::Result<()> {
    let parrot = Parrot::start().await?;
    let world = configured(&parrot)?;
    let mut shown = Vec::new();
    let mut run = async |args: &[&str], input: &str| -> anyhow::Result<()> {
        let spec = with_keys(&world, args)?.arg("--data").arg(world.data().display().to_string());
        let done = spec.run(input).await?;
        shown.push((done.typed, format!("{}{}", done.stdout, done.stderr)));
        Ok(())
    };
    // A value that went astray first, then as it is to be.
    run(&["secrets", "set", "by-secret", BY_SECRET], BY_SECRET).await?;
    run(&["secrets", "set", BY_SECRET], BY_SECRET).await?;
    run(&["secrets", "set", "by-secret"], &format!("{BY_SECRET}\0")).await?;
    run(&["secrets", "set", "by-secret"], &format!("{BY_SECRET}\n")).await?;
    let node = NodeProcess::start(with_keys(&world, &["serve"])?, &world.data()).await?;
    run(&["chat", "--json"], "who are you?\n/status\n/whoami\n").await?;
    run(&["task", "--wait", "think"], "").await?;
    for model in ["file", "variable", "zai", "secret"] {
        run(&["model", "test", model], "").await?;
        run(&["model", "test", model, "--json"], "").await?;
    }
    for args in [
        &["status"][..],
        &["actors"],
        &["tasks", "--all"],
        &["usage"],
        &["model", "list"],
        &["index", "status"],
        &["doctor"],
        &["verify"],
        &["audit", "tail"],
        &["config", "check"],
        &["config", "explain", "models.providers"],
        &["config", "explain", "models.providers.file.key_file"],
        &["config", "explain", "models.providers.variable.key_env"],
        &["config", "explain", "models.providers.secret.key_secret"],
        &["secrets", "list"],
    ] {
        run(args, "").await?;
        run(&[args, &["--json"]].concat(), "").await?;
    }
    run(&["secrets", "rotate"], "").await?;
    run(&["backup", "create", "b.tar.zst"], "").await?;
    node.signal(rustix::process::Signal::HUP)?;
    shown.extend(as_others_see(&node));
    shown.push(("the log".to_owned(), node.said()));
    node.stop().await?;
    // A backup is packed; what is in it is looked at as files.
    Spec::new(&program()?, &["restore", "b.tar.zst", "--data", "other"])
        .folder(&world.path(""))
        .run("")
        .await?
        .expect_code(0)?;
    assert!(world.path("other/agent-runtime/secrets.age").exists());
    for key in [BY_FILE, BY_VARIABLE, OF_ZAI, BY_SECRET] {
        assert!(parrot.heard.lock().unwrap().iter().any(|heard| heard == key), "{key} was used");
    }
    let leaks: Vec<_> = shown.iter().filter(|(_, words)| words.contains(MARK)).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert_eq!(holding(&world.path("")), [world.path("file.key").display().to_string()], "the file of the key alone");
    Ok(())
}

#[tokio::test]
async fn a_key_that_went_astray_is_refused_without_being_said_again() -> anyhow::Result<()> {
    for (text, env) in [
        (format!("[models.providers.p]\nkind = 'openai'\napi_key = '{ASTRAY}'\n"), ""),
        (format!("[models.providers.p]\nkind = 'zai'\nkey_env = '{ASTRAY}'\n"), ""),
        (format!("[models.providers.p]\nkind = 'zai'\nbase_url = 'https://ann:{ASTRAY}@example.org/v1'\n"), ""),
        (format!("[models]\nproviders = '{ASTRAY}'\n"), ""),
        (String::new(), ASTRAY),
    ] {
        let world = World::new()?;
        fs::write(world.path("agent-runtime.toml"), text)?;
        for args in [
            &["serve"][..],
            &["chat"],
            &["config", "check"],
            &["config", "check", "--json"],
            &["doctor"],
            &["doctor", "--json"],
        ] {
            let spec = Spec::new(&program()?, args).folder(&world.path(""));
            let spec = if env.is_empty() { spec } else { spec.env("ZAI_API_KEY", env) };
            let said = spec.run("").await?.expect_code(1)?;
            assert!(!format!("{}{}", said.stdout, said.stderr).contains(MARK), "{said:?}");
        }
    }
    Ok(())
}
