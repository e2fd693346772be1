//! A catalog in which calls go wrong.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use s3gc_core::audit::{AuditDraft, AuditEntry, AuditHead};
use s3gc_core::catalog::{
    AuditFilter, Catalog, CatalogId, CensusRecord, EntryFilter, EntryId, EntryRecord, Error, Hold, Judgement, Lease,
    OrphanClock, PackRecord, PackState, Pin, PlanRecord, Result, RunRecord, Seen, Settlement, StagedEntry, Totals,
};
use s3gc_core::{Digest, Location, ObjectKey, RunId, Timestamp};
use s3gc_vault::FileName;

use super::{Fault, FaultPlan, Injected};

/// Plays a [`FaultPlan`] into a catalog.
///
/// Operations have the names of the methods, those of a judgement (`observe`, `commit`) too. What writes has a second
/// operation after its effect, such as `stage_done`: `Hang` there is a process that dies just after the write, and
/// `Fail` is `Unanswered` of the first.
#[derive(Clone, Debug)]
pub struct FaultyCatalog {
    inner: Arc<dyn Catalog>,
    plan: FaultPlan,
}

impl FaultyCatalog {
    /// Wraps a catalog.
    #[must_use]
    pub fn new(inner: Arc<dyn Catalog>, plan: FaultPlan) -> Self {
        Self { inner, plan }
    }

    fn error(&self, operation: &'static str, fault: &Fault) -> Error {
        let (catalog, source) = (self.name().to_owned(), Box::new(Injected::new(operation, fault)));
        Error::Failed { catalog, operation, source }
    }

    async fn read<T: Send>(&self, operation: &'static str, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match self.plan.enter(operation).await {
            None => call.await,
            Some(fault) => Err(self.error(operation, &fault)),
        }
    }

    async fn write<T: Send>(
        &self,
        operation: &'static str,
        done: &'static str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let unanswered = match self.plan.enter(operation).await {
            None => None,
            Some(fault @ Fault::Unanswered) => Some(fault),
            Some(fault) => return Err(self.error(operation, &fault)),
        };
        let answer = call.await?;
        match unanswered.or(self.plan.enter(done).await) {
            None => Ok(answer),
            Some(fault) => Err(self.error(operation, &fault)),
        }
    }
}

macro_rules! read {
    ($faulty:ident.$method:ident($($argument:expr),*)) => {
        $faulty.read(stringify!($method), $faulty.inner.$method($($argument),*)).await
    };
}

macro_rules! write {
    ($faulty:ident.$method:ident($($argument:expr),*)) => {
        $faulty
            .write(stringify!($method), concat!(stringify!($method), "_done"), $faulty.inner.$method($($argument),*))
            .await
    };
}

#[async_trait]
impl Catalog for FaultyCatalog {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn id(&self) -> CatalogId {
        self.inner.id()
    }

    async fn lease(&self, location: &Location) -> Result<Option<Lease>> {
        read!(self.lease(location))
    }

    async fn swap_lease(&self, location: &Location, expected: Option<&Lease>, new: &Lease) -> Result<bool> {
        write!(self.swap_lease(location, expected, new))
    }

    async fn put_run(&self, run: &RunRecord) -> Result<()> {
        write!(self.put_run(run))
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRecord>> {
        read!(self.run(id))
    }

    async fn runs(&self, location: Option<&Location>, limit: u32) -> Result<Vec<RunRecord>> {
        read!(self.runs(location, limit))
    }

    async fn put_plan(&self, plan: &PlanRecord) -> Result<()> {
        write!(self.put_plan(plan))
    }

    async fn plan(&self, hash: &Digest) -> Result<Option<PlanRecord>> {
        read!(self.plan(hash))
    }

    async fn last_census(&self, location: &Location) -> Result<Option<CensusRecord>> {
        read!(self.last_census(location))
    }

    async fn put_census(&self, location: &Location, census: &CensusRecord) -> Result<()> {
        write!(self.put_census(location, census))
    }

    async fn judge(
        &self,
        location: &Location,
        run: RunId,
        at: Timestamp,
        restart_all: bool,
    ) -> Result<Box<dyn Judgement>> {
        let inner = write!(self.judge(location, run, at, restart_all))?;
        Ok(Box::new(FaultyJudgement { inner, catalog: self.clone() }))
    }

    async fn clocks(&self, location: &Location, keys: &[ObjectKey]) -> Result<Vec<Option<OrphanClock>>> {
        read!(self.clocks(location, keys))
    }

    async fn erase_clocks(&self, location: &Location, keys: &[ObjectKey]) -> Result<()> {
        write!(self.erase_clocks(location, keys))
    }

    async fn stage(&self, pack: &PackRecord, entries: &[StagedEntry]) -> Result<Vec<EntryId>> {
        write!(self.stage(pack, entries))
    }

    async fn send(&self, entries: &[EntryId], at: Timestamp) -> Result<()> {
        write!(self.send(entries, at))
    }

    async fn settle(&self, outcomes: &[Settlement], audit: Vec<AuditDraft>) -> Result<()> {
        write!(self.settle(outcomes, audit))
    }

    async fn unsettled(&self, location: &Location, after: EntryId, limit: u32) -> Result<Vec<EntryRecord>> {
        read!(self.unsettled(location, after, limit))
    }

    async fn vaulted(&self, location: &Location, after: EntryId, limit: u32) -> Result<Vec<(EntryId, ObjectKey)>> {
        read!(self.vaulted(location, after, limit))
    }

    async fn entries(&self, filter: &EntryFilter, after: EntryId, limit: u32) -> Result<Vec<EntryRecord>> {
        read!(self.entries(filter, after, limit))
    }

    async fn restored(&self, entry: EntryId, at: Timestamp, hold_until: Timestamp, audit: AuditDraft) -> Result<()> {
        write!(self.restored(entry, at, hold_until, audit))
    }

    async fn adopt(&self, pack: &PackRecord, entries: &[StagedEntry]) -> Result<bool> {
        write!(self.adopt(pack, entries))
    }

    async fn packs(&self, after: Option<&FileName>, limit: u32) -> Result<Vec<PackRecord>> {
        read!(self.packs(after, limit))
    }

    async fn move_pack(
        &self,
        pack: &FileName,
        expected: PackState,
        next: PackState,
        audit: AuditDraft,
    ) -> Result<bool> {
        write!(self.move_pack(pack, expected, next, audit))
    }

    async fn add_hold(&self, hold: &Hold) -> Result<i64> {
        write!(self.add_hold(hold))
    }

    async fn holds(&self, location: Option<&Location>) -> Result<Vec<Hold>> {
        read!(self.holds(location))
    }

    async fn remove_hold(&self, id: i64) -> Result<bool> {
        write!(self.remove_hold(id))
    }

    async fn hold_key(&self, location: &Location, key: &ObjectKey, until: Timestamp) -> Result<()> {
        write!(self.hold_key(location, key, until))
    }

    async fn held_keys(
        &self,
        location: &Location,
        now: Timestamp,
        after: Option<&ObjectKey>,
        limit: u32,
    ) -> Result<Vec<ObjectKey>> {
        read!(self.held_keys(location, now, after, limit))
    }

    async fn pins(&self, location: &Location) -> Result<Vec<Pin>> {
        read!(self.pins(location))
    }

    async fn set_pin(&self, location: &Location, pin: &Pin) -> Result<()> {
        write!(self.set_pin(location, pin))
    }

    async fn append_audit(&self, drafts: Vec<AuditDraft>) -> Result<AuditHead> {
        write!(self.append_audit(drafts))
    }

    async fn audit(&self, filter: &AuditFilter, after: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        read!(self.audit(filter, after, limit))
    }

    async fn audit_head(&self) -> Result<AuditHead> {
        read!(self.audit_head())
    }

    async fn totals(&self, location: Option<&Location>) -> Result<Totals> {
        read!(self.totals(location))
    }
}

#[derive(Debug)]
struct FaultyJudgement {
    inner: Box<dyn Judgement>,
    catalog: FaultyCatalog,
}

#[async_trait]
impl Judgement for FaultyJudgement {
    async fn observe(&mut self, seen: &[Seen]) -> Result<Vec<Timestamp>> {
        self.catalog.write("observe", "observe_done", self.inner.observe(seen)).await
    }

    async fn commit(self: Box<Self>, census: Option<&CensusRecord>) -> Result<()> {
        self.catalog.write("commit", "commit_done", self.inner.commit(census)).await
    }
}
