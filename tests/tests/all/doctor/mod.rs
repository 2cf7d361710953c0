//! What a node's surroundings are told to be, and how an operator sets them right.

mod canaries;
mod checks;
mod config;
mod documented;
mod install;
mod root;
mod world;
