//! Who may do what, and why: pure decisions.
//!
//! The actor that owns a resource gathers the facts, asks [`Policy::decide`], and records the [`Decision`] with what it
//! does. This crate reads no clock, no file and no state of its own: the same request under the same version always
//! gives the same decision.
//!
//! - What no rule allows is denied, under the name [`DEFAULT_DENY`].
//! - An explicit deny beats any allow, whatever the role.
//! - A decision names every rule that made it, and says in one sentence why.
//!
//! What may be called: [`Policy::built_in`], [`Policy::decide`], [`Policy::explain`], and for the console's users
//! [`console_role`]. The words are [`Role`], [`Action`], [`ContextFacts`], [`Resource`], [`Tool`], [`Request`], [`Verdict`].

mod console;
mod core;
mod request;
mod rules;

pub use crate::core::{Decision, Verdict};
pub use console::console_role;
pub use request::{Action, Answers, ContextFacts, Request, Resource, Role, Tool};

use rules::Rule;

/// The name under which a request is denied that no rule allows.
pub const DEFAULT_DENY: &str = "default-deny";

/// The version of the rules that are built in. It goes up whenever a decision of the printed matrix changes.
pub const BUILT_IN_VERSION: u64 = 3;

/// A set of rules under one version. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Recorded with every turn that was decided under it.
    pub version: u64,
    rules: &'static [Rule],
}

impl Policy {
    /// The rules that come with the program.
    #[must_use]
    pub fn built_in() -> Self {
        Self { version: BUILT_IN_VERSION, rules: rules::BUILT_IN }
    }

    /// May this principal do this to that, and why.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        core::decide(self.rules, self.version, request)
    }

    /// What a rule says, in one clause, for `/why`; `None` for a name that this version does not have.
    #[must_use]
    pub fn explain(&self, rule: &str) -> Option<&'static str> {
        if rule == DEFAULT_DENY {
            return Some("what no rule allows is denied");
        }
        self.rules.iter().find(|r| r.name == rule).map(|r| r.because)
    }
}

#[cfg(test)]
mod tests;
