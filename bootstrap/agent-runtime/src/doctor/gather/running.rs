//! What the running node tells of itself.

use std::path::Path;
use std::time::Duration;

use console::wire::{AdminAsk, Answered};
use messages::Slug;
use messages::admin::{IndexAnswer, IndexAsk};
use messages::index::View;
use messages::membership::Reply;
use workspaces::Layout;

use crate::commands::try_ask_at;
use crate::doctor::facts::{Facts, IndexFacts, NodeFacts};
use crate::node::HOME;

/// A node that is well answers within this.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// A model that thinks may take so long.
const MODEL_MAX: Duration = Duration::from_secs(150);
/// Workspaces whose indexes are looked at.
const WORKSPACES_MAX: usize = 64;

pub(super) async fn gather((data, layout): (&Path, &Layout), ids: &[&str], facts: &mut Facts) {
    facts.node = match ask(data, AdminAsk::Status, ANSWER_MAX).await {
        Ok(Some(Answered::Status(status))) => NodeFacts::Serves(status),
        Ok(Some(_)) => NodeFacts::Silent("it answered something else than its status".to_owned()),
        Ok(None) => NodeFacts::None,
        Err(why) => NodeFacts::Silent(why),
    };
    let serves = facts.status().is_some();
    if serves
        && ["alarms", "work"].iter().any(|id| ids.contains(id))
        && let Ok(Some(Answered::Actors(actors))) = ask(data, AdminAsk::Actors, ANSWER_MAX).await
    {
        facts.actors = actors;
    }
    if serves
        && ids.contains(&"nodes")
        && let Ok(Some(Answered::Cluster(Some(Reply::Described(view))))) =
            ask(data, AdminAsk::Cluster, ANSWER_MAX).await
    {
        facts.cluster = Some(view);
    }
    if ids.contains(&"index") {
        facts.indexes = indexes(data, layout, serves).await;
    }
    if serves && ids.contains(&"model") {
        facts.model = Some(match ask(data, AdminAsk::TestModel { model: String::new() }, MODEL_MAX).await {
            Ok(Some(Answered::ModelTested(test))) => Ok(*test),
            Ok(_) => Err("the node answered something else than the test of a model".to_owned()),
            Err(why) => Err(why),
        });
    }
}

/// `None`: no node serves the data folder.
async fn ask(data: &Path, what: AdminAsk, within: Duration) -> Result<Option<Answered>, String> {
    match tokio::time::timeout(within, try_ask_at(data, what, HOME, "general")).await {
        Ok(Ok(answered)) => Ok(answered),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_) => Err(format!("nothing came for {} s", within.as_secs())),
    }
}

async fn indexes(data: &Path, layout: &Layout, serves: bool) -> Vec<IndexFacts> {
    let mut found = Vec::new();
    for workspace in layout.list().unwrap_or_default().into_iter().take(WORKSPACES_MAX) {
        let view = if serves { Some(view(data, &workspace).await) } else { None };
        let is_there = layout.index_folder(&workspace).join("index.sqlite").is_file();
        found.push(IndexFacts { workspace: workspace.to_string(), is_there, view });
    }
    found
}

async fn view(data: &Path, workspace: &Slug) -> Result<View, String> {
    let what = AdminAsk::Index { workspace: workspace.clone(), ask: IndexAsk::Describe };
    match ask(data, what, ANSWER_MAX).await? {
        Some(Answered::Index(IndexAnswer::Described(view))) => Ok(view),
        _ => Err("it answered something else than how it stands".to_owned()),
    }
}
