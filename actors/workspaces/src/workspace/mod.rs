//! A workspace: its name, its contexts, and what is wrong with its files.

use std::collections::BTreeMap;

use messages::workspace::{Msg, Reply, View, Workspace};
use messages::{AskError, Slug};
use runtime::{ReplyPort, Service, ServiceCx, ServiceError};

use crate::definition::WorkspaceDefinition;
use crate::{Layout, context};

/// Broken files that are remembered.
const BROKEN_MAX: usize = 1_000;
/// Contexts of one page.
const CONTEXTS_MAX: usize = 1_000;

/// The actor at `ws/<workspace>/workspace`.
pub struct WorkspaceService {
    layout: Layout,
    workspace: Slug,
    last_good: Option<WorkspaceDefinition>,
    broken: BTreeMap<String, String>,
}

impl WorkspaceService {
    /// Opens at once; files are read when they are asked about.
    #[must_use]
    pub fn new(layout: Layout, workspace: Slug) -> Self {
        Self { layout, workspace, last_good: None, broken: BTreeMap::new() }
    }

    fn describe(&mut self) -> View {
        let read = context::read_definition(&self.layout.workspace_file(&self.workspace));
        let parsed = read.and_then(|text| {
            let text = text.ok_or("it is gone")?;
            WorkspaceDefinition::parse(&text).map_err(|e| e.to_string())
        });
        match parsed {
            Ok(definition) => {
                self.broken.remove("workspace.md");
                self.last_good = Some(definition);
            }
            Err(problem) => {
                self.broken.insert("workspace.md".to_owned(), problem);
            }
        }
        let definition = self.last_good.clone().unwrap_or_default();
        View {
            name: definition.name,
            kind: if definition.is_private { "private" } else { "community" }.to_owned(),
            broken: self.broken.iter().map(|(path, problem)| format!("{path}: {problem}")).collect(),
        }
    }

    fn note(&mut self, path: String, problem: Option<String>, cx: &ServiceCx) {
        let alarm = format!("broken:{}/{path}", self.workspace);
        let told =
            problem.as_ref().map(|p| format!("{}/{path}: {p}; the last good version stays in force", self.workspace));
        cx.system.alarm(&alarm, told);
        match problem {
            Some(problem) if self.broken.len() < BROKEN_MAX => drop(self.broken.insert(path, problem)),
            Some(_) => {}
            None => drop(self.broken.remove(&path)),
        }
    }
}

impl Service for WorkspaceService {
    type Proto = Workspace;

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Workspace>, cx: &ServiceCx) -> Result<(), ServiceError> {
        match msg {
            Msg::Describe => reply.send(Reply::Described(self.describe())),
            Msg::Broken { path, problem } => {
                self.note(path, problem, cx);
                reply.send(Reply::Noted);
            }
            Msg::Contexts { after, limit } => match self.layout.contexts(&self.workspace) {
                Ok(all) => {
                    let limit = (limit as usize).min(CONTEXTS_MAX);
                    let page = all.into_iter().filter(|slug| after.as_ref().is_none_or(|after| slug > after));
                    reply.send(Reply::Contexts(page.take(limit).collect()));
                }
                Err(error) => reply.fail(AskError::Failed(error.to_string())),
            },
        }
        Ok(())
    }
}
