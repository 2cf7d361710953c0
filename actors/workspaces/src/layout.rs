//! Where a workspace's files are, and how they come into being.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use messages::Slug;
use messages::turn::Chat;
use sha2::{Digest, Sha256};

/// The most workspaces, and the most contexts of one, that are listed.
const LIST_MAX: usize = 100_000;

const CONTEXT: &str = include_str!("../templates/context.md");
const WELCOME: &str = include_str!("../templates/welcome.md");

/// The folder of workspaces.
#[derive(Debug, Clone)]
pub struct Layout {
    workspaces: PathBuf,
    /// Where the search indexes are; `None`: each in `.index` of its workspace.
    indexes: Option<PathBuf>,
}

/// Why a workspace or context could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// It is there already.
    #[error("{} `{name}` exists already: {}", what, path.display())]
    Exists {
        /// `workspace` or `context`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Where.
        path: PathBuf,
    },
    /// The workspace that it belongs to is not there.
    #[error("there is no workspace `{0}`; make it with `agent-runtime workspace create {0}`")]
    NoWorkspace(Slug),
    /// The disk refuses.
    #[error("{} can't be written: {error}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// The log of a chat, relative to the folder of workspaces: `home/logs/console/general.md`. Distinct for distinct chats.
#[must_use]
pub fn log_path(workspace: &Slug, chat: &Chat) -> String {
    let own = format!("{workspace}/");
    let name = chat.chat.strip_prefix(&own).unwrap_or(&chat.chat);
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.is_empty() && name.len() <= 64 && name.chars().all(plain) {
        return format!("{workspace}/logs/{}/{name}.md", chat.connector);
    }
    // Capitals and signs would meet others on some file systems; the hash keeps them apart.
    let hash: String = Sha256::digest(chat.chat.as_bytes()).iter().take(6).map(|b| format!("{b:02x}")).collect();
    let kept: String = name.chars().map(|c| if plain(c) { c } else { '-' }).take(40).collect();
    format!("{workspace}/logs/{}/{kept}.{hash}.md", chat.connector)
}

impl Layout {
    /// The workspaces of a data folder.
    #[must_use]
    pub fn of_data(data: &Path) -> Self {
        Self { workspaces: data.join("workspaces"), indexes: None }
    }

    /// With search indexes in a folder of this node's own: the folder of workspaces may be other nodes', too, and an index
    /// has one that writes it.
    #[must_use]
    pub fn with_indexes(self, folder: PathBuf) -> Self {
        Self { indexes: Some(folder), ..self }
    }

    /// Where the search index of a workspace is.
    #[must_use]
    pub fn index_folder(&self, workspace: &Slug) -> PathBuf {
        match &self.indexes {
            Some(all) => all.join(workspace.as_str()),
            None => self.folder(workspace).join(".index"),
        }
    }

    /// The folder that holds all workspaces.
    #[must_use]
    pub fn workspaces(&self) -> &Path {
        &self.workspaces
    }

    /// A workspace's own folder.
    #[must_use]
    pub fn folder(&self, workspace: &Slug) -> PathBuf {
        self.workspaces.join(workspace.as_str())
    }

    /// `workspace.md`.
    #[must_use]
    pub fn workspace_file(&self, workspace: &Slug) -> PathBuf {
        self.folder(workspace).join("workspace.md")
    }

    /// `contexts/<slug>/context.md`.
    #[must_use]
    pub fn context_file(&self, workspace: &Slug, context: &str) -> PathBuf {
        self.folder(workspace).join("contexts").join(context).join("context.md")
    }

    /// `contexts/<slug>`, where what a context keeps of its conversation stands, too.
    #[must_use]
    pub fn context_folder(&self, workspace: &Slug, context: &str) -> PathBuf {
        self.folder(workspace).join("contexts").join(context)
    }

    /// Whether a context is there; if not, one sentence that says what is missing and how to make it.
    ///
    /// # Errors
    /// That sentence.
    pub fn knows(&self, workspace: &Slug, context: &Slug) -> Result<(), String> {
        if !self.workspace_file(workspace).is_file() {
            return Err(format!(
                "There is no workspace `{workspace}`; make it with `agent-runtime workspace create {workspace}`."
            ));
        }
        if !self.context_file(workspace, context.as_str()).is_file() {
            return Err(format!(
                "There is no context `{context}` in workspace `{workspace}`; make it with `agent-runtime context create {context} --workspace {workspace}`."
            ));
        }
        Ok(())
    }

    /// All workspaces, in order.
    ///
    /// # Errors
    /// [`LayoutError::Io`] when the folder can't be read; one that is not there holds none.
    pub fn list(&self) -> Result<Vec<Slug>, LayoutError> {
        slugs(&self.workspaces, |folder| folder.join("workspace.md").is_file())
    }

    /// All contexts of a workspace, in order.
    ///
    /// # Errors
    /// [`LayoutError::Io`] when the folder can't be read.
    pub fn contexts(&self, workspace: &Slug) -> Result<Vec<Slug>, LayoutError> {
        slugs(&self.folder(workspace).join("contexts"), |folder| folder.join("context.md").is_file())
    }

    /// Makes a workspace with one context, `general`, and a welcome page. `owner` makes it private.
    ///
    /// # Errors
    /// [`LayoutError::Exists`], [`LayoutError::Io`].
    pub fn create_workspace(&self, workspace: &Slug, name: &str, owner: Option<&str>) -> Result<PathBuf, LayoutError> {
        let file = self.workspace_file(workspace);
        // A JSON string is a YAML string, too, whatever the name holds.
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let people = match owner {
            Some(owner) => format!("kind: private\nowner: {}\n", quoted(owner)),
            None => "kind: community\n".to_owned(),
        };
        let text = format!("---\nname: {}\n{people}---\n\nNotes about this workspace, for people.\n", quoted(name));
        let general = self.context_file(workspace, "general");
        write_new(&general, CONTEXT).or_else(|e| if is_there(&e) { Ok(()) } else { Err(io_error(&general, e)) })?;
        let welcome = self.folder(workspace).join("welcome.md");
        write_new(&welcome, WELCOME).or_else(|e| if is_there(&e) { Ok(()) } else { Err(io_error(&welcome, e)) })?;
        // Last, so that a workspace that has its file is whole.
        write_new(&file, &text).map_err(|e| exists_or_io("workspace", workspace, &file, e))?;
        Ok(file)
    }

    /// Makes a context in a workspace that is there.
    ///
    /// # Errors
    /// [`LayoutError::NoWorkspace`], [`LayoutError::Exists`], [`LayoutError::Io`].
    pub fn create_context(&self, workspace: &Slug, context: &Slug) -> Result<PathBuf, LayoutError> {
        if !self.workspace_file(workspace).is_file() {
            return Err(LayoutError::NoWorkspace(workspace.clone()));
        }
        let file = self.context_file(workspace, context.as_str());
        write_new(&file, CONTEXT).map_err(|e| exists_or_io("context", context, &file, e))?;
        Ok(file)
    }
}

fn is_there(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AlreadyExists
}

fn io_error(path: &Path, error: io::Error) -> LayoutError {
    LayoutError::Io { path: path.to_owned(), error }
}

fn exists_or_io(what: &'static str, name: &Slug, path: &Path, error: io::Error) -> LayoutError {
    if is_there(&error) {
        LayoutError::Exists { what, name: name.to_string(), path: path.to_owned() }
    } else {
        io_error(path, error)
    }
}

/// Writes a file that must not be there yet, whole and on disk.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a file would stand in the way of the next try.
        drop(fs::remove_file(path));
    }
    written
}

fn slugs(folder: &Path, is_one: impl Fn(&Path) -> bool) -> Result<Vec<Slug>, LayoutError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error(folder, error)),
    };
    let mut found: Vec<Slug> = entries
        .take(LIST_MAX)
        .filter_map(Result::ok)
        .filter(|entry| is_one(&entry.path()))
        .filter_map(|entry| Slug::parse(entry.file_name().to_str()?).ok())
        .collect();
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Definition, WorkspaceDefinition};

    fn slug(text: &str) -> Slug {
        Slug::parse(text).unwrap()
    }

    #[test]
    fn what_is_made_can_be_read_and_is_not_made_twice() {
        let data = tempfile::tempdir().unwrap();
        let layout = Layout::of_data(data.path());
        let file = layout.create_workspace(&slug("home"), "Ann's \"home\": #1", Some("ann")).unwrap();
        let read = WorkspaceDefinition::parse(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!((read.name.as_str(), read.is_private, read.owner.as_str()), ("Ann's \"home\": #1", true, "ann"));
        let context = fs::read_to_string(layout.context_file(&slug("home"), "general")).unwrap();
        assert_eq!(Definition::parse(&context).unwrap().paths, ["**"]);
        assert!(matches!(layout.create_workspace(&slug("home"), "x", None), Err(LayoutError::Exists { .. })));
        assert!(matches!(layout.create_context(&slug("no"), &slug("x")), Err(LayoutError::NoWorkspace(_))));
        layout.create_context(&slug("home"), &slug("plans")).unwrap();
        assert_eq!(layout.contexts(&slug("home")).unwrap(), [slug("general"), slug("plans")]);
        assert_eq!(layout.list().unwrap(), [slug("home")]);
        assert!(layout.knows(&slug("home"), &slug("nope")).unwrap_err().contains("context create nope"));
    }

    #[test]
    fn distinct_chats_have_distinct_logs_inside_the_workspace() {
        let chat = |chat: &str| Chat { connector: "console".into(), chat: chat.into() };
        let path = |text: &str| log_path(&slug("home"), &chat(text));
        assert_eq!(path("home/general"), "home/logs/console/general.md");
        let odd = ["home/General", "home/general.", "../../etc/passwd", "", "a/b", "a-b", "home/a b"];
        let mut paths: Vec<_> = odd.iter().map(|text| path(text)).collect();
        assert!(
            paths
                .iter()
                .all(|p| p.starts_with("home/logs/console/") && !p.contains("..") && p.matches('/').count() == 3)
        );
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), odd.len());
    }
}
