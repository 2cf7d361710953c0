//! What is wrong with a configuration, in words and with the place.

use std::fmt;
use std::path::PathBuf;

use crate::origin::Origin;

/// The most problems that one error lists; the rest is counted.
pub const PROBLEMS_SHOWN_MAX: usize = 20;

/// Why there is no configuration. Its text is made for a person: one problem a line, each with its place and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read at all.
    #[error("{}: {why}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What happened, and what to do.
        why: String,
    },
    /// Keys or values are wrong.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
}

impl ConfigError {
    /// These problems, those of the file first and in its order.
    pub(crate) fn of(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| match &problem.at {
            Origin::File { line, column, .. } => (0, *line, *column),
            Origin::Env(_) => (1, 0, 0),
            Origin::Flag(_) => (2, 0, 0),
            Origin::Default => (3, 0, 0),
        });
        Self::Invalid(problems)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it was set.
    pub at: Origin,
    /// What is wrong, why, and what to do.
    pub what: String,
}

impl Problem {
    /// It with its place; without one where none was named.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self.at {
            Origin::Default => self.what.clone(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

fn listed(problems: &[Problem]) -> String {
    let mut lines: Vec<String> = problems.iter().take(PROBLEMS_SHOWN_MAX).map(Problem::to_string).collect();
    if problems.len() > PROBLEMS_SHOWN_MAX {
        lines.push(format!("and {} more", problems.len() - PROBLEMS_SHOWN_MAX));
    }
    lines.join("\n")
}
