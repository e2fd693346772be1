//! One test and more for each invariant I1 to I13, against a real S3 server and a real database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::exit,
    clippy::cast_possible_truncation,
    reason = "a failure in a test is a panic, in its helpers too"
)]

mod adversary;
mod census;
mod crash;
mod exactly;
mod fence;
mod prune;
mod recovery;
mod refusals;
mod restore;
mod secrets;
mod traces;
mod trust;
mod unanswered;
mod vault;
