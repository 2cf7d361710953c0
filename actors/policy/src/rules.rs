//! The rules that are built in: each has a name, an effect, a clause for people, and a condition.

use messages::tool::Risk;

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
        name: "context-allows-its-tools-only",
        effect: Effect::Deny,
        because: "this context does not allow this tool (`tools` in context.md)",
        matches: |r| {
            r.resource.tool.is_some_and(|tool| !r.resource.context.tools.iter().any(|t| t == tool.name || t == "*"))
        },
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
            use Action::{Help, Memory, Open, Search, Status, Tasks, Whoami, Why};
            matches!(r.action, Help | Whoami | Status | Search | Open | Why | Tasks | Memory)
        },
    },
    Rule {
        name: "members-may-talk",
        effect: Effect::Allow,
        because: "members and above may talk, begin afresh and have tasks done",
        matches: |r| r.role >= Role::Member && matches!(r.action, Action::Talk | Action::New | Action::Task),
    },
    Rule {
        name: "members-may-forget",
        effect: Effect::Allow,
        because: "members and above may take out what a context keeps of its conversation",
        matches: |r| r.role >= Role::Member && r.action == Action::Forget,
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
    Rule {
        name: "members-may-steer-their-own-tasks",
        effect: Effect::Allow,
        because: "members and above may cancel, retry and discard tasks of their own",
        matches: |r| {
            let own = r.resource.turn_of.is_none_or(|whose| whose == r.principal);
            r.role >= Role::Member && r.action == Action::TaskControl && own
        },
    },
    Rule {
        name: "operators-may-steer-any-task",
        effect: Effect::Allow,
        because: "operators and above may cancel, retry and discard any task",
        matches: |r| r.role >= Role::Operator && r.action == Action::TaskControl,
    },
    Rule {
        name: "members-may-use-low-risk-tools",
        effect: Effect::Allow,
        because: "tools that only read, or answer where they were asked, may work for members and above",
        matches: |r| r.role >= Role::Member && uses(r, Risk::Low),
    },
    Rule {
        name: "operators-may-use-medium-risk-tools",
        effect: Effect::Allow,
        because: "tools that change the workspace's files may work for operators and above",
        matches: |r| r.role >= Role::Operator && uses(r, Risk::Medium),
    },
];

/// A tool of this risk would be used.
fn uses(request: &Request<'_>, risk: Risk) -> bool {
    request.action == Action::UseTool && request.resource.tool.is_some_and(|tool| tool.risk == risk)
}
