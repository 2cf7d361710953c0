//! The models that can be asked: prices, limits, and which is asked for what. Pure data, the same for whoever calls and
//! whoever reserves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::Purpose;
use crate::step::Usage;

/// Tokens that a price is for.
const PRICE_TOKENS: u128 = 1_000_000;

/// Millionths of a dollar for a million tokens: `1_400_000` is $1.40.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// Read.
    pub input: u64,
    /// Written.
    pub output: u64,
    /// Read from the provider's cache.
    pub cached: u64,
}

impl Prices {
    /// What a call costs, rounded up.
    #[must_use]
    pub fn cost(&self, usage: Usage) -> u64 {
        let cached = usage.cached.min(usage.input);
        let parts = [(usage.input - cached, self.input), (cached, self.cached), (usage.output, self.output)];
        let sum: u128 = parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(*price)).sum();
        u64::try_from(sum.div_ceil(PRICE_TOKENS)).unwrap_or(u64::MAX)
    }

    /// Nothing is asked for.
    #[must_use]
    pub fn is_free(&self) -> bool {
        *self == Self::default()
    }
}

/// One model that can be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The name by which routes and contexts know it: a provider's name, or `<provider>/<model>`.
    pub name: String,
    /// The provider's name: it is served at `models/<provider>`.
    pub provider: String,
    /// The model's name at its endpoint.
    pub model: String,
    /// What it costs.
    pub prices: Prices,
    /// Tokens of prompt and answer together that it takes; 0: not known.
    pub context_tokens: u64,
    /// It can be given tools.
    pub takes_tools: bool,
    /// It quotes passages and understands nothing: it can't make a text short.
    #[serde(default)]
    pub quotes_only: bool,
}

/// All models of a node and the chains in which they are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// The models.
    pub all: Vec<Offer>,
    /// For what which are asked, by name, the next when the one before can't. A purpose that is not here is asked as
    /// [`Purpose::Chat`].
    pub routes: BTreeMap<Purpose, Vec<String>>,
}

impl Offers {
    /// The model of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Offer> {
        self.all.iter().find(|offer| offer.name == name)
    }

    /// Those that are asked for a purpose, in order. `allowed` (empty: any) narrows the route; where nothing of the route
    /// is allowed, those that are allowed and there are asked in the order of `allowed`. A provider's name allows all its
    /// models.
    #[must_use]
    pub fn chain(&self, purpose: Purpose, allowed: &[String]) -> Vec<&Offer> {
        let route = self.routes.get(&purpose).or_else(|| self.routes.get(&Purpose::Chat));
        let is_allowed = |offer: &Offer| {
            allowed.is_empty() || allowed.iter().any(|name| *name == offer.name || *name == offer.provider)
        };
        let routed = route.into_iter().flatten().filter_map(|name| self.find(name));
        let chain: Vec<&Offer> = routed.filter(|offer| is_allowed(offer)).collect();
        if !chain.is_empty() {
            return chain;
        }
        allowed.iter().filter_map(|name| self.find(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(name: &str) -> Offer {
        let provider = name.split('/').next().unwrap().to_owned();
        Offer { name: name.into(), provider, ..Offer::default() }
    }

    fn offers() -> Offers {
        let all = ["zai", "zai/flash", "local", "offline"].map(offer).to_vec();
        let route = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let routes = [(Purpose::Chat, route(&["zai", "local"])), (Purpose::Triage, route(&["zai/flash", "gone"]))];
        Offers { all, routes: routes.into_iter().collect() }
    }

    fn chain(purpose: Purpose, allowed: &[&str]) -> Vec<String> {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        offers().chain(purpose, &allowed).iter().map(|offer| offer.name.clone()).collect()
    }

    #[test]
    fn a_route_is_narrowed_by_what_a_context_allows_and_never_widened() {
        assert_eq!(chain(Purpose::Chat, &[]), ["zai", "local"]);
        assert_eq!(chain(Purpose::Triage, &[]), ["zai/flash"]);
        assert_eq!(chain(Purpose::Draft, &[]), ["zai", "local"]);
        assert_eq!(chain(Purpose::Chat, &["local"]), ["local"]);
        assert_eq!(chain(Purpose::Triage, &["zai"]), ["zai/flash"]);
        assert_eq!(chain(Purpose::Chat, &["offline"]), ["offline"]);
        assert_eq!(chain(Purpose::Chat, &["gone"]), Vec::<String>::new());
    }

    #[test]
    fn a_price_is_rounded_up_and_cached_tokens_have_their_own() {
        let prices = Prices { input: 1_400_000, output: 4_400_000, cached: 260_000 };
        let cost = |input, cached, output| prices.cost(Usage { input, output, cached, reasoning: 0 });
        assert_eq!(cost(0, 0, 0), 0);
        assert_eq!(cost(1, 0, 0), 2);
        assert_eq!(cost(1_000_000, 0, 0), 1_400_000);
        assert_eq!(cost(1_000_000, 1_000_000, 0), 260_000);
        assert_eq!(cost(1_000_000, 2_000_000, 1_000_000), 4_660_000);
        assert_eq!(Prices { input: u64::MAX, ..prices }.cost(Usage { input: u64::MAX, ..Usage::default() }), u64::MAX);
    }
}
