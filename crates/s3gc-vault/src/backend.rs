//! The trait.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use s3gc_store::CopyPlace;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Where packs are kept: a few immutable files, written once, read by ranges.
///
/// # Contract
///
/// 1. `put` returns once the file is durable: it survives a loss of power. Before that it is not visible in `list`.
/// 2. `put` of the same name and the same bytes again is `Ok`; of other bytes is `Conflict`, and the file stays.
/// 3. A body that fails, or is not as long as announced, leaves nothing behind under the name.
/// 4. `read_range` gives exactly the bytes asked for, or an error; never fewer.
/// 5. `read_range`, `size` of a name that is not there is `NotFound`.
/// 6. `list` yields every file under the prefix once, with its size.
/// 7. `remove` of a name that is not there is `Ok`.
/// 8. Where there is a `lease`, `swap` succeeds for one of any number of callers with the same expectation, and a
///    value once read survives a loss of power. Where the store turns out not to compare, `swap` is `Unsupported`, and
///    no record was touched.
///
/// `s3gc-testkit` has one test for each clause.
#[async_trait]
pub trait VaultBackend: fmt::Debug + Send + Sync + 'static {
    /// Returns the unique name of the vault; it is shown, and holds no secret.
    fn location(&self) -> &str;

    /// Writes a file of `size_bytes`: whole and durable, or not at all.
    ///
    /// # Errors
    ///
    /// `Conflict` if other bytes stand under the name, `Full`, or any other failure.
    async fn put(
        &self,
        name: &FileName,
        body: BoxStream<'static, std::io::Result<Bytes>>,
        size_bytes: u64,
    ) -> Result<()>;

    /// Reads these bytes of a file.
    ///
    /// # Errors
    ///
    /// `NotFound`, or any other failure; a range beyond the end is one.
    async fn read_range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes>;

    /// Returns the length of a file in bytes.
    ///
    /// # Errors
    ///
    /// `NotFound`, or any other failure.
    async fn size(&self, name: &FileName) -> Result<u64>;

    /// Lists the files whose names begin with `prefix`. The stream ends at the first error; without one it is complete.
    fn list(&self, prefix: &str) -> BoxStream<'_, Result<VaultFile>>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// Any failure but that it is not there.
    async fn remove(&self, name: &FileName) -> Result<()>;

    /// Returns the vault with its files as they are stored, where this one shows some of them otherwise: decrypted. `size`
    /// and `read_range` then count in what they show, while `put`, `list` and `remove` are about the files.
    fn stored(&self) -> Option<&Arc<dyn VaultBackend>> {
        None
    }

    /// Tells where the store behind the vault keeps this file, where that store can copy an object of another bucket
    /// there.
    fn copy_place(&self, name: &FileName) -> Option<CopyPlace> {
        let _: &FileName = name;
        None
    }

    /// Returns the vault's small mutable records, where it can compare and swap.
    fn lease(&self) -> Option<&dyn VaultLease> {
        None
    }
}

/// Small mutable records beside the packs, each changed by compare-and-swap.
#[async_trait]
pub trait VaultLease: fmt::Debug + Send + Sync {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// If it cannot be read; that there is none is `Ok(None)`.
    async fn read(&self, slot: &str) -> Result<Option<LeaseRecord>>;

    /// Replaces a record if it still is what the caller read (`None`: if there is none), and tells whether it did.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the store does not compare; if it cannot be read or written.
    async fn swap(&self, slot: &str, expected: Option<&LeaseRecord>, new: &LeaseRecord) -> Result<bool>;

    /// Tries whether `swap` can be believed here. It may write to the vault, though to no record.
    ///
    /// # Errors
    ///
    /// `Unsupported` if it cannot; any failure while it was tried.
    async fn probe(&self) -> Result<()> {
        Ok(())
    }
}

/// The bytes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRecord(pub Bytes);

/// A file of a vault with its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultFile {
    /// The name.
    pub name: FileName,
    /// Its length in bytes.
    pub size_bytes: u64,
}

/// The name of a file in a vault: `/`-separated parts of ASCII letters, digits, `.`, `_` and `-`, none of them `.`,
/// `..` or empty, so that every backend can hold it as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(Box<str>);

/// A string that cannot name a file of a vault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot name a file of a vault")]
pub struct InvalidFileName(pub String);

impl FileName {
    /// Takes a name.
    ///
    /// # Errors
    ///
    /// [`InvalidFileName`] if a part is empty, `.`, `..`, or has another character.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidFileName> {
        let name = name.into();
        let is_part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        if name.split('/').all(is_part) { Ok(Self(name.into())) } else { Err(InvalidFileName(name)) }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether the file is encrypted: its name ends in `.age`.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.ends_with(".age")
    }

    /// Returns where the bytes of a copied object lie beside its pack: `copies/YYYY/MM/<id>` for
    /// `packs/YYYY/MM/<id>.tar.zst`. `None` if this is not the name of a pack.
    #[must_use]
    pub fn copy_beside(&self) -> Option<Self> {
        let id = self.0.strip_prefix("packs/")?.strip_suffix(".tar.zst")?;
        Self::new(format!("copies/{id}")).ok()
    }

    /// Takes a name that is known to be valid.
    pub(crate) fn known(name: String) -> Self {
        debug_assert!(Self::new(name.clone()).is_ok(), "{name}");
        Self(name.into())
    }
}

impl TryFrom<String> for FileName {
    type Error = InvalidFileName;

    fn try_from(name: String) -> Result<Self, InvalidFileName> {
        Self::new(name)
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_vault() {
        for bad in ["", "/a", "a//b", "../a", "a/..", "a/./b", "a b", "a\\b", "a\0"] {
            assert!(FileName::new(bad).is_err(), "{bad:?}");
        }
        assert!(FileName::new("packs/2026/11/0193-a_b.tar.zst").is_ok());
    }
}
