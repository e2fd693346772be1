//! What people configure: a TOML file, environment variables, flags, or Rust code.
//!
//! The way of a configuration: [`Loader`] parses the file into a tree in which every value knows its place (`tree`), puts
//! the environment and the flags over it (`environment`), checks that every key is known (`known`, by the schema of
//! `file`), reads the values (`resolve`) and checks them against each other (`check`). All of these go on after a fault,
//! so that [`ConfigErrors`] has every one. [`Config::builder`] makes the same tree from code.

mod builder;
mod check;
mod environment;
mod file;
mod interpolate;
mod known;
mod load;
mod model;
mod problem;
mod read;
mod references;
mod resolve;
mod tree;
mod units;
mod values;
mod vault;

#[cfg(test)]
mod tests;

pub use builder::ConfigBuilder;
pub use environment::CONFIG_VARIABLE;
pub use file::schema;
pub use load::{Loaded, Loader};
pub use model::{
    BucketConfig, Compression, Config, DatabaseConfig, DeleteChecksum, Encryption, ObjectCredentials, ObjectPlace,
    ObjectScheme, OnConflict, ReferenceConfig, ReferencePlace, SafetyConfig, Stage, StoreConfig, VaultConfig,
    VaultPlace,
};
pub use problem::{ConfigErrors, Problem};
pub use read::Resolved;
pub use tree::Origin;
