#![doc = include_str!("../README.md")]

mod acl;
mod copy;
mod delete;
mod error;
mod key;
mod list;
mod meta;
mod store;

pub use acl::{Grant, Grantee, Permission};
pub use copy::{CopyPlace, Crc64Nvme, InvalidCrc64Nvme, ServerCopy};
pub use delete::{DeleteMeans, DeleteOutcome, DeleteRequest, DeleteTarget, SignGuard, SignRefused};
pub use error::{BoxError, Error, Result};
pub use key::{ETag, InvalidKey, Location, MAX_KEY_BYTES, ObjectKey, PROBE_PREFIX, VersionId};
pub use list::{Checkpoint, ListEnd, ListEntry, ListItem, ListPage, ListRequest, SkippedName};
pub use meta::{ContentHeaders, Hold, ObjectMeta, Readable};
pub use store::{
    ByteStream, GetOptions, Guarantees, ObjectStore, PutMode, StoreStatus, VersionEntry, Versioning, read_all,
};

/// An instant in UTC, as every crate of s3gc uses it.
pub use jiff::Timestamp;
