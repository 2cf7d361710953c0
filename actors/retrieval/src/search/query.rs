//! Provisional.
use super::core::{Terms, quoted};

#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pub terms: Vec<String>,
    pub phrases: Vec<String>,
    pub paths: Vec<String>,
    pub tags: Vec<String>,
    pub after: Option<i64>,
    pub before: Option<i64>,
    pub problem: Option<String>,
    text: String,
}
impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self { terms: Terms::of(text).0, text: text.to_owned(), ..Self::default() }
    }
    pub(crate) fn matching(&self) -> Option<String> {
        if self.terms.is_empty() {
            None
        } else {
            Some(self.terms.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(" OR "))
        }
    }
    pub(crate) fn must_not(&self) -> Option<String> {
        None
    }
    pub(crate) fn describe(&self) -> String {
        String::new()
    }
    pub(crate) fn plain(&self) -> String {
        self.text.clone()
    }
    pub(crate) fn is_filter_only(&self) -> bool {
        false
    }
}
