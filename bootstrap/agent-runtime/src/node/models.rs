//! From configuration to models: providers with their keys, routes, the table of prices.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail};
use config::{Config, Provider, SecretOf, ZAI_MODEL, provider_of};
use messages::model::Purpose;
use messages::offer::Prices;
use models::{ModelConfig, ModelTable, ModelsConfig, ProviderConfig, ProviderKind, Secret};

/// The largest table of prices in bytes.
const TABLE_BYTES_MAX: u64 = 1_048_576;

/// All models of a node. Keys are read and judged here, so that a wrong one is told before anything runs.
pub(super) fn models(config: &Config, env: &[(String, String)], secret: SecretOf<'_>) -> anyhow::Result<ModelsConfig> {
    let mut keys = config.keys(env, secret, |base_url, text| Secret::check(text, base_url))?;
    let table = table(config.models.table.as_deref())?;
    let mut providers = ModelsConfig::offline().providers;
    for (name, provider) in &config.models.providers {
        let mut made = ProviderConfig::new(name.clone(), kind(config, name, provider));
        made.key = keys.remove(name);
        made.window = usize::try_from(provider.window()).unwrap_or(1);
        made.timeouts.first_byte_ms_max = provider.first_byte_s.map(|s| s.saturating_mul(1_000));
        made.timeouts.idle_ms_max = provider.idle_s.saturating_mul(1_000);
        providers.push(made);
    }
    let models = ModelsConfig { providers, routes: routes(config), table };
    match models.check().as_slice() {
        [] => Ok(models),
        wrong => bail!("{}", wrong.join("\n")),
    }
}

fn table(file: Option<&Path>) -> anyhow::Result<ModelTable> {
    let Some(file) = file else { return Ok(ModelTable::built_in()) };
    let shown = file.display();
    let size = std::fs::metadata(file).with_context(|| format!("the table of prices {shown} can't be read"))?.len();
    if size > TABLE_BYTES_MAX {
        bail!(
            "the table of prices {shown} is larger than {TABLE_BYTES_MAX} bytes; name the right file by `models.table`"
        );
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("the table of prices {shown} can't be read"))?;
    ModelTable::parse(&text).map_err(anyhow::Error::msg).with_context(|| format!("{shown} is no table of prices"))
}

fn kind(config: &Config, name: &str, provider: &Provider) -> ProviderKind {
    let base_url = provider.base_url().to_owned();
    match provider.kind {
        // An own table has a default of its own.
        config::ProviderKind::Zai if config.models.table.is_some() => {
            ProviderKind::Zai { base_url, model: provider.model.clone() }
        }
        config::ProviderKind::Zai => {
            ProviderKind::Zai { base_url, model: Some(provider.model.clone().unwrap_or_else(|| ZAI_MODEL.to_owned())) }
        }
        config::ProviderKind::Openai => {
            let own = provider.model.clone().unwrap_or_default();
            let others = others(config, name).into_iter().filter(|other| *other != own);
            let models = std::iter::once(own.clone()).chain(others).map(|model| served(provider, model)).collect();
            ProviderKind::OpenAi { base_url, models }
        }
    }
}

/// Models of an endpoint that routes name beside its own: `provider/model`.
fn others(config: &Config, name: &str) -> BTreeSet<String> {
    let models = &config.models;
    let named = models.routes.all().into_iter().flat_map(|(_, names)| names).chain([&models.default]);
    let of_this = named.filter(|model| provider_of(model) == name);
    of_this.filter_map(|model| model.split_once('/')).map(|(_, model)| model.to_owned()).collect()
}

fn served(provider: &Provider, name: String) -> ModelConfig {
    let (input, output) = (provider.price_input, provider.price_output);
    ModelConfig {
        name,
        prices: Prices { input, output, cached: provider.price_cached.unwrap_or(input) },
        context_tokens: provider.context_tokens,
        takes_tools: provider.tools,
    }
}

/// An empty route is asked as a chat, and an empty chat is the default model alone.
fn routes(config: &Config) -> BTreeMap<Purpose, Vec<String>> {
    let routes = config.models.routes.all().into_iter().filter(|(_, names)| !names.is_empty());
    let of = |name: &str| Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == name);
    let mut routes: BTreeMap<_, _> = routes.filter_map(|(name, names)| Some((of(name)?, names.to_vec()))).collect();
    routes.entry(Purpose::Chat).or_insert_with(|| vec![config.models.default.clone()]);
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str, env: &[(&str, &str)]) -> anyhow::Result<ModelsConfig> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent-runtime.toml");
        std::fs::write(&file, text).unwrap();
        let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = config::LoadOptions { file: Some(file), env: env.clone(), ..config::LoadOptions::default() };
        models(&Config::load(&options)?, &env, &|name| Err(format!("nobody was to ask for `{name}`")))
    }

    const LOCAL: &str = "[models.providers.local]\nkind = 'openai'\nbase_url = 'http://127.0.0.1:1/v1'\nmodel = 'm'\n\
                         price_input = 5\nprice_output = 7\ncontext_tokens = 9\ntools = false\n";

    #[test]
    fn nothing_at_all_is_the_offline_model() {
        let offers = loaded("", &[]).unwrap().offers();
        assert_eq!(offers.all.len(), 1);
        assert_eq!(offers.routes[&Purpose::Chat], ["offline"]);
    }

    #[test]
    fn a_key_of_z_ai_alone_makes_it_the_default() {
        let offers = loaded("", &[("ZAI_API_KEY", "0f3c9d.verySecret")]).unwrap().offers();
        assert_eq!(offers.routes[&Purpose::Chat], ["zai"]);
        assert_eq!(offers.find("zai").unwrap().model, ZAI_MODEL);
        assert!(offers.all.iter().filter(|offer| offer.provider == "zai").count() > 1);
    }

    #[test]
    fn a_wrong_key_is_told_in_words_before_anything_runs() {
        for (key, why) in
            [("", "empty"), ("your-api-key", "placeholder"), ("nodots", "dot"), ("two words", "white space")]
        {
            let told = loaded("", &[("ZAI_API_KEY", key)]).unwrap_err().to_string();
            assert!(told.contains("ZAI_API_KEY") && told.contains(why), "{told}");
        }
    }

    #[test]
    fn an_endpoint_costs_and_takes_what_its_keys_say() {
        let text = format!("{LOCAL}[models]\ndefault = 'local'\n[models.routes]\ntriage = ['local/small', 'local']\n");
        let offers = loaded(&text, &[]).unwrap().offers();
        let own = offers.find("local").unwrap();
        assert_eq!(
            (own.model.as_str(), own.prices, own.context_tokens, own.takes_tools),
            ("m", Prices { input: 5, output: 7, cached: 5 }, 9, false)
        );
        assert_eq!(offers.find("local/small").unwrap().model, "small");
        assert_eq!(offers.routes[&Purpose::Triage], ["local/small", "local"]);
        assert_eq!(offers.routes[&Purpose::Chat], ["local"]);
        assert!(!offers.routes.contains_key(&Purpose::Draft));
    }

    #[test]
    fn a_route_to_a_model_that_is_not_there_is_told() {
        let told = loaded("[models.routes]\nchat = ['zai/glm-0']\n", &[("ZAI_API_KEY", "a1b2c3.d4e5f6")]).unwrap_err();
        assert!(told.to_string().contains("`zai/glm-0` is no model here"), "{told}");
    }

    #[test]
    fn an_own_table_takes_the_place_of_the_built_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("models.toml");
        let own = "dated = '2026-01-01'\n[zai]\ndefault = 'glm-x'\n[[zai.models]]\nname = 'glm-x'\ninput = '1'\noutput = '2'\n\
                   context_tokens = 10\ntakes_tools = true\n";
        std::fs::write(&file, own).unwrap();
        let text = format!("[models]\ntable = '{}'\n", file.display());
        let env = [("ZAI_API_KEY", "0f3c9d.verySecret")];
        let offers = loaded(&text, &env).unwrap().offers();
        assert_eq!((offers.find("zai").unwrap().model.as_str(), offers.all.len()), ("glm-x", 2));
        std::fs::write(&file, "prices").unwrap();
        let told = format!("{:#}", loaded(&text, &env).unwrap_err());
        assert!(told.contains("models.toml is no table of prices"), "{told}");
    }
}
