//! The count of tasks and of turns that write: each effect once, each end told once, nothing left running.

use std::collections::BTreeMap;

use messages::InboundId;
use messages::TaskId;
use messages::step::{Spending, StepStatus, What};
use messages::store::TaskRows;
use messages::task::{TaskState, Wait};
use messages::turn::Outcome;
use serde::Serialize;

use super::Report;
use super::files::{Disk, Fate};
use super::truth::{Event, Known};
use super::watch::Slots;
use super::work::{File, Kind, OF_SUBTASK, OF_TASK, Whose, post};

/// The workspace of all tasks.
const WORKSPACE: &str = "home";
/// Slots of a workspace, and of a context of it.
const SLOTS: (u64, u64) = (5, 2);
/// What a write says that was made before, by somebody who does not know of it.
const CONFLICTS: [&str; 3] = ["is there already", "changed meanwhile", "There is no file"];

/// What is said when the day's budget has ended.
const BUDGET_ENDED: &str = "The day's budget of";

/// What a run found of tasks.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TaskReport {
    /// Tasks that customers asked for.
    pub made: u64,
    /// How they stood at the end.
    pub states: BTreeMap<String, u64>,
    /// Subtasks.
    pub subtasks: u64,
    /// Uses of tools of tasks that were done, by tool.
    pub used: BTreeMap<String, u64>,
    /// Steps of tasks that were given up in the middle.
    pub cut: u64,
    /// Turns that wrote.
    pub turns: u64,
    /// Effects that were made or tried more often than once.
    pub doubled: u64,
    /// Tasks and subtasks that were asked for and are not there.
    pub lost: u64,
    /// Files that were written.
    pub files: u64,
    /// Texts that were replaced and are kept.
    pub versions: u64,
    /// Files that are not whole.
    pub torn: u64,
    /// Files that no journal knows of.
    pub leftovers: u64,
    /// Words of tasks that customers have.
    pub words: u64,
    /// Slots that were seen in use.
    pub slots: Slots,
    /// Tasks that were run at the very end, and succeeded.
    pub fresh: u64,
    /// Tasks that waited for another day when the node had come to rest.
    pub parked: u64,
    /// Turns that were told that a budget had ended.
    pub told: u64,
    /// What the node spent in a day at most, in millionths of a dollar.
    pub spent_micro_usd: u64,
    /// What it was allowed.
    pub allowed_micro_usd: Option<u64>,
}

impl TaskReport {
    /// No effect is doubled, lost or torn, and no limit was exceeded.
    pub(super) fn is_kept(&self) -> bool {
        let none = [self.doubled, self.lost, self.torn, self.leftovers].iter().all(|n| *n == 0);
        let is_within = self.allowed_micro_usd.is_none_or(|max| self.spent_micro_usd <= max);
        none && is_within && self.slots.of_workspace <= SLOTS.0 && self.slots.of_context <= SLOTS.1
    }

    /// For people.
    pub(super) fn summary(&self) -> String {
        let Self { made, states, subtasks, used, cut, turns, doubled, lost, files, versions, .. } = self;
        let Self { torn, leftovers, words, slots, fresh, parked, told, spent_micro_usd, allowed_micro_usd, .. } = self;
        let Slots { looks, of_workspace, of_context } = slots;
        let allowed = allowed_micro_usd.map_or_else(|| "plenty".to_owned(), |max| max.to_string());
        format!(
            "{made} tasks {states:?} with {subtasks} subtasks, {turns} turns that wrote; uses {used:?}, {cut} cut off\n\
             {files} files, {versions} versions: torn {torn} · left over {leftovers} · effects doubled {doubled} · lost {lost}\n\
             {words} words of tasks · slots {of_workspace} and {of_context} of a context in {looks} looks · \
             {fresh} fresh tasks succeeded\n\
             spent {spent_micro_usd} of {allowed} µ$ · {parked} tasks parked · {told} turns told\n"
        )
    }
}

/// Words that are due in an event's chat besides its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    Exactly(String),
    Beginning(String),
}

impl Due {
    pub(super) fn is_met_by(&self, text: &str) -> bool {
        match self {
            Self::Exactly(all) => text.trim() == all.trim(),
            Self::Beginning(first) => text.starts_with(first),
        }
    }
}

/// What was found at the end.
pub(super) struct Found<'a> {
    pub(super) known: &'a Known,
    pub(super) outcomes: &'a BTreeMap<InboundId, Outcome>,
    pub(super) rows: BTreeMap<TaskId, TaskRows>,
    pub(super) disk: Disk,
}

/// Holds tasks, files and turns against each other; gives the words that are due.
pub(super) fn count(report: &mut Report, mut found: Found<'_>) -> BTreeMap<InboundId, Vec<Due>> {
    let mut dues = BTreeMap::new();
    let (replies, words): (Vec<_>, Vec<_>) =
        found.known.received.iter().partition(|(_, reply)| reply.outcome.is_some());
    report.tasks.words = words.len() as u64;
    report.tasks.told = replies.iter().filter(|(_, reply)| reply.text.contains(BUDGET_ENDED)).count() as u64;
    // The node's own context has the tasks that were run at the very end.
    found.rows.retain(|_, rows| rows.task.context.leaf() != "general");
    for (inbound, event) in &found.known.submitted {
        match event.kind {
            Kind::Talk | Kind::Command => {}
            _ if !found.known.accepted.contains(inbound) => {}
            Kind::Write => turn(report, (inbound, event), &mut found),
            Kind::Task => drop(dues.insert(inbound.clone(), task(report, (inbound, event), &mut found))),
        }
    }
    for (id, rows) in &found.rows {
        report.tasks.doubled += 1;
        report.fault(format!("task {id} ({}) was asked for by nobody, or once more", rows.task.spec.title));
    }
    found.disk.rest(report);
    dues
}

/// A turn that writes says what came of it.
fn turn(report: &mut Report, (inbound, event): (&InboundId, &Event), found: &mut Found<'_>) {
    report.tasks.turns += 1;
    let file = File::of(Whose::Turn, event.context, event.n);
    let replies = found.known.received.iter().filter(|(_, reply)| reply.inbound == *inbound && reply.outcome.is_some());
    let mut fates = [Fate::Open, Fate::Open];
    for (_, reply) in replies {
        if let Some(conflict) = CONFLICTS.iter().find(|words| reply.text.contains(**words)) {
            report.tasks.doubled += 1;
            report.fault(format!("a turn has written twice ({conflict}): {}", reply.text));
        } else if reply.outcome == Some(Outcome::Replied) {
            fates = [Fate::Done, Fate::Done];
            if reply.text.matches(" is written: ").count() != file.texts.len() {
                report.fault(format!("a turn has answered and not written: {}", reply.text));
            }
        }
    }
    found.disk.check(report, (inbound.as_str(), false), (&file, &fates));
}

/// A task with its subtasks.
fn task(report: &mut Report, (inbound, event): (&InboundId, &Event), found: &mut Found<'_>) -> Vec<Due> {
    report.tasks.made += 1;
    let id = TaskId::of(WORKSPACE, inbound.as_str());
    let Some(rows) = found.rows.remove(&id) else {
        report.tasks.lost += 1;
        report.fault(format!("task {id} of {} is not there: {:?}", event.event, found.outcomes.get(inbound)));
        return Vec::new();
    };
    *report.tasks.states.entry(rows.task.state.to_string()).or_default() += 1;
    let mut dues = one(report, (&rows, event, Whose::Task), &mut found.disk);
    if rows.task.state.is_terminal() {
        dues.push(Due::Beginning(format!("Task `{id}` has ")));
    }
    let is_spawn = |(name, status): &(String, StepStatus)| name == "spawn_task" && *status == StepStatus::Done;
    let spawned = uses(&rows).iter().filter(|step| is_spawn(step)).count();
    let below: Vec<TaskId> = found
        .rows
        .values()
        .filter(|rows| rows.task.parent.as_ref() == Some(&id))
        .map(|rows| rows.task.id.clone())
        .collect();
    report.tasks.subtasks += below.len() as u64;
    if below.len() != spawned {
        report.tasks.doubled += below.len().saturating_sub(spawned) as u64;
        report.tasks.lost += spawned.saturating_sub(below.len()) as u64;
        report.fault(format!("task {id} has spawned {spawned} and has {} subtasks", below.len()));
    }
    for child in below.iter().filter_map(|child| found.rows.remove(child)) {
        dues.extend(one(report, (&child, event, Whose::Subtask), &mut found.disk));
    }
    dues
}

/// Uses of tools, in order.
fn uses(rows: &TaskRows) -> Vec<(String, StepStatus)> {
    let tool = |what: &What| match what {
        What::Tool(call) => Some(call.name.clone()),
        What::Model | What::Children => None,
    };
    rows.steps.iter().filter_map(|step| Some((tool(&step.what)?, step.status))).collect()
}

/// One task's journal and file.
fn one(report: &mut Report, (rows, event, whose): (&TaskRows, &Event, Whose), disk: &mut Disk) -> Vec<Due> {
    let (task, uses) = (&rows.task, uses(rows));
    let script: &[&str] = if whose == Whose::Subtask { &OF_SUBTASK } else { &OF_TASK };
    let names: Vec<&str> = uses.iter().map(|(name, _)| name.as_str()).collect();
    if !script.starts_with(&names) {
        report.tasks.doubled += 1;
        report.fault(format!("task {} has used {names:?}, and was to use {script:?}", task.id));
    }
    if task.state == TaskState::Succeeded && names.len() != script.len() {
        report.tasks.lost += 1;
        report.fault(format!("task {} has succeeded with {names:?} of {script:?}", task.id));
    }
    let waits =
        task.state == TaskState::Waiting && matches!(task.wait, Some(Wait::Quota | Wait::InDoubt | Wait::Child));
    if !task.state.is_terminal() && !waits {
        report.fault(format!(
            "task {} has not ended and waits for nothing: it is {} {:?}",
            task.id, task.state, task.wait
        ));
    }
    steps(report, rows);
    let file = File::of(whose, event.context, event.n);
    let written = uses.iter().filter(|(name, _)| name == "md_write");
    let fates: Vec<Fate> =
        written.map(|(_, status)| if *status == StepStatus::Done { Fate::Done } else { Fate::Open }).collect();
    disk.check(report, (task.id.as_str(), fates.contains(&Fate::Open)), (&file, &fates));
    let posted = uses.iter().filter(|(name, status)| name == "post" && *status == StepStatus::Done);
    posted.map(|_| Due::Exactly(post(whose, event.context, event.n))).collect()
}

/// Each use of a tool was done, but for the last one of a task that was given up.
fn steps(report: &mut Report, rows: &TaskRows) {
    let (task, last) = (&rows.task, rows.steps.last().map(|step| step.seq));
    for step in &rows.steps {
        let What::Tool(call) = &step.what else { continue };
        let was_given_up = task.state.is_terminal() && task.state != TaskState::Succeeded && last == Some(step.seq);
        match step.status {
            StepStatus::Done => *report.tasks.used.entry(call.name.clone()).or_default() += 1,
            StepStatus::Unknown if was_given_up => report.tasks.cut += 1,
            status => {
                let conflicts = CONFLICTS.iter().any(|words| step.output.contains(words));
                report.tasks.doubled += u64::from(conflicts);
                let (id, seq, name) = (&task.id, step.seq, &call.name);
                report.fault(format!(
                    "step {seq} of task {id} ({}, {name}) is {}: {}",
                    task.state,
                    status.as_str(),
                    step.output
                ));
            }
        }
    }
}

/// Nothing is reserved while nothing runs.
pub(super) fn reserved(report: &mut Report, rows: &[Spending]) {
    for of in rows.iter().filter(|of| of.reserved_micro_usd > 0 || of.reserved_tokens > 0) {
        let Spending { account, reserved_micro_usd, reserved_tokens, .. } = of;
        report.fault(format!(
            "{reserved_micro_usd} µ$ and {reserved_tokens} tokens are reserved on {account} while nothing runs"
        ));
    }
}

/// No day's limit was exceeded.
pub(super) fn spent(report: &mut Report, rows: &[Spending], allowed: Option<u64>) {
    let node = rows.iter().filter(|of| of.account == "node").map(|of| of.micro_usd).max().unwrap_or(0);
    (report.tasks.spent_micro_usd, report.tasks.allowed_micro_usd) = (node, allowed);
    if allowed.is_some_and(|max| node > max) {
        report.fault(format!("the node has spent {node} µ$ of {allowed:?} in a day"));
    }
}
