//! The seam behind which the index is searched.

use messages::index::{Explained, Found};

use crate::database::Trouble;
use crate::library::Brake;
use crate::scan::{Progress, Report};
use crate::search::Question;

/// What finds passages. The embedded engine ([`crate::library::Library`]) is the only one of this release; another (an
/// outside program, an endpoint for embeddings) comes in behind the same three questions. It is given what may be seen with
/// each question and must give nothing else. All calls block.
pub(crate) trait Engine: Send + Sync {
    /// Brings the engine up to what the folders hold. `now_ns` is the time, nanoseconds since the Unix epoch.
    fn scan(&self, now_ns: i64, progress: &dyn Progress) -> Result<Report, Trouble>;

    /// Searches what is there; `None`: there is nothing yet, and a scan is due. `brake` ends it from another thread.
    fn search(&self, question: Question<'_>, brake: &Brake) -> Result<Option<Found>, Trouble>;

    /// The same with the parts of each score.
    fn explain(&self, question: Question<'_>, brake: &Brake) -> Result<Option<Vec<Explained>>, Trouble>;

    /// Gives back the memory that searches use between them.
    fn rest(&self);
}
