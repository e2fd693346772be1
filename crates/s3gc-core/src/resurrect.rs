//! The resurrection monitor: each census also looks whether something references an object that is in the vault alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use s3gc_store::{ObjectKey, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::{AuditDraft, is_told};
use crate::catalog::{EntryId, EntryRecord, EntryState, Mode};
use crate::census::Census;
use crate::gc::{Parts, RunContext};
use crate::judge::{References, Tally, chunk_size};
use crate::preflight::Preflight;
use crate::report::RunReport;
use crate::restore::{IfExists, RestoreOptions, RestoreOutcome, find_newest, restore_entry};
use crate::sweep::probe;
use crate::{Error, Result, RunId};

/// How many objects a report names.
const MAX_NAMED: usize = 50;
const CONCURRENCY: usize = 16;
/// The kind of the audit entry that each of them leaves once.
const KIND: &str = "resurrection";

/// References to objects that were deleted, as a census saw them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResurrectionReport {
    /// Objects that something references, and that are in the vault alone.
    pub found: Tally,
    /// Of those, the ones that this run brought back.
    pub restored: Tally,
    /// Of those, the ones that could not be brought back.
    pub failed: Tally,
    /// Some of them.
    pub named: Vec<Resurrected>,
}

impl ResurrectionReport {
    /// How many are referenced and still in the vault alone.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.found.objects.saturating_sub(self.restored.objects)
    }
}

/// An object that was deleted and is referenced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resurrected {
    /// Its key.
    pub key: ObjectKey,
    /// The length of its bytes.
    pub size_bytes: u64,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// The run that staged it.
    pub run: Option<RunId>,
    /// What became of its restore, if this run tried one.
    pub outcome: Option<RestoreOutcome>,
}

/// Finds the objects in the vault that the references of a census name and the bucket does not have, and writes each
/// into the audit chain once.
pub(crate) async fn find(parts: &Parts, run: &RunContext, census: &mut Census) -> Result<Vec<EntryRecord>> {
    let location = parts.store.location();
    let mut referenced = BTreeSet::new();
    let limit = u32::try_from(chunk_size(&census.keys, &census.prefixes)).unwrap_or(u32::MAX);
    let mut references = References::of(census, &parts.settings);
    let mut after = EntryId::default();
    loop {
        let page = parts.catalog.vaulted(location, after, limit).await?;
        let Some(last) = page.last() else { break };
        after = last.0;
        let keys: Vec<&ObjectKey> = page.iter().map(|(_, key)| key).collect();
        let found = references.name(&keys).map_err(Error::io("reading references in", &run.work_dir))?;
        referenced.extend(keys.into_iter().zip(found).filter(|(_, found)| *found).map(|(key, _)| key.clone()));
    }
    let gone = stream::iter(referenced).map(|key| async move {
        match parts.store.head(&key).await {
            // It was uploaded again: what is referenced is there.
            Ok(_) => Ok(None),
            Err(error) if error.is_not_found() => Ok(Some(key)),
            Err(error) => Err(Error::from(error)),
        }
    });
    let gone: Vec<Option<ObjectKey>> = gone.buffered(CONCURRENCY).try_collect().await?;
    let mut found = Vec::new();
    for key in gone.into_iter().flatten() {
        let states = [EntryState::Sent, EntryState::Deleted, EntryState::Restored];
        // One that was restored and is gone again was deleted by somebody else; one that was sent waits for its answer.
        let newest = find_newest(parts, &key, &states).await?;
        found.extend(newest.filter(|entry| entry.state == EntryState::Deleted && entry.pruned_at.is_none()));
    }
    for entry in &found {
        tell(parts, run, entry).await?;
    }
    Ok(found)
}

/// Brings what was found back, where the configuration and the store allow it.
pub(crate) async fn bring_back(
    parts: &Arc<Parts>,
    run: &RunContext,
    preflight: &Preflight,
    mode: Mode,
    found: Vec<EntryRecord>,
    report: &mut RunReport,
) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let count = found.len();
    let by_hand = |why: &str| format!("{count} deleted objects are referenced, {why}: s3gc missing names them");
    let mut is_possible = false;
    if !parts.settings.auto_restore {
        report.notes.push(by_hand("and [vault] auto_restore is off"));
    } else if mode != Mode::Execute {
        report.notes.push(by_hand("and only a run in execute mode brings them back"));
    } else if report.brakes.iter().any(|brake| brake.name == "identity") {
        report.notes.push(by_hand("in a database that is another one than before"));
    } else if !probe(&*parts.store, &preflight.store, run.id).await?.creates_only {
        report.notes.push(by_hand("and the store ignores If-None-Match, so that a restore could replace an upload"));
    } else {
        is_possible = true;
    }
    let outcomes = stream::iter(found).map(|entry| async move {
        let outcome = if is_possible {
            Some(restore_entry(parts, &entry, IfExists::Skip, &RestoreOptions::default()).await?)
        } else {
            None
        };
        Ok::<_, Error>((entry, outcome))
    });
    let outcomes: Vec<_> = outcomes.buffered(CONCURRENCY).try_collect().await?;
    for (entry, outcome) in outcomes {
        let resurrected = &mut report.resurrected;
        let size_bytes = entry.entry.meta.size_bytes;
        resurrected.found.add(size_bytes);
        match &outcome {
            Some(RestoreOutcome::Restored) => resurrected.restored.add(size_bytes),
            Some(RestoreOutcome::Failed(reason) | RestoreOutcome::Locked(reason)) => {
                tracing::warn!(key = %entry.entry.key, %reason, "deleted, referenced, and not restored");
                resurrected.failed.add(size_bytes);
            }
            // Pruned since it was found: `s3gc missing` names it.
            Some(RestoreOutcome::Pruned(_)) => resurrected.failed.add(size_bytes),
            Some(RestoreOutcome::Planned | RestoreOutcome::Exists) | None => {}
        }
        if resurrected.named.len() < MAX_NAMED {
            resurrected.named.push(Resurrected {
                run: entry.entry.run.parse().ok(),
                key: entry.entry.key,
                size_bytes,
                deleted_at: entry.settled_at,
                outcome,
            });
        }
    }
    Ok(())
}

/// Writes into the audit chain that something references a deleted object, unless it says so already.
async fn tell(parts: &Parts, run: &RunContext, entry: &EntryRecord) -> Result<()> {
    let (location, key) = (parts.store.location(), &entry.entry.key);
    if is_told(&*parts.catalog, location, KIND, key, |detail| detail["entry"] == json!(entry.id)).await? {
        return Ok(());
    }
    tracing::warn!(%key, "something references an object that was deleted");
    let draft = AuditDraft {
        at: parts.clock.now(),
        run: Some(run.id),
        location: Some(location.clone()),
        kind: KIND.into(),
        key: Some(key.as_str().to_owned()),
        detail: json!({ "entry": entry.id, "pack": entry.pack, "deleted_at": entry.settled_at }),
    };
    parts.catalog.append_audit(vec![draft]).await?;
    Ok(())
}
