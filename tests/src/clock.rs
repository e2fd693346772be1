//! A clock that can be put forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::{SignedDuration, Timestamp};
use s3gc_core::{Clock, ReferenceSource, SystemClock};
use s3gc_source::{Drain, Result, ScanItem, ScanRequest, SourceLock, SourceStatus, Unwatched, UnwatchedRequest};

/// The system's clock, some seconds later.
#[derive(Clone, Debug, Default)]
pub struct LaterClock(Arc<AtomicI64>);

impl LaterClock {
    /// Puts the clock so many days ahead of the system's.
    pub fn set_days(&self, days: i64) {
        self.set_hours(24 * days);
    }

    /// Puts the clock so many hours ahead of the system's.
    pub fn set_hours(&self, hours: i64) {
        self.0.store(hours * 3600, Ordering::SeqCst);
    }
}

impl Clock for LaterClock {
    fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.0.load(Ordering::SeqCst));
        SystemClock.now().checked_add(ahead).unwrap()
    }

    fn boot(&self) -> Duration {
        SystemClock.boot() + Duration::from_secs(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// A source whose database has the time of a [`LaterClock`].
#[derive(Debug)]
pub struct LaterSource {
    /// The database.
    pub inner: Arc<dyn ReferenceSource>,
    /// Its clock.
    pub clock: LaterClock,
}

#[async_trait]
impl ReferenceSource for LaterSource {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn scan(&self, request: ScanRequest) -> BoxStream<'_, Result<ScanItem>> {
        self.inner.scan(request)
    }

    async fn status(&self) -> Result<Option<SourceStatus>> {
        let status = self.inner.status().await?;
        Ok(status.map(|mut status| {
            status.now = status.now.map(|_| self.clock.now());
            status
        }))
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
