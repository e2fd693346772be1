//! Sweep: delete what was staged and was not seen by the look. The only module that deletes.

mod guard;
mod probe;

use std::collections::VecDeque;
use std::sync::Arc;

use futures::{StreamExt, stream};
use s3gc_failpoint::{Point, hit};
use s3gc_source::SourceLock;
use s3gc_store::{
    DeleteMeans, DeleteOutcome, DeleteRequest, DeleteTarget, ObjectKey, ObjectMeta, SignGuard, SignRefused,
    VersionEntry, VersionId, Versioning,
};
use serde_json::json;
use tokio::sync::Mutex;

pub(crate) use guard::LookGuard;
pub(crate) use probe::{Capabilities, probe};

use crate::audit::AuditDraft;
use crate::catalog::{EntryState, Settlement};
use crate::gc::{Parts, RunContext};
use crate::judge::is_same;
use crate::plan::PlanEntry;
use crate::progress::Phase;
use crate::report::{Skip, Skipped, SweepReport, chain};
use crate::stage::StagedObject;
use crate::sweep::guard::{BatchGuard, HEAD_WINDOW};
use crate::{Error, Result};

/// The most keys of one DeleteObjects request (Amazon S3 API Reference).
const BATCH: usize = 1000;
/// How many HEADs of one batch are in flight.
const HEADS: usize = 32;

/// How this run deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Means {
    pub(crate) delete: DeleteMeans,
    /// Deletions place markers, and the objects stay under them.
    pub(crate) is_versioned: bool,
}

impl Means {
    /// Picks the strongest means that the probe found.
    pub(crate) fn pick(parts: &Parts, capabilities: Capabilities, versioning: Versioning) -> Result<Self> {
        let is_versioned = versioning == Versioning::Enabled;
        // Both, for keys that XML cannot carry go alone.
        let delete = if capabilities.batch_etag && capabilities.single_etag {
            DeleteMeans::BatchEtag
        } else if capabilities.single_etag {
            DeleteMeans::SingleEtag
        } else if is_versioned {
            DeleteMeans::Marker
        } else if parts.settings.unconditional_delete {
            DeleteMeans::Unconditional
        } else {
            return Err(Error::Stop {
                name: "unconditional_delete",
                reason: format!(
                    "{} ignores If-Match on deletions and keeps no versions, so an object that is rewritten in the \
                     last 2 seconds would be lost: turn versioning on, or set [safety] unconditional_delete = true",
                    parts.store.location()
                ),
            });
        };
        Ok(Self { delete, is_versioned })
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self.delete {
            DeleteMeans::BatchEtag => "batch_etag",
            DeleteMeans::SingleEtag => "single_etag",
            DeleteMeans::Marker => "marker",
            DeleteMeans::Unconditional => "unconditional",
        }
    }
}

/// Deletes objects until all are settled or the look is too old; those that were not taken up stay in `left`, even when
/// it fails.
pub(crate) async fn sweep(
    parts: &Arc<Parts>,
    run: &RunContext,
    means: Means,
    guard: &LookGuard,
    holds: &Mutex<Vec<Box<dyn SourceLock>>>,
    left: &mut Vec<StagedObject>,
    report: &mut SweepReport,
) -> Result<()> {
    let objects = std::mem::take(left).into();
    let queue = Mutex::new(Queue { objects, size: if means.is_versioned { BATCH } else { 100 } });
    let shared = Mutex::new(std::mem::take(report));
    let workers = parts.settings.delete_concurrency.max(1);
    let results: Vec<Result<()>> = {
        let sweeper = Sweeper { parts, run, means, guard, holds, queue: &queue, report: &shared };
        stream::iter(0..workers).map(|_| sweeper.work()).buffer_unordered(workers).collect().await
    };
    // Every worker has ended, so each batch in flight is recorded whatever another one failed with.
    let result = results.into_iter().collect::<Result<Vec<()>>>();
    *report = shared.into_inner();
    let (sent, unsent): (Vec<_>, Vec<_>) = queue.into_inner().objects.into_iter().partition(|object| object.is_sent);
    *left = unsent;
    let reason = guard.may_sign().err().map_or_else(|| "the run ended".to_owned(), |refused| refused.to_string());
    // Once marked as sent they cannot wait for another look: the mark says until when a signature may live.
    let sent = sent.into_iter().map(|object| {
        let skipped = Skipped::new(&object.plan.key, Skip::PutBack, &reason);
        (object, skipped)
    });
    keep(parts, run, sent.collect(), report).await?;
    result.map(drop)
}

struct Queue {
    objects: VecDeque<StagedObject>,
    size: usize,
}

struct Sweeper<'a> {
    parts: &'a Arc<Parts>,
    run: &'a RunContext,
    means: Means,
    guard: &'a LookGuard,
    holds: &'a Mutex<Vec<Box<dyn SourceLock>>>,
    queue: &'a Mutex<Queue>,
    report: &'a Mutex<SweepReport>,
}

impl Sweeper<'_> {
    async fn work(&self) -> Result<()> {
        while self.guard.may_sign().is_ok() && !self.guard.is_cancelled() {
            let batch: Vec<StagedObject> = {
                let mut queue = self.queue.lock().await;
                let size = queue.size.min(queue.objects.len());
                queue.objects.drain(..size).collect()
            };
            if batch.is_empty() {
                break;
            }
            if let Err(error) = self.check_batch().await {
                self.queue.lock().await.objects.extend(batch);
                return Err(error);
            }
            self.batch(batch).await?;
        }
        Ok(())
    }

    /// What a person or an application may have changed since the batch before.
    async fn check_batch(&self) -> Result<()> {
        crate::migration::check(self.parts).await?;
        self.check_versioning().await?;
        self.check_holds().await
    }

    /// A marker hides an object only while the bucket keeps versions; once they are suspended it destroys what was
    /// uploaded since (Amazon S3 User Guide, "Deleting objects from versioning-suspended buckets").
    async fn check_versioning(&self) -> Result<()> {
        if !self.means.is_versioned || self.parts.store.status().await?.versioning == Versioning::Enabled {
            return Ok(());
        }
        Err(Error::Stop {
            name: "versioning",
            reason: format!("{} stopped keeping versions during the run: run again", self.parts.store.location()),
        })
    }

    /// Without its locks the write fence may have lost a part since the look.
    async fn check_holds(&self) -> Result<()> {
        for hold in self.holds.lock().await.iter_mut() {
            hold.is_held().await?;
        }
        Ok(())
    }

    /// Sends one batch: the intent is durable first, so that nothing slow stands between the HEADs and the deletion.
    async fn batch(&self, mut batch: Vec<StagedObject>) -> Result<()> {
        let unsent: Vec<_> = batch.iter().filter(|object| !object.is_sent).map(|object| object.id).collect();
        hit(Point::IntentsWriting);
        if let Err(error) = self.parts.catalog.send(&unsent, self.parts.clock.now()).await {
            self.queue.lock().await.objects.extend(batch);
            return Err(error.into());
        }
        batch.iter_mut().for_each(|object| object.is_sent = true);
        hit(Point::IntentsWritten);
        let first_head = (!self.means.is_versioned).then(|| self.parts.clock.boot());
        let mut changed = Vec::new();
        if first_head.is_some() {
            (batch, changed) = self.head(batch).await;
        }
        hit(Point::Headed);
        let requests: Vec<DeleteRequest> = batch.iter().map(request).collect();
        let guard = BatchGuard::new(self.guard, first_head);
        #[expect(clippy::disallowed_methods, reason = "this is the deletion site")]
        let outcomes = self.parts.store.delete(&requests, self.means.delete, &guard).await;
        hit(Point::BatchAnswered);
        if let Some(first_head) = first_head {
            self.adapt(self.parts.clock.boot().saturating_sub(first_head)).await;
        }
        let outcomes = match outcomes {
            Ok(outcomes) if outcomes.len() == batch.len() => outcomes,
            Ok(_) => {
                // Nobody can tell which answer belongs to which object.
                let unknown = || DeleteOutcome::Unknown(protocol("the store gave another number of outcomes"));
                batch.iter().map(|_| unknown()).collect()
            }
            Err(error) => {
                let reason = chain(&error);
                batch.iter().map(|_| DeleteOutcome::Refused(protocol(&reason))).collect()
            }
        };
        self.keep(changed).await?;
        self.settle(batch, outcomes).await
    }

    /// Batches grow while they leave most of the window between HEAD and deletion, and shrink when they do not.
    async fn adapt(&self, took: std::time::Duration) {
        let mut queue = self.queue.lock().await;
        if took * 4 < HEAD_WINDOW {
            queue.size = (queue.size * 2).min(BATCH);
        } else if took * 2 > HEAD_WINDOW {
            queue.size = (queue.size / 2).max(1);
        }
    }

    /// Looks at each object once more: what is not the staged one any more is kept.
    async fn head(&self, batch: Vec<StagedObject>) -> (Vec<StagedObject>, Vec<(StagedObject, Skipped)>) {
        let heads = stream::iter(batch).map(|object| async move {
            let meta = self.parts.store.head(&object.plan.key).await;
            (object, meta)
        });
        let heads: Vec<_> = heads.buffer_unordered(HEADS).collect().await;
        let (mut same, mut changed) = (Vec::new(), Vec::new());
        for (object, meta) in heads {
            let skipped = match meta {
                Ok(meta) if is_same(&object.plan, &meta) => {
                    same.push(object);
                    continue;
                }
                Ok(_) => Skipped::new(&object.plan.key, Skip::Changed, "the object changed since it was staged"),
                Err(error) => Skipped::from_store(&object.plan.key, &error),
            };
            changed.push((object, skipped));
        }
        (same, changed)
    }

    /// Records objects that are not deleted.
    async fn keep(&self, kept: Vec<(StagedObject, Skipped)>) -> Result<()> {
        keep(self.parts, self.run, kept, &mut *self.report.lock().await).await
    }

    async fn settle(&self, batch: Vec<StagedObject>, outcomes: Vec<DeleteOutcome>) -> Result<()> {
        let (mut deleted, mut kept, mut unknown, mut late) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (object, outcome) in batch.into_iter().zip(outcomes) {
            let key = object.plan.key.clone();
            match outcome {
                DeleteOutcome::Deleted { marker } => deleted.push((object, marker)),
                DeleteOutcome::AlreadyGone => {
                    kept.push((object, Skipped::new(&key, Skip::Gone, "the object was gone when its turn came")));
                }
                DeleteOutcome::Changed => {
                    kept.push((object, Skipped::new(&key, Skip::Changed, "the object changed since it was staged")));
                }
                // Nothing was sent: the object may be tried again under the same look.
                DeleteOutcome::Refused(s3gc_store::Error::SignRefused(_)) => late.push(object),
                DeleteOutcome::Refused(error) => {
                    kept.push((object, Skipped::new(&key, Skip::Failed, &chain(&error))));
                }
                DeleteOutcome::Unknown(error) => {
                    let reason = format!("the store did not answer; the next run finds out: {}", chain(&error));
                    unknown.push((object, Skipped::new(&key, Skip::Unknown, &reason)));
                }
            }
        }
        self.queue.lock().await.objects.extend(late);
        if self.means.is_versioned {
            deleted = self.check_covered(deleted, &mut kept, &mut unknown).await;
            hit(Point::MarkersChecked);
        }
        let now = self.parts.clock.now();
        let mut settlements = Vec::with_capacity(deleted.len());
        let mut audit = Vec::with_capacity(deleted.len());
        for (object, marker) in &deleted {
            settlements.push(Settlement {
                entry: object.id,
                state: EntryState::Deleted,
                marker: marker.clone(),
                at: now,
            });
            audit.push(self.evidence(object, marker.as_ref()));
        }
        if !settlements.is_empty() {
            self.parts.catalog.settle(&settlements, audit).await?;
        }
        hit(Point::Settled);
        let mut report = self.report.lock().await;
        for (object, marker) in &deleted {
            tracing::trace!(key = %object.plan.key, "deleted");
            report.deleted.add(object.plan.size_bytes);
            if marker.is_some() {
                report.hidden.add(object.plan.size_bytes);
            }
        }
        for (object, skipped) in unknown {
            report.skip(skipped, object.plan.size_bytes);
        }
        keep(self.parts, self.run, kept, &mut report).await?;
        self.run.progress.advance(Phase::Sweep, report.deleted.objects, report.deleted.bytes);
        Ok(())
    }

    fn evidence(&self, object: &StagedObject, marker: Option<&VersionId>) -> AuditDraft {
        let plan = &object.plan;
        let (digest, value) = object.content.evidence();
        AuditDraft {
            at: self.parts.clock.now(),
            run: Some(self.run.id),
            location: Some(self.parts.store.location().clone()),
            kind: "delete".into(),
            key: Some(plan.key.as_str().to_owned()),
            detail: json!({
                "etag": plan.etag,
                "size_bytes": plan.size_bytes,
                "last_modified": plan.last_modified,
                "unreferenced_since": plan.unreferenced_since,
                "looked_at": self.guard.looked_at(),
                "plan": self.run.plan_hash,
                "pack": object.pack,
                (digest): value,
                "means": self.means.as_str(),
                "marker": marker,
            }),
        }
    }

    /// A marker compares nothing, and an equal entity tag is not an equal object: an unseen version under the marker
    /// means that the object was rewritten, and the marker goes. Where nobody can tell, the next run looks again.
    async fn check_covered(
        &self,
        deleted: Vec<(StagedObject, Option<VersionId>)>,
        kept: &mut Vec<(StagedObject, Skipped)>,
        unknown: &mut Vec<(StagedObject, Skipped)>,
    ) -> Vec<(StagedObject, Option<VersionId>)> {
        let checks = stream::iter(deleted).map(|(object, marker)| async move {
            let covered = match &marker {
                Some(marker) => check_marker(self.parts, &object, marker).await,
                None => Covered::Stuck("the store did not name its delete marker".into()),
            };
            (object, marker, covered)
        });
        let checks: Vec<_> = checks.buffer_unordered(HEADS).collect().await;
        let mut sure = Vec::new();
        for (object, marker, covered) in checks {
            let key = object.plan.key.clone();
            match covered {
                Covered::Staged => sure.push((object, marker)),
                Covered::Unseen => kept.push((
                    object,
                    Skipped::new(&key, Skip::Changed, "the object was rewritten; its delete marker was removed again"),
                )),
                Covered::Stuck(reason) => {
                    let reason = format!(
                        "an unseen version may lie under our delete marker; the next run looks again: {reason}"
                    );
                    unknown.push((object, Skipped::new(&key, Skip::Unknown, &reason)));
                }
            }
        }
        sure
    }
}

fn request(object: &StagedObject) -> DeleteRequest {
    DeleteRequest { key: object.plan.key.clone(), target: DeleteTarget::Current { if_match: object.plan.etag.clone() } }
}

fn protocol(reason: &str) -> s3gc_store::Error {
    s3gc_store::Error::Protocol { operation: "delete", object: "a batch".into(), reason: reason.to_owned() }
}

/// Records objects that were staged and are not deleted.
pub(crate) async fn keep(
    parts: &Parts,
    run: &RunContext,
    kept: Vec<(StagedObject, Skipped)>,
    report: &mut SweepReport,
) -> Result<()> {
    let now = parts.clock.now();
    let settlements: Vec<Settlement> = kept
        .iter()
        .map(|(object, skipped)| Settlement {
            entry: object.id,
            state: match skipped.skip {
                Skip::Changed => EntryState::Changed,
                Skip::Gone => EntryState::Gone,
                Skip::Rescued => EntryState::Rescued,
                Skip::Failed
                | Skip::Fenced
                | Skip::Held
                | Skip::PutBack
                | Skip::Unfenceable
                | Skip::Unknown
                | Skip::Unreadable => EntryState::PutBack,
            },
            marker: None,
            at: now,
        })
        .collect();
    let audit = kept
        .iter()
        .filter(|(_, skipped)| matches!(skipped.skip, Skip::Rescued | Skip::Fenced))
        .map(|(object, skipped)| AuditDraft {
            at: now,
            run: Some(run.id),
            location: Some(parts.store.location().clone()),
            kind: "rescue".into(),
            key: Some(object.plan.key.as_str().to_owned()),
            detail: json!({
                "etag": object.plan.etag,
                "reason": if skipped.skip == Skip::Fenced { &skipped.reason } else { "referenced at the look" },
            }),
        })
        .collect();
    if !settlements.is_empty() {
        parts.catalog.settle(&settlements, audit).await?;
    }
    for (object, skipped) in kept {
        tracing::debug!(key = %skipped.key, reason = %skipped.reason, "not deleted");
        report.skip(skipped, object.plan.size_bytes);
    }
    Ok(())
}

enum Covered {
    /// The staged version, or nothing.
    Staged,
    /// Another version; the marker is gone again.
    Unseen,
    /// Nobody can tell, or the marker cannot be removed.
    Stuck(String),
}

async fn check_marker(parts: &Parts, object: &StagedObject, marker: &VersionId) -> Covered {
    let key = &object.plan.key;
    let versions = match parts.store.versions(key).await {
        Ok(versions) => versions,
        Err(error) => return Covered::Stuck(chain(&error)),
    };
    let above_and_marker = versions.iter().position(|entry| entry.version.as_ref() == Some(marker));
    let Some(position) = above_and_marker else { return Covered::Stuck("our marker is not listed".into()) };
    match versions.get(position + 1) {
        Some(covered) if is_staged(covered, &object.plan, object.version.as_ref()) => Covered::Staged,
        None => Covered::Staged,
        Some(covered) if covered.is_marker() => Covered::Staged,
        Some(_) => match remove_own_marker(parts, key, marker).await {
            Ok(()) => Covered::Unseen,
            Err(error) => Covered::Stuck(chain(&error)),
        },
    }
}

/// Tells whether a version is the one that was staged.
pub(crate) fn is_staged(found: &VersionEntry, plan: &PlanEntry, version: Option<&VersionId>) -> bool {
    let is_version = match (version, &found.version) {
        (Some(staged), Some(found)) => staged == found,
        _ => true,
    };
    is_version
        && found.etag.as_ref() == Some(&plan.etag)
        && found.size_bytes == plan.size_bytes
        && ObjectMeta::is_same_instant(found.last_modified, plan.last_modified)
}

/// Allows a removal of our own marker at any time: it brings an object back.
struct Always;

impl SignGuard for Always {
    fn may_sign(&self) -> Result<(), SignRefused> {
        Ok(())
    }
}

/// Removes a delete marker that we placed, so that the version under it is visible again.
pub(crate) async fn remove_own_marker(
    parts: &Parts,
    key: &ObjectKey,
    marker: &VersionId,
) -> Result<(), s3gc_store::Error> {
    // On a bucket with suspended versions an upload takes the place, and the id, of the marker.
    if marker.as_str() == "null" {
        return Err(protocol("a delete marker without an id of its own cannot be told from what was uploaded since"));
    }
    let request = DeleteRequest { key: key.clone(), target: DeleteTarget::OwnMarker(marker.clone()) };
    #[expect(clippy::disallowed_methods, reason = "removes our own marker: the object comes back")]
    let outcomes = parts.store.delete(&[request], DeleteMeans::Marker, &Always).await?;
    match outcomes.into_iter().next() {
        Some(DeleteOutcome::Deleted { .. } | DeleteOutcome::AlreadyGone) => Ok(()),
        Some(DeleteOutcome::Refused(error) | DeleteOutcome::Unknown(error)) => Err(error),
        Some(DeleteOutcome::Changed) | None => Err(protocol("the marker could not be removed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3gc_store::{ETag, Timestamp};

    #[test]
    fn i03_a_version_is_the_staged_one_only_if_nothing_of_it_differs() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let time = "2026-11-01T00:00:00Z";
        let plan = PlanEntry {
            key: ObjectKey::new("a").unwrap(),
            size_bytes: 5,
            etag: ETag::new("e"),
            last_modified: at(time),
            unreferenced_since: at(time),
        };
        let id = |text: &str| Some(VersionId::new(text));
        let found = |version, etag: &str, size_bytes, time| {
            VersionEntry::new(version, Some(ETag::new(etag)), size_bytes, at(time), true)
        };
        let is = |found: &VersionEntry, staged: &str| is_staged(found, &plan, id(staged).as_ref());
        assert!(is(&found(id("v1"), "e", 5, time), "v1"));
        assert!(!is(&found(id("v2"), "e", 5, time), "v1"), "the same bytes in another version");
        assert!(!is(&found(id("v1"), "f", 5, time), "v1"));
        assert!(!is(&found(id("v1"), "e", 6, time), "v1"));
        assert!(!is(&found(id("v1"), "e", 5, "2026-11-01T00:00:01Z"), "v1"));
        assert!(!is(&found(id("v2"), "f", 6, "2026-11-01T00:00:01Z"), "v1"));
        assert!(!is(&VersionEntry::new(id("v1"), None, 5, at(time), true), "v1"), "a marker");
        // Where one of them has no name, the rest decides.
        assert!(is(&found(None, "e", 5, time), "v1"));
        assert!(is_staged(&found(id("v1"), "e", 5, time), &plan, None));
        assert!(!is_staged(&found(id("v1"), "f", 5, time), &plan, None));
    }
}
