//! The catalog.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use s3gc_core::audit::{AuditDraft, AuditEntry, AuditHead};
use s3gc_core::catalog::{
    AuditFilter, Catalog, CatalogId, CensusRecord, EntryFilter, EntryId, EntryRecord, Hold, Judgement, Lease,
    OrphanClock, PackRecord, PackState, Pin, PlanRecord, Result, RunRecord, Settlement, StagedEntry, Totals,
};
use s3gc_core::vault::FileName;
use s3gc_core::{Digest, Location, ObjectKey, RunId, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tokio::sync::Mutex;

use crate::clocks::SqliteJudgement;
use crate::file::{self, File};
use crate::trouble;
use crate::{audit, clocks, entries, holds, leases, packs, runs};

/// A catalog in an SQLite file, which any number of processes may open at once.
///
/// # Examples
///
/// ```
/// use s3gc_catalog::SqliteCatalog;
/// use s3gc_core::catalog::Catalog;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("catalog.db");
/// let catalog = SqliteCatalog::open(&path).await?;
/// assert!(catalog.runs(None, 10).await?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteCatalog {
    shared: Arc<Shared>,
}

/// What the catalog shares with its judgements.
#[derive(Debug)]
pub(crate) struct Shared {
    name: String,
    id: CatalogId,
    /// All writes of this process take their turn here: SQLite has one writer at a time, and waits for it by polling.
    pub(crate) writer: Mutex<SqliteConnection>,
    readers: SqlitePool,
    pub(crate) options: SqliteConnectOptions,
}

impl Shared {
    pub(crate) fn named<T>(&self, operation: &'static str, result: trouble::Result<T>) -> Result<T> {
        result.map_err(|trouble| trouble.named(&self.name, operation))
    }
}

impl SqliteCatalog {
    /// Opens the catalog in this file; makes the file and its directory if there is none, and brings an older one up
    /// to date.
    ///
    /// # Errors
    ///
    /// `Unusable` if the file is damaged, is no catalog, or was written by a newer s3gc; `Full` or `Failed` if it
    /// cannot be made, read or written.
    pub async fn open(path: impl AsRef<Path> + Send) -> Result<Self> {
        let path = path.as_ref();
        let File { id, writer, readers, options } = file::open(path).await?;
        let name = path.display().to_string();
        Ok(Self { shared: Arc::new(Shared { name, id, writer: Mutex::new(writer), readers, options }) })
    }

    fn readers(&self) -> &SqlitePool {
        &self.shared.readers
    }
}

/// Takes the turn to write, then names what failed.
macro_rules! write {
    ($catalog:ident, $operation:literal, $module:ident::$step:ident($($argument:expr),*)) => {{
        let mut writer = $catalog.shared.writer.lock().await;
        let result = $module::$step(&mut writer, $($argument),*).await;
        $catalog.shared.named($operation, result)
    }};
}

/// Names what failed.
macro_rules! read {
    ($catalog:ident, $operation:literal, $module:ident::$step:ident($($argument:expr),*)) => {
        $catalog.shared.named($operation, $module::$step($catalog.readers(), $($argument),*).await)
    };
}

#[async_trait]
impl Catalog for SqliteCatalog {
    fn name(&self) -> &str {
        &self.shared.name
    }

    fn id(&self) -> CatalogId {
        self.shared.id
    }

    async fn lease(&self, location: &Location) -> Result<Option<Lease>> {
        read!(self, "reading the lease", leases::read(location))
    }

    async fn swap_lease(&self, location: &Location, expected: Option<&Lease>, new: &Lease) -> Result<bool> {
        write!(self, "writing the lease", leases::swap(location, expected, new))
    }

    async fn put_run(&self, run: &RunRecord) -> Result<()> {
        write!(self, "writing the run", runs::put(run))
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRecord>> {
        read!(self, "reading the run", runs::read(id))
    }

    async fn runs(&self, location: Option<&Location>, limit: u32) -> Result<Vec<RunRecord>> {
        read!(self, "listing runs", runs::list(location, limit))
    }

    async fn put_plan(&self, plan: &PlanRecord) -> Result<()> {
        write!(self, "writing the plan", runs::put_plan(plan))
    }

    async fn plan(&self, hash: &Digest) -> Result<Option<PlanRecord>> {
        read!(self, "reading the plan", runs::plan(hash))
    }

    async fn last_census(&self, location: &Location) -> Result<Option<CensusRecord>> {
        read!(self, "reading the last census", clocks::last_census(location))
    }

    async fn put_census(&self, location: &Location, census: &CensusRecord) -> Result<()> {
        write!(self, "writing the last census", clocks::put_census(location, census))
    }

    async fn judge(
        &self,
        location: &Location,
        run: RunId,
        at: Timestamp,
        restart_all: bool,
    ) -> Result<Box<dyn Judgement>> {
        let begun = SqliteJudgement::begin(Arc::clone(&self.shared), location, run, at, restart_all).await;
        Ok(Box::new(self.shared.named("beginning to judge", begun)?))
    }

    async fn clocks(&self, location: &Location, keys: &[ObjectKey]) -> Result<Vec<Option<OrphanClock>>> {
        read!(self, "reading the clocks of orphans", clocks::read(location, keys))
    }

    async fn erase_clocks(&self, location: &Location, keys: &[ObjectKey]) -> Result<()> {
        write!(self, "erasing the clocks of orphans", clocks::erase_all(location, keys))
    }

    async fn stage(&self, pack: &PackRecord, entries: &[StagedEntry]) -> Result<Vec<EntryId>> {
        write!(self, "writing a pack and its intents", entries::stage(pack, entries))
    }

    async fn send(&self, entries: &[EntryId], at: Timestamp) -> Result<()> {
        write!(self, "marking entries as sent", entries::send(entries, at))
    }

    async fn settle(&self, outcomes: &[Settlement], audit: Vec<AuditDraft>) -> Result<()> {
        write!(self, "writing outcomes", entries::settle(outcomes, audit))
    }

    async fn unsettled(&self, location: &Location, after: EntryId, limit: u32) -> Result<Vec<EntryRecord>> {
        read!(self, "listing unsettled entries", entries::unsettled(location, after, limit))
    }

    async fn vaulted(&self, location: &Location, after: EntryId, limit: u32) -> Result<Vec<(EntryId, ObjectKey)>> {
        read!(self, "listing what is in the vault", entries::vaulted(location, after, limit))
    }

    async fn entries(&self, filter: &EntryFilter, after: EntryId, limit: u32) -> Result<Vec<EntryRecord>> {
        read!(self, "listing entries", entries::find(filter, after, limit))
    }

    async fn restored(&self, entry: EntryId, at: Timestamp, hold_until: Timestamp, audit: AuditDraft) -> Result<()> {
        write!(self, "writing a restore", entries::restored(entry, at, hold_until, audit))
    }

    async fn adopt(&self, pack: &PackRecord, entries: &[StagedEntry]) -> Result<bool> {
        write!(self, "writing a pack that was found", entries::adopt(pack, entries))
    }

    async fn packs(&self, after: Option<&FileName>, limit: u32) -> Result<Vec<PackRecord>> {
        read!(self, "listing packs", packs::list(after, limit))
    }

    async fn move_pack(
        &self,
        pack: &FileName,
        expected: PackState,
        next: PackState,
        audit: AuditDraft,
    ) -> Result<bool> {
        write!(self, "writing how a pack stands", packs::step(pack, expected, next, audit))
    }

    async fn add_hold(&self, hold: &Hold) -> Result<i64> {
        write!(self, "writing a hold", holds::add(hold))
    }

    async fn holds(&self, location: Option<&Location>) -> Result<Vec<Hold>> {
        read!(self, "listing holds", holds::list(location))
    }

    async fn remove_hold(&self, id: i64) -> Result<bool> {
        write!(self, "removing a hold", holds::remove(id))
    }

    async fn hold_key(&self, location: &Location, key: &ObjectKey, until: Timestamp) -> Result<()> {
        write!(self, "holding a key", holds::set_key(location, key, until))
    }

    async fn held_keys(
        &self,
        location: &Location,
        now: Timestamp,
        after: Option<&ObjectKey>,
        limit: u32,
    ) -> Result<Vec<ObjectKey>> {
        read!(self, "listing held keys", holds::held_keys(location, now, after, limit))
    }

    async fn pins(&self, location: &Location) -> Result<Vec<Pin>> {
        read!(self, "reading pins", holds::pins(location))
    }

    async fn set_pin(&self, location: &Location, pin: &Pin) -> Result<()> {
        write!(self, "writing a pin", holds::set_pin(location, pin))
    }

    async fn append_audit(&self, drafts: Vec<AuditDraft>) -> Result<AuditHead> {
        write!(self, "appending to the audit chain", audit::append_all(drafts))
    }

    async fn audit(&self, filter: &AuditFilter, after: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        read!(self, "listing the audit chain", audit::list(filter, after, limit))
    }

    async fn audit_head(&self) -> Result<AuditHead> {
        read!(self, "reading the head of the audit chain", audit::head())
    }

    async fn totals(&self, location: Option<&Location>) -> Result<Totals> {
        read!(self, "adding up totals", runs::totals(location))
    }
}

#[cfg(test)]
mod tests;
