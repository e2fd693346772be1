//! What was asked of the server, to be compared with what should have been asked.

use jiff::Timestamp;

/// An operation of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each bears the name that Amazon's API reference gives it")]
pub enum Op {
    AbortMultipartUpload,
    CompleteMultipartUpload,
    CopyObject,
    CreateBucket,
    CreateMultipartUpload,
    DeleteObject,
    DeleteObjects,
    GetBucketLocation,
    GetBucketOwnershipControls,
    GetBucketVersioning,
    GetObject,
    GetObjectAcl,
    GetObjectLegalHold,
    GetObjectLockConfiguration,
    GetObjectRetention,
    GetObjectTagging,
    HeadBucket,
    HeadObject,
    ListBuckets,
    ListObjectVersions,
    ListObjectsV2,
    PutBucketVersioning,
    PutObject,
    PutObjectTagging,
    UploadPart,
    UploadPartCopy,
}

impl Op {
    /// Tells whether the operation changes something on the server.
    #[must_use]
    pub fn is_write(self) -> bool {
        match self {
            Self::AbortMultipartUpload
            | Self::CompleteMultipartUpload
            | Self::CopyObject
            | Self::CreateBucket
            | Self::CreateMultipartUpload
            | Self::DeleteObject
            | Self::DeleteObjects
            | Self::PutBucketVersioning
            | Self::PutObject
            | Self::PutObjectTagging
            | Self::UploadPart
            | Self::UploadPartCopy => true,
            Self::GetBucketLocation
            | Self::GetBucketOwnershipControls
            | Self::GetBucketVersioning
            | Self::GetObject
            | Self::GetObjectAcl
            | Self::GetObjectLegalHold
            | Self::GetObjectLockConfiguration
            | Self::GetObjectRetention
            | Self::GetObjectTagging
            | Self::HeadBucket
            | Self::HeadObject
            | Self::ListBuckets
            | Self::ListObjectVersions
            | Self::ListObjectsV2 => false,
        }
    }
}

/// One request that passed the check of its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// What was asked for.
    pub op: Op,
    /// The bucket; empty for `ListBuckets`.
    pub bucket: String,
    /// The keys: none for a bucket's operation, several for `DeleteObjects`; the prefix of a listing.
    pub keys: Vec<String>,
    /// When it came, by the server's clock.
    pub at: Timestamp,
}
