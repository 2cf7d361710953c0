//! How candidates are ordered: words and meaning mixed. Nothing here reads a database.

/// The weight of nearness; the rest is that of words. Measured: docs/retrieval.md.
pub(crate) const WEIGHT: f64 = 0.3;
/// A passage without any word of the query must be as near as this to be a hit.
const COSINE_ALONE_MIN: f64 = 0.5;

/// A candidate's raw scores.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Raw {
    /// BM25, larger is better; 0 when no word is in it.
    pub(crate) bm25: f64,
    /// Between the passage and the query; `None` when one of them has no vector.
    pub(crate) cosine: Option<f64>,
}

/// The parts of a candidate's score.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Parts {
    pub(crate) lexical: f64,
    pub(crate) nearness: f64,
    pub(crate) score: f64,
}

/// Whether a candidate can be a hit at all: it holds a word, or is very near.
pub(crate) fn is_candidate(raw: &Raw) -> bool {
    raw.bm25 > 0.0 || raw.cosine.is_some_and(|cosine| cosine >= COSINE_ALONE_MIN)
}

/// The scores of candidates: `(1 - w) * bm25 / largest + w * (cosine - least) / (largest - least)`. Where the query has no
/// vector, words alone count. (Fusing ranks with equal weights makes the order worse than words alone.)
pub(crate) fn mix(candidates: &[Raw], weight: f64) -> Vec<Parts> {
    let largest = candidates.iter().map(|raw| raw.bm25).fold(0.0, f64::max);
    let cosines = || candidates.iter().filter_map(|raw| raw.cosine);
    let (least, most) = cosines().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), c| (a.min(c), b.max(c)));
    let weight = if cosines().next().is_some() { weight } else { 0.0 };
    let part = |raw: &Raw| {
        let lexical = if largest > 0.0 { raw.bm25 / largest } else { 0.0 };
        let spread = most - least;
        let nearness = raw.cosine.map_or(0.0, |c| if spread > 0.0 { (c - least) / spread } else { 1.0 });
        Parts { lexical, nearness, score: (1.0 - weight) * lexical + weight * nearness }
    };
    candidates.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(bm25: f64, cosine: f64) -> Raw {
        Raw { bm25, cosine: Some(cosine) }
    }

    #[test]
    fn nearness_decides_where_words_are_even_and_words_decide_the_rest() {
        let scores = mix(&[raw(10.0, 0.1), raw(10.0, 0.5), raw(2.0, 0.9)], 0.2);
        assert!(scores[1].score > scores[0].score && scores[0].score > scores[2].score, "{scores:?}");
    }

    #[test]
    fn without_vectors_the_order_is_that_of_words() {
        let scores = mix(&[Raw { bm25: 4.0, cosine: None }, Raw { bm25: 1.0, cosine: None }], 0.2);
        assert_eq!((scores[0].score, scores[1].score), (1.0, 0.25));
    }

    #[test]
    fn what_holds_no_word_must_be_near_at_its_edge() {
        assert!(is_candidate(&raw(0.0, COSINE_ALONE_MIN)) && !is_candidate(&raw(0.0, COSINE_ALONE_MIN - 0.001)));
        assert!(is_candidate(&raw(0.1, -1.0)) && !is_candidate(&Raw::default()));
    }

    proptest! {
        #[test]
        fn every_score_is_between_nothing_and_one(all in proptest::collection::vec((0.0..50.0f64, -1.0..1.0f64), 0..20)) {
            let all: Vec<Raw> = all.into_iter().map(|(bm25, cosine)| raw(bm25, cosine)).collect();
            for parts in mix(&all, WEIGHT) {
                prop_assert!((0.0..=1.0 + 1e-9).contains(&parts.score), "{:?}", parts);
            }
        }
    }
}
