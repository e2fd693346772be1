//! What a plain file cannot hold of an object: content headers, user metadata, tags, storage class.
//!
//! A restored object has it in a file below `.s3gc/meta`, named after the key and the content of the file that it belongs
//! to: what another program writes in place of the object is not mistaken for it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, fsync, openat, renameat, unlinkat};
use rustix::io::Errno;
use s3gc_store::{ContentHeaders, ObjectKey, ObjectMeta, Result};
use serde::{Deserialize, Serialize};

use crate::dir::{is_absent, make_private, private};
use crate::error::failed;
use crate::state::FileState;

const META: &str = "meta";

/// The part of an object's metadata that is kept beside its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Sidecar {
    headers: ContentHeaders,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    user: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<String>,
}

impl Sidecar {
    /// Takes what is to be kept of an object that is written.
    pub(crate) fn of(meta: &ObjectMeta) -> Self {
        Self {
            headers: meta.headers.clone(),
            user: meta.user.clone(),
            tags: meta.tags.clone().unwrap_or_default(),
            storage_class: meta.storage_class.clone(),
        }
    }

    /// Puts it together with the state of the file.
    pub(crate) fn into_meta(self, state: &FileState) -> ObjectMeta {
        let mut meta = ObjectMeta::new(state.size_bytes);
        meta.etag = state.etag();
        meta.last_modified = state.last_modified();
        meta.headers = self.headers;
        meta.user = self.user;
        meta.tags = Some(self.tags);
        meta.storage_class = self.storage_class;
        meta
    }

    /// Reads what belongs to this state of an object; nothing, if nothing was kept.
    pub(crate) fn read(root: &OwnedFd, key: &ObjectKey, state: &FileState) -> Result<Self> {
        let fail = |error: std::io::Error| failed("read the metadata of", key.as_str(), error);
        let open = |directory| openat(directory, name(key, state), OFlags::RDONLY | OFlags::NOFOLLOW, Mode::empty());
        let mut file = match private(root, META).and_then(open) {
            Ok(file) => File::from(file),
            Err(error) if is_absent(error) => return Ok(Self::default()),
            Err(error) => return Err(fail(error.into())),
        };
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(fail)?;
        serde_json::from_slice(&text).map_err(|error| fail(error.into()))
    }

    /// Keeps it, durably, for an object that is about to be visible in this state.
    pub(crate) fn write(&self, root: &OwnedFd, key: &ObjectKey, state: &FileState) -> Result<()> {
        if *self == Self::default() {
            return Ok(());
        }
        let write = || -> std::io::Result<()> {
            let directory = make_private(root, META)?;
            let (name, temporary) = (name(key, state), format!("{}.new", name(key, state)));
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW;
            let mut file = File::from(openat(&directory, &temporary, flags, Mode::from_raw_mode(0o600))?);
            file.write_all(&serde_json::to_vec(self)?)?;
            file.sync_all()?;
            renameat(&directory, &temporary, &directory, &name)?;
            Ok(fsync(&directory)?)
        };
        write().map_err(|error| failed("write the metadata of", key.as_str(), error))
    }

    /// Drops what was kept for a state of an object that is no more.
    pub(crate) fn remove(root: impl AsFd, key: &ObjectKey, state: &FileState) {
        let removed = private(root, META).and_then(|directory| unlinkat(directory, name(key, state), AtFlags::empty()));
        match removed {
            Ok(()) | Err(Errno::NOENT) => {}
            // It belongs to nothing any more and can stay.
            Err(error) => tracing::debug!(%key, %error, "the metadata of an object that is gone was not removed"),
        }
    }
}

fn name(key: &ObjectKey, state: &FileState) -> String {
    let (inode, size_bytes, modified) = state.content();
    let mut hash = blake3::Hasher::new();
    for number in [inode, size_bytes] {
        hash.update(&number.to_be_bytes());
    }
    hash.update(&modified.as_nanosecond().to_be_bytes());
    hash.update(key.as_str().as_bytes());
    hash.finalize().to_hex().to_string()
}
