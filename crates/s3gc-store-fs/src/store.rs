//! The store.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use s3gc_store::{
    ByteStream, DeleteMeans, DeleteOutcome, DeleteRequest, Error, GetOptions, Guarantees, ListItem, ListRequest,
    Location, ObjectKey, ObjectMeta, ObjectStore, PutMode, Result, SignGuard, StoreStatus, VersionEntry, Versioning,
};
use tokio::sync::mpsc;

use crate::dir::Root;
use crate::error::failed;
use crate::trash::{self, Recovery};
use crate::{FsConfig, delete, put, read, walk};

/// A directory of uploads as an object store.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> s3gc_store::Result<()> {
/// use s3gc_store::ObjectStore;
/// use s3gc_store_fs::{FsConfig, FsStore};
///
/// let store = FsStore::open(&FsConfig::new("/srv/app/uploads")).await?;
/// assert_eq!(store.location().as_str(), "file:///srv/app/uploads");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FsStore {
    root: Arc<Root>,
}

impl FsStore {
    /// Opens the directory, and puts back what a crashed deletion has left in its trash.
    ///
    /// Nothing is written where there is nothing to put back.
    ///
    /// # Errors
    ///
    /// If the directory does not exist or cannot be read, or if something in its trash cannot be put back.
    pub async fn open(config: &FsConfig) -> Result<Self> {
        let path = config.path.clone();
        let root = blocking(move || Root::new(&path)).await?;
        let store = Self { root: Arc::new(root) };
        let recovery = store.recover().await?;
        for key in &recovery.put_back {
            tracing::warn!(%key, "put back what a deletion that crashed had left in the trash");
        }
        for key in &recovery.kept_in_trash {
            tracing::warn!(%key, "an older file of this name stays in .s3gc/trash: a newer one has its place");
        }
        Ok(store)
    }

    /// Puts back what deletions that crashed have left in the trash; deletes and replaces nothing.
    ///
    /// # Errors
    ///
    /// If a file cannot be put back.
    pub async fn recover(&self) -> Result<Recovery> {
        self.blocking(|root| {
            let root = root.open()?;
            if let Err(error) = put::remove_leftovers(&root) {
                tracing::debug!(%error, "temporary files of a crashed writer were not removed");
            }
            trash::recover(&root)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Root) -> Result<T> + Send + 'static) -> Result<T> {
        let root = Arc::clone(&self.root);
        blocking(move || work(&root)).await
    }
}

#[async_trait]
impl ObjectStore for FsStore {
    fn location(&self) -> &Location {
        self.root.location()
    }

    async fn status(&self) -> Result<StoreStatus> {
        self.blocking(|root| root.open().map(drop)).await?;
        let mut status = StoreStatus::new(Versioning::Off);
        status.guarantees = Some(Guarantees { single_etag: true, batch_etag: true, creates_only: true });
        Ok(status)
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListItem>> {
        stream::once(async move {
            if request.resume.is_some() {
                let error = Error::Unsupported { operation: "resume a listing" };
                return stream::iter([Err(error)]).boxed();
            }
            // Two pages wait at most: the walk goes no faster than its reader.
            let (sender, receiver) = mpsc::channel(2);
            let root = Arc::clone(&self.root);
            let walking = tokio::task::spawn_blocking(move || {
                let walked = walk::walk(&root, &request.prefix, &mut |item| sender.blocking_send(Ok(item)).is_ok());
                if let Err(error) = walked {
                    // Nobody to tell if the reader is gone.
                    drop(sender.blocking_send(Err(error)));
                }
            });
            let items = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
            // A walk that panicked has sent neither an error nor an end.
            let panic = stream::once(walking).filter_map(|walked| async { walked.err().map(|e| Err(lost(e))) });
            items.chain(panic).boxed()
        })
        .flatten()
        .boxed()
    }

    async fn head(&self, key: &ObjectKey) -> Result<ObjectMeta> {
        let key = key.clone();
        self.blocking(move |root| read::head(root, &key)).await
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<(ObjectMeta, ByteStream)> {
        let opening = key.clone();
        let opened = self.blocking(move |root| read::open(root, &opening, &options)).await?;
        Ok((opened.meta.clone(), opened.into_body(key)))
    }

    async fn tags(&self, key: &ObjectKey) -> Result<BTreeMap<String, String>> {
        Ok(self.head(key).await?.tags.unwrap_or_default())
    }

    async fn versions(&self, key: &ObjectKey) -> Result<Vec<VersionEntry>> {
        match self.head(key).await {
            Ok(meta) => Ok(vec![VersionEntry::new(None, Some(meta.etag), meta.size_bytes, meta.last_modified, true)]),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, key: &ObjectKey, body: ByteStream, meta: &ObjectMeta, mode: PutMode) -> Result<ObjectMeta> {
        put::put(&self.root, key, body, meta, mode).await
    }

    async fn delete(
        &self,
        batch: &[DeleteRequest],
        means: DeleteMeans,
        guard: &dyn SignGuard,
    ) -> Result<Vec<DeleteOutcome>> {
        delete::delete(&self.root, batch, means, guard).await
    }
}

/// Runs calls of the file system where they may block.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}

fn lost(error: tokio::task::JoinError) -> Error {
    failed("run", "a task", error)
}
