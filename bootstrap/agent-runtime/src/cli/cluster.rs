//! `nodes`, `placement`, `drain`.

use clap::Args;

use super::Where;

#[derive(Debug, Args)]
pub(crate) struct Drain {
    #[command(flatten)]
    pub(crate) place: Where,
    /// Let the node take units again
    #[arg(long)]
    pub(crate) undo: bool,
    /// Do not wait until it holds nothing
    #[arg(long)]
    pub(crate) no_wait: bool,
}
