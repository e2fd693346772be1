//! The `s3gc` command as people and scripts meet it: a real process, a real database, S3 over HTTP.

mod brakes;
mod configuration;
mod cycle;
mod faults;
mod output;
mod terminal;
mod vault;
mod world;
