//! Fixtures for tests that need several crates: a world with a bucket, a database, a vault and a catalog, all real.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "fixtures of tests: a failure is a panic")]

mod clock;
mod corpus;
mod world;

pub use clock::{LaterClock, LaterSource};
pub use corpus::{Corpus, Item, KEYS};
pub use world::{BUCKET, World, connect, days_ago, scan, sqlite};
