//! All tests of the whole, in one binary.
//!
//! - `rules`: what a machine can keep of the rules by which this repository is built.

// The whole binary is tests: a value that is not there is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod rules;
