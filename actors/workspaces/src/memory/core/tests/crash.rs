//! The process ends at each point, and what was begun is finished as if it had not.

use super::sim::{Sim, said};

/// Goes on until nothing is left to do; a question that is asked is answered as before.
fn drain(sim: &mut Sim, answer: &str) {
    for _ in 0..20 {
        sim.wake();
        if sim.asking.is_some() {
            sim.answer(answer);
        }
    }
}

#[test]
fn wherever_the_process_ends_all_is_kept_once() {
    let answer = format!("+ One. [{}]\n+ Two. [{} {}]", said(0), said(1), said(2));
    let mut points = 0;
    for fuse in 0.. {
        let mut sim = Sim::new(4);
        sim.fuse = Some(fuse);
        sim.wake();
        if sim.asking.is_some() {
            sim.answer(&answer);
        }
        let ended = sim.state.is_none();
        sim.fuse = None;
        drain(&mut sim, &answer);
        assert_eq!(sim.texts(), ["One.", "Two."], "after point {fuse}");
        assert_eq!((sim.kept(), sim.did("memory.kept")), (4, 1), "after point {fuse}");
        assert!(sim.asked.len() <= 2, "after point {fuse}");
        sim.assert_at_rest();
        if !ended {
            break;
        }
        points = fuse;
    }
    assert!(points > 12, "only {points} points were tried");
}

#[test]
fn once_the_answer_is_in_the_journal_it_is_not_asked_for_again() {
    let answer = format!("+ One. [{}]", said(0));
    let mut again = 0;
    for fuse in 0..40 {
        let mut sim = Sim::new(4);
        sim.wake();
        sim.fuse = Some(fuse);
        sim.answer(&answer);
        let is_there =
            sim.row.work.as_ref().is_none_or(|work| {
                sim.ledger.steps(work.id.as_str()).first().is_some_and(|step| !step.output.is_empty())
            });
        sim.fuse = None;
        drain(&mut sim, &answer);
        assert_eq!(sim.asked.len(), if is_there { 1 } else { 2 }, "after point {fuse}");
        again += usize::from(!is_there);
    }
    assert!(again > 0, "some end before it is in the journal");
}

#[test]
fn wherever_the_process_ends_erased_words_are_gone_in_the_end() {
    let answer = format!("+ Secret. [{}]\n+ Open. [{}]", said(1), said(2));
    for at in 0..24 {
        for fuse in 0..16 {
            let mut sim = Sim::new(4);
            sim.fuse = Some(at);
            sim.wake();
            if sim.asking.is_some() {
                sim.answer(&answer);
            }
            sim.fuse = None;
            sim.erase(1);
            sim.fuse = Some(fuse);
            sim.wake();
            sim.fuse = None;
            drain(&mut sim, &answer);
            assert_eq!(sim.texts(), ["Open."], "after points {at} and {fuse}");
            sim.assert_at_rest();
        }
    }
}
