#![doc = include_str!("../README.md")]

mod acl;
mod config;
mod convert;
mod copy;
mod delete;
mod error;
mod list;
mod read;
mod status;
mod store;
mod upload;

pub use config::{DeleteChecksum, S3Config, StaticCredentials};
pub use store::S3Store;
