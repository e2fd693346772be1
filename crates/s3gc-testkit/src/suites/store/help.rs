//! What the clauses have in common.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use s3gc_store::{
    ByteStream, DeleteMeans, DeleteOutcome, DeleteRequest, DeleteTarget, ETag, Error, GetOptions, ListEnd, ListEntry,
    ListItem, ListRequest, ObjectKey, ObjectMeta, ObjectStore, PutMode, Result, SignGuard, SignRefused, SkippedName,
    read_all,
};

use super::Fixture;
use crate::suites::skip;

/// Everything that came out of a listing.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) entries: Vec<ListEntry>,
    pub(super) skipped: Vec<SkippedName>,
    pub(super) end: Option<ListEnd>,
    pub(super) error: Option<Error>,
    /// What came after the end or after the error.
    pub(super) rest: usize,
}

impl Listing {
    pub(super) fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<_> = self.entries.iter().map(|entry| entry.key.as_str()).collect();
        keys.sort_unstable();
        keys
    }
}

pub(super) async fn listing(store: &dyn ObjectStore, prefix: &str) -> Listing {
    let mut found = Listing::default();
    let mut items = store.list(ListRequest::new(prefix));
    while let Some(item) = items.next().await {
        if found.end.is_some() || found.error.is_some() {
            found.rest += 1;
            continue;
        }
        match item {
            Ok(ListItem::Page(page)) => {
                found.entries.extend(page.entries);
                found.skipped.extend(page.skipped);
            }
            Ok(ListItem::End(end)) => found.end = Some(end),
            Err(error) => found.error = Some(error),
        }
    }
    found
}

pub(super) async fn complete_listing(store: &dyn ObjectStore, prefix: &str) -> Listing {
    let found = listing(store, prefix).await;
    assert!(found.error.is_none(), "the listing failed: {:?}", found.error);
    assert!(found.end.is_some(), "the listing has no end");
    found
}

pub(super) fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).expect("the suite's keys are valid")
}

/// A body in two pieces.
pub(super) fn body(bytes: &Bytes) -> ByteStream {
    let half = bytes.len() / 2;
    stream::iter([Ok(bytes.slice(..half)), Ok(bytes.slice(half..))]).boxed()
}

pub(super) fn meta_of(bytes: &Bytes) -> ObjectMeta {
    ObjectMeta::new(u64::try_from(bytes.len()).expect("a body fits into memory"))
}

pub(super) async fn try_put(store: &dyn ObjectStore, name: &str, bytes: &Bytes, mode: PutMode) -> Result<ObjectMeta> {
    store.put(&key(name), body(bytes), &meta_of(bytes), mode).await
}

pub(super) async fn put(store: &dyn ObjectStore, name: &str, bytes: &'static str) -> ObjectMeta {
    let bytes = Bytes::from_static(bytes.as_bytes());
    try_put(store, name, &bytes, PutMode::Replace).await.unwrap_or_else(|error| panic!("put {name:?}: {error:?}"))
}

pub(super) async fn read(store: &dyn ObjectStore, name: &str) -> Bytes {
    let (_, body) =
        store.get(&key(name), GetOptions::default()).await.unwrap_or_else(|error| panic!("get {name:?}: {error:?}"));
    read_all(body).await.unwrap_or_else(|error| panic!("read {name:?}: {error:?}"))
}

pub(super) async fn is_there(store: &dyn ObjectStore, name: &str) -> bool {
    match store.head(&key(name)).await {
        Ok(_) => true,
        Err(error) if error.is_not_found() => false,
        Err(error) => panic!("head {name:?}: {error:?}"),
    }
}

/// Puts every hard key that the store can hold, each with bytes of its own.
pub(super) async fn put_hard_keys(fixture: &Fixture, clause: &str) -> BTreeMap<String, Bytes> {
    let mut held = BTreeMap::new();
    for (number, name) in fixture.keys.iter().enumerate() {
        let bytes = Bytes::from(format!("{number}: {name}"));
        match try_put(&*fixture.store, name, &bytes, PutMode::Create).await {
            Ok(_) => drop(held.insert(name.clone(), bytes)),
            Err(Error::UnsafeKey { reason, .. }) => {
                let shown: String = name.chars().take(40).collect();
                skip(clause, &format!("the store cannot hold {shown:?}: {reason}"));
            }
            Err(error) => panic!("put {name:?}: {error:?}"),
        }
    }
    assert!(!held.is_empty(), "the store holds none of the keys");
    held
}

pub(super) fn current(name: &str, etag: &ETag) -> DeleteRequest {
    DeleteRequest { key: key(name), target: DeleteTarget::Current { if_match: etag.clone() } }
}

#[expect(clippy::disallowed_methods, reason = "the contract of deletion is what is tested here")]
pub(super) async fn delete(
    store: &dyn ObjectStore,
    batch: &[DeleteRequest],
    means: DeleteMeans,
    guard: &dyn SignGuard,
) -> Result<Vec<DeleteOutcome>> {
    store.delete(batch, means, guard).await
}

/// Deletes with everything allowed, and sees one outcome for each request.
pub(super) async fn delete_all(
    store: &dyn ObjectStore,
    batch: &[DeleteRequest],
    means: DeleteMeans,
) -> Vec<DeleteOutcome> {
    let outcomes = delete(store, batch, means, &Allow::times(u64::MAX))
        .await
        .unwrap_or_else(|error| panic!("delete by {means:?}: {error:?}"));
    assert_eq!(outcomes.len(), batch.len(), "{means:?}: one outcome for each request");
    outcomes
}

/// A guard that allows some signatures and counts how often it is asked.
#[derive(Debug)]
pub(super) struct Allow {
    times: u64,
    asked: AtomicU64,
}

impl Allow {
    pub(super) fn times(times: u64) -> Self {
        Self { times, asked: AtomicU64::new(0) }
    }

    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl SignGuard for Allow {
    fn may_sign(&self) -> Result<(), SignRefused> {
        if self.asked.fetch_add(1, Ordering::SeqCst) < self.times {
            Ok(())
        } else {
            Err(SignRefused("the suite says no".to_owned()))
        }
    }
}
