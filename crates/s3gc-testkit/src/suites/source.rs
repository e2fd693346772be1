//! The contract of [`ReferenceSource`].

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt;
use s3gc_source::{
    ColumnCounts, ColumnId, Drain, Error, Reading, ReferenceBatch, ReferenceSource, ScanEnd, ScanItem, ScanRequest,
};

use super::skip;

suite!($ reference_source_suite, source, [
    clause_01_scan_yields_what_is_committed,
    clause_02_scan_ends_with_one_end,
    clause_03_a_scan_that_fails_has_no_end,
    clause_04_every_column_is_named_with_its_counts,
    clause_05_two_scans_run_at_the_same_time,
    clause_06_a_traced_value_has_its_origin,
    clause_07_the_identity_stays_the_same,
    clause_08_drain_waits_for_open_transactions,
    clause_09_a_lock_excludes_a_second_holder,
    clause_10_a_reading_is_never_empty,
]);

/// Long enough for anything that should happen at once.
const SOON: Duration = Duration::from_secs(30);

/// A source without references, and a hand on its data.
pub struct Fixture {
    /// The source.
    pub source: Arc<dyn ReferenceSource>,
    data: Box<dyn Data>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

/// What the application does with its data.
#[async_trait]
pub trait Data: Send + Sync {
    /// Refers to a key, in a committed transaction.
    async fn insert(&self, key: &str);

    /// Takes the reference to a key away, in a committed transaction.
    async fn remove(&self, key: &str);

    /// Makes a part of what the source reads unreadable; `false` if there is no way to.
    async fn spoil(&self) -> bool {
        false
    }

    /// Begins a transaction that refers to a key and is not over; `None` if there are no transactions.
    async fn begin(&self, key: &str) -> Option<Box<dyn Open>> {
        let _: &str = key;
        None
    }
}

/// A transaction that is not over.
#[async_trait]
pub trait Open: Send + Sync {
    /// Commits it.
    async fn commit(self: Box<Self>);
}

impl Fixture {
    /// Tests this source, which has no references yet.
    pub fn new(source: impl ReferenceSource, data: impl Data + 'static) -> Self {
        Self { source: Arc::new(source), data: Box::new(data), kept: Vec::new() }
    }

    /// Keeps something alive as long as the fixture: a temporary directory, a server.
    #[must_use]
    pub fn with_kept(mut self, kept: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(kept));
        self
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").field("source", &self.source).finish_non_exhaustive()
    }
}

/// Clause 1, in a census and in a look.
pub async fn clause_01_scan_yields_what_is_committed(fixture: &Fixture) {
    for request in [ScanRequest::census(), ScanRequest::look(), ScanRequest::trace()] {
        let keys: Vec<String> = (0..300).map(|n| format!("clé {n}/{request:?}.jpg")).collect();
        for key in &keys {
            fixture.data.insert(key).await;
        }
        let found = scan(fixture, request).await;
        for key in &keys {
            assert!(found.has(key), "{request:?} misses {key:?}");
        }
        fixture.data.remove(&keys[0]).await;
        fixture.data.insert("another.jpg").await;
        let found = scan(fixture, request).await;
        assert!(!found.has(&keys[0]), "{request:?} still has what was removed");
        assert!(found.has(&keys[1]) && found.has("another.jpg"), "{request:?}");
        fixture.data.remove("another.jpg").await;
    }
}

/// Clause 2, with and without references.
pub async fn clause_02_scan_ends_with_one_end(fixture: &Fixture) {
    assert!(scan(fixture, ScanRequest::census()).await.keys.is_empty(), "the fixture's source is not empty");
    fixture.data.insert("a.jpg").await;
    // `scan` itself sees to the rest.
    assert_eq!(scan(fixture, ScanRequest::census()).await.keys.len(), 1);
}

/// Clause 3.
pub async fn clause_03_a_scan_that_fails_has_no_end(fixture: &Fixture) {
    fixture.data.insert("a.jpg").await;
    if !fixture.data.spoil().await {
        return skip("clause 3", "the fixture cannot make a part unreadable");
    }
    for request in [ScanRequest::census(), ScanRequest::look()] {
        let items: Vec<_> = fixture.source.scan(request).collect().await;
        let errors = items.iter().filter(|item| item.is_err()).count();
        assert_eq!(errors, 1, "{request:?}: a part cannot be read, and there is no error: {items:?}");
        assert!(items.last().is_some_and(Result::is_err), "{request:?} goes on after an error: {items:?}");
        let ends = items.iter().filter(|item| matches!(item, Ok(ScanItem::End(_)))).count();
        assert_eq!(ends, 0, "{request:?} fails and has an end");
    }
}

/// Clause 4.
pub async fn clause_04_every_column_is_named_with_its_counts(fixture: &Fixture) {
    let empty = scan(fixture, ScanRequest::census()).await;
    assert!(!empty.end.columns.is_empty(), "a source has columns, without rows too");
    for n in 0..200 {
        fixture.data.insert(&format!("many/{n}.jpg")).await;
    }
    let full = scan(fixture, ScanRequest::census()).await;
    let names = |found: &Found| found.end.columns.iter().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>();
    assert_eq!(names(&empty), names(&full), "the columns without rows are others than the columns with rows");
    assert_eq!(names(&full).len(), full.end.columns.len(), "a column is named twice");
    for (id, counts) in &full.end.columns {
        let sum = full.sums.get(id).cloned().unwrap_or_default();
        let without_samples = |counts: &ColumnCounts| ColumnCounts { unread_samples: Vec::new(), ..counts.clone() };
        assert_eq!(without_samples(counts), without_samples(&sum), "{id} is not the sum of its batches");
    }
    for id in full.sums.keys() {
        assert!(names(&full).contains(id), "{id} has batches and is not in the end");
    }
}

/// Clause 5.
pub async fn clause_05_two_scans_run_at_the_same_time(fixture: &Fixture) {
    fixture.data.insert("first.jpg").await;
    let mut first = fixture.source.scan(ScanRequest::census());
    let mut begun = vec![first.next().await.expect("a scan has items")];
    fixture.data.insert("second.jpg").await;
    let second = scan(fixture, ScanRequest::look()).await;
    assert!(second.has("first.jpg") && second.has("second.jpg"), "a scan misses what was committed before it began");
    begun.extend(first.collect::<Vec<_>>().await);
    assert!(check(begun).has("first.jpg"), "the first scan was disturbed by the second");
    let (third, fourth) = tokio::join!(scan(fixture, ScanRequest::census()), scan(fixture, ScanRequest::look()));
    assert!(third.has("second.jpg") && fourth.has("second.jpg"));
}

/// Clause 6.
pub async fn clause_06_a_traced_value_has_its_origin(fixture: &Fixture) {
    for key in ["a.jpg", "b.jpg", "c.jpg"] {
        fixture.data.insert(key).await;
    }
    let found = scan(fixture, ScanRequest::trace()).await;
    let with = found.batches.iter().flat_map(ReferenceBatch::values).filter(|v| v.origin().is_some()).count();
    let all = found.batches.iter().flat_map(ReferenceBatch::values).count();
    assert!(with == all || with == 0, "{with} of {all} values have an origin");
    if with == 0 {
        return skip("clause 6", "the source cannot trace");
    }
    for value in found.batches.iter().flat_map(ReferenceBatch::values) {
        let origin = value.origin().expect("all have one");
        assert!(!origin.row.is_empty(), "{origin:?} names no row");
        assert!(value.readings().any(|r| origin.value.contains(r.as_str())), "{origin:?} is not of this value");
    }
}

/// Clause 7.
pub async fn clause_07_the_identity_stays_the_same(fixture: &Fixture) {
    let Some(first) = fixture.source.status().await.expect("status") else {
        return skip("clause 7", "the source tells no status");
    };
    fixture.data.insert("a.jpg").await;
    let second = fixture.source.status().await.expect("status").expect("a status once, a status always");
    assert_eq!(first.identity, second.identity);
    assert!(first.position <= second.position, "the position goes back");
    assert!(first.now <= second.now, "the clock goes back");
}

/// Clause 8.
pub async fn clause_08_drain_waits_for_open_transactions(fixture: &Fixture) {
    let drain = async |patience| fixture.source.drain(patience).await.expect("drain");
    assert_eq!(drain(SOON).await, Drain::Done, "nothing is open");
    let Some(open) = fixture.data.begin("open.jpg").await else {
        return skip("clause 8", "the source has no transactions");
    };
    let Drain::Blocked { by } = drain(Duration::from_millis(500)).await else {
        panic!("drain does not wait for an open transaction")
    };
    assert!(!by.is_empty(), "the blocker is not named");
    let begun = Instant::now();
    let (done, ()) = tokio::join!(drain(SOON), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        open.commit().await;
    });
    assert_eq!(done, Drain::Done);
    assert!(begun.elapsed() >= Duration::from_millis(700), "drain was done before the transaction was over");
    assert!(scan(fixture, ScanRequest::look()).await.has("open.jpg"), "what was drained is not seen");
}

/// Clause 9.
pub async fn clause_09_a_lock_excludes_a_second_holder(fixture: &Fixture) {
    let lock = async |name| fixture.source.lock(name).await;
    let Some(mut first) = lock("s3://one").await.expect("nobody holds it") else {
        return skip("clause 9", "the source has no locks");
    };
    first.is_held().await.expect("it is held");
    let second = lock("s3://one").await;
    assert!(matches!(second, Err(Error::Locked { .. })), "a second holder: {second:?}");
    let other = lock("s3://two").await.expect("another name is free").expect("a lock");
    first.is_held().await.expect("it is still held");
    drop(first);
    lock("s3://one").await.expect("it is free again").expect("a lock").is_held().await.expect("it is held");
    drop(other);
}

/// Clause 10.
pub async fn clause_10_a_reading_is_never_empty(fixture: &Fixture) {
    for key in
        ["", " ", "/", "//", "?", "#", "https://example.org", "https://example.org/", "s3://", "{}", "[]", "\"\""]
    {
        fixture.data.insert(key).await;
    }
    let found = scan(fixture, ScanRequest::census()).await;
    for reading in found.batches.iter().flat_map(ReferenceBatch::readings) {
        assert!(!reading.as_str().is_empty(), "an empty reading");
        if let Reading::Prefix(prefix) = reading {
            assert!(prefix.ends_with('/'), "the prefix {prefix:?} ends at no delimiter");
        }
    }
}

/// A complete scan.
struct Found {
    batches: Vec<ReferenceBatch>,
    keys: BTreeSet<String>,
    sums: BTreeMap<ColumnId, ColumnCounts>,
    end: ScanEnd,
}

impl Found {
    fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }
}

async fn scan(fixture: &Fixture, request: ScanRequest) -> Found {
    check(fixture.source.scan(request).collect().await)
}

/// Checks that the items are those of a complete scan: batches, one end, nothing after it.
fn check(items: Vec<s3gc_source::Result<ScanItem>>) -> Found {
    let mut found = Found { batches: Vec::new(), keys: BTreeSet::new(), sums: BTreeMap::new(), end: ScanEnd::new([]) };
    let mut ended = false;
    for item in items {
        assert!(!ended, "something comes after the end: {item:?}");
        match item.expect("the scan does not fail") {
            ScanItem::Batch(batch) => {
                found.keys.extend(batch.readings().map(|r| r.as_str().to_owned()));
                found.sums.entry(batch.column().clone()).or_default().add(batch.counts());
                found.batches.push(batch);
            }
            ScanItem::End(end) => {
                ended = true;
                found.end = end;
            }
        }
    }
    assert!(ended, "the scan has no end");
    found
}

#[cfg(test)]
mod tests {
    use super::super::{clause_numbers, numbers_of};
    use super::*;

    #[test]
    fn every_clause_of_the_trait_has_a_test() {
        let source = include_str!("../../../s3gc-source/src/source.rs");
        assert_eq!(numbers_of(CLAUSES), clause_numbers(source, "ReferenceSource"));
    }
}
