//! `secrets`: set, listed, given another key, removed. A value comes in by standard input and goes nowhere but into the store.

mod ask;

use std::process::ExitCode;

use anyhow::bail;
use markdown::civil::utc;
use runtime::{Clock as _, SystemClock};
use secrets::{KeyAt, SecretsError, Value, check_name};
use serde::Serialize;

use super::{give_json, give_table};
use crate::cli::{Secrets, SecretsList, SecretsRm, SecretsRotate, SecretsSet};
use crate::logging;
use crate::node;
use crate::node::secrets::told;

/// A secret without its value.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// Milliseconds since the Unix epoch; `None`: it is named and not there.
    set_at: Option<i64>,
    /// The keys of the configuration that name it.
    used_by: Vec<String>,
}

pub(super) async fn run(args: Secrets) -> anyhow::Result<ExitCode> {
    tokio::task::spawn_blocking(move || match args {
        Secrets::Set(args) => set(&args),
        Secrets::List(args) => list(&args),
        Secrets::Rotate(args) => rotate(&args),
        Secrets::Rm(args) => remove(&args),
    })
    .await?
}

fn set(args: &SecretsSet) -> anyhow::Result<ExitCode> {
    if !args.astray.is_empty() {
        bail!(
            "a value is never given as an argument: everyone on this machine can see it there, and the shell keeps it. Give \
             the name alone and the value on standard input, and have the one that was typed here replaced where it came from"
        );
    }
    check_name(&args.name).map_err(|error| told(&error, &args.place))?;
    let config = node::load(&args.place)?;
    let place = node::secrets::place(&config)?;
    let had_key = place.key().path().exists();
    let value = Value::parse(&ask::value(&args.name)?).map_err(|error| told(&error, &args.place))?;
    let replaced = place.set(&args.name, value, SystemClock.now().0).map_err(|error| told(&error, &args.place))?;
    logging::give(&format!("`{}` is set{}", args.name, if replaced { ", in place of its old value" } else { "" }));
    if !had_key {
        logging::say(&format!(
            "its key was made: {}; it is in no backup, so keep a copy of it where the backups are not",
            place.key().path().display()
        ));
    }
    let used_by = config.secrets_named().remove(args.name.as_str());
    logging::say(&match used_by {
        None => format!("nothing names it yet; a provider does by `key_secret = \"{}\"` (docs/secrets.md)", args.name),
        Some(_) => "a node that runs has the value that it began with; restart it".to_owned(),
    });
    Ok(ExitCode::SUCCESS)
}

fn list(args: &SecretsList) -> anyhow::Result<ExitCode> {
    let place = &args.read.place;
    let config = node::load(place)?;
    let all = node::secrets::place(&config)?.read().map_err(|error| told(&error, place))?;
    let mut named = config.secrets_named();
    let there = all.names().map(|(name, set_at)| Row {
        name: name.to_owned(),
        set_at: Some(set_at),
        used_by: named.remove(name).unwrap_or_default(),
    });
    let mut rows: Vec<Row> = there.collect();
    let missing = named.into_iter().map(|(name, used_by)| Row { name: name.to_owned(), set_at: None, used_by });
    rows.extend(missing);
    if args.read.json {
        give_json(&rows)?;
    } else {
        show(&rows, &place.flags());
    }
    Ok(ExitCode::SUCCESS)
}

fn show(rows: &[Row], flags: &str) {
    if rows.is_empty() {
        logging::say(&format!("there are no secrets; `agent-runtime secrets set NAME{flags}` sets one"));
        return;
    }
    let cells = rows.iter().map(|row| {
        let set = row.set_at.map_or_else(|| "not set".to_owned(), utc);
        let used_by = if row.used_by.is_empty() { "nothing".to_owned() } else { row.used_by.join(", ") };
        vec![row.name.clone(), set, used_by]
    });
    give_table(&["NAME", "SET", "NAMED BY"], cells);
    for row in rows.iter().filter(|row| row.set_at.is_none()) {
        logging::say(&format!("`{0}` is not set: agent-runtime secrets set {0}{flags}", row.name));
    }
}

fn rotate(args: &SecretsRotate) -> anyhow::Result<ExitCode> {
    let place = node::secrets::place(&node::load(&args.place)?)?;
    let to = args.new_key.as_deref().map(node::absolute).transpose()?;
    let rotated = place.rotate(to.as_deref()).map_err(|error| told(&error, &args.place))?;
    logging::give(&format!("secrets encrypted anew: {}; their key is {}", rotated.secrets, rotated.key.display()));
    if rotated.to_be_moved {
        let from = match place.key() {
            KeyAt::Credential(_) => "the file that the unit's `LoadCredential` names".to_owned(),
            KeyAt::Named(path) | KeyAt::Own(path) => path.display().to_string(),
        };
        logging::say(&format!(
            "put it in place of {from}, and then restart the node; the old key opens nothing any more"
        ));
    }
    logging::say(
        "keep a copy of it where the backups are not; backups of before need the old one, and values that leaked are as good as before: replace those where they came from",
    );
    Ok(ExitCode::SUCCESS)
}

fn remove(args: &SecretsRm) -> anyhow::Result<ExitCode> {
    check_name(&args.name).map_err(|error| told(&error, &args.place))?;
    let config = node::load(&args.place)?;
    let used_by = config.secrets_named().remove(args.name.as_str()).unwrap_or_default();
    if let Some(key) = used_by.first().filter(|_| !args.force) {
        bail!(
            "`{}` is named by {} ({}), and without it a node does not start; take it out there first, or give --force",
            args.name,
            used_by.join(", "),
            config.in_force(key).1
        );
    }
    match node::secrets::place(&config)?.remove(&args.name) {
        Err(error @ SecretsError::NoSuch(_)) => {
            bail!("{error}; `agent-runtime secrets list{}` names all", args.place.flags())
        }
        removed => removed.map_err(|error| told(&error, &args.place))?,
    }
    logging::give(&format!("`{}` is removed", args.name));
    logging::say("a node that runs has it until it is restarted; backups of before hold it, encrypted");
    Ok(ExitCode::SUCCESS)
}
