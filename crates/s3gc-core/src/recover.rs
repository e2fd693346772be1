//! Recovery: the next start puts right what a dead process left, from its intents. It never deletes.

use std::sync::Arc;

use s3gc_store::VersionId;
use serde_json::json;

use crate::audit::AuditDraft;
use crate::catalog::{EntryId, EntryRecord, EntryState, RunState, Settlement};
use crate::gc::{Parts, RunContext};
use crate::judge::is_same;
use crate::plan::PlanEntry;
use crate::progress::Phase;
use crate::report::RecoverReport;
use crate::sweep::remove_own_marker;
use crate::{Result, RunId};

/// How many entries are put right at a time.
const PAGE: u32 = 500;

/// Settles every entry whose request can not land any more. Returns the entries that turned out to be deleted: if the
/// census finds them referenced, they come back.
pub(crate) async fn recover(
    parts: &Arc<Parts>,
    run: &RunContext,
    report: &mut RecoverReport,
) -> Result<Vec<EntryRecord>> {
    run.progress.phase(Phase::Recover, None);
    close_dead_runs(parts, run.id).await?;
    let now = parts.clock.now();
    let (mut after, mut deleted) = (EntryId::default(), Vec::new());
    loop {
        let page = parts.catalog.unsettled(parts.store.location(), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for entry in page {
            let outcome = match entry.sent_at {
                None => Found::PutBack,
                Some(sent_at) => {
                    let dead_at =
                        sent_at.checked_add(parts.settings.settle_after).unwrap_or(s3gc_store::Timestamp::MAX);
                    if dead_at > now {
                        report.waiting += 1;
                        continue;
                    }
                    look_for(parts, run, &entry, sent_at).await?
                }
            };
            settle(parts, run, &entry, &outcome).await?;
            match outcome {
                Found::PutBack => report.put_back += 1,
                Found::Changed => report.changed += 1,
                Found::Deleted(_) => {
                    report.deleted += 1;
                    deleted.push(entry);
                }
            }
        }
    }
    run.progress.finished(Phase::Recover);
    Ok(deleted)
}

/// Runs of this location that are still marked as running: we hold the lease, so they are dead.
async fn close_dead_runs(parts: &Parts, current: RunId) -> Result<()> {
    for mut record in parts.catalog.runs(Some(parts.store.location()), 100).await? {
        if record.state == RunState::Running && record.id != current {
            record.state = RunState::Crashed;
            record.ended_at = Some(parts.clock.now());
            record.error = Some("its process ended without a word; what it left was put right later".into());
            parts.catalog.put_run(&record).await?;
        }
    }
    Ok(())
}

/// What became of an object whose deletion was sent and not answered.
enum Found {
    PutBack,
    Changed,
    Deleted(Option<VersionId>),
}

async fn look_for(
    parts: &Parts,
    run: &RunContext,
    entry: &EntryRecord,
    sent_at: s3gc_store::Timestamp,
) -> Result<Found> {
    let key = &entry.entry.key;
    match parts.store.head(key).await {
        Ok(meta) if is_same(&as_plan(entry), &meta) => Ok(Found::PutBack),
        Ok(_) => Ok(Found::Changed),
        Err(error) if error.is_not_found() => {
            let versions = parts.store.versions(key).await?;
            let Some(marker) = versions.first().filter(|latest| latest.is_marker() && latest.version.is_some()) else {
                return Ok(Found::Deleted(None));
            };
            let is_staged = versions
                .get(1)
                .is_none_or(|covered| covered.etag.as_ref() == Some(&entry.entry.meta.etag) || covered.is_marker());
            // One minute for clocks that differ: an older marker is somebody else's deletion of something older.
            let may_be_ours = marker.last_modified.as_second() + 60 >= sent_at.as_second();
            match &marker.version {
                Some(version) if !is_staged && may_be_ours => {
                    remove_own_marker(parts, key, version).await?;
                    run.progress.note(format!("{key}: rewritten while it was deleted; its delete marker was removed"));
                    Ok(Found::Changed)
                }
                version => Ok(Found::Deleted(version.clone())),
            }
        }
        Err(error) => Err(error.into()),
    }
}

fn as_plan(entry: &EntryRecord) -> PlanEntry {
    PlanEntry {
        key: entry.entry.key.clone(),
        size_bytes: entry.entry.meta.size_bytes,
        etag: entry.entry.meta.etag.clone(),
        last_modified: entry.entry.meta.last_modified,
        unreferenced_since: entry.unreferenced_since,
    }
}

async fn settle(parts: &Parts, run: &RunContext, entry: &EntryRecord, found: &Found) -> Result<()> {
    let at = parts.clock.now();
    let (state, marker) = match found {
        Found::PutBack => (EntryState::PutBack, None),
        Found::Changed => (EntryState::Changed, None),
        Found::Deleted(marker) => (EntryState::Deleted, marker.clone()),
    };
    let audit = match found {
        Found::Deleted(marker) => vec![AuditDraft {
            at,
            run: entry.entry.run.parse().ok(),
            location: Some(parts.store.location().clone()),
            kind: "delete".into(),
            key: Some(entry.entry.key.as_str().to_owned()),
            detail: json!({
                "etag": entry.entry.meta.etag,
                "size_bytes": entry.entry.meta.size_bytes,
                "last_modified": entry.entry.meta.last_modified,
                "unreferenced_since": entry.unreferenced_since,
                "pack": entry.pack,
                "blake3": entry.entry.blake3,
                "marker": marker,
                "found_by": run.id,
                "means": "unanswered",
            }),
        }],
        Found::PutBack | Found::Changed => Vec::new(),
    };
    parts.catalog.settle(&[Settlement { entry: entry.id, state, marker, at }], audit).await?;
    Ok(())
}
