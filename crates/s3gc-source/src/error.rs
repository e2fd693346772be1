//! What can go wrong with a source.

/// A boxed cause.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of an operation on a source.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation on a source failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database could not be reached, or the connection was lost.
    #[error("{source_name}: the database is not reachable")]
    Unavailable {
        /// The source.
        source_name: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The database refused the login.
    #[error("{source_name}: the database refused the login")]
    LoginRefused {
        /// The source.
        source_name: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// A configured table, column or query does not exist, is ambiguous, or cannot hold keys.
    #[error("{source_name}: {column}: {reason}")]
    Schema {
        /// The source.
        source_name: String,
        /// The table, column or query.
        column: String,
        /// What is wrong with it, and the way out.
        reason: String,
    },
    /// A table or column may not be read.
    #[error("{source_name}: {column}: permission denied")]
    PermissionDenied {
        /// The source.
        source_name: String,
        /// The table or column.
        column: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The session is not on the primary, or cannot prove that it is.
    #[error("{source_name}: not on the primary: {reason}")]
    NotPrimary {
        /// The source.
        source_name: String,
        /// What was seen.
        reason: String,
    },
    /// Another collector holds the lock.
    #[error("{source_name}: another s3gc holds the lock {lock}")]
    Locked {
        /// The source.
        source_name: String,
        /// The name of the lock.
        lock: String,
    },
    /// Anything else that happened in a scan or a query.
    #[error("{source_name}: {operation} failed")]
    Failed {
        /// The source.
        source_name: String,
        /// What was being done.
        operation: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl Error {
    /// Tells whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Locked { .. })
    }

    /// Tells whether the configuration is at fault, so that trying again cannot help.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Schema { .. })
    }
}
