//! What turns and tasks ask of other actors: passages, answers, tools. Each ask has a deadline, and whoever is busy is
//! asked again a few times within it.

use std::time::Duration;

use messages::index::{Found, Hit, Index, Msg as IndexMsg, Reach, Reply as IndexReply};
use messages::model::{Billed, Class, Failure, Model, Msg as ModelMsg, Reply as ModelReply};
use messages::protocol::AskError;
use messages::tool::{Msg as ToolMsg, Reply as ToolReply, Tools, Use};
use messages::turn::Scope;
use messages::{Address, Protocol, Slug};
use runtime::System;

use crate::run::{Ask, StepEnd, Used};

/// How long a search or a file may take.
pub(crate) const KNOWLEDGE_MAX: Duration = Duration::from_secs(10);
/// How long a tool may take.
const TOOL_MAX: Duration = Duration::from_secs(60);
/// Times that someone who is busy is asked again, and the first wait between them; doubled each time.
const BUSY_RETRIES: u32 = 6;
const BUSY_WAIT: Duration = Duration::from_millis(50);

/// Asks; someone who is busy is asked again a few times within the deadline.
pub(crate) async fn patiently<P: Protocol>(
    system: &System,
    at: &Address,
    msg: impl Fn() -> P::Msg,
    deadline: Duration,
) -> Result<P::Reply, AskError> {
    let patient = async {
        let mut wait = BUSY_WAIT;
        for _ in 0..BUSY_RETRIES {
            match system.to::<P>(at).ask(msg(), deadline).await {
                Err(AskError::Busy { retry_after, .. }) => tokio::time::sleep(wait.max(retry_after)).await,
                answered => return answered,
            }
            wait *= 2;
        }
        system.to::<P>(at).ask(msg(), deadline).await
    };
    tokio::time::timeout(deadline, patient).await.unwrap_or(Err(AskError::Timeout(deadline)))
}

/// Searches what `reach` admits.
pub(crate) async fn find(
    system: &System,
    scope: &Scope,
    (query, limit): (&str, u32),
    reach: Reach,
) -> Result<Found, String> {
    let msg = || IndexMsg::Search { query: query.to_owned(), limit, reach: reach.clone() };
    match patiently::<Index>(system, &Address::index(&scope.workspace), msg, KNOWLEDGE_MAX).await {
        Ok(IndexReply::Found(found)) => Ok(found),
        Ok(_) => Err("the index answered something else".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Passages of knowledge for a question that is put to a model. What was said before stands in the prompt by itself, and
/// a question would find itself in the log.
async fn hits(system: &System, scope: &Scope, question: &str, limit: u32) -> Result<Vec<Hit>, String> {
    let knowledge = Reach::knowledge(scope.paths.clone());
    find(system, scope, (&plain(question), limit), knowledge).await.map(|found| found.hits)
}

/// Takes a record of a context out of the index, or some entries of a log: their words were erased, or may have been.
/// `record` is below the workspace's folder. What is not erased is indexed again when it is searched next.
pub(crate) async fn forget(
    system: &System,
    workspace: &Slug,
    record: &str,
    entries: Option<Vec<u64>>,
) -> Result<(), String> {
    let msg = || IndexMsg::Forget { record: record.to_owned(), entries: entries.clone() };
    match patiently::<Index>(system, &Address::index(workspace), msg, KNOWLEDGE_MAX).await {
        // Where there is no index nothing is indexed.
        Ok(_) | Err(AskError::NoSuchAddress(_)) => Ok(()),
        Err(error) => Err(format!("its words can't be taken out of the index: {error}")),
    }
}

/// A question without what would be an operator of a search: quotes, colons, a hyphen before a word.
fn plain(question: &str) -> String {
    let words = question.split_whitespace().map(|word| word.trim_start_matches('-'));
    words.collect::<Vec<_>>().join(" ").replace(['"', '“', '”', '„', ':'], " ")
}

/// Asks a model, after finding passages where the question wants them: those come back, too.
pub(crate) async fn model(system: &System, ask: &Ask) -> StepEnd {
    let mut passages = None;
    if let Some(limit) = ask.find {
        // A search that fails leaves the model without passages, and the log says so.
        let hits = hits(system, &ask.scope, &ask.request.question, limit).await.unwrap_or_else(|error| {
            tracing::warn!(trace = %ask.request.trace, error, "no passages for this question: the search failed");
            Vec::new()
        });
        passages = Some(hits);
    }
    let deadline = Duration::from_secs(ask.request.seconds_max);
    let msg = || {
        let mut request = Box::new(ask.request.clone());
        if let Some(found) = &passages {
            request.passages.clone_from(found);
        }
        ModelMsg::Answer(request)
    };
    let answered = match patiently::<Model>(system, &Address::fixed("models"), msg, deadline).await {
        Ok(ModelReply::Answer(answer)) => Ok(answer),
        Ok(ModelReply::Failed(failure)) => Err(failure),
        Ok(ModelReply::Described { .. }) => Err(no_answer(Class::Upstream, "It described itself instead.")),
        Err(error) => Err(not_reached(&error)),
    };
    StepEnd::Asked { step: ask.seq, passages, answered }
}

fn not_reached(error: &AskError) -> Failure {
    match error {
        AskError::Timeout(after) => Failure {
            // It may have been at work.
            billed: Billed::Unknown,
            ..no_answer(Class::TimedOut, &format!("There was none within the {} s that are allowed.", after.as_secs()))
        },
        AskError::Busy { what, .. } => no_answer(Class::RateLimited, &format!("Too many ask at once ({what}).")),
        error => Failure { billed: Billed::Unknown, ..no_answer(Class::Upstream, &format!("{error}.")) },
    }
}

fn no_answer(class: Class, message: &str) -> Failure {
    Failure {
        class,
        message: message.to_owned(),
        advice: "Say it again in a while.".to_owned(),
        model: String::new(),
        billed: Billed::Nothing,
        retry_at: None,
    }
}

/// Uses a tool.
pub(crate) async fn tool(system: &System, of: &Use) -> StepEnd {
    let msg = || ToolMsg::Use(Box::new(of.clone()));
    let used = match patiently::<Tools>(system, &Address::fixed("tools"), msg, TOOL_MAX).await {
        Ok(ToolReply::Done(output)) => Used::Done(output),
        Ok(ToolReply::Failed(failure)) => Used::Failed(failure.message),
        Ok(ToolReply::Unknown(words)) => Used::Unknown(words),
        Ok(ToolReply::Described(_)) => Used::Failed("The tool described itself instead.".to_owned()),
        // One that had begun before may have been done then; nobody has looked.
        Err(error @ AskError::Busy { .. }) if !of.again => {
            Used::Failed(format!("Too much is asked of it at once: {error}."))
        }
        Err(error) => Used::Cut(format!("`{}` gave no answer: {error}", of.call.name)),
    };
    StepEnd::Used { of: of.clone(), used }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_never_taken_for_operators() {
        let question = "-what about:\n- the \"old\" roof\n-walls path:x 12:30 well-known";
        assert_eq!(plain(question), "what about   the  old  roof walls path x 12 30 well-known");
    }
}
