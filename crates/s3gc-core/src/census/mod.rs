//! The census: one complete listing of the store and one complete scan of every source.

mod matches;
mod spool;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use s3gc_failpoint::{Point, hit};
use s3gc_source::{ColumnCounts, ColumnId, Reading, ReferenceSource, ScanItem, ScanRequest};
use s3gc_store::{ListItem, ListRequest, ObjectStore, SkippedName};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use matches::MatchSampler;
pub(crate) use spool::{ListSpool, ListSpoolWriter};

use crate::keyset::{KeySet, KeySetBuilder, Salt};
use crate::progress::{Phase, Progress};
use crate::{Error, Result, Settings};

/// How many names that cannot be keys a report shows.
const MAX_SKIPPED_SAMPLES: usize = 20;

/// What one source reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceCensus {
    /// The source's name.
    pub name: String,
    /// Each column, in the source's order.
    pub columns: Vec<ColumnCensus>,
}

/// What one column held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnCensus {
    /// Its name.
    pub column: ColumnId,
    /// Its counts.
    #[serde(flatten)]
    pub counts: ColumnCounts,
    /// How many values were sampled to see whether their objects exist.
    pub sampled: u64,
    /// How many of those have an object.
    pub matched: u64,
}

impl SourceCensus {
    /// Adds up the readings of all columns.
    #[must_use]
    pub fn readings(&self) -> u64 {
        self.columns.iter().map(|column| column.counts.readings).sum()
    }

    /// Adds up the values of all columns.
    #[must_use]
    pub fn values(&self) -> u64 {
        self.columns.iter().map(|column| column.counts.values).sum()
    }
}

/// A complete census, before it is judged.
#[derive(Debug)]
pub(crate) struct Census {
    pub(crate) spool: ListSpool,
    pub(crate) keys: KeySet,
    pub(crate) prefixes: KeySet,
    pub(crate) sources: Vec<SourceCensus>,
    pub(crate) matches: MatchSampler,
    pub(crate) skipped: u64,
    pub(crate) skipped_samples: Vec<(String, String)>,
}

/// What a census needs.
pub(crate) struct CensusTask<'a> {
    pub(crate) store: &'a Arc<dyn ObjectStore>,
    pub(crate) sources: &'a [Arc<dyn ReferenceSource>],
    pub(crate) settings: &'a Settings,
    pub(crate) work_dir: &'a Path,
    pub(crate) progress: &'a Progress,
    pub(crate) cancel: &'a CancellationToken,
}

impl CensusTask<'_> {
    /// Lists and scans. Every scan begins after the listing began: a key that is uploaded and referenced while the
    /// census runs is then either not listed or referenced, never listed and missed.
    pub(crate) async fn run(self) -> Result<Census> {
        let (began, has_begun) = oneshot::channel();
        let listing = Listing {
            store: Arc::clone(self.store),
            prefixes: claimed(self.settings),
            work_dir: self.work_dir.to_owned(),
            progress: self.progress.clone(),
        };
        self.progress.phase(Phase::List, None);
        let listing = AbortOnDropHandle::new(tokio::spawn(listing.run(began)));
        let references = async {
            // When the listing fails before its first page, its own error is the one to tell.
            if has_begun.await.is_ok() { self.scan_all(ScanRequest::census()).await.map(Some) } else { Ok(None) }
        };
        let both = async {
            let (listed, scanned) = tokio::join!(async { listing.await? }, references);
            // Both errors matter to the reader; the store's comes first since it was asked first.
            let listed = listed?;
            let scanned = scanned?.ok_or_else(|| Error::Internal("the listing ended before it began".into()))?;
            Ok::<_, Error>((listed, scanned))
        };
        let (listed, scanned) = tokio::select! {
            both = both => both?,
            () = self.cancel.cancelled() => return Err(Error::Cancelled),
        };
        self.progress.finished(Phase::List);
        let Referenced { keys, prefixes, sources, matches } = scanned.finish(self.work_dir)?;
        Ok(Census {
            spool: listed.spool,
            keys,
            prefixes,
            sources,
            matches,
            skipped: listed.skipped,
            skipped_samples: listed.samples,
        })
    }

    /// Scans every source for the newest commits, without a listing. Any failure fails all of it.
    pub(crate) async fn references(self) -> Result<Referenced> {
        tokio::select! {
            scanned = self.scan_all(ScanRequest::look()) => scanned?.finish(self.work_dir),
            () = self.cancel.cancelled() => Err(Error::Cancelled),
        }
    }

    async fn scan_all(&self, request: ScanRequest) -> Result<References> {
        self.progress.phase(Phase::Scan, None);
        let salt = Salt::random();
        let shared = Arc::new(Mutex::new(References {
            keys: KeySetBuilder::new(salt, self.settings.memory_bytes, self.work_dir),
            prefixes: KeySetBuilder::new(salt, self.settings.memory_bytes / 8, self.work_dir),
            matches: MatchSampler::new(salt),
            sources: Vec::new(),
        }));
        let mut scans = Vec::new();
        for source in self.sources {
            let (source, shared, progress) = (Arc::clone(source), Arc::clone(&shared), self.progress.clone());
            let work_dir = self.work_dir.to_owned();
            scans.push(AbortOnDropHandle::new(tokio::spawn(scan(source, request, shared, work_dir, progress))));
        }
        let mut sources = Vec::new();
        for scan in futures::future::try_join_all(scans).await? {
            sources.push(scan?);
        }
        self.progress.finished(Phase::Scan);
        let references = Arc::into_inner(shared).ok_or_else(|| Error::Internal("a scan is still running".into()))?;
        let references = references.into_inner().map_err(|_| Error::Internal("a scan panicked".into()))?;
        Ok(References { sources, ..references })
    }
}

#[derive(Debug)]
struct References {
    keys: KeySetBuilder,
    prefixes: KeySetBuilder,
    matches: MatchSampler,
    sources: Vec<SourceCensus>,
}

/// What the sources reference, all of them read to their ends.
#[derive(Debug)]
pub(crate) struct Referenced {
    pub(crate) keys: KeySet,
    pub(crate) prefixes: KeySet,
    pub(crate) sources: Vec<SourceCensus>,
    matches: MatchSampler,
}

impl References {
    fn finish(self, work_dir: &Path) -> Result<Referenced> {
        let io = || Error::io("sorting references in", work_dir);
        Ok(Referenced {
            keys: self.keys.finish().map_err(io())?,
            prefixes: self.prefixes.finish().map_err(io())?,
            sources: self.sources,
            matches: self.matches.finish(),
        })
    }

    fn add(&mut self, batch: &s3gc_source::ReferenceBatch) -> std::io::Result<()> {
        for reading in batch.readings() {
            match reading {
                Reading::Key(key) => self.keys.insert(key)?,
                Reading::Prefix(prefix) => self.prefixes.insert(prefix)?,
            }
        }
        self.matches.add(batch);
        Ok(())
    }
}

/// Reads one source to its explicit end.
async fn scan(
    source: Arc<dyn ReferenceSource>,
    request: ScanRequest,
    shared: Arc<Mutex<References>>,
    work_dir: PathBuf,
    progress: Progress,
) -> Result<SourceCensus> {
    let mut seen: BTreeMap<ColumnId, ColumnCounts> = BTreeMap::new();
    let mut end = None;
    let mut rows = 0;
    let mut items = source.scan(request);
    while let Some(item) = items.next().await {
        match item? {
            ScanItem::Batch(batch) if end.is_none() => {
                let mut shared = shared.lock().map_err(|_| Error::Internal("a scan panicked".into()))?;
                shared.add(&batch).map_err(Error::io("sorting references in", &work_dir))?;
                drop(shared);
                rows += batch.counts().rows;
                progress.advance(Phase::Scan, rows, 0);
                seen.entry(batch.column().clone()).or_default().add(batch.counts());
            }
            ScanItem::End(columns) if end.is_none() => end = Some(columns),
            ScanItem::Batch(_) | ScanItem::End(_) => {
                return Err(incomplete(source.name(), "it went on after its end"));
            }
        }
    }
    let end = end.ok_or_else(|| incomplete(source.name(), "the scan ended without saying that it is complete"))?;
    let mut columns = Vec::new();
    for (column, counts) in end.columns {
        let counted = seen.remove(&column).unwrap_or_default();
        if (counted.rows, counted.values, counted.readings) != (counts.rows, counts.values, counts.readings) {
            return Err(incomplete(source.name(), &format!("{column}: its batches do not add up to its counts")));
        }
        columns.push(ColumnCensus { column, counts, sampled: 0, matched: 0 });
    }
    if let Some((column, _)) = seen.first_key_value() {
        return Err(incomplete(source.name(), &format!("{column}: read, but not named at the end")));
    }
    Ok(SourceCensus { name: source.name().to_owned(), columns })
}

fn incomplete(name: &str, reason: &str) -> Error {
    Error::Incomplete { reason: format!("{name}: {reason}") }
}

/// The prefixes to list: the claimed ones without those that another covers, or everything.
fn claimed(settings: &Settings) -> Vec<String> {
    let mut prefixes: Vec<String> = settings.prefixes.iter().map(|prefix| prefix.as_str().to_owned()).collect();
    prefixes.sort_unstable();
    prefixes.dedup_by(|next, kept| next.starts_with(kept.as_str()));
    if prefixes.is_empty() { vec![String::new()] } else { prefixes }
}

struct Listing {
    store: Arc<dyn ObjectStore>,
    prefixes: Vec<String>,
    work_dir: PathBuf,
    progress: Progress,
}

struct Listed {
    spool: ListSpool,
    skipped: u64,
    samples: Vec<(String, String)>,
}

impl Listing {
    async fn run(self, began: oneshot::Sender<()>) -> Result<Listed> {
        let spool_error = || Error::io("writing a spool in", self.work_dir.clone());
        let mut spool = ListSpoolWriter::create(&self.work_dir).map_err(spool_error())?;
        let mut began = Some(began);
        let (mut skipped, mut samples) = (0_u64, Vec::new());
        for prefix in &self.prefixes {
            let (mut entries, mut names, mut end) = (0_u64, 0_u64, None);
            let mut items = self.store.list(ListRequest::new(prefix.clone()));
            while let Some(item) = items.next().await {
                let item = item?;
                if let Some(began) = began.take() {
                    // The receiver is gone only when the census was given up.
                    began.send(()).map_err(|()| Error::Cancelled)?;
                }
                match item {
                    ListItem::Page(page) if end.is_none() => {
                        entries += page.entries.len() as u64;
                        names += page.skipped.len() as u64;
                        spool.push(&page.entries).map_err(spool_error())?;
                        sample(&mut samples, page.skipped);
                        self.progress.advance(Phase::List, spool.count(), spool.bytes());
                    }
                    ListItem::End(said) if end.is_none() => end = Some(said),
                    ListItem::Page(_) | ListItem::End(_) => {
                        return Err(incomplete(self.store.location().as_str(), "the listing went on after its end"));
                    }
                }
            }
            let name = self.store.location().as_str();
            let end = end.ok_or_else(|| incomplete(name, "the listing ended without saying that it is complete"))?;
            if (end.entries, end.skipped) != (entries, names) {
                return Err(incomplete(name, "the pages of the listing do not add up to its counts"));
            }
            skipped += names;
        }
        let spool = spool.finish().map_err(spool_error())?;
        hit(Point::ListingSpooled);
        Ok(Listed { spool, skipped, samples })
    }
}

fn sample(samples: &mut Vec<(String, String)>, skipped: Vec<SkippedName>) {
    let room = MAX_SKIPPED_SAMPLES.saturating_sub(samples.len());
    samples.extend(skipped.into_iter().take(room).map(|skipped| (skipped.name, skipped.reason)));
}
