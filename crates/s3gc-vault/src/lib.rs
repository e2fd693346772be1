#![doc = include_str!("../README.md")]

mod backend;
mod error;
pub mod pack;

pub use backend::{FileName, InvalidFileName, LeaseRecord, VaultBackend, VaultFile, VaultLease};
pub use error::{BoxError, Error, Result};
