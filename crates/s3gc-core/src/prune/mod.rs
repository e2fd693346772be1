//! Prune: whole packs leave the vault when their time is over and nothing needs them.
//!
//! One call marks a pack, a later one, a day after that at the earliest, removes it, and each of them checks everything:
//! age, unsettled deletions, holds, and one look at all sources for what is in the pack alone. The removal itself is
//! `remove.rs`: what is about to be removed is durable first, in the catalog and in the vault's record.

mod check;
mod remove;
mod report;

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use s3gc_failpoint::{Point, hit};
use s3gc_source::SourceLock;
use s3gc_store::{ObjectKey, ObjectStore, Timestamp};
use serde_json::json;
use tokio_util::sync::CancellationToken;

pub use report::{PackKept, PackPrune, PruneOutcome, PruneReport, PruneTally};

use crate::brakes::{Baseline, Brake, BrakeInput};
use crate::catalog::{Mode, PackRecord, PackState};
use crate::census::{CensusTask, Referenced};
use crate::gc::{Parts, RunContext};
use crate::judge::{HoldSet, JudgeCounts, References, chunk_size};
use crate::lease::{self, HeldLease};
use crate::look::drain;
use crate::preflight::Preflight;
use crate::progress::{Phase, Progress};
use crate::replica::stored;
use crate::{Error, Result, RunId, cycle, migration, vault_stats};

/// How long a pack stays marked before it is removed.
const MARK_TIME: Duration = Duration::from_secs(24 * 60 * 60);
/// How many objects are asked for at a time.
const CONCURRENCY: usize = 16;

/// How to prune.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PruneOptions {
    /// Instead of the mode of the settings: in any but `execute` nothing is written.
    pub mode: Option<Mode>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// How long to wait while a run holds the lease.
    pub wait_lock: Duration,
    /// Takes events.
    pub progress: Progress,
    /// Ends it after the pack in hand.
    pub cancel: CancellationToken,
}

/// Marks and removes packs; without the power to, says which.
pub(crate) async fn prune(parts: &Arc<Parts>, options: PruneOptions) -> Result<PruneReport> {
    let mode = options.mode.unwrap_or(parts.settings.mode);
    let run = RunContext {
        id: RunId::at(parts.clock.now()),
        progress: options.progress,
        cancel: options.cancel,
        work_dir: parts.work_dir()?,
        audit_head: None,
        plan_hash: None,
        cap: None,
    };
    let report = PruneReport {
        bucket: parts.settings.name.clone(),
        location: parts.store.location().clone(),
        vault: parts.vault.location().to_owned(),
        mode,
        dry_run: options.dry_run || mode != Mode::Execute,
        keep_seconds: check::keep_time(&parts.settings).as_secs(),
        marked: PruneTally::default(),
        waiting: PruneTally::default(),
        removed: PruneTally::default(),
        kept: PruneTally::default(),
        failed: PruneTally::default(),
        next_at: None,
        packs: Vec::new(),
        notes: Vec::new(),
        audit: None,
    };
    if report.dry_run {
        lease::check_catalog(parts).await?;
        return Prune { parts, run: &run, powers: None, look: None, report }.run().await;
    }
    // That of a run: nothing is staged or deleted meanwhile, and a catalog that is not the newest one is refused.
    let lease = HeldLease::acquire(parts, run.id, options.wait_lock, true).await?;
    let result = async {
        let powers = Some(Powers { lease: &lease, locks: cycle::lock_sources(parts).await? });
        Prune { parts, run: &run, powers, look: None, report }.run().await
    };
    let result = result.await;
    let head = parts.catalog.audit_head().await;
    let released = lease.release().await;
    let mut report = result?;
    released?;
    report.audit = Some(head?);
    Ok(report)
}

/// What lets a prune write.
struct Powers<'a> {
    lease: &'a HeldLease,
    locks: Vec<Box<dyn SourceLock>>,
}

impl Powers<'_> {
    /// Proves that nobody else collects, before each effect.
    async fn check(&mut self, parts: &Parts, run: &RunContext) -> Result<()> {
        if run.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let wait = self.lease.state.wait(&*parts.clock);
        let again =
            if wait.is_zero() { "run it again".into() } else { format!("run it again in {} s", wait.as_secs() + 1) };
        let stop = |reason: String| Error::Stop { name: "lease", reason: format!("{reason}: {again}") };
        self.lease.state.check(&*parts.clock).map_err(|refused| stop(refused.0))?;
        for lock in &mut self.locks {
            lock.is_held().await?;
        }
        Ok(())
    }
}

/// One prune.
struct Prune<'a> {
    parts: &'a Arc<Parts>,
    run: &'a RunContext,
    /// `None` where nothing may be written.
    powers: Option<Powers<'a>>,
    /// The boot clock at the end of the look at the references.
    look: Option<Duration>,
    report: PruneReport,
}

impl Prune<'_> {
    async fn run(mut self) -> Result<PruneReport> {
        let candidates = self.candidates().await?;
        if !candidates.is_empty() {
            let mut scanned = self.references().await?;
            self.look = Some(self.parts.clock.boot());
            self.decide(candidates, &mut scanned).await?;
        }
        // The look comes in between, so they are not in order.
        self.report.packs.sort_by(|a, b| a.pack.cmp(&b.pack));
        self.run.progress.finished(Phase::Prune);
        Ok(self.report)
    }

    /// Goes through the packs of the bucket; returns those that only a reference can keep.
    async fn candidates(&mut self) -> Result<Vec<PackRecord>> {
        let parts = self.parts;
        let migration = migration::reason(parts).await?;
        let mut holds = self.holds().await?;
        let mut candidates = Vec::new();
        for pack in vault_stats::packs(parts).await? {
            if matches!(pack.state, PackState::Pruned { .. }) || !check::is_ours(parts, &pack).await? {
                continue;
            }
            if matches!(pack.state, PackState::Pruning { .. }) && self.file(&pack).await? == File::Missing {
                // Its removal was begun by a call that died, and done.
                let outcome = self.finish(&pack).await?;
                self.report.add(&pack, outcome);
                continue;
            }
            let kept = match &migration {
                Some(reason) => Some(PackKept::Migration { migration: reason.clone() }),
                None => check::check(parts, &pack, &mut holds, parts.clock.now()).await?.err(),
            };
            match kept {
                Some(reason) => self.keep(&pack, reason).await?,
                None => candidates.push(pack),
            }
        }
        Ok(candidates)
    }

    async fn holds(&self) -> Result<HoldSet> {
        let Parts { catalog, store, settings, clock, .. } = &**self.parts;
        HoldSet::load(&**catalog, store.location(), settings, &self.run.work_dir, clock.now()).await
    }

    /// Looks once at all sources, and refuses to believe them where a run would.
    async fn references(&mut self) -> Result<Referenced> {
        let parts = self.parts;
        let preflight = Preflight::compare_all(parts).await?;
        refuse(&preflight.brakes)?;
        if self.powers.is_some()
            && let Some(blocker) = drain(parts, self.run).await?
        {
            let reason = format!("a transaction from before the look is still open: {blocker}");
            return Err(Error::Stop { name: "drain", reason });
        }
        let task = CensusTask {
            store: &parts.store,
            sources: &parts.sources,
            settings: &parts.settings,
            work_dir: &self.run.work_dir,
            progress: &self.run.progress,
            cancel: &self.run.cancel,
        };
        let scanned = task.references().await?;
        let last = parts.catalog.last_census(parts.store.location()).await?;
        let last_good = last.as_ref().and_then(|last| serde_json::from_value::<Baseline>(last.counts.clone()).ok());
        let (Some(last), Some(last_good)) = (last, last_good) else {
            let reason = "there is no good census to compare the references with: s3gc plan makes one";
            return Err(Error::Stop { name: "references", reason: reason.into() });
        };
        let now = Baseline { counts: JudgeCounts::default(), sources: scanned.sources.clone() };
        let input = BrakeInput {
            settings: &parts.settings,
            now: &now,
            last_good: Some(&last_good),
            config_hash: &parts.config_hash,
            last_config_hash: Some(&last.config_hash),
            is_execute: true,
        };
        refuse(&input.check_references())?;
        Ok(scanned)
    }

    /// Checks everything again, now that the references are known, and acts on it, a few packs at a time.
    async fn decide(&mut self, candidates: Vec<PackRecord>, scanned: &mut Referenced) -> Result<()> {
        let (parts, size) = (self.parts, chunk_size(&scanned.keys, &scanned.prefixes));
        self.run.progress.phase(Phase::Prune, Some(candidates.len() as u64));
        let mut references = References::among(scanned, &parts.settings);
        let mut holds = self.holds().await?;
        let (mut open, mut keys) = (Vec::new(), 0);
        let mut candidates = candidates.into_iter().peekable();
        while let Some(pack) = candidates.next() {
            match check::check(parts, &pack, &mut holds, parts.clock.now()).await? {
                Err(reason) => self.keep(&pack, reason).await?,
                Ok(found) => {
                    keys += found.len();
                    open.push((pack, found));
                }
            }
            if keys >= size || candidates.peek().is_none() {
                let lost = self.lost(&mut references, &open).await?;
                for ((pack, keys), lost) in std::mem::take(&mut open).into_iter().zip(lost) {
                    match lost {
                        Some(reason) => self.keep(&pack, reason).await?,
                        None => self.free(&pack, &keys).await?,
                    }
                }
                keys = 0;
                self.run.progress.advance(Phase::Prune, self.report.packs.len() as u64, self.report.removed.bytes);
            }
        }
        Ok(())
    }

    /// Tells for each pack whether something references an object that is not in the bucket.
    async fn lost(
        &self,
        references: &mut References<'_>,
        packs: &[(PackRecord, Vec<ObjectKey>)],
    ) -> Result<Vec<Option<PackKept>>> {
        let keys: Vec<&ObjectKey> = packs.iter().flat_map(|(_, keys)| keys).collect();
        let found = references.name(&keys).map_err(Error::io("reading references in", &self.run.work_dir))?;
        let mut found = found.into_iter();
        let mut lost = Vec::with_capacity(packs.len());
        for (_, keys) in packs {
            let referenced = keys.iter().zip(found.by_ref()).filter(|(_, found)| *found);
            let referenced: Vec<ObjectKey> = referenced.map(|(key, _)| key.clone()).collect();
            let gone = gone(&*self.parts.store, referenced).await?;
            let first = gone.first().cloned();
            lost.push(first.map(|key| PackKept::Referenced { key, objects: gone.len() as u64 }));
        }
        Ok(lost)
    }

    /// A pack stays: a mark is taken away, and a removal that was begun is undone.
    async fn keep(&mut self, pack: &PackRecord, reason: PackKept) -> Result<()> {
        let was_marked = pack.state != PackState::Kept;
        if was_marked && let Some(powers) = &mut self.powers {
            powers.check(self.parts, self.run).await?;
            let is_begun = pack.state.is_gone();
            let kind = if is_begun { "prune_undo" } else { "prune_unmark" };
            let audit = remove::draft(self.parts, kind, pack, json!({ "reason": reason }));
            self.parts.catalog.move_pack(&pack.name, pack.state, PackState::Kept, audit).await?;
            hit(if is_begun { Point::PruneUndone } else { Point::PruneUnmarked });
            tracing::info!(pack = %pack.name, reason = reason.as_str(), "not pruned after all");
        }
        self.report.add(pack, PruneOutcome::Kept { reason, was_marked });
        Ok(())
    }

    /// Nothing needs a pack: it is marked, or removed if it was marked long enough ago.
    async fn free(&mut self, pack: &PackRecord, keys: &[ObjectKey]) -> Result<()> {
        let now = self.parts.clock.now();
        if let PackState::Marked { at } = pack.state {
            let removable_at = after_mark(at);
            if removable_at > now || self.is_look_over() {
                self.report.add(pack, PruneOutcome::Waiting { marked_at: at, removable_at });
                return Ok(());
            }
        }
        match self.file(pack).await? {
            File::Missing => return self.keep(pack, PackKept::Missing).await,
            File::Differs(found_bytes) => return self.keep(pack, PackKept::Differs { found_bytes }).await,
            File::There => {}
        }
        let outcome = match (pack.state, &self.powers) {
            (PackState::Kept, None) => PruneOutcome::WouldMark { removable_at: after_mark(now) },
            (_, None) => PruneOutcome::WouldRemove,
            (PackState::Kept, Some(_)) => self.mark(pack).await?,
            (_, Some(_)) => match self.remove(pack, keys).await? {
                Ok(outcome) => outcome,
                Err(reason) => return self.keep(pack, reason).await,
            },
        };
        self.report.add(pack, outcome);
        Ok(())
    }

    async fn mark(&mut self, pack: &PackRecord) -> Result<PruneOutcome> {
        if let Some(powers) = &mut self.powers {
            powers.check(self.parts, self.run).await?;
        }
        let at = self.parts.clock.now();
        let removable_at = after_mark(at);
        let audit = remove::draft(self.parts, "prune_mark", pack, json!({ "removable_at": removable_at }));
        if !self.parts.catalog.move_pack(&pack.name, pack.state, PackState::Marked { at }, audit).await? {
            return Ok(PruneOutcome::Kept { reason: PackKept::Busy, was_marked: false });
        }
        hit(Point::PruneMarked);
        Ok(PruneOutcome::Marked { removable_at })
    }

    /// Compares the file of a pack with what the catalog knows of it.
    async fn file(&self, pack: &PackRecord) -> Result<File> {
        match stored(&self.parts.vault).size(&pack.name).await {
            Ok(size_bytes) if size_bytes == pack.size_bytes => Ok(File::There),
            Ok(size_bytes) => Ok(File::Differs(size_bytes)),
            Err(s3gc_vault::Error::NotFound { .. }) => Ok(File::Missing),
            Err(error) => Err(error.into()),
        }
    }
}

/// Finds those keys that the bucket does not have: where it has one, what references it is served.
async fn gone(store: &dyn ObjectStore, keys: Vec<ObjectKey>) -> Result<Vec<ObjectKey>> {
    let looks = stream::iter(keys).map(|key| async move {
        match store.head(&key).await {
            Ok(_) => Ok(None),
            Err(error) if error.is_not_found() => Ok(Some(key)),
            Err(error) => Err(Error::from(error)),
        }
    });
    let gone: Vec<Option<ObjectKey>> = looks.buffered(CONCURRENCY).try_collect().await?;
    Ok(gone.into_iter().flatten().collect())
}

/// The file of a pack.
#[derive(Clone, Copy, PartialEq, Eq)]
enum File {
    There,
    Missing,
    /// Of another length.
    Differs(u64),
}

/// When a mark of this time is old enough.
fn after_mark(marked_at: Timestamp) -> Timestamp {
    marked_at.checked_add(MARK_TIME).unwrap_or(Timestamp::MAX)
}

/// What would block a plan says that the references are not to be relied on.
fn refuse(brakes: &[Brake]) -> Result<()> {
    if brakes.is_empty() {
        return Ok(());
    }
    let reasons: Vec<String> = brakes.iter().map(|brake| format!("{}: {}", brake.name, brake.reason)).collect();
    Err(Error::Stop {
        name: "references",
        reason: format!("{}; look at a plan first, and accept it if it is right: s3gc plan", reasons.join("; ")),
    })
}
