//! When a conversation goes into memory, and what becomes of it then.

use super::super::failing::TRIES_MAX;
use super::sim::{Sim, said};

const HOUR_MS: i64 = 3_600_000;

#[test]
fn it_goes_in_when_enough_of_it_is_not_and_one_part_at_a_time() {
    let mut sim = Sim::new(3);
    sim.wake();
    assert!(sim.asked.is_empty(), "3,000 bytes are not enough");
    sim.said.push((said(3), false));
    sim.wake();
    sim.wake();
    assert_eq!(sim.asked.len(), 1);
    sim.answer(&format!("+ Ann has a dog. [{} {}]", said(0), said(3)));
    assert_eq!((sim.texts(), sim.kept()), (vec!["Ann has a dog.".to_owned()], 4));
    sim.wake();
    sim.assert_at_rest();
    assert_eq!((sim.asked.len(), sim.did("memory.kept")), (1, 1));
}

#[test]
fn what_was_not_in_the_question_can_t_be_cited() {
    let mut sim = Sim::new(4);
    sim.wake();
    sim.said.push((said(4), false));
    sim.answer(&format!("+ Later. [{}]\n+ Now. [{}]\n+ Never. []", said(4), said(1)));
    assert_eq!(sim.texts(), ["Now."]);
    let detail = &sim.audit.last().unwrap().1;
    assert!(detail.contains(r#""foreign":2"#) && detail.contains(r#""added":1"#), "{detail}");
}

#[test]
fn without_a_limit_or_a_model_that_understands_nothing_goes_in() {
    let mut off = Sim::new(400);
    off.definition = "---\nlimits: {memory_bytes: 0}\n---\nBe kind.\n".into();
    off.wake();
    let mut quotes = Sim::new(400);
    let mut offers = (*quotes.facts.offers).clone();
    offers.all.iter_mut().for_each(|offer| offer.quotes_only = true);
    quotes.facts.offers = offers.into();
    quotes.wake();
    assert!(off.asked.is_empty() && quotes.asked.is_empty());
    off.assert_at_rest();
    quotes.assert_at_rest();
}

#[test]
fn notes_in_force_stand_in_the_question_and_are_replaced_by_their_id() {
    let mut sim = Sim::new(4);
    sim.file = "# Memory\n\n- Old. (in_28fgzygjw6m39rxr, 2026-01-01)\n- Own.\n".into();
    sim.wake();
    let id = markdown::memory::parse(&sim.file).entries[0].id[..5].to_owned();
    assert!(sim.asked[0].contains(&format!("{id}: Old.\n(a person's own): Own.\n")), "{}", sim.asked[0]);
    // Somebody edits meanwhile.
    sim.file = sim.file.replace("- Own.", "- Own, edited.");
    sim.answer(&format!("- {id}\n+ New. [{}]", said(0)));
    assert_eq!(sim.texts(), ["Own, edited.", "New."]);
}

#[test]
fn a_failure_is_tried_again_with_waits_that_grow_and_then_with_a_turn_after_a_pause() {
    let mut sim = Sim::new(4);
    sim.wake();
    let mut waits = Vec::new();
    for _ in 1..TRIES_MAX {
        sim.fail();
        sim.wake();
        assert!(sim.asking.is_none(), "it waits");
        waits.push(sim.timer.unwrap().ms_since(sim.now));
        sim.fire();
    }
    assert_eq!(waits, [5_000, 20_000, 80_000, 320_000]);
    sim.fail();
    assert_eq!((sim.timer, sim.kept()), (None, 0));
    sim.assert_at_rest();
    for hours in [1, 2, 4, 8, 16, 24, 24] {
        sim.now = sim.now.plus_ms(hours * HOUR_MS - 1);
        sim.wake();
        // Neither the end of the actor nor of the process ends the pause.
        sim.crash();
        sim.wake();
        assert!(sim.asking.is_none(), "{hours} hours have not passed");
        sim.now = sim.now.plus_ms(1);
        sim.wake();
        sim.fail();
        assert_eq!(sim.timer, None, "a conversation that has ended asks nothing");
    }
    sim.now = sim.now.plus_ms(24 * HOUR_MS);
    sim.wake();
    sim.answer("=");
    assert_eq!((sim.kept(), sim.texts().len(), &sim.row.failing), (4, 0, &None));
    sim.assert_at_rest();
}

/// One whose questions have come to nothing until they pause.
fn paused() -> Sim {
    let mut sim = Sim::new(4);
    sim.wake();
    for _ in 1..TRIES_MAX {
        sim.fail();
        sim.fire();
    }
    sim.fail();
    sim.wake();
    assert!(sim.asking.is_none() && sim.timer.is_none());
    sim
}

#[test]
fn another_definition_or_model_ends_a_pause() {
    let mut defined = paused();
    defined.definition = "---\nlimits: {memory_bytes: 3999}\n---\nBe kind.\n".into();
    defined.crash();
    defined.wake();
    assert!(defined.asking.is_some(), "it is another definition");
    defined.fail();
    assert_eq!(defined.row.failing.as_ref().map(|failing| failing.failures), Some(1), "it begins anew");
    let mut offered = paused();
    let mut offers = (*offered.facts.offers).clone();
    offers.all.iter_mut().for_each(|offer| offer.model = "another".into());
    offered.facts.offers = offers.into();
    offered.wake();
    assert!(offered.asking.is_some(), "it is another model");
}

#[test]
fn an_erased_message_leaves_the_file_at_once_while_questions_pause() {
    let mut sim = paused();
    sim.file = format!("- Secret. ({}, 2026-01-01)\n", said(1));
    sim.erase(1);
    sim.wake();
    assert!(sim.texts().is_empty() && sim.asking.is_none());
    sim.assert_at_rest();
}

#[test]
fn an_answer_to_something_else_loses_nothing() {
    let mut sim = Sim::new(4);
    sim.wake();
    sim.answer("Hello! How can I help you today?");
    assert_eq!((sim.kept(), sim.did("memory.failed")), (0, 1));
    sim.fire();
    sim.answer(&format!("+ Kept. [{}]", said(2)));
    assert_eq!((sim.kept(), sim.texts()), (4, vec!["Kept.".to_owned()]));
}

#[test]
fn a_file_that_can_t_be_written_costs_no_second_question() {
    let mut sim = Sim::new(4);
    sim.file_fails = true;
    sim.wake();
    sim.answer(&format!("+ Kept. [{}]", said(2)));
    for _ in 0..3 {
        sim.fire();
    }
    assert_eq!((sim.kept(), sim.asked.len()), (0, 1));
    sim.file_fails = false;
    sim.fire();
    assert_eq!((sim.kept(), sim.asked.len(), sim.texts().len()), (4, 1, 1));
    sim.assert_at_rest();
}

#[test]
fn an_erased_message_leaves_the_file_and_what_is_under_way() {
    let mut sim = Sim::new(4);
    sim.wake();
    sim.answer(&format!("+ One. [{}]\n+ Both. [{} {}]\n+ Two. [{}]", said(0), said(0), said(1), said(1)));
    sim.said.extend((4..8).map(|n| (said(n), false)));
    sim.wake();
    sim.erase(1);
    sim.wake();
    assert_eq!(sim.texts(), ["One."]);
    // What was asked with the erased message in memory is asked anew.
    assert_eq!(sim.asked.len(), 3);
    sim.answer(&format!("+ Five. [{}]", said(5)));
    assert_eq!((sim.texts(), sim.kept()), (vec!["One.".to_owned(), "Five.".to_owned()], 8));
    sim.assert_at_rest();
}

#[test]
fn an_answer_about_a_message_that_was_erased_meanwhile_is_not_used() {
    let mut sim = Sim::new(5);
    sim.wake();
    sim.erase(2);
    sim.answer(&format!("+ Secret. [{}]", said(2)));
    assert!(sim.texts().is_empty());
    assert!(!sim.asked.last().unwrap().contains(said(2).as_str()), "nor is it asked again");
    sim.answer(&format!("+ Secret. [{}]\n+ Open. [{}]", said(2), said(3)));
    assert_eq!(sim.texts(), ["Open."]);
    sim.assert_at_rest();
}
