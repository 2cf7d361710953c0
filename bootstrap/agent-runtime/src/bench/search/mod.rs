//! The search engine: how well it finds, and what it costs.

mod judge;
mod load;
mod set;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use retrieval::measure::Desk;
use runtime::{Clock as _, SystemClock};
use serde_json::{Value, json};

use self::judge::{Scores, judge};
use self::set::Set;
use super::child::Folder;
use crate::commands::give_json;

/// Hits that are judged.
const HITS: u32 = 50;

/// What is measured.
pub(crate) struct Plan {
    /// A folder with `pages/` and `queries.toml`.
    pub(crate) set: PathBuf,
    /// Weights of meaning against words that are compared.
    pub(crate) weights: Vec<f64>,
    /// Files of the load; 0: none.
    pub(crate) files: usize,
    /// Tell each query that did not find its best page among the first ten.
    pub(crate) misses: bool,
}

pub(super) fn run(plan: &Plan) -> anyhow::Result<()> {
    let mut out = json!({ "bench": "search" });
    if let Some(object) = out.as_object_mut() {
        if plan.set.join("queries.toml").is_file() {
            object.insert("quality".to_owned(), quality(plan)?);
        } else {
            object.insert("quality".to_owned(), Value::Null);
            crate::logging::say(&format!("{} holds no queries.toml: nothing is judged", plan.set.display()));
        }
        if plan.files > 0 {
            object.insert("load".to_owned(), load::run(plan.files)?);
        }
    }
    give_json(&out)
}

fn quality(plan: &Plan) -> anyhow::Result<Value> {
    let set = Set::read(&plan.set)?;
    let folder = Folder::new()?;
    let workspace = folder.path().join("pages");
    set::copy(&plan.set.join("pages"), &workspace)?;
    let (files, passages) = desk(&workspace, 0.0).scan(now_ns()).map_err(|why| anyhow!(why))?;
    let mut by_weight = Vec::new();
    for weight in &plan.weights {
        let scores = scores(&set, &desk(&workspace, *weight), plan.misses.then_some(*weight))?;
        by_weight.push(json!({ "weight": weight, "all": scores.all.object(), "kinds": scores.kinds() }));
    }
    Ok(
        json!({ "set": plan.set, "files": files, "passages": passages, "queries": set.queries.len(), "by_weight": by_weight }),
    )
}

fn desk(workspace: &Path, weight: f64) -> Desk {
    Desk::new(workspace, &[], Some(weight))
}

fn scores(set: &Set, desk: &Desk, misses_at: Option<f64>) -> anyhow::Result<Scores> {
    let mut scores = Scores::default();
    for query in &set.queries {
        let found = desk.search(&query.text, HITS).map_err(|why| anyhow!(why)).context(query.text.clone())?;
        let mut paths: Vec<String> = Vec::new();
        for hit in found.hits {
            if !paths.contains(&hit.path) {
                paths.push(hit.path);
            }
        }
        let judged = judge(&paths, &query.expect);
        if let Some(weight) = misses_at.filter(|_| judged.best_at.is_none_or(|at| at >= 10)) {
            crate::logging::say(&format!(
                "at {weight}: missed by `{}`: {:?}",
                query.text,
                paths.iter().take(5).collect::<Vec<_>>()
            ));
        }
        scores.add(&query.kind, judged);
    }
    Ok(scores)
}

fn now_ns() -> i64 {
    SystemClock.now().0.saturating_mul(1_000_000)
}
