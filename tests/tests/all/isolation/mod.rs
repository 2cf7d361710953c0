//! Isolation of contexts: whatever a context has, another sees nothing of it, by no command, tool, prompt or sentence.
//! What is kept from somebody reads word for word as what is not there.

mod deliveries;
mod house;
mod ids;
mod open;
mod policies;
mod prompts;
mod search;
mod status;
mod timing;
mod tools;
