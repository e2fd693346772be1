//! The trait.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use crate::{
    DeleteMeans, DeleteOutcome, DeleteRequest, ETag, ListItem, ListRequest, Location, ObjectKey, ObjectMeta, Result,
    ServerCopy, SignGuard, VersionId,
};

/// The bytes of an object, in pieces. It ends at the first error.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// The bucket that s3gc collects.
///
/// # Contract
///
/// 1. `list` yields every object under the prefix exactly once, then one `End` with the right counts, then nothing.
/// 2. `list` yields keys exactly as they were put: no trimming, joining, decoding or normalising.
/// 3. A prefix is a string, not a directory: `a/b` lists `a/b`, `a/bc` and `a/b/c`.
/// 4. A listing that fails yields an error and no `End`.
/// 5. `get` gives back the bytes, content headers, user metadata and storage class that were put, and the access
///    control list of a whole object where the store has them.
/// 6. `head` and `get` tell the same of an object as the listing: size, entity tag, and Last-Modified to the second.
/// 7. `get` with `if_match` of another state fails with `Precondition`, and reads nothing.
/// 8. `get`, `head` of a key that is not there fail with `NotFound`.
/// 9. A body that ends early is an error in the stream, never a short object.
/// 10. `put` is whole or not there: a body that fails or is shorter than announced leaves the key as it was.
/// 11. `put` with `PutMode::Create` fails with `Precondition` where an object lives, which keeps its bytes. A store
///     that cannot promise this says so in `StoreStatus::guarantees`, and the engine then probes.
/// 12. `delete` gives one outcome for each request, in order, and deletes no other key.
/// 13. `delete` of a key that is not there is `AlreadyGone` or, where the store does not tell, `Deleted`.
/// 14. `delete` with a compared entity tag leaves an object with another tag alone: `Changed`.
/// 15. `delete` asks the guard before each signature; when the guard refuses, what was not sent is `Refused`.
/// 16. `delete` never sends a request twice. `Err` means that nothing was sent.
/// 17. A rewritten object has another entity tag or another Last-Modified.
/// 18. Keys that a store cannot hold are refused by `put` with `UnsafeKey`; nothing is written under another name.
/// 19. `tags` are given back by `tags()` as they were put.
///
/// `s3gc-testkit` has one test for each clause.
#[async_trait]
pub trait ObjectStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the unique name of the store; it is shown and stored in plans, and holds no secret.
    fn location(&self) -> &Location;

    /// Reads what the store tells of itself, and its clock.
    ///
    /// # Errors
    ///
    /// If the store does not exist, cannot be reached, or does not let us look.
    async fn status(&self) -> Result<StoreStatus>;

    /// Lists objects, page by page, until an explicit end.
    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListItem>>;

    /// Reads what is known of an object; `tags` may be left out.
    ///
    /// # Errors
    ///
    /// `NotFound`, or any other failure.
    async fn head(&self, key: &ObjectKey) -> Result<ObjectMeta>;

    /// Opens an object for reading; `tags` may be left out of the answer.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Precondition`, `Archived`, `NeedsKey`, or any other failure.
    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<(ObjectMeta, ByteStream)>;

    /// Reads the tags of an object.
    ///
    /// # Errors
    ///
    /// `NotFound`, or any other failure.
    async fn tags(&self, key: &ObjectKey) -> Result<std::collections::BTreeMap<String, String>>;

    /// Lists the versions and delete markers of one key, newest first; one entry on an unversioned store.
    ///
    /// # Errors
    ///
    /// Any failure; a key that is not there gives an empty list.
    async fn versions(&self, key: &ObjectKey) -> Result<Vec<VersionEntry>>;

    /// Writes an object: visible whole or not at all. `meta` gives the length, the headers, user metadata, tags and
    /// storage class to write; its entity tag, version and times are ignored.
    ///
    /// # Errors
    ///
    /// `Precondition` if an object lives there and `mode` is [`PutMode::Create`], or any other failure.
    async fn put(&self, key: &ObjectKey, body: ByteStream, meta: &ObjectMeta, mode: PutMode) -> Result<ObjectMeta>;

    /// Deletes objects: one outcome per request, in order; never retried.
    ///
    /// # Errors
    ///
    /// Only if nothing was sent.
    async fn delete(
        &self,
        batch: &[DeleteRequest],
        means: DeleteMeans,
        guard: &dyn SignGuard,
    ) -> Result<Vec<DeleteOutcome>>;

    /// Returns what copies objects to and from other buckets, where the store can.
    fn server_copy(&self) -> Option<&dyn ServerCopy> {
        None
    }
}

/// What a store tells of itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreStatus {
    /// The store's own clock, where it has one.
    pub now: Option<Timestamp>,
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Whether objects may be locked against deletion.
    pub object_lock: bool,
    /// What the store promises by itself; `None` means that only a probe can tell.
    pub guarantees: Option<Guarantees>,
}

/// What a store promises without being probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarantees {
    /// A deletion of a single key compares the entity tag.
    pub single_etag: bool,
    /// A deletion of many keys compares each entity tag.
    pub batch_etag: bool,
    /// [`PutMode::Create`] never replaces an object.
    pub creates_only: bool,
}

impl StoreStatus {
    /// Describes a store that keeps no versions and has no clock of its own.
    #[must_use]
    pub fn new(versioning: Versioning) -> Self {
        Self { now: None, versioning, object_lock: false, guarantees: None }
    }
}

/// Whether a bucket keeps versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versioning {
    /// It never did.
    Off,
    /// A deletion places a marker, and the object stays under it.
    Enabled,
    /// A deletion destroys the null version: to be treated as `Off`.
    Suspended,
}

/// How to read an object.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GetOptions {
    /// Only if the object has this entity tag.
    pub if_match: Option<ETag>,
    /// This version instead of the current one.
    pub version: Option<VersionId>,
    /// Only these bytes.
    pub range: Option<Range<u64>>,
}

impl GetOptions {
    /// Reads the object only if it has this entity tag.
    #[must_use]
    pub fn if_match(etag: ETag) -> Self {
        Self { if_match: Some(etag), ..Self::default() }
    }

    /// Reads this version.
    #[must_use]
    pub fn version(version: VersionId) -> Self {
        Self { version: Some(version), ..Self::default() }
    }

    /// Reads only these bytes.
    #[must_use]
    pub fn with_range(mut self, range: Range<u64>) -> Self {
        self.range = Some(range);
        self
    }
}

/// Whether a put may replace a live object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutMode {
    /// It may not.
    Create,
    /// It may.
    Replace,
}

/// One version, or one delete marker, of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionEntry {
    /// The version; `None` on a store without versions.
    pub version: Option<VersionId>,
    /// The entity tag; `None` for a delete marker.
    pub etag: Option<ETag>,
    /// The length of its bytes; 0 for a delete marker.
    pub size_bytes: u64,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Whether it is what a plain `get` sees.
    pub is_latest: bool,
}

impl VersionEntry {
    /// Describes a version (with an entity tag) or a delete marker (without one).
    #[must_use]
    pub fn new(
        version: Option<VersionId>,
        etag: Option<ETag>,
        size_bytes: u64,
        last_modified: Timestamp,
        is_latest: bool,
    ) -> Self {
        Self { version, etag, size_bytes, last_modified, is_latest }
    }

    /// Tells whether this is a delete marker.
    #[must_use]
    pub fn is_marker(&self) -> bool {
        self.etag.is_none()
    }
}

/// Collects a stream of bytes into one buffer; for small objects.
///
/// # Errors
///
/// The first error of the stream.
pub async fn read_all(mut body: ByteStream) -> Result<Bytes> {
    let Some(first) = body.next().await.transpose()? else { return Ok(Bytes::new()) };
    let Some(second) = body.next().await.transpose()? else { return Ok(first) };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second);
    while let Some(piece) = body.try_next().await? {
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}
