//! A source that lets something happen just before a look: after staging, before the first deletion.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use s3gc_core::ReferenceSource;
use s3gc_source::{Drain, Result, ScanItem, ScanRequest, SourceLock, SourceStatus, Unwatched, UnwatchedRequest};

/// Something that happens once.
pub type Accident = BoxFuture<'static, ()>;

/// Wraps a source, and runs an accident when the next look begins.
pub struct AtLook {
    inner: Arc<dyn ReferenceSource>,
    accident: Mutex<Option<Accident>>,
}

impl AtLook {
    /// Wraps a source; nothing happens until [`Self::arm`].
    #[must_use]
    pub fn new(inner: Arc<dyn ReferenceSource>) -> Self {
        Self { inner, accident: Mutex::new(None) }
    }

    /// Lets this happen when the next look begins.
    pub fn arm(&self, accident: Accident) {
        *self.accident.lock().unwrap() = Some(accident);
    }

    /// Tells whether the accident has happened, or there was none.
    pub fn is_over(&self) -> bool {
        self.accident.lock().unwrap().is_none()
    }
}

impl fmt::Debug for AtLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtLook").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
impl ReferenceSource for AtLook {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn scan(&self, request: ScanRequest) -> BoxStream<'_, Result<ScanItem>> {
        stream::once(async move {
            let accident = request.newest.then(|| self.accident.lock().unwrap().take()).flatten();
            if let Some(accident) = accident {
                accident.await;
            }
            self.inner.scan(request)
        })
        .flatten()
        .boxed()
    }

    async fn status(&self) -> Result<Option<SourceStatus>> {
        self.inner.status().await
    }

    async fn sample_unwatched(&self, request: &UnwatchedRequest) -> Result<Unwatched> {
        self.inner.sample_unwatched(request).await
    }

    async fn drain(&self, patience: Duration) -> Result<Drain> {
        self.inner.drain(patience).await
    }

    async fn lock(&self, name: &str) -> Result<Option<Box<dyn SourceLock>>> {
        self.inner.lock(name).await
    }
}
