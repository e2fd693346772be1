//! Why a key is kept, or why it is an orphan, since when, and when it is due.

use futures::{StreamExt, TryStreamExt, stream};
use s3gc_source::{ColumnId, Origin, Reading, ReferenceSource, ScanItem, ScanRequest};
use s3gc_store::{ObjectKey, ObjectMeta, Readable, Timestamp};
use serde::Serialize;

use crate::catalog::{EntryFilter, EntryId, EntryRecord, OrphanClock};
use crate::gc::Parts;
use crate::judge::{HoldSet, Kept, due_at, is_protected, is_young};
use crate::{Error, Result, Settings};

/// How many references are named.
const MAX_SIGHTINGS: usize = 20;

/// What is known of a key.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The key.
    pub key: ObjectKey,
    /// The object, if there is one.
    pub object: Option<ObjectMeta>,
    /// The verdict, if there is an object.
    pub verdict: Option<Verdict>,
    /// The references to it, the first twenty.
    pub references: Vec<Sighting>,
    /// How many references there are.
    pub reference_count: u64,
    /// Its clock, as the last census left it.
    pub clock: Option<OrphanClock>,
    /// Its copies in the vault, oldest first; those that were pruned say so.
    pub vault: Vec<EntryRecord>,
}

/// The verdict over an object, now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// It is kept.
    Kept {
        /// Why.
        reason: Kept,
    },
    /// Nothing references it.
    Unreferenced {
        /// Since when a census saw it so; `None` until the next complete census.
        since: Option<Timestamp>,
        /// When it is due.
        due_at: Option<Timestamp>,
    },
}

/// A reference to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// The source.
    pub source: String,
    /// The column.
    pub column: ColumnId,
    /// Row and value, where the source tells.
    pub origin: Option<Origin>,
    /// The value as it was read.
    pub reading: String,
    /// Whether it names a directory above the key.
    pub is_prefix: bool,
    /// The key that is named, if it is not this one but one that this one is derived from.
    pub base: Option<ObjectKey>,
}

pub(crate) async fn explain(parts: &Parts, key: &ObjectKey) -> Result<Explanation> {
    let object = match parts.store.head(key).await {
        Ok(meta) => Some(meta),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error.into()),
    };
    let keys: Vec<ObjectKey> = std::iter::once(key.clone()).chain(parts.settings.variants.bases(key)).collect();
    let found: Vec<(Vec<Sighting>, u64)> =
        stream::iter(&parts.sources).map(|source| find(&**source, &keys)).buffered(4).try_collect().await?;
    let reference_count = found.iter().map(|(_, count)| count).sum();
    let references: Vec<Sighting> =
        found.into_iter().flat_map(|(sightings, _)| sightings).take(MAX_SIGHTINGS).collect();
    let clock = parts.catalog.clocks(parts.store.location(), std::slice::from_ref(key)).await?.pop().flatten();
    let verdict = match &object {
        Some(meta) => Some(judge(parts, key, meta, reference_count > 0, clock.as_ref()).await?),
        None => None,
    };
    let filter = EntryFilter {
        location: Some(parts.store.location().clone()),
        key: Some(key.clone()),
        ..EntryFilter::default()
    };
    let vault = parts.catalog.entries(&filter, EntryId::default(), 1000).await?;
    Ok(Explanation { key: key.clone(), object, verdict, references, reference_count, clock, vault })
}

async fn judge(
    parts: &Parts,
    key: &ObjectKey,
    meta: &ObjectMeta,
    is_referenced: bool,
    clock: Option<&OrphanClock>,
) -> Result<Verdict> {
    let (settings, now) = (&parts.settings, parts.clock.now());
    let mut holds = HoldSet::load(&*parts.catalog, parts.store.location(), settings, &parts.work_dir()?, now).await?;
    let kept = |reason| Ok(Verdict::Kept { reason });
    if Settings::is_reserved(key) {
        return kept(Kept::Reserved);
    }
    if !settings.is_claimed(key) {
        return kept(Kept::Unclaimed);
    }
    if settings.is_excluded(key) {
        return kept(Kept::Excluded);
    }
    if let Some(reason) = holds.reason(key, &settings.variants) {
        return kept(reason);
    }
    if meta.readable != Readable::Yes {
        return kept(Kept::Archived);
    }
    if is_referenced {
        return kept(Kept::Referenced);
    }
    if is_young(meta.last_modified, settings.retention, now) {
        return kept(Kept::Young);
    }
    // What only a look at the object itself tells: a census does not, so it is in plans until it is staged.
    let tags = match &meta.tags {
        Some(tags) => tags.clone(),
        None => parts.store.tags(key).await?,
    };
    if is_protected(meta, &tags, now) {
        return kept(Kept::Held);
    }
    let clock = clock.filter(|clock| {
        clock.etag == meta.etag && ObjectMeta::is_same_instant(clock.last_modified, meta.last_modified)
    });
    let since = clock.map(|clock| clock.since);
    let due_at = since.and_then(|since| due_at(settings, &meta.etag, meta.last_modified, since));
    Ok(Verdict::Unreferenced { since, due_at })
}

/// Finds what names a key, or one of those that it is derived from.
async fn find(source: &dyn ReferenceSource, keys: &[ObjectKey]) -> Result<(Vec<Sighting>, u64)> {
    let (mut sightings, mut count, mut is_complete) = (Vec::new(), 0, false);
    let mut items = source.scan(ScanRequest::trace());
    while let Some(item) = items.next().await {
        let batch = match item? {
            ScanItem::Batch(batch) => batch,
            ScanItem::End(_) => {
                is_complete = true;
                continue;
            }
        };
        for value in batch.values() {
            let names = |reading: Reading<'_>, key: &ObjectKey| match reading {
                Reading::Key(name) => name == key.as_str(),
                Reading::Prefix(prefix) => key.as_str().starts_with(prefix),
            };
            let named =
                |(index, key)| value.readings().find(|reading| names(*reading, key)).map(|found| (index, found));
            let Some((index, reading)) = keys.iter().enumerate().find_map(named) else { continue };
            count += 1;
            if sightings.len() < MAX_SIGHTINGS {
                sightings.push(Sighting {
                    source: source.name().to_owned(),
                    column: batch.column().clone(),
                    origin: value.origin().cloned(),
                    reading: reading.as_str().to_owned(),
                    is_prefix: matches!(reading, Reading::Prefix(_)),
                    base: keys.get(index).filter(|_| index > 0).cloned(),
                });
            }
        }
    }
    if is_complete {
        Ok((sightings, count))
    } else {
        Err(Error::Incomplete { reason: format!("{}: the scan ended early", source.name()) })
    }
}
