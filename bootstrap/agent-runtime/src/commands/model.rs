//! `model`: which models can be asked, and whether they answer.

use std::process::ExitCode;

use anyhow::bail;
use console::escape::for_one_line;
use console::wire::{AdminAsk, Answered};
use messages::admin::ModelTest;
use messages::offer::{Offer, Offers};

use super::operator::ask;
use super::reading::dollars;
use super::{give_json, give_table};
use crate::cli::{Model, Read};
use crate::logging;
use crate::node::HOME;

pub(super) async fn run(args: Model) -> anyhow::Result<ExitCode> {
    match args {
        Model::List(read) => list(read).await,
        Model::Test { name, read } => test(name.unwrap_or_default(), read).await,
    }
}

async fn list(read: Read) -> anyhow::Result<ExitCode> {
    let Answered::Models(offers) = ask(&read.place, AdminAsk::Models, HOME, "general").await? else {
        bail!("the node answered something else than its models");
    };
    if read.json {
        give_json(&offers)?;
    } else {
        let header = ["NAME", "MODEL", "IN", "OUT", "CACHED", "CONTEXT", "TOOLS", "ROUTES"];
        give_table(&header, offers.all.iter().map(|offer| row(&offers, offer)));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(offers: &Offers, offer: &Offer) -> Vec<String> {
    let prices = &offer.prices;
    let price = |micro_usd| if prices.is_free() { "free".to_owned() } else { dollars(micro_usd) };
    vec![
        offer.name.clone(),
        offer.model.clone(),
        price(prices.input),
        price(prices.output),
        price(prices.cached),
        if offer.context_tokens == 0 { "?".to_owned() } else { offer.context_tokens.to_string() },
        if offer.takes_tools { "yes" } else { "no" }.to_owned(),
        routes(offers, &offer.name),
    ]
}

/// In which routes it is, and in which place: `chat 1, triage 2`.
fn routes(offers: &Offers, name: &str) -> String {
    let places = offers.routes.iter().filter_map(|(purpose, names)| {
        let place = names.iter().position(|one| one == name)?;
        Some(format!("{} {}", purpose.as_str(), place + 1))
    });
    places.collect::<Vec<_>>().join(", ")
}

async fn test(model: String, read: Read) -> anyhow::Result<ExitCode> {
    let Answered::ModelTested(test) = ask(&read.place, AdminAsk::TestModel { model }, HOME, "general").await? else {
        bail!("the node answered something else than the test of a model");
    };
    if read.json {
        give_json(&test)?;
    } else {
        match told(&test) {
            Ok(words) => drop(logging::give(&words)),
            Err(words) => logging::say(&words),
        }
    }
    Ok(if test.answer.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(ModelTest { model, took_ms, answer, micro_usd }: &ModelTest) -> Result<String, String> {
    match answer {
        Ok(answer) => Ok(format!(
            "{model} answered “{}” in {took_ms} ms: {} tokens read, {} written, {}",
            for_one_line(answer.text.trim()),
            answer.usage.input,
            answer.usage.output,
            dollars(*micro_usd)
        )),
        Err(failure) => Err(format!(
            "error: {} ({took_ms} ms)\n  what to do: {}",
            for_one_line(&failure.message),
            for_one_line(&failure.advice)
        )),
    }
}

#[cfg(test)]
mod tests {
    use messages::model::{Answer, Billed, Class, Failure, Purpose};
    use messages::offer::Prices;
    use messages::step::Usage;

    use super::*;

    fn offers() -> Offers {
        let prices = Prices { input: 150_000, output: 500_000, cached: 30_000 };
        let zai = Offer {
            name: "zai".into(),
            provider: "zai".into(),
            model: "glm".into(),
            prices,
            context_tokens: 9,
            takes_tools: true,
            quotes_only: false,
        };
        let offline =
            Offer { name: "offline".into(), provider: "offline".into(), model: "offline".into(), ..Offer::default() };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let routes = [(Purpose::Chat, names(&["zai", "offline"])), (Purpose::Triage, names(&["offline"]))];
        Offers { all: vec![zai, offline], routes: routes.into_iter().collect() }
    }

    #[test]
    fn a_model_is_listed_with_its_price_and_its_places() {
        let offers = offers();
        assert_eq!(row(&offers, &offers.all[0]), ["zai", "glm", "$0.1500", "$0.5000", "$0.0300", "9", "yes", "chat 1"]);
        assert_eq!(
            row(&offers, &offers.all[1]),
            ["offline", "offline", "free", "free", "free", "?", "no", "chat 2, triage 1"]
        );
    }

    #[test]
    fn a_test_tells_what_it_cost_or_what_to_do() {
        let usage = Usage { input: 11, output: 3, ..Usage::default() };
        let answer = Answer { text: " pong\n".into(), usage, ..Answer::default() };
        let done = ModelTest { model: "zai".into(), took_ms: 40, answer: Ok(answer), micro_usd: 4 };
        assert_eq!(told(&done).unwrap(), "zai answered “pong” in 40 ms: 11 tokens read, 3 written, $0.0001");
        let failure = Failure {
            class: Class::Auth,
            message: "the key is refused".into(),
            advice: "set another".into(),
            model: "zai".into(),
            billed: Billed::Nothing,
            retry_at: None,
        };
        let told = told(&ModelTest { answer: Err(failure), ..done }).unwrap_err();
        assert_eq!(told, "error: the key is refused (40 ms)\n  what to do: set another");
    }
}
