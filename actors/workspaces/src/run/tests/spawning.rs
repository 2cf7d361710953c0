//! Subtasks and posts: rows of the commit that ends their step, within limits.

use messages::TaskId;
use messages::step::StepStatus;
use messages::store::{TaskWrite, Write};
use messages::task::{Budget, CHILDREN_MAX, DEPTH_MAX, DESCENDANTS_MAX, NewTask, OnDependencyFailure, TaskState};
use rstest::rstest;

use super::super::title_of;
use super::desk::{Desk, brief, id, turn_brief};

fn made(desk: &Desk) -> Vec<&NewTask> {
    fn task(write: &Write) -> Option<&NewTask> {
        match write {
            Write::Task(TaskWrite::Put(task)) => Some(task),
            _ => None,
        }
    }
    desk.wrote.iter().filter_map(task).collect()
}

fn posts(desk: &Desk) -> Vec<(&str, Option<u32>)> {
    fn post(write: &Write) -> Option<(&str, Option<u32>)> {
        match write {
            Write::Task(TaskWrite::Post { text, step, .. }) => Some((text, *step)),
            _ => None,
        }
    }
    desk.wrote.iter().filter_map(post).collect()
}

fn spawn(desk: &mut Desk, arguments: &str) -> String {
    desk.calls(&[("spawn_task", arguments)]);
    desk.told().remove(0)
}

#[test]
fn a_subtask_stands_below_its_parent_with_a_part_of_its_budget() {
    let mut desk = Desk::begun();
    let told = spawn(&mut desk, r#"{"title":"","input":" read the plan \n then tell ","tools":["look","dig"]}"#);
    let (task, at) = (made(&desk)[0], desk.now);
    assert_eq!(task.key, format!("{}/1", id()));
    assert_eq!(task.id, TaskId::of("home", &task.key));
    assert!(told.contains(task.id.as_str()) && told.contains("when you have finished"), "{told}");
    assert_eq!((task.parent.clone(), task.root.clone(), task.depth), (Some(id()), id(), 1));
    assert_eq!((task.state, task.priority, task.at), (TaskState::Queued, 3, at));
    assert_eq!((task.spec.title.as_str(), task.spec.input.as_str()), ("read the plan", "read the plan \n then tell"));
    // What its parent was allowed, narrowed by what was asked for; `*` allows all.
    assert_eq!(task.spec.tools, ["look", "dig"]);
    // One call has cost 140 of half a dollar, a quarter of the rest is the subtask's.
    let spent_tokens = (400_000 - 100, 40_000 - 10);
    let quarter = Budget {
        micro_usd: 499_860 / 4,
        input_tokens: spent_tokens.0 / 4,
        output_tokens: spent_tokens.1 / 4,
        tool_calls: 15,
    };
    assert_eq!(task.budget, quarter);
    assert_eq!((desk.children, desk.descendants, desk.carved), (1, 1, quarter.whole()));
}

#[rstest]
#[case::no_words(r#"{"title":"t","input":" "}"#, "`input` has 1 to")]
#[case::more_dollars_than_are_left(
    r#"{"title":"t","input":"i","budget_usd":0.51}"#,
    "$0.51 were asked for it, and $0.49986 are left"
)]
#[case::less_than_nothing(r#"{"title":"t","input":"i","budget_usd":-1}"#, "must be a number of dollars")]
#[case::endless_dollars(r#"{"title":"t","input":"i","budget_usd":1e300}"#, "must be a number of dollars")]
#[case::an_unknown_field(r#"{"title":"t","input":"i","priority":0}"#, "unknown field `priority`")]
#[case::no_title(r#"{"input":"i"}"#, "missing field `title`")]
fn a_subtask_that_can_not_be_right_is_told_to_the_model_and_not_made(#[case] arguments: &str, #[case] words: &str) {
    let mut desk = Desk::begun();
    let told = spawn(&mut desk, arguments);
    assert!(told.starts_with("No task was made: ") && told.contains(words), "{told}");
    assert!(made(&desk).is_empty() && desk.children == 0);
}

type Limit = fn(&mut Desk, u32);

fn depth(desk: &mut Desk, depth: u32) {
    desk.run.brief.line.as_mut().unwrap().depth = depth;
}
fn children(desk: &mut Desk, count: u32) {
    desk.children = count;
}
fn descendants(desk: &mut Desk, count: u32) {
    desk.descendants = count;
}

#[rstest]
#[case::depth(depth, DEPTH_MAX, "4 deep")]
#[case::children(children, CHILDREN_MAX, "16 subtasks")]
#[case::descendants(descendants, DESCENDANTS_MAX, "64 tasks stand below")]
fn subtasks_have_limits_and_up_to_them_they_are_made(#[case] limit: Limit, #[case] most: u32, #[case] words: &str) {
    for (there, may) in [(most - 1, true), (most, false)] {
        let mut desk = Desk::begun();
        limit(&mut desk, there);
        let told = spawn(&mut desk, r#"{"title":"t","input":"i"}"#);
        assert_eq!((made(&desk).len(), told.contains(words)), (usize::from(may), !may), "{told}");
    }
}

#[test]
fn words_of_a_subtask_have_a_limit() {
    for (bytes, may) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
        let mut desk = Desk::begun();
        spawn(&mut desk, &format!("{{\"title\":\"t\",\"input\":\"{}\"}}", "x".repeat(bytes)));
        assert_eq!(made(&desk).len(), usize::from(may), "{bytes}");
    }
    let many =
        |n: usize| format!("{{\"title\":\"t\",\"input\":\"i\",\"depends_on\":[{}]}}", vec!["\"tsk_x\""; n].join(","));
    for (count, may) in [(16, true), (17, false)] {
        let mut desk = Desk::begun();
        spawn(&mut desk, &many(count));
        assert_eq!(made(&desk).len(), usize::from(may), "{count}");
    }
}

#[test]
fn all_subtasks_together_take_no_more_than_is_left() {
    let mut desk = Desk::begun();
    let calls: Vec<_> = (0..12).map(|n| format!("{{\"title\":\"t\",\"input\":\"{n}\",\"budget_usd\":0.06}}")).collect();
    let calls: Vec<_> = calls.iter().map(|arguments| ("spawn_task", arguments.as_str())).collect();
    desk.calls(&calls);
    // Eight of six cents fit into half a dollar; then nothing is left for another question.
    assert_eq!(made(&desk).len(), 8);
    let all: u64 = made(&desk).iter().map(|task| task.budget.micro_usd).sum();
    assert!(all + 140 <= 500_000);
    assert!(matches!(desk.end(), super::super::End::Parked { .. }));
}

#[test]
fn one_that_depends_on_others_is_blocked_with_a_date_at_which_it_is_too_late() {
    let mut desk = Desk::begun();
    spawn(&mut desk, r#"{"title":"t","input":"i","depends_on":["tsk_a"],"on_dependency_failure":"run"}"#);
    let task = made(&desk)[0];
    assert_eq!((task.state, task.spec.on_dependency_failure), (TaskState::Blocked, OnDependencyFailure::Run));
    assert_eq!(task.spec.depends_on, [TaskId::from_row("tsk_a".into())]);
    let dated = |write: &&Write| matches!(write, Write::TimerPut { entity, due, .. } if entity.leaf() == task.id.as_str() && *due == task.deadline);
    assert_eq!(desk.wrote.iter().filter(dated).count(), 1);
}

#[test]
fn a_turn_makes_tasks_of_their_own_with_the_usual_budget_at_most() {
    for (asked, micro_usd) in [("", 500_000), (",\"budget_usd\":0.1", 100_000), (",\"budget_usd\":9", 500_000)] {
        let mut desk = Desk::new(turn_brief("ann"));
        desk.go();
        let told = spawn(&mut desk, &format!("{{\"title\":\"t\",\"input\":\"i\"{asked}}}"));
        let task = made(&desk)[0];
        assert!(told.contains("posted in this chat"), "{told}");
        assert_eq!((task.parent.clone(), task.root.clone(), task.depth), (None, task.id.clone(), 0));
        assert_eq!(task.budget, Budget { micro_usd, ..Budget::default() });
        // It waits for nobody.
        desk.says("made");
        assert!(matches!(desk.end(), super::super::End::Answer(_)));
    }
}

#[rstest]
#[case::one_byte("x", 1)]
#[case::as_many_as_may_be(&"x".repeat(16_000), 1)]
#[case::one_more(&"x".repeat(16_001), 0)]
#[case::nothing("  ", 0)]
fn a_post_has_words_and_not_too_many(#[case] text: &str, #[case] count: usize) {
    let mut desk = Desk::begun();
    desk.calls(&[("post", &format!("{{\"text\":\"{text}\"}}"))]);
    assert_eq!(posts(&desk).len(), count);
    assert_eq!(posts(&desk).first().map_or(Some(1), |post| post.1), Some(1), "it is known by its step");
    let status = desk.steps()[1].status;
    assert_eq!(status, if count == 1 { StepStatus::Done } else { StepStatus::Failed });
    assert_eq!(desk.told()[0] == "Posted.", count == 1);
}

#[test]
fn a_subtask_and_a_post_are_made_once_wherever_the_run_is_cut_off() {
    let mut desk = Desk::begun();
    desk.calls(&[("spawn_task", r#"{"title":"t","input":"i"}"#), ("post", r#"{"text":"on it"}"#), ("look", "{}")]);
    for _ in 0..3 {
        desk.crash();
        desk.go();
    }
    desk.gives("seen");
    assert_eq!((made(&desk).len(), posts(&desk).len()), (1, 1));
}

#[test]
fn a_title_is_the_first_line_with_words_and_short() {
    assert_eq!(title_of("\n\n  Look at it \n and more"), "Look at it");
    assert_eq!(title_of(" \n"), "(no words)");
    assert!(title_of(&"ä".repeat(500)).chars().count() <= 81);
    assert_eq!(brief("ann").question, "What is the plan?");
}

#[test]
fn a_subtask_can_t_depend_on_the_task_that_waits_for_it() {
    let mut desk = Desk::begun();
    let own = desk.run.brief.work.as_str().to_owned();
    desk.calls(&[("spawn_task", &format!("{{\"title\":\"t\",\"input\":\"i\",\"depends_on\":[\"{own}\"]}}"))]);
    assert!(desk.steps().iter().any(|step| step.output.contains("can't depend on the task that waits for it")));
}
