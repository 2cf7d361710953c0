//! `workspace` and `context`: files that people can write themselves, made and shown.

use std::process::ExitCode;

use anyhow::bail;
use console::wire::{AdminAsk, Answered};
use messages::Slug;
use serde_json::json;
use workspaces::Layout;
use workspaces::definition::{Definition, WorkspaceDefinition};

use super::{give_json, operator};
use crate::cli::{Context, Where, Workspace};
use crate::{logging, node};

fn layout(place: &Where) -> anyhow::Result<Layout> {
    Ok(Layout::of_data(&node::load(place)?.node.data))
}

pub(super) async fn workspace(args: Workspace) -> anyhow::Result<ExitCode> {
    match args {
        Workspace::Create { id, name, owner, place } => {
            let name = name.unwrap_or_else(|| id.to_string());
            let file = layout(&place)?.create_workspace(&id, &name, owner.as_deref())?;
            logging::give(&file.display().to_string());
            logging::say(&format!("made workspace `{id}`; talk in it with `agent-runtime chat --workspace {id}`"));
        }
        Workspace::List(read) => {
            let all = layout(&read.place)?.list()?;
            give_names(&all, read.json)?;
        }
        Workspace::Show { id, read } => {
            let layout = layout(&read.place)?;
            let file = layout.workspace_file(&id);
            let Ok(text) = std::fs::read_to_string(&file) else {
                bail!(
                    "there is no workspace `{id}` ({}); make it with `agent-runtime workspace create {id}`",
                    file.display()
                )
            };
            let parsed = WorkspaceDefinition::parse(&text);
            let contexts = layout.contexts(&id)?;
            let (name, kind) = match &parsed {
                Ok(good) => (
                    good.name.clone(),
                    if good.is_private { format!("private, owned by {}", good.owner) } else { "community".to_owned() },
                ),
                Err(_) => (String::new(), String::new()),
            };
            let broken = parsed.err().map(|error| error.to_string());
            if read.json {
                give_json(
                    &json!({ "id": id, "file": file, "name": name, "kind": kind, "contexts": contexts, "broken": broken }),
                )?;
            } else {
                let contexts: Vec<_> = contexts.iter().map(Slug::as_str).collect();
                logging::give(&format!(
                    "{id}: {name} ({kind})\nfile      {}\ncontexts  {}",
                    file.display(),
                    contexts.join(", ")
                ));
                if let Some(problem) = broken {
                    logging::give(&format!("BROKEN    {problem}; a running node keeps the last good version in force"));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn context(args: Context) -> anyhow::Result<ExitCode> {
    match args {
        Context::Create { name, workspace, place } => {
            let file = layout(&place)?.create_context(&workspace, &name)?;
            logging::give(&file.display().to_string());
            logging::say(&format!(
                "made context `{name}`; talk in it with `agent-runtime chat --workspace {workspace} --context {name}`"
            ));
        }
        Context::List { workspace, read } => {
            let layout = layout(&read.place)?;
            if !layout.workspace_file(&workspace).is_file() {
                bail!("there is no workspace `{workspace}`; `agent-runtime workspace list` names those that are there");
            }
            give_names(&layout.contexts(&workspace)?, read.json)?;
        }
        Context::Show { name, workspace, read } => show_context(&name, &workspace, &read.place, read.json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn show_context(name: &Slug, workspace: &Slug, place: &Where, as_json: bool) -> anyhow::Result<()> {
    let layout = layout(place)?;
    if let Err(sentence) = layout.knows(workspace, name) {
        bail!("{sentence}");
    }
    let file = layout.context_file(workspace, name.as_str());
    let text = std::fs::read_to_string(&file)?;
    let parsed = Definition::parse(&text);
    let live = match operator::try_ask(place, AdminAsk::Context, workspace.as_str(), name.as_str()).await {
        Ok(Some(Answered::Context(view))) => Some(view),
        Ok(_) => None,
        Err(error) => bail!("the running node does not tell what is in force: {error}"),
    };
    let broken = parsed.as_ref().err().map(ToString::to_string);
    let version = parsed.as_ref().map(|good| good.version.clone()).unwrap_or_default();
    if as_json {
        return give_json(&json!({
            "workspace": workspace, "context": name, "file": file, "version": version, "broken": broken, "running": live,
        }));
    }
    logging::give(&format!("{workspace}/{name}\nfile      {}", file.display()));
    match (&parsed, broken) {
        (Ok(good), _) => {
            let models = if good.models.is_empty() { "any".to_owned() } else { good.models.join(", ") };
            let members = good.people.members.as_ref().map_or("everyone".to_owned(), |members| members.join(", "));
            logging::give(&format!(
                "version   {version}\npaths     {}\nmodels    {models}\nmembers   {members}",
                good.paths.join(", ")
            ));
        }
        (Err(_), problem) => {
            logging::give(&format!("BROKEN    {}", problem.unwrap_or_default()));
        }
    }
    if let Some(view) = live {
        logging::give(&format!("in force  {} on the running node ({} turns wait)", view.definition, view.queued));
    }
    Ok(())
}

fn give_names(names: &[Slug], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return give_json(&names);
    }
    for name in names {
        if !logging::give(name.as_str()) {
            break;
        }
    }
    Ok(())
}
