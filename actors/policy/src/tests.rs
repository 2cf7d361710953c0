//! The printed matrix, and what holds for every set of rules.

use std::fmt::Write as _;

use messages::tool::Risk;
use messages::turn::Principal;
use proptest::prelude::*;

use super::*;
use crate::core::{Effect, decide};

fn console(user: &str) -> Principal {
    Principal { connector: "console".into(), user: user.into() }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn ask(role: Role, action: Action, context: &ContextFacts, turn_of: Option<&Principal>) -> Decision {
    ask_for(role, action, context, (turn_of, None))
}

fn ask_for(
    role: Role,
    action: Action,
    context: &ContextFacts,
    (turn_of, tool): (Option<&Principal>, Option<Tool<'_>>),
) -> Decision {
    let (principal, resource) = (console("ann"), Resource { context, turn_of, tool });
    Policy::built_in().decide(&Request { principal: &principal, role, action, resource })
}

fn private(owner: &str) -> ContextFacts {
    ContextFacts { owner: Some(owner.into()), ..ContextFacts::default() }
}

/// Every kind of context that the rules tell apart, seen by `ann`.
fn kinds() -> Vec<(&'static str, ContextFacts)> {
    let members = |all: &[&str]| ContextFacts { members: Some(names(all)), ..ContextFacts::default() };
    let mut kinds = vec![
        ("a community workspace", ContextFacts::default()),
        (
            "a community workspace, the context never answers",
            ContextFacts { answers: Answers::Never, ..ContextFacts::default() },
        ),
        ("a community workspace, ann is among the members", members(&["ann", "bob"])),
        ("a community workspace, ann is not among the members", members(&["bob"])),
        ("a community workspace, ann is ignored", ContextFacts { ignore: names(&["ann"]), ..ContextFacts::default() }),
        ("ann's private workspace", private("ann")),
        ("bob's private workspace", private("bob")),
        ("a private workspace that names no owner", private("")),
    ];
    kinds.iter_mut().for_each(|(_, facts)| facts.tools = names(&["listed"]));
    kinds
}

/// One column of the matrix.
struct Column {
    name: String,
    action: Action,
    turn_of: Option<Principal>,
    tool: Option<Tool<'static>>,
}

impl Column {
    fn ask(&self, role: Role, context: &ContextFacts) -> Decision {
        ask_for(role, self.action, context, (self.turn_of.as_ref(), self.tool))
    }
}

/// Every action, and what some of them can be about.
fn columns() -> Vec<Column> {
    let mut columns = Vec::new();
    for action in Action::ALL {
        let mut add = |about: &str, turn_of: Option<Principal>, tool| {
            let name = format!("{action}{about}");
            columns.push(Column { name, action, turn_of, tool });
        };
        match action {
            Action::Stop | Action::TaskControl => {
                add("", None, None);
                add(" own", Some(console("ann")), None);
                add(" bob's", Some(console("bob")), None);
            }
            Action::UseTool => {
                for risk in Risk::ALL {
                    add(&format!(" {risk}"), None, Some(Tool { name: "listed", risk }));
                }
                add(" unlisted", None, Some(Tool { name: "unlisted", risk: Risk::Low }));
            }
            _ => add("", None, None),
        }
    }
    columns
}

#[test]
fn the_matrix_of_role_action_and_kind_is_as_printed() {
    let mut out = format!("policy version {BUILT_IN_VERSION}\n");
    for (kind, facts) in kinds() {
        writeln!(out, "\n# {kind}").unwrap();
        write!(out, "{:<9}", "").unwrap();
        for column in columns() {
            write!(out, "{:<20}", column.name).unwrap();
        }
        for role in Role::ALL {
            write!(out, "\n{:<9}", role.as_str()).unwrap();
            for column in columns() {
                let verdict = format!("{:?}", column.ask(role, &facts).verdict).to_lowercase();
                write!(out, "{verdict:<20}").unwrap();
            }
        }
        out.push('\n');
    }
    let trimmed: Vec<&str> = out.lines().map(str::trim_end).collect();
    insta::assert_snapshot!("matrix", trimmed.join("\n"));
}

/// Each decision once, with the first request that is decided so.
#[test]
fn every_decision_names_its_rules_and_says_why() {
    let mut seen: Vec<(Decision, String)> = Vec::new();
    for (kind, facts) in kinds() {
        for column in columns() {
            for role in Role::ALL {
                let decision = column.ask(role, &facts);
                if !seen.iter().any(|(known, _)| *known == decision) {
                    seen.push((decision, format!("{kind} | {role} | {}", column.name)));
                }
            }
        }
    }
    let line = |(decision, request): &(Decision, String)| {
        format!("{request}\n    {:?} by {}: {}\n", decision.verdict, decision.rules.join(", "), decision.reason)
    };
    insta::assert_snapshot!("reasons", seen.iter().map(line).collect::<String>());
}

#[test]
fn a_stranger_who_takes_a_members_name_at_another_connector_gains_nothing() {
    let stranger = Principal { connector: "telegram".into(), user: "ann".into() };
    let facts = ContextFacts { members: Some(names(&["ann"])), ..ContextFacts::default() };
    let resource = Resource::of(&facts);
    let request = Request { principal: &stranger, role: Role::Member, action: Action::Talk, resource };
    assert_eq!(Policy::built_in().decide(&request).rules, ["context-members-only"]);

    let named = ContextFacts { members: Some(names(&["telegram:ann"])), ..ContextFacts::default() };
    let resource = Resource::of(&named);
    assert!(Policy::built_in().decide(&Request { resource, ..request }).allow());
}

#[test]
fn a_turn_of_the_same_name_at_another_connector_is_not_ones_own() {
    let other = Principal { connector: "telegram".into(), user: "ann".into() };
    assert!(!ask(Role::Member, Action::Stop, &ContextFacts::default(), Some(&other)).allow());
}

#[test]
fn a_star_allows_every_tool_and_no_role_may_use_what_is_critical() {
    let facts = ContextFacts { tools: names(&["*"]), ..ContextFacts::default() };
    let may = |risk| {
        let tool = Some(Tool { name: "anything", risk });
        ask_for(Role::Overlord, Action::UseTool, &facts, (None, tool)).allow()
    };
    assert_eq!(Risk::ALL.map(may), [true, true, false, false]);
}

#[test]
fn both_denies_are_named_when_both_refuse() {
    let facts = ContextFacts { members: Some(Vec::new()), ..private("bob") };
    let decision = ask(Role::Overlord, Action::Talk, &facts, None);
    assert_eq!(decision.rules, ["private-workspace-owner-only", "context-members-only"]);
}

#[test]
fn every_rule_is_named_once_and_explained() {
    let policy = Policy::built_in();
    for rule in rules::BUILT_IN {
        assert_eq!(policy.explain(rule.name), Some(rule.because));
        assert_eq!(rules::BUILT_IN.iter().filter(|other| other.name == rule.name).count(), 1, "{}", rule.name);
        assert_ne!(rule.name, DEFAULT_DENY);
    }
    assert!(policy.explain(DEFAULT_DENY).is_some());
    assert_eq!(policy.explain("no-such-rule"), None);
}

#[test]
fn names_are_read_back_as_they_are_written() {
    for role in Role::ALL {
        assert_eq!(Role::parse(role.as_str()), Some(role));
    }
    for action in Action::ALL {
        assert_eq!(Action::parse(action.as_str()), Some(action));
    }
    assert_eq!(Role::parse("root"), None);
    assert_eq!(Action::parse("help"), None);
}

/// A fixed rule for each effect, so that any mixture of effects can be made.
fn made_of(effects: &[Effect]) -> Vec<Rule> {
    let rule = |effect: &Effect| {
        let name = match effect {
            Effect::Ignore => "ignore",
            Effect::Deny => "deny",
            Effect::Note => "note",
            Effect::Allow => "allow",
        };
        Rule { name, effect: *effect, because: name, matches: |_| true }
    };
    effects.iter().map(rule).collect()
}

fn any_effects() -> impl Strategy<Value = Vec<Effect>> {
    proptest::collection::vec(
        prop_oneof![Just(Effect::Ignore), Just(Effect::Deny), Just(Effect::Note), Just(Effect::Allow)],
        0..8,
    )
}

fn any_role() -> impl Strategy<Value = Role> {
    proptest::sample::select(&Role::ALL[..])
}

fn any_action() -> impl Strategy<Value = Action> {
    proptest::sample::select(&Action::ALL[..])
}

fn any_people() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(proptest::sample::select(vec!["ann", "bob", "console:ann", "telegram:ann", ""]), 0..3)
        .prop_map(|all| names(&all))
}

prop_compose! {
    fn any_facts()(
        members in proptest::option::of(any_people()),
        ignore in any_people(),
        never in any::<bool>(),
        owner in proptest::option::of(proptest::sample::select(vec!["ann", "bob", ""])),
    ) -> ContextFacts {
        let answers = if never { Answers::Never } else { Answers::Always };
        ContextFacts { members, ignore, answers, owner: owner.map(str::to_owned), tools: Vec::new() }
    }
}

proptest! {
    #[test]
    fn without_rules_everything_is_denied(role in any_role(), action in any_action(), facts in any_facts()) {
        let principal = console("ann");
        let resource = Resource::of(&facts);
        let decision = decide(&[], 1, &Request { principal: &principal, role, action, resource });
        prop_assert_eq!(decision.verdict, Verdict::Deny);
        prop_assert_eq!(decision.rules, vec![DEFAULT_DENY]);
    }

    #[test]
    fn deny_beats_allow_and_nothing_but_allow_allows(effects in any_effects()) {
        let (principal, facts) = (console("ann"), ContextFacts::default());
        let resource = Resource::of(&facts);
        let request = Request { principal: &principal, role: Role::Overlord, action: Action::Talk, resource };
        let decision = decide(&made_of(&effects), 1, &request);
        let has = |effect| effects.contains(&effect);
        let expected = match (has(Effect::Ignore), has(Effect::Deny), has(Effect::Allow), has(Effect::Note)) {
            (true, ..) => Verdict::Ignore,
            (_, true, ..) | (_, _, false, _) => Verdict::Deny,
            (_, _, true, true) => Verdict::Note,
            (_, _, true, false) => Verdict::Allow,
        };
        prop_assert_eq!(decision.verdict, expected);
        prop_assert!(!decision.rules.is_empty() && !decision.reason.is_empty());
    }

    #[test]
    fn the_order_of_the_rules_changes_no_verdict(effects in any_effects()) {
        let (principal, facts) = (console("ann"), ContextFacts::default());
        let resource = Resource::of(&facts);
        let request = Request { principal: &principal, role: Role::Member, action: Action::Talk, resource };
        let mut rules = made_of(&effects);
        let forward = decide(&rules, 1, &request).verdict;
        rules.reverse();
        prop_assert_eq!(forward, decide(&rules, 1, &request).verdict);
    }

    #[test]
    fn the_order_in_which_a_file_lists_people_changes_nothing(role in any_role(), action in any_action(), facts in any_facts()) {
        let mut turned = facts.clone();
        turned.ignore.reverse();
        turned.members.iter_mut().for_each(|members| members.reverse());
        prop_assert_eq!(ask(role, action, &facts, None), ask(role, action, &turned, None));
    }

    #[test]
    fn a_more_trusted_role_is_never_refused_what_a_lesser_one_may(
        action in any_action(), facts in any_facts(), own in any::<bool>(),
    ) {
        let turn_of = console(if own { "ann" } else { "bob" });
        let allowed: Vec<bool> =
            Role::ALL.iter().rev().map(|role| ask(*role, action, &facts, Some(&turn_of)).verdict != Verdict::Deny).collect();
        prop_assert!(allowed.is_sorted(), "{allowed:?}");
    }

    #[test]
    fn nobody_but_the_owner_is_let_into_a_private_workspace(role in any_role(), action in any_action(), facts in any_facts()) {
        let facts = ContextFacts { owner: Some("bob".into()), ..facts };
        prop_assert!(matches!(ask(role, action, &facts, None).verdict, Verdict::Deny | Verdict::Ignore));
    }
}
