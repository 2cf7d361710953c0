//! What may be wrong around a node, looked at from outside of it.
//!
//! Facts are gathered once ([`gather`]); each check is a value whose judgement over them is pure ([`judge`]); the two
//! repairs that are safe are in [`fix`]. A check's id is the name of its page in `docs/errors`, which is in the program.

mod facts;
mod fix;
mod gather;
mod judge;

pub(crate) use facts::{Facts, word};
pub(crate) use gather::gather;

/// A check.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check {
    /// Its stable name, and that of its page.
    pub(crate) id: &'static str,
    /// What it looks at, in a few words.
    pub(crate) title: &'static str,
    /// What the facts mean.
    pub(crate) judge: fn(&Facts) -> Verdict,
    /// A repair that can do no harm: says what it did, one line each.
    pub(crate) fix: Option<fn(&Facts) -> Vec<String>>,
    /// Its page, Markdown.
    pub(crate) page: &'static str,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All is well; what was seen.
    Good(String),
    /// Something to know or to mend.
    Found(Vec<Finding>),
    /// It could not be looked at; why, and what to do.
    Skipped(String),
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// It must be mended; else it is good to know.
    pub(crate) is_wrong: bool,
    /// What was found.
    pub(crate) what: String,
    /// Why it matters.
    pub(crate) why: String,
    /// The exact next command, or what to do where no command does it.
    pub(crate) todo: String,
}

impl Finding {
    pub(crate) fn wrong(what: impl Into<String>, why: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { is_wrong: true, what: what.into(), why: why.into(), todo: todo.into() }
    }

    pub(crate) fn note(what: impl Into<String>, why: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { is_wrong: false, ..Self::wrong(what, why, todo) }
    }
}

impl Verdict {
    /// These findings; all is well when there are none.
    pub(crate) fn of(findings: Vec<Finding>, good: impl Into<String>) -> Self {
        if findings.is_empty() { Self::Good(good.into()) } else { Self::Found(findings) }
    }

    pub(crate) fn is_wrong(&self) -> bool {
        matches!(self, Self::Found(findings) if findings.iter().any(|finding| finding.is_wrong))
    }
}

/// One check, with its page.
macro_rules! check {
    ($id:literal, $title:literal, $judge:path, $fix:expr) => {
        Check {
            id: $id,
            title: $title,
            judge: $judge,
            fix: $fix,
            page: include_str!(concat!("../../../../docs/errors/", $id, ".md")),
        }
    };
}

/// All checks, in the order in which they are told: what others stand on comes first.
pub(crate) const CHECKS: [Check; 17] = [
    check!("config", "the configuration", judge::place::config, None),
    check!("secrets", "keys, and the store of secrets", judge::secrets::secrets, Some(fix::secrets)),
    check!("rights", "who may read the data folder", judge::place::rights, Some(fix::rights)),
    check!("certificates", "certificates of a cluster", judge::certificates::certificates, None),
    check!("disk", "room on the disk, and of which kind it is", judge::place::disk, None),
    check!("copy", "a second copy of the data folder", judge::place::copy, None),
    check!("clock", "the clock against files and itself", judge::place::clock, None),
    check!("limits", "open files and locale", judge::place::limits, None),
    check!("store", "the store's file", judge::store::store, None),
    check!("audit", "the end of the audit chain", judge::store::audit, None),
    check!("version", "program, running node and store", judge::store::version, None),
    check!("node", "the running node", judge::running::node, None),
    check!("nodes", "other nodes of the cluster", judge::nodes::nodes, None),
    check!("alarms", "alarms and actors that fail", judge::running::alarms, None),
    check!("work", "turns, replies and tasks that stand still", judge::running::work, None),
    check!("index", "the search indexes", judge::running::index, None),
    check!("model", "a small question to the model", judge::running::model, None),
];

/// The check of this id.
pub(crate) fn check(id: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.id == id)
}

/// All ids.
pub(crate) fn ids() -> Vec<&'static str> {
    CHECKS.iter().map(|check| check.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_page_and_every_page_a_check() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        let mut pages: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .filter(|name| name != "README")
            .collect();
        pages.sort();
        let mut ids = ids();
        ids.sort_unstable();
        assert_eq!(pages, ids);
        ids.dedup();
        assert_eq!(ids.len(), CHECKS.len(), "an id is there twice");
    }

    #[test]
    fn every_page_says_what_why_and_what_to_do() {
        for check in CHECKS {
            assert!(check.page.starts_with(&format!("# {}: {}\n", check.id, check.title)), "{}", check.id);
            for part in ["\n## What is looked at\n", "\n## Why it matters\n", "\n## What to do\n"] {
                assert!(check.page.contains(part), "{}: {part}", check.id);
            }
        }
    }

    #[test]
    fn without_any_fact_nothing_is_called_wrong() {
        for check in CHECKS {
            assert!(!(check.judge)(&Facts::default()).is_wrong(), "{}", check.id);
        }
    }
}
