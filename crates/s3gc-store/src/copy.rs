//! Copies that a store makes by itself: the bytes do not come here.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::{Location, ObjectKey, ObjectMeta, PutMode, Result};

/// What a store offers that copies objects from bucket to bucket, and tells a checksum of whole objects.
///
/// # Contract
///
/// 1. `look` tells everything of an object that a restore writes back: tags, holds and access control list too.
/// 2. `copy_out` copies the state that `meta` names, or fails with `Precondition`.
/// 3. `copy_out` is `Ok` only if the store itself says afterwards that the copy has this length, and this checksum over
///    all of its bytes. Then the copy is durable.
/// 4. `copy_out` replaces nothing, and `copy_in` keeps the promises of [`put`](crate::ObjectStore::put).
/// 5. A place on another server is `Unsupported`, and nothing is sent.
#[async_trait]
pub trait ServerCopy: fmt::Debug + Send + Sync {
    /// Reads what is known of an object, and the checksum of its whole bytes that the store computed; `None` where the
    /// store has none, or only one of the parts' checksums.
    ///
    /// # Errors
    ///
    /// `NotFound`, or any other failure.
    async fn look(&self, key: &ObjectKey) -> Result<(ObjectMeta, Option<Crc64Nvme>)>;

    /// Copies an object to another place, and compares.
    ///
    /// # Errors
    ///
    /// `Precondition` if the object is not the one that `meta` tells of, `Unsupported`, or any other failure.
    async fn copy_out(&self, key: &ObjectKey, meta: &ObjectMeta, crc: Crc64Nvme, to: &CopyPlace) -> Result<()>;

    /// Makes an object of what lies at another place, with this metadata, if it has this checksum.
    ///
    /// # Errors
    ///
    /// `Precondition` if an object lives there and `mode` is [`PutMode::Create`], `Unsupported`, or any other failure.
    async fn copy_in(
        &self,
        from: &CopyPlace,
        crc: Crc64Nvme,
        key: &ObjectKey,
        meta: &ObjectMeta,
        mode: PutMode,
    ) -> Result<ObjectMeta>;
}

/// The place of a copy: an object in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyPlace {
    /// The bucket.
    pub bucket: Location,
    /// The object's key.
    pub key: ObjectKey,
    /// Its storage class, if not the bucket's standard.
    pub storage_class: Option<String>,
    /// How the server encrypts it, if not as the bucket says: `AES256` or `aws:kms`.
    pub encryption: Option<String>,
    /// The key of KMS, where one is named.
    pub kms_key: Option<String>,
}

impl CopyPlace {
    /// Tells whether the place is on the server of this bucket, which may be another region of Amazon's.
    #[must_use]
    pub fn is_on_server_of(&self, bucket: &Location) -> bool {
        let server = |location: &Location| location.as_str().rsplit_once('/').map(|(server, _)| server.to_owned());
        server(&self.bucket) == server(bucket)
    }
}

/// A CRC-64/NVME of all bytes of an object, in text the base64 of its eight bytes, the highest first.
///
/// It is the one of Amazon's checksums that is always of the whole object, also of one that was uploaded in parts
/// ("Checking object integrity in Amazon S3", Amazon S3 User Guide). It finds damage, and no forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Crc64Nvme(pub u64);

/// A string that is not a CRC-64/NVME.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the base64 of a CRC-64/NVME")]
pub struct InvalidCrc64Nvme(pub String);

impl fmt::Display for Crc64Nvme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.to_be_bytes()))
    }
}

impl FromStr for Crc64Nvme {
    type Err = InvalidCrc64Nvme;

    fn from_str(text: &str) -> Result<Self, InvalidCrc64Nvme> {
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(|bytes| Self(u64::from_be_bytes(bytes))).ok_or_else(|| InvalidCrc64Nvme(text.to_owned()))
    }
}

impl TryFrom<String> for Crc64Nvme {
    type Error = InvalidCrc64Nvme;

    fn try_from(text: String) -> Result<Self, InvalidCrc64Nvme> {
        text.parse()
    }
}

impl From<Crc64Nvme> for String {
    fn from(crc: Crc64Nvme) -> Self {
        crc.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_on_another_server_is_told_apart() {
        let place = |bucket| CopyPlace {
            bucket,
            key: ObjectKey::new("copies/a").unwrap(),
            storage_class: None,
            encryption: None,
            kms_key: None,
        };
        let (aws, other) = (Location::aws("photos"), Location::s3_compatible("http://127.0.0.1:9000", "photos"));
        assert!(place(Location::aws("vault")).is_on_server_of(&aws));
        assert!(place(Location::s3_compatible("http://127.0.0.1:9000/", "vault")).is_on_server_of(&other));
        assert!(!place(Location::aws("vault")).is_on_server_of(&other));
        assert!(!place(Location::s3_compatible("http://127.0.0.1:9001", "vault")).is_on_server_of(&other));
    }

    #[test]
    fn a_checksum_is_written_as_amazon_writes_it() {
        // The check value of the catalogue of parametrised CRC algorithms, for "123456789".
        let crc = Crc64Nvme(0xae8b_1486_0a79_9888);
        assert_eq!(crc.to_string(), "rosUhgp5mIg=");
        assert_eq!("rosUhgp5mIg=".parse(), Ok(crc));
        // One of parts says how many there were.
        for bad in ["", "rosUhgp5mIg=-2", "rosUhgp5", "!"] {
            assert!(bad.parse::<Crc64Nvme>().is_err(), "{bad:?}");
        }
    }
}
