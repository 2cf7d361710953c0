//! `forget-user`: shows what a person wrote, asks, and has it erased by the node that runs or by one of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use config::Config;
use console::escape::for_one_line;
use console::wire::{AdminAsk, Answered};
use messages::retention::Reply;
use messages::store::{ForgetRow, Person, WordsOf};
use serde_json::json;
use tokio::time::Instant;
use workspaces::Layout;

use super::operator::try_ask_at;
use super::{give_json, give_table};
use crate::cli::{ForgetUser, Where};
use crate::logging;
use crate::node::{self, HOME, Node, Settings};

/// How often it is looked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long it may stand still before it is said that it does.
const STILL_MAX: Duration = Duration::from_secs(300);
/// How long files that still have erased words are waited for once all rows are erased.
const FILES_MAX: Duration = Duration::from_secs(60);
/// Who is meant: people of the console are the only ones that there are.
const CONNECTOR: &str = "console";

const REMAINS: &str = "The name stays in the audit and on the rows, as the record of who did what. Not reached: backups, what a \
model's provider keeps, files that people or tools wrote, logs that were edited by hand, what others said of it.";

pub(super) async fn run(args: ForgetUser) -> anyhow::Result<ExitCode> {
    let mut config = node::load(&args.read.place)?;
    if std::env::var_os("AGENT_RUNTIME_LOG__LEVEL").is_none() {
        config.log.level = config::Level::Error;
    }
    drop(logging::start(&config.log));
    let data = node::absolute(&config.node.data)?;
    is_there(&args, &data)?;
    let own = match try_ask_at(&data, AdminAsk::Retention, HOME, "general").await? {
        Some(_) => None,
        None => Some(start(&config, &args.read.place).await?),
    };
    let done = forget(&args, &data).await;
    if let Some(node) = own {
        node.stop().await?;
    }
    done
}

fn is_there(args: &ForgetUser, data: &Path) -> anyhow::Result<()> {
    if !node::own_folder(data).join("meta.sqlite").is_file() {
        bail!("there is no store at {}; give the data folder by --data", node::own_folder(data).display());
    }
    match &args.workspace {
        Some(workspace) if !Layout::of_data(data).workspace_file(workspace).is_file() => {
            bail!("there is no workspace `{workspace}`; `agent-runtime workspace list` names those that are there")
        }
        _ if args.name.is_empty() => bail!("a person has a name; `/whoami` in a chat shows it"),
        _ => Ok(()),
    }
}

/// Nobody serves the folder: a node is started for as long as this takes.
async fn start(config: &Config, place: &Where) -> anyhow::Result<Node> {
    let mut settings = Settings::new(config, place, None)?;
    settings.listen = None;
    Node::start(settings).await.context("no node runs, and none could be started")
}

async fn forget(args: &ForgetUser, data: &Path) -> anyhow::Result<ExitCode> {
    let found = count(args, data).await?;
    if !args.read.json {
        show(args, &found);
    }
    let row = if args.dry_run || found.is_empty() || !is_sure(args)? {
        None
    } else {
        let id = begin(args, data).await?;
        let row = done(args, data, id).await?;
        let behind = files(data, id).await?;
        if behind > 0 {
            logging::say(&format!(
                "{behind} files of logs, memory and tasks are not rewritten yet; the node goes on, also after its next start"
            ));
        }
        Some(row)
    };
    tell(args, &found, row.as_ref())?;
    Ok(ExitCode::SUCCESS)
}

fn tell(args: &ForgetUser, found: &BTreeMap<String, WordsOf>, row: Option<&ForgetRow>) -> anyhow::Result<()> {
    if args.read.json {
        let contexts: Vec<&WordsOf> = found.values().collect();
        let erased = row.map(|row| row.events);
        return give_json(&json!({
            "person": args.name, "workspace": args.workspace, "contexts": contexts, "done": row.is_some(), "erased": erased,
        }));
    }
    if let Some(row) = row {
        let (events, name) = (row.events, for_one_line(&args.name));
        logging::give(&format!(
            "{name} is forgotten: {events} events are erased, with all that came of them.\n{REMAINS}"
        ));
    }
    Ok(())
}

fn person(args: &ForgetUser) -> Person {
    Person { connector: CONNECTOR.to_owned(), user: args.name.clone() }
}

async fn asked(data: &Path, what: AdminAsk) -> anyhow::Result<Reply> {
    match try_ask_at(data, what, HOME, "general").await? {
        Some(Answered::Retention(Reply::Refused(why))) => bail!("{why}"),
        Some(Answered::Retention(reply)) => Ok(reply),
        Some(_) => bail!("the node answered something else than was asked"),
        None => bail!("the node has stopped; what was begun goes on when it is started again"),
    }
}

/// What there is, by context.
async fn count(args: &ForgetUser, data: &Path) -> anyhow::Result<BTreeMap<String, WordsOf>> {
    let (mut found, mut next): (BTreeMap<String, WordsOf>, _) = (BTreeMap::new(), Some(0));
    while let Some(after) = next {
        let what = AdminAsk::ForgetCount { person: person(args), workspace: args.workspace.clone(), after };
        let Reply::Counted(words, more) = asked(data, what).await? else {
            bail!("the node answered something else than what it has of a person")
        };
        for of in words {
            let sum = found.entry(of.context.clone()).or_default();
            sum.events += of.events;
            sum.replies += of.replies;
            sum.tasks += of.tasks;
            sum.context = of.context;
        }
        next = more;
    }
    Ok(found)
}

fn show(args: &ForgetUser, found: &BTreeMap<String, WordsOf>) {
    let name = for_one_line(&args.name);
    if found.is_empty() {
        return logging::say(&format!("there is nothing of {name} that could be erased"));
    }
    let row = |of: &WordsOf| {
        let mut parts = of.context.split('/').skip(1).step_by(2).map(str::to_owned);
        let (workspace, context) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        vec![workspace, context, of.events.to_string(), of.replies.to_string(), of.tasks.to_string()]
    };
    give_table(&["WORKSPACE", "CONTEXT", "EVENTS", "REPLIES", "TASKS"], found.values().map(row));
}

/// Asks at the terminal; without one, `--yes` says it.
fn is_sure(args: &ForgetUser) -> anyhow::Result<bool> {
    if args.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        bail!(
            "this can't be undone and nobody is there to be asked; say --yes, or --dry-run to only see what there is"
        );
    }
    logging::say(&format!("{REMAINS}\nThis can't be undone. Type the person's name to have all this erased:"));
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim_end_matches(['\n', '\r']) == args.name {
        return Ok(true);
    }
    logging::say("nothing was erased");
    Ok(false)
}

async fn begin(args: &ForgetUser, data: &Path) -> anyhow::Result<i64> {
    match asked(data, AdminAsk::Forget { person: person(args), workspace: args.workspace.clone() }).await? {
        Reply::Begun(id) => Ok(id),
        _ => bail!("the node answered something else than that it has begun"),
    }
}

async fn stands(data: &Path, id: i64) -> anyhow::Result<(ForgetRow, u64)> {
    match asked(data, AdminAsk::Forgetting { id }).await? {
        Reply::Stands(Some(row), behind) => Ok((*row, behind)),
        _ => bail!("the node knows nothing of forgetting {id}; look at `agent-runtime retention`"),
    }
}

/// Waits until all rows are erased; Ctrl-C leaves the node at work.
async fn done(args: &ForgetUser, data: &Path, id: i64) -> anyhow::Result<ForgetRow> {
    let (mut told, mut since) = ((0, 0), Instant::now());
    loop {
        let (row, _) = stands(data, id).await?;
        if row.done_at.is_some() {
            return Ok(row);
        }
        let now = (row.next, row.left);
        if now != told {
            (told, since) = (now, Instant::now());
            if !args.read.json && row.left > 0 {
                logging::say(&format!("{} events found, {} left", row.events, row.left));
            }
        }
        if since.elapsed() > STILL_MAX {
            bail!(
                "it stands still with {} events left; a context of theirs can't be opened, or a reply is being sent: \
                 `agent-runtime status` says more. It goes on by itself",
                row.left
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until no log, no memory and no record has erased words any more; gives how many are left.
async fn files(data: &Path, id: i64) -> anyhow::Result<u64> {
    let until = Instant::now() + FILES_MAX;
    loop {
        let (_, behind) = stands(data, id).await?;
        if behind == 0 || Instant::now() > until {
            return Ok(behind);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
