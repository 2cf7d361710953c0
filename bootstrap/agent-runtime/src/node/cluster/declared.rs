//! The workspaces that a worker of a cluster is to hold: those whose files it has, or of these the ones that are named.

use messages::Slug;
use workspaces::Layout;

/// Which workspaces a node declares.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    layout: Layout,
    only: Option<Vec<Slug>>,
}

impl Declared {
    /// All of the layout's, or only these.
    pub(crate) fn new(layout: Layout, only: Option<Vec<Slug>>) -> Self {
        Self { layout, only }
    }

    /// Those whose files are there now, in order.
    ///
    /// # Errors
    /// One sentence: the folder can't be read.
    pub(crate) fn list(&self) -> Result<Vec<Slug>, String> {
        let mut found = self.layout.list().map_err(|error| error.to_string())?;
        if let Some(only) = &self.only {
            found.retain(|workspace| only.contains(workspace));
        }
        Ok(found)
    }

    /// Says which of those that are named have no files here: most often a disk that is not mounted yet.
    pub(crate) fn warn_of_missing(&self) {
        for workspace in self.only.iter().flatten() {
            let file = self.layout.workspace_file(workspace);
            if !file.is_file() {
                tracing::warn!(file = %file.display(), "`node.workspaces` names `{workspace}`, and its files are not there; it is held as soon as they are");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_declares_what_it_has_and_of_that_what_is_named() {
        let data = tempfile::tempdir().unwrap();
        let layout = Layout::of_data(data.path());
        let slug = |text: &str| Slug::parse(text).unwrap();
        for name in ["home", "acme"] {
            layout.create_workspace(&slug(name), name, None).unwrap();
        }
        let list = |only| Declared::new(layout.clone(), only).list().unwrap();
        assert_eq!(list(None), [slug("acme"), slug("home")]);
        assert_eq!(list(Some(vec![slug("home"), slug("gone")])), [slug("home")]);
    }
}
