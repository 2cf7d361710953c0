//! How rules make a decision.

use crate::DEFAULT_DENY;
use crate::request::{Request, Role};
use crate::rules::Rule;

/// What a rule that matches asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Do not react. Beats everything: a person who is ignored is not told what would have been refused.
    Ignore,
    /// Refuse. Beats `Note` and `Allow`.
    Deny,
    /// Do what is allowed without an answer. Narrows an `Allow`; allows nothing by itself.
    Note,
    /// Do it.
    Allow,
}

/// What is to be done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Do it.
    Allow,
    /// Refuse, and tell the person why.
    Deny,
    /// Do not react, and tell nobody.
    Ignore,
    /// Write it down; no answer is due.
    Note,
}

/// A decision with everything that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done.
    pub verdict: Verdict,
    /// Every rule that made it, by name, in the policy's order; never empty.
    pub rules: Vec<&'static str>,
    /// Why, in one sentence without a full stop.
    pub reason: String,
    /// The version of the policy it was decided under.
    pub version: u64,
}

impl Decision {
    /// It may be done, and is answered.
    #[must_use]
    pub fn allow(&self) -> bool {
        self.verdict == Verdict::Allow
    }
}

/// Ignore beats deny, deny beats note and allow, note narrows allow, and what nothing allows is denied.
pub(crate) fn decide(rules: &[Rule], version: u64, request: &Request<'_>) -> Decision {
    let hits: Vec<&Rule> = rules.iter().filter(|rule| (rule.matches)(request)).collect();
    let has = |effect| hits.iter().any(|rule| rule.effect == effect);
    let (verdict, made_by): (Verdict, &[Effect]) = if has(Effect::Ignore) {
        (Verdict::Ignore, &[Effect::Ignore])
    } else if has(Effect::Deny) {
        (Verdict::Deny, &[Effect::Deny])
    } else if !has(Effect::Allow) {
        return denied_by_default(version, request);
    } else if has(Effect::Note) {
        (Verdict::Note, &[Effect::Note, Effect::Allow])
    } else {
        (Verdict::Allow, &[Effect::Allow])
    };
    let makers = || hits.iter().filter(|rule| made_by.contains(&rule.effect));
    Decision {
        verdict,
        rules: makers().map(|rule| rule.name).collect(),
        reason: makers().map(|rule| rule.because).collect::<Vec<_>>().join("; "),
        version,
    }
}

fn denied_by_default(version: u64, request: &Request<'_>) -> Decision {
    let article = if matches!(request.role, Role::Overlord | Role::Admin | Role::Operator) { "an" } else { "a" };
    let another = request.resource.turn_of.is_some_and(|whose| whose != request.principal);
    let of = if another { " of another person's turn" } else { "" };
    Decision {
        verdict: Verdict::Deny,
        rules: vec![DEFAULT_DENY],
        reason: format!("no rule allows {article} {} to do this here: {}{of}", request.role, request.action),
        version,
    }
}
