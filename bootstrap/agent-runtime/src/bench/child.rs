//! Processes of a bench: the node and the stub, and what they cost.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use console::client::{Client, Who};
use messages::Slug;
use workspaces::Layout;

use super::numbers::now;
use crate::commands::megabytes;
use crate::node::HOME;

/// How long a process may take to be ready.
const READY_MAX: Duration = Duration::from_secs(60);
/// Kernel clock ticks a second; Linux has told programs 100 on every architecture since 2.6.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process that ends with its bench.
pub(super) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Process {
    pub(super) fn kill9(mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }

    /// Ends it in good order.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw).context("its pid")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let begin = now();
        while self.0.try_wait()?.is_none() {
            if begin.elapsed() > READY_MAX {
                bail!("a node did not stop within {READY_MAX:?}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// CPU seconds so far, in user and kernel mode.
    pub(super) fn cpu_seconds(&self) -> f64 {
        cpu_of(&fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap_or_default())
    }

    /// CPU seconds so far by kind of thread: those whose names differ in a number alone are one.
    pub(super) fn cpu_by_thread(&self) -> BTreeMap<String, f64> {
        let mut kinds = BTreeMap::new();
        let threads = fs::read_dir(format!("/proc/{}/task", self.0.id())).into_iter().flatten().flatten();
        for stat in threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok()) {
            let name = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(name, _)| name);
            let kind = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
            *kinds.entry(kind.to_owned()).or_default() += cpu_of(&stat);
        }
        kinds
    }

    /// Resident memory in MB.
    pub(super) fn rss_mb(&self) -> f64 {
        megabytes(admin::rss_bytes_of(self.0.id()))
    }
}

/// Fields 14 and 15, counted behind the name in brackets, which may hold spaces (proc(5)).
fn cpu_of(stat: &str) -> f64 {
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Ends the processes that another one has started: a bench that is killed does not end its own.
pub(super) fn kill_below(parent: u32) {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for stat in processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok()) {
        let above = stat.rsplit(')').next().unwrap_or_default().split_whitespace().nth(1);
        let pid = stat.split(' ').next().and_then(|pid| pid.parse().ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid.filter(|_| above == Some(parent.to_string().as_str())) {
            // One that has ended meanwhile needs no killing.
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
        }
    }
}

/// A folder of a bench's own; removed with it.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("agent-runtime-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    pub(super) fn layout(&self) -> Layout {
        Layout::of_data(&self.data())
    }

    /// The name of the n-th context.
    pub(super) fn context(n: usize) -> anyhow::Result<Slug> {
        Ok(Slug::parse(&format!("bench-{n}"))?)
    }

    /// A workspace with so many contexts.
    ///
    /// `searches`: each turn also searches the workspace, as it does unless a context says otherwise.
    pub(super) fn make(&self, contexts: usize, searches: bool) -> anyhow::Result<()> {
        let text = if searches { "Answer briefly.\n" } else { "---\nlimits: {passages: 0}\n---\nAnswer briefly.\n" };
        let (home, layout) = (Slug::parse(HOME)?, self.layout());
        if !layout.workspace_file(&home).is_file() {
            layout.create_workspace(&home, "Bench", None)?;
        }
        for n in 0..contexts {
            let file = layout.context_file(&home, Self::context(n)?.as_str());
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            // Not synced one by one, as `context create` does: a hundred thousand would take minutes.
            fs::write(&file, text)?;
        }
        Ok(())
    }

    /// Workspaces `w0`, `w1`, …, each with so many contexts whose tasks may read its pages.
    pub(super) fn make_workspaces(&self, workspaces: usize, contexts: usize) -> anyhow::Result<Vec<String>> {
        let layout = self.layout();
        let mut names = Vec::new();
        for n in 0..workspaces {
            let id = Slug::parse(&format!("w{n}"))?;
            layout.create_workspace(&id, "Bench", None)?;
            for context in 0..contexts {
                let file = layout.context_file(&id, Self::context(context)?.as_str());
                if let Some(folder) = file.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::write(&file, "---\ntools: [md_read]\nlimits: {passages: 0}\n---\nAnswer briefly.\n")?;
            }
            names.push(id.to_string());
        }
        Ok(names)
    }

    /// Writes the configuration of a node: `lines` stand under `[node]`.
    pub(super) fn config(&self, name: &str, lines: &str, url: &str, passivate_after_s: u64) -> anyhow::Result<PathBuf> {
        let file = self.0.join(format!("{name}.toml"));
        let text = format!(
            "[node]\n{lines}\n[http]\nlisten = \"\"\n[log]\nlevel = \"warn\"\n[runtime]\npassivate_after_s = {passivate_after_s}\n\
             [models]\ndefault = \"stub\"\n[models.providers.stub]\nkind = \"openai\"\nbase_url = \"{url}\"\nmodel = \"stub\"\nwindow = 1024\n",
        );
        fs::write(&file, text)?;
        Ok(file)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

pub(super) fn program() -> anyhow::Result<Command> {
    Ok(Command::new(std::env::current_exe().context("the path of this program")?))
}

/// Starts the stub; gives its base URL.
pub(super) fn stub() -> anyhow::Result<(Process, String)> {
    helper(program()?.args(["bench", "stub"]))
}

/// Starts a process that says on its first line where it is to be reached.
pub(super) fn helper(command: &mut Command) -> anyhow::Result<(Process, String)> {
    use std::io::BufRead as _;
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
    let out = child.stdout.take().context("the output of a process that was started")?;
    let mut line = String::new();
    std::io::BufReader::new(out).read_line(&mut line)?;
    Ok((Process(child), line.trim().to_owned()))
}

/// Starts a node, without waiting.
pub(super) fn serve(config: &Path) -> anyhow::Result<Process> {
    Ok(Process(program()?.arg("serve").arg("--config").arg(config).stdin(Stdio::null()).spawn()?))
}

/// Starts a node, and waits until it is ready: gives the seconds that took.
pub(super) async fn node(folder: &Folder, url: &str, passivate_after_s: u64) -> anyhow::Result<(Process, f64)> {
    let config = folder.config("agent-runtime", &format!("data = {:?}", folder.data()), url, passivate_after_s)?;
    let begin = now();
    let process = serve(&config)?;
    let socket = console::socket_path(&folder.data());
    while begin.elapsed() < READY_MAX {
        if tokio::net::UnixStream::connect(&socket).await.is_ok() {
            return Ok((process, begin.elapsed().as_secs_f64()));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bail!("the node was not ready within {READY_MAX:?}")
}

/// A session in the n-th context.
pub(super) async fn client(data: &Path, n: usize, session: &str) -> anyhow::Result<Client> {
    client_in(data, HOME, n, session).await
}

/// A session in the n-th context of a workspace.
pub(super) async fn client_in(data: &Path, workspace: &str, n: usize, session: &str) -> anyhow::Result<Client> {
    let who = Who {
        user: "bench".to_owned(),
        workspace: workspace.to_owned(),
        context: Folder::context(n)?.to_string(),
        session: format!("{session}-{workspace}-{n}"),
        previews: false,
        only_asks: false,
    };
    Client::connect(data, who).await?.context("no node serves the bench's folder")
}

/// One word to the stub: `hold`, `release`; or `asked`, which gives a number.
pub(super) async fn tell(url: &str, word: &str) -> anyhow::Result<u64> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let host = url.trim_start_matches("http://").trim_end_matches("/v1");
    let method = if word == "asked" { "GET" } else { "POST" };
    let mut stream = tokio::net::TcpStream::connect(host).await?;
    let request =
        format!("{method} /v1/{word} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    (&mut stream).take(4_096).read_to_string(&mut answer).await?;
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    Ok(body.trim().parse().unwrap_or(0))
}

/// Waits until `done`, at most so long.
pub(super) async fn until<F: Future<Output = anyhow::Result<bool>>>(
    max: Duration,
    what: &str,
    done: impl Fn() -> F,
) -> anyhow::Result<f64> {
    let begin: Instant = now();
    while begin.elapsed() < max {
        if done().await? {
            return Ok(begin.elapsed().as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bail!("not within {max:?}: {what}")
}
