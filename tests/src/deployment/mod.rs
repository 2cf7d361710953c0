//! The same configuration as one process or as a cluster, behind one set of calls: where people attach, where the files of
//! a workspace are, which node answers a command.
//!
//! | | one process | cluster |
//! |---|---|---|
//! | people attach at | the node | the connector |
//! | a workspace's files are at | the node | its worker |
//! | the store is at | the node | the hub |
//!
//! Where nodes are killed, a [`Gate`] keeps a node alive as long as something is done that a person would do again by hand.

mod kills;
mod nodes;
mod shape;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::process::{Done, NodeProcess, Spec, program};

pub use self::kills::Gate;
use self::kills::{Gates, Kills};
use self::nodes::Nodes;
pub use self::shape::Shape;

/// The workspace that every node has.
const HOME: &str = "home";

/// A configuration and the nodes that run it. They are killed when it is dropped.
#[derive(Debug)]
pub struct Deployment {
    shape: Shape,
    program: PathBuf,
    form: Form,
    killed: usize,
}

#[derive(Debug)]
enum Form {
    One { folder: tempfile::TempDir, node: Option<NodeProcess> },
    Many { nodes: Nodes, kills: Option<Kills> },
}

/// How a client finds a deployment, again and again where nodes are killed.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The data folder at which people attach.
    pub people: PathBuf,
    /// The data folder that has the store.
    pub store: PathBuf,
    /// The data folder of the worker that has the workspace `home`.
    pub home: PathBuf,
    /// Nodes are killed meanwhile.
    pub has_kills: bool,
    gates: Gates,
}

impl Reach {
    /// One process that serves a data folder.
    #[must_use]
    pub fn of_one(data: &Path) -> Self {
        let data = || data.to_owned();
        Self { people: data(), store: data(), home: data(), has_kills: false, gates: Gates::default() }
    }

    /// From now on, until it is dropped, the node that serves this data folder is not killed.
    pub async fn keep(&self, data: &Path) -> Gate {
        self.gates.keep(data).await
    }
}

impl Deployment {
    /// Folders, certificates and an empty configuration; nothing runs.
    ///
    /// # Errors
    /// When something can't be made.
    pub async fn laid(shape: Shape) -> anyhow::Result<Self> {
        let form = if shape.is_cluster() {
            Form::Many { nodes: Nodes::laid(shape).await?, kills: None }
        } else {
            Form::One { folder: tempfile::tempdir()?, node: None }
        };
        Ok(Self { shape, program: program()?, form, killed: 0 })
    }

    /// The same of another program, in one process.
    ///
    /// # Errors
    /// When something can't be made.
    pub async fn by(program: PathBuf) -> anyhow::Result<Self> {
        Ok(Self { program, ..Self::laid(Shape::OneProcess).await? })
    }

    /// In which shape.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Writes the configuration: all but what says which node this is.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn configure(&mut self, config: &str) -> anyhow::Result<()> {
        match &mut self.form {
            Form::One { folder, .. } => Ok(std::fs::write(folder.path().join("agent-runtime.toml"), config)?),
            Form::Many { nodes, .. } => nodes.configure(config),
        }
    }

    /// The folder that holds all others, for what tests put beside them.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match &self.form {
            Form::One { folder, .. } => folder.path(),
            Form::Many { nodes, .. } => nodes.folder(),
        }
    }

    /// Where a workspace's files are.
    #[must_use]
    pub fn files(&self, workspace: &str) -> PathBuf {
        self.data_of(workspace).join("workspaces").join(workspace)
    }

    /// All data folders.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        match &self.form {
            Form::One { folder, .. } => vec![folder.path().join("data")],
            Form::Many { nodes, .. } => nodes.names().map(|name| nodes.data(name)).collect(),
        }
    }

    /// How clients find it.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let (people, store, gates) = match &self.form {
            Form::One { folder, .. } => (folder.path().join("data"), folder.path().join("data"), Gates::default()),
            Form::Many { nodes, .. } => (nodes.data(nodes::CONNECTOR), nodes.data(nodes::HUB), nodes.gates().clone()),
        };
        Reach { people, store, home: self.data_of(HOME), has_kills: self.shape.has_kills(), gates }
    }

    fn data_of(&self, workspace: &str) -> PathBuf {
        match &self.form {
            Form::One { folder, .. } => folder.path().join("data"),
            Form::Many { nodes, .. } => nodes.data(nodes.worker_of(workspace)),
        }
    }

    /// Starts all that does not run, and waits until people can attach. Then nodes are killed, where they are.
    ///
    /// # Errors
    /// When a node does not get ready.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        self.start_with(|spec| spec).await
    }

    /// The same of one process that is started otherwise; nodes of a cluster are started as they are.
    ///
    /// # Errors
    /// When a node does not get ready.
    pub async fn start_with(&mut self, otherwise: impl FnOnce(Spec) -> Spec) -> anyhow::Result<()> {
        let serve = self.serve();
        match &mut self.form {
            Form::One { folder, node } => {
                *node = Some(NodeProcess::start(otherwise(serve), &folder.path().join("data")).await?);
            }
            Form::Many { nodes, kills } => {
                nodes.start().await?;
                *kills = self.shape.has_kills().then(|| Kills::begin(nodes));
            }
        }
        Ok(())
    }

    /// How one process is started.
    #[must_use]
    pub fn serve(&self) -> Spec {
        let spec = Spec::new(&self.program, &["serve"]).folder(self.folder());
        if self.shape == Shape::WireForm { spec.env("AGENT_RUNTIME_RUNTIME__FORCE_WIRE_FORM", "true") } else { spec }
    }

    /// The one process, if it is one and runs.
    #[must_use]
    pub fn node(&self) -> Option<&NodeProcess> {
        match &self.form {
            Form::One { node, .. } => node.as_ref(),
            Form::Many { .. } => None,
        }
    }

    /// The same, to be waited for or ended.
    #[must_use]
    pub fn take_node(&mut self) -> Option<NodeProcess> {
        match &mut self.form {
            Form::One { node, .. } => node.take(),
            Form::Many { .. } => None,
        }
    }

    /// Ends all in good order, or as a power cut of the whole place would.
    ///
    /// # Errors
    /// When a node does not end well, or one that was killed meanwhile did not start again.
    pub async fn end(&mut self, kill: bool) -> anyhow::Result<()> {
        match &mut self.form {
            Form::One { node, .. } => {
                let mut node = node.take().context("a node")?;
                if kill {
                    return node.kill9();
                }
                let status = node.stop().await?;
                anyhow::ensure!(status.success(), "the node ended with {status}");
                Ok(())
            }
            Form::Many { nodes, kills } => {
                if let Some(kills) = kills.take() {
                    self.killed += kills.end().await?;
                }
                nodes.end(kill).await
            }
        }
    }

    /// No node is killed any more. All run.
    ///
    /// # Errors
    /// When one that was killed did not start again.
    pub async fn calm(&mut self) -> anyhow::Result<()> {
        if let Form::Many { kills, .. } = &mut self.form
            && let Some(kills) = kills.take()
        {
            self.killed += kills.end().await?;
        }
        Ok(())
    }

    /// How often nodes were killed and started again, so far.
    #[must_use]
    pub fn killed(&self) -> usize {
        self.killed
    }

    /// Runs a command at the node that answers it, to its end.
    ///
    /// # Errors
    /// When it can't be started or does not end.
    pub async fn run(&self, args: &[&str], input: impl Into<Vec<u8>>) -> anyhow::Result<Done> {
        match &self.form {
            Form::One { .. } => self.at(&self.data_of(HOME), args).run(input).await,
            Form::Many { nodes, .. } => {
                let data = nodes.data(nodes.answers(args));
                let _gate = nodes.gates().keep(&data).await;
                let is_chat = self.shape.has_kills() && args.first() == Some(&"chat");
                // A reply is in doubt when who sends or keeps it is killed before it is known to have come: a chat tells of that.
                let _hub = if is_chat { Some(nodes.gates().keep(&nodes.data(nodes::HUB)).await) } else { None };
                let config = data.with_extension("toml").display().to_string();
                let done = self.at(&data, args).env("AGENT_RUNTIME_CONFIG", config).run(input).await?;
                if is_chat {
                    nodes.have_delivered().await?;
                }
                if let ["workspace", "create", id, ..] = args {
                    nodes.hears_of(id).await?;
                }
                Ok(done)
            }
        }
    }

    fn at(&self, data: &Path, args: &[&str]) -> Spec {
        Spec::new(&self.program, args).folder(self.folder()).arg("--data").arg(data.display().to_string())
    }

    /// `verify` finds nothing, in the store and in the files of all workspaces.
    ///
    /// # Errors
    /// With all that it says, if it does.
    pub async fn verified(&self) -> anyhow::Result<Done> {
        match &self.form {
            Form::One { .. } => self.run(&["verify"], "").await?.expect_code(0),
            Form::Many { nodes, .. } => nodes.verified().await,
        }
    }

    /// All that nodes have said on their standard error streams.
    #[must_use]
    pub fn said(&self) -> String {
        match &self.form {
            Form::One { folder, .. } => std::fs::read_to_string(folder.path().join("data.stderr")).unwrap_or_default(),
            Form::Many { nodes, .. } => nodes.said(),
        }
    }

    /// Makes a workspace at the node that is to have it; `more` are further arguments.
    ///
    /// # Errors
    /// When it can't be made.
    pub async fn workspace(&self, id: &str, more: &[&str]) -> anyhow::Result<()> {
        let args = [&["workspace", "create", id], more].concat();
        let data = self.data_of(id);
        let made = self.at(&data, &args);
        match &self.form {
            Form::One { .. } => made.run("").await?.expect_code(0).map(drop),
            Form::Many { nodes, .. } => {
                let _gate = nodes.gates().keep(&data).await;
                made.run("").await?.expect_code(0)?;
                nodes.hears_of(id).await
            }
        }
    }
}

/// What nodes and their killer share.
type Shared<T> = Arc<tokio::sync::Mutex<T>>;
