//! References whose object is not there, and the copies in the vault that could fill the gap.

use std::collections::BTreeMap;

use futures::StreamExt;
use s3gc_source::{ColumnId, Origin, Reading, ReferenceSource, ScanItem, ScanRequest, ValueRef};
use s3gc_store::{ListItem, ListRequest, ObjectKey, Timestamp};
use serde::Serialize;

use crate::catalog::{EntryRecord, EntryState};
use crate::gc::Parts;
use crate::judge::prefixes_of;
use crate::keyset::{KeySet, KeySetBuilder, Salt};
use crate::restore::find_newest;
use crate::{Error, Result};

/// How many readings of one value are looked up, and how many are shown.
const MAX_READINGS: usize = 64;
const SHOWN_READINGS: usize = 4;

/// What is referenced and not there.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MissingReport {
    /// Each column, in the order of the sources.
    pub columns: Vec<MissingColumn>,
    /// Some of the values, at most so many of each column as were asked for.
    pub references: Vec<MissingReference>,
}

/// How many values of one column name an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingColumn {
    /// The source.
    pub source: String,
    /// The column.
    pub column: ColumnId,
    /// Its values that can be read as keys.
    pub values: u64,
    /// Those of which no reading names an object. In a column of prose that is most of them, and means nothing.
    pub missing: u64,
}

/// A value that names no object.
#[derive(Clone, Debug, Serialize)]
pub struct MissingReference {
    /// The source.
    pub source: String,
    /// The column.
    pub column: ColumnId,
    /// Row and value, where the source tells.
    pub origin: Option<Origin>,
    /// The keys that the value may mean, the first four.
    pub keys: Vec<String>,
    /// The newest copy in the vault of one of them: `s3gc restore KEY` brings it back.
    pub vault: Option<EntryRecord>,
    /// When that copy was pruned from the vault, if it was: then there is none to bring back.
    pub pruned_at: Option<Timestamp>,
}

/// Lists the whole store, and then scans every source. A value is missing if none of its readings was listed and, asked
/// for once more, none of them is there: it may have been uploaded since the listing.
pub(crate) async fn missing(parts: &Parts, limit: usize) -> Result<MissingReport> {
    let mut listed = list(parts).await?;
    let mut report = MissingReport::default();
    for source in &parts.sources {
        scan(parts, &**source, &mut listed, limit, &mut report).await?;
    }
    Ok(report)
}

/// What is in the store: its keys, and the directories that they make.
struct Listed {
    keys: KeySet,
    directories: KeySet,
}

async fn list(parts: &Parts) -> Result<Listed> {
    let (work_dir, salt, memory) = (parts.work_dir()?, Salt::random(), parts.settings.memory_bytes);
    let io = || Error::io("sorting keys in", &work_dir);
    let mut keys = KeySetBuilder::new(salt, memory, &work_dir);
    let mut directories = KeySetBuilder::new(salt, memory / 8, &work_dir);
    let mut before = String::new();
    let mut is_complete = false;
    let mut items = parts.store.list(ListRequest::new(""));
    while let Some(item) = items.next().await {
        let page = match item? {
            ListItem::Page(page) => page,
            ListItem::End(_) => {
                is_complete = true;
                continue;
            }
        };
        for entry in page.entries {
            keys.insert(entry.key.as_str()).map_err(io())?;
            let directory = entry.key.as_str().rsplit_once('/').map_or("", |(directory, _)| directory);
            if directory != before {
                for prefix in prefixes_of(entry.key.as_str()) {
                    directories.insert(prefix).map_err(io())?;
                }
                directory.clone_into(&mut before);
            }
        }
    }
    if !is_complete {
        return Err(Error::Incomplete { reason: format!("{}: the listing ended early", parts.store.location()) });
    }
    Ok(Listed { keys: keys.finish().map_err(io())?, directories: directories.finish().map_err(io())? })
}

impl Listed {
    /// Tells for each reading whether an object has it.
    fn contains(&mut self, readings: &[Reading<'_>]) -> std::io::Result<Vec<bool>> {
        let salt = self.keys.salt();
        let probes: Vec<u64> = readings.iter().map(|reading| salt.fingerprint(reading.as_str())).collect();
        let is_prefix = |reading: &Reading<'_>| matches!(reading, Reading::Prefix(_));
        let mut found = self.keys.contains(&probes)?;
        if readings.iter().any(is_prefix) {
            let directories = self.directories.contains(&probes)?;
            for ((found, reading), is_directory) in found.iter_mut().zip(readings).zip(directories) {
                if is_prefix(reading) {
                    *found = is_directory;
                }
            }
        }
        Ok(found)
    }
}

async fn scan(
    parts: &Parts,
    source: &dyn ReferenceSource,
    listed: &mut Listed,
    limit: usize,
    report: &mut MissingReport,
) -> Result<()> {
    let mut columns: BTreeMap<ColumnId, MissingColumn> = BTreeMap::new();
    let mut named: BTreeMap<ColumnId, usize> = BTreeMap::new();
    let mut end = None;
    let mut items = source.scan(ScanRequest::trace());
    while let Some(item) = items.next().await {
        let batch = match item? {
            ScanItem::Batch(batch) => batch,
            ScanItem::End(said) => {
                end = Some(said);
                continue;
            }
        };
        let column = columns.entry(batch.column().clone()).or_insert_with(|| MissingColumn {
            source: source.name().to_owned(),
            column: batch.column().clone(),
            values: 0,
            missing: 0,
        });
        let named = named.entry(batch.column().clone()).or_default();
        let readings: Vec<Reading<'_>> = batch.readings().collect();
        let found = listed.contains(&readings).map_err(Error::io("looking up keys in", parts.work_dir()?))?;
        let mut found = found.into_iter();
        for value in batch.values() {
            let count = value.readings().count();
            if count == 0 {
                continue;
            }
            column.values += 1;
            if found.by_ref().take(count).fold(false, |any, hit| any | hit) {
                continue;
            }
            if *named >= limit {
                column.missing += 1;
            } else if !is_there(parts, value).await? {
                column.missing += 1;
                *named += 1;
                report.references.push(name(parts, source, batch.column(), value).await?);
            }
        }
    }
    let end = end.ok_or_else(|| Error::Incomplete { reason: format!("{}: the scan ended early", source.name()) })?;
    report.columns.extend(end.columns.iter().filter_map(|(column, _)| columns.remove(column)));
    Ok(())
}

/// Asks the store itself: the value may be younger than the listing.
async fn is_there(parts: &Parts, value: ValueRef<'_>) -> Result<bool> {
    for reading in value.readings().take(MAX_READINGS) {
        let is_there = match reading {
            Reading::Key(key) => match ObjectKey::new(key) {
                Ok(key) => match parts.store.head(&key).await {
                    Ok(_) => true,
                    Err(error) if error.is_not_found() => false,
                    Err(error) => return Err(error.into()),
                },
                Err(_) => false,
            },
            Reading::Prefix(prefix) => match parts.store.list(ListRequest::new(prefix)).next().await.transpose()? {
                Some(ListItem::Page(page)) => !page.entries.is_empty(),
                Some(ListItem::End(_)) | None => false,
            },
        };
        if is_there {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn name(
    parts: &Parts,
    source: &dyn ReferenceSource,
    column: &ColumnId,
    value: ValueRef<'_>,
) -> Result<MissingReference> {
    let mut vault: Option<EntryRecord> = None;
    for reading in value.readings().take(MAX_READINGS) {
        let Ok(key) = ObjectKey::new(reading.as_str()) else { continue };
        let copy = find_newest(parts, &key, &[EntryState::Deleted, EntryState::Restored]).await?;
        // One that is there before one that was pruned: they are readings of one value.
        let place = |entry: &EntryRecord| (entry.pruned_at.is_none(), entry.entry.staged_at, entry.id);
        vault = vault.into_iter().chain(copy).max_by_key(place);
    }
    let pruned_at = vault.as_ref().and_then(|entry| entry.pruned_at);
    Ok(MissingReference {
        source: source.name().to_owned(),
        column: column.clone(),
        origin: value.origin().cloned(),
        keys: value.readings().take(SHOWN_READINGS).map(|reading| reading.as_str().to_owned()).collect(),
        vault: vault.filter(|_| pruned_at.is_none()),
        pruned_at,
    })
}
