#![doc = include_str!("../README.md")]

mod backend;
mod dir;
pub mod encryption;
mod error;
pub mod pack;

pub use backend::{FileName, InvalidFileName, LeaseRecord, VaultBackend, VaultFile, VaultLease};
pub use dir::DirVault;
pub use error::{BoxError, Error, Result};
