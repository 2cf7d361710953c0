//! How well an order of pages answers: nDCG and recall.
//!
//! Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20 (2002); gain is `2^grade - 1`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::numbers::round;

const NDCG_AT: usize = 10;
const RECALL_AT: usize = 20;

/// How well one question was answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Judgement {
    pub(super) ndcg: f64,
    pub(super) recall: f64,
    pub(super) is_empty: bool,
    /// Where the first page of the best grade stands, from 0.
    pub(super) best_at: Option<usize>,
}

/// Judges paths, best first, none twice.
pub(super) fn judge(paths: &[String], expect: &BTreeMap<String, u8>) -> Judgement {
    let grade = |path: &String| expect.get(path).copied().unwrap_or(0);
    let found: Vec<u8> = paths.iter().map(grade).collect();
    let mut ideal: Vec<u8> = expect.values().copied().collect();
    ideal.sort_unstable_by(|a, b| b.cmp(a));
    let best = ideal.first().copied().unwrap_or(0);
    let most = gain(&ideal);
    let relevant = ideal.iter().filter(|grade| **grade > 0).count().min(RECALL_AT);
    let hit = found.iter().take(RECALL_AT).filter(|grade| **grade > 0).count();
    Judgement {
        ndcg: if most > 0.0 { gain(&found) / most } else { 0.0 },
        recall: share(hit, relevant),
        is_empty: paths.is_empty(),
        best_at: found.iter().position(|grade| *grade == best && best > 0),
    }
}

fn gain(grades: &[u8]) -> f64 {
    let mut sum = 0.0;
    let mut place = 2.0f64;
    for grade in grades.iter().take(NDCG_AT) {
        sum += (f64::from(*grade).exp2() - 1.0) / place.log2();
        place += 1.0;
    }
    sum
}

#[allow(clippy::cast_precision_loss)]
fn share(part: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

/// The judgements of many questions.
#[derive(Debug, Default)]
pub(super) struct Scores {
    pub(super) all: Sum,
    by_kind: BTreeMap<String, Sum>,
}

impl Scores {
    pub(super) fn add(&mut self, kind: &str, judged: Judgement) {
        self.all.add(judged);
        self.by_kind.entry(kind.to_owned()).or_default().add(judged);
    }

    pub(super) fn kinds(&self) -> Value {
        self.by_kind.iter().map(|(kind, sum)| (kind.clone(), sum.object())).collect::<serde_json::Map<_, _>>().into()
    }
}

#[derive(Debug, Default)]
pub(super) struct Sum {
    count: usize,
    ndcg: f64,
    recall: f64,
    empty: usize,
    in_first: usize,
}

impl Sum {
    fn add(&mut self, judged: Judgement) {
        self.count += 1;
        self.ndcg += judged.ndcg;
        self.recall += judged.recall;
        self.empty += usize::from(judged.is_empty);
        self.in_first += usize::from(judged.best_at == Some(0));
    }

    #[allow(clippy::cast_precision_loss)]
    pub(super) fn object(&self) -> Value {
        let count = self.count.max(1) as f64;
        json!({
            "queries": self.count,
            "ndcg_at_10": round(self.ndcg / count),
            "recall_at_20": round(self.recall / count),
            "empty": round(share(self.empty, self.count)),
            "best_first": round(share(self.in_first, self.count)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(paths: &[&str], expect: &[(&str, u8)]) -> Judgement {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        judge(&paths, &expect.iter().map(|(path, grade)| ((*path).to_owned(), *grade)).collect())
    }

    #[test]
    fn the_ideal_order_is_one_and_nothing_is_nothing() {
        let expect = [("a", 3), ("b", 1)];
        assert_eq!(
            judged(&["a", "b"], &expect),
            Judgement { ndcg: 1.0, recall: 1.0, is_empty: false, best_at: Some(0) }
        );
        assert_eq!(judged(&[], &expect), Judgement { ndcg: 0.0, recall: 0.0, is_empty: true, best_at: None });
    }

    #[test]
    fn a_page_counts_less_the_later_it_comes() {
        let expect = [("a", 3)];
        let second = judged(&["x", "a"], &expect);
        assert!((second.ndcg - 1.0 / 3.0f64.log2()).abs() < 1e-9 && second.best_at == Some(1), "{second:?}");
        let eleventh: Vec<String> = (0..10).map(|n| format!("x{n}")).chain(["a".to_owned()]).collect();
        let eleventh = judge(&eleventh, &[("a".to_owned(), 3)].into_iter().collect());
        assert_eq!((eleventh.ndcg, eleventh.recall), (0.0, 1.0));
    }
}
