//! A store in which calls go wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use s3gc_store::{
    ByteStream, DeleteMeans, DeleteOutcome, DeleteRequest, Error, GetOptions, ListItem, ListRequest, Location,
    ObjectKey, ObjectMeta, ObjectStore, PutMode, Result, SignGuard, StoreStatus, VersionEntry,
};

use super::{Fault, FaultPlan, Injected};

/// Plays a [`FaultPlan`] into a store.
///
/// Operations: `status`, `list`, `head`, `get`, `tags`, `versions`, `put`, `delete`; `page` for each item of a listing,
/// its end too; `body` for each body, when it is first read (`Fail`: after its first half).
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    plan: FaultPlan,
}

impl FaultyStore {
    /// Wraps a store.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, plan: FaultPlan) -> Self {
        Self { inner, plan }
    }

    fn error(&self, operation: &'static str, fault: &Fault) -> Error {
        error(operation, self.location().as_str(), fault)
    }

    /// Counts a call that only reads: with or without an effect is the same.
    async fn enter(&self, operation: &'static str) -> Result<()> {
        match self.plan.enter(operation).await {
            None => Ok(()),
            Some(fault) => Err(self.error(operation, &fault)),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "passes on the deletion that the sweep asked for")]
    async fn pass_on(
        &self,
        batch: &[DeleteRequest],
        means: DeleteMeans,
        guard: &dyn SignGuard,
    ) -> Result<Vec<DeleteOutcome>> {
        self.inner.delete(batch, means, guard).await
    }

    fn unknown(&self, batch: &[DeleteRequest], fault: &Fault) -> Vec<DeleteOutcome> {
        batch.iter().map(|_| DeleteOutcome::Unknown(self.error("delete", fault))).collect()
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    fn location(&self) -> &Location {
        self.inner.location()
    }

    async fn status(&self) -> Result<StoreStatus> {
        self.enter("status").await?;
        self.inner.status().await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListItem>> {
        stream::once(async move {
            let listing = self.inner.list(request);
            match self.plan.enter("list").await {
                None => self.plan.items("page", listing, |operation, fault| self.error(operation, fault)),
                Some(Fault::Truncate) => listing.take(1).filter(|item| std::future::ready(!is_end(item))).boxed(),
                Some(Fault::Reorder) => reversed(listing).await,
                Some(fault) => stream::iter([Err(self.error("list", &fault))]).boxed(),
            }
        })
        .flatten()
        .boxed()
    }

    async fn head(&self, key: &ObjectKey) -> Result<ObjectMeta> {
        self.enter("head").await?;
        self.inner.head(key).await
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<(ObjectMeta, ByteStream)> {
        let fault = self.plan.enter("get").await;
        if let Some(fault @ (Fault::Fail | Fault::FailTransient | Fault::Lost | Fault::Unanswered | Fault::Reorder)) =
            fault
        {
            return Err(self.error("get", &fault));
        }
        let range = options.range.clone();
        let (meta, body) = self.inner.get(key, options).await?;
        let half = range.map_or(meta.size_bytes, |r| r.end.saturating_sub(r.start)) / 2;
        let body = match fault {
            Some(fault) => play(body, half, &fault, "get", key),
            None => {
                let (plan, key) = (self.plan.clone(), key.clone());
                stream::once(async move {
                    match plan.enter("body").await {
                        None => body,
                        Some(fault) => play(body, half, &fault, "body", &key),
                    }
                })
                .flatten()
                .boxed()
            }
        };
        Ok((meta, body))
    }

    async fn tags(&self, key: &ObjectKey) -> Result<BTreeMap<String, String>> {
        self.enter("tags").await?;
        self.inner.tags(key).await
    }

    async fn versions(&self, key: &ObjectKey) -> Result<Vec<VersionEntry>> {
        self.enter("versions").await?;
        self.inner.versions(key).await
    }

    async fn put(&self, key: &ObjectKey, body: ByteStream, meta: &ObjectMeta, mode: PutMode) -> Result<ObjectMeta> {
        match self.plan.enter("put").await {
            None => self.inner.put(key, body, meta, mode).await,
            Some(fault @ Fault::Unanswered) => {
                self.inner.put(key, body, meta, mode).await?;
                Err(self.error("put", &fault))
            }
            Some(fault @ (Fault::Truncate | Fault::Corrupt)) => {
                self.inner.put(key, play(body, meta.size_bytes / 2, &fault, "put", key), meta, mode).await
            }
            Some(fault) => Err(self.error("put", &fault)),
        }
    }

    async fn delete(
        &self,
        batch: &[DeleteRequest],
        means: DeleteMeans,
        guard: &dyn SignGuard,
    ) -> Result<Vec<DeleteOutcome>> {
        match self.plan.enter("delete").await {
            None => self.pass_on(batch, means, guard).await,
            Some(fault @ Fault::Lost) => Ok(self.unknown(batch, &fault)),
            Some(fault @ Fault::Unanswered) => {
                let outcomes = self.pass_on(batch, means, guard).await?;
                drop(outcomes);
                Ok(self.unknown(batch, &fault))
            }
            Some(fault) => Err(self.error("delete", &fault)),
        }
    }
}

fn error(operation: &'static str, object: &str, fault: &Fault) -> Error {
    let (object, source) = (object.to_owned(), Box::new(Injected::new(operation, fault)));
    if fault.is_transient() {
        Error::Unavailable { operation, object, source }
    } else {
        Error::Other { operation, object, source }
    }
}

fn is_end(item: &Result<ListItem>) -> bool {
    matches!(item, Ok(ListItem::End(_)))
}

/// Collects a listing and gives its pages and their entries backwards; its end, or its error, stays last.
async fn reversed(listing: BoxStream<'_, Result<ListItem>>) -> BoxStream<'static, Result<ListItem>> {
    let mut items: Vec<_> = listing.collect().await;
    let pages = items.iter().take_while(|item| matches!(item, Ok(ListItem::Page(_)))).count();
    items[..pages].reverse();
    for item in &mut items[..pages] {
        if let Ok(ListItem::Page(page)) = item {
            page.entries.reverse();
        }
    }
    stream::iter(items).boxed()
}

/// Plays a fault into a body: a flipped bit, a silent end after `half` bytes, or an error there.
fn play(body: ByteStream, half: u64, fault: &Fault, operation: &'static str, key: &ObjectKey) -> ByteStream {
    match fault {
        Fault::Corrupt => body.scan(false, |done, piece| std::future::ready(Some(flip(piece, done)))).boxed(),
        Fault::Truncate => cut(body, half),
        _ => {
            let error = error(operation, key.as_str(), fault);
            cut(body, half).chain(stream::once(async move { Err(error) })).boxed()
        }
    }
}

fn flip(piece: Result<Bytes>, done: &mut bool) -> Result<Bytes> {
    let piece = piece?;
    if *done || piece.is_empty() {
        return Ok(piece);
    }
    *done = true;
    let mut bytes = piece.to_vec();
    bytes[0] ^= 1;
    Ok(bytes.into())
}

fn cut(body: ByteStream, keep: u64) -> ByteStream {
    body.scan(usize::try_from(keep).unwrap_or(usize::MAX), |left, piece| {
        let kept = match piece {
            _ if *left == 0 => None,
            Ok(bytes) => {
                let bytes = bytes.slice(..bytes.len().min(*left));
                *left -= bytes.len();
                Some(Ok(bytes))
            }
            Err(error) => Some(Err(error)),
        };
        std::future::ready(kept)
    })
    .boxed()
}
