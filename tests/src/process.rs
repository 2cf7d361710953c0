//! Real processes: a node that is started, waited for, stopped and killed, and commands that are run to their end.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use console::socket_path;
use rustix::process::{Pid, Signal, kill_process};

/// How long a node may take until its console answers.
pub const READY_MAX: Duration = Duration::from_secs(30);
/// How long a node that was told to stop may take.
pub const STOP_MAX: Duration = Duration::from_secs(30);
/// How long a command may take.
pub const RUN_MAX: Duration = Duration::from_secs(60);
/// Unless a test says otherwise: many nodes run at once and would meet at one port, and the disk of the machine that tests
/// run on is its own business.
const QUIET: [(&str, &str); 3] = [
    ("AGENT_RUNTIME_HTTP__LISTEN", ""),
    ("AGENT_RUNTIME_ALARMS__DISK_FREE_PERCENT", "0"),
    ("AGENT_RUNTIME_ALARMS__DISK_FREE_MIB", "0"),
];
/// How often something is looked at that can't be waited for.
const LOOK: Duration = Duration::from_millis(5);

/// The program under test: `AGENT_RUNTIME_BIN`, else the one of the dev profile.
///
/// # Errors
/// When it is not there.
pub fn program() -> anyhow::Result<PathBuf> {
    found("AGENT_RUNTIME_BIN", "debug", "cargo build -p agent-runtime")
}

/// The program with failpoints: `AGENT_RUNTIME_CHAOS_BIN`, else the one of the chaos profile.
///
/// # Errors
/// When it is not there.
pub fn chaos_program() -> anyhow::Result<PathBuf> {
    let build = "cargo build --profile chaos -p agent-runtime --features failpoints";
    found("AGENT_RUNTIME_CHAOS_BIN", "chaos", build)
}

fn found(variable: &str, profile: &str, build: &str) -> anyhow::Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    let path = std::env::var_os(variable).map_or_else(|| target.join(profile).join("agent-runtime"), PathBuf::from);
    path.canonicalize().with_context(|| format!("{} is not there; build it with `{build}`", path.display()))
}

/// How a process is started. Nothing of `AGENT_RUNTIME_*` and `ZAI_*` is inherited; it listens at no port unless it is told to.
#[derive(Debug, Clone)]
pub struct Spec {
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    unset: Vec<String>,
    folder: Option<PathBuf>,
    through: Vec<String>,
    apart: bool,
}

impl Spec {
    /// A command of this program.
    #[must_use]
    pub fn new(program: &Path, args: &[&str]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let (env, unset, through) = (Vec::new(), Vec::new(), Vec::new());
        Self { program: program.to_owned(), args, env, unset, folder: None, through, apart: false }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// With this variable set.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Without this variable, also where tests set it for all.
    #[must_use]
    pub fn unset(mut self, name: &str) -> Self {
        self.unset.push(name.to_owned());
        self
    }

    /// Started in this folder.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Started by a command that becomes it, such as `ip netns exec NAME`; by itself if that is empty.
    #[must_use]
    pub fn through(mut self, words: &[String]) -> Self {
        self.through = words.to_vec();
        self
    }

    /// In a process group of its own, so that Ctrl-C reaches who started it and not itself.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// As it would be typed.
    #[must_use]
    pub fn typed(&self) -> String {
        format!("agent-runtime {}", self.args.join(" "))
    }

    fn command(&self) -> Command {
        let mut words = self.through.iter().map(std::ffi::OsStr::new).chain([self.program.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or(self.program.as_os_str()));
        command.args(words);
        for (name, _) in std::env::vars_os() {
            let shown = name.to_string_lossy();
            if shown.starts_with("AGENT_RUNTIME_") || shown.starts_with("ZAI_") {
                command.env_remove(&name);
            }
        }
        for (name, value) in QUIET {
            command.env(name, value);
        }
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        for name in &self.unset {
            command.env_remove(name);
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if self.apart {
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        command
    }

    /// Runs it to its end with `input` on its standard input. One that takes longer than [`RUN_MAX`] is killed.
    ///
    /// # Errors
    /// When it can't be started, does not end, or says something that is not UTF-8.
    pub async fn run(&self, input: impl Into<Vec<u8>>) -> anyhow::Result<Done> {
        self.run_within(input, RUN_MAX).await
    }

    /// The same with a limit of its own.
    ///
    /// # Errors
    /// When it can't be started, does not end, or says something that is not UTF-8.
    pub async fn run_within(&self, input: impl Into<Vec<u8>>, within: Duration) -> anyhow::Result<Done> {
        let (mut command, input, typed) = (self.command(), input.into(), self.typed());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let pid = pid_of(&child)?;
        let mut stdin = child.stdin.take().context("a pipe")?;
        // Beside its output, so that neither waits for the other. One that does not read its input has ended.
        let fed = tokio::task::spawn_blocking(move || stdin.write_all(&input).ok());
        let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
        let Ok(ended) = tokio::time::timeout(within, ended).await else {
            kill_process(pid, Signal::KILL).ok();
            bail!("`{typed}` did not end within {} s", within.as_secs());
        };
        fed.await?;
        let output = ended??;
        let (stdout, stderr) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        Ok(Done { typed, code: output.status.code(), stdout, stderr })
    }
}

/// A command that has ended.
#[derive(Debug, Clone)]
pub struct Done {
    /// As it would be typed.
    pub typed: String,
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it gave.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
}

impl Done {
    /// The same, if it ended with this exit code.
    ///
    /// # Errors
    /// With all it said, if it did not.
    pub fn expect_code(self, code: i32) -> anyhow::Result<Self> {
        if self.code != Some(code) {
            bail!("`{}` ended with {:?} instead of {code}\n{}{}", self.typed, self.code, self.stdout, self.stderr);
        }
        Ok(self)
    }
}

/// Runs a command of the program under test on a data folder: `command(&["status", "--json"], data)`.
///
/// # Errors
/// When it can't be started or does not end.
pub async fn command(args: &[&str], data: &Path) -> anyhow::Result<Done> {
    Spec::new(&program()?, args).arg("--data").arg(data.display().to_string()).run("").await
}

/// A process that serves a data folder. It is killed when it is dropped.
#[derive(Debug)]
pub struct NodeProcess {
    child: Child,
    pid: Pid,
    data: PathBuf,
    stderr: PathBuf,
    /// Holds a `chat`'s input open.
    _stdin: Option<std::process::ChildStdin>,
}

impl NodeProcess {
    /// `serve --data DATA` of the program under test, ready.
    ///
    /// # Errors
    /// When it can't be started, or does not get ready.
    pub async fn serve(data: &Path, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let spec = env.iter().fold(Spec::new(&program()?, &["serve"]), |spec, (name, value)| spec.env(name, *value));
        Self::start(spec, data).await
    }

    /// What `spec` says on this data folder, ready: its console answers.
    ///
    /// # Errors
    /// When it can't be started, or ends or takes longer than [`READY_MAX`] before it is ready.
    pub async fn start(spec: Spec, data: &Path) -> anyhow::Result<Self> {
        let mut node = Self::spawn(spec, data)?;
        if let Some(status) = node.ready().await? {
            bail!("the node ended with {status} before it was ready:\n{}", node.said());
        }
        Ok(node)
    }

    /// The same without waiting. What it says goes behind what earlier ones said, to `<data>.stderr`.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn spawn(spec: Spec, data: &Path) -> anyhow::Result<Self> {
        let stderr = data.with_extension("stderr");
        let file = File::options().create(true).append(true).open(&stderr)?;
        let mut command = spec.arg("--data").arg(data.display().to_string()).command();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(file).spawn()?;
        let (pid, stdin) = (pid_of(&child)?, child.stdin.take());
        Ok(Self { child, pid, data: data.to_owned(), stderr, _stdin: stdin })
    }

    /// Waits until its console answers; gives how it ended, if it ended before.
    ///
    /// # Errors
    /// When it takes longer than [`READY_MAX`].
    pub async fn ready(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let (socket, until) = (socket_path(&self.data), Instant::now() + READY_MAX);
        loop {
            if let Some(status) = self.ended()? {
                return Ok(Some(status));
            }
            if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
                return Ok(None);
            }
            if Instant::now() > until {
                bail!("the node's console does not answer at {}:\n{}", socket.display(), self.said());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Everything that processes on this data folder have said on their standard error streams.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it takes longer than `within`.
    pub async fn wait(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > until {
                bail!("the node runs still after {} s:\n{}", within.as_secs(), self.said());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill_process(self.pid, signal)?)
    }

    /// Ends it as a power cut would, but for what the system holds for it.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it in good order (SIGTERM).
    ///
    /// # Errors
    /// When it takes longer than [`STOP_MAX`].
    pub async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        if self.ended()?.is_none() {
            self.signal(Signal::TERM)?;
        }
        self.wait(STOP_MAX).await
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // One that has ended needs no killing.
        self.kill9().ok();
    }
}

fn pid_of(child: &Child) -> anyhow::Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process id")
}
