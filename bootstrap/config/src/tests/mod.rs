//! What the crate promises, through what it offers.

use std::path::PathBuf;

use crate::{Config, ConfigError, LoadOptions, Override};

mod layers;
mod limits;
mod messages;
mod reference;
mod secrets;
mod written;
mod zai;

/// A folder with an `agent-runtime.toml` of this text, and options that read it.
fn written(text: &str) -> (tempfile::TempDir, LoadOptions) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent-runtime.toml");
    std::fs::write(&file, text).unwrap();
    (folder, LoadOptions { file: Some(file), ..LoadOptions::default() })
}

/// Loads a file of this text.
pub(crate) fn load(text: &str) -> Result<Config, ConfigError> {
    let (_folder, options) = written(text);
    Config::load(&options)
}

/// What a person reads for a file of this text, without the name of the folder.
fn complaint(text: &str) -> String {
    let (folder, options) = written(text);
    complaint_of(&options).replace(&format!("{}/", folder.path().display()), "")
}

fn complaint_of(options: &LoadOptions) -> String {
    Config::load(options).unwrap_err().to_string()
}

fn vars(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Options without a file: the one that is named does not exist, so none is named and the folder has none.
fn without_file(env: &[(&str, &str)]) -> LoadOptions {
    LoadOptions { env: vars(env), ..LoadOptions::default() }
}

fn flag(key: &str, value: &str, flag: &str) -> Override {
    Override { key: key.into(), value: value.into(), flag: flag.into() }
}

fn path(text: &str) -> PathBuf {
    PathBuf::from(text)
}
