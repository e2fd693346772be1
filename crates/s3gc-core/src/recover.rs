//! Recovery: the next start puts right what a dead process left, from its intents. It never deletes.

use std::sync::Arc;

use s3gc_store::{ObjectKey, PutMode, VersionId};
use serde_json::json;

use crate::audit::AuditDraft;
use crate::catalog::{EntryId, EntryRecord, EntryState, RunState, Settlement};
use crate::gc::{Parts, RunContext};
use crate::judge::is_same;
use crate::look::look;
use crate::plan::PlanEntry;
use crate::progress::Phase;
use crate::report::{RecoverReport, chain};
use crate::restore::{bring_back, record};
use crate::sweep::remove_own_marker;
use crate::{Error, Result, RunId};

/// How many entries are put right at a time.
const PAGE: u32 = 500;

/// Settles every entry whose request can not land any more. What turns out to be deleted and is referenced comes back
/// before anything is written down, so that a death in between does not forget it.
pub(crate) async fn recover(parts: &Arc<Parts>, run: &RunContext, report: &mut RecoverReport) -> Result<()> {
    run.progress.phase(Phase::Recover, None);
    close_dead_runs(parts, run.id).await?;
    let now = parts.clock.now();
    let mut after = EntryId::default();
    loop {
        let page = parts.catalog.unsettled(parts.store.location(), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        let mut gone = Vec::new();
        for entry in page {
            let outcome = match entry.sent_at {
                None => Found::PutBack,
                Some(sent_at) => {
                    // The mark stands before the signature, by at most the window of the look.
                    let life = parts.settings.recheck_window + parts.settings.settle_after;
                    let dead_at = sent_at.checked_add(life).unwrap_or(s3gc_store::Timestamp::MAX);
                    if dead_at > now {
                        report.waiting += 1;
                        continue;
                    }
                    look_for(parts, run, &entry, sent_at).await?
                }
            };
            match outcome {
                Found::PutBack => report.put_back += 1,
                Found::Changed => report.changed += 1,
                Found::Deleted(marker) => {
                    gone.push((entry, marker));
                    continue;
                }
            }
            settle(parts, run, &entry, &outcome).await?;
        }
        settle_gone(parts, run, gone, report).await?;
    }
    run.progress.finished(Phase::Recover);
    Ok(())
}

/// Settles what is gone: a deletion that nobody answered may have hit an object that was referenced meanwhile.
async fn settle_gone(
    parts: &Arc<Parts>,
    run: &RunContext,
    gone: Vec<(EntryRecord, Option<VersionId>)>,
    report: &mut RecoverReport,
) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let keys: Vec<&ObjectKey> = gone.iter().map(|(entry, _)| &entry.entry.key).collect();
    let look = look(parts, run, &keys).await?;
    for ((mut entry, marker), referenced) in gone.into_iter().zip(look.referenced) {
        entry.marker.clone_from(&marker);
        let back = if referenced {
            bring_back(parts, &entry, &*parts.store, true, PutMode::Create).await.map(Some)
        } else {
            Ok(None)
        };
        let how = match back {
            Ok(how) => how,
            // Somebody else brought it back.
            Err(Error::Store(s3gc_store::Error::Precondition { .. })) => None,
            Err(error) => {
                return Err(Error::Stop {
                    name: "recovery",
                    reason: format!(
                        "{} was deleted by a run that died, is referenced, and could not be restored: {}",
                        entry.entry.key,
                        chain(&error)
                    ),
                });
            }
        };
        settle(parts, run, &entry, &Found::Deleted(marker)).await?;
        report.deleted += 1;
        if let Some(how) = how {
            record(parts, &entry, &*parts.store, how, true).await?;
            report.restored += 1;
            run.progress.note(format!("{}: deleted by a run that died, referenced: restored", entry.entry.key));
        }
    }
    Ok(())
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
