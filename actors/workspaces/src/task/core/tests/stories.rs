//! A fixed story, ended at each of its points in turn: it comes to the same end.

use messages::TaskId;
use messages::step::{StepStatus, What};
use messages::task::{Msg, TaskState, Wait};

use super::crash::settle;
use super::ends::{Call, Ending};
use super::sim::Sim;
use super::tables::task;
use crate::run::tests::ground::by;

/// What the model of a task asks for, by what it was told so far.
fn script(sim: &Sim, id: &TaskId) -> Vec<Call> {
    let ask = sim.asks(id).unwrap();
    let is_first = sim.tables.row(id).depth == 0 && sim.tables.row(id).key == "story";
    match (is_first, ask.request.exchanges.len()) {
        (true, 0) => vec![Call::Write, Call::Post, Call::Spawn],
        (true, 1) => vec![Call::Look, Call::Spawn],
        (false, 0) => vec![Call::Write],
        _ => Vec::new(),
    }
}

/// Goes on until nothing goes on by itself. What runs ends well, by the script.
fn play(sim: &mut Sim) {
    for _ in 0..400 {
        sim.sweep();
        sim.run();
        let at_work = sim.at_work();
        for id in &at_work {
            let ending = if sim.asks(id).is_some() { Ending::Says(script(sim, id), 20) } else { Ending::Done };
            sim.finish(id, &ending);
        }
        let recorded = sim.record();
        if at_work.is_empty() && !recorded {
            if sim.tables.tasks.iter().all(|task| task.state.is_terminal()) && sim.tables.unrecorded().is_empty() {
                return;
            }
            sim.pass(1_000);
        }
    }
    panic!("the story has no end:\n{}", sim.brief());
}

#[test]
fn a_task_that_is_ended_at_any_point_comes_to_the_same_end() {
    let mut points = 0;
    for fuse in 0..400 {
        let mut sim = Sim::new(u64::from(fuse) * 77 + 1);
        sim.fuse = Some(fuse);
        let id = sim.make(&task("story", "ann", "general", sim.now));
        play(&mut sim);
        if sim.fuse.is_some() {
            points = fuse;
            break;
        }
        assert_eq!(sim.tables.epoch, 2, "it was ended once");
        assert_story(&sim, &id, fuse);
        sim.assert_promises();
        sim.assert_at_rest();
    }
    assert!(points > 80, "the story has {points} points");
}

fn assert_story(sim: &Sim, id: &TaskId, fuse: u32) {
    let tasks: Vec<TaskState> = sim.tables.tasks.iter().map(|task| task.state).collect();
    assert_eq!(tasks, [TaskState::Succeeded; 3], "fuse {fuse}");
    assert_eq!(sim.world.count("write"), 3, "fuse {fuse}");
    assert_eq!(sim.tables.posts.len(), 2, "its post and its end, fuse {fuse}");
    let kinds: Vec<String> = sim
        .tables
        .ledger
        .steps(id.as_str())
        .iter()
        .map(|step| {
            assert_eq!(step.status, StepStatus::Done);
            match &step.what {
                What::Model => "model".to_owned(),
                What::Tool(call) => call.name.clone(),
                What::Children => "children".to_owned(),
            }
        })
        .collect();
    assert_eq!(
        kinds,
        ["model", "write", "post", "spawn_task", "model", "look", "spawn_task", "model", "children", "model"],
        "fuse {fuse}"
    );
    // A question that was answered is never asked again; the one that was cut off is, once.
    let again: u32 = sim.asked.values().map(|times| times - 1).sum();
    assert!(again <= 2, "{again} questions were asked again, fuse {fuse}");
    assert!(sim.tables.tasks.iter().all(|task| task.failures == 0 && task.lost <= 1), "fuse {fuse}");
}

/// The same with a tool that must not be repeated: either it was not begun, or a person is asked.
#[test]
fn a_mail_that_is_ended_at_any_point_is_sent_once_or_waits_for_a_person() {
    let mut doubts = 0;
    for fuse in 0..60 {
        let mut sim = Sim::new(u64::from(fuse) * 31 + 1);
        sim.fuse = Some(fuse);
        let id = sim.make(&task("k", "ann", "general", sim.now));
        sim.run();
        sim.sweep();
        sim.run();
        sim.finish(&id, &Ending::Says(vec![Call::Mail], 10));
        sim.run();
        sim.finish(&id, &Ending::Done);
        sim.drain();
        sim.assert_told();
        if sim.tables.row(&id).wait == Some(Wait::InDoubt) {
            doubts += 1;
            assert!(sim.world.count("mail") <= 1, "fuse {fuse}");
        } else {
            assert_eq!(sim.tables.row(&id).state, TaskState::Succeeded, "fuse {fuse}");
        }
        settle(&mut sim);
        sim.assert_promises();
    }
    assert!(doubts > 0, "at some point it was in doubt");
}

/// A cancellation that is ended at each of its points: it ends, and tells so once.
#[test]
fn a_cancellation_that_is_ended_at_any_point_ends_the_whole_line() {
    for fuse in 0..60 {
        let mut sim = Sim::new(u64::from(fuse) * 13 + 1);
        let id = sim.started("k");
        sim.says(&id, &[Call::Spawn, Call::Spawn]);
        sim.says(&id, &[]);
        let child = sim.last_child(&id);
        sim.finish(&child, &Ending::Says(vec![Call::Write], 10));
        sim.run();
        sim.ask(&id, Msg::Cancel(by("ann")));
        sim.fuse = Some(fuse);
        sim.run();
        if !sim.tables.row(&id).state.is_terminal() {
            // Who asked heard nothing of it, and asks again.
            sim.fuse = None;
            sim.ask(&id, Msg::Cancel(by("ann")));
            sim.run();
        }
        sim.seconds(11);
        assert!(
            sim.tables.tasks.iter().all(|task| task.state == TaskState::Cancelled),
            "fuse {fuse}:\n{}",
            sim.brief()
        );
        sim.drain();
        sim.assert_promises();
    }
}
