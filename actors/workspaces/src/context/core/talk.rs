//! Talk: a turn that a model answers, step by step.

use messages::model::{Purpose, Role as Speaker};
use messages::step::Work;
use messages::turn::Outcome;
use runtime::Cx;

use super::run::Say;
use super::{Decision, Effect, Queued, State};
use crate::WorkFacts;
use crate::commands::Input;
use crate::run::{Brief, End, Ground, Run, RunLimits, StepEnd, Todo};

impl State {
    /// Begins a turn of talk, which runs from now on.
    pub(super) fn begin_talk(&mut self, next: Queued, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let (brief, steps) = (self.brief(&next, cx), std::mem::take(&mut self.begun));
        self.talk = Some(Box::new(Run::new(brief, steps, std::mem::take(&mut self.spending), cx.now)));
        self.running = Some(next);
        self.talk_on(out, cx);
    }

    /// The turn that had begun before this open goes on where its journal ends.
    pub(super) fn resume(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        // A stop may have come before.
        let Some(turn) = self.running.take_if(|_| self.talk.is_none()) else { return };
        if turn.input == Input::Talk {
            self.begin_talk(turn, out, cx);
        } else {
            self.begin_job(turn, out, cx);
        }
        self.begin_next(out, cx);
    }

    fn brief(&mut self, next: &Queued, cx: &Cx<'_, WorkFacts>) -> Brief {
        let history = self.heard_before(next);
        let (definition, work) = (&self.in_force.context, &cx.facts.limits);
        Brief {
            work: Work::Turn(next.row.id.clone()),
            workspace: self.workspace.clone(),
            context: cx.address.clone(),
            seq: next.row.seq,
            trace: next.row.trace.clone(),
            turn: next.turn.clone(),
            line: None,
            system: definition.prompt.clone(),
            memory: self.in_force.memory.clone(),
            history,
            question: next.row.text.clone(),
            purpose: Purpose::Chat,
            models: definition.models.clone(),
            tools: definition.tools.clone(),
            limits: RunLimits {
                model_turns: work.task_limits.model_turns,
                answer_bytes: definition.limits.answer_bytes,
                passages: definition.limits.passages,
                seconds: definition.limits.turn_seconds,
            },
            budget: work.turn,
        }
    }

    fn talk_on(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let (Some(mut run), Some(seq)) = (self.talk.take(), self.running.as_ref().map(|turn| turn.row.seq)) else {
            return;
        };
        let people = self.in_force.context.facts(&self.in_force.workspace);
        let mut on = ground(&people, cx);
        let todo = run.advance(&mut on, &mut out.writes);
        out.then.extend(std::mem::take(&mut run.wakes).into_iter().map(Effect::Wake));
        match todo {
            Todo::Ask(ask) => out.then.push(Effect::Ask(seq, ask)),
            Todo::Use(of) => out.then.push(Effect::Use(seq, of)),
            // A turn does not wait for the tasks that it makes.
            Todo::Children => {}
            Todo::End(end) => return self.talk_ended(&mut run, end, out, cx),
        }
        self.talk = Some(run);
    }

    /// A step has ended; what comes for a turn that was stopped is ignored.
    pub(super) fn step_ended(&mut self, seq: i64, end: StepEnd, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let Some(mut run) = self.talk.take_if(|run| run.brief.seq == seq) else { return };
        let people = self.in_force.context.facts(&self.in_force.workspace);
        let end = run.step_ended(end, &ground(&people, cx), &mut out.writes);
        self.talk = Some(run);
        self.after_step(end, out, cx);
    }

    fn after_step(&mut self, end: Option<End>, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        match end {
            None => self.talk_on(out, cx),
            Some(end) => {
                if let Some(mut run) = self.talk.take() {
                    self.talk_ended(&mut run, end, out, cx);
                }
            }
        }
        self.begin_next(out, cx);
    }

    fn talk_ended(&mut self, run: &mut Run, end: End, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        // A turn has one run: no other finds out what became of a tool that gave no answer.
        run.give_up("its turn has ended", cx.now, &mut out.writes);
        self.spending = run.spending();
        let Some(turn) = self.running.take() else { return };
        let say = match end {
            End::Answer(answer) => {
                let text = if answer.cut {
                    format!("{}\n\n(cut after {} bytes)", answer.text, run.brief.limits.answer_bytes)
                } else {
                    answer.text
                };
                self.remember(turn.row.seq, Speaker::Assistant, &text);
                Say::new(text, Outcome::Replied).quoting(answer.sources)
            }
            End::Failed(why) => Say::new(why.words, Outcome::Failed),
            End::Parked { words, .. } => Say::new(words, Outcome::Failed),
            End::InDoubt(words) => {
                let text = format!("{words}. Whether it was done is not known; look, and say it again if it was not.");
                Say::new(text, Outcome::InDoubt)
            }
        };
        Self::reply(&turn.row, say, out, cx);
    }

    /// The running turn was ended by someone else: what its step had reserved is charged.
    pub(super) fn give_up_talk(&mut self, why: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        if let Some(mut run) = self.talk.take() {
            run.give_up(why, cx.now, &mut out.writes);
            self.spending = run.spending();
        }
        self.begun.clear();
    }
}

/// A turn has no subtasks of its own: tasks that it makes are on their own.
fn ground<'a>(people: &'a policy::ContextFacts, cx: &'a Cx<'_, WorkFacts>) -> Ground<'a> {
    let carved = messages::task::Spent::default();
    Ground { facts: cx.facts, people, actor: cx.address, now: cx.now, children: 0, descendants: 0, carved }
}
