//! Arguments of the tools that are done by who uses them, in the commit that ends their step. Whoever reads them has the
//! JSON; an unknown field, or `null` for one that may be left out, is refused.

use serde::{Deserialize, Deserializer};

use crate::task::OnDependencyFailure;

/// Of `spawn_task`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpawnTask {
    /// One line for people.
    pub title: String,
    /// What it is to do, in full.
    pub input: String,
    /// Ids of tasks that must have ended before.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Tools that it may use, of those its parent may; left out: all of them.
    #[serde(default, deserialize_with = "given")]
    pub tools: Option<Vec<String>>,
    /// Dollars of its parent's budget.
    #[serde(default, deserialize_with = "given")]
    pub budget_usd: Option<f64>,
    /// What it does when a task that it depends on did not succeed.
    #[serde(default, deserialize_with = "given")]
    pub on_dependency_failure: Option<OnDependencyFailure>,
}

/// Of `post`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// What is said in the turn's chat.
    pub text: String,
}

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(of: D) -> Result<Option<T>, D::Error> {
    T::deserialize(of).map(Some)
}
