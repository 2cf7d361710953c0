//! What a stream adds up to. Pure: events in, an answer or a fault out.

use messages::model::{Answer, Class, Request};

use super::core::{Callee, Fault, blocked, classify, quoted, too_long, upstream};
use super::wire::{Chunk, told_by};

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
    finish: Option<Finish>,
    done: bool,
    cut: bool,
}

impl<'a> Fold<'a> {
    pub(crate) fn new(callee: &'a Callee, bytes_max: usize) -> Self {
        Self { callee, bytes_max, text: String::new(), finish: None, done: false, cut: false }
    }

    /// The words that came so far.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The model has said why it stopped; only `[DONE]` may follow.
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
        let Some(choice) = chunk.choices.into_iter().next() else {
            return Ok(Step::Nothing);
        };
        if let Some(reason) = &choice.finish_reason {
            self.finish = Some(finish(&reason.0));
        }
        let piece = choice.delta.and_then(|delta| delta.content);
        Ok(piece.map_or(Step::Nothing, |piece| self.take(&piece.0)))
    }

    fn take(&mut self, piece: &str) -> Step {
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

    /// The stream is over.
    pub(crate) fn end(self, request: &Request) -> Result<Answer, Fault> {
        let name = &self.callee.name;
        match self.finish {
            Some(Finish::Blocked) => return Err(blocked(name, "")),
            Some(Finish::Broken) => return Err(upstream(name, "")),
            Some(Finish::TooLong) if self.text.is_empty() => return Err(too_long(name, "")),
            None if !self.done && !self.cut => return Err(self.truncated()),
            _ => {}
        }
        let text = self.text.trim_end();
        if text.is_empty() {
            return Err(Fault::new(
                Class::Empty,
                format!("Model `{name}` answered with nothing."),
                "Ask again, or in other words; a model that thinks may have used up its budget.",
            ));
        }
        let cut = self.cut || matches!(self.finish, Some(Finish::Length | Finish::TooLong));
        let sources = cited(text, request);
        Ok(Answer { text: text.to_owned(), sources, model: name.clone(), cut })
    }

    fn truncated(&self) -> Fault {
        Fault::new(
            Class::Truncated,
            format!("The answer of model `{}` ended in the middle, after {} bytes.", self.callee.name, self.text.len()),
            "Ask again; if it stays, something between this node and the model closes long replies.",
        )
    }

    fn unreadable(&self, error: &serde_json::Error) -> Fault {
        upstream(&self.callee.name, &quoted(&format!("a part of its answer is not readable JSON ({error})")))
    }
}

fn finish(reason: &str) -> Finish {
    match reason {
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
