//! The vault in a local directory.

mod files;
mod lease;
mod temporary;

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use crate::{Error, FileName, LeaseRecord, Result, VaultBackend, VaultFile, VaultLease};
use files::{Files, Placed};

/// A vault in a local directory, on a file system that keeps its promises about `fsync`.
///
/// Files are written under a temporary name, synced, renamed without replacing anything, and their directories synced.
/// Symbolic links inside the vault are not followed. What a crash left behind is removed by the next [`DirVault::open`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures::StreamExt;
/// use s3gc_vault::{DirVault, FileName, VaultBackend};
///
/// # let tmp = tempfile::tempdir()?;
/// # let path = tmp.path();
/// let vault = DirVault::open(path)?;
/// let name = FileName::new("packs/a")?;
/// vault.put(&name, futures::stream::iter([Ok("hello".into())]).boxed(), 5).await?;
/// assert_eq!(&vault.read_range(&name, 1..3).await?[..], b"el");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct DirVault {
    location: Arc<str>,
    files: Arc<Files>,
}

impl DirVault {
    /// Opens the vault in a directory, which is created if it is not there, and removes what a crash left behind.
    ///
    /// # Errors
    ///
    /// If the directory cannot be created, read or written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        let opened = std::path::absolute(path).and_then(|path| Ok((path.display().to_string(), Files::open(&path)?)));
        let (absolute, files) = opened.map_err(|source| Error::from_io(&shown, "opening", "the vault", source))?;
        Ok(Self { location: format!("file://{absolute}").into(), files: Arc::new(files) })
    }

    /// Returns how many bytes can still be written, for a look before a run: others may write too.
    ///
    /// # Errors
    ///
    /// If the file system does not tell.
    pub fn free_bytes(&self) -> Result<u64> {
        self.files.free_bytes().map_err(|source| self.error("asking for free space of", "the vault", source))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        name: &str,
        work: impl FnOnce(&Files) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = Arc::clone(&self.files);
        let done = tokio::task::spawn_blocking(move || work(&files)).await.map_err(io::Error::other);
        done.flatten().map_err(|source| self.error(operation, name, source))
    }

    fn error(&self, operation: &'static str, name: &str, source: io::Error) -> Error {
        Error::from_io(&self.location, operation, name, source)
    }

    fn not_found(&self, name: &FileName) -> Error {
        Error::NotFound { vault: self.location.to_string(), name: name.to_string() }
    }
}

#[async_trait]
impl VaultBackend for DirVault {
    fn location(&self) -> &str {
        &self.location
    }

    async fn put(
        &self,
        name: &FileName,
        mut body: BoxStream<'static, io::Result<Bytes>>,
        size_bytes: u64,
    ) -> Result<()> {
        // An end is sent only behind a body without error: a channel that just closes leaves nothing behind.
        let (sender, mut pieces) = mpsc::channel::<Option<Bytes>>(2);
        let file = name.clone();
        let writer = self
            .blocking("writing", name.as_str(), move |files| files.put(&file, size_bytes, || pieces.blocking_recv()));
        let feed = async move {
            while let Some(piece) = body.try_next().await? {
                if sender.send(Some(piece)).await.is_err() {
                    return Ok(());
                }
            }
            // If the writer is gone, it tells why.
            sender.send(None).await.unwrap_or_default();
            io::Result::Ok(())
        };
        let (fed, placed) = futures::join!(feed, writer);
        fed.map_err(|source| self.error("reading the body of", name.as_str(), source))?;
        match placed? {
            Placed::Durable => Ok(()),
            Placed::Conflict => Err(Error::Conflict { vault: self.location.to_string(), name: name.to_string() }),
        }
    }

    async fn read_range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes> {
        let file = name.clone();
        let read = self.blocking("reading", name.as_str(), move |files| files.read_range(&file, range)).await?;
        read.ok_or_else(|| self.not_found(name))
    }

    async fn size(&self, name: &FileName) -> Result<u64> {
        let file = name.clone();
        let size = self.blocking("reading", name.as_str(), move |files| files.size(&file)).await?;
        size.ok_or_else(|| self.not_found(name))
    }

    fn list(&self, prefix: &str) -> BoxStream<'_, Result<VaultFile>> {
        let wanted = prefix.to_owned();
        stream::once(async move {
            let shown = wanted.clone();
            self.blocking("listing", &shown, move |files| files.list(&wanted)).await
        })
        .map_ok(|files| stream::iter(files.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
    }

    async fn remove(&self, name: &FileName) -> Result<()> {
        let file = name.clone();
        self.blocking("removing", name.as_str(), move |files| files.remove(&file)).await
    }

    fn lease(&self) -> Option<&dyn VaultLease> {
        Some(self)
    }
}

#[async_trait]
impl VaultLease for DirVault {
    async fn read(&self, slot: &str) -> Result<Option<LeaseRecord>> {
        let name = slot.to_owned();
        let read = self.blocking("reading the record", slot, move |files| files.read_record(&name)).await?;
        Ok(read.map(|bytes| LeaseRecord(bytes.into())))
    }

    async fn swap(&self, slot: &str, expected: Option<&LeaseRecord>, new: &LeaseRecord) -> Result<bool> {
        let (name, expected, new) = (slot.to_owned(), expected.cloned(), new.clone());
        self.blocking("swapping the record", slot, move |files| {
            files.swap_record(&name, expected.as_ref().map(|record| &*record.0), &new.0)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
