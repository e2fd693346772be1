//! A source in which calls go wrong.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use s3gc_source::{
    Drain, Error, ReferenceSource, Result, ScanItem, ScanRequest, SourceLock, SourceStatus, Unwatched,
    UnwatchedRequest, WriteFence,
};

use super::{Fault, FaultPlan, Injected};

/// Plays a [`FaultPlan`] into a source.
///
/// Operations: `scan`, `status`, `drain`, `lock`, and `batch` for each item of a scan, its end too. `Truncate` of a
/// `scan` gives its first batch and no end.
#[derive(Clone, Debug)]
pub struct FaultySource {
    inner: Arc<dyn ReferenceSource>,
    plan: FaultPlan,
}

impl FaultySource {
    /// Wraps a source.
    #[must_use]
    pub fn new(inner: Arc<dyn ReferenceSource>, plan: FaultPlan) -> Self {
        Self { inner, plan }
    }

    fn error(&self, operation: &'static str, fault: &Fault) -> Error {
        let (source_name, source) = (self.name().to_owned(), Box::new(Injected::new(operation, fault)));
        if fault.is_transient() {
            Error::Unavailable { source_name, source }
        } else {
            Error::Failed { source_name, operation: operation.to_owned(), source }
        }
    }

    async fn enter(&self, operation: &'static str) -> Result<()> {
        match self.plan.enter(operation).await {
            None => Ok(()),
            Some(fault) => Err(self.error(operation, &fault)),
        }
    }
}

#[async_trait]
impl ReferenceSource for FaultySource {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn scan(&self, request: ScanRequest) -> BoxStream<'_, Result<ScanItem>> {
        stream::once(async move {
            let scan = self.inner.scan(request);
            match self.plan.enter("scan").await {
                None => self.plan.items("batch", scan, |operation, fault| self.error(operation, fault)),
                Some(Fault::Truncate) => scan.take(1).filter(|item| std::future::ready(!is_end(item))).boxed(),
                Some(Fault::Reorder) => reversed(scan).await,
                Some(fault) => stream::iter([Err(self.error("scan", &fault))]).boxed(),
            }
        })
        .flatten()
        .boxed()
    }

    async fn status(&self) -> Result<Option<SourceStatus>> {
        self.enter("status").await?;
        self.inner.status().await
    }

    async fn sample_unwatched(&self, request: &UnwatchedRequest) -> Result<Unwatched> {
        self.enter("sample_unwatched").await?;
        self.inner.sample_unwatched(request).await
    }

    async fn drain(&self, patience: Duration) -> Result<Drain> {
        self.enter("drain").await?;
        self.inner.drain(patience).await
    }

    async fn lock(&self, name: &str) -> Result<Option<Box<dyn SourceLock>>> {
        self.enter("lock").await?;
        self.inner.lock(name).await
    }

    fn fence(&self) -> Option<&dyn WriteFence> {
        self.inner.fence()
    }
}

fn is_end(item: &Result<ScanItem>) -> bool {
    matches!(item, Ok(ScanItem::End(_)))
}

/// Collects a scan and gives its batches backwards; its end, or its error, stays last.
async fn reversed(scan: BoxStream<'_, Result<ScanItem>>) -> BoxStream<'static, Result<ScanItem>> {
    let mut items: Vec<_> = scan.collect().await;
    let batches = items.iter().take_while(|item| matches!(item, Ok(ScanItem::Batch(_)))).count();
    items[..batches].reverse();
    stream::iter(items).boxed()
}

#[cfg(test)]
mod tests {
    use s3gc_source::{ColumnId, ReferenceBatch, ScanEnd};

    use super::*;

    #[derive(Debug)]
    struct ThreeBatches;

    impl ReferenceSource for ThreeBatches {
        fn name(&self) -> &str {
            "three"
        }

        fn scan(&self, _: ScanRequest) -> BoxStream<'_, Result<ScanItem>> {
            let batch = |key| Ok(ScanItem::Batch(ReferenceBatch::of_keys(ColumnId::new("c"), [key])));
            stream::iter([batch("a"), batch("b"), batch("c"), Ok(ScanItem::End(ScanEnd::new([])))]).boxed()
        }
    }

    async fn scan(plan: FaultPlan) -> Vec<String> {
        let source = FaultySource::new(Arc::new(ThreeBatches), plan);
        let shown = |item: Result<ScanItem>| match item {
            Ok(ScanItem::Batch(batch)) => batch.readings().map(|r| r.as_str().to_owned()).collect(),
            Ok(ScanItem::End(_)) => "end".to_owned(),
            Err(error) => format!("error, transient {}", error.is_transient()),
        };
        source.scan(ScanRequest::census()).map(shown).collect().await
    }

    #[tokio::test]
    async fn a_scan_goes_wrong_as_planned() {
        assert_eq!(scan(FaultPlan::new()).await, ["a", "b", "c", "end"]);
        assert_eq!(scan(FaultPlan::new().at("scan", 1, Fault::FailTransient)).await, ["error, transient true"]);
        assert_eq!(scan(FaultPlan::new().at("scan", 1, Fault::Truncate)).await, ["a"]);
        assert_eq!(scan(FaultPlan::new().at("scan", 1, Fault::Reorder)).await, ["c", "b", "a", "end"]);
        assert_eq!(scan(FaultPlan::new().at("batch", 3, Fault::Fail)).await, ["a", "b", "error, transient false"]);
        assert_eq!(scan(FaultPlan::new().at("batch", 4, Fault::Truncate)).await, ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn the_other_calls_fail_as_planned() {
        let plan = FaultPlan::new()
            .always("status", Fault::Fail)
            .always("drain", Fault::FailTransient)
            .always("lock", Fault::Fail);
        let source = FaultySource::new(Arc::new(ThreeBatches), plan.clone());
        assert!(!source.status().await.unwrap_err().is_transient());
        assert!(source.drain(Duration::ZERO).await.unwrap_err().is_transient());
        assert!(source.lock("x").await.is_err());
        assert_eq!(plan.fired(), 3);
    }
}
