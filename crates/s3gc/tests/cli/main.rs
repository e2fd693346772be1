//! The `s3gc` command as people and scripts meet it: a real process, a real database, S3 over HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests own their clock, and stop at the first surprise"
)]

mod brakes;
mod configuration;
mod copies;
mod cycle;
mod encryption;
mod faults;
mod fence;
mod object_vault;
mod output;
mod policy;
mod prune;
mod replica;
mod terminal;
mod vault;
mod world;
