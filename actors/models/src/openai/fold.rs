//! What a stream adds up to. Pure: events in, an answer or a fault out.

use messages::model::{Answer, Billed, Class, Request};

use super::Callee;
use super::calls::Calls;
use super::classify::{classify, in_words, quoted};
use super::spent::{Bytes, Counted, counted, usage};
use super::wire::{Chunk, Delta, told_by};
use crate::fault::Fault;

/// What to do after an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Words came; they are `text()[from..]`.
    Piece {
        /// Where they begin.
        from: usize,
    },
    /// Nothing to show; go on.
    Nothing,
    /// The answer is as long as it may be: read no further.
    Full {
        /// Where the last piece begins.
        from: usize,
    },
    /// `[DONE]`.
    Done,
}

/// Why the model stopped, in its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finish {
    Whole,
    Tools,
    Length,
    TooLong,
    Blocked,
    Broken,
}

/// An answer that is coming.
pub(crate) struct Fold<'a> {
    callee: &'a Callee,
    bytes_max: usize,
    text: String,
    calls: Calls,
    thoughts: usize,
    counted: Option<Counted>,
    finish: Option<Finish>,
    /// The model has begun to work on it.
    begun: bool,
    done: bool,
    cut: bool,
}

impl<'a> Fold<'a> {
    pub(crate) fn new(callee: &'a Callee, bytes_max: usize) -> Self {
        Self {
            callee,
            bytes_max,
            text: String::new(),
            calls: Calls::default(),
            thoughts: 0,
            counted: None,
            finish: None,
            begun: false,
            done: false,
            cut: false,
        }
    }

    /// The words that came so far.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The model has said why it stopped; only its count of tokens and `[DONE]` may follow.
    pub(crate) fn has_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Takes one event.
    pub(crate) fn push(&mut self, data: &str) -> Result<Step, Fault> {
        if data.trim() == "[DONE]" {
            self.done = true;
            return Ok(Step::Done);
        }
        let chunk: Chunk<'_> = serde_json::from_str(data).map_err(|e| self.unreadable(&e))?;
        if let Some(error) = &chunk.error {
            return Err(classify(self.callee, &told_by(200, error)));
        }
        if let Some(usage) = &chunk.usage {
            self.counted = Some(counted(usage));
        }
        let Some(choice) = chunk.choices.into_iter().flatten().next() else {
            return Ok(Step::Nothing);
        };
        if let Some(reason) = &choice.finish_reason {
            self.finish = Some(finish(&reason.0));
        }
        Ok(choice.delta.map_or(Step::Nothing, |delta| self.take(&delta)))
    }

    fn take(&mut self, delta: &Delta<'_>) -> Step {
        if let Some(thought) = &delta.reasoning_content {
            self.thoughts = self.thoughts.saturating_add(thought.0.len());
            self.begun |= !thought.0.is_empty();
        }
        let from = self.text.len();
        for piece in delta.tool_calls.iter().flatten() {
            self.begun = true;
            if !self.calls.take(piece) {
                self.cut = true;
                return Step::Full { from };
            }
        }
        delta.content.as_ref().map_or(Step::Nothing, |words| self.words(&words.0))
    }

    fn words(&mut self, piece: &str) -> Step {
        self.begun |= !piece.is_empty();
        // White space before the first word is no word: nothing is shown of an answer that stays empty.
        let piece = if self.text.is_empty() { piece.trim_start() } else { piece };
        if piece.is_empty() {
            return Step::Nothing;
        }
        let from = self.text.len();
        let room = self.bytes_max.saturating_sub(from);
        if piece.len() <= room {
            self.text.push_str(piece);
            return Step::Piece { from };
        }
        self.text.push_str(piece.get(..piece.floor_char_boundary(room)).unwrap_or_default());
        self.cut = true;
        Step::Full { from }
    }

    /// A failure in the stream with what it cost: nothing where the model refused before it began, what was counted where
    /// it came to its end, and else nobody knows.
    pub(crate) fn charged(&self, fault: Fault) -> Fault {
        let refused = matches!(
            fault.failure.class,
            Class::Auth
                | Class::Arrears
                | Class::RateLimited
                | Class::Overloaded
                | Class::Quota
                | Class::NotInPlan
                | Class::Refused
                | Class::TooLong
                | Class::Blocked
        );
        let is_told = self.finish.is_some() || self.done;
        let billed = match self.counted {
            None if refused && !self.begun && !is_told => Billed::Nothing,
            Some(counted) if is_told => Billed::Known(usage(Some(counted), self.bytes(0))),
            _ => Billed::Unknown,
        };
        fault.costing(billed)
    }

    fn bytes(&self, prompt: usize) -> Bytes {
        Bytes { prompt, answer: self.text.len() + self.calls.bytes(), thoughts: self.thoughts }
    }

    /// The stream is over; so many bytes were sent.
    pub(crate) fn end(self, request: &Request, prompt_bytes: usize) -> Result<Answer, Fault> {
        if let Some(fault) = self.failed() {
            return Err(self.charged(fault));
        }
        let usage = usage(self.counted, self.bytes(prompt_bytes));
        let cut = self.cut || matches!(self.finish, Some(Finish::Length | Finish::TooLong));
        let (calls, calls_left_out) = self.calls.end();
        let (text, model) = (self.text.trim_end().to_owned(), self.callee.name.clone());
        let sources = cited(&text, request);
        Ok(Answer { text, calls, calls_left_out, sources, model, cut, usage })
    }

    /// Why this is no answer.
    fn failed(&self) -> Option<Fault> {
        let is_empty = self.text.trim_end().is_empty() && self.calls.bytes() == 0;
        match self.finish {
            Some(Finish::Blocked) => Some(in_words(self.callee, Class::Blocked, "")),
            Some(Finish::Broken) => Some(in_words(self.callee, Class::Upstream, "")),
            Some(Finish::TooLong) if is_empty => Some(in_words(self.callee, Class::TooLong, "")),
            // It wanted a tool and did not say which: what it said besides is no answer.
            Some(Finish::Tools) if self.calls.bytes() == 0 => Some(self.empty()),
            None if !self.done && !self.cut => Some(self.truncated()),
            _ if is_empty => Some(self.empty()),
            _ => None,
        }
    }

    fn empty(&self) -> Fault {
        Fault::new(
            Class::Empty,
            format!("Model `{}` answered with nothing.", self.callee.name),
            "Ask again, or in other words; a model that thinks may have used up its budget.",
        )
    }

    fn truncated(&self) -> Fault {
        Fault::new(
            Class::Truncated,
            format!("The answer of model `{}` ended in the middle, after {} bytes.", self.callee.name, self.text.len()),
            "Ask again; if it stays, something between this node and the model closes long replies.",
        )
    }

    fn unreadable(&self, error: &serde_json::Error) -> Fault {
        let said = quoted(&format!("a part of its answer is not readable JSON ({error})"));
        in_words(self.callee, Class::Upstream, &said)
    }
}

fn finish(reason: &str) -> Finish {
    match reason {
        "tool_calls" => Finish::Tools,
        "length" => Finish::Length,
        "model_context_window_exceeded" => Finish::TooLong,
        "sensitive" | "content_filter" => Finish::Blocked,
        "network_error" => Finish::Broken,
        _ => Finish::Whole,
    }
}

/// The passages' paths that the answer names, each once, in the passages' order.
fn cited(text: &str, request: &Request) -> Vec<String> {
    let mut sources: Vec<String> = Vec::new();
    for hit in &request.passages {
        if text.contains(hit.path.as_str()) && !sources.contains(&hit.path) {
            sources.push(hit.path.clone());
        }
    }
    sources
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
