//! Which models are asked, in which order, and what ends that. Pure.

use messages::model::{Action, Billed, Class, Failure, Request};
use messages::offer::{Offer, Offers};

/// Names shown in a message before the rest is only counted.
const NAMES_SHOWN_MAX: usize = 8;

/// The models that are asked for a request: its route, narrowed by what its context allows, without those that gave
/// nothing already. Where that leaves none, the last is asked again.
pub(crate) fn chain<'a>(offers: &'a Offers, request: &Request) -> Result<Vec<&'a Offer>, Box<Failure>> {
    let all = offers.chain(request.purpose, &request.allowed);
    let left: Vec<&Offer> = all.iter().copied().filter(|offer| !request.avoid.contains(&offer.name)).collect();
    match (left.is_empty(), all.last()) {
        (false, _) => Ok(left),
        (true, Some(last)) => Ok(vec![last]),
        (true, None) => Err(Box::new(not_allowed(offers, &request.allowed))),
    }
}

/// Whether whoever runs the node must hear of it.
pub(crate) fn tells_admin(class: Class) -> bool {
    matches!(class.action(), Action::FailAndTellAdmin | Action::ParkAndTellAdmin)
}

/// Whether the next model may be asked in the same call: nothing was paid, and another model may do better.
fn goes_on(failure: &Failure) -> bool {
    let passes_on = match failure.class.action() {
        Action::RetryThenFallBack
        | Action::RetryOnceThenFallBack
        | Action::FallBack
        | Action::ParkUntilReset
        | Action::FailAndTellAdmin
        | Action::ParkAndTellAdmin => true,
        Action::Fail | Action::BackOff | Action::Retry | Action::Compact | Action::Refuse => false,
    };
    passes_on && failure.billed == Billed::Nothing
}

/// What the models of a chain have answered so far.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    last: Option<Failure>,
    /// The quota that is reset first.
    quota: Option<Failure>,
}

impl Tried {
    /// Takes the failure of the model that was asked last; gives it back when that ends it.
    pub(crate) fn failed(&mut self, failure: Failure) -> Option<Failure> {
        if !goes_on(&failure) {
            return Some(failure);
        }
        if failure.class == Class::Quota && self.quota.as_ref().is_none_or(|first| is_sooner(&failure, first)) {
            self.quota = Some(failure.clone());
        }
        self.last = Some(failure);
        None
    }

    /// No model is left: the quota that is reset first if there is one, else what failed last.
    pub(crate) fn ended(self) -> Option<Failure> {
        self.quota.or(self.last)
    }
}

/// One that says when comes before one that does not.
fn is_sooner(one: &Failure, other: &Failure) -> bool {
    match (one.retry_at, other.retry_at) {
        (Some(one), Some(other)) => one < other,
        (one, other) => one.is_some() && other.is_none(),
    }
}

fn not_allowed(offers: &Offers, allowed: &[String]) -> Failure {
    let have: Vec<String> = offers.all.iter().map(|offer| offer.name.clone()).collect();
    Failure {
        class: Class::NotAllowed,
        message: format!("This context allows only the models {}; this node has {}.", names(allowed), names(&have)),
        advice: "Name one of this node's models under `models` in the context's context.md, or add the missing one under `[models.providers]` in agent-runtime.toml.".to_owned(),
        model: String::new(),
        billed: Billed::Nothing,
        retry_at: None,
    }
}

fn names(all: &[String]) -> String {
    let shown: Vec<_> = all.iter().take(NAMES_SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    match all.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
