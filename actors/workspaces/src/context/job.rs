//! Doing a turn's work: searching, asking the model, reading a file, looking into the store.

use std::time::Duration;

use messages::index::{Hit, Index, Msg as IndexMsg, Reply as IndexReply, View as IndexView};
use messages::model::{Model, Msg as ModelMsg, Reply as ModelReply, Request};
use messages::protocol::AskError;
use messages::store::{Query, Rows};
use messages::{Address, Protocol};
use runtime::World;

use super::Context;
use super::core::{Answer, Job};
use crate::commands::Input;
use crate::why;

/// How long a search or a file may take.
const KNOWLEDGE_MAX: Duration = Duration::from_secs(10);
/// Times that a busy model is asked again, and the first wait between them; doubled each time.
const BUSY_RETRIES: u32 = 6;
const BUSY_WAIT: Duration = Duration::from_millis(50);
/// Hits that `/search` shows.
const SEARCH_HITS: u32 = 8;

pub(super) async fn run(job: &Job, world: &World<Context>) -> Answer {
    let (trace, actor) = (&job.row.trace, &world.address);
    tracing::debug!(%actor, %trace, inbound = %job.row.id, action = job.turn.action, "turn runs");
    let answer = work(job, world).await;
    tracing::debug!(%actor, %trace, inbound = %job.row.id, failed = answer.failed, bytes = answer.text.len(), "turn ends");
    answer
}

async fn work(job: &Job, world: &World<Context>) -> Answer {
    let done = match &job.input {
        Input::Talk => talk(job, world).await,
        Input::Search(query) => search(query, job, world).await,
        Input::Open(path, page) => open(path, *page, job, world).await,
        Input::Status => status(job, world).await,
        Input::Why(prefix) => look_up(prefix, world).await,
        _ => Err("This command needs no work and should have been answered at once.".to_owned()),
    };
    match done {
        Ok((text, sources)) => Answer { text, sources, failed: false },
        Err(text) => Answer { text, sources: Vec::new(), failed: true },
    }
}

type Done = Result<(String, Vec<String>), String>;

async fn talk(job: &Job, world: &World<Context>) -> Done {
    let limits = &job.definition.limits;
    let passages = if limits.passages == 0 { Vec::new() } else { passages(job, world).await };
    let request = Request {
        allowed: job.definition.models.clone(),
        system: job.definition.prompt.clone(),
        history: job.history.clone(),
        question: job.row.text.clone(),
        passages,
        answer_bytes_max: limits.answer_bytes,
        seconds_max: limits.turn_seconds,
        trace: job.row.trace.clone(),
    };
    let deadline = Duration::from_secs(limits.turn_seconds);
    let msg = || ModelMsg::Answer(Box::new(request.clone()));
    match ask_patiently::<Model>(&Address::fixed("models"), msg, deadline, world).await {
        Ok(ModelReply::Answer(answer)) if answer.cut => {
            let text = format!("{}\n\n(cut after {} bytes)", answer.text, limits.answer_bytes);
            Ok((text, answer.sources))
        }
        Ok(ModelReply::Answer(answer)) => Ok((answer.text, answer.sources)),
        Ok(ModelReply::Failed(failure)) => {
            Err(format!("The model gave no answer: {} {}", failure.message, failure.advice))
        }
        Ok(ModelReply::Described(_)) => Err("The model gave no answer: it described itself instead.".to_owned()),
        Err(AskError::Timeout(after)) => {
            Err(format!("The model gave no answer within the {} s that this context allows.", after.as_secs()))
        }
        Err(error) => Err(format!("The model gave no answer: {error}. Say it again in a while.")),
    }
}

/// Asks; someone who is busy is asked again a few times within the deadline.
async fn ask_patiently<P: Protocol>(
    at: &Address,
    msg: impl Fn() -> P::Msg,
    deadline: Duration,
    world: &World<Context>,
) -> Result<P::Reply, AskError> {
    let patient = async {
        let mut wait = BUSY_WAIT;
        for _ in 0..BUSY_RETRIES {
            match world.system.to::<P>(at).ask(msg(), deadline).await {
                Err(AskError::Busy { retry_after, .. }) => tokio::time::sleep(wait.max(retry_after)).await,
                answered => return answered,
            }
            wait *= 2;
        }
        world.system.to::<P>(at).ask(msg(), deadline).await
    };
    tokio::time::timeout(deadline, patient).await.unwrap_or(Err(AskError::Timeout(deadline)))
}

async fn hits(query: &str, limit: u32, job: &Job, world: &World<Context>) -> Result<Vec<Hit>, String> {
    let msg = || IndexMsg::Search { query: query.to_owned(), limit, paths: job.turn.scope.paths.clone() };
    match ask_patiently::<Index>(&Address::index(&job.turn.scope.workspace), msg, KNOWLEDGE_MAX, world).await {
        Ok(IndexReply::Hits(hits)) => Ok(hits),
        Ok(_) => Err("the index answered something else".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What may answer the question; a search that fails leaves the model without passages, and the log says so.
async fn passages(job: &Job, world: &World<Context>) -> Vec<Hit> {
    hits(&job.row.text, job.definition.limits.passages, job, world).await.unwrap_or_else(|error| {
        tracing::warn!(trace = %job.row.trace, error, "no passages for this turn: the search failed");
        Vec::new()
    })
}

async fn search(query: &str, job: &Job, world: &World<Context>) -> Done {
    let found = hits(query, SEARCH_HITS, job, world).await.map_err(|e| format!("The search failed: {e}."))?;
    if found.is_empty() {
        let view = describe_index(job, world).await?;
        return Ok((nothing_found(query, &job.turn.scope.paths, &view), Vec::new()));
    }
    let mut text = String::new();
    for (n, hit) in found.iter().enumerate() {
        let heading = hit.heading.replace(" > ", " › ");
        let heading = if heading.is_empty() { heading } else { format!(" › {heading}") };
        text.push_str(&format!("{}. `{}`{heading}\n   {}\n", n + 1, hit.path, hit.snippet));
    }
    let mut sources: Vec<String> = found.into_iter().map(|hit| hit.path).collect();
    sources.dedup();
    Ok((text.trim_end().to_owned(), sources))
}

fn nothing_found(query: &str, paths: &[String], view: &IndexView) -> String {
    let scanning = if view.scanning.is_some() { " The index is still being built; try again in a moment." } else { "" };
    format!(
        "Nothing fits `{}`. Searched: {} passages of {} files, as far as this context may read ({}).{scanning}",
        markdown::text::clean_line(query, 80),
        view.passages,
        view.files,
        paths.join(", "),
    )
}

async fn describe_index(job: &Job, world: &World<Context>) -> Result<IndexView, String> {
    let at = Address::index(&job.turn.scope.workspace);
    match ask_patiently::<Index>(&at, || IndexMsg::Describe, KNOWLEDGE_MAX, world).await {
        Ok(IndexReply::Described(view)) => Ok(view),
        Ok(_) => Err("The index answered something else.".to_owned()),
        Err(error) => Err(format!("The index does not answer: {error}.")),
    }
}

async fn open(path: &str, page: u32, job: &Job, world: &World<Context>) -> Done {
    let msg = || IndexMsg::Open { path: path.to_owned(), page, paths: job.turn.scope.paths.clone() };
    match ask_patiently::<Index>(&Address::index(&job.turn.scope.workspace), msg, KNOWLEDGE_MAX, world).await {
        Ok(IndexReply::Page(page)) => {
            let mut text = format!("`{}`\n\n{}", page.path, page.text);
            if page.pages > 1 {
                text.push_str(&format!("\n\n(page {} of {}", page.page + 1, page.pages));
                let more = page.page + 1 < page.pages;
                text.push_str(&if more {
                    format!("; next: `/open {} {}`)", page.path, page.page + 2)
                } else {
                    ")".to_owned()
                });
            }
            Ok((text, vec![page.path]))
        }
        Ok(IndexReply::NotOpened(sentence)) => Ok((sentence, Vec::new())),
        Ok(_) => Err("The index answered something else.".to_owned()),
        Err(error) => Err(format!("The file could not be opened: {error}.")),
    }
}

async fn status(job: &Job, world: &World<Context>) -> Done {
    let mut lines = job.status.clone();
    let models = world.system.to::<Model>(&Address::fixed("models")).ask(ModelMsg::Describe, KNOWLEDGE_MAX).await;
    match models {
        Ok(ModelReply::Described(models)) => lines.push(format!("- models: {}", models.join("; "))),
        Ok(_) => {}
        Err(error) => lines.push(format!("- models: {error}")),
    }
    match describe_index(job, world).await {
        Ok(view) => lines.extend(index_lines(&view)),
        Err(error) => lines.push(format!("- index: {error}")),
    }
    Ok((lines.join("\n"), Vec::new()))
}

fn index_lines(view: &IndexView) -> Vec<String> {
    let scanning = view.scanning.map(|files| format!(", being brought up to date ({files} files looked at)"));
    let mut lines =
        vec![format!("- index: {} files, {} passages{}", view.files, view.passages, scanning.unwrap_or_default())];
    if view.skipped_total > 0 {
        let first = view.skipped.first().map(String::as_str).unwrap_or_default();
        lines.push(format!("- left out of the index: {} (first: {first})", view.skipped_total));
    }
    lines
}

async fn look_up(prefix: &str, world: &World<Context>) -> Done {
    let query = Query::Why { context: world.address.clone(), prefix: prefix.to_owned() };
    match world.system.store().query(query).await {
        Ok(Rows::Why(rows)) => Ok((why::tell(prefix, &rows, &world.facts.policy), Vec::new())),
        Ok(_) => Err("The store answered something else.".to_owned()),
        Err(error) => Err(format!("The store can't be read: {error}.")),
    }
}
