//! Calls that may not be made: the model is told, and nothing is done.

use messages::model::Purpose;
use messages::step::StepStatus;
use messages::tool::ARGUMENTS_BYTES_MAX;
use rstest::rstest;

use super::super::{End, Todo, Used, spent};
use super::desk::{Desk, brief, turn_brief};

type Change = fn(&mut Desk);

fn anyone(_: &mut Desk) {}
fn no_tools(desk: &mut Desk) {
    desk.people.tools.clear();
}
fn members(desk: &mut Desk) {
    desk.people.members = Some(vec!["bob".into()]);
}
fn only_look_when_made(desk: &mut Desk) {
    desk.run.brief.tools = vec!["look".into()];
}
fn of_a_member(desk: &mut Desk) {
    desk.run.brief.turn.principal.user = "bob".into();
}
fn of_a_stranger(desk: &mut Desk) {
    desk.run.brief.turn.principal.connector = "telegram".into();
}
fn a_turn(desk: &mut Desk) {
    desk.run.brief = turn_brief("ann");
}

#[rstest]
#[case::a_tool_that_is_not_there(anyone, "format_disk", "{}", "there is no tool `format_disk`")]
#[case::a_name_that_is_no_name(anyone, "look\u{7}\nnow", "{}", "there is no tool `look")]
#[case::one_that_the_context_does_not_allow(no_tools, "look", "{}", "context-allows-its-tools-only")]
#[case::one_of_whom_the_context_is_closed_to(members, "look", "{}", "context-members-only")]
#[case::one_that_was_not_allowed_when_it_was_made(
    only_look_when_made,
    "write",
    "{}",
    "not allowed when this work was made"
)]
#[case::one_that_the_role_may_not_use(of_a_member, "write", "{}", "no rule allows a member")]
#[case::one_of_a_stranger(of_a_stranger, "look", "{}", "no rule allows a viewer")]
#[case::one_for_tasks_in_a_turn(a_turn, "post", r#"{"text":"hi"}"#, "is for tasks")]
#[case::arguments_that_are_no_json(anyone, "write", r#"{"path":"#, "not valid JSON")]
#[case::arguments_that_are_no_object(anyone, "write", r#"["path"]"#, "no JSON object")]
#[case::arguments_that_are_missing(anyone, "look", "", "not valid JSON")]
#[case::a_subtask_with_arguments_that_are_no_json(anyone, "spawn_task", "{", "not valid JSON")]
fn a_call_that_may_not_be_made_is_told_to_the_model_and_nothing_is_used(
    #[case] change: Change,
    #[case] tool: &str,
    #[case] arguments: &str,
    #[case] words: &str,
) {
    let mut desk = Desk::new(brief("ann"));
    change(&mut desk);
    desk.go();
    desk.calls(&[(tool, arguments)]);
    assert!(desk.used.is_empty(), "{:?}", desk.used);
    let told = desk.told();
    assert!(told.len() == 1 && told[0].starts_with("Refused: ") && told[0].contains(words), "{told:?}");
    assert!(!told[0].contains('\u{7}'), "control characters of a model go nowhere");
    assert_eq!((desk.refused(), desk.audited("tool.refused"), desk.audited("tool.used")), (1, 1, 0));
    assert_eq!(spent(desk.steps()).tool_calls, 0);
    desk.says("done");
    desk.end();
}

#[test]
fn arguments_have_a_limit_and_up_to_it_they_are_used() {
    for (bytes, may) in [(ARGUMENTS_BYTES_MAX, true), (ARGUMENTS_BYTES_MAX + 1, false)] {
        let mut brief = brief("ann");
        brief.budget.input_tokens = u64::MAX;
        let mut desk = Desk::new(brief);
        desk.go();
        let arguments = format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert_eq!(arguments.len(), bytes);
        desk.calls(&[("look", &arguments)]);
        assert_eq!((desk.used.len(), desk.refused()), (usize::from(may), usize::from(!may)));
    }
}

#[test]
fn policy_decides_each_use_at_the_moment_it_is_made() {
    let mut desk = Desk::begun();
    desk.calls(&[("write", r#"{"n":1}"#), ("write", r#"{"n":2}"#)]);
    desk.people.tools.clear();
    desk.gives("written");
    assert_eq!(desk.used.len(), 1, "the first was under way, the second is not allowed any more");
    assert!(desk.told()[1].contains("context-allows-its-tools-only"));
}

#[test]
fn the_results_of_all_calls_of_an_answer_are_told_in_their_order() {
    let mut desk = Desk::begun();
    desk.calls(&[
        ("look", r#"{"n":1}"#),
        ("nothing_of_the_kind", "{}"),
        ("post", r#"{"text":"on it"}"#),
        ("write", r#"{"n":2}"#),
        ("look", r#"{"n":3}"#),
    ]);
    desk.gives("first");
    desk.uses(Used::Failed("It is not there.".into()));
    assert_eq!(desk.asked.len(), 1, "no model is asked before all of them have ended");
    desk.gives("last");
    let told = desk.told();
    assert_eq!([&*told[0], &*told[2], &*told[3], &*told[4]], ["first", "Posted.", "It is not there.", "last"]);
    assert!(told[1].starts_with("Refused: "));
    let calls = &desk.asked[1].exchanges[0].calls;
    assert_eq!((calls.len(), told.len()), (5, 5));
    // The same is told when the run begins again from its rows.
    desk.crash();
    desk.go();
    assert_eq!(desk.told(), told);
}

#[test]
fn only_what_would_be_allowed_is_offered() {
    let offered = |change: Change| {
        let mut desk = Desk::new(brief("ann"));
        change(&mut desk);
        desk.go();
        desk.asked[0].tools.iter().map(|tool| tool.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(offered(anyone), ["look", "write", "mail", "spawn_task", "post"]);
    assert_eq!(offered(of_a_member), ["look", "spawn_task", "post"]);
    assert_eq!(offered(a_turn), ["look", "write", "mail", "spawn_task"]);
    assert_eq!(offered(only_look_when_made), ["look"]);
    assert_eq!(offered(no_tools), Vec::<String>::new());
    let quotes: Change = |desk| desk.run.brief.purpose = Purpose::Draft;
    assert_eq!(offered(quotes), Vec::<String>::new());
}

#[test]
fn what_changes_something_is_audited_and_what_only_reads_is_not() {
    let mut desk = Desk::begun();
    desk.calls(&[("look", "{}"), ("write", "{}")]);
    desk.gives("seen");
    assert_eq!(desk.audited("tool.used"), 1);
    assert_eq!(desk.last_status(), StepStatus::Started, "the mark comes before the deed");
    assert!(matches!(desk.todo, Some(Todo::Use(_))));
}

#[test]
fn a_use_that_had_begun_and_is_not_allowed_any_more_is_in_doubt_and_not_refused() {
    let mut desk = Desk::begun();
    desk.calls(&[("write", "{}")]);
    desk.crash();
    desk.people.tools.clear();
    desk.go();
    assert_eq!(desk.steps().last().unwrap().status, StepStatus::Unknown);
    assert!(matches!(&desk.todo, Some(Todo::End(End::InDoubt(words))) if words.contains("not allowed any more")));
}
