//! The buckets, their objects and versions, and what each write and delete does to them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::Body;

/// Whether a bucket keeps versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VersioningState {
    /// It never did.
    #[default]
    Off,
    /// It does.
    Enabled,
    /// It did, and keeps what it has: new objects are the null version.
    Suspended,
}

/// What is stored beside the bytes of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Content headers by their lower-case names.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) user: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) storage_class: Option<String>,
    /// As it was asked for: the kind, and the key where one was named.
    pub(crate) encryption: Option<String>,
    pub(crate) legal_hold: bool,
    pub(crate) retain_until: Option<Timestamp>,
    pub(crate) customer_key: bool,
    /// What others are granted, as the headers of a PUT say it; the owner has full control besides.
    pub(crate) grants: Vec<(Grant, String)>,
}

/// What an access control list grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each bears the name that Amazon's API reference gives it")]
pub enum Grant {
    FullControl,
    Read,
    ReadAcp,
    WriteAcp,
}

impl Meta {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn forbids_delete(&self, now: Timestamp) -> bool {
        self.legal_hold || self.retain_until.is_some_and(|until| until > now)
    }
}

/// An entity tag, kept small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Md5([u8; 16]),
    Other(Box<str>),
}

impl Tag {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Md5(sum) => hex(sum),
            Self::Other(text) => text.to_string(),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        if write!(text, "{byte:02x}").is_err() {
            break;
        }
    }
    text
}

#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) body: Body,
    pub(crate) etag: Tag,
    /// `None` is the default, so that a million plain objects share nothing.
    meta: Option<Arc<Meta>>,
}

impl Object {
    pub(crate) fn new(body: Body, etag: Tag, meta: Meta) -> Self {
        Self { body, etag, meta: (!meta.is_default()).then(|| Arc::new(meta)) }
    }

    pub(crate) fn meta(&self) -> Meta {
        self.meta.as_deref().cloned().unwrap_or_default()
    }

    pub(crate) fn set_meta(&mut self, meta: Meta) {
        self.meta = (!meta.is_default()).then(|| Arc::new(meta));
    }

    pub(crate) fn storage_class(&self) -> Option<&str> {
        self.meta.as_deref().and_then(|meta| meta.storage_class.as_deref())
    }
}

/// One version of a key, or a delete marker.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// `None` is the null version.
    pub(crate) id: Option<Box<str>>,
    pub(crate) last_modified: Timestamp,
    /// `None` is a delete marker.
    pub(crate) object: Option<Object>,
}

impl Version {
    /// Returns the id as S3 tells it.
    pub(crate) fn public_id(&self) -> &str {
        self.id.as_deref().unwrap_or("null")
    }
}

/// What a delete did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// A delete marker was placed, or removed.
    pub(crate) marker: bool,
    /// The version that was placed, or removed.
    pub(crate) version: Option<String>,
}

/// Why a delete was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotDeleted {
    Precondition,
    NoSuchKey,
    Held,
}

#[derive(Clone, Debug)]
pub(crate) struct BucketModel {
    pub(crate) versioning: VersioningState,
    pub(crate) object_lock: bool,
    /// Objects have access control lists; a bucket of Amazon's has none unless it is asked for.
    pub(crate) acls: bool,
    pub(crate) created: Timestamp,
    /// The versions of each key, the newest last; never empty.
    pub(crate) objects: BTreeMap<Box<str>, Vec<Version>>,
    next_version: u64,
}

impl BucketModel {
    pub(crate) fn new(created: Timestamp) -> Self {
        Self {
            versioning: VersioningState::Off,
            object_lock: false,
            acls: false,
            created,
            objects: BTreeMap::new(),
            next_version: 1,
        }
    }

    /// Returns the current object of a key, unless it is hidden by a delete marker.
    pub(crate) fn current(&self, key: &str) -> Option<(&Version, &Object)> {
        let version = self.objects.get(key)?.last()?;
        Some((version, version.object.as_ref()?))
    }

    pub(crate) fn version(&self, key: &str, id: &str) -> Option<&Version> {
        self.objects.get(key)?.iter().find(|version| version.public_id() == id)
    }

    pub(crate) fn version_mut(&mut self, key: &str, id: Option<&str>) -> Option<&mut Version> {
        let versions = self.objects.get_mut(key)?;
        match id {
            None => versions.last_mut(),
            Some(id) => versions.iter_mut().find(|version| version.public_id() == id),
        }
    }

    /// Stores an object as the current version, and returns the id to tell, if versions were ever on.
    pub(crate) fn put(&mut self, key: &str, object: Object, now: Timestamp) -> Option<String> {
        self.push(key, Some(object), now)
    }

    /// Deletes as S3 does.
    pub(crate) fn delete(
        &mut self,
        key: &str,
        version: Option<&str>,
        if_match: Option<&str>,
        now: Timestamp,
    ) -> Result<Deleted, NotDeleted> {
        if let Some(wanted) = if_match {
            let named = match version {
                Some(id) => self.version(key, id).and_then(|version| version.object.as_ref()),
                None => self.current(key).map(|(_, object)| object),
            };
            let object = named.ok_or(NotDeleted::NoSuchKey)?;
            if wanted != "*" && wanted != object.etag.text() {
                return Err(NotDeleted::Precondition);
            }
        }
        match version {
            Some(id) => self.delete_version(key, id, now),
            None => self.delete_current(key, now),
        }
    }

    fn delete_version(&mut self, key: &str, id: &str, now: Timestamp) -> Result<Deleted, NotDeleted> {
        let told = Some(id.to_owned());
        let Some(versions) = self.objects.get_mut(key) else { return Ok(Deleted { marker: false, version: told }) };
        let Some(position) = versions.iter().position(|version| version.public_id() == id) else {
            return Ok(Deleted { marker: false, version: told });
        };
        let object = versions.get(position).and_then(|version| version.object.as_ref());
        if object.is_some_and(|object| object.meta().forbids_delete(now)) {
            return Err(NotDeleted::Held);
        }
        let marker = object.is_none();
        versions.remove(position);
        if versions.is_empty() {
            self.objects.remove(key);
        }
        Ok(Deleted { marker, version: told })
    }

    fn delete_current(&mut self, key: &str, now: Timestamp) -> Result<Deleted, NotDeleted> {
        if self.versioning == VersioningState::Off {
            if self.current(key).is_some_and(|(_, object)| object.meta().forbids_delete(now)) {
                return Err(NotDeleted::Held);
            }
            self.objects.remove(key);
            return Ok(Deleted::default());
        }
        let version = self.push(key, None, now);
        Ok(Deleted { marker: true, version })
    }

    /// Puts an object or a delete marker on top; on a suspended bucket it destroys the null version
    /// (Amazon S3 User Guide, "Deleting objects from versioning-suspended buckets").
    fn push(&mut self, key: &str, object: Option<Object>, last_modified: Timestamp) -> Option<String> {
        let versions = self.objects.entry(key.into()).or_default();
        let id = if self.versioning == VersioningState::Enabled {
            let id =
                format!("v{:08}.{:016x}", self.next_version, self.next_version.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            self.next_version += 1;
            Some(id.into_boxed_str())
        } else {
            versions.retain(|version| version.id.is_some());
            None
        };
        let version = Version { id, last_modified, object };
        let told = (self.versioning != VersioningState::Off).then(|| version.public_id().to_owned());
        versions.push(version);
        // A vector grows to four at once; nearly every key has one version for ever.
        if versions.len() == 1 {
            versions.shrink_to_fit();
        }
        told
    }
}

/// A multipart upload in progress.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) meta: Meta,
    pub(crate) initiated: Timestamp,
    pub(crate) parts: BTreeMap<i32, (bytes::Bytes, [u8; 16])>,
}

/// All buckets.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) buckets: BTreeMap<String, BucketModel>,
    pub(crate) uploads: HashMap<String, Upload>,
    pub(crate) next_upload: u64,
    zeros: HashMap<u64, [u8; 16]>,
}

impl Model {
    /// Returns the MD5 of a body, which is computed once for each length of generated ones.
    pub(crate) fn md5(&mut self, body: &Body) -> [u8; 16] {
        match body {
            Body::Zeros(len) => *self.zeros.entry(*len).or_insert_with(|| body.md5()),
            Body::Bytes(_) | Body::Noise { .. } => body.md5(),
        }
    }
}
