//! A small question to one model, for real.

use std::time::{Duration, Instant};

use messages::model::{Answer, Class, Failure, Model, Msg as ModelMsg, Reply as ModelReply};
use messages::offer::Offers;
use messages::{Address, AskError};
use runtime::System;

use crate::core::{TEST_SECONDS_MAX, failure, question, test as tested_by, tested};

/// How long after its own end a call may take to be heard of.
const HEARD_MAX: Duration = Duration::from_secs(2);

/// Asks one model and tells what came of it.
pub(crate) async fn test(offers: &Offers, system: &System, name: &str) -> messages::admin::ModelTest {
    let offer = match tested(offers, name) {
        Ok(offer) => offer,
        Err(why) => return tested_by(offers, name, 0, Err(*why)),
    };
    let began = Instant::now();
    let answer = ask(system, &offer.name).await;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tested_by(offers, &offer.name, took_ms, answer)
}

#[allow(clippy::result_large_err)] // It is put into an answer as it is.
async fn ask(system: &System, model: &str) -> Result<Answer, Failure> {
    let msg = ModelMsg::Answer(Box::new(question(model)));
    let within = Duration::from_secs(TEST_SECONDS_MAX) + HEARD_MAX;
    match system.to::<Model>(&Address::fixed("models")).ask(msg, within).await {
        Ok(ModelReply::Answer(answer)) => Ok(answer),
        Ok(ModelReply::Failed(failure)) => Err(failure),
        Ok(ModelReply::Described { .. }) => Err(unheard(Class::Upstream, "it answered something else", model)),
        Err(error @ AskError::Timeout(_)) => Err(unheard(Class::TimedOut, &error.to_string(), model)),
        Err(error) => Err(unheard(Class::Unreachable, &error.to_string(), model)),
    }
}

fn unheard(class: Class, why: &str, model: &str) -> Failure {
    let advice = "`agent-runtime status` shows how the models of this node stand".to_owned();
    failure(class, format!("the model `{model}` gave no answer: {why}"), advice, model)
}
