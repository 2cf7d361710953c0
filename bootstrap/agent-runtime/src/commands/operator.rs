//! How a command asks the running node over its socket; `status` and `actors`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use console::client::{Client, ClientError, Who, fresh_session};
use console::wire::{AdminAsk, Answered, FromNode};
use markdown::civil::utc;
use messages::admin::{ActorView, StatusView};
use messages::membership::{NodeActors, Reply};
use serde::Serialize;

use super::cluster::ALONE;
use super::reading::dollars;
use super::{give_json, give_table, megabytes};
use crate::cli::{Actors, ActorsAction, Read, Where};
use crate::node::{self, HOME};
use crate::{account, logging};

/// How often a question is asked whose connection is closed before it is answered.
const TRIES_MAX: u32 = 3;

/// Asks the node that serves the data folder.
pub(super) async fn ask(place: &Where, what: AdminAsk, workspace: &str, context: &str) -> anyhow::Result<Answered> {
    match try_ask(place, what, workspace, context).await? {
        Some(answered) => Ok(answered),
        None => Err(nobody(place)),
    }
}

/// No node serves the data folder.
pub(super) fn nobody(place: &Where) -> anyhow::Error {
    match node::load(place) {
        Ok(config) => anyhow!(
            "no node serves {}; start one with `agent-runtime serve` or `agent-runtime chat`",
            config.node.data.display()
        ),
        Err(error) => error,
    }
}

/// The same; `None` when no node serves the data folder.
pub(super) async fn try_ask(
    place: &Where,
    what: AdminAsk,
    workspace: &str,
    context: &str,
) -> anyhow::Result<Option<Answered>> {
    try_ask_at(&node::load(place)?.node.data, what, workspace, context).await
}

/// The same of a data folder.
pub(crate) async fn try_ask_at(
    data: &Path,
    what: AdminAsk,
    workspace: &str,
    context: &str,
) -> anyhow::Result<Option<Answered>> {
    let who = Who {
        user: account::name(),
        workspace: workspace.to_owned(),
        context: context.to_owned(),
        session: fresh_session()?,
        previews: false,
        only_asks: true,
    };
    let mut tries = 0;
    loop {
        let Some(mut client) = Client::connect(data, who.clone()).await? else { return Ok(None) };
        tries += 1;
        match answered(&mut client, what.clone()).await {
            Ok(reply) => {
                client.leave().await;
                return match reply {
                    Answered::Failed(why) => bail!("{why}"),
                    reply => Ok(Some(reply)),
                };
            }
            // Its door is another when the account of the console has come or gone.
            Err(ClientError::Closed) if what.only_reads() && tries < TRIES_MAX => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn answered(client: &mut Client, what: AdminAsk) -> Result<Answered, ClientError> {
    client.ask(0, what)?;
    client.flush().await?;
    loop {
        if let FromNode::Answer { reply, .. } = client.next().await? {
            return Ok(reply);
        }
    }
}

pub(super) async fn status(args: Read) -> anyhow::Result<ExitCode> {
    let Answered::Status(status) = ask(&args.place, AdminAsk::Status, HOME, "general").await? else {
        bail!("the node answered something else than its status");
    };
    if args.json {
        give_json(&status)?;
    } else {
        show(&status);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(status: &StatusView) {
    let seconds = status.uptime_ms / 1_000;
    let (counts, today) = (&status.counts, &status.today);
    let mut lines = vec![
        format!("agent-runtime {} · node {} · process {} · up {seconds} s", status.version, status.node, status.pid),
        format!("data     {}", status.data),
        format!(
            "actors   {}    memory {:.1} MB    store {:.1} MB",
            status.actors,
            megabytes(status.rss_bytes),
            megabytes(counts.bytes)
        ),
        format!("events   {} accepted, {} waiting, {} in turns", counts.accepted, counts.waiting, counts.taken),
        format!("replies  {} pending, {} sending, {} in doubt", counts.pending, counts.sending, counts.in_doubt),
        format!(
            "tasks    {} queued, {} running, {} waiting ({} in doubt), {} given up and not read",
            counts.tasks_queued, counts.tasks_running, counts.tasks_waiting, counts.tasks_in_doubt, counts.tasks_dead
        ),
        format!(
            "today    {} for {} calls of models, {} tokens read, {} written",
            dollars(today.micro_usd),
            today.calls,
            today.usage.input,
            today.usage.output
        ),
        format!("audit    {} records", counts.audit),
    ];
    lines.extend(counts.restored.as_ref().map(|of| {
        format!(
            "restored {} from a backup of {}: {} events, {} replies and {} tasks were left in doubt by it",
            utc(of.at.0),
            utc(of.of.0),
            of.events,
            of.replies,
            of.tasks
        )
    }));
    if !status.http.is_empty() {
        lines.push(format!("http     {}/healthz, /readyz, /metrics", status.http));
    }
    lines.extend(status.models.iter().map(|line| format!("model    {line}")));
    lines.extend(status.indexes.iter().map(|line| format!("index    {line}")));
    match status.alarms.as_slice() {
        [] => lines.push("alarms   none".to_owned()),
        alarms => lines.extend(alarms.iter().map(|alarm| format!("ALARM    {alarm}"))),
    }
    logging::give(&lines.join("\n"));
}

pub(super) async fn actors(args: Actors) -> anyhow::Result<ExitCode> {
    if let Some(ActorsAction::Restart { address, place }) = args.action {
        if let Answered::Restarted(done) = ask(&place, AdminAsk::Restart { address }, HOME, "general").await? {
            logging::say(&done);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let what = AdminAsk::NodeActors { node: args.node.clone() };
    match ask(&args.read.place, what, HOME, "general").await? {
        Answered::Cluster(Some(Reply::Actors(Ok(nodes)))) => of_nodes(&nodes, args.read.json),
        Answered::Cluster(Some(Reply::Actors(Err(why)))) => bail!("{why}"),
        Answered::Cluster(None) if args.node.is_some() => bail!("{ALONE}"),
        Answered::Cluster(None) => alone(&args).await,
        _ => bail!("the node answered something else than its actors"),
    }
}

async fn alone(args: &Actors) -> anyhow::Result<ExitCode> {
    let Answered::Actors(actors) = ask(&args.read.place, AdminAsk::Actors, HOME, "general").await? else {
        bail!("the node answered something else than its actors");
    };
    if args.read.json {
        give_json(&actors)?;
    } else {
        table(&actors);
    }
    Ok(ExitCode::SUCCESS)
}

/// An actor of one of several nodes.
#[derive(Serialize)]
struct OfNode<'a> {
    node: &'a str,
    #[serde(flatten)]
    actor: &'a ActorView,
}

fn of_nodes(nodes: &[NodeActors], json: bool) -> anyhow::Result<ExitCode> {
    let told = |of: &'_ NodeActors| of.actors.clone().unwrap_or_default();
    if json {
        let all: Vec<(&str, Vec<ActorView>)> = nodes.iter().map(|of| (of.node.as_str(), told(of))).collect();
        let list = all.iter().flat_map(|(node, actors)| actors.iter().map(move |actor| OfNode { node, actor }));
        give_json(&list.collect::<Vec<_>>())?;
    }
    for of in nodes {
        if !json {
            logging::give(&format!("node {}", of.node));
            table(&told(of));
        }
        if of.left_out > 0 {
            logging::say(&format!("{} more actors of {} are not shown; ask there", of.left_out, of.node));
        }
    }
    let silent = nodes.iter().filter_map(|of| Some((&of.node, of.actors.as_ref().err()?)));
    silent.for_each(|(node, why)| logging::say(&format!("{node} did not answer: {why}")));
    Ok(ExitCode::SUCCESS)
}

fn table(actors: &[ActorView]) {
    let depths = depths(actors);
    let header = ["ACTOR", "KIND", "STATE", "MAILBOX", "OLDEST", "HANDLED", "RESTARTS", "DOING / LAST ERROR"];
    give_table(&header, actors.iter().zip(depths).map(|(actor, depth)| row(actor, depth)));
}

/// How deep each actor stands; parents come before their children.
fn depths(actors: &[ActorView]) -> Vec<usize> {
    let mut known = std::collections::HashMap::new();
    actors
        .iter()
        .map(|actor| {
            let depth = known.get(actor.parent.as_str()).map_or(0, |above: &usize| above + 1);
            known.insert(actor.address.as_str(), depth);
            depth
        })
        .collect()
}

fn row(actor: &ActorView, depth: usize) -> Vec<String> {
    let words = if actor.doing.is_empty() { &actor.last_error } else { &actor.doing };
    vec![
        format!("{}{}", "  ".repeat(depth), actor.address),
        actor.kind.clone(),
        actor.state.clone(),
        actor.mailbox.to_string(),
        format!("{} ms", actor.oldest_wait_ms),
        actor.handled.to_string(),
        actor.restarts.to_string(),
        words.chars().take(80).collect(),
    ]
}
