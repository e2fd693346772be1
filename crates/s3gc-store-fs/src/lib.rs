#![doc = include_str!("../README.md")]

mod config;
mod delete;
mod dir;
mod error;
mod path;
mod put;
mod read;
mod sidecar;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod trash;
mod walk;

pub use config::FsConfig;
pub use store::FsStore;
pub use trash::Recovery;
