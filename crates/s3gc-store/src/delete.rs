//! Deletion: the exact object that was staged, one outcome a request, never a retry.

use crate::{ETag, Error, ObjectKey, VersionId};

/// How a store is asked to delete. The engine picks the strongest that a probe has proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeleteMeans {
    /// One request for many keys, each with the entity tag that it must have.
    BatchEtag,
    /// A request for each key, with `If-Match`.
    SingleEtag,
    /// On a bucket whose versioning is enabled: a delete marker hides the current version.
    Marker,
    /// One request for many keys, with nothing compared by the store.
    Unconditional,
}

/// What exactly to delete of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteTarget {
    /// The current object, if its entity tag is this one.
    Current {
        /// The tag that was staged.
        if_match: ETag,
    },
    /// The delete marker that we placed: the object under it comes back. No other version is ever named.
    OwnMarker(VersionId),
}

/// One deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRequest {
    /// The key.
    pub key: ObjectKey,
    /// What of it.
    pub target: DeleteTarget,
}

/// What became of one deletion.
///
/// Exhaustive on purpose: a new outcome must break the engine's match.
#[derive(Debug)]
#[must_use]
pub enum DeleteOutcome {
    /// The store said that the object is gone.
    Deleted {
        /// The delete marker that the store placed, on a versioned bucket.
        marker: Option<VersionId>,
    },
    /// There was no such object.
    AlreadyGone,
    /// The object is another one than was asked for, and lives.
    Changed,
    /// The store refused, and the object lives.
    Refused(Error),
    /// No answer came: the object may be gone now, or in a while.
    Unknown(Error),
}

/// The last word before a deletion is signed: S3 cannot check a fencing token, so time has to.
pub trait SignGuard: Send + Sync {
    /// Tells whether a deletion may be signed at this moment.
    ///
    /// # Errors
    ///
    /// [`SignRefused`] if not; the store then sends nothing.
    fn may_sign(&self) -> Result<(), SignRefused>;
}

/// A deletion may not be signed any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a deletion may not be signed: {0}")]
pub struct SignRefused(pub String);
