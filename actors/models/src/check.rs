//! What is wrong with a configuration of models, in words. Pure.

use messages::Address;
use messages::model::Purpose;

use crate::config::{ModelsConfig, ProviderConfig, ProviderKind, WINDOW_MAX};
use crate::openai::endpoint;
use crate::table::ModelTable;

/// Changes by which a name may be off and still be meant.
const CHANGES_MAX: usize = 3;

impl ModelsConfig {
    /// All that is wrong, one sentence each; empty: it works. An address is only read, not called.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (at, provider) in self.providers.iter().enumerate() {
            let name = &provider.name;
            if self.providers.iter().take(at).any(|other| other.name == *name) {
                told.push(format!("models: two providers are named `{name}`; rename one"));
            }
            told.extend(
                wrong_with(provider, &self.table).into_iter().map(|what| format!("models.providers.{name}: {what}")),
            );
        }
        if !self.routes.contains_key(&Purpose::Chat) {
            told.push("models: nothing says which model answers a chat; name one".to_owned());
        }
        let names: Vec<String> = self.offers().all.into_iter().map(|offer| offer.name).collect();
        for (purpose, chain) in &self.routes {
            let of = format!("models: the route `{}`", purpose.as_str());
            if chain.is_empty() {
                told.push(format!("{of} names no model; name one, or leave the route out"));
            }
            let unknown = chain.iter().filter(|name| !names.contains(name));
            told.extend(unknown.map(|name| format!("{of}: `{name}` is no model here{}", self.meant(name, &names))));
        }
        told
    }

    /// What was meant by a name that is none.
    fn meant(&self, name: &str, names: &[String]) -> String {
        let served = |provider: &ProviderConfig| provider.served(&self.table).into_iter().next();
        let defaults = self.providers.iter().filter_map(served);
        for offer in defaults.map(|one| one.offer) {
            if name == format!("{}/{}", offer.provider, offer.model) {
                return format!(
                    "; `{}` is the default model of `{}`: write `{}`",
                    offer.model, offer.provider, offer.name
                );
            }
        }
        match nearest(name, names) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => format!(" (known: {})", names.join(", ")),
        }
    }
}

fn wrong_with(provider: &ProviderConfig, table: &ModelTable) -> Vec<String> {
    let mut told = Vec::new();
    let name = &provider.name;
    if Address::parse(name).is_err() || name.contains('/') {
        told.push(format!("{name:?} can't be a provider's name; use a-z, 0-9, - and _"));
    }
    if !(1..=WINDOW_MAX).contains(&provider.window) {
        told.push(format!("`window` is {}; it must be from 1 to {WINDOW_MAX}", provider.window));
    }
    if let Some(Err(what)) = provider.kind.base_url().map(|url| endpoint(url, provider.key.is_some())) {
        told.push(what);
    }
    told.extend(wrong_models(&provider.kind, table));
    told
}

fn wrong_models(kind: &ProviderKind, table: &ModelTable) -> Option<String> {
    match kind {
        ProviderKind::Offline => None,
        ProviderKind::OpenAi { models, .. } => {
            let twice = |at: usize, name: &str| models.iter().take(at).any(|other| other.name == name);
            if models.is_empty() || models.iter().any(|model| model.name.trim().is_empty()) {
                return Some("`model` is empty; name the model as the endpoint knows it".to_owned());
            }
            let double = models.iter().enumerate().find(|(at, model)| twice(*at, &model.name));
            double.map(|(_, model)| format!("the model `{}` is there twice; keep one", model.name))
        }
        ProviderKind::Zai { model, .. } => {
            let names: Vec<String> = table.zai.models.iter().map(|known| known.name.clone()).collect();
            let gone = model.as_ref().filter(|name| !names.contains(name))?;
            let meant = nearest(gone, &names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let dated = &table.dated;
            Some(format!("`{gone}` is no model of the table of {dated}{meant} (known: {})", names.join(", ")))
        }
    }
}

/// The name that is the fewest changes away, if it is near enough to be meant.
fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a String> {
    let near = names.iter().map(|known| (changes(name, known), known)).min_by_key(|(far, _)| *far);
    near.filter(|(far, known)| *far <= CHANGES_MAX && *far < known.chars().count()).map(|(_, known)| known)
}

/// Characters to put, drop or change to make one text of the other (Levenshtein).
fn changes(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, char) in from.chars().enumerate() {
        let mut corner = at;
        let mut left = at + 1;
        let mut next = vec![left];
        for (other, above) in to.iter().zip(row.iter().skip(1)) {
            left = (corner + usize::from(char != *other)).min(left + 1).min(above + 1);
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelConfig;

    fn offline(name: &str) -> ProviderConfig {
        ProviderConfig::new(name, ProviderKind::Offline)
    }

    fn zai(model: Option<&str>) -> ProviderConfig {
        let base_url = "https://api.z.ai/api/paas/v4".to_owned();
        ProviderConfig::new("zai", ProviderKind::Zai { base_url, model: model.map(str::to_owned) })
    }

    fn told(config: &ModelsConfig) -> String {
        config.check().join("\n")
    }

    fn routed(purpose: Purpose, names: &[&str]) -> ModelsConfig {
        let mut config = ModelsConfig::new("zai", vec![zai(None), offline("offline")]);
        config.routes.insert(purpose, names.iter().map(|name| (*name).to_owned()).collect());
        config
    }

    #[test]
    fn what_works_has_nothing_told_of_it() {
        assert_eq!(ModelsConfig::offline().check(), Vec::<String>::new());
        assert_eq!(routed(Purpose::Triage, &["zai/glm-5.3-flash", "zai", "offline"]).check(), Vec::<String>::new());
    }

    #[test]
    fn every_wrong_thing_is_told_with_what_to_do() {
        let of = |providers: Vec<ProviderConfig>| ModelsConfig::new("a", providers);
        let openai = |models: Vec<ModelConfig>| {
            ProviderConfig::new("a", ProviderKind::OpenAi { base_url: "https://a.example/v1".into(), models })
        };
        let twice = vec![ModelConfig::new("m"), ModelConfig::new("m")];
        for (config, why) in [
            (of(vec![offline("a"), offline("a")]), "two providers are named `a`"),
            (of(vec![offline("a"), offline("a/b")]), "can't be a provider's name"),
            (of(vec![ProviderConfig { window: 0, ..offline("a") }]), "`window` is 0; it must be from 1 to 4096"),
            (of(vec![ProviderConfig { window: WINDOW_MAX + 1, ..offline("a") }]), "`window` is 4097"),
            (of(vec![ProviderConfig::new("a", ProviderKind::openai("a.example", "m"))]), "is not an address"),
            (of(vec![openai(vec![])]), "`model` is empty"),
            (of(vec![openai(vec![ModelConfig::new(" ")])]), "`model` is empty"),
            (of(vec![openai(twice)]), "the model `m` is there twice"),
            (of(vec![]), "`a` is no model here"),
            (ModelsConfig::new("zai", vec![zai(Some("glm-5.4"))]), "did you mean `glm-5.3`?"),
            (routed(Purpose::Draft, &[]), "the route `draft` names no model"),
            (
                routed(Purpose::Draft, &["zai/glm-4.7-flsh"]),
                "the route `draft`: `zai/glm-4.7-flsh` is no model here; did you mean `zai/glm-4.7-flash`?",
            ),
            (routed(Purpose::Chat, &["zai/glm-5.2"]), "`glm-5.2` is the default model of `zai`: write `zai`"),
            (routed(Purpose::Chat, &["something-else"]), "(known: zai, "),
            (ModelsConfig { routes: [].into(), ..ModelsConfig::offline() }, "which model answers a chat"),
        ] {
            assert!(told(&config).contains(why), "{why}: {}", told(&config));
        }
    }

    #[test]
    fn how_far_two_names_are_apart() {
        for (a, b, far) in [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("zai", "zia", 2)] {
            assert_eq!(changes(a, b), far, "{a} {b}");
        }
        assert_eq!(nearest("b", &["a".to_owned()]), None, "nothing is left of it");
    }
}
