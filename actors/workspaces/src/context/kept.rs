//! The definitions in force: the last good version of each file, kept in the store so that a restart keeps it too.

use markdown::memory::{InPrompt, for_prompt};
use messages::InboundId;
use messages::task::Remembered;
use serde::{Deserialize, Serialize};

use super::core::{InForce, Loaded};
use crate::definition::{Definition, WorkspaceDefinition};
use crate::memory::file::MemoryText;
use crate::memory::view::too_much;

/// What the store keeps: the last good text of both files.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    context: String,
    workspace: String,
}

/// What reading the files changed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// What the store is to keep from now on.
    pub(super) text: Option<String>,
    pub(super) broken_changed: bool,
}

impl InForce {
    pub(super) fn from_kept(text: &str) -> Self {
        let kept: Kept = serde_json::from_str(text).unwrap_or_default();
        let mut in_force = Self { kept_context: kept.context, kept_workspace: kept.workspace, ..Self::default() };
        if !in_force.kept_context.is_empty() {
            in_force.context = Definition::parse(&in_force.kept_context).unwrap_or_default();
        }
        if !in_force.kept_workspace.is_empty() {
            in_force.workspace = WorkspaceDefinition::parse(&in_force.kept_workspace).unwrap_or_default();
        }
        in_force
    }

    /// Takes over what is good and keeps the last good version of what is not. A file that is gone leaves its last
    /// version in force, too.
    pub(super) fn apply(&mut self, loaded: Loaded) -> Changed {
        let mut problems = Vec::new();
        let mut changed = false;
        match loaded.context {
            Ok(Some((text, definition))) => {
                changed |= text != self.kept_context;
                (self.kept_context, self.context) = (text, definition);
            }
            Ok(None) => problems.push("context.md is gone".to_owned()),
            Err(problem) => problems.push(format!("context.md: {problem}")),
        }
        match loaded.workspace {
            Ok(Some((text, definition))) => {
                changed |= text != self.kept_workspace;
                (self.kept_workspace, self.workspace) = (text, definition);
            }
            Ok(None) => problems.push("workspace.md is gone".to_owned()),
            Err(problem) => problems.push(format!("workspace.md: {problem}")),
        }
        self.seen = Some(loaded.stamps);
        self.remember(loaded.memory);
        let broken = (!problems.is_empty()).then(|| problems.join("; "));
        let broken_changed = broken != self.broken;
        self.broken = broken;
        Changed { text: changed.then(|| self.kept_text()), broken_changed }
    }

    /// Memory that can't be read leaves what was read of it last.
    fn remember(&mut self, memory: Result<MemoryText, String>) {
        match memory {
            Ok(said) => {
                let InPrompt { text, of, .. } = for_prompt(&said.text);
                let of = of.into_iter().map(InboundId::from_row).collect();
                (self.memory, self.memory_problem) = (Remembered { text, of }, too_much(&said));
            }
            Err(problem) => {
                let told = format!("memory.md can't be read ({problem}); what was read of it last stays in prompts");
                self.memory_problem = Some(told);
            }
        }
    }

    /// What the store keeps of it.
    pub(super) fn kept_text(&self) -> String {
        let kept = Kept { context: self.kept_context.clone(), workspace: self.kept_workspace.clone() };
        serde_json::to_string(&kept).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use messages::store::FileStamp;

    use super::*;

    fn loaded(context: Result<Option<&str>, &str>) -> Loaded {
        let context = match context {
            Ok(text) => Ok(text.map(|t| (t.to_owned(), Definition::parse(t).unwrap()))),
            Err(problem) => Err(problem.to_owned()),
        };
        let workspace = "---\nname: Home\n---\n";
        Loaded {
            stamps: [FileStamp::default(); 3],
            memory: Ok(MemoryText::default()),
            context,
            workspace: Ok(Some((workspace.to_owned(), WorkspaceDefinition::parse(workspace).unwrap()))),
        }
    }

    #[test]
    fn a_broken_file_leaves_the_last_good_version_in_force_also_after_a_restart() {
        let mut in_force = InForce::default();
        let kept = in_force.apply(loaded(Ok(Some("Be kind.")))).text.unwrap();
        let broken = in_force.apply(loaded(Err("line 3: no")));
        assert!(broken.text.is_none() && broken.broken_changed);
        assert_eq!(in_force.context.prompt, "Be kind.");
        assert_eq!(in_force.broken.as_deref(), Some("context.md: line 3: no"));
        let again = InForce::from_kept(&kept);
        assert_eq!((again.context.prompt.as_str(), again.workspace.is_private), ("Be kind.", false));
        assert!(in_force.apply(loaded(Ok(Some("Be kind.")))).broken_changed, "good again is told, too");
    }

    #[test]
    fn a_context_whose_files_were_never_read_is_closed() {
        assert!(InForce::from_kept("").workspace.is_private);
        assert!(InForce::from_kept("not json").workspace.is_private);
    }
}
