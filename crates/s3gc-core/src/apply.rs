//! The waves of a plan: stage, drain, look, sweep, settle.

use std::sync::Arc;

use s3gc_failpoint::{Point, hit};
use s3gc_source::SourceLock;
use s3gc_store::{ObjectKey, ObjectMeta};
use serde_json::json;
use tokio::sync::Mutex;

use crate::audit::AuditDraft;
use crate::catalog::{PlanRecord, PlanState, RunState};
use crate::fence::{self, FencedWave};
use crate::gc::{Parts, RunContext};
use crate::judge::{HoldSet, Kept, due_at, glob_holds};
use crate::lease::HeldLease;
use crate::look::{drain, look};
use crate::plan::{PlanEntry, PlanFile, PlanReader};
use crate::preflight::Preflight;
use crate::progress::Phase;
use crate::report::{RunReport, Skip, Skipped, SweepReport};
use crate::stage::{Content, Staged, StagedObject, stage};
use crate::sweep::{Capabilities, LookGuard, Means, keep, probe, sweep};
use crate::{Error, Result, Settings, migration};

/// How many entries of a plan are compared with the catalog at a time.
const PAGE: usize = 1000;

/// A plan in execution.
pub(crate) struct Apply<'a> {
    pub(crate) parts: &'a Arc<Parts>,
    pub(crate) run: &'a RunContext,
    pub(crate) preflight: &'a Preflight,
    pub(crate) lease: &'a HeldLease,
    pub(crate) locks: &'a mut [Box<dyn SourceLock>],
    pub(crate) plan: &'a PlanFile,
}

impl Apply<'_> {
    /// Deletes what the plan lists and nothing else, wave by wave.
    pub(crate) async fn execute(mut self, report: &mut RunReport) -> Result<RunState> {
        if self.plan.entries == 0 {
            set_state(self.parts, self.plan, PlanState::Finished).await?;
            return Ok(RunState::Done);
        }
        let capabilities = probe(&*self.parts.store, &self.preflight.store, self.run.id).await?;
        Means::pick(self.parts, capabilities, self.preflight.store.versioning)?;
        self.wait_for_dead_requests().await?;
        set_state(self.parts, self.plan, PlanState::Begun).await?;
        hit(Point::PlanBegun);
        let mut reader = self.plan.reader()?;
        loop {
            let room = self.room(&report.sweep);
            if room == 0 {
                report.notes.push("the cap of the trust ramp is reached: the rest waits for another day".into());
                return Ok(end_state(&report.sweep));
            }
            // Anew for each wave: a person may have added a hold meanwhile, or an application begun a migration.
            migration::check(self.parts).await?;
            let mut filter = Filter::new(self.parts, self.run, self.preflight).await?;
            let wave = filter.next_wave(self.parts, &mut reader, room, &mut report.sweep).await?;
            if wave.is_empty() {
                break;
            }
            self.wave(capabilities, wave, &mut report.sweep).await?;
            if self.run.cancel.is_cancelled() {
                return Ok(RunState::Cancelled);
            }
        }
        set_state(self.parts, self.plan, PlanState::Finished).await?;
        hit(Point::PlanFinished);
        Ok(end_state(&report.sweep))
    }

    /// How many objects the next wave may hold.
    fn room(&self, report: &SweepReport) -> usize {
        let wave = self.parts.settings.wave_objects.max(1);
        match self.run.cap {
            Some(cap) => {
                let left = cap.saturating_sub(report.deleted.objects + report.unknown.objects);
                wave.min(usize::try_from(left).unwrap_or(usize::MAX))
            }
            None => wave,
        }
    }

    /// The lease was taken over from a holder that did not give it back: what it signed may still land.
    async fn wait_for_dead_requests(&self) -> Result<()> {
        let wait = self.lease.state.wait(&*self.parts.clock);
        if wait.is_zero() {
            return Ok(());
        }
        self.run
            .progress
            .note(format!("waiting {} s: requests of the collector before may still land", wait.as_secs()));
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.run.cancel.cancelled() => Err(Error::Cancelled),
        }
    }

    /// Stages a wave and sweeps it. Whatever happens, nothing of it stays staged without an outcome.
    async fn wave(&mut self, capabilities: Capabilities, wave: Vec<PlanEntry>, report: &mut SweepReport) -> Result<()> {
        let sizes: std::collections::HashMap<ObjectKey, u64> =
            wave.iter().map(|entry| (entry.key.clone(), entry.size_bytes)).collect();
        let (mut fenced, wave) = FencedWave::begin(self.parts, self.run, wave, report).await?;
        let mut staged = Staged::default();
        self.run.progress.phase(Phase::Stage, Some(wave.len() as u64));
        let result = stage(self.parts, self.run, wave, &mut staged).await;
        self.run.progress.finished(Phase::Stage);
        report.packs += staged.packs;
        report.vault_bytes += staged.vault_bytes;
        for object in &staged.objects {
            report.staged.add(object.plan.size_bytes);
            if let Content::Copied(_) = object.content {
                report.copied.add(object.plan.size_bytes);
            }
        }
        for skipped in std::mem::take(&mut staged.skipped) {
            let bytes = sizes.get(&skipped.key).copied().unwrap_or_default();
            report.skip(skipped, bytes);
        }
        let mut left = staged.objects;
        let result = match result {
            Ok(()) => self.look_and_sweep(capabilities, &mut left, &mut fenced, report).await,
            Err(error) => Err(error),
        };
        let reason = match &result {
            Ok(()) => "the run ended before its turn".to_owned(),
            Err(error) => format!("the run ended before its turn: {error}"),
        };
        let kept = left
            .into_iter()
            .map(|object| {
                let skipped = Skipped::new(&object.plan.key, Skip::PutBack, &reason);
                (object, skipped)
            })
            .collect();
        let kept = keep(self.parts, self.run, kept, report).await;
        let ended = fenced.end(self.parts).await;
        result.and(kept).and(ended)?;
        fence::obey(self.parts, self.run, report).await
    }

    /// Tells whether a person holds the key, or what it is derived from.
    fn is_held(&self, holds: &globset::GlobSet, key: &ObjectKey) -> bool {
        holds.is_match(key.as_str())
            || self.parts.settings.variants.bases(key).any(|base| holds.is_match(base.as_str()))
    }

    /// Waits until nobody who wrote before this moment can still commit a reference that the look would not see.
    async fn drain(&self) -> Result<()> {
        self.run.progress.phase(Phase::Drain, None);
        if let Some(blocker) = drain(self.parts, self.run).await? {
            return Err(Error::Stop {
                name: "drain",
                reason: format!("a transaction from before the look is still open: {blocker}"),
            });
        }
        self.run.progress.finished(Phase::Drain);
        Ok(())
    }

    /// Drains, looks and sweeps until everything is settled; what is left in `left` was not taken up.
    async fn look_and_sweep(
        &mut self,
        capabilities: Capabilities,
        left: &mut Vec<StagedObject>,
        fenced: &mut FencedWave,
        report: &mut SweepReport,
    ) -> Result<()> {
        while !left.is_empty() && !self.run.cancel.is_cancelled() {
            self.drain().await?;
            hit(Point::Drained);
            // Before the look: who refers to them from here on is told, and who did before is over or holds them.
            let kept = fenced.mark(self.parts, left).await?;
            keep(self.parts, self.run, kept, report).await?;
            let holds = Mutex::new(fence::hold(self.parts).await?);
            self.run.progress.phase(Phase::Look, Some(left.len() as u64));
            let keys: Vec<&ObjectKey> = left.iter().map(|object| &object.plan.key).collect();
            let look = look(self.parts, self.run, &keys).await?;
            hit(Point::Looked);
            self.run.progress.finished(Phase::Look);
            let globs = glob_holds(&*self.parts.catalog, self.parts.store.location(), self.preflight.now(self.parts));
            let globs = globs.await?;
            let (mut kept, mut free) = (Vec::new(), Vec::new());
            for (object, referenced) in left.drain(..).zip(&look.referenced) {
                let key = &object.plan.key;
                let skipped = if *referenced {
                    Skipped::new(key, Skip::Rescued, "referenced again")
                } else if self.is_held(&globs, key) {
                    Skipped::new(key, Skip::Held, Kept::Held.as_str())
                } else {
                    free.push(object);
                    continue;
                };
                kept.push((object, skipped));
            }
            left.extend(free);
            keep(self.parts, self.run, kept, report).await?;
            for lock in self.locks.iter_mut() {
                lock.is_held().await?;
            }
            // After staging, which may take long: a bucket whose versioning was suspended meanwhile deletes for good.
            let means = Means::pick(self.parts, capabilities, self.parts.store.status().await?.versioning)?;
            let guard = LookGuard::new(
                Arc::clone(&self.parts.clock),
                Arc::clone(&self.lease.state),
                &look,
                self.parts.settings.recheck_window,
                self.run.cancel.clone(),
            );
            self.run.progress.phase(Phase::Sweep, Some(left.len() as u64));
            let before = left.len();
            let given: Vec<ObjectKey> = left.iter().map(|object| object.plan.key.clone()).collect();
            let swept = sweep(self.parts, self.run, means, &guard, &holds, left, report).await;
            fenced.swept(given, left);
            swept?;
            self.run.progress.finished(Phase::Sweep);
            self.lease
                .state
                .check(&*self.parts.clock)
                .map_err(|refused| Error::Stop { name: "lease", reason: refused.0 })?;
            if left.len() == before && before > 0 && !self.run.cancel.is_cancelled() {
                return Err(Error::Stop {
                    name: "recheck_window",
                    reason: format!(
                        "the look at the references took longer than {} s, so nothing may be deleted after it: lengthen \
                         [safety] recheck_window, or watch fewer rows",
                        self.parts.settings.recheck_window.as_secs()
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Compares a plan with the holds, clocks and configuration of now, which can only remove entries.
struct Filter {
    holds: HoldSet,
    now: s3gc_store::Timestamp,
}

impl Filter {
    async fn new(parts: &Parts, run: &RunContext, preflight: &Preflight) -> Result<Self> {
        let now = preflight.now(parts);
        let holds = HoldSet::load(&*parts.catalog, parts.store.location(), &parts.settings, &run.work_dir, now).await?;
        Ok(Self { holds, now })
    }

    /// Reads the next wave; an empty one is the end of the plan, whose digest was right.
    async fn next_wave(
        &mut self,
        parts: &Parts,
        reader: &mut PlanReader,
        objects: usize,
        report: &mut SweepReport,
    ) -> Result<Vec<PlanEntry>> {
        let (mut wave, mut bytes) = (Vec::new(), 0_u64);
        while wave.len() < objects && bytes < parts.settings.wave_bytes {
            let room = (objects - wave.len()).min(PAGE);
            let mut page = Vec::new();
            let mut page_bytes = 0;
            while page.len() < room && bytes + page_bytes < parts.settings.wave_bytes {
                let Some(entry) = reader.next()? else { break };
                report.planned.add(entry.size_bytes);
                page_bytes += entry.size_bytes;
                page.push(entry);
            }
            if page.is_empty() {
                break;
            }
            for entry in self.check(parts, page, report).await? {
                bytes += entry.size_bytes;
                wave.push(entry);
            }
        }
        Ok(wave)
    }

    async fn check(&mut self, parts: &Parts, page: Vec<PlanEntry>, report: &mut SweepReport) -> Result<Vec<PlanEntry>> {
        let keys: Vec<ObjectKey> = page.iter().map(|entry| entry.key.clone()).collect();
        let clocks = parts.catalog.clocks(parts.store.location(), &keys).await?;
        let settings = &parts.settings;
        let mut free = Vec::with_capacity(page.len());
        for (entry, clock) in page.into_iter().zip(clocks) {
            let hold = self.holds.reason(&entry.key, &parts.settings.variants);
            let reason = if Settings::is_reserved(&entry.key) {
                Some(Kept::Reserved.as_str())
            } else if !settings.is_claimed(&entry.key) {
                Some(Kept::Unclaimed.as_str())
            } else if settings.is_excluded(&entry.key) {
                Some(Kept::Excluded.as_str())
            } else if let Some(hold) = hold {
                Some(hold.as_str())
            } else {
                let is_due = clock.is_some_and(|clock| {
                    clock.etag == entry.etag
                        && ObjectMeta::is_same_instant(clock.last_modified, entry.last_modified)
                        && due_at(settings, &entry.etag, entry.last_modified, clock.since)
                            .is_some_and(|due_at| due_at <= self.now)
                });
                (!is_due).then_some("its clock was erased or started anew since the plan")
            };
            match reason {
                Some(reason) => report.skip(Skipped::new(&entry.key, Skip::Held, reason), entry.size_bytes),
                None => free.push(entry),
            }
        }
        Ok(free)
    }
}

/// Writes each deletion that would happen into the audit chain.
pub(crate) async fn audit_only(
    parts: &Parts,
    run: &RunContext,
    plan: &PlanFile,
    report: &mut RunReport,
) -> Result<RunState> {
    let mut reader = plan.reader()?;
    loop {
        let mut drafts = Vec::new();
        while drafts.len() < PAGE {
            let Some(entry) = reader.next()? else { break };
            report.sweep.planned.add(entry.size_bytes);
            drafts.push(AuditDraft {
                at: parts.clock.now(),
                run: Some(run.id),
                location: Some(parts.store.location().clone()),
                kind: "would_delete".into(),
                key: Some(entry.key.as_str().to_owned()),
                detail: json!({
                    "etag": entry.etag,
                    "size_bytes": entry.size_bytes,
                    "last_modified": entry.last_modified,
                    "unreferenced_since": entry.unreferenced_since,
                    "plan": plan.hash,
                }),
            });
        }
        if drafts.is_empty() {
            return Ok(RunState::Done);
        }
        parts.catalog.append_audit(drafts).await?;
    }
}

fn end_state(report: &SweepReport) -> RunState {
    if report.failed.objects + report.unknown.objects > 0 { RunState::Partial } else { RunState::Done }
}

async fn set_state(parts: &Parts, plan: &PlanFile, state: PlanState) -> Result<()> {
    let record = PlanRecord {
        hash: plan.hash,
        run: plan.header.run,
        location: plan.header.location.clone(),
        created_at: plan.header.created_at,
        state,
    };
    Ok(parts.catalog.put_plan(&record).await?)
}
