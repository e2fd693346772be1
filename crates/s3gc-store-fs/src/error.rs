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
        // A volume that is mounted below the store's directory: nothing can be moved between the two in one step.
        Some(Errno::XDEV) => {
            let reason = "it lies on another file system than the directory of the store: make it a store of its own";
            Error::Protocol { operation, object, reason: reason.to_owned() }
        }
        _ => Error::Other { operation, object, source: source.into() },
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn an_error_says_what_to_do_or_what_the_system_said() {
        let error = failed("delete", "a/k", Errno::ROFS);
        assert_eq!(error.to_string(), "delete a/k: access denied");
        assert!(error.source().is_some_and(|source| source.to_string().starts_with("Read-only file system")));
        assert!(failed("delete", "a/k", Errno::XDEV).to_string().contains("another file system"));
    }

    #[test]
    fn only_what_may_be_gone_later_is_transient() {
        assert!(failed("list", "a", Errno::STALE).is_transient());
        for lasting in [Errno::ACCESS, Errno::ROFS, Errno::XDEV, Errno::NOSPC] {
            assert!(!failed("list", "a", lasting).is_transient(), "{lasting}");
        }
    }
}
