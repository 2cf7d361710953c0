//! `chat`: starts a node in this process, or attaches to the one that serves the data folder.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use console::batch::QUIET_MS_MAX;
use console::client::{Client, Redial, Who, fresh_session};
use console::wire::{AdminAsk, Answered, FromNode};
use console::{batch, terminal};

use crate::cli::Chat;
use crate::node::{self, Node, Settings};
use crate::{account, logging};

/// How long another node that is just starting is waited for.
const OTHER_STARTS_MAX: Duration = Duration::from_secs(5);
/// How long an attached chat looks for a node that went away.
const REDIAL_MS_MAX: u64 = 30_000;

pub(super) async fn run(args: Chat) -> anyhow::Result<ExitCode> {
    let mut config = node::load(&args.place)?;
    if std::env::var_os("AGENT_RUNTIME_LOG__LEVEL").is_none() {
        // A chat shows what people say; what is wrong is told in `/status`.
        config.log.level = config::Level::Error;
    }
    // A chat is not told to read its configuration again.
    drop(logging::start(&config.log));
    let notes = args.notes.as_deref().map(node::notes_folder).transpose()?;
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal() && !args.json;
    let who = who(&args, is_terminal)?;
    // A node that runs has its keys and folders; who only attaches needs neither.
    let data = node::absolute(&config.node.data)?;
    let attached = async |client| {
        let client = has_notes(client, notes.as_deref()).await?;
        talk(client, &data, is_terminal, Batch::of(&args), true).await
    };
    if let Some(client) = Client::connect(&data, who.clone()).await? {
        return attached(client).await;
    }
    let mut settings =
        Settings::new(&config, &args.place, notes.clone().map(|folder| (args.workspace.as_str(), folder)))?;
    if settings.cluster.is_some() {
        // One of its own would be this node's second start, and take its place among the others.
        let Some(client) = other(&data, &who).await else {
            bail!(
                "no node serves {}, and one of a cluster is not begun for a chat; start it with `agent-runtime serve`",
                data.display()
            );
        };
        return attached(client).await;
    }
    // Health and metrics are of a node that is served.
    settings.listen = None;
    settings.welcome = welcome(&config.models.default);
    let node = match Node::start(settings).await {
        Ok(node) => node,
        Err(error) if !is_in_use(&error) => return Err(error),
        Err(error) => match other(&data, &who).await {
            Some(client) => return attached(client).await,
            None => return Err(error),
        },
    };
    if let Err(error) = node.holds(&args.workspace).await {
        node.stop().await?;
        return Err(error);
    }
    let done = match Client::connect(&data, who).await {
        Ok(Some(client)) => talk(client, &data, is_terminal, Batch::of(&args), false).await,
        Ok(None) => Err(anyhow::anyhow!("the node that was just started does not answer at its socket")),
        Err(error) => Err(error.into()),
    };
    node.stop().await?;
    done
}

fn who(args: &Chat, previews: bool) -> anyhow::Result<Who> {
    Ok(Who {
        user: args.user.clone().unwrap_or_else(account::name),
        workspace: args.workspace.to_string(),
        context: args.context.to_string(),
        session: match &args.session {
            Some(session) => session.clone(),
            None => fresh_session()?,
        },
        previews,
        only_asks: false,
    })
}

fn welcome(model: &str) -> Vec<String> {
    let model = match model {
        config::OFFLINE => {
            "Answers are quotations by the offline model; docs/configuration.md tells how to connect a real one."
                .to_owned()
        }
        name => format!("Answers come from the model `{name}`."),
    };
    vec![
        "Ask about your notes in your own words. /search finds passages, /open reads a file, /help lists all commands."
            .to_owned(),
        model,
        "Ctrl-C stops the turn that runs, Ctrl-D leaves.".to_owned(),
    ]
}

/// The node did not start because another one has the data folder.
fn is_in_use(error: &anyhow::Error) -> bool {
    let opening = error.downcast_ref::<store::OpenError>();
    opening.is_some_and(|error| matches!(error, store::OpenError::Lock(store::LockError::InUse { .. })))
}

/// Somebody else may be starting a node on this folder right now.
async fn other(data: &Path, who: &Who) -> Option<Client> {
    let attach = async {
        loop {
            if let Ok(Some(client)) = Client::connect(data, who.clone()).await {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(OTHER_STARTS_MAX, attach).await.ok()
}

/// A node that runs already has the folders it was started with.
async fn has_notes(mut client: Client, notes: Option<&Path>) -> anyhow::Result<Client> {
    let Some(notes) = notes else { return Ok(client) };
    client.ask(0, AdminAsk::Status)?;
    client.flush().await?;
    loop {
        match client.next().await? {
            FromNode::Answer { reply: Answered::Status(status), .. } => {
                if status.indexes.iter().any(|line| line.contains(&notes.display().to_string())) {
                    return Ok(client);
                }
                bail!(
                    "the node that serves this data folder (process {}) runs without the notes folder {}; stop it, or give \
                     another --data, or add the folder to [workspaces] in its configuration",
                    status.pid,
                    notes.display()
                );
            }
            FromNode::Answer { reply: Answered::Failed(why), .. } => bail!("the node does not tell its status: {why}"),
            _ => {}
        }
    }
}

/// How lines from standard input are followed.
#[derive(Clone, Copy)]
struct Batch {
    json: bool,
    wait_tasks: bool,
}

impl Batch {
    fn of(args: &Chat) -> Self {
        Self { json: args.json, wait_tasks: args.wait_tasks }
    }
}

async fn talk(
    client: Client,
    data: &Path,
    is_terminal: bool,
    Batch { json, wait_tasks }: Batch,
    is_attached: bool,
) -> anyhow::Result<ExitCode> {
    let redial = is_attached.then(|| Redial { data: data.to_owned(), wait_ms_max: REDIAL_MS_MAX });
    if is_terminal {
        let history = node::own_folder(data).join("history");
        terminal::run(client, terminal::Options { history, redial }).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let input = tokio::io::BufReader::new(tokio::io::stdin());
    let options = batch::Options { json, redial, quiet_ms_max: QUIET_MS_MAX, wait_tasks };
    let status = batch::run(client, input, io::stdout(), io::stderr(), options)
        .await
        .context("the lines could not all be given")?;
    Ok(ExitCode::from(status.code()))
}
