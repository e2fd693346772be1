//! The catalog of one collector: the catalog in memory, with a point at each call.

use std::future::Future;

use async_trait::async_trait;
use s3gc_core::audit::{AuditDraft, AuditEntry, AuditHead};
use s3gc_core::catalog::{
    self, AuditFilter, CatalogId, CensusRecord, EntryFilter, EntryId, EntryRecord, EntryState, Error, Hold, Judgement,
    Lease, OrphanClock, PackRecord, PackState, Pin, PlanRecord, Result, RunRecord, Seen, Settlement, StagedEntry,
    Totals,
};
use s3gc_core::{Digest, Location, ObjectKey, RunId, Timestamp};
use s3gc_vault::FileName;

use crate::catalog::MemoryCatalog;
use crate::world::Sim;

/// A catalog of one collector.
#[derive(Debug)]
pub(crate) struct SimCatalog {
    sim: Sim,
    who: usize,
    memory: MemoryCatalog,
}

impl SimCatalog {
    pub(crate) fn new(sim: &Sim, who: usize) -> Self {
        let memory = MemoryCatalog(sim.lock().catalog.clone());
        Self { sim: sim.clone(), who, memory }
    }

    async fn call<T>(&self, op: &'static str, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if self.sim.enter(self.who, op).await.is_some() {
            return Err(failed(op));
        }
        let result = call.await;
        self.sim.leave(self.who, op).await;
        result
    }
}

fn failed(operation: &'static str) -> Error {
    Error::Failed { catalog: "simulated".into(), operation, source: "the simulator says so".into() }
}

#[async_trait]
impl catalog::Catalog for SimCatalog {
    fn name(&self) -> &str {
        self.memory.name()
    }

    fn id(&self) -> CatalogId {
        self.memory.id()
    }

    async fn lease(&self, location: &Location) -> Result<Option<Lease>> {
        self.call("lease", self.memory.lease(location)).await
    }

    async fn swap_lease(&self, location: &Location, expected: Option<&Lease>, new: &Lease) -> Result<bool> {
        let swap = async {
            let is_swapped = self.memory.swap_lease(location, expected, new).await?;
            if is_swapped && expected.map(|lease| lease.epoch) != Some(new.epoch) {
                self.sim.lock().holder = Some(self.who);
            }
            Ok(is_swapped)
        };
        // Not the heartbeat, which is a task: its calls come whenever they like.
        if tokio::task::try_id().is_none() {
            return self.call("lease", swap).await;
        }
        self.sim.resume(self.who).await;
        swap.await
    }

    async fn put_run(&self, run: &RunRecord) -> Result<()> {
        self.call("run", self.memory.put_run(run)).await
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRecord>> {
        self.memory.run(id).await
    }

    async fn runs(&self, location: Option<&Location>, limit: u32) -> Result<Vec<RunRecord>> {
        self.call("run", self.memory.runs(location, limit)).await
    }

    async fn put_plan(&self, plan: &PlanRecord) -> Result<()> {
        self.call("plan", self.memory.put_plan(plan)).await
    }

    async fn plan(&self, hash: &Digest) -> Result<Option<PlanRecord>> {
        self.call("plan", self.memory.plan(hash)).await
    }

    async fn last_census(&self, location: &Location) -> Result<Option<CensusRecord>> {
        self.call("judge", self.memory.last_census(location)).await
    }

    async fn put_census(&self, location: &Location, census: &CensusRecord) -> Result<()> {
        self.call("commit", self.memory.put_census(location, census)).await
    }

    async fn judge(&self, location: &Location, run: RunId, at: Timestamp, anew: bool) -> Result<Box<dyn Judgement>> {
        let inner = self.call("judge", self.memory.judge(location, run, at, anew)).await?;
        Ok(Box::new(SimJudgement { sim: self.sim.clone(), who: self.who, inner }))
    }

    async fn clocks(&self, location: &Location, keys: &[ObjectKey]) -> Result<Vec<Option<OrphanClock>>> {
        self.call("clocks", self.memory.clocks(location, keys)).await
    }

    async fn erase_clocks(&self, location: &Location, keys: &[ObjectKey]) -> Result<()> {
        self.call("clocks", self.memory.erase_clocks(location, keys)).await
    }

    async fn stage(&self, pack: &PackRecord, entries: &[StagedEntry]) -> Result<Vec<EntryId>> {
        self.call("stage", self.memory.stage(pack, entries)).await
    }

    async fn send(&self, entries: &[EntryId], at: Timestamp) -> Result<()> {
        self.call("send", async {
            self.memory.send(entries, at).await?;
            self.sim.lock().runs[self.who].sent.extend(entries.iter().map(|id| id.0));
            Ok(())
        })
        .await
    }

    async fn settle(&self, outcomes: &[Settlement], audit: Vec<AuditDraft>) -> Result<()> {
        self.call("settle", async {
            self.memory.settle(outcomes, audit).await?;
            let mut world = self.sim.lock();
            for outcome in outcomes {
                world.note(format_args!("  entry {} is {}", outcome.entry.0, outcome.state.as_str()));
                world.runs[self.who].sent.remove(&outcome.entry.0);
                match outcome.state {
                    EntryState::Rescued => world.stats.rescued += 1,
                    EntryState::Changed => world.stats.changed += 1,
                    EntryState::Deleted => world.stats.deleted += 1,
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }

    async fn unsettled(&self, location: &Location, after: EntryId, limit: u32) -> Result<Vec<EntryRecord>> {
        self.call("unsettled", self.memory.unsettled(location, after, limit)).await
    }

    async fn entries(&self, filter: &EntryFilter, after: EntryId, limit: u32) -> Result<Vec<EntryRecord>> {
        self.memory.entries(filter, after, limit).await
    }

    async fn restored(&self, id: EntryId, at: Timestamp, hold_until: Timestamp, audit: AuditDraft) -> Result<()> {
        self.call("restored", async {
            let key = audit.key.clone().unwrap_or_default();
            self.memory.restored(id, at, hold_until, audit).await?;
            self.sim.lock().restored(&key);
            Ok(())
        })
        .await
    }

    async fn adopt(&self, pack: &PackRecord, entries: &[StagedEntry]) -> Result<bool> {
        self.memory.adopt(pack, entries).await
    }

    async fn packs(&self, after: Option<&FileName>, limit: u32) -> Result<Vec<PackRecord>> {
        self.memory.packs(after, limit).await
    }

    async fn move_pack(
        &self,
        pack: &FileName,
        expected: PackState,
        next: PackState,
        audit: AuditDraft,
    ) -> Result<bool> {
        self.call("pack", self.memory.move_pack(pack, expected, next, audit)).await
    }

    async fn add_hold(&self, hold: &Hold) -> Result<i64> {
        self.memory.add_hold(hold).await
    }

    async fn holds(&self, location: Option<&Location>) -> Result<Vec<Hold>> {
        self.call("holds", self.memory.holds(location)).await
    }

    async fn remove_hold(&self, id: i64) -> Result<bool> {
        self.memory.remove_hold(id).await
    }

    async fn hold_key(&self, location: &Location, key: &ObjectKey, until: Timestamp) -> Result<()> {
        self.call("hold", async {
            self.memory.hold_key(location, key, until).await?;
            self.sim.lock().held(key.as_str());
            Ok(())
        })
        .await
    }

    async fn held_keys(
        &self,
        location: &Location,
        now: Timestamp,
        after: Option<&ObjectKey>,
        limit: u32,
    ) -> Result<Vec<ObjectKey>> {
        self.call("holds", self.memory.held_keys(location, now, after, limit)).await
    }

    async fn pins(&self, location: &Location) -> Result<Vec<Pin>> {
        self.memory.pins(location).await
    }

    async fn set_pin(&self, location: &Location, pin: &Pin) -> Result<()> {
        self.call("pin", self.memory.set_pin(location, pin)).await
    }

    async fn append_audit(&self, drafts: Vec<AuditDraft>) -> Result<AuditHead> {
        self.call("audit", self.memory.append_audit(drafts)).await
    }

    async fn audit(&self, filter: &AuditFilter, after: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        self.memory.audit(filter, after, limit).await
    }

    async fn audit_head(&self) -> Result<AuditHead> {
        self.memory.audit_head().await
    }

    async fn totals(&self, location: Option<&Location>) -> Result<Totals> {
        self.memory.totals(location).await
    }
}

/// A judgement of one collector.
#[derive(Debug)]
struct SimJudgement {
    sim: Sim,
    who: usize,
    inner: Box<dyn Judgement>,
}

#[async_trait]
impl Judgement for SimJudgement {
    async fn observe(&mut self, seen: &[Seen]) -> Result<Vec<Timestamp>> {
        if self.sim.enter(self.who, "observe").await.is_some() {
            return Err(failed("observe"));
        }
        self.inner.observe(seen).await
    }

    async fn commit(self: Box<Self>, census: Option<&CensusRecord>) -> Result<()> {
        let Self { sim, who, inner } = *self;
        if sim.enter(who, "commit").await.is_some() {
            return Err(failed("commit"));
        }
        inner.commit(census).await?;
        sim.lock().judged(who);
        sim.leave(who, "commit").await;
        Ok(())
    }
}
