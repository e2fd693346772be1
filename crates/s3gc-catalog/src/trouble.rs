//! What went wrong, before the catalog and the operation are named.

use s3gc_core::catalog::{BoxError, Error};

/// The result of a step.
pub(crate) type Result<T, E = Trouble> = std::result::Result<T, E>;

/// Why a step failed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// SQLite, or the way to it.
    Sql(sqlx::Error),
    /// The file holds what s3gc never writes.
    Stored(String),
    /// The caller asked for what must not be done.
    Refused(String),
    /// There is no such record.
    NotFound(&'static str, String),
    /// Anything else.
    Other(BoxError),
}

/// The ways out of a damaged file.
pub(crate) const WAY_OUT: &str = "restore a backup of the file, or move it away and run `s3gc vault reindex`, which \
                                  rebuilds the index of the vault in a new one; clocks then start anew";

// https://www.sqlite.org/rescode.html: the low byte of an extended code is the primary one.
const SQLITE_BUSY: i32 = 5;
const SQLITE_READONLY: i32 = 8;
const SQLITE_IOERR: i32 = 10;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_CANTOPEN: i32 = 14;
const SQLITE_NOTADB: i32 = 26;
/// The index of the write-ahead log cannot grow, which is how a full disk shows itself at the opening.
const SQLITE_IOERR_SHMSIZE: i32 = 4874;

impl Trouble {
    /// Names the catalog and the operation.
    pub(crate) fn named(self, catalog: &str, operation: &'static str) -> Error {
        let catalog = catalog.to_owned();
        match self {
            Self::Sql(error) => match primary_code(&error) {
                Some(SQLITE_FULL) => Error::Full { catalog, source: error.into() },
                Some(SQLITE_IOERR) if code(&error) == Some(SQLITE_IOERR_SHMSIZE) => {
                    Error::Full { catalog, source: error.into() }
                }
                Some(SQLITE_READONLY | SQLITE_CANTOPEN | SQLITE_IOERR) => Error::Unusable {
                    catalog,
                    reason: format!(
                        "{operation} failed ({error}): see that its disk is mounted, writable for this user, healthy and \
                         not full, and run it again"
                    ),
                },
                Some(SQLITE_CORRUPT) => {
                    Error::Unusable { catalog, reason: format!("the file is damaged ({error}): {WAY_OUT}") }
                }
                Some(SQLITE_NOTADB) => Error::Unusable {
                    catalog,
                    reason: format!("the file is not an SQLite database: name another file, or {WAY_OUT}"),
                },
                _ => Error::Failed { catalog, operation, source: error.into() },
            },
            Self::Stored(what) => Error::Unusable { catalog, reason: format!("{what}: {WAY_OUT}") },
            Self::Refused(why) => Error::Failed { catalog, operation, source: why.into() },
            Self::NotFound(what, id) => Error::NotFound { catalog, what, id },
            Self::Other(source) => Error::Failed { catalog, operation, source },
        }
    }

    /// Tells whether another process holds the file just now.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Sql(error) if primary_code(error) == Some(SQLITE_BUSY))
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.into())
    }
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    Some(code(error)? & 0xff)
}

fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
