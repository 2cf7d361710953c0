//! What a call has used, as the endpoint says it or, where it does not, by its bytes. Pure.

use messages::step::Usage;
use serde_json::Value;

/// Bytes that are taken for a token where the endpoint counts none.
const BYTES_PER_TOKEN: usize = 4;

/// What an endpoint says of its tokens: what it leaves out is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    input: Option<u64>,
    output: Option<u64>,
    cached: Option<u64>,
    reasoning: Option<u64>,
}

/// Bytes of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bytes {
    /// Of what was sent.
    pub(crate) prompt: usize,
    /// Of what is kept of the answer: words, names and arguments of tools.
    pub(crate) answer: usize,
    /// Of thoughts.
    pub(crate) thoughts: usize,
}

/// Reads the `usage` of a chunk; what is not a number is as if left out.
pub(crate) fn counted(usage: &Value) -> Counted {
    let number = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    Counted {
        input: number("/prompt_tokens"),
        output: number("/completion_tokens"),
        cached: number("/prompt_tokens_details/cached_tokens"),
        reasoning: number("/completion_tokens_details/reasoning_tokens"),
    }
}

/// The tokens of a call. What was not counted, or can't be nothing and was counted so, goes by its bytes.
pub(crate) fn usage(counted: Option<Counted>, bytes: Bytes) -> Usage {
    let counted = counted.unwrap_or_default();
    let input = counted.input.filter(|tokens| *tokens > 0).unwrap_or_else(|| tokens(bytes.prompt));
    // Thoughts alone may be free; words never are.
    let output = counted.output.filter(|tokens| *tokens > 0 || bytes.answer == 0);
    let output = output.unwrap_or_else(|| tokens(bytes.answer.saturating_add(bytes.thoughts)));
    let reasoning = counted.reasoning.unwrap_or_else(|| tokens(bytes.thoughts)).min(output);
    Usage { input, output, cached: counted.cached.unwrap_or_default().min(input), reasoning }
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BYTES: Bytes = Bytes { prompt: 401, answer: 9, thoughts: 7 };

    #[test]
    fn what_the_endpoint_counts_is_taken() {
        let told = json!({
            "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens_details": {"reasoning_tokens": 20},
        });
        let expected = Usage { input: 100, output: 50, cached: 60, reasoning: 20 };
        assert_eq!(usage(Some(counted(&told)), BYTES), expected);
    }

    #[test]
    fn what_it_does_not_count_goes_by_its_bytes_rounded_up() {
        let by_bytes = Usage { input: 101, output: 4, cached: 0, reasoning: 2 };
        for told in [json!({}), json!(null), json!(7), json!({"prompt_tokens": -1, "completion_tokens": "many"})] {
            assert_eq!(usage(Some(counted(&told)), BYTES), by_bytes, "{told}");
        }
        assert_eq!(usage(None, BYTES), by_bytes);
        let zeros = json!({"prompt_tokens": 0, "completion_tokens": 0});
        assert_eq!(usage(Some(counted(&zeros)), BYTES), by_bytes, "words are never free");
        let thoughts = Bytes { answer: 0, ..BYTES };
        assert_eq!(usage(Some(counted(&zeros)), thoughts), Usage { input: 101, ..Usage::default() });
    }

    #[test]
    fn a_part_is_never_more_than_the_whole() {
        let told = json!({
            "prompt_tokens": 10, "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens_details": {"reasoning_tokens": 20},
        });
        assert_eq!(usage(Some(counted(&told)), BYTES), Usage { input: 10, output: 5, cached: 10, reasoning: 5 });
    }
}
