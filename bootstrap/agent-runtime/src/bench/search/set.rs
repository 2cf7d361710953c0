//! A set of questions with the pages that answer them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

/// Questions with what they should find.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Set {
    #[serde(rename = "query")]
    pub(super) queries: Vec<Judged>,
}

/// One question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Judged {
    pub(super) text: String,
    /// `natural`, `keyword`, `phrase`, `filter`, `paraphrase`.
    #[serde(default)]
    pub(super) kind: String,
    /// `en` where it is left out.
    #[serde(default, rename = "language")]
    pub(super) _language: String,
    /// Paths below `pages`, with how well each answers: 3 is the answer, 1 is on the subject.
    pub(super) expect: BTreeMap<String, u8>,
}

impl Set {
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join("queries.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("{} can't be read", file.display()))?;
        toml::from_str(&text).with_context(|| format!("{} can't be understood", file.display()))
    }
}

/// Copies the pages, so that nothing is written beside them.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("{} can't be read", from.display()))? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
