//! The actor behind `models`: chooses, hands on, and asks the next where one can't.

use std::sync::Arc;
use std::time::Duration;

use messages::meter;
use messages::model::{Billed, Model, Msg, Reply, Request};
use messages::offer::{Offer, Offers};
use messages::step::Usage;
use messages::{Address, AskError};
use runtime::{Ref, ReplyPort, Service, ServiceCx, ServiceError, System};
use tokio::time::Instant;

use crate::config::ModelsConfig;
use crate::core::{Tried, chain, tells_admin};
use crate::provider::CALL_SECONDS_MAX;

/// Questions that are with providers at once; far above what all their windows and queues hold.
const FORWARDED_MAX: usize = 8_192;
/// How much longer than the answer's own limit is waited, so that the provider's own words about it arrive.
const GRACE: Duration = Duration::from_secs(2);
/// How long a provider may take to say how it stands.
const DESCRIBE_MAX: Duration = Duration::from_secs(1);
/// What someone who is turned away is told to wait.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// Chooses models among those that the question's context allows, and hands the question on to `models/<provider>`: to
/// one after the other, until one answers or a failure ends it.
pub struct ModelsService {
    offers: Arc<Offers>,
    providers: Vec<String>,
}

impl ModelsService {
    /// Opens `models`. The providers are opened beside it, one [`crate::ProviderService`] each.
    ///
    /// # Errors
    /// [`ServiceError`] with all that [`ModelsConfig::check`] tells.
    pub fn open(config: &ModelsConfig) -> Result<Self, ServiceError> {
        let wrong = config.check();
        if !wrong.is_empty() {
            return Err(ServiceError::new(wrong.join("\n")));
        }
        let providers = config.providers.iter().map(|provider| provider.name.clone()).collect();
        Ok(Self { offers: Arc::new(config.offers()), providers })
    }

    fn forward(&self, request: Box<Request>, mut reply: ReplyPort<Model>, cx: &ServiceCx) {
        if cx.running() >= FORWARDED_MAX {
            let what = format!("{FORWARDED_MAX} questions are with the models");
            return reply.fail(AskError::Busy { what, retry_after: BUSY_RETRY_AFTER });
        }
        let asking =
            Asking { offers: Arc::clone(&self.offers), system: cx.system.clone(), address: cx.address.clone() };
        cx.spawn("hand a question on", async move {
            let answered = tokio::select! {
                biased;
                // Dropping the question tells the provider that nobody waits.
                () = reply.closed() => return,
                answered = asking.answered(request) => answered,
            };
            match answered {
                Ok(answer) => reply.send(answer),
                Err(error) => reply.fail(error),
            }
        });
    }

    async fn describe(offers: Arc<Offers>, providers: Vec<(String, Ref<Model>)>, reply: ReplyPort<Model>) {
        let route = |(purpose, chain): (&messages::model::Purpose, &Vec<String>)| {
            format!("{}: {}", purpose.as_str(), chain.join(", "))
        };
        let mut models: Vec<String> = offers.routes.iter().map(route).collect();
        let mut load = Vec::new();
        for (name, provider) in providers {
            match provider.ask(Msg::Describe, DESCRIBE_MAX).await {
                Ok(Reply::Described { models: known, load: now }) => {
                    models.extend(known);
                    load.extend(now);
                }
                Ok(other) => models.push(format!("{name}: answered {other:?}")),
                Err(error) => models.push(format!("{name}: {error}")),
            }
        }
        reply.send(Reply::Described { models, load });
    }
}

/// One question on its way through its chain.
struct Asking {
    offers: Arc<Offers>,
    system: System,
    address: Address,
}

impl Asking {
    async fn answered(&self, mut request: Box<Request>) -> Result<Reply, AskError> {
        let chain = match chain(&self.offers, &request) {
            Ok(chain) => chain,
            Err(failure) => return Ok(Reply::Failed(*failure)),
        };
        let within = Duration::from_secs(request.seconds_max.min(CALL_SECONDS_MAX));
        let deadline = Instant::now() + within;
        let mut tried = Tried::default();
        let mut left = chain.iter().peekable();
        while let Some(offer) = left.next() {
            let time = deadline.saturating_duration_since(Instant::now());
            request.model.clone_from(&offer.name);
            request.seconds_max = time.as_secs() + u64::from(time.subsec_nanos() > 0);
            let one = if left.peek().is_some() { request.clone() } else { std::mem::take(&mut request) };
            match self.asked(offer, one, time + GRACE).await? {
                Reply::Failed(failure) => {
                    if let Some(failure) = tried.failed(failure) {
                        return Ok(Reply::Failed(failure));
                    }
                }
                other => return Ok(other),
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        tried.ended().map(Reply::Failed).ok_or_else(|| AskError::Failed("no model was asked".into()))
    }

    /// Asks one model, and tells whoever runs the node what it must know of it.
    async fn asked(&self, offer: &Offer, request: Box<Request>, within: Duration) -> Result<Reply, AskError> {
        let provider: Ref<Model> = self.system.to(&self.address.child(&offer.provider));
        self.count(meter::MODEL_CALLS, offer, 1);
        let reply = provider.ask(Msg::Answer(request), within).await;
        self.measure(offer, &reply);
        let reply = reply?;
        let alarm = format!("model:{}", offer.name);
        match &reply {
            Reply::Answer(_) => self.system.alarm(&alarm, None),
            Reply::Failed(failure) if tells_admin(failure.class) => {
                self.system.alarm(&alarm, Some(format!("{} {}", failure.message, failure.advice)));
            }
            Reply::Failed(_) | Reply::Described { .. } => {}
        }
        Ok(reply)
    }

    /// What came of a call, and what it is known to have used.
    fn measure(&self, offer: &Offer, reply: &Result<Reply, AskError>) {
        let used = match reply {
            Ok(Reply::Answer(answer)) => answer.usage,
            Ok(Reply::Failed(failure)) => {
                self.count(meter::MODEL_FAILURES, offer, 1);
                if let Billed::Known(usage) = failure.billed { usage } else { Usage::default() }
            }
            Ok(Reply::Described { .. }) | Err(_) => {
                self.count(meter::MODEL_FAILURES, offer, 1);
                Usage::default()
            }
        };
        self.count(meter::MODEL_INPUT_TOKENS, offer, used.input);
        self.count(meter::MODEL_OUTPUT_TOKENS, offer, used.output);
        self.count(meter::MODEL_MICRO_USD, offer, offer.prices.cost(used));
    }

    fn count(&self, name: &'static str, offer: &Offer, n: u64) {
        self.system.meters().add(name, &offer.name, n);
    }
}

impl Service for ModelsService {
    type Proto = Model;

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Model>, cx: &ServiceCx) -> Result<(), ServiceError> {
        match msg {
            Msg::Answer(request) => self.forward(request, reply, cx),
            Msg::Describe => {
                let provider = |name: &String| (name.clone(), cx.system.to(&cx.address.child(name)));
                let providers = self.providers.iter().map(provider).collect();
                cx.spawn("describe the models", Self::describe(Arc::clone(&self.offers), providers, reply));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ProviderConfig, ProviderKind};

    #[test]
    fn a_configuration_that_can_t_work_is_refused_with_all_reasons() {
        let offline = |name: &str| ProviderConfig::new(name, ProviderKind::Offline);
        assert!(ModelsService::open(&ModelsConfig::new("b", vec![offline("a"), offline("b")])).is_ok());
        let config = ModelsConfig::new("c", vec![offline("a"), offline("a")]);
        let error = ModelsService::open(&config).err().unwrap().to_string();
        assert!(error.contains("two providers are named `a`") && error.contains("`c` is no model here"), "{error}");
    }
}
