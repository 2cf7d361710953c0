//! `config`: the configuration written, checked and explained.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::config::{ConfigError, KeyDescription, Origin, Problem};
use anyhow::bail;
use serde_json::{Value as Json, json};

use super::give_json;
use crate::cli::{Config, Read, Where};
use crate::logging;
use crate::node::{self, Settings};

pub(super) fn run(args: Config) -> anyhow::Result<ExitCode> {
    match args {
        Config::Init { file } => init(&file),
        Config::Check { file, read } => check(file, read),
        Config::Explain { key, read } => explain(&key, &read),
        Config::Schema => {
            logging::give(&serde_json::to_string_pretty(&::config::schema())?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn init(file: &Path) -> anyhow::Result<ExitCode> {
    let shown = file.display();
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let mut made = match opened {
        Ok(made) => made,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} exists already and is left as it is; name another file, or move it away first")
        }
        Err(error) => bail!("{shown} can't be made ({error}); name a file in a folder that you may write to"),
    };
    if let Err(error) = made.write_all(::config::template().as_bytes()).and_then(|()| made.sync_all()) {
        // Half of it would be taken for the whole.
        drop(std::fs::remove_file(file));
        bail!("{shown} can't be written ({error}); free some space and try again");
    }
    logging::give(&shown.to_string());
    logging::say(&format!(
        "every key is in it with its default; when you have changed it: `agent-runtime config check {shown}`"
    ));
    Ok(ExitCode::SUCCESS)
}

/// What is wrong, one entry each; empty: a node can start with it.
pub(crate) fn problems(place: &Where) -> Vec<Problem> {
    let config = match node::load(place) {
        Ok(config) => config,
        Err(error) => return told(&error),
    };
    match Settings::new(&config, place, None) {
        Ok(_) => missing_notes(&config),
        Err(error) => told(&error).into_iter().chain(missing_notes(&config)).collect(),
    }
}

/// An error of a configuration as the problems it lists; any other as one.
fn told(error: &anyhow::Error) -> Vec<Problem> {
    match error.downcast_ref::<ConfigError>() {
        Some(ConfigError::Invalid(problems)) => problems.clone(),
        Some(ConfigError::Unreadable { file, why }) => {
            let at = Origin::File { file: file.clone(), line: 1, column: 1 };
            vec![Problem { at, what: why.clone() }]
        }
        None => {
            format!("{error:#}").lines().map(|line| Problem { at: Origin::Default, what: line.to_owned() }).collect()
        }
    }
}

/// Folders of notes that are not there.
fn missing_notes(config: &::config::Config) -> Vec<Problem> {
    let each =
        config.workspaces.iter().flat_map(|(id, of)| of.notes.iter().enumerate().map(move |(n, path)| (id, n, path)));
    let gone = each.filter(|(_, _, path)| !path.is_dir());
    gone.map(|(id, n, path)| Problem {
        at: config.in_force(&format!("workspaces.{id}.notes.{n}")).1,
        what: format!("the folder {} is not there; make it, or take it out of `workspaces.{id}.notes`", path.display()),
    })
    .collect()
}

fn check(file: Option<PathBuf>, mut read: Read) -> anyhow::Result<ExitCode> {
    if file.is_some() {
        read.place.config = file;
    }
    let problems = problems(&read.place);
    if read.json {
        give_json(
            &json!({ "good": problems.is_empty(), "problems": problems.iter().map(object).collect::<Vec<_>>() }),
        )?;
    } else if problems.is_empty() {
        logging::give("good: a node can start with this configuration");
    } else {
        for problem in &problems {
            logging::give(&problem.in_words());
        }
        logging::say(&format!(
            "{} problems; `agent-runtime config explain KEY` tells what a key takes",
            problems.len()
        ));
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn object(problem: &Problem) -> Json {
    let mut object = place(&problem.at);
    if let Some(fields) = object.as_object_mut() {
        fields.insert("what".to_owned(), Json::from(problem.what.clone()));
    }
    object
}

/// Where something was set, for programs.
fn place(at: &Origin) -> Json {
    let layer = at.layer();
    match at {
        Origin::File { file, line, column } => json!({ "layer": layer, "file": file, "line": line, "column": column }),
        Origin::Env(name) | Origin::Flag(name) => json!({ "layer": layer, "name": name }),
        Origin::Default => json!({ "layer": layer }),
    }
}

fn explain(key: &str, read: &Read) -> anyhow::Result<ExitCode> {
    let known = ::config::describe(key).map_err(anyhow::Error::msg)?;
    // A key can be explained while the configuration is broken; it has no value in force then.
    let config = node::load(&read.place);
    let in_force = config.as_ref().ok().map(|config| config.in_force(key));
    if read.json {
        let mut object = serde_json::to_value(&known)?;
        if let Some(fields) = object.as_object_mut() {
            fields
                .insert("value".to_owned(), in_force.as_ref().and_then(|(value, _)| value.clone()).unwrap_or_default());
            fields.insert("set_by".to_owned(), in_force.as_ref().map(|(_, at)| place(at)).unwrap_or_default());
        }
        give_json(&object)?;
    } else {
        logging::give(&lines(&known, in_force.as_ref()).join("\n"));
        if config.is_err() {
            logging::say(
                "the configuration can't be read, so no value is in force; `agent-runtime config check` tells why",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(known: &KeyDescription, in_force: Option<&(Option<Json>, Origin)>) -> Vec<String> {
    let mut lines = vec![known.key.clone(), format!("  {}", known.what)];
    if !known.keys.is_empty() {
        lines.push(format!("  keys      {}", known.keys.join(", ")));
        return lines;
    }
    let default = match &known.default {
        Some(value) => value.to_string(),
        None if known.required => "none; the key is required".to_owned(),
        None => "none".to_owned(),
    };
    lines.push(format!("  takes     {}", known.takes));
    lines.push(format!("  default   {default}"));
    if let Some((value, at)) = in_force {
        lines.push(format!("  in force  {}", value.as_ref().map_or_else(|| "nothing".to_owned(), Json::to_string)));
        lines.push(format!("  set by    {at}"));
    }
    lines.push(format!("  variable  {}", known.variable));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_shows_value_and_layer_and_a_table_its_keys() {
        let known = ::config::describe("runtime.mailbox_max").unwrap();
        let told =
            lines(&known, Some(&(Some(json!(8)), Origin::Env("AGENT_RUNTIME_RUNTIME__MAILBOX_MAX".into())))).join("\n");
        for words in
            ["from 1 to 65536", "default   1024", "in force  8", "set by    environment variable AGENT_RUNTIME_"]
        {
            assert!(told.contains(words), "{told}");
        }
        let told = lines(&::config::describe("node").unwrap(), None).join("\n");
        assert!(told.contains("keys      data, listen, name, peers, roles"), "{told}");
        let told =
            lines(&::config::describe("models.providers.a.kind").unwrap(), Some(&(None, Origin::Default))).join("\n");
        assert!(told.contains("the key is required") && told.contains("in force  nothing"), "{told}");
    }

    #[test]
    fn a_place_names_its_layer_and_what_leads_to_it() {
        let at = Origin::File { file: "a.toml".into(), line: 2, column: 1 };
        assert_eq!(place(&at), json!({ "layer": "file", "file": "a.toml", "line": 2, "column": 1 }));
        let problem = Problem { at: Origin::Flag("--data".into()), what: "no".into() };
        assert_eq!(object(&problem), json!({ "layer": "flag", "name": "--data", "what": "no" }));
    }
}
