//! A run that begins again goes on where its journal ends.

use messages::step::{StepStatus, What};
use rstest::rstest;

use super::super::{End, Todo, Used};
use super::desk::{Desk, brief};

#[test]
fn a_model_that_has_answered_is_not_asked_again() {
    let mut desk = Desk::begun();
    desk.calls(&[("look", r#"{"n":1}"#), ("write", r#"{"n":2}"#)]);
    desk.crash();
    desk.go();
    assert_eq!((desk.asked.len(), desk.used.len()), (1, 2), "the tool is used, the model is not asked");
    desk.gives("seen");
    desk.gives("written");
    desk.says("done");
    desk.crash();
    desk.go();
    assert!(matches!(desk.end(), End::Answer(answer) if answer.text == "done" && answer.model == "big"));
    assert_eq!(desk.asked.len(), 2);
}

#[test]
fn a_question_that_was_cut_off_is_asked_again_and_what_it_had_reserved_is_charged() {
    let mut desk = Desk::begun();
    let reserve = desk.steps()[0].reserve.clone().unwrap();
    desk.crash();
    desk.go();
    assert_eq!((desk.asked.len(), desk.asked[0] == desk.asked[1]), (2, true));
    desk.says("done");
    let step = &desk.steps()[0];
    assert_eq!((step.attempt, step.micro_usd), (2, reserve.micro_usd + 140));
    assert_eq!(step.usage.tokens(), reserve.tokens + 110);
}

#[rstest]
#[case::one_that_changes_nothing("look", None, false)]
#[case::one_whose_sink_can_be_asked("write", Some(StepStatus::Started), true)]
fn a_tool_that_was_cut_off_is_used_again_if_that_is_safe(
    #[case] tool: &str,
    #[case] mark: Option<StepStatus>,
    #[case] again: bool,
) {
    let mut desk = Desk::begun();
    desk.calls(&[(tool, "{}")]);
    assert_eq!(desk.steps().get(1).map(|step| step.status), mark, "what can be repeated at will needs no mark");
    desk.crash();
    desk.go();
    let keys: Vec<_> = desk.used.iter().map(|of| (of.work.clone(), of.seq, of.again)).collect();
    let work = desk.run.brief.work.clone();
    assert_eq!(keys, [(work.clone(), 1, false), (work, 1, again)], "the same key, and the sink is told");
    desk.gives("done");
    assert_eq!(desk.told(), ["done"]);
}

#[test]
fn a_tool_that_can_not_be_repeated_is_in_doubt_when_it_was_cut_off_and_is_used_again_only_when_it_is_said() {
    let mut desk = Desk::begun();
    desk.calls(&[("mail", "{}")]);
    desk.crash();
    desk.go();
    assert_eq!(desk.used.len(), 1);
    assert!(matches!(desk.end(), End::InDoubt(words) if words.contains("`mail` had begun")));
    assert_eq!(desk.last_status(), StepStatus::Unknown);
    // Whoever lets it go on from here has looked.
    desk.crash();
    desk.go();
    assert_eq!((desk.used.len(), desk.used[1].again), (2, true));
    desk.crash();
    desk.go();
    assert!(matches!(desk.end(), End::InDoubt(_)), "and again nobody knows");
}

#[rstest]
#[case::changes_nothing("look", StepStatus::Failed)]
#[case::can_be_asked("write", StepStatus::Started)]
fn a_tool_that_gives_no_answer_ends_this_run_and_another_finds_out(#[case] tool: &str, #[case] status: StepStatus) {
    let mut desk = Desk::begun();
    desk.calls(&[(tool, "{}")]);
    desk.uses(Used::Cut("the service is gone".into()));
    assert_eq!(desk.failure(), ("the service is gone.", true));
    assert_eq!(desk.last_status(), status);
    desk.crash();
    desk.go();
    if tool == "write" {
        assert!(desk.used[1].again);
    } else {
        assert_eq!(desk.told(), ["the service is gone"]);
    }
}

#[test]
fn a_tool_that_can_not_be_repeated_and_gives_no_answer_is_in_doubt() {
    let mut desk = Desk::begun();
    desk.calls(&[("mail", "{}")]);
    desk.uses(Used::Cut("the service is gone.".into()));
    assert!(matches!(desk.end(), End::InDoubt(words) if words == "`mail` was cut off: the service is gone"));
    assert_eq!(desk.last_status(), StepStatus::Unknown);
}

#[rstest]
#[case::a_sink_that_can_be_asked_later("write", false)]
#[case::a_sink_that_can_not("mail", true)]
fn a_tool_of_which_nobody_knows_waits_for_a_person_unless_its_sink_can_be_asked(
    #[case] tool: &str,
    #[case] in_doubt: bool,
) {
    let mut desk = Desk::begun();
    desk.calls(&[(tool, "{}")]);
    desk.uses(Used::Unknown("The line broke".into()));
    assert_eq!(matches!(desk.end(), End::InDoubt(words) if words == "The line broke"), in_doubt);
    assert_eq!(desk.last_status(), if in_doubt { StepStatus::Unknown } else { StepStatus::Started });
}

#[test]
fn a_step_that_is_given_up_is_charged_whole_and_never_used_again_in_silence() {
    for (tool, status) in [("mail", StepStatus::Unknown), ("write", StepStatus::Unknown)] {
        let mut desk = Desk::begun();
        desk.calls(&[(tool, "{}")]);
        give_up(&mut desk);
        assert_eq!(desk.last_status(), status);
    }
    let mut desk = Desk::begun();
    let reserve = desk.steps()[0].reserve.clone().unwrap();
    give_up(&mut desk);
    let step = &desk.steps()[0];
    assert_eq!((step.status, step.micro_usd, desk.ledger.reserved()), (StepStatus::Failed, reserve.micro_usd, 0));
}

fn give_up(desk: &mut Desk) {
    let mut writes = Vec::new();
    desk.run.give_up("stopped", desk.now, &mut writes);
    for write in writes {
        if let messages::store::Write::Step(step) = write {
            desk.ledger.apply(&step).unwrap();
        }
    }
}

#[test]
fn a_task_waits_for_the_subtasks_it_has_made_and_is_told_how_they_ended_once() {
    let mut desk = Desk::begun();
    desk.calls(&[("spawn_task", r#"{"title":"part","input":"do a part"}"#)]);
    desk.says("I wait");
    assert!(matches!(desk.todo, Some(Todo::Children)));
    desk.crash();
    desk.go();
    assert!(matches!(desk.todo, Some(Todo::Children)), "it waits also after a crash");
    assert_eq!(desk.steps().last().map(|step| (&step.what, step.attempt)), Some((&What::Children, 1)));
    let mut writes = Vec::new();
    desk.run.children_ended("The part is done.".into(), desk.now, &mut writes);
    desk.run.children_ended("The part is done.".into(), desk.now, &mut writes);
    assert_eq!(writes.len(), 1);
    let messages::store::Write::Step(step) = &writes[0] else { panic!("{writes:?}") };
    desk.ledger.apply(step).unwrap();
    desk.go();
    let exchange = desk.asked.last().unwrap().exchanges.last().unwrap().clone();
    assert_eq!((exchange.text.as_str(), exchange.results), ("I wait", vec!["The part is done.".to_owned()]));
    desk.says("all done");
    assert!(matches!(desk.end(), End::Answer(answer) if answer.text == "all done"));
}

#[test]
fn an_answer_whose_words_were_erased_is_read_as_nothing() {
    let mut desk = Desk::new(brief("ann"));
    desk.go();
    desk.calls(&[("look", "{}")]);
    let work = desk.run.brief.work.clone();
    desk.ledger.erase(work.as_str());
    desk.crash();
    desk.go();
    assert!(matches!(desk.end(), End::Answer(answer) if answer.text.is_empty()));
}
