//! The trait by its parts.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::future::ready;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{Attribute, Attributes, Error as StoreError, GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use s3gc_store::{CopyPlace, Location, ObjectKey};
use s3gc_vault::{Error, FileName, Result, VaultBackend, VaultFile, VaultLease};

use crate::config::{Encryption, ObjectConfig, Provider};
use crate::connect;
use crate::error::{Cause, failure};
use crate::lease::Leases;

/// A vault in a bucket.
///
/// Every file is one object, and none is visible before it is whole. See the [crate](crate) about what a store has to do
/// for each promise.
#[derive(Clone)]
pub struct ObjectVault {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) location: String,
    /// With the slash behind it, or empty.
    prefix: String,
    /// Of packs, and not of records, which have to be readable at once and cost little.
    pub(crate) attributes: Attributes,
    pub(crate) part_bytes: u64,
    /// Whether a file can be created on the condition that there is none, as far as is known.
    pub(crate) creates: AtomicBool,
    pub(crate) leases: Leases,
    /// Where S3 could copy an object to, but for the key; `None` at other providers.
    place: Option<CopyPlace>,
}

impl fmt::Debug for ObjectVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectVault").field("location", &self.inner.location).finish_non_exhaustive()
    }
}

impl ObjectVault {
    /// Prepares the connection to a vault; nothing is sent before the first call, but for what the AWS chain asks of
    /// profiles and instances.
    ///
    /// # Errors
    ///
    /// If the configuration makes no sense, or no region or account is found.
    pub async fn connect(config: ObjectConfig) -> Result<Self> {
        let opening = |error: &StoreError| {
            let text = if let StoreError::Generic { store: "vault", source } = error {
                source.to_string()
            } else {
                error.to_string()
            };
            let vault = format!("{}/{}", config.bucket, config.prefix);
            Error::Io { vault, operation: "opening", name: "the vault".into(), source: Cause::boxed(text) }
        };
        if !config.prefix.is_empty() && FileName::new(config.prefix.as_str()).is_err() {
            let text = format!("{:?} is no prefix: write parts of letters, digits, `.`, `_` and `-`", config.prefix);
            return Err(opening(&StoreError::Generic { store: "vault", source: Cause::boxed(text) }));
        }
        let connected = connect::connect(&config).await.map_err(|error| opening(&error))?;
        let mut attributes = Attributes::new();
        if let Some(class) = &config.storage_class {
            attributes.insert(Attribute::StorageClass, class.clone().into());
        }
        let (location, prefix) = match config.prefix.as_str() {
            "" => (connected.location, String::new()),
            prefix => (format!("{}/{prefix}", connected.location), format!("{prefix}/")),
        };
        let inner = Inner {
            store: connected.store,
            location,
            prefix,
            attributes,
            part_bytes: config.part_bytes.max(1),
            creates: AtomicBool::new(true),
            leases: Leases::default(),
            place: copy_place(&config),
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    pub(crate) fn failure(&self, operation: &'static str, name: &str, error: &StoreError) -> Error {
        failure(&self.location, operation, name, error)
    }

    pub(crate) fn refuse(&self, operation: &'static str, name: &str, reason: impl Into<String>) -> Error {
        let (vault, name) = (self.location.clone(), name.to_owned());
        Error::Io { vault, operation, name, source: Cause::boxed(reason) }
    }

    /// Finds the object of a file, or of a record.
    pub(crate) fn path(&self, name: &str) -> Result<Path> {
        Path::parse(format!("{}{name}", self.prefix)).map_err(|error| self.refuse("naming", name, error.to_string()))
    }

    async fn size(&self, name: &FileName) -> Result<u64> {
        let path = self.path(name.as_str())?;
        let meta = self.store.head(&path).await.map_err(|error| self.failure("reading", name.as_str(), &error))?;
        Ok(meta.size)
    }

    async fn read_range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes> {
        const OPERATION: &str = "reading";
        let outside =
            |size: &dyn fmt::Display| format!("bytes {} to {} of a file of {size} bytes", range.start, range.end);
        if range.is_empty() {
            // No request reads nothing.
            let size = self.size(name).await?;
            return match range.start == range.end && range.end <= size {
                true => Ok(Bytes::new()),
                false => Err(self.refuse(OPERATION, name.as_str(), outside(&size))),
            };
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
        let failed = |error: &StoreError| self.failure(OPERATION, name.as_str(), error);
        let got = self.store.get_opts(&self.path(name.as_str())?, options).await.map_err(|error| failed(&error))?;
        if got.range != range {
            return Err(self.refuse(OPERATION, name.as_str(), outside(&got.meta.size)));
        }
        let bytes = got.bytes().await.map_err(|error| failed(&error))?;
        if u64::try_from(bytes.len()).ok() != Some(range.end - range.start) {
            return Err(self.refuse(OPERATION, name.as_str(), format!("only {} bytes came", bytes.len())));
        }
        Ok(bytes)
    }

    /// Makes a file of a vault of what a listing shows; `None` if it is none, such as a record.
    fn file(&self, path: &Path) -> Option<FileName> {
        FileName::new(path.as_ref().strip_prefix(&self.prefix)?).ok()
    }
}

#[async_trait]
impl VaultBackend for ObjectVault {
    fn location(&self) -> &str {
        &self.inner.location
    }

    async fn put(&self, name: &FileName, body: BoxStream<'static, io::Result<Bytes>>, size_bytes: u64) -> Result<()> {
        self.inner.put(name, body, size_bytes).await
    }

    async fn read_range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes> {
        self.inner.read_range(name, range).await
    }

    async fn size(&self, name: &FileName) -> Result<u64> {
        self.inner.size(name).await
    }

    fn list(&self, prefix: &str) -> BoxStream<'_, Result<VaultFile>> {
        let prefix = prefix.to_owned();
        // The store lists by whole components.
        let components = prefix.rsplit_once('/').map_or("", |(components, _)| components);
        let above = match format!("{}{components}", self.inner.prefix) {
            above if above.is_empty() => None,
            above => match Path::parse(above.trim_end_matches('/')) {
                Ok(path) => Some(path),
                // No file can have such a name.
                Err(_) => return futures::stream::empty().boxed(),
            },
        };
        let shown = prefix.clone();
        let mut failed = false;
        self.inner
            .store
            .list(above.as_ref())
            .take_while(move |item| ready(!std::mem::replace(&mut failed, item.is_err())))
            .filter_map(move |item| {
                ready(match item {
                    Ok(meta) => self
                        .inner
                        .file(&meta.location)
                        .filter(|name| name.as_str().starts_with(&prefix))
                        .map(|name| Ok(VaultFile { name, size_bytes: meta.size })),
                    Err(error) => Some(Err(self.inner.failure("listing", &shown, &error))),
                })
            })
            .boxed()
    }

    async fn remove(&self, name: &FileName) -> Result<()> {
        match self.inner.store.delete(&self.inner.path(name.as_str())?).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.inner.failure("removing", name.as_str(), &error)),
        }
    }

    fn copy_place(&self, name: &FileName) -> Option<CopyPlace> {
        let key = ObjectKey::new(format!("{}{name}", self.inner.prefix)).ok()?;
        Some(CopyPlace { key, ..self.inner.place.clone()? })
    }

    fn lease(&self) -> Option<&dyn VaultLease> {
        Some(self)
    }
}

fn copy_place(config: &ObjectConfig) -> Option<CopyPlace> {
    if config.provider != Provider::S3 {
        return None;
    }
    let (encryption, kms_key) = match &config.encryption {
        None => (None, None),
        Some(Encryption::Aes256) => (Some("AES256"), None),
        Some(Encryption::Kms(key)) => (Some("aws:kms"), key.clone()),
    };
    Some(CopyPlace {
        bucket: match &config.endpoint {
            Some(endpoint) => Location::s3_compatible(endpoint, &config.bucket),
            None => Location::aws(&config.bucket),
        },
        key: ObjectKey::new("copies").ok()?,
        storage_class: config.storage_class.clone(),
        encryption: encryption.map(ToOwned::to_owned),
        kms_key,
    })
}
