//! What facts mean: pure.

pub(super) mod certificates;
pub(super) mod nodes;
pub(super) mod place;
pub(super) mod running;
pub(super) mod secrets;
pub(super) mod store;
