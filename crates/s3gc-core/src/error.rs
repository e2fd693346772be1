//! What can go wrong with a run.

use std::path::PathBuf;

use crate::{catalog, source, store, vault};

/// The result of an operation of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation of the engine failed, or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A source failed.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// A condition that only a cure or the configuration lifts; nothing was deleted.
    #[error("stopped: {name}: {reason}")]
    Stop {
        /// The name of the stop.
        name: &'static str,
        /// What was seen, and the way out.
        reason: String,
    },
    /// The census is not complete, so there is no plan and no clock moved.
    #[error("stopped: incomplete census: {reason}")]
    Incomplete {
        /// What is missing.
        reason: String,
    },
    /// Somebody else collects this store.
    #[error("{location} is locked: {holder}")]
    Locked {
        /// The store.
        location: String,
        /// Who holds it, since when.
        holder: String,
    },
    /// A plan cannot be run.
    #[error("plan {}: {reason}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and the way out.
        reason: String,
    },
    /// A plan's brakes are not accepted.
    #[error("plan {}: {} tripped and not accepted: {}", path.display(), if brakes.len() == 1 { "a brake is" } else { "brakes are" }, brakes.join(", "))]
    NotAccepted {
        /// The file.
        path: PathBuf,
        /// The names of the brakes.
        brakes: Vec<String>,
    },
    /// A local file cannot be read or written.
    #[error("{what} {} failed", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A request that makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// There is no such thing to restore or explain.
    #[error("{0}")]
    NotFound(String),
    /// A person ended the run before it deleted anything.
    #[error("cancelled")]
    Cancelled,
    /// A task of the engine ended without an answer.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// Tells whether a safety condition refused to go on, and nothing is broken.
    #[must_use]
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Stop { .. } | Self::Incomplete { .. } | Self::Plan { .. } | Self::NotAccepted { .. })
    }

    /// Wraps a failure with a local file.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Internal(format!("a task failed: {error}"))
    }
}
