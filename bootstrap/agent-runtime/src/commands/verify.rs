//! `verify`: the store's rows, the audit chain, the logs against their entries, the indexes against their files.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use console::wire::{AdminAsk, Answered};
use gate::Mount;
use messages::membership::Reply;
use messages::store::{EntryRow, LogRow};
use messages::{Address, Slug};
use serde::Serialize;
use store::verify::Fault;
use workspaces::{Layout, render};

use super::{FAULTS_FOUND, give_json, try_ask_at};
use crate::cli::Read;
use crate::logging;
use crate::node::{self, HOME};

/// Faults that are named; the rest is counted.
const FAULTS_MAX: usize = 1_000;
/// A running node may be behind with a log or an index, with a log that could not be written before by five seconds: they are
/// looked at again so often, so far apart.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

#[derive(Serialize)]
struct Report {
    clean: bool,
    /// `None`: it is the hub's, and with it what logs should say.
    store: Option<store::verify::Report>,
    logs: u64,
    /// Logs whose files are other nodes': this one is the hub of a cluster, and no worker.
    logs_elsewhere: u64,
    entries: u64,
    indexes: u64,
    faults_total: usize,
    faults: Vec<Fault>,
}

pub(super) async fn run(args: Read) -> anyhow::Result<ExitCode> {
    let config = node::load(&args.place)?;
    // No key of a model is needed for it.
    let (data, mounts) = (node::absolute(&config.node.data)?, node::mounts(&config.workspaces));
    let alone = !config.node.is_of_a_cluster();
    let has = Has { store: alone || config.node.has("hub"), files: alone || config.node.has("worker") };
    if !has.store && !has.files {
        bail!("this node has neither the store nor workspaces; verify at the hub and at the workers");
    }
    let layout = node::layout(&config.node, &data);
    let held = if alone || !has.files { None } else { Some(held(&data).await?) };
    let report = tokio::task::spawn_blocking(move || look(&data, &layout, &mounts, (has, held))).await??;
    if args.json {
        give_json(&report)?;
    } else {
        show(&report);
    }
    Ok(if report.clean { ExitCode::SUCCESS } else { ExitCode::from(FAULTS_FOUND) })
}

/// The workspaces that the running node holds in its cluster: what it has of others is not kept up. None, when it does not
/// run.
async fn held(data: &Path) -> anyhow::Result<Vec<String>> {
    let asked = try_ask_at(data, AdminAsk::Cluster, HOME, "general").await?;
    let Some(Answered::Cluster(Some(Reply::Described(view)))) = asked else { return Ok(Vec::new()) };
    let own = view.units.into_iter().filter(|unit| unit.node.as_ref() == Some(&view.node));
    Ok(own.map(|unit| unit.unit).collect())
}

/// What this node has of what is verified.
#[derive(Clone, Copy)]
struct Has {
    store: bool,
    files: bool,
}

fn look(
    data: &Path,
    layout: &Layout,
    mounts: &BTreeMap<String, Vec<Mount>>,
    (has, held): (Has, Option<Vec<String>>),
) -> anyhow::Result<Report> {
    let folder = node::own_folder(data);
    let store = has.store.then(|| store::verify(&folder)).transpose()?;
    let mut faults = store.as_ref().map(|store| store.faults.clone()).unwrap_or_default();
    let told = faults.len();
    let mut logs = Compared::default();
    if has.store {
        let is_damaged = faults.iter().any(|fault| fault.code == store::verify::DAMAGE);
        let root = has.files.then(|| layout.workspaces());
        let compared = again(|| compare_logs(&folder, root), |found| found.faults.is_empty());
        // A damaged file is told already; what can't be read of it can't be compared.
        logs = if is_damaged { compared.unwrap_or_default() } else { compared? };
        faults.append(&mut logs.faults);
    }
    let mut workspaces = layout.list()?;
    let is_held = |workspace: &Slug| {
        held.as_ref().is_none_or(|held| held.iter().any(|unit| *unit == Address::workspace(workspace).to_string()))
    };
    workspaces.retain(is_held);
    let indexes = compare_indexes(workspaces, layout, mounts, &mut faults)?;
    let in_store = store.as_ref().map_or(0, |store| store.faults_total);
    let hidden = usize::try_from(in_store).unwrap_or(usize::MAX).saturating_sub(told);
    let faults_total = faults.len() + hidden;
    faults.truncate(FAULTS_MAX);
    let Compared { logs, elsewhere, entries, .. } = logs;
    let clean = faults_total == 0;
    Ok(Report { clean, store, logs, logs_elsewhere: elsewhere, entries, indexes, faults_total, faults })
}

/// Gives how many were compared. An index is derived: one that has not been made yet, or was deleted, breaks no promise.
fn compare_indexes(
    mut workspaces: Vec<Slug>,
    layout: &Layout,
    mounts: &BTreeMap<String, Vec<Mount>>,
    faults: &mut Vec<Fault>,
) -> anyhow::Result<u64> {
    workspaces.retain(|workspace| layout.index_folder(workspace).join("index.sqlite").is_file());
    for workspace in &workspaces {
        let mounts = mounts.get(workspace.as_str()).cloned().unwrap_or_default();
        let check =
            || anyhow::Ok(retrieval::verify(&layout.folder(workspace), &layout.index_folder(workspace), &mounts));
        for what in again(check, Vec::is_empty)? {
            faults.push(Fault { code: "index.file", what, subject: format!("ws/{workspace}/index") });
        }
    }
    Ok(workspaces.len() as u64)
}

/// Looks until it is good, a few times at most.
fn again<T>(look: impl Fn() -> anyhow::Result<T>, is_good: impl Fn(&T) -> bool) -> anyhow::Result<T> {
    let mut found = look()?;
    for _ in 1..LOOKS {
        if is_good(&found) {
            break;
        }
        std::thread::sleep(BETWEEN_LOOKS);
        found = look()?;
    }
    Ok(found)
}

#[derive(Default)]
struct Compared {
    logs: u64,
    elsewhere: u64,
    entries: u64,
    faults: Vec<Fault>,
}

/// Without a `root`, the files are other nodes'.
fn compare_logs(folder: &Path, root: Option<&Path>) -> anyhow::Result<Compared> {
    let mut found = Compared::default();
    store::verify::for_each_log(folder, &mut |log, rows| {
        let Some(root) = root else {
            found.elsewhere += 1;
            return ControlFlow::Continue(());
        };
        found.logs += 1;
        match compare(root, log, rows) {
            Ok(count) => found.entries += count,
            Err(what) => found.faults.push(Fault { code: "log.file", what, subject: log.log.clone() }),
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Holds one file against its entries; gives how many there are.
fn compare(root: &Path, log: &LogRow, rows: &mut store::verify::EntryRows<'_>) -> Result<u64, String> {
    use std::io::Read as _;
    let path = root.join(&log.log);
    let file = std::fs::File::open(&path).map_err(|e| format!("{} can't be read: {e}", path.display()))?;
    let mut reader = std::io::BufReader::new(file);
    let (mut count, mut offset) = (0, 0);
    for row in rows {
        let row: EntryRow = row.map_err(|e| e.to_string())?;
        let wanted = render::entry(&row).into_bytes();
        let mut found = vec![0; wanted.len()];
        let read = reader.read_exact(&mut found);
        if read.is_err() || found != wanted || row.offset != offset || wanted.len() != row.length as usize {
            return Err(format!("the entry at byte {offset} is missing, torn or changed"));
        }
        offset += u64::from(row.length);
        count += 1;
    }
    let mut more = [0];
    match reader.read(&mut more) {
        Ok(0) => Ok(count),
        Ok(_) => Err(format!("there are bytes behind the last entry, from byte {offset} on")),
        Err(error) => Err(error.to_string()),
    }
}

fn show(report: &Report) {
    match &report.store {
        Some(store) => logging::give(&format!(
            "events   {} accepted, {} settled with one outcome each\nreplies  {}\ntasks    {}, {} steps of turns and tasks\nlogs     {} with {} entries",
            store.inbox, store.settled, store.outbox, store.tasks, store.steps, report.logs, report.entries
        )),
        None => logging::give("store    the hub has it, and what logs should say; verify there, too"),
    };
    logging::give(&format!("indexes  {}", report.indexes));
    if report.logs_elsewhere > 0 {
        logging::give(&format!(
            "         {} logs are files of other nodes, and were not compared",
            report.logs_elsewhere
        ));
    }
    for fault in &report.faults {
        logging::give(&format!("FAULT    {} on {}: {}", fault.code, fault.subject, fault.what));
    }
    logging::give(&match report.faults_total {
        0 => "clean    everything is as promised".to_owned(),
        total => format!("{total} faults; docs/guarantees.md says what each promise means"),
    });
}
