//! Packs that are encrypted, whole, with [age](https://age-encryption.org).
//!
//! The file of such a pack has `.age` at the end of its name. Whoever has an identity of one of its recipients reads it
//! through an [`AgeVault`]; to everybody else it is [`Error::Locked`]. Without the feature `age` nothing is encrypted,
//! and every such pack is locked.

mod keys;
#[cfg(feature = "age")]
mod seal;
#[cfg(not(feature = "age"))]
#[path = "unsupported.rs"]
mod seal;
mod vault;

#[cfg(feature = "age")]
pub use keys::generate_identity;
pub use keys::{Identities, InvalidIdentity, InvalidRecipient, Recipient};
pub(crate) use seal::{seal, unlock};
pub use vault::AgeVault;

use std::fs::File;
use std::io;

use crate::pack::Digest;
use crate::{Error, FileName, Result, VaultBackend};

/// An encrypted file.
pub(crate) struct Sealed {
    pub(crate) file: File,
    pub(crate) size_bytes: u64,
    pub(crate) blake3: Digest,
    /// A key that opens this file, and no other: it was made for it.
    pub(crate) proof: Identities,
}

/// Why a file cannot be opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The key is missing or wrong.
    Locked(&'static str),
    /// It is not what it was.
    Damaged(String),
}

/// Finds out whether the key of a pack is there and fits, before anything is read or promised; a plain pack needs none.
///
/// # Errors
///
/// [`Error::Locked`] if it is missing or wrong, [`Error::Damaged`] if the pack's header is, or what the vault fails with.
pub async fn check_key(vault: &dyn VaultBackend, name: &FileName) -> Result<()> {
    if !name.is_encrypted() {
        return Ok(());
    }
    if vault.stored().is_none() {
        return Err(Closed::Locked(NO_IDENTITY).of(name));
    }
    vault.size(name).await.map(drop)
}

/// Why a pack is locked without any identity.
const NO_IDENTITY: &str = "no identity is configured";

impl Closed {
    pub(crate) fn of(self, name: &FileName) -> Error {
        let name = name.to_string();
        match self {
            Self::Locked(reason) => Error::Locked { name, reason: reason.into() },
            Self::Damaged(reason) => Error::Damaged { name, reason },
        }
    }
}

impl From<Closed> for io::Error {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Locked(reason) => Self::new(io::ErrorKind::PermissionDenied, reason),
            Closed::Damaged(reason) => Self::new(io::ErrorKind::InvalidData, reason),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "age")]
mod tests;
