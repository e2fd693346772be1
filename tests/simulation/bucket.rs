//! A bucket: objects, versions, delete markers.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use jiff::Timestamp;
use s3gc_store::{DeleteMeans, DeleteTarget, ETag, Error, ObjectMeta, VersionEntry, VersionId};

use crate::history::Versions;

/// One state of one key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    pub(crate) meta: ObjectMeta,
    /// When it was written, to the nanosecond.
    pub(crate) written: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    /// `None` is a delete marker.
    pub(crate) object: Option<Object>,
}

#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) versions: Versions,
    pub(crate) batch_etag: bool,
    pub(crate) single_etag: bool,
    keys: BTreeMap<String, Vec<Version>>,
    next: u64,
}

/// What a deletion did.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The object is gone for good.
    Destroyed(Object),
    /// The object lies under this marker.
    Hidden(Object, VersionId),
    /// There was nothing; perhaps there is a marker now.
    Nothing(Option<VersionId>),
    Changed,
    /// A version was removed by its id.
    Removed {
        is_marker: bool,
    },
}

impl Bucket {
    pub(crate) fn new(versions: Versions, batch_etag: bool, single_etag: bool) -> Self {
        Self { versions, batch_etag, single_etag, keys: BTreeMap::new(), next: 0 }
    }

    /// What a plain request sees.
    pub(crate) fn object(&self, key: &str) -> Option<&Object> {
        self.keys.get(key)?.first()?.object.as_ref()
    }

    /// The keys of all objects that a listing shows.
    pub(crate) fn live(&self) -> impl Iterator<Item = (&String, &Object)> {
        self.keys.iter().filter_map(|(key, versions)| Some((key, versions.first()?.object.as_ref()?)))
    }

    /// All of a key, newest first.
    pub(crate) fn all(&self, key: &str) -> &[Version] {
        self.keys.get(key).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn put(&mut self, key: &str, body: Bytes, meta: &ObjectMeta, now: Timestamp) -> ObjectMeta {
        let id = self.make_room(key);
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let meta = ObjectMeta {
            size_bytes: body.len() as u64,
            etag: ETag::new(&format!("{:016x}", hasher.finish())),
            last_modified: Timestamp::from_second(now.as_second()).unwrap(),
            version: (self.versions != Versions::Off).then(|| VersionId::new(&id)),
            tags: meta.tags.clone().or_else(|| Some(BTreeMap::new())),
            ..meta.clone()
        };
        let object = Object { body, meta: meta.clone(), written: now };
        self.keys.entry(key.to_owned()).or_default().insert(0, Version { id, at: now, object: Some(object) });
        meta
    }

    /// Makes room for what is written next, and names it.
    fn make_room(&mut self, key: &str) -> String {
        self.next += 1;
        if self.versions == Versions::Enabled {
            return format!("v{:06}", self.next);
        }
        if let Some(versions) = self.keys.get_mut(key) {
            versions.retain(|version| version.id != "null");
        }
        "null".to_owned()
    }

    /// Deletes, as S3 does it.
    pub(crate) fn delete(&mut self, key: &str, target: &DeleteTarget, means: DeleteMeans, now: Timestamp) -> Effect {
        let if_match = match target {
            DeleteTarget::OwnMarker(id) => return self.remove(key, id),
            DeleteTarget::Current { if_match } => if_match,
        };
        let compares = match means {
            DeleteMeans::BatchEtag => self.batch_etag,
            DeleteMeans::SingleEtag => self.single_etag,
            DeleteMeans::Marker | DeleteMeans::Unconditional => false,
        };
        let current = self.object(key).cloned();
        match &current {
            None if compares => return Effect::Nothing(None),
            Some(object) if compares && object.meta.etag != *if_match => return Effect::Changed,
            _ => {}
        }
        if self.versions == Versions::Off {
            self.keys.remove(key);
            return current.map_or(Effect::Nothing(None), Effect::Destroyed);
        }
        let was_null = self.keys.get(key).and_then(|all| all.first()).is_some_and(|first| first.id == "null");
        let id = self.make_room(key);
        let marker = VersionId::new(&id);
        let is_destroyed = id == "null" && was_null;
        self.keys.entry(key.to_owned()).or_default().insert(0, Version { id, at: now, object: None });
        match current {
            None => Effect::Nothing(Some(marker)),
            Some(object) if is_destroyed => Effect::Destroyed(object),
            Some(object) => Effect::Hidden(object, marker),
        }
    }

    fn remove(&mut self, key: &str, id: &VersionId) -> Effect {
        let Some(versions) = self.keys.get_mut(key) else { return Effect::Nothing(None) };
        let Some(at) = versions.iter().position(|version| version.id == id.as_str()) else {
            return Effect::Nothing(None);
        };
        let removed = versions.remove(at);
        if versions.is_empty() {
            self.keys.remove(key);
        }
        Effect::Removed { is_marker: removed.object.is_none() }
    }

    pub(crate) fn entries(&self, key: &str) -> Vec<VersionEntry> {
        let named = self.versions != Versions::Off;
        let entry = |(index, version): (usize, &Version)| {
            let id = (named || version.id != "null").then(|| VersionId::new(&version.id));
            let (etag, size) = match &version.object {
                Some(object) => (Some(object.meta.etag.clone()), object.meta.size_bytes),
                None => (None, 0),
            };
            VersionEntry::new(id, etag, size, Timestamp::from_second(version.at.as_second()).unwrap(), index == 0)
        };
        self.all(key).iter().enumerate().map(entry).collect()
    }
}

pub(crate) fn not_found(key: &str) -> Error {
    Error::NotFound { key: key.to_owned() }
}
