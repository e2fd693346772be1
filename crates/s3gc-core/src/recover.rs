//! Recovery: the next start puts right what a dead process left, from its intents. It never deletes.

use std::sync::Arc;

use s3gc_failpoint::{Point, hit};
use s3gc_store::{ObjectKey, PutMode, Timestamp, VersionId, Versioning};
use serde_json::{Value, json};

use crate::audit::{AuditDraft, is_told};
use crate::catalog::{EntryId, EntryRecord, EntryState, Mode, RunState, Settlement};
use crate::gc::{Parts, RunContext};
use crate::judge::is_same;
use crate::look::{drain, look};
use crate::progress::Phase;
use crate::report::{RecoverReport, chain};
use crate::restore::{bring_back, hold, record};
use crate::stage::Content;
use crate::sweep::{is_staged, remove_own_marker};
use crate::{Error, Result, RunId};

/// How many entries are put right at a time.
const PAGE: u32 = 500;

/// What a recovery may do; what it may not waits for a run that may.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Powers {
    /// Write to the bucket: only in `execute`.
    pub(crate) may_write: bool,
    /// Believe the sources: only once a census of them tripped no brake.
    pub(crate) may_look: bool,
}

/// Settles every entry whose request can not land any more. What turns out to be deleted and is referenced comes back
/// before anything is written down, so that a death in between does not forget it.
pub(crate) async fn recover(
    parts: &Arc<Parts>,
    run: &RunContext,
    powers: Powers,
    versioning: Versioning,
    report: &mut RecoverReport,
) -> Result<()> {
    run.progress.phase(Phase::Recover, None);
    report.waiting = 0;
    report.crashed += close_dead_runs(parts, run.id).await?;
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
                Some(sent_at) if dead_at(parts, sent_at) > now => Found::Waits(None),
                Some(sent_at) => look_for(parts, powers, versioning, &entry, sent_at).await,
            };
            hit(Point::RecoverFound);
            match outcome {
                Found::PutBack => {
                    report.put_back += 1;
                    settle(parts, run, &entry, EntryState::PutBack, None).await?;
                }
                Found::Changed => {
                    report.changed += 1;
                    settle(parts, run, &entry, EntryState::Changed, None).await?;
                }
                Found::Deleted(marker) => gone.push((entry, marker)),
                Found::Waits(reason) => wait(run, &entry, reason.as_deref(), report),
            }
        }
        if powers.may_look {
            settle_gone(parts, run, powers, gone, report).await?;
        } else {
            for (entry, _) in gone {
                wait(run, &entry, None, report);
            }
        }
    }
    run.progress.finished(Phase::Recover);
    Ok(())
}

/// When the request to delete an entry can not land any more: the mark stands before the signature, by at most the window
/// of the look.
pub(crate) fn dead_at(parts: &Parts, sent_at: Timestamp) -> Timestamp {
    let life = parts.settings.recheck_window + parts.settings.settle_after;
    sent_at.checked_add(life).unwrap_or(Timestamp::MAX)
}

/// Leaves an entry unsettled, so that its key is neither planned nor restored.
fn wait(run: &RunContext, entry: &EntryRecord, reason: Option<&str>, report: &mut RecoverReport) {
    report.waiting += 1;
    if let Some(reason) = reason {
        run.progress.note(format!("{}: its deletion was not answered, and waits: {reason}", entry.entry.key));
    }
}

/// Settles what is gone: a deletion that nobody answered may have hit an object that was referenced meanwhile.
async fn settle_gone(
    parts: &Arc<Parts>,
    run: &RunContext,
    powers: Powers,
    gone: Vec<(EntryRecord, Option<VersionId>)>,
    report: &mut RecoverReport,
) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let keys: Vec<&ObjectKey> = gone.iter().map(|(entry, _)| &entry.entry.key).collect();
    if let Some(blocker) = drain(parts, run).await? {
        for (entry, _) in &gone {
            wait(run, entry, Some(&format!("a transaction is still open: {blocker}")), report);
        }
        return Ok(());
    }
    let look = look(parts, run, &keys).await?;
    for ((mut entry, marker), referenced) in gone.into_iter().zip(look.referenced) {
        entry.marker.clone_from(&marker);
        if referenced && !powers.may_write {
            wait(run, &entry, Some("gone and referenced: a run in execute mode brings it back"), report);
            continue;
        }
        if !referenced {
            settle(parts, run, &entry, EntryState::Deleted, marker).await?;
            report.deleted += 1;
            continue;
        }
        // Once it is back nothing shows any more that it was gone, should this process die.
        tell_deletion(parts, run, &entry).await?;
        hold(parts, &entry.entry.key).await?;
        match bring_back(parts, &entry, &parts.store, true, PutMode::Create).await {
            Ok(how) => {
                hit(Point::RecoverBroughtBack);
                // Settles it, too.
                record(parts, &entry, &*parts.store, how, true).await?;
                report.restored += 1;
                run.progress.note(format!("{}: deleted by a run that died, referenced: restored", entry.entry.key));
            }
            // Somebody else brought it back.
            Err(Error::Store(s3gc_store::Error::Precondition { .. })) => {
                let outcome = Settlement { entry: entry.id, state: EntryState::Deleted, marker, at: parts.clock.now() };
                parts.catalog.settle(&[outcome], Vec::new()).await?;
            }
            Err(error) => {
                let reason = format!("gone and referenced, and could not be restored: {}", chain(&error));
                wait(run, &entry, Some(&reason), report);
                continue;
            }
        }
        report.deleted += 1;
    }
    Ok(())
}

/// Writes down that an unanswered deletion hit its object, unless it is written down already.
async fn tell_deletion(parts: &Parts, run: &RunContext, entry: &EntryRecord) -> Result<()> {
    let is_it = |detail: &Value| detail["pack"] == json!(entry.pack) && !detail["found_by"].is_null();
    if is_told(&*parts.catalog, parts.store.location(), "delete", &entry.entry.key, is_it).await? {
        return Ok(());
    }
    parts.catalog.append_audit(vec![evidence(parts, run, entry, "delete", entry.marker.as_ref())]).await?;
    Ok(())
}

/// Runs of this location that are still marked as running: we hold the lease, so they are dead.
async fn close_dead_runs(parts: &Parts, current: RunId) -> Result<u64> {
    let mut crashed = 0;
    for mut record in parts.catalog.runs(Some(parts.store.location()), 100).await? {
        if record.state == RunState::Running && record.id != current {
            record.state = RunState::Crashed;
            record.ended_at = Some(parts.clock.now());
            record.error = Some("its process ended without a word; what it left was put right later".into());
            parts.catalog.put_run(&record).await?;
            crashed += u64::from(record.mode == Mode::Execute);
        }
    }
    Ok(crashed)
}

/// What became of an object whose deletion was sent and not answered.
enum Found {
    PutBack,
    Changed,
    Deleted(Option<VersionId>),
    /// Nobody can tell yet, and perhaps why.
    Waits(Option<String>),
}

async fn look_for(
    parts: &Parts,
    powers: Powers,
    versioning: Versioning,
    entry: &EntryRecord,
    sent_at: Timestamp,
) -> Found {
    let key = &entry.entry.key;
    match parts.store.head(key).await {
        Ok(meta) if is_same(&entry.as_plan(), &meta) => return Found::PutBack,
        Ok(_) => return Found::Changed,
        Err(error) if error.is_not_found() => {}
        Err(error) => return Found::Waits(Some(chain(&error))),
    }
    // Where nothing ever had a version there is nothing to list, and perhaps no permission to.
    if versioning == Versioning::Off {
        return Found::Deleted(None);
    }
    let versions = match parts.store.versions(key).await {
        Ok(versions) => versions,
        Err(error) => return Found::Waits(Some(chain(&error))),
    };
    let Some(marker) = versions.first().filter(|latest| latest.is_marker()) else { return Found::Deleted(None) };
    let is_ours = versions.get(1).is_none_or(|covered| {
        covered.is_marker() || is_staged(covered, &entry.as_plan(), entry.entry.meta.version.as_ref())
    });
    // One minute for clocks that differ: an older marker is somebody else's deletion of something older.
    let may_be_ours = marker.last_modified.as_second() + 60 >= sent_at.as_second();
    match &marker.version {
        Some(version) if !is_ours && may_be_ours => {
            if !powers.may_write {
                let reason = "rewritten while it was deleted: a run in execute mode removes its delete marker";
                return Found::Waits(Some(reason.into()));
            }
            match remove_own_marker(parts, key, version).await {
                Ok(()) => Found::Changed,
                Err(error) => Found::Waits(Some(chain(&error))),
            }
        }
        version => Found::Deleted(version.clone()),
    }
}

/// Writes down what became of an entry; a deletion with its evidence.
async fn settle(
    parts: &Parts,
    run: &RunContext,
    entry: &EntryRecord,
    state: EntryState,
    marker: Option<VersionId>,
) -> Result<()> {
    let at = parts.clock.now();
    let audit = match state {
        EntryState::Deleted => vec![evidence(parts, run, entry, "delete", marker.as_ref())],
        // Nobody can tell whether it was overwritten, or deleted before the key was written again.
        EntryState::Changed if entry.state == EntryState::Sent => {
            vec![evidence(parts, run, entry, "unanswered", None)]
        }
        _ => Vec::new(),
    };
    parts.catalog.settle(&[Settlement { entry: entry.id, state, marker, at }], audit).await?;
    hit(Point::RecoverSettled);
    Ok(())
}

fn evidence(
    parts: &Parts,
    run: &RunContext,
    entry: &EntryRecord,
    kind: &str,
    marker: Option<&VersionId>,
) -> AuditDraft {
    let (digest, value) = Content::of(&entry.entry).evidence();
    AuditDraft {
        at: parts.clock.now(),
        run: entry.entry.run.parse().ok(),
        location: Some(parts.store.location().clone()),
        kind: kind.into(),
        key: Some(entry.entry.key.as_str().to_owned()),
        detail: json!({
            "etag": entry.entry.meta.etag,
            "size_bytes": entry.entry.meta.size_bytes,
            "last_modified": entry.entry.meta.last_modified,
            "unreferenced_since": entry.unreferenced_since,
            "pack": entry.pack,
            (digest): value,
            "marker": marker,
            "found_by": run.id,
            "means": "unanswered",
        }),
    }
}
