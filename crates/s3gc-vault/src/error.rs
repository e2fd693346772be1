//! What can go wrong with a vault.

use std::io::ErrorKind;

/// A boxed cause.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of an operation on a vault.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation on a vault failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file.
    #[error("{vault}: {name}: no such file in the vault")]
    NotFound {
        /// The vault.
        vault: String,
        /// The file.
        name: String,
    },
    /// Other bytes stand under the name.
    #[error("{vault}: {name}: the vault holds another file of this name")]
    Conflict {
        /// The vault.
        vault: String,
        /// The file.
        name: String,
    },
    /// There is no room left.
    #[error("{vault}: no space left for {name}")]
    Full {
        /// The vault.
        vault: String,
        /// The file.
        name: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// There is no such bucket.
    #[error("{vault}: there is no such bucket")]
    NoBucket {
        /// The vault.
        vault: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The vault's owner does not allow it.
    #[error("{vault}: {operation} {name} was refused")]
    Denied {
        /// The vault.
        vault: String,
        /// What was being done.
        operation: &'static str,
        /// The file.
        name: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The vault's store does not compare and swap, so the vault has no lease.
    #[error("{vault}: the vault can have no lease: {reason}")]
    Unsupported {
        /// The vault.
        vault: String,
        /// What the store was seen to do.
        reason: String,
    },
    /// The vault cannot be reached, read or written.
    #[error("{vault}: {operation} {name} failed")]
    Io {
        /// The vault.
        vault: String,
        /// What was being done.
        operation: &'static str,
        /// The file.
        name: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// A pack is not what it should be.
    #[error("{name}: damaged pack: {reason}")]
    Damaged {
        /// The file.
        name: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// An object's bytes, as read from the vault, are not the ones that were put in.
    #[error("{name}: {key}: the bytes in the vault are not the original: {reason}")]
    Mismatch {
        /// The file.
        name: String,
        /// The key of the object.
        key: String,
        /// What differs.
        reason: String,
    },
    /// A pack is encrypted, and the key is missing or wrong.
    #[error("{name}: the pack is encrypted, and {reason}")]
    Locked {
        /// The file.
        name: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// The pack has as many objects as one index can hold.
    #[error("{name}: the pack has too many objects; finish it and begin another")]
    TooManyEntries {
        /// The file.
        name: String,
    },
    /// The body of an object failed while it was packed; the pack is as it was before.
    #[error("{key}: reading the object failed while it was packed")]
    Body {
        /// The key of the object.
        key: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// Tells an I/O error of a file, a full disk apart from the others.
    pub(crate) fn from_io(vault: &str, operation: &'static str, name: &str, source: std::io::Error) -> Self {
        let (vault, name) = (vault.to_owned(), name.to_owned());
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { vault, name, source: source.into() },
            _ => Self::Io { vault, operation, name, source: source.into() },
        }
    }
}
