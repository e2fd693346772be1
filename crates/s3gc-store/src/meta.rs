//! What a store knows of an object beside its bytes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ETag, Grant, VersionId};

/// Everything that a store tells of an object, and everything that a restore writes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectMeta {
    /// The length of the object's bytes.
    pub size_bytes: u64,
    /// The entity tag of this state of the object; the store makes it, a restored object may get another.
    pub etag: ETag,
    /// When the store last saw the object written. HTTP headers carry whole seconds, listings may carry more:
    /// compare with [`ObjectMeta::is_same_instant`].
    pub last_modified: Timestamp,
    /// The version, in a bucket that keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionId>,
    /// The content headers.
    #[serde(default)]
    pub headers: ContentHeaders,
    /// The user metadata (`x-amz-meta-*`), names in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub user: BTreeMap<String, String>,
    /// The tags; `None` where they are not known, which is not the same as none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// The storage class; `None` is the store's standard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// The access control list, where the store has one and it says more than that the object is its owner's; empty
    /// otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acl: Vec<Grant>,
    /// What forbids the deletion of the object.
    #[serde(default, skip_serializing_if = "Hold::is_none")]
    pub hold: Hold,
    /// Whether the bytes can be read now.
    #[serde(default)]
    pub readable: Readable,
}

impl ObjectMeta {
    /// Describes new content of the given length; the store fills in the rest.
    #[must_use]
    pub fn new(size_bytes: u64) -> Self {
        Self {
            size_bytes,
            etag: ETag::new(""),
            last_modified: Timestamp::UNIX_EPOCH,
            version: None,
            headers: ContentHeaders::default(),
            user: BTreeMap::new(),
            tags: None,
            storage_class: None,
            acl: Vec::new(),
            hold: Hold::default(),
            readable: Readable::Yes,
        }
    }

    /// Compares two times of modification in whole seconds.
    ///
    /// A listing gives milliseconds on some servers where the HTTP header of the same object gives seconds
    /// (RFC 9110, section 5.6.7), so a finer comparison would call every object changed.
    #[must_use]
    pub fn is_same_instant(a: Timestamp, b: Timestamp) -> bool {
        a.as_second() == b.as_second()
    }
}

/// The headers that describe an object's content, as they were given when it was uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContentHeaders {
    /// `Content-Type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Cache-Control`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Expires`, as the string that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website_redirect: Option<String>,
}

/// What forbids the deletion of an object (Amazon S3 Object Lock).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// A legal hold is on.
    #[serde(default)]
    pub legal: bool,
    /// The end of a retention period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Hold {
    /// Tells whether nothing forbids the deletion.
    #[must_use]
    pub fn is_none(&self) -> bool {
        !self.legal && self.until.is_none()
    }

    /// Tells whether the object may not be deleted at `now`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.legal || self.until.is_some_and(|until| until > now)
    }
}

/// Whether the bytes of an object can be read now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readable {
    /// They can.
    #[default]
    Yes,
    /// The object is in an archive class and has to be restored by the store first.
    Archived,
    /// The object is encrypted with a key that only its owner has (SSE-C).
    NeedsKey,
}
