//! The names of packs, and digests.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::FileName;

/// Names a pack: a UUID of version 7 (RFC 9562), which begins with the time at which the pack was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PackId(Uuid);

/// A string that is not the id of a pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a pack")]
pub struct InvalidPackId(pub String);

impl PackId {
    /// Makes a new id for a pack begun at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        Self(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
    }

    /// Returns the time that is in the id, in whole milliseconds.
    #[must_use]
    pub fn created_at(self) -> Timestamp {
        let (seconds, nanos) = self.0.get_timestamp().map_or((0, 0), |t| t.to_unix());
        let (Ok(seconds), Ok(nanos)) = (i64::try_from(seconds), i32::try_from(nanos)) else {
            return Timestamp::UNIX_EPOCH;
        };
        Timestamp::new(seconds, nanos).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Returns the name of the pack's file: `packs/YYYY/MM/<id>.tar.zst`, year and month in UTC from the id itself.
    #[must_use]
    pub fn file_name(&self) -> FileName {
        FileName::known(format!("packs/{}/{}.tar.zst", self.created_at().strftime("%Y/%m"), self.0))
    }

    /// Returns the name of what the store copies beside the pack: see [`FileName::copy_beside`].
    #[must_use]
    pub fn copy_name(&self) -> FileName {
        FileName::known(format!("copies/{}/{}", self.created_at().strftime("%Y/%m"), self.0))
    }

    /// Returns the name of the pack's file where it is encrypted: the same with `.age` behind it.
    #[must_use]
    pub fn encrypted_file_name(&self) -> FileName {
        FileName::known(format!("{}.age", self.file_name()))
    }
}

impl fmt::Display for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PackId {
    type Err = InvalidPackId;

    fn from_str(id: &str) -> Result<Self, InvalidPackId> {
        id.parse().map(Self).map_err(|_| InvalidPackId(id.to_owned()))
    }
}

/// A BLAKE3 digest; 64 hexadecimal digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// A string that is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a BLAKE3 digest of 64 hexadecimal digits")]
pub struct InvalidDigest(pub String);

impl Digest {
    /// Takes the bytes of a digest.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Digests some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        blake3::hash(bytes).into()
    }

    /// Returns the bytes of the digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash.into())
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(hex: &str) -> Result<Self, InvalidDigest> {
        blake3::Hash::from_hex(hex).map(Self::from).map_err(|_| InvalidDigest(hex.to_owned()))
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(hex: String) -> Result<Self, InvalidDigest> {
        hex.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_lies_under_the_month_of_its_own_id() {
        let at: Timestamp = "2026-02-28T23:59:59.123Z".parse().unwrap();
        let id = PackId::at(at);
        assert_eq!(id.created_at(), at);
        assert_eq!(id.file_name().as_str(), format!("packs/2026/02/{id}.tar.zst"));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_ne!(id, PackId::at(at));
    }

    #[test]
    fn a_digest_is_hex_in_text() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("af".parse::<Digest>().is_err());
    }
}
