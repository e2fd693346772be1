#![doc = include_str!("../README.md")]

mod body;
mod bucket;
mod fault;
mod http;
mod log;
mod model;
mod server;
mod service;

pub use body::Body;
pub use bucket::{Bucket, PutSpec, StoredObject, StoredVersion};
pub use fault::{Effect, Fault, Quirks, When};
pub use log::{Op, Request};
pub use model::{Grant, VersioningState};
pub use server::{ACCESS_KEY, Options, S3Mem, SECRET_KEY};

/// An instant in UTC.
pub use jiff::Timestamp;
