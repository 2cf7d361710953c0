//! What a context says by itself.

use messages::turn::Turn;
use policy::{ContextFacts as PolicyFacts, Policy, Request, Resource, Role};

use crate::commands;

/// Where and for whom something is said.
pub(super) struct Here<'a> {
    pub(super) policy: &'a Policy,
    pub(super) facts: &'a PolicyFacts,
    pub(super) role: Role,
    pub(super) turn: &'a Turn,
}

impl Here<'_> {
    fn allows(&self, action: policy::Action) -> bool {
        let resource = Resource { context: self.facts, turn_of: Some(&self.turn.principal), tool: None };
        let request = Request { principal: &self.turn.principal, role: self.role, action, resource };
        self.policy.decide(&request).allow()
    }
}

/// `/help`.
pub(super) fn help(here: &Here<'_>) -> String {
    commands::help(|action| here.allows(action))
}

/// `/whoami`.
pub(super) fn whoami(here: &Here<'_>) -> String {
    let turn = here.turn;
    let allowed: Vec<_> =
        policy::Action::ALL.into_iter().filter(|a| here.allows(*a)).map(|a| format!("`{a}`")).collect();
    format!(
        "You are `{}` at the {}, with the role {}. In `{}` of workspace `{}` you may: {}. (policy version {})",
        turn.principal.user,
        turn.principal.connector,
        here.role,
        turn.scope.context,
        turn.scope.workspace,
        allowed.join(", "),
        turn.policy,
    )
}
