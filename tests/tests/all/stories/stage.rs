//! Where a story is played: a deployment, and a folder of notes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tests::deployment::{Deployment, Shape};
use tests::fake_model::FakeModel;
use tests::process::Done;
use tests::story::{Act, Turn, fits};

/// How long a file that is written beside may take.
const WRITTEN_MAX: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

pub(super) struct Stage {
    deployment: Deployment,
    /// `chat --json`.
    json: bool,
    /// A node serves; else the chat has it in itself.
    served: bool,
    /// Runs while the story does.
    _model: Option<FakeModel>,
}

impl Stage {
    /// A stage with more configuration has a model that echoes and costs a dollar for a million tokens.
    pub(super) async fn set(shape: Shape, json: bool, served: bool, more: Option<&str>) -> anyhow::Result<Self> {
        let mut deployment = Deployment::laid(shape).await?;
        let notes = deployment.folder().join("notes");
        std::fs::create_dir(&notes)?;
        let mut config = format!("[workspaces.home]\nnotes = [\"{}\"]\n", notes.display());
        let mut model = None;
        if let Some(more) = more {
            let fake = FakeModel::start(0).await?;
            config.push_str(&format!(
                "[models]\ndefault = \"fake\"\n[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\n\
                 price_input = 1000000\nprice_output = 1000000\n{more}",
                fake.base_url()
            ));
            model = Some(fake);
        }
        deployment.configure(&config)?;
        if served {
            deployment.start().await?;
        }
        Ok(Self { deployment, json, served, _model: model })
    }

    /// Where a file of the story is: `data/workspaces/home/…` and `notes/…`.
    fn path(&self, told: &str) -> PathBuf {
        let of_workspace = told.strip_prefix("data/workspaces/").and_then(|rest| rest.split_once('/'));
        match of_workspace {
            Some((workspace, rest)) => self.deployment.files(workspace).join(rest),
            None => self.deployment.folder().join(told),
        }
    }

    pub(super) async fn act(&mut self, act: &Act) -> anyhow::Result<()> {
        match act {
            // It was read before the node started.
            Act::Config { .. } => Ok(()),
            Act::File { path, text } => {
                let path = self.path(path);
                std::fs::create_dir_all(path.parent().context("a folder")?)?;
                std::fs::write(path, text)?;
                if self.served {
                    // The index hears of it by itself; `verify` looks until both agree.
                    self.deployment.verified().await?;
                }
                Ok(())
            }
            Act::Holds { path, text } => {
                let until = Instant::now() + WRITTEN_MAX;
                let holds = || same(text, &std::fs::read_to_string(self.path(path)).with_context(|| path.clone())?);
                while holds().is_err() && Instant::now() < until {
                    tokio::time::sleep(LOOK).await;
                }
                holds()
            }
            Act::Run { args, exit, text } => {
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                let done = self.deployment.run(&args, "").await?.expect_code(*exit)?;
                same(text, &format!("{}{}", done.stdout, done.stderr))
            }
            Act::Chat { options, exit, turns } => self.chat(options, *exit, turns).await,
        }
    }

    async fn chat(&self, options: &BTreeMap<String, String>, exit: i32, turns: &[Turn]) -> anyhow::Result<()> {
        let mut args = vec!["chat".to_owned()];
        for (name, value) in options {
            match (name.as_str(), value.as_str()) {
                ("user", "account") => {}
                ("tasks", "wait") => args.push("--wait-tasks".to_owned()),
                _ => args.extend([format!("--{name}"), value.clone()]),
            }
        }
        args.extend(self.json.then(|| "--json".to_owned()));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let lines: String = turns.iter().map(|turn| format!("{}\n", turn.typed)).collect();
        let done = self.deployment.run(&args, lines).await?.expect_code(exit)?;
        if self.json { as_json(turns, &done) } else { as_text(turns, &done) }
    }

    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        if self.served { self.deployment.end(false).await } else { Ok(()) }
    }

    /// What its nodes have said.
    pub(super) fn said(&self) -> String {
        self.deployment.said()
    }
}

fn same(expected: &str, found: &str) -> anyhow::Result<()> {
    if !fits(expected, found) {
        bail!("expected:\n{expected}\n\nfound:\n{found}");
    }
    Ok(())
}

/// The replies one after the other on the output, then what tasks say, and how a line ended otherwise on the error output.
fn as_text(turns: &[Turn], done: &Done) -> anyhow::Result<()> {
    let replies = turns.iter().map(|turn| turn.reply.as_str()).chain(turns.iter().map(|turn| turn.later.as_str()));
    let replies: Vec<&str> = replies.filter(|reply| !reply.is_empty()).collect();
    same(&replies.join("\n"), &done.stdout)?;
    for (n, turn) in (1..).zip(turns) {
        let ends = |words: &str| done.stderr.lines().any(|line| line.starts_with(&format!("line {n}: {words}")));
        match &turn.outcome {
            Some(outcome) if !ends(outcome) => bail!("line {n} did not end as {outcome}:\n{}", done.stderr),
            None if ["denied", "failed", "expired", "cancelled", "in_doubt"].iter().any(|bad| ends(bad)) => {
                bail!("line {n} did not end as replied:\n{}", done.stderr);
            }
            _ => {}
        }
    }
    Ok(())
}

/// One object for each accepted line, one for each reply, in the order of the lines, and one for all that a task says.
fn as_json(turns: &[Turn], done: &Done) -> anyhow::Result<()> {
    let objects: Vec<Value> = done.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let accepted = objects.iter().filter(|object| object.get("accepted").is_some()).count();
    let ends: Vec<&Value> = objects.iter().filter(|object| object.get("outcome").is_some()).collect();
    let (later, ended): (Vec<&Value>, Vec<&Value>) = ends.into_iter().partition(|object| object["outcome"].is_null());
    if accepted != turns.len() || ended.len() != turns.len() {
        bail!("{} lines, {accepted} accepted, {} ended:\n{}", turns.len(), ended.len(), done.stdout);
    }
    for (n, turn) in (1..).zip(turns) {
        let mine = objects.iter().find(|object| object["line"] == n && object.get("accepted").is_some());
        let id = &mine.context("an accepted line")?["accepted"];
        let end = ended.iter().find(|object| object["inbound"] == *id).context("an end for each line")?;
        let text = end["text"].as_str().unwrap_or_default();
        same(&turn.reply, text).with_context(|| format!("line {n}"))?;
        let of_task =
            later.iter().filter(|object| object["inbound"] == *id).filter_map(|object| object["text"].as_str());
        same(&turn.later, &of_task.collect::<Vec<_>>().join("\n")).with_context(|| format!("line {n}, later"))?;
        let outcome = turn.outcome.as_deref().unwrap_or("replied");
        let reason = end["reason"].as_str().unwrap_or_default();
        if !outcome.starts_with(end["outcome"].as_str().unwrap_or("no outcome")) {
            bail!("line {n} ended as {} ({reason}), not as {outcome}", end["outcome"]);
        }
    }
    Ok(())
}
