#![doc = include_str!("../README.md")]

#[cfg(not(any(feature = "aws", feature = "azure", feature = "gcp")))]
compile_error!("turn on the feature aws, azure or gcp");

mod body;
mod config;
mod connect;
#[cfg(feature = "aws")]
mod credentials;
mod error;
mod http;
mod lease;
mod put;
mod vault;

pub use config::{Encryption, ObjectConfig, Provider, StaticCredentials};
pub use vault::ObjectVault;
