//! Doing the work of a command: searching, reading a file, looking into the store.

use messages::Address;
use messages::index::{Found, Index, Msg as IndexMsg, Origin, Reach, Reply as IndexReply, View as IndexView};
use messages::model::{Model, Msg as ModelMsg, Reply as ModelReply};
use messages::step::Day;
use messages::store::{Query, Rows};
use runtime::World;

use super::core::{Answer, Job};
use super::{Context, memory, reads, tasks};
use crate::asks::{KNOWLEDGE_MAX, find, patiently};
use crate::commands::Input;
use crate::run::dollars;
use crate::why;

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
        Input::Search(query) => search(query, job, world).await,
        Input::Open(path, page) => open(path, *page, job, world).await,
        Input::Status => status(job, world).await,
        Input::Why(prefix) => look_up(prefix, world).await,
        Input::Tasks(asked) => tasks::answer(asked, job, world).await,
        Input::Memory => memory::show(job, world).await,
        Input::Forget(entry) => memory::forget(entry, job, world).await,
        _ => Err("This command needs no work and should have been answered at once.".to_owned()),
    };
    match done {
        Ok((text, sources)) => Answer { text, sources, failed: false },
        Err(text) => Answer { text, sources: Vec::new(), failed: true },
    }
}

pub(super) type Done = Result<(String, Vec<String>), String>;

async fn search(query: &str, job: &Job, world: &World<Context>) -> Done {
    let scope = &job.turn.scope;
    let found = find(&world.system, scope, (query, SEARCH_HITS), Reach::of(scope))
        .await
        .map_err(|e| format!("The search failed: {e}."))?;
    if let Some(problem) = found.problem {
        return Err(format!("The search can't be understood: {problem}."));
    }
    if found.hits.is_empty() {
        return Ok((nothing_found(query, &scope.paths, &found), Vec::new()));
    }
    let mut text = String::new();
    for (n, hit) in found.hits.iter().enumerate() {
        let heading = hit.heading.replace(" > ", " › ");
        let heading = if heading.is_empty() { heading } else { format!(" › {heading}") };
        let origin = match hit.origin {
            Origin::Knowledge => String::new(),
            own => format!(" ({} of this context)", own.as_str()),
        };
        text.push_str(&format!("{}. `{}`{heading}{origin}\n   {}\n", n + 1, hit.path, hit.snippet));
    }
    if found.behind {
        text.push_str("(The index is still being brought up to date.)");
    }
    let mut sources: Vec<String> = Vec::new();
    for hit in found.hits {
        if !sources.contains(&hit.path) {
            sources.push(hit.path);
        }
    }
    Ok((text.trim_end().to_owned(), sources))
}

fn nothing_found(query: &str, paths: &[String], found: &Found) -> String {
    let behind = if found.behind { " The index is still being brought up to date; try again in a moment." } else { "" };
    let filters = if found.filters.is_empty() { String::new() } else { format!(", {}", found.filters) };
    format!(
        "Nothing fits `{}`{filters}. Searched: {} files, as far as this context may read ({}), with its own log and memory.{behind}",
        markdown::text::clean_line(query, 80),
        found.files,
        paths.join(", "),
    )
}

async fn describe_index(job: &Job, world: &World<Context>) -> Result<IndexView, String> {
    let at = Address::index(&job.turn.scope.workspace);
    match patiently::<Index>(&world.system, &at, || IndexMsg::Describe(Some(Reach::of(&job.turn.scope))), KNOWLEDGE_MAX)
        .await
    {
        Ok(IndexReply::Described(view)) => Ok(view),
        Ok(_) => Err("The index answered something else.".to_owned()),
        Err(error) => Err(format!("The index does not answer: {error}.")),
    }
}

async fn open(path: &str, page: u32, job: &Job, world: &World<Context>) -> Done {
    let msg = || IndexMsg::Open { path: path.to_owned(), page, reach: Reach::of(&job.turn.scope) };
    let at = Address::index(&job.turn.scope.workspace);
    match patiently::<Index>(&world.system, &at, msg, KNOWLEDGE_MAX).await {
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
    lines.extend(spent_today(world).await);
    let models = world.system.to::<Model>(&Address::fixed("models")).ask(ModelMsg::Describe, KNOWLEDGE_MAX).await;
    match models {
        Ok(ModelReply::Described { models, .. }) => lines.push(format!("- models: {}", models.join("; "))),
        Ok(_) => {}
        Err(error) => lines.push(format!("- models: {error}")),
    }
    match describe_index(job, world).await {
        Ok(view) => lines.extend(index_lines(&view)),
        Err(error) => lines.push(format!("- index: {error}")),
    }
    Ok((lines.join("\n"), Vec::new()))
}

/// What this context has spent today, against what it may. What others spend is for operators: `agent-runtime usage`.
async fn spent_today(world: &World<Context>) -> Option<String> {
    let (today, cap, account) =
        (Day::of(world.system.now()), world.facts.limits.context_day, world.address.to_string());
    let query = Query::Spending { from: today, to: today, account: account.clone(), limit: 1 };
    let Ok(Rows::Spending(found)) = world.system.store().query(query).await else { return None };
    let of = found.into_iter().find(|of| of.account == account && of.calls > 0)?;
    let max = cap.micro_usd.map(|max| format!(" of {}", dollars(max))).unwrap_or_default();
    let (spent, tokens) = (dollars(of.micro_usd), of.usage.tokens());
    Some(format!("- spent today: {spent}{max}, {tokens} tokens in {} calls", of.calls))
}

fn index_lines(view: &IndexView) -> Vec<String> {
    let scanning = if view.scanning.is_some() { ", being brought up to date" } else { "" };
    let mut lines = vec![format!("- index: {} files, {} passages{scanning}", view.files, view.passages)];
    if view.skipped_total > 0 {
        let first = view.skipped.first().map(String::as_str).unwrap_or_default();
        lines.push(format!("- left out of the index: {} (first: {first})", view.skipped_total));
    }
    lines
}

async fn look_up(prefix: &str, world: &World<Context>) -> Done {
    let query = Query::Why { context: world.address.clone(), prefix: prefix.to_owned() };
    match reads::rows(query, world).await? {
        Rows::Why(rows) => Ok((why::tell(prefix, &rows, &world.facts.policy), Vec::new())),
        _ => Err("The store answered something else.".to_owned()),
    }
}
