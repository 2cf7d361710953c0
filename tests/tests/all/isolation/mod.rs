//! Isolation of contexts: whatever a context has, another sees nothing of it, by no command, tool, prompt or sentence.
//! What is kept from somebody reads word for word as what is not there.

mod deliveries;
mod house;
pub(crate) mod ids;
pub(crate) mod open;
pub(crate) mod policies;
pub(crate) mod prompts;
pub(crate) mod search;
pub(crate) mod status;
mod timing;
pub(crate) mod tools;
