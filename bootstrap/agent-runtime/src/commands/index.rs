//! `index`: the search index of a workspace, for an operator.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use console::wire::{AdminAsk, Answered};
use messages::admin::{IndexAnswer, IndexAsk};
use messages::index::{Explained, View};
use serde_json::json;

use super::operator::ask;
use super::{give_json, megabytes};
use crate::cli::{Index, IndexOf};
use crate::logging;

/// How often a rebuild is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

pub(super) async fn run(args: Index) -> anyhow::Result<ExitCode> {
    match args {
        Index::Status(of) => status(&of).await,
        Index::Rebuild(of) => rebuild(&of).await,
        Index::Explain { query, of, limit } => explain(&of, query.join(" "), limit).await,
    }
}

async fn asked(of: &IndexOf, ask_it: IndexAsk) -> anyhow::Result<IndexAnswer> {
    let what = AdminAsk::Index { workspace: of.workspace.clone(), ask: ask_it };
    match ask(&of.read.place, what, of.workspace.as_str(), "general").await? {
        Answered::Index(answer) => Ok(answer),
        _ => bail!("the node answered something else than how its index stands"),
    }
}

async fn view(of: &IndexOf) -> anyhow::Result<View> {
    match asked(of, IndexAsk::Describe).await? {
        IndexAnswer::Described(view) => Ok(view),
        _ => bail!("the node answered something else than how its index stands"),
    }
}

async fn status(of: &IndexOf) -> anyhow::Result<ExitCode> {
    let view = view(of).await?;
    if of.read.json {
        give_json(&view)?;
    } else {
        logging::give(&lines(&view).join("\n"));
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(view: &View) -> Vec<String> {
    let mut lines = vec![
        format!("files      {}", view.files),
        format!("passages   {}", view.passages),
        format!("database   {:.1} MB", megabytes(view.bytes)),
        match view.scanning {
            Some(files) => format!("now        being brought up to date, {files} files looked at"),
            None => "now        up to date".to_owned(),
        },
    ];
    lines.extend(view.roots.iter().map(|root| format!("folder     {root}")));
    if view.skipped_total > 0 {
        lines.push(format!("left out   {}", view.skipped_total));
        lines.extend(view.skipped.iter().map(|why| format!("           {why}")));
    }
    lines
}

/// Waits until it is made; Ctrl-C leaves it at work.
async fn rebuild(of: &IndexOf) -> anyhow::Result<ExitCode> {
    let before = view(of).await?.scans;
    asked(of, IndexAsk::Rebuild).await?;
    let mut told = 0;
    let view = loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let view = view(of).await?;
        match view.scanning {
            Some(files) if files > told => {
                told = files;
                logging::say(&format!("{files} files looked at"));
            }
            None if view.scans > before => break view,
            _ => {}
        }
    };
    if of.read.json {
        give_json(&view)?;
    } else {
        logging::say(&format!("made again: {} files, {} passages", view.files, view.passages));
    }
    Ok(ExitCode::SUCCESS)
}

async fn explain(of: &IndexOf, query: String, limit: u32) -> anyhow::Result<ExitCode> {
    let IndexAnswer::Explained(hits) = asked(of, IndexAsk::Explain { query, limit }).await? else {
        bail!("the node answered something else than what it finds");
    };
    if of.read.json {
        give_json(&hits.iter().map(object).collect::<Vec<_>>())?;
    } else if hits.is_empty() {
        logging::say("nothing fits; `agent-runtime index status` shows what is searched");
    } else {
        logging::give(&hits.iter().enumerate().map(|(n, hit)| shown(n + 1, hit)).collect::<Vec<_>>().join("\n\n"));
    }
    Ok(ExitCode::SUCCESS)
}

fn object(of: &Explained) -> serde_json::Value {
    json!({
        "path": of.hit.path,
        "heading": of.hit.heading,
        "snippet": of.hit.snippet,
        "score": of.hit.score,
        "bm25": of.bm25,
        "lexical": of.lexical,
        "cosine": of.cosine,
        "nearness": of.nearness,
        "weight": of.weight,
        "words": of.words.iter().map(|(word, found)| json!({ "word": word, "found": found })).collect::<Vec<_>>(),
    })
}

fn shown(n: usize, of: &Explained) -> String {
    let heading = if of.hit.heading.is_empty() { String::new() } else { format!(" > {}", of.hit.heading) };
    let words: Vec<String> =
        of.words.iter().map(|(word, found)| if *found { word.clone() } else { format!("({word})") }).collect();
    let cosine = of.cosine.map_or_else(|| "none".to_owned(), |cosine| format!("{cosine:.3}"));
    format!(
        "{n}. {}{heading}\n   score {:.3} = {:.2} x words {:.3} + {:.2} x meaning {:.3}   (bm25 {:.2}, cosine {cosine})\n   words {}   (in brackets: not in it)\n   {}",
        of.hit.path,
        of.hit.score,
        1.0 - of.weight,
        of.lexical,
        of.weight,
        of.nearness,
        of.bm25,
        words.join(" "),
        of.hit.snippet
    )
}
