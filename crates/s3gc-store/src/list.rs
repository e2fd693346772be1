//! Listing: requests, pages, and the explicit end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ETag, ObjectKey, Readable};

/// What to list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListRequest {
    /// Only keys that begin with this string; empty for the whole store.
    pub prefix: String,
    /// Keys of an earlier run that divide the key space into about equal parts; a store may ignore them.
    pub hints: Vec<ObjectKey>,
    /// Go on after this point of an earlier listing.
    pub resume: Option<Checkpoint>,
}

impl ListRequest {
    /// Asks for all keys that begin with `prefix`.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), hints: Vec::new(), resume: None }
    }
}

/// A point in a listing from which a later one can go on; only the store that made it understands it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checkpoint(pub String);

/// A part of a listing.
#[derive(Clone, Debug)]
pub enum ListItem {
    /// Some objects.
    Page(ListPage),
    /// The listing is complete: without this item it is not, however the stream ended.
    End(ListEnd),
}

/// Some objects of a listing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListPage {
    /// The objects.
    pub entries: Vec<ListEntry>,
    /// Names that cannot be keys; they are kept and reported.
    pub skipped: Vec<SkippedName>,
    /// Where a later listing can go on, after this page.
    pub checkpoint: Option<Checkpoint>,
}

/// The end of a complete listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListEnd {
    /// How many entries the pages held.
    pub entries: u64,
    /// How many names were skipped.
    pub skipped: u64,
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListEntry {
    /// The key.
    pub key: ObjectKey,
    /// The length of the object's bytes.
    pub size_bytes: u64,
    /// The entity tag.
    pub etag: ETag,
    /// When the object was last written.
    pub last_modified: Timestamp,
    /// Whether its bytes can be read without a restore, as far as the listing tells.
    pub readable: Readable,
}

impl ListEntry {
    /// Describes an object whose bytes can be read.
    #[must_use]
    pub fn new(key: ObjectKey, size_bytes: u64, etag: ETag, last_modified: Timestamp) -> Self {
        Self { key, size_bytes, etag, last_modified, readable: Readable::Yes }
    }
}

/// A name in the store that cannot be an [`ObjectKey`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedName {
    /// The name, with what is not UTF-8 replaced.
    pub name: String,
    /// Why it is not a key.
    pub reason: String,
}
