//! `nodes`, `placement`, `drain`.

use clap::Args;
use messages::Slug;

use super::Where;

#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// The node: as `nodes` names it. Without a name, the node of this data folder
    pub(crate) node: Option<Slug>,
    #[command(flatten)]
    pub(crate) place: Where,
    /// Let the node take units again
    #[arg(long)]
    pub(crate) undo: bool,
    /// Do not wait until it holds nothing
    #[arg(long)]
    pub(crate) no_wait: bool,
}
