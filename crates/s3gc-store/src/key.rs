//! The names of things: keys, entity tags, versions, locations.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest key in bytes of UTF-8 (Amazon S3 User Guide, "Naming Amazon S3 objects").
pub const MAX_KEY_BYTES: usize = 1024;

/// Where s3gc keeps its canary objects in a bucket; nothing under it is ever an orphan.
pub const PROBE_PREFIX: &str = ".s3gc-probe/";

/// The exact key of an object: never trimmed, joined, decoded or normalised.
///
/// # Examples
///
/// ```
/// use s3gc_store::ObjectKey;
///
/// let key = ObjectKey::new("avatars/alice 1.jpg")?;
/// assert_eq!(key.as_str(), "avatars/alice 1.jpg");
/// assert_ne!(key, ObjectKey::new("/avatars/alice 1.jpg")?);
/// # Ok::<(), s3gc_store::InvalidKey>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(Box<str>);

/// Why a string cannot be the key of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The string is empty.
    #[error("an object key cannot be empty")]
    Empty,
    /// The string is longer than [`MAX_KEY_BYTES`].
    #[error("an object key has at most {MAX_KEY_BYTES} bytes, not {0}")]
    TooLong(usize),
}

impl ObjectKey {
    /// Takes a string as a key, exactly as it is.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if the string is empty or has more than [`MAX_KEY_BYTES`] bytes.
    pub fn new(key: impl Into<Box<str>>) -> Result<Self, InvalidKey> {
        let key = key.into();
        match key.len() {
            0 => Err(InvalidKey::Empty),
            len if len > MAX_KEY_BYTES => Err(InvalidKey::TooLong(len)),
            _ => Ok(Self(key)),
        }
    }

    /// Returns the key as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = InvalidKey;

    fn try_from(key: String) -> Result<Self, InvalidKey> {
        Self::new(key)
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0.into()
    }
}

impl Borrow<str> for ObjectKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ObjectKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// The entity tag of one state of an object, without the quotes that HTTP puts around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ETag(Box<str>);

impl ETag {
    /// Takes an entity tag with or without its surrounding quotes.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        let bare = tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(tag);
        Self(bare.into())
    }

    /// Returns the tag without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tag as a header value, with its quotes.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }

    /// Tells whether the tag is that of a multipart upload: it ends in `-` and the number of parts.
    ///
    /// The Last-Modified of such an object is the time at which its upload began (Amazon S3 User Guide,
    /// "Uploading and copying objects using multipart upload").
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        self.0.rsplit_once('-').is_some_and(|(_, parts)| !parts.is_empty() && parts.bytes().all(|b| b.is_ascii_digit()))
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of one version of an object in a versioned bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionId(Box<str>);

impl VersionId {
    /// Takes a version id as the store gave it.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// Returns the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The unique name of a store, as it is shown, written into plans, and used for leases and pins.
///
/// `s3://bucket` on AWS, where bucket names are global; `s3+https://host:port/bucket` elsewhere; `file:///path`
/// for a directory. It never holds a secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Location(Box<str>);

impl Location {
    /// Names a bucket of AWS.
    #[must_use]
    pub fn aws(bucket: &str) -> Self {
        Self(format!("s3://{bucket}").into())
    }

    /// Names a bucket of an S3-compatible server by the server's address, such as `https://minio.local:9000`.
    ///
    /// User name, password, path and query of the address are left out; host and scheme are lower case.
    #[must_use]
    pub fn s3_compatible(endpoint: &str, bucket: &str) -> Self {
        let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", endpoint));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        Self(format!("s3+{scheme}://{host}/{bucket}").into())
    }

    /// Names a directory by its absolute path.
    #[must_use]
    pub fn directory(path: &str) -> Self {
        Self(format!("file://{path}").into())
    }

    /// Takes any other unique name, for a store of your own.
    #[must_use]
    pub fn custom(name: &str) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last part of the name: the bucket, or the last component of the directory.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.0.trim_end_matches('/').rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_exactly_as_it_is() {
        for key in ["/a", "a//b", " a ", "a\nb", "%2F", "e\u{301}", "a/../b"] {
            assert_eq!(ObjectKey::new(key).unwrap().as_str(), key);
        }
    }

    #[test]
    fn a_key_of_1024_bytes_is_the_longest() {
        assert!(ObjectKey::new("é".repeat(512)).is_ok());
        assert_eq!(ObjectKey::new("é".repeat(513)), Err(InvalidKey::TooLong(1026)));
        assert_eq!(ObjectKey::new(""), Err(InvalidKey::Empty));
    }

    #[test]
    fn an_etag_loses_only_its_own_quotes() {
        assert_eq!(ETag::new("\"abc\"").as_str(), "abc");
        assert_eq!(ETag::new("abc").quoted(), "\"abc\"");
        assert!(ETag::new("\"d41d8cd9-12\"").is_multipart());
        assert!(!ETag::new("d41d8cd9-").is_multipart());
        assert!(!ETag::new("d41d8cd9").is_multipart());
    }

    #[test]
    fn i12_a_location_never_shows_credentials() {
        let location = Location::s3_compatible("http://user:pw@Host:9000/x?token=1", "b");
        assert_eq!(location.as_str(), "s3+http://host:9000/b");
        assert_eq!(location.short_name(), "b");
    }
}
