//! What the suite needs to know of the store that it tests.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use s3gc_store::{ByteStream, DeleteMeans, ObjectKey, ObjectMeta, ObjectStore, Result};

use super::keys::hard_keys;

/// An empty store that can be written to, and what it is capable of.
///
/// The fields are for what a store cannot do; everything that is left out here is printed as skipped.
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// The means of deletion that it honours.
    pub means: Vec<DeleteMeans>,
    /// The keys that are tried; a store that cannot hold one answers `UnsafeKey`.
    pub keys: Vec<String>,
    /// How many objects are put to see more than one page.
    pub many: usize,
    /// It keeps content headers.
    pub has_headers: bool,
    /// It keeps user metadata.
    pub has_user_metadata: bool,
    /// It keeps tags.
    pub has_tags: bool,
    /// A storage class other than the standard, which it keeps.
    pub storage_class: Option<String>,
    /// `PutMode::Create` never replaces.
    pub creates_only: bool,
    rewrite: Option<RewriteFn>,
    cut: Option<CutFn>,
    wire: Option<Wire>,
    broken: Option<Arc<dyn ObjectStore>>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

type RewriteFn = Box<dyn Fn(ObjectKey, Bytes) -> BoxFuture<'static, ()> + Send + Sync>;
type CutFn = Box<dyn Fn(ObjectKey) -> BoxFuture<'static, Result<(ObjectMeta, ByteStream)>> + Send + Sync>;

/// A hand on the line between the store's client and its server.
pub struct Wire {
    /// Lets the next deletion happen and its answer be lost.
    pub lose_next_answer: Box<dyn Fn() + Send + Sync>,
    /// Counts the deletions that the server has received.
    pub delete_requests: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl Fixture {
    /// Describes a store that can do everything, with these means of deletion.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, means: impl IntoIterator<Item = DeleteMeans>) -> Self {
        Self {
            store,
            means: means.into_iter().collect(),
            keys: hard_keys(),
            many: 1050,
            has_headers: true,
            has_user_metadata: true,
            has_tags: true,
            storage_class: None,
            creates_only: true,
            rewrite: None,
            cut: None,
            wire: None,
            broken: None,
            kept: Vec::new(),
        }
    }

    /// Keeps something alive as long as the fixture: a temporary directory, a server.
    #[must_use]
    pub fn with_kept(mut self, kept: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(kept));
        self
    }

    /// Tells how somebody else writes an object, past the store.
    #[must_use]
    pub fn with_rewrite<F, Fut>(mut self, rewrite: F) -> Self
    where
        F: Fn(ObjectKey, Bytes) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.rewrite = Some(Box::new(move |key, bytes| Box::pin(rewrite(key, bytes))));
        self
    }

    /// Tells how to `get` an object whose body will end early, because the line breaks or the file is cut.
    #[must_use]
    pub fn with_cut<F, Fut>(mut self, cut: F) -> Self
    where
        F: Fn(ObjectKey) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(ObjectMeta, ByteStream)>> + Send + 'static,
    {
        self.cut = Some(Box::new(move |key| Box::pin(cut(key))));
        self
    }

    /// Adds a hand on the line.
    #[must_use]
    pub fn with_wire(mut self, wire: Wire) -> Self {
        self.wire = Some(wire);
        self
    }

    /// Adds a store of the same kind whose listing fails.
    #[must_use]
    pub fn with_broken(mut self, store: Arc<dyn ObjectStore>) -> Self {
        self.broken = Some(store);
        self
    }

    /// Writes an object past the store, if there is a way to.
    pub(super) async fn rewrite(&self, key: &ObjectKey, bytes: Bytes) -> bool {
        match &self.rewrite {
            Some(rewrite) => {
                rewrite(key.clone(), bytes).await;
                true
            }
            None => false,
        }
    }

    pub(super) async fn get_cut(&self, key: &ObjectKey) -> Option<Result<(ObjectMeta, ByteStream)>> {
        match &self.cut {
            Some(cut) => Some(cut(key.clone()).await),
            None => None,
        }
    }

    pub(super) fn wire(&self) -> Option<&Wire> {
        self.wire.as_ref()
    }

    pub(super) fn broken(&self) -> Option<&dyn ObjectStore> {
        self.broken.as_deref()
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").field("store", &self.store).field("means", &self.means).finish_non_exhaustive()
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}
