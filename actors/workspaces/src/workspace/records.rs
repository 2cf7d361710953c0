//! Record files: `tasks/<id>.md`, projections of the rows of tasks. Written under another name, then renamed; a batch is on
//! disk before the store hears of it. One that somebody edited is set aside beside the new one.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use messages::store::{Query, Rows, TaskRows};
use messages::{Slug, TaskId};
use runtime::World;

use super::Workspace;
use crate::task::record;

/// Records of one batch.
const BATCH: u32 = 256;
/// A task that has not moved for so long is recorded: what is done at once is written once.
const QUIET_MS: i64 = 1_000;
/// The largest record that is read to see whether it is ours.
const RECORD_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Edited copies of one record that are kept apart.
const ASIDE_MAX: u32 = 1_000;

/// What was written, in which revision, with the task's words or without, and why not all.
pub(super) async fn write(world: &World<Workspace>, workspace: &Slug) -> (Vec<(TaskId, u64, bool)>, Option<String>) {
    let quiet_since = world.system.now().plus_ms(-QUIET_MS);
    let query = Query::Unrecorded { workspace: workspace.clone(), quiet_since, limit: BATCH };
    let rows = match world.system.store().query(query).await {
        Ok(Rows::Records(rows)) => rows,
        Ok(_) => return (Vec::new(), Some("the store answered something else".to_owned())),
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let (folder, world) = (world.deps.layout.folder(workspace).join("tasks"), world.clone());
    let done = tokio::task::spawn_blocking(move || write_all(&folder, &rows, || world.may_act())).await;
    done.unwrap_or_else(|error| (Vec::new(), Some(error.to_string())))
}

/// `may_act` is asked before each: another node may write these files by now.
fn write_all(
    folder: &Path,
    rows: &[TaskRows],
    may_act: impl Fn() -> Result<(), String>,
) -> (Vec<(TaskId, u64, bool)>, Option<String>) {
    let mut written = Vec::new();
    if rows.is_empty() {
        return (written, None);
    }
    let all = fs::create_dir_all(folder).and_then(|()| {
        for task in rows {
            may_act().map_err(io::Error::other)?;
            write_one(folder, &task.task.id, &record::render(task))?;
            written.push((task.task.id.clone(), task.task.rev, !task.task.spec.input.is_empty()));
        }
        // All of them at once: a sync of each costs more than all the rest of a task.
        Ok(rustix::fs::syncfs(File::open(folder)?)?)
    });
    match all {
        Ok(()) => (written, None),
        // What is not known to be on disk is written again.
        Err(error) => (Vec::new(), Some(format!("{}: {error}", folder.display()))),
    }
}

fn write_one(folder: &Path, id: &TaskId, text: &str) -> io::Result<()> {
    let (path, half) = (folder.join(format!("{id}.md")), folder.join(format!(".{id}.half")));
    set_aside_if_edited(folder, &path, id)?;
    fs::write(&half, text)?;
    fs::rename(&half, &path)
}

/// Nothing that a person wrote is lost.
fn set_aside_if_edited(folder: &Path, path: &Path, id: &TaskId) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if found.is_file() && found.len() <= RECORD_BYTES_MAX => {
            if fs::read_to_string(path).is_ok_and(|text| record::is_ours(&text)) {
                return Ok(());
            }
        }
        Ok(_) => {}
    }
    for n in 1..=ASIDE_MAX {
        let aside = folder.join(format!("{id}.edited-{n}.md"));
        if !aside.exists() {
            tracing::warn!(record = %path.display(), aside = %aside.display(), "a record was edited by hand; it is set aside and written anew");
            return fs::rename(path, &aside);
        }
    }
    Err(io::Error::other(format!("{ASIDE_MAX} edited copies of {} stand beside it; remove some", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_was_edited_is_set_aside_and_one_of_ours_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let id = TaskId::of("home", "k");
        let path = folder.path().join(format!("{id}.md"));
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let ours = crate::task::record::sealed("one\n".to_owned());
        write_one(folder.path(), &id, &ours).unwrap();
        write_one(folder.path(), &id, &ours).unwrap();
        assert_eq!(names(), 1);
        for edited in ["two", "three"] {
            fs::write(&path, edited).unwrap();
            write_one(folder.path(), &id, &ours).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), ours);
        }
        assert_eq!(names(), 3);
        assert_eq!(fs::read_to_string(folder.path().join(format!("{id}.edited-2.md"))).unwrap(), "three");
    }
}
