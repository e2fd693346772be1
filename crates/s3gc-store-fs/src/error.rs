//! From the errors of the operating system to those of a store.

use std::io;

use rustix::io::Errno;
use s3gc_store::Error;

/// Turns the failure of an operation on an object, or on the whole store, into the store's error.
pub(crate) fn failed(operation: &'static str, object: &str, cause: impl Into<io::Error>) -> Error {
    let source = cause.into();
    let object = object.to_owned();
    match Errno::from_io_error(&source) {
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => {
            Error::AccessDenied { operation, object, source: source.into() }
        }
        // A network file system that does not answer, or a process with too many files, may do so later.
        Some(Errno::IO | Errno::TIMEDOUT | Errno::STALE | Errno::MFILE | Errno::NFILE | Errno::AGAIN) => {
            Error::Unavailable { operation, object, source: source.into() }
        }
        _ => Error::Other { operation, object, source: source.into() },
    }
}
