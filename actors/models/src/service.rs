//! The actor behind `models`: chooses, hands on.

use std::time::Duration;

use messages::model::{Model, Msg, Reply, Request};
use messages::{Address, AskError};
use runtime::{Ref, ReplyPort, Service, ServiceCx, ServiceError};

use crate::config::ModelsConfig;
use crate::core::choose;
use crate::provider::CALL_SECONDS_MAX;

/// Questions that are with providers at once; far above what all their windows and queues hold.
const FORWARDED_MAX: usize = 8_192;
/// How much longer than the answer's own limit is waited, so that the provider's own words about it arrive.
const GRACE: Duration = Duration::from_secs(2);
/// How long a provider may take to say how it stands.
const DESCRIBE_MAX: Duration = Duration::from_secs(1);
/// What someone who is turned away is told to wait.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// Chooses a provider among those that the question's context allows, and hands the question on to `models/<name>`.
pub struct ModelsService {
    default: String,
    names: Vec<String>,
}

impl ModelsService {
    /// Opens `models`. The providers are opened beside it, one [`crate::ProviderService`] each.
    ///
    /// # Errors
    /// [`ServiceError`] when a name is used twice or can't be part of an address, or when the default is none of them.
    pub fn open(config: &ModelsConfig) -> Result<Self, ServiceError> {
        let names: Vec<_> = config.providers.iter().map(|provider| provider.name.clone()).collect();
        for (at, name) in names.iter().enumerate() {
            if Address::parse(name).is_err() || name.contains('/') {
                return Err(ServiceError::new(format!(
                    "models: {name:?} can't be a provider's name; use a-z, 0-9, - and _"
                )));
            }
            if names.iter().take(at).any(|other| other == name) {
                return Err(ServiceError::new(format!("models: two providers are named `{name}`; rename one")));
            }
        }
        if !names.contains(&config.default) {
            let (default, have) = (&config.default, names.join(", "));
            return Err(ServiceError::new(format!(
                "models: the default `{default}` is none of the providers ({have})"
            )));
        }
        Ok(Self { default: config.default.clone(), names })
    }

    fn forward(&self, request: Box<Request>, reply: ReplyPort<Model>, cx: &ServiceCx) {
        let name = match choose(&self.default, &self.names, &request.allowed) {
            Ok(name) => name,
            Err(failure) => return reply.send(Reply::Failed(failure)),
        };
        if cx.running() >= FORWARDED_MAX {
            let what = format!("{FORWARDED_MAX} questions are with the models");
            return reply.fail(AskError::Busy { what, retry_after: BUSY_RETRY_AFTER });
        }
        let provider: Ref<Model> = cx.system.to(&cx.address.child(name));
        cx.spawn("hand a question on", handed_on(provider, request, reply));
    }

    async fn describe(providers: Vec<(String, Ref<Model>)>, default: String, reply: ReplyPort<Model>) {
        let mut lines = vec![format!("default: {default}")];
        for (name, provider) in providers {
            match provider.ask(Msg::Describe, DESCRIBE_MAX).await {
                Ok(Reply::Described(told)) => lines.extend(told),
                Ok(other) => lines.push(format!("{name}: answered {other:?}")),
                Err(error) => lines.push(format!("{name}: {error}")),
            }
        }
        reply.send(Reply::Described(lines));
    }
}

async fn handed_on(provider: Ref<Model>, request: Box<Request>, mut reply: ReplyPort<Model>) {
    let within = Duration::from_secs(request.seconds_max.min(CALL_SECONDS_MAX)) + GRACE;
    let answered = tokio::select! {
        biased;
        // Dropping the question tells the provider that nobody waits.
        () = reply.closed() => return,
        answered = provider.ask(Msg::Answer(request), within) => answered,
    };
    match answered {
        Ok(answer) => reply.send(answer),
        Err(error) => reply.fail(error),
    }
}

impl Service for ModelsService {
    type Proto = Model;

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Model>, cx: &ServiceCx) -> Result<(), ServiceError> {
        match msg {
            Msg::Answer(request) => self.forward(request, reply, cx),
            Msg::Describe => {
                let provider = |name: &String| (name.clone(), cx.system.to(&cx.address.child(name)));
                let providers = self.names.iter().map(provider).collect();
                cx.spawn("describe the models", Self::describe(providers, self.default.clone(), reply));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ProviderConfig, ProviderKind};

    fn config(default: &str, names: &[&str]) -> ModelsConfig {
        let providers = names.iter().map(|name| ProviderConfig::new(*name, ProviderKind::Offline)).collect();
        ModelsConfig { default: default.to_owned(), providers }
    }

    #[test]
    fn a_configuration_that_can_t_work_is_refused_with_the_reason() {
        assert!(ModelsService::open(&config("b", &["a", "b"])).is_ok());
        for (config, why) in [
            (config("c", &["a", "b"]), "the default `c` is none of the providers (a, b)"),
            (config("a", &["a", "a"]), "two providers are named `a`"),
            (config("a/b", &["a/b"]), "can't be a provider's name"),
            (config("", &[]), "the default `` is none"),
        ] {
            let error = ModelsService::open(&config).err().unwrap().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
