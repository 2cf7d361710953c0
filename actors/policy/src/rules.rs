//! The rules that are built in: each has a name, an effect, a clause for people, and a condition.

use crate::core::Effect;
use crate::request::{Action, Answers, Request, Role};

/// One named rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Recorded with decisions and shown by `/why`; never used again for another meaning.
    pub(crate) name: &'static str,
    pub(crate) effect: Effect,
    /// Why, as the end of a sentence.
    pub(crate) because: &'static str,
    pub(crate) matches: fn(&Request<'_>) -> bool,
}

/// In the order in which a decision names them.
pub(crate) const BUILT_IN: &[Rule] = &[
    Rule {
        name: "context-ignores-person",
        effect: Effect::Ignore,
        because: "this context does not react to this person (`ignore` in context.md)",
        matches: |r| r.resource.context.ignore.iter().any(|name| r.is_by(name)),
    },
    Rule {
        name: "private-workspace-owner-only",
        effect: Effect::Deny,
        because: "a private workspace is open to nobody but its owner (`owner` in workspace.md)",
        matches: |r| r.resource.context.owner.as_deref().is_some_and(|owner| !r.is_by(owner)),
    },
    Rule {
        name: "context-members-only",
        effect: Effect::Deny,
        because: "this context is open to its members only (`members` in context.md)",
        matches: |r| r.resource.context.members.as_ref().is_some_and(|all| !all.iter().any(|name| r.is_by(name))),
    },
    Rule {
        name: "context-never-answers",
        effect: Effect::Note,
        because: "talk in this context is written down and not answered (`answers` in context.md)",
        matches: |r| r.action == Action::Talk && r.resource.context.answers == Answers::Never,
    },
    Rule {
        name: "everyone-may-look",
        effect: Effect::Allow,
        because: "every role may look and search",
        matches: |r| {
            use Action::{Help, Open, Search, Status, Whoami, Why};
            matches!(r.action, Help | Whoami | Status | Search | Open | Why)
        },
    },
    Rule {
        name: "members-may-talk",
        effect: Effect::Allow,
        because: "members and above may talk and begin afresh",
        matches: |r| r.role >= Role::Member && matches!(r.action, Action::Talk | Action::New),
    },
    Rule {
        name: "members-may-stop-their-own",
        effect: Effect::Allow,
        because: "members and above may stop a turn of their own, or ask when nothing runs",
        matches: |r| {
            let own = r.resource.turn_of.is_none_or(|whose| whose == r.principal);
            r.role >= Role::Member && r.action == Action::Stop && own
        },
    },
    Rule {
        name: "operators-may-stop-any",
        effect: Effect::Allow,
        because: "operators and above may stop any turn",
        matches: |r| r.role >= Role::Operator && r.action == Action::Stop,
    },
];
