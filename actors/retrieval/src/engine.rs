//! The seam behind which the index is searched.

use messages::index::{Explained, Found};

use crate::database::Trouble;
use crate::library::Brake;
use crate::search::Question;

/// What finds passages. The embedded engine ([`crate::library::Library`]) is the only one of this release; another (an
/// outside program, an endpoint for embeddings) comes in behind the same questions, and brings itself up to date in its own
/// way. It is given what may be seen with each question and must give nothing else. All calls block.
pub(crate) trait Engine: Send + Sync {
    /// Searches what is there; `None`: there is nothing yet, and a scan is due. `brake` ends it from another thread.
    fn search(&self, question: Question<'_>, brake: &Brake) -> Result<Option<Found>, Trouble>;

    /// The same with the parts of each score.
    fn explain(&self, question: Question<'_>, brake: &Brake) -> Result<Option<Vec<Explained>>, Trouble>;

    /// Gives back the memory that searches use between them.
    fn rest(&self);
}
