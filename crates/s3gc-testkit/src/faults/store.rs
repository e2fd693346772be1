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

#[cfg(test)]
mod tests {
    use s3gc_store::{DeleteTarget, SignRefused, read_all};
    use s3gc_store_fs::{FsConfig, FsStore};
    use tempfile::TempDir;

    use super::*;

    async fn store(plan: &FaultPlan) -> (TempDir, FaultyStore) {
        let directory = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(directory.path().join(name), "0123456789").unwrap();
        }
        let inner = FsStore::open(&FsConfig::new(directory.path())).await.unwrap();
        (directory, FaultyStore::new(Arc::new(inner), plan.clone()))
    }

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new(name).unwrap()
    }

    async fn list(plan: FaultPlan) -> Vec<String> {
        let (_directory, store) = store(&plan).await;
        let shown = |item: Result<ListItem>| match item {
            Ok(ListItem::Page(page)) => format!("{} entries", page.entries.len()),
            Ok(ListItem::End(_)) => "end".to_owned(),
            Err(error) => error.to_string().split(' ').next_back().unwrap_or_default().to_owned(),
        };
        store.list(ListRequest::default()).map(shown).collect().await
    }

    #[tokio::test]
    async fn a_listing_goes_wrong_as_planned() {
        assert_eq!(list(FaultPlan::new()).await, ["3 entries", "end"]);
        assert_eq!(list(FaultPlan::new().at("list", 1, Fault::Truncate)).await, ["3 entries"]);
        assert_eq!(list(FaultPlan::new().at("page", 2, Fault::Truncate)).await, ["3 entries"]);
        assert_eq!(list(FaultPlan::new().at("list", 1, Fault::Fail)).await, ["failed"]);
        assert_eq!(list(FaultPlan::new().at("page", 2, Fault::FailTransient)).await, ["3 entries", "answer"]);
        assert_eq!(list(FaultPlan::new().at("list", 1, Fault::Reorder)).await, ["3 entries", "end"]);
    }

    #[tokio::test]
    async fn a_reordered_listing_has_the_opposite_order() {
        let plan = FaultPlan::new().at("list", 2, Fault::Reorder);
        let (_directory, store) = store(&plan).await;
        let mut orders = Vec::new();
        for _ in 0..2 {
            let mut items = store.list(ListRequest::default());
            let Some(Ok(ListItem::Page(page))) = items.next().await else { panic!("no page") };
            orders.push(page.entries.into_iter().map(|entry| entry.key).collect::<Vec<_>>());
        }
        let backwards: Vec<_> = orders[0].iter().rev().cloned().collect();
        assert_eq!(orders[1], backwards);
    }

    #[tokio::test]
    async fn a_body_goes_wrong_as_planned() {
        let plan = FaultPlan::new()
            .at("get", 2, Fault::Truncate)
            .at("get", 3, Fault::Corrupt)
            .at("body", 2, Fault::Fail)
            .at("get", 5, Fault::Reorder);
        let (_directory, store) = store(&plan).await;
        let get = async || -> Result<Bytes> {
            let (meta, body) = store.get(&key("a"), GetOptions::default()).await?;
            assert_eq!(meta.size_bytes, 10);
            read_all(body).await
        };
        assert_eq!(get().await.unwrap(), "0123456789");
        assert_eq!(get().await.unwrap(), "01234");
        assert_eq!(get().await.unwrap(), "1123456789");
        assert!(get().await.is_err());
        assert!(format!("{:?}", get().await).contains("the fault plan is wrong"));
        assert_eq!(get().await.unwrap(), "0123456789");
        assert_eq!(plan.fired(), 4);
    }

    struct Yes;

    impl SignGuard for Yes {
        fn may_sign(&self) -> Result<(), SignRefused> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_deletion_fails_before_its_effect_or_after_it() {
        let plan = FaultPlan::new().at("delete", 1, Fault::Fail).at("delete", 2, Fault::Lost).at(
            "delete",
            3,
            Fault::Unanswered,
        );
        let (directory, store) = store(&plan).await;
        let delete = async |name: &str| {
            let target = DeleteTarget::Current { if_match: store.head(&key(name)).await?.etag };
            let batch = [DeleteRequest { key: key(name), target }];
            #[expect(clippy::disallowed_methods, reason = "the wrapper of a deletion is what is tested")]
            store.delete(&batch, DeleteMeans::SingleEtag, &Yes).await
        };
        let is_there = |name| directory.path().join(name).exists();
        assert!(delete("a").await.is_err());
        assert!(matches!(delete("b").await.unwrap()[..], [DeleteOutcome::Unknown(_)]) && is_there("b"));
        assert!(matches!(delete("c").await.unwrap()[..], [DeleteOutcome::Unknown(_)]) && !is_there("c"));
        assert!(matches!(delete("a").await.unwrap()[..], [DeleteOutcome::Deleted { .. }]) && !is_there("a"));
    }

    #[tokio::test]
    async fn a_put_fails_before_its_effect_after_it_or_writes_something_else() {
        let plan = FaultPlan::new()
            .at("put", 1, Fault::FailTransient)
            .at("put", 2, Fault::Unanswered)
            .at("put", 3, Fault::Truncate)
            .at("put", 4, Fault::Corrupt);
        let (directory, store) = store(&plan).await;
        let put = async |name: &str| {
            let body = stream::iter([Ok(Bytes::from_static(b"new"))]).boxed();
            store.put(&key(name), body, &ObjectMeta::new(3), PutMode::Replace).await
        };
        let read = |name| std::fs::read_to_string(directory.path().join(name)).ok();
        assert!(put("w").await.unwrap_err().is_transient() && read("w").is_none());
        assert!(put("x").await.unwrap_err().is_transient() && read("x").as_deref() == Some("new"));
        assert!(matches!(put("y").await, Err(Error::BodyLength { .. })) && read("y").is_none());
        assert!(put("z").await.is_ok() && read("z").as_deref() == Some("oew"));
    }

    #[tokio::test]
    async fn the_other_calls_fail_as_planned() {
        let plan = ["status", "head", "tags", "versions"]
            .into_iter()
            .fold(FaultPlan::new(), |plan, operation| plan.at(operation, 1, Fault::Fail));
        let (_directory, store) = store(&plan).await;
        for is_first in [true, false] {
            assert_eq!(store.status().await.is_err(), is_first);
            assert_eq!(store.head(&key("a")).await.is_err(), is_first);
            assert_eq!(store.tags(&key("a")).await.is_err(), is_first);
            assert_eq!(store.versions(&key("a")).await.is_err(), is_first);
        }
        assert_eq!(plan.fired(), 4);
    }
}
