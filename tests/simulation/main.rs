//! The simulator: histories of an application, a store, a vault and collectors that fail, over the real engine.
//!
//! A seed is a history, and a history has the same events each time. `docs/development.md` says how to replay one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking, and tells why")]

mod application;
mod bucket;
mod catalog;
mod contracts;
mod database;
mod directed;
mod histories;
mod history;
mod oracle;
mod play;
mod points;
mod rng;
mod source;
mod store;
mod vault;
mod world;
