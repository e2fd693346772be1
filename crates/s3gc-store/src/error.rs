//! What can go wrong with a store.

use crate::{InvalidKey, SignRefused};

/// A boxed cause.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of an operation on a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation on a store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such object.
    #[error("{key}: no such object")]
    NotFound {
        /// The key.
        key: String,
    },
    /// The object is not the one that the request named, or a new one may not replace it.
    #[error("{key}: the object is not the expected one")]
    Precondition {
        /// The key.
        key: String,
    },
    /// The object is in an archive class.
    #[error("{key}: archived, cannot be read without a restore")]
    Archived {
        /// The key.
        key: String,
    },
    /// The object is encrypted with a key that only its owner has.
    #[error("{key}: encrypted with a customer's key (SSE-C)")]
    NeedsKey {
        /// The key.
        key: String,
    },
    /// The store does not exist.
    #[error("{location}: no such bucket or directory")]
    NoSuchStore {
        /// The store.
        location: String,
    },
    /// The bucket is in another region.
    #[error("{location}: the bucket is not in region {configured}{}", actual.as_ref().map(|r| format!(", it is in {r}")).unwrap_or_default())]
    WrongRegion {
        /// The store.
        location: String,
        /// The region of the configuration.
        configured: String,
        /// The region that the store named.
        actual: Option<String>,
    },
    /// The credentials do not allow the operation.
    #[error("{operation} {object}: access denied")]
    AccessDenied {
        /// The operation, by the store's own name for it.
        operation: &'static str,
        /// The object or the store.
        object: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// There are no credentials, or they are not valid.
    #[error("{operation} {object}: no valid credentials")]
    Credentials {
        /// The operation.
        operation: &'static str,
        /// The object or the store.
        object: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The store asks to be called more slowly.
    #[error("{operation} {object}: the store asks to slow down")]
    SlowDown {
        /// The operation.
        operation: &'static str,
        /// The object or the store.
        object: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The store could not be reached, did not answer in time, or failed on its side.
    #[error("{operation} {object}: the store is not reachable or did not answer")]
    Unavailable {
        /// The operation.
        operation: &'static str,
        /// The object or the store.
        object: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The name cannot be a key of this store.
    #[error("{key:?}: not a key of this store: {reason}")]
    UnsafeKey {
        /// The name.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The name cannot be a key of any store.
    #[error("not an object key")]
    InvalidKey(#[from] InvalidKey),
    /// A body ended before its length, or had more bytes than announced.
    #[error("{object}: the body has {actual_bytes} bytes instead of {expected_bytes}")]
    BodyLength {
        /// The object.
        object: String,
        /// The announced length.
        expected_bytes: u64,
        /// The actual length.
        actual_bytes: u64,
    },
    /// The store's answer contradicts itself or the protocol.
    #[error("{operation} {object}: {reason}")]
    Protocol {
        /// The operation.
        operation: &'static str,
        /// The object or the store.
        object: String,
        /// What is wrong.
        reason: String,
    },
    /// The store cannot do this.
    #[error("{operation}: not supported by this store")]
    Unsupported {
        /// The operation.
        operation: &'static str,
    },
    /// The engine refused the deletion at the last moment.
    #[error("not sent")]
    SignRefused(#[from] SignRefused),
    /// Anything else.
    #[error("{operation} {object} failed")]
    Other {
        /// The operation.
        operation: &'static str,
        /// The object or the store.
        object: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl Error {
    /// Tells whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::SlowDown { .. } | Self::Unavailable { .. } | Self::BodyLength { .. })
    }

    /// Tells whether the object is simply not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}
