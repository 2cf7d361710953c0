//! What a person sees of frames: no I/O.

use messages::InboundId;
use messages::turn::Outcome;

use crate::escape::{for_one_line, for_terminal};
use crate::registry::CONNECTOR;
use crate::wire::{FromNode, Reply};

/// One thing to show. Texts are safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Show {
    /// Words of an answer, as they are.
    Words(String),
    /// A line about what happens.
    Note(String),
}

/// What one frame comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) show: Vec<Show>,
    /// To be acknowledged once it is shown.
    pub(crate) delivery: Option<i64>,
    /// The turn that was waited for has its outcome.
    pub(crate) done: bool,
}

/// What stands on the screen of the turn that runs.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    running: Option<InboundId>,
    /// Events of this terminal that are not waited for: stops, and turns that the person left.
    aside: Vec<InboundId>,
    /// The words that previews have shown.
    previewed: String,
}

/// Events that are remembered as this terminal's own while nobody waits for them.
const ASIDE_MAX: usize = 64;

impl Screen {
    /// A turn begins; its words are waited for.
    pub(crate) fn begin(&mut self, inbound: InboundId) {
        self.running = Some(inbound);
        self.previewed.clear();
    }

    /// An event whose answer is not waited for.
    pub(crate) fn aside(&mut self, inbound: InboundId) {
        if self.aside.len() >= ASIDE_MAX {
            self.aside.remove(0);
        }
        self.aside.push(inbound);
    }

    /// The person does not wait for the turn any more.
    pub(crate) fn abandon(&mut self) {
        self.previewed.clear();
        if let Some(inbound) = self.running.take() {
            self.aside(inbound);
        }
    }

    /// What a frame shows.
    pub(crate) fn see(&mut self, frame: &FromNode) -> Seen {
        match frame {
            FromNode::Preview { inbound, piece } if self.running.as_ref() == Some(inbound) => {
                self.previewed.push_str(piece);
                Seen { show: vec![Show::Words(for_terminal(piece))], ..Seen::default() }
            }
            FromNode::Reply(reply) => self.reply(reply),
            FromNode::Settled { inbound, outcome, reason } => self.settled(inbound, *outcome, reason),
            FromNode::NotAccepted { event, why } => {
                self.ended(&InboundId::of(CONNECTOR, event), vec![note(&format!("not accepted: {why}"))])
            }
            FromNode::Busy { why } => Seen { show: vec![note(&format!("the node waits: {why}"))], ..Seen::default() },
            _ => Seen::default(),
        }
    }

    fn reply(&mut self, reply: &Reply) -> Seen {
        let mut show = Vec::new();
        if self.running.as_ref() == Some(&reply.inbound) {
            show.push(Show::Words(for_terminal(&rest(&self.previewed, &reply.text)) + "\n"));
            self.previewed.clear();
        } else {
            show.extend(self.break_line());
            // Words of a task, which come after the outcome of their event, say themselves what they are.
            if reply.outcome.is_some() && !self.aside.contains(&reply.inbound) {
                show.push(note(&format!("the reply to {}, which was asked before:", reply.inbound)));
            }
            show.push(Show::Words(for_terminal(&reply.text) + "\n"));
        }
        if !reply.sources.is_empty() {
            show.push(note(&format!("sources: {}", reply.sources.join(", "))));
        }
        let seen = match reply.outcome {
            Some(_) => self.ended(&reply.inbound, show),
            None => Seen { show, ..Seen::default() },
        };
        Seen { delivery: Some(reply.delivery), ..seen }
    }

    fn settled(&mut self, inbound: &InboundId, outcome: Outcome, reason: &str) -> Seen {
        let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let mut show: Vec<Show> = self.break_line().into_iter().collect();
        show.push(note(&format!("{outcome}{because}")));
        self.ended(inbound, show)
    }

    fn ended(&mut self, inbound: &InboundId, show: Vec<Show>) -> Seen {
        self.aside.retain(|own| own != inbound);
        let done = self.running.as_ref() == Some(inbound);
        if done {
            self.running = None;
            self.previewed.clear();
        }
        Seen { show, delivery: None, done }
    }

    /// Ends the line in which previews stand; the answer is shown whole when it comes.
    fn break_line(&mut self) -> Option<Show> {
        (!std::mem::take(&mut self.previewed).is_empty()).then(|| Show::Words("\n".into()))
    }
}

/// What is still to be shown of a text after its previews.
fn rest(previewed: &str, text: &str) -> String {
    match text.strip_prefix(previewed) {
        Some(rest) => rest.to_owned(),
        None => format!("\n{text}"),
    }
}

fn note(text: &str) -> Show {
    Show::Note(for_one_line(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(event: &str) -> InboundId {
        InboundId::of(CONNECTOR, event)
    }

    fn reply(event: &str, text: &str, outcome: Option<Outcome>) -> FromNode {
        let (context, sources) = ("general".into(), vec![]);
        FromNode::Reply(Reply { delivery: 5, inbound: id(event), context, outcome, text: text.into(), sources })
    }

    fn piece(event: &str, piece: &str) -> FromNode {
        FromNode::Preview { inbound: id(event), piece: piece.into() }
    }

    fn words(seen: &[Seen]) -> String {
        let shown = seen.iter().flat_map(|s| &s.show);
        shown
            .map(|s| match s {
                Show::Words(words) => words.clone(),
                Show::Note(note) => format!("[{note}]"),
            })
            .collect()
    }

    #[test]
    fn an_answer_that_came_in_pieces_is_not_shown_twice() {
        let mut screen = Screen::default();
        screen.begin(id("s:1"));
        let seen = [
            screen.see(&piece("s:1", "Hel")),
            screen.see(&piece("s:1", "lo")),
            screen.see(&reply("s:1", "Hello you", Some(Outcome::Replied))),
        ];
        assert_eq!(words(&seen), "Hello you\n");
        assert!(seen[2].done && seen[2].delivery == Some(5) && !seen[1].done);
    }

    #[test]
    fn an_answer_that_differs_from_its_previews_is_shown_whole() {
        let mut screen = Screen::default();
        screen.begin(id("s:1"));
        let seen = [screen.see(&piece("s:1", "Hel")), screen.see(&reply("s:1", "Bye", Some(Outcome::Replied)))];
        assert_eq!(words(&seen), "Hel\nBye\n");
    }

    #[test]
    fn a_message_before_the_answer_does_not_end_the_turn() {
        let mut screen = Screen::default();
        screen.begin(id("s:1"));
        assert!(!screen.see(&reply("s:1", "wait", None)).done);
        assert!(screen.see(&reply("s:1", "done", Some(Outcome::Replied))).done);
    }

    #[test]
    fn the_answer_to_stop_does_not_end_the_turn_it_stops() {
        let mut screen = Screen::default();
        screen.begin(id("s:1"));
        screen.aside(id("s:2"));
        let seen = [
            screen.see(&piece("s:1", "Hel")),
            screen.see(&reply("s:2", "stopping", Some(Outcome::Noted))),
            screen.see(&FromNode::Settled { inbound: id("s:1"), outcome: Outcome::Cancelled, reason: "by ann".into() }),
        ];
        assert_eq!(words(&seen), "Hel\nstopping\n[cancelled: by ann]");
        assert_eq!(seen.map(|s| s.done), [false, false, true]);
    }

    #[test]
    fn a_reply_to_what_another_session_asked_says_so() {
        let mut screen = Screen::default();
        let seen = screen.see(&reply("t:1", "late", Some(Outcome::Replied)));
        assert!(words(&[seen]).starts_with("[the reply to in_"));
        screen.begin(id("s:1"));
        screen.abandon();
        assert_eq!(words(&[screen.see(&reply("s:1", "mine", Some(Outcome::Replied)))]), "mine\n");
    }

    #[test]
    fn words_of_a_task_that_come_after_the_outcome_are_shown_as_they_are() {
        let mut screen = Screen::default();
        screen.begin(id("s:1"));
        assert!(screen.see(&reply("s:1", "task made", Some(Outcome::Replied))).done);
        let seen = screen.see(&reply("s:1", "— task result\nall is read", None));
        assert_eq!((seen.delivery, seen.done), (Some(5), false));
        assert_eq!(words(&[seen]), "— task result\nall is read\n");
        screen.begin(id("s:2"));
        let seen = [
            screen.see(&piece("s:2", "Hel")),
            screen.see(&reply("s:1", "— task result", None)),
            screen.see(&reply("s:2", "Hello", Some(Outcome::Replied))),
        ];
        assert_eq!(words(&seen), "Hel\n— task result\n\nHello\n".replace("\n\n", "\n"));
        assert!(seen[2].done);
    }

    #[test]
    fn nothing_that_steers_a_terminal_reaches_it() {
        let mut screen = Screen::default();
        screen.begin(id("s:1"));
        let seen = [
            screen.see(&piece("s:1", "\u{1b}[2J")),
            screen.see(&reply("s:1", "\u{1b}[2J\u{202e}x", Some(Outcome::Replied))),
            screen.see(&FromNode::Busy { why: "\u{7}\n".into() }),
        ];
        assert_eq!(words(&seen), "\\u{1b}[2J\\u{202e}x\n[the node waits: \\u{7}\\n]");
    }
}
