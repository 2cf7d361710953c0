//! Which passages are quoted, and how it reads. Pure: the same request always has the same answer.

use messages::index::Hit;
use messages::model::{Answer, Request};

use super::excerpt::excerpt;

/// Passages quoted at most.
const QUOTES_MAX: usize = 3;
/// Bytes of one quotation at most.
const QUOTE_BYTES_MAX: usize = 600;
/// A passage whose score is below this share of the best one's is not worth a quotation.
const SCORE_SHARE_MIN: f64 = 0.5;
/// What every answer ends with.
const FOOTER: &str = "— offline model: it quotes and does not understand. To connect a real one, see `[models]` in \
                      agent-runtime.toml and docs/configuration.md.";

/// The answer; `None` only when it may not have a single byte.
pub(crate) fn answer(model: &str, request: &Request) -> Option<Answer> {
    let chosen = fitting(&request.passages);
    let (mut text, mut sources, mut cut) = (String::new(), Vec::new(), false);
    if chosen.is_empty() {
        text.push_str(&nothing_fits(&request.passages));
    } else {
        text.push_str("From your notes:");
        let room = request.answer_bytes_max.saturating_sub(FOOTER.len() + 2);
        for hit in chosen {
            let quote = quotation(hit, &request.question);
            if text.len() + quote.len() > room && !sources.is_empty() {
                cut = true;
                break;
            }
            text.push_str(&quote);
            if !sources.contains(&hit.path) {
                sources.push(hit.path.clone());
            }
        }
    }
    text.push_str("\n\n");
    text.push_str(FOOTER);
    if text.len() > request.answer_bytes_max {
        text.truncate(text.floor_char_boundary(request.answer_bytes_max));
        cut = true;
    }
    let text = text.trim_end().to_owned();
    (!text.is_empty()).then(|| Answer { text, sources, model: model.to_owned(), cut, ..Answer::default() })
}

/// The passages that are good enough, best first: no text twice, none far behind the best.
fn fitting(passages: &[Hit]) -> Vec<&Hit> {
    let mut chosen: Vec<&Hit> = Vec::new();
    for hit in passages.iter().filter(|hit| fits(hit)) {
        let best = chosen.first().map_or(hit.score, |first| first.score);
        let close = best <= 0.0 || hit.score >= best * SCORE_SHARE_MIN;
        if close && chosen.iter().all(|other| other.passage != hit.passage) {
            chosen.push(hit);
        }
        if chosen.len() == QUOTES_MAX {
            break;
        }
    }
    chosen
}

/// It holds half of the words that were asked for; of a long question two are enough if they are a quarter of it.
fn fits(hit: &Hit) -> bool {
    let (found, asked) = (hit.words_found, hit.words_asked);
    let words = found >= 1 && (found * 2 >= asked || (found >= 2 && found * 4 >= asked));
    words && !hit.passage.trim().is_empty()
}

/// A heading line and the words as a Markdown block quote.
fn quotation(hit: &Hit, question: &str) -> String {
    let mut text = format!("\n\n{}\n", place(hit));
    for line in excerpt(&hit.passage, question, QUOTE_BYTES_MAX).lines() {
        text.push_str(if line.trim().is_empty() { "\n>" } else { "\n> " });
        text.push_str(line.trim_end());
    }
    text
}

fn place(hit: &Hit) -> String {
    let heading = hit.heading.replace(" > ", " › ");
    if heading.is_empty() { format!("`{}`", hit.path) } else { format!("`{}` › {heading}", hit.path) }
}

fn nothing_fits(passages: &[Hit]) -> String {
    let searched = "I searched the notes this context may read for the words of your question";
    let why = match passages.first() {
        None => format!("{searched}: no passage holds any of them, or there are no notes yet."),
        Some(hit) if hit.words_asked == 0 => "Your question holds no word that could be searched for.".to_owned(),
        Some(hit) => {
            let (found, asked, place) = (hit.words_found, hit.words_asked, place(hit));
            format!("{searched}. The closest passage holds {found} of {asked} of them, too few to quote: {place}.")
        }
    };
    format!(
        "I found nothing in your notes to quote for this. {why}\n\nTry `/search` with one or two words that must be there."
    )
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
