//! The world outside: what tools have really done, counted.

use std::collections::BTreeMap;

use messages::TaskId;
use messages::step::Work;
use messages::tool::Use;

/// A step of a task: the key under which something is done.
type Key = (TaskId, u32);

#[derive(Debug, Default)]
pub(super) struct World {
    /// Times that a tool was begun for this step.
    begun: BTreeMap<Key, u32>,
    /// Times that something was done.
    done: BTreeMap<Key, (String, u32)>,
    /// Times that a person said that a task which waits in doubt goes on.
    pub(super) permits: BTreeMap<TaskId, u32>,
}

fn key(of: &Use) -> Key {
    match &of.work {
        Work::Task(id) => (id.clone(), of.seq),
        Work::Turn(id) => panic!("{id} is no task"),
        Work::Memory(id) => panic!("{id} is no task"),
    }
}

impl World {
    /// A tool begins. What can't be repeated begins once, and once more only when a person has said so.
    pub(super) fn begin(&mut self, of: &Use) {
        let before = self.begun.get(&key(of)).copied().unwrap_or(0);
        if of.call.name == "mail" {
            let permits = self.permits.get(&key(of).0).copied().unwrap_or(0);
            assert!(before <= permits, "{:?} begins for the {before}. time again, and nobody said so", key(of));
        }
        if of.call.name != "look" {
            assert!(before == 0 || of.again, "{:?} is not told that it had begun before", key(of));
        }
        assert!(!matches!(&*of.call.name, "spawn_task" | "post"), "{:?} is a row, no deed", of.call);
        self.begun.insert(key(of), before + 1);
    }

    /// It does what it does. A tool that can be asked looks first whether it was done.
    pub(super) fn act(&mut self, of: &Use) {
        let done = self.done.entry(key(of)).or_insert((of.call.name.clone(), 0));
        if of.call.name != "write" || done.1 == 0 {
            done.1 += 1;
        }
    }

    /// Nothing was done twice.
    pub(super) fn assert_once(&self) {
        for (key, (tool, count)) in &self.done {
            let permits = if tool == "mail" { self.permits.get(&key.0).copied().unwrap_or(0) } else { 0 };
            assert!(tool == "look" || *count <= 1 + permits, "{tool} of {key:?} was done {count} times");
            assert!(self.begun.contains_key(key), "{tool} of {key:?} was never begun");
        }
    }

    /// How often a tool has done something.
    pub(super) fn count(&self, tool: &str) -> u32 {
        self.done.values().filter(|(name, _)| name == tool).map(|(_, count)| count).sum()
    }
}
