//! A question within the model's window: what was said long ago is left out first, then passages.

use messages::model::Request;
use messages::offer::Offer;

use super::reserve::{BYTES_PER_TOKEN, PASSAGE_BYTES_MAX};

/// Leaves out of a question what the smallest window of `chain` has no room for beside an answer: of the history the oldest,
/// then of the passages the last. `find` passages are still to be found; gives how many there is room for. Where no window is
/// known, nothing is left out; where prompt and question alone are too long, the model says so.
pub(super) fn fit(request: &mut Request, chain: &[&Offer], find: Option<u32>) -> Option<u32> {
    let windows = chain.iter().map(|offer| offer.context_tokens).filter(|tokens| *tokens > 0);
    let Some(window) = windows.min() else { return find };
    let room = window.saturating_mul(BYTES_PER_TOKEN).saturating_sub(len(request.answer_bytes_max));
    let to_find = u64::from(find.unwrap_or(0)).saturating_mul(PASSAGE_BYTES_MAX);
    let mut left = room.saturating_sub(fixed(request));
    let passages = to_find + request.passages.iter().map(|hit| len(hit.passage.len())).sum::<u64>();
    let said: u64 = request.history.iter().map(|said| len(said.text.len())).sum();
    let mut over = (said + passages).saturating_sub(left);
    let mut gone = 0;
    for said in &request.history {
        if over == 0 {
            break;
        }
        over = over.saturating_sub(len(said.text.len()));
        gone += 1;
    }
    request.history.drain(..gone);
    left = left.saturating_sub(request.history.iter().map(|said| len(said.text.len())).sum());
    while let Some(last) = request.passages.last() {
        if over == 0 {
            break;
        }
        over = over.saturating_sub(len(last.passage.len()));
        request.passages.pop();
    }
    find.map(|wanted| wanted.min(u32::try_from(left / PASSAGE_BYTES_MAX).unwrap_or(u32::MAX)))
}

/// Bytes of what is never left out.
fn fixed(request: &Request) -> u64 {
    let exchanged = request.exchanges.iter().flat_map(|exchange| {
        let calls = exchange.calls.iter().map(|call| call.name.len() + call.arguments.len());
        calls.chain(exchange.results.iter().map(String::len)).chain([exchange.text.len()])
    });
    let tools = request.tools.iter().map(|tool| tool.name.len() + tool.what.len() + tool.schema.len());
    exchanged.chain(tools).chain([request.system.len(), request.question.len()]).map(len).sum()
}

fn len(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use messages::index::Hit;
    use messages::model::{Role, Said};

    use super::*;

    fn request(history: &[usize], passages: usize) -> Request {
        let said = |bytes: &usize| Said { role: Role::User, text: "x".repeat(*bytes) };
        let hit = || Hit {
            path: "a.md".into(),
            heading: String::new(),
            passage: "p".repeat(1_000),
            snippet: String::new(),
            score: 1.0,
            words_found: 1,
            words_asked: 1,
            ..Hit::default()
        };
        Request {
            system: "s".repeat(1_000),
            question: "q".repeat(500),
            history: history.iter().map(said).collect(),
            passages: (0..passages).map(|_| hit()).collect(),
            answer_bytes_max: 1_500,
            ..Request::default()
        }
    }

    fn fitted(tokens: u64, history: &[usize], passages: usize, find: Option<u32>) -> (Vec<usize>, usize, Option<u32>) {
        let (small, large) = (
            Offer { context_tokens: tokens, ..Offer::default() },
            Offer { context_tokens: 1_000_000, ..Offer::default() },
        );
        let mut request = request(history, passages);
        let found = fit(&mut request, &[&large, &small], find);
        (request.history.iter().map(|said| said.text.len()).collect(), request.passages.len(), found)
    }

    #[test]
    fn the_oldest_of_the_history_goes_first_and_then_passages() {
        // 3,000 bytes are fixed, the answer among them.
        assert_eq!(fitted(2_000, &[1_000, 1_000, 1_000], 0, None), (vec![1_000; 3], 0, None));
        assert_eq!(fitted(1_999, &[1_000, 1_000, 1_000], 0, None), (vec![1_000; 2], 0, None));
        assert_eq!(fitted(1_999, &[700, 1_000, 1_000], 1, None), (vec![1_000], 1, None));
        assert_eq!(fitted(1_400, &[700, 1_000], 2, None), (Vec::new(), 1, None));
        assert_eq!(fitted(1_000, &[700], 3, None), (Vec::new(), 0, None));
    }

    #[test]
    fn fewer_passages_are_looked_for_where_the_window_is_small() {
        assert_eq!(fitted(100_000, &[700], 0, Some(6)), (vec![700], 0, Some(6)));
        assert_eq!(fitted(1_000 + 1_200, &[700], 0, Some(6)), (Vec::new(), 0, Some(2)));
        assert_eq!(fitted(1_000, &[], 0, Some(6)), (Vec::new(), 0, Some(0)));
    }

    #[test]
    fn without_a_known_window_nothing_is_left_out() {
        let mut request = request(&[1_000_000], 20);
        assert_eq!(fit(&mut request, &[&Offer::default()], Some(20)), Some(20));
        assert_eq!((request.history.len(), request.passages.len()), (1, 20));
    }
}
