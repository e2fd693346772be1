//! The main job, end to end, on real servers: execute, compare the bucket with what should be left, restore everything,
//! compare every byte, header and tag.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::exit,
    clippy::cast_possible_truncation,
    reason = "a failure in a test is a panic, in its helpers too"
)]

mod bad_input;
mod directory;
mod missing;
mod restores;
mod servers;
mod unwatched;
mod variants;
