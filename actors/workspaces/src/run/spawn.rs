//! Tools that are rows of the commit which ends their step: subtasks and posts. They can't be cut off and can't be doubled.

use messages::step::{StepStatus, Work};
use messages::store::{TaskWrite, Write};
use messages::task::{
    Budget, CHILDREN_MAX, DEPTH_MAX, DESCENDANTS_MAX, NewTask, OnDependencyFailure, TaskId, TaskSpec, TaskState,
};
use messages::tool::{Post, SpawnTask, ToolCall};
use messages::{Address, TaskId as Id};

use super::{Ground, Run};
use crate::task::DEADLINE;

/// The longest title of a task in characters.
pub(crate) const TITLE_CHARS_MAX: usize = 80;
/// The longest words of a task in bytes.
const INPUT_BYTES_MAX: usize = 64 * 1024;
/// Tasks that one may depend on.
const DEPENDS_ON_MAX: usize = 16;
/// The part of what is left that a subtask gets when nothing is said: one in so many.
const SHARE: u64 = 4;

type Said = (StepStatus, String);

fn said_no(words: String) -> Said {
    (StepStatus::Failed, words)
}

impl Run {
    /// `post`.
    pub(super) fn post(&mut self, seq: u32, call: &ToolCall, (on, writes): (&Ground<'_>, &mut Vec<Write>)) -> Said {
        let post: Post = match serde_json::from_str(&call.arguments) {
            Ok(post) => post,
            Err(error) => return said_no(format!("Not posted: {error}.")),
        };
        let (text, Work::Task(task)) = (post.text.trim(), &self.brief.work) else {
            return said_no("Not posted: only a task can.".to_owned());
        };
        if text.is_empty() || text.len() > self.brief.limits.answer_bytes {
            return said_no(format!(
                "Not posted: a post has 1 to {} bytes; this has {}.",
                self.brief.limits.answer_bytes,
                text.len()
            ));
        }
        writes.push(Write::Task(TaskWrite::Post {
            task: task.clone(),
            step: Some(seq),
            seq: self.brief.seq,
            context: self.brief.context.clone(),
            chat: self.brief.turn.reply_to.clone(),
            text: text.to_owned(),
            sources: Vec::new(),
            at: on.now,
        }));
        self.wakes.extend(Address::lane(&self.brief.turn.reply_to).ok());
        (StepStatus::Done, "Posted.".to_owned())
    }

    /// `spawn_task`.
    pub(super) fn spawn(
        &mut self,
        seq: u32,
        call: &ToolCall,
        (on, writes): (&mut Ground<'_>, &mut Vec<Write>),
    ) -> Said {
        let asked: SpawnTask = match serde_json::from_str(&call.arguments) {
            Ok(asked) => asked,
            Err(error) => return said_no(format!("No task was made: {error}.")),
        };
        let task = match self.subtask(seq, &asked, on) {
            Ok(task) => task,
            Err(why) => return said_no(format!("No task was made: {why}")),
        };
        let id = task.id.clone();
        if self.brief.line.is_some() {
            on.children += 1;
            on.descendants += 1;
            on.carved = on.carved.plus(task.budget.whole());
            self.made.push((id.clone(), task.budget));
        }
        put(task, writes);
        self.wakes.push(Address::of_workspace(&self.brief.workspace));
        let comes = if self.brief.line.is_some() {
            "You are told its result when you have finished your answer and all subtasks have ended."
        } else {
            "Its result is posted in this chat when it has ended."
        };
        (StepStatus::Done, format!("Task {id} is made. {comes}"))
    }

    fn subtask(&self, seq: u32, asked: &SpawnTask, on: &Ground<'_>) -> Result<NewTask, String> {
        self.may_spawn(asked, on)?;
        let brief = &self.brief;
        let key = format!("{}/{seq}", brief.work.as_str());
        let id = TaskId::of(brief.workspace.as_str(), &key);
        let depends_on: Vec<Id> = asked.depends_on.iter().map(|id| Id::from_row(id.clone())).collect();
        let tools = match &asked.tools {
            // Fewer than its parent's, never more.
            Some(named) => {
                named.iter().filter(|name| brief.tools.iter().any(|t| t == *name || t == "*")).cloned().collect()
            }
            None => brief.tools.clone(),
        };
        let limits = on.facts.limits.task_limits;
        let spec = TaskSpec {
            title: title_of(if asked.title.trim().is_empty() { &asked.input } else { &asked.title }),
            input: asked.input.trim().to_owned(),
            turn: brief.turn.clone(),
            prompt: brief.system.clone(),
            memory: brief.memory.clone(),
            tools,
            models: brief.models.clone(),
            purpose: brief.purpose,
            depends_on,
            on_dependency_failure: asked.on_dependency_failure.unwrap_or(OnDependencyFailure::Cancel),
            limits: messages::task::TaskLimits {
                answer_bytes: brief.limits.answer_bytes,
                passages: brief.limits.passages,
                ..limits
            },
            retry_of: None,
        };
        Ok(NewTask {
            root: brief.line.as_ref().map_or_else(|| id.clone(), |line| line.root.clone()),
            parent: brief.line.as_ref().map(|line| line.id.clone()),
            depth: brief.line.as_ref().map_or(0, |line| line.depth + 1),
            id,
            key,
            workspace: brief.workspace.clone(),
            context: brief.context.clone(),
            seq: brief.seq,
            trace: brief.trace.clone(),
            state: if spec.depends_on.is_empty() { TaskState::Queued } else { TaskState::Blocked },
            priority: 3,
            budget: self.share(asked, on)?,
            deadline: on.now.plus_ms(seconds_ms(limits.deadline_s)),
            at: on.now,
            spec,
        })
    }

    fn may_spawn(&self, asked: &SpawnTask, on: &Ground<'_>) -> Result<(), String> {
        if asked.input.trim().is_empty() || asked.input.len() > INPUT_BYTES_MAX {
            return Err(format!("`input` has 1 to {INPUT_BYTES_MAX} bytes."));
        }
        if asked.depends_on.len() > DEPENDS_ON_MAX {
            return Err(format!("it may depend on {DEPENDS_ON_MAX} tasks at most."));
        }
        let Some(line) = &self.brief.line else { return Ok(()) };
        let waits_for_it = |id: &String| *id == line.id.as_str() || *id == line.root.as_str();
        if asked.depends_on.iter().any(waits_for_it) {
            return Err("it can't depend on the task that waits for it.".to_owned());
        }
        if line.depth >= DEPTH_MAX {
            return Err(format!("subtasks may be {DEPTH_MAX} deep, and this one would be deeper."));
        }
        if on.children >= CHILDREN_MAX {
            return Err(format!("a task may have {CHILDREN_MAX} subtasks, and this one has them."));
        }
        if on.descendants >= DESCENDANTS_MAX {
            return Err(format!("{DESCENDANTS_MAX} tasks stand below the first one already."));
        }
        Ok(())
    }

    /// A subtask's budget is taken from what is left of its parent's; a turn gives a task of its own the usual one.
    fn share(&self, asked: &SpawnTask, on: &Ground<'_>) -> Result<Budget, String> {
        let wanted = match asked.budget_usd {
            None => None,
            Some(usd) if usd.is_finite() && (0.0..=1_000_000.0).contains(&usd) => Some(micro(usd)),
            Some(_) => return Err("`budget_usd` must be a number of dollars, 0 or more.".to_owned()),
        };
        if self.brief.line.is_none() {
            let usual = on.facts.limits.task;
            return Ok(Budget { micro_usd: wanted.unwrap_or(usual.micro_usd).min(usual.micro_usd), ..usual });
        }
        let left = self.left(on);
        let micro_usd = wanted.unwrap_or(left.micro_usd / SHARE);
        if micro_usd > left.micro_usd {
            let (wanted, left) = (super::dollars(micro_usd), super::dollars(left.micro_usd));
            return Err(format!("{wanted} were asked for it, and {left} are left."));
        }
        Ok(Budget {
            micro_usd,
            input_tokens: left.input_tokens / SHARE,
            output_tokens: left.output_tokens / SHARE,
            tool_calls: left.tool_calls / u32::try_from(SHARE).unwrap_or(1),
        })
    }
}

/// A new task, and the date at which it is too late for one that waits for others.
pub(crate) fn put(task: NewTask, writes: &mut Vec<Write>) {
    if task.state == TaskState::Blocked {
        let entity = Address::task(&task.workspace, &task.id);
        writes.push(Write::TimerPut { entity, name: DEADLINE.to_owned(), due: task.deadline });
    }
    writes.push(Write::Task(TaskWrite::Put(Box::new(task))));
}

/// The first line of some words, as a title.
pub(crate) fn title_of(words: &str) -> String {
    let line = words.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(no words)");
    markdown::text::clean_line(line, TITLE_CHARS_MAX)
}

pub(crate) fn seconds_ms(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

/// Dollars in millionths; the caller has checked that they are some.
fn micro(usd: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a million dollars fit")]
    let micro = (usd * 1_000_000.0).round() as u64;
    micro
}
