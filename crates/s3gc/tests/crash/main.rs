//! The command is killed, or its disk and its files go bad; then it is started again. Real processes, S3 over HTTP.
//!
//! `S3GC_CRASH_KILLS=500` is the long form: so many kills at random moments, and every point with every store.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests own their clock, and stop at the first surprise"
)]

mod check;
mod damage;
mod disks;
mod moments;
mod paths;
mod place;
mod points;
mod prune;
mod stop;
#[path = "../cli/world.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line, which use more of it")]
mod world;

/// How many kills the long form asks for.
fn long_form() -> Option<usize> {
    std::env::var("S3GC_CRASH_KILLS").ok()?.parse().ok()
}
