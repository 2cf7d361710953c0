//! What a context keeps stands in its prompts, and its memory is woken when there is enough to keep.

use messages::Address;
use messages::store::LogPlace;

use super::super::super::core::Input;
use super::sim::Sim;
use crate::memory::file::MemoryText;

fn memory() -> Address {
    Address::fixed("ws/home/memory/general")
}

#[test]
fn what_is_kept_stands_behind_the_prompt_of_turns_and_tasks() {
    let mut sim = Sim::new("");
    sim.say("ann", "hello");
    assert_eq!(sim.slow.as_ref().unwrap().ask().system, "Be kind.");
    sim.drain();
    let text = "# Memory\n\n- Ann has a dog. (in_28fgzygjw6m39rxr, 2026-11-22)\n".to_owned();
    sim.memory = MemoryText { text, is_cut: false };
    sim.say("ann", "and now?");
    let system = sim.slow.as_ref().unwrap().ask().system.clone();
    assert!(system.starts_with("Be kind.\n\nWhat you know of this conversation"), "{system}");
    assert!(system.ends_with("\n- Ann has a dog."), "{system}");
    sim.drain();
    sim.say("ann", "/task do it");
    let told = &sim.model.tasks[0].spec.memory;
    assert!(told.text.contains("Ann has a dog.") && told.of.len() == 1, "{told:?}");
    sim.say("ann", "/new");
    sim.drain();
    sim.say("ann", "after");
    assert!(sim.slow.as_ref().unwrap().ask().system.contains("Ann has a dog."), "memory stays");
}

#[test]
fn memory_is_woken_after_a_turn_when_its_limit_is_passed_and_not_before() {
    let mut sim = Sim::new("limits: {memory_bytes: 1000}");
    sim.say("ann", "short");
    sim.drain();
    assert!(!sim.woke.contains(&memory()));
    sim.say("ann", &"long ".repeat(300));
    sim.drain();
    assert!(sim.woke.contains(&memory()));
    // It goes in.
    let log = sim.model.logs.values().next().unwrap().clone();
    sim.model.memory.upto = vec![LogPlace { log: log.log, offset: log.size }];
    sim.woke.clear();
    sim.say("ann", "short");
    sim.drain();
    assert!(!sim.woke.contains(&memory()), "it knows again how far it is");
}

#[test]
fn with_a_limit_of_zero_memory_is_never_woken() {
    let mut sim = Sim::new("limits: {memory_bytes: 0}");
    sim.say("ann", &"long ".repeat(9_000));
    sim.drain();
    assert!(!sim.woke.contains(&memory()));
}

#[test]
fn a_delete_wakes_memory() {
    let mut sim = Sim::new("");
    let seq = sim.say("ann", "secret");
    sim.drain();
    sim.control("ann", messages::store::InboundKind::Delete, "", Some(seq));
    assert!(sim.woke.contains(&memory()));
}

#[test]
fn memory_that_can_t_be_read_is_told_and_never_fatal() {
    let mut sim = Sim::new("");
    sim.memory = MemoryText { text: "- one\n".repeat(3), is_cut: true };
    sim.say("ann", "/status");
    let Some(super::sim::Slow::Run(job)) = &sim.slow else { panic!("nothing runs") };
    assert_eq!(job.input, Input::Status);
    assert!(job.status.iter().any(|line| line.contains("memory.md is too large")), "{:?}", job.status);
}
