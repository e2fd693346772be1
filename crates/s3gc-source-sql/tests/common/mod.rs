//! What the tests of all databases share.
#![allow(dead_code, reason = "each test file uses a part")]

use futures::StreamExt;
use s3gc_source::extract::ExtractConfig;
use s3gc_source::{ColumnCounts, Error, ReferenceBatch, ReferenceSource, ScanItem, ScanRequest};
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};

/// The bucket of all tests.
pub(crate) fn bucket() -> ExtractConfig {
    ExtractConfig { bucket: "photos".into(), ..ExtractConfig::default() }
}

pub(crate) async fn connect(
    url: &str,
    references: impl IntoIterator<Item = Reference>,
) -> s3gc_source::Result<SqlSource> {
    SqlSource::connect(SqlConfig::new("main", url, references), &bucket()).await
}

/// The whole text of an error: the chain of its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// A complete scan.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) batches: Vec<ReferenceBatch>,
    pub(crate) columns: Vec<(String, ColumnCounts)>,
}

impl Scan {
    pub(crate) fn has(&self, key: &str) -> bool {
        self.batches.iter().flat_map(ReferenceBatch::readings).any(|r| r.as_str() == key)
    }

    pub(crate) fn counts(&self, column: &str) -> &ColumnCounts {
        &self.columns.iter().find(|(name, _)| name == column).unwrap_or_else(|| panic!("no {column}")).1
    }

    /// The rows that name a key.
    pub(crate) fn rows(&self, key: &str) -> Vec<String> {
        let values = self.batches.iter().flat_map(ReferenceBatch::values);
        let values = values.filter(|v| v.readings().any(|r| r.as_str() == key));
        values.filter_map(|v| v.origin().map(|o| o.row.clone())).collect()
    }
}

pub(crate) async fn scan(source: &SqlSource, request: ScanRequest) -> Result<Scan, Error> {
    let mut scan = Scan::default();
    let mut items = source.scan(request);
    while let Some(item) = items.next().await {
        match item? {
            ScanItem::Batch(batch) => scan.batches.push(batch),
            ScanItem::End(end) => {
                scan.columns = end.columns.into_iter().map(|(id, counts)| (id.to_string(), counts)).collect();
            }
        }
    }
    assert!(!scan.columns.is_empty(), "the scan has no end");
    Ok(scan)
}

/// Asserts that connecting fails, and that the chain of errors holds all of these.
pub(crate) async fn refused(url: &str, references: impl IntoIterator<Item = Reference>, parts: &[&str]) -> Error {
    let error = connect(url, references).await.expect_err("this must be refused");
    let text = chain(&error);
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    error
}
