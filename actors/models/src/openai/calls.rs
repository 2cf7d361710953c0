//! The tools an answer asks for, put together from the pieces they come in. Pure and bounded.
//!
//! Pieces belong together by their index; the id and the name come once, the arguments in parts. Some endpoints give no
//! index, or the same one to several calls: there another id begins another call.

use messages::model::CALLS_MAX;
use messages::tool::{ARGUMENTS_BYTES_MAX, ToolCall};

use super::wire::CallDelta;

/// The longest id and the longest name that are kept, in bytes; what is longer is cut.
const NAME_BYTES_MAX: usize = 256;

/// Calls that are coming.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    kept: Vec<(Option<u64>, ToolCall)>,
    left_out: u32,
    /// The call that was left out last: what comes of it still is no further one.
    skipped: Option<(Option<u64>, String)>,
    arguments_bytes: usize,
}

impl Calls {
    /// Takes a piece; `false`: the arguments are as long as they may be, and were cut here.
    pub(crate) fn take(&mut self, piece: &CallDelta<'_>) -> bool {
        let function = piece.function.as_ref();
        let id = cut(piece.id.as_ref().map_or("", |id| &id.0), NAME_BYTES_MAX);
        let name = function.and_then(|function| function.name.as_ref());
        let name = cut(name.map_or("", |name| &name.0), NAME_BYTES_MAX);
        let at = self.find(piece.index, id, name).or_else(|| self.begin(piece.index, id, name));
        let Some((_, call)) = at.and_then(|at| self.kept.get_mut(at)) else { return true };
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        if call.name.is_empty() {
            name.clone_into(&mut call.name);
        }
        let arguments = function.and_then(|function| function.arguments.as_ref()).map_or("", |text| &text.0);
        let part = cut(arguments, ARGUMENTS_BYTES_MAX.saturating_sub(self.arguments_bytes));
        call.arguments.push_str(part);
        self.arguments_bytes += part.len();
        part.len() == arguments.len()
    }

    /// The call that a piece goes on with.
    fn find(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let fits = |call: &ToolCall| id.is_empty() || call.id.is_empty() || call.id == id;
        match index {
            Some(_) => self.kept.iter().rposition(|(of, call)| *of == index && fits(call)),
            None if !id.is_empty() => self.kept.iter().rposition(|(_, call)| call.id == id),
            None if name.is_empty() && self.skipped.is_none() => self.kept.len().checked_sub(1),
            None => None,
        }
    }

    /// Begins a call; `None`: it is left out, and counted once.
    fn begin(&mut self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        if self.kept.len() < CALLS_MAX {
            self.kept.push((index, ToolCall::default()));
            return self.kept.len().checked_sub(1);
        }
        let goes_on =
            |(of, was): &(Option<u64>, String)| *of == index && index.is_some() && (id.is_empty() || was == id);
        let is_named = !id.is_empty() || !name.is_empty();
        if is_named && !self.skipped.as_ref().is_some_and(goes_on) {
            self.left_out = self.left_out.saturating_add(1);
            self.skipped = Some((index, id.to_owned()));
        }
        None
    }

    /// Bytes of what is kept.
    pub(crate) fn bytes(&self) -> usize {
        self.kept.iter().map(|(_, call)| call.name.len() + call.arguments.len()).sum()
    }

    /// The calls, each with an id, and how many were left out. What has neither name nor arguments is none.
    pub(crate) fn end(self) -> (Vec<ToolCall>, u32) {
        let is_call = |call: &ToolCall| !call.name.is_empty() || !call.arguments.is_empty();
        let calls = self.kept.into_iter().map(|(_, call)| call).filter(is_call);
        let with_id = |(at, call): (usize, ToolCall)| {
            if call.id.is_empty() { ToolCall { id: format!("call_{at}"), ..call } } else { call }
        };
        (calls.enumerate().map(with_id).collect(), self.left_out)
    }
}

/// As much of a text as fits, cut at a character.
fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default()
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
