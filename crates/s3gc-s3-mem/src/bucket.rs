//! A bucket seen from inside, past HTTP: to seed it, look into it, and meddle with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::model::{BucketModel, Grant, Meta, Object, Tag, Version};
use crate::server::Shared;
use crate::{Body, VersioningState};

/// A bucket of a server. Everything here takes effect at once, is not logged, and meets no fault.
#[derive(Clone)]
pub struct Bucket {
    shared: Arc<Shared>,
    name: String,
}

/// How to put an object.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PutSpec {
    last_modified: Option<Timestamp>,
    etag: Option<String>,
    meta: Meta,
}

impl PutSpec {
    /// Dates the object; now otherwise.
    pub fn last_modified(mut self, at: Timestamp) -> Self {
        self.last_modified = Some(at);
        self
    }

    /// Gives the object this entity tag (`...-2` looks like a multipart upload); the MD5 of its bytes otherwise.
    pub fn etag(mut self, etag: &str) -> Self {
        self.etag = Some(etag.to_owned());
        self
    }

    /// Sets a content header, such as `content-type` or `expires`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.meta.headers.insert(name.to_ascii_lowercase(), value.to_owned());
        self
    }

    /// Sets an entry of the user metadata.
    pub fn user(mut self, name: &str, value: &str) -> Self {
        self.meta.user.insert(name.to_ascii_lowercase(), value.to_owned());
        self
    }

    /// Sets a tag.
    pub fn tag(mut self, name: &str, value: &str) -> Self {
        self.meta.tags.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets the storage class, such as `GLACIER`.
    pub fn storage_class(mut self, class: &str) -> Self {
        self.meta.storage_class = Some(class.to_owned());
        self
    }

    /// Grants something to somebody beside the owner: `id="..."` or `uri="..."`.
    pub fn grant(mut self, grant: Grant, to: &str) -> Self {
        self.meta.grants.push((grant, to.to_owned()));
        self
    }

    /// Puts the object under a legal hold.
    pub fn legal_hold(mut self) -> Self {
        self.meta.legal_hold = true;
        self
    }

    /// Retains the object until then.
    pub fn retain_until(mut self, until: Timestamp) -> Self {
        self.meta.retain_until = Some(until);
        self
    }

    /// Encrypts the object with a customer's key, as far as a reader without it can tell.
    pub fn customer_key(mut self) -> Self {
        self.meta.customer_key = true;
        self
    }
}

/// An object as it is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredObject {
    /// The bytes.
    pub body: Body,
    /// The entity tag, without quotes.
    pub etag: String,
    /// When it was put.
    pub last_modified: Timestamp,
    /// The version; `None` in a bucket that never had versions.
    pub version: Option<String>,
    /// The content headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The user metadata.
    pub user: BTreeMap<String, String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// The storage class, unless it is the standard one.
    pub storage_class: Option<String>,
    /// What is granted to whom, beside the owner's full control.
    pub grants: Vec<(Grant, String)>,
    /// How the server was asked to encrypt: `AES256`, `aws:kms`, or that with the key behind it.
    pub encryption: Option<String>,
}

impl StoredObject {
    /// Returns all bytes.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.body.to_bytes()
    }
}

/// A version of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredVersion {
    /// Its id, `null` for the null version.
    pub id: String,
    /// Its entity tag; `None` for a delete marker.
    pub etag: Option<String>,
    /// When it was written.
    pub last_modified: Timestamp,
}

impl Bucket {
    pub(crate) fn new(shared: Arc<Shared>, name: String) -> Self {
        Self { shared, name }
    }

    /// Returns the bucket's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts an object, and returns its entity tag.
    pub fn put(&self, key: &str, body: impl Into<Body>, spec: PutSpec) -> String {
        let body = body.into();
        let now = self.shared.now();
        self.shared.with_model(|model| {
            let etag = match spec.etag {
                Some(etag) => Tag::Other(etag.into()),
                None => Tag::Md5(model.md5(&body)),
            };
            let told = etag.text();
            let bucket = model.buckets.entry(self.name.clone()).or_insert_with(|| BucketModel::new(now));
            bucket.put(key, Object::new(body, etag, spec.meta), spec.last_modified.unwrap_or(now));
            told
        })
    }

    /// Puts many generated objects of the given lengths in bytes, quickly and without memory for their bytes.
    pub fn seed<K: AsRef<str>>(&self, objects: impl IntoIterator<Item = (K, u64)>, last_modified: Timestamp) {
        let now = self.shared.now();
        self.shared.with_model(|model| {
            let mut bucket = model.buckets.remove(&self.name).unwrap_or_else(|| BucketModel::new(now));
            for (key, len) in objects {
                let body = Body::Zeros(len);
                let etag = Tag::Md5(model.md5(&body));
                bucket.put(key.as_ref(), Object::new(body, etag, Meta::default()), last_modified);
            }
            model.buckets.insert(self.name.clone(), bucket);
        });
    }

    /// Returns the keys that a listing shows, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.look(|bucket| {
            bucket.objects.keys().filter(|key| bucket.current(key).is_some()).map(ToString::to_string).collect()
        })
        .unwrap_or_default()
    }

    /// Returns how many keys a listing shows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.look(|bucket| bucket.objects.keys().filter(|key| bucket.current(key).is_some()).count())
            .unwrap_or_default()
    }

    /// Tells whether a listing shows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the current object of a key.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<StoredObject> {
        self.look(|bucket| {
            let (version, object) = bucket.current(key)?;
            let meta = object.meta();
            Some(StoredObject {
                body: object.body.clone(),
                etag: object.etag.text(),
                last_modified: version.last_modified,
                version: (bucket.versioning != VersioningState::Off).then(|| version.public_id().to_owned()),
                headers: meta.headers,
                user: meta.user,
                tags: meta.tags,
                storage_class: meta.storage_class,
                grants: meta.grants,
                encryption: meta.encryption,
            })
        })
        .flatten()
    }

    /// Returns the versions and delete markers of a key, the newest first.
    #[must_use]
    pub fn versions(&self, key: &str) -> Vec<StoredVersion> {
        let stored = |version: &Version| StoredVersion {
            id: version.public_id().to_owned(),
            etag: version.object.as_ref().map(|object| object.etag.text()),
            last_modified: version.last_modified,
        };
        self.look(|bucket| bucket.objects.get(key).map(|versions| versions.iter().rev().map(stored).collect()))
            .flatten()
            .unwrap_or_default()
    }

    /// Dates the current version of a key; nothing happens if there is none.
    pub fn set_last_modified(&self, key: &str, at: Timestamp) {
        self.change(|bucket| {
            if let Some(version) = bucket.version_mut(key, None) {
                version.last_modified = at;
            }
        });
    }

    /// Deletes the current object as a plain `DeleteObject` of somebody else would.
    pub fn delete(&self, key: &str) {
        let now = self.shared.now();
        self.change(|bucket| {
            if let Err(error) = bucket.delete(key, None, None, now) {
                tracing::warn!(key, ?error, "not deleted");
            }
        });
    }

    /// Removes a version or a delete marker, as a lifecycle rule or somebody else would.
    pub fn delete_version(&self, key: &str, id: &str) {
        let now = self.shared.now();
        self.change(|bucket| {
            if let Err(error) = bucket.delete(key, Some(id), None, now) {
                tracing::warn!(key, id, ?error, "not deleted");
            }
        });
    }

    /// Turns versions on, or suspends them.
    pub fn set_versioning(&self, state: VersioningState) {
        self.change(|bucket| bucket.versioning = state);
    }

    /// Says whether objects of the bucket have access control lists; they do not otherwise.
    pub fn set_acls(&self, on: bool) {
        self.change(|bucket| bucket.acls = on);
    }

    /// Says that objects of the bucket may be locked.
    pub fn set_object_lock(&self, on: bool) {
        self.change(|bucket| bucket.object_lock = on);
    }

    fn look<T>(&self, look: impl FnOnce(&BucketModel) -> T) -> Option<T> {
        self.shared.with_model(|model| model.buckets.get(&self.name).map(look))
    }

    fn change(&self, change: impl FnOnce(&mut BucketModel)) {
        let now = self.shared.now();
        self.shared.with_model(|model| {
            change(model.buckets.entry(self.name.clone()).or_insert_with(|| BucketModel::new(now)));
        });
    }
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket").field("name", &self.name).finish_non_exhaustive()
    }
}
