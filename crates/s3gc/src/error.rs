//! What can go wrong with a command: the exit code, and what to do next.

use std::error::Error as _;
use std::io;

use s3gc_core::config::ConfigErrors;
use s3gc_core::{catalog, source, store, vault};

use crate::ExitCode;
use crate::assemble::AssembleError;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// A command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The parts of a bucket cannot be put together.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// The engine failed, or refused.
    #[error(transparent)]
    Engine(#[from] s3gc_core::Error),
    /// The command makes no sense as it is.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// The way out.
        help: String,
    },
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// A local file or the output cannot be read or written.
    #[error("{what} failed")]
    Io {
        /// What was being done, to which file.
        what: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Anything else that failed.
    #[error("{what} failed")]
    Other {
        /// What was being done.
        what: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A person ended the command.
    #[error("interrupted")]
    Interrupted {
        /// How to go on.
        help: Option<String>,
    },
}

impl Error {
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: help.into() }
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// Returns the exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Usage { .. } => ExitCode::Usage,
            Self::Assemble(error) => match error {
                AssembleError::VaultMissing { .. } => ExitCode::VaultMissing,
                AssembleError::NoSuchBucket { .. }
                | AssembleError::SeveralBuckets { .. }
                | AssembleError::Identity { .. } => ExitCode::Usage,
                AssembleError::Source { source, .. } => source_code(source),
                AssembleError::Engine { source, .. } => engine_code(source),
                _ => ExitCode::Failed,
            },
            Self::Engine(error) => engine_code(error),
            // Whoever reads stdout has seen enough: no fault.
            Self::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => ExitCode::Ok,
            Self::NotFound(_) | Self::Io { .. } | Self::Other { .. } => ExitCode::Failed,
            Self::Interrupted { .. } => ExitCode::Interrupted,
        }
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(&self) -> Vec<String> {
        let help = match self {
            Self::Usage { help, .. } => Some(help.clone()),
            Self::Interrupted { help } => help.clone(),
            Self::Assemble(AssembleError::VaultMissing { place, .. }) => Some(vault_missing(place)),
            Self::Assemble(AssembleError::Store { source, .. }) => store_help(source),
            Self::Assemble(AssembleError::Source { source, .. }) => source_help(source),
            Self::Assemble(AssembleError::Vault { source, .. }) => vault_help(source),
            Self::Assemble(AssembleError::Catalog { source, .. }) => catalog_help(source),
            Self::Engine(error) | Self::Assemble(AssembleError::Engine { source: error, .. }) => engine_help(error),
            _ => None,
        };
        help.into_iter().collect()
    }

    /// Writes the error with its causes in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let more = error.to_string();
            // Some libraries repeat their cause.
            if !text.ends_with(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            cause = error.source();
        }
        text
    }
}

macro_rules! through_the_engine {
    ($($part:ty),*) => {
        $(impl From<$part> for Error {
            fn from(error: $part) -> Self {
                Self::Engine(error.into())
            }
        })*
    };
}

through_the_engine!(catalog::Error, source::Error, store::Error, vault::Error);

fn engine_code(error: &s3gc_core::Error) -> ExitCode {
    use s3gc_core::Error as E;
    match error {
        E::Source(error) => source_code(error),
        E::Store(store::Error::SignRefused(_)) => ExitCode::Stopped,
        E::Vault(vault::Error::Locked { .. }) => ExitCode::KeyMissing,
        E::Locked { .. } => ExitCode::Locked,
        E::Invalid(_) => ExitCode::Usage,
        E::Cancelled => ExitCode::Interrupted,
        error if error.is_stop() => ExitCode::Stopped,
        _ => ExitCode::Failed,
    }
}

fn source_code(error: &source::Error) -> ExitCode {
    match error {
        source::Error::Locked { .. } => ExitCode::Locked,
        error if error.is_configuration() => ExitCode::Usage,
        _ => ExitCode::Failed,
    }
}

fn engine_help(error: &s3gc_core::Error) -> Option<String> {
    use s3gc_core::Error as E;
    match error {
        E::Store(error) => store_help(error),
        E::Source(error) => source_help(error),
        E::Vault(error) => vault_help(error),
        E::Catalog(error) => catalog_help(error),
        E::Locked { .. } => {
            Some("wait for it with --wait-lock 10m; the lock of a process that died ends by itself".into())
        }
        E::NotAccepted { path, brakes } => Some(accept_help(path, brakes.iter().map(String::as_str))),
        E::Plan { reason, .. } if !reason.contains("make a new plan") => {
            Some("make a new plan: s3gc plan --out PLANFILE".into())
        }
        E::Cancelled => Some("nothing was deleted; run the same command again".into()),
        E::NotFound(_) => Some("s3gc vault ls shows what the vault holds".into()),
        _ => None,
    }
}

/// Says how brakes are accepted for one plan.
pub(crate) fn accept_help<'a>(path: &std::path::Path, brakes: impl IntoIterator<Item = &'a str>) -> String {
    let accept: String = brakes.into_iter().map(|name| format!(" --accept {}", shell(name))).collect();
    let path = shell(&path.display().to_string());
    format!(
        "look at the plan; if it is right, accept it for this one: s3gc run {path} --mode execute{accept} --reason \"...\""
    )
}

/// Quotes a word for a shell, if it needs it.
pub(crate) fn shell(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn vault_missing(place: &str) -> String {
    let bring = if place.contains("://") { "bring back" } else { "mount or bring back" };
    format!(
        "{bring} {place}, or say where it is now: [vault] path. If it is lost for good, begin anew: move the \
         catalog away"
    )
}

fn store_help(error: &store::Error) -> Option<String> {
    use store::Error as E;
    let help = match error {
        E::Credentials { .. } => "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        E::AccessDenied { .. } => "s3gc check --print-policy prints the least policy that is enough",
        E::NoSuchStore { .. } => "check name, region and endpoint (or path) in [bucket]",
        E::WrongRegion { .. } => "write the bucket's region into [bucket] region",
        E::Unavailable { .. } => "check the network and [bucket] endpoint, and run it again",
        E::SlowDown { .. } => "run it again later",
        _ => return None,
    };
    Some(help.into())
}

fn source_help(error: &source::Error) -> Option<String> {
    use source::Error as E;
    let help = match error {
        E::Unavailable { .. } => "check that the database runs and that [database] url leads to it",
        E::LoginRefused { .. } => "check user and password in [database] url",
        E::PermissionDenied { .. } => "s3gc check --print-policy prints the grants that are needed",
        E::Schema { .. } => "correct [tables] or [[references]]; s3gc init proposes columns",
        E::NotPrimary { .. } => "connect to the primary: a replica may not have seen the newest references",
        E::Locked { .. } => "wait for the other run, with --wait-lock 10m",
        _ => return None,
    };
    Some(help.into())
}

fn vault_help(error: &vault::Error) -> Option<String> {
    use vault::Error as E;
    let help = match error {
        E::Full { .. } => "make room where the vault is, and run it again: nothing is lost",
        E::Denied { .. } => "s3gc check --print-policy prints the least that the vault's bucket has to allow",
        E::NoBucket { .. } => "make the bucket, or check path, region and endpoint in [vault]",
        E::Locked { .. } => LOCKED_HELP,
        E::Damaged { .. } | E::Mismatch { .. } => "s3gc vault verify --level full finds every damaged object",
        _ => return None,
    };
    Some(help.into())
}

/// What to do about a pack that cannot be decrypted.
pub(crate) const LOCKED_HELP: &str =
    "write the path of the age identity file of one of its recipients into [vault] identity, or S3GC_VAULT_IDENTITY";

fn catalog_help(error: &catalog::Error) -> Option<String> {
    match error {
        catalog::Error::Full { .. } => Some("make room where the catalog is, and run it again".into()),
        _ => None,
    }
}
