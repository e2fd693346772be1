//! The durable state: runs, clocks, vault index, intents and outcomes, audit chain, leases, pins, holds.

mod records;

use std::fmt;

use async_trait::async_trait;
use s3gc_store::{ETag, Location, ObjectKey, Timestamp};
use s3gc_vault::FileName;

use crate::RunId;
use crate::audit::{AuditDraft, AuditEntry, AuditHead};

pub use records::*;

/// A boxed cause.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of an operation on the catalog.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation on the catalog failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The catalog cannot be read or written.
    #[error("catalog {catalog}: {operation} failed")]
    Failed {
        /// The catalog.
        catalog: String,
        /// What was being done.
        operation: &'static str,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// There is no room left.
    #[error("catalog {catalog}: no space left")]
    Full {
        /// The catalog.
        catalog: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The catalog is damaged, or of a newer s3gc.
    #[error("catalog {catalog}: {reason}")]
    Unusable {
        /// The catalog.
        catalog: String,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// A record is not there.
    #[error("catalog {catalog}: no such {what}: {id}")]
    NotFound {
        /// The catalog.
        catalog: String,
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: String,
    },
}

/// The durable state of s3gc.
///
/// # Contract
///
/// 1. What a call wrote is durable when it returns, and all of it or none is.
/// 2. `swap_lease` succeeds for one of any number of callers with the same expectation.
/// 3. A judgement that is dropped, or whose process dies, leaves every clock and the last good census as they were.
/// 4. A clock goes on while each committed judgement observed the same entity tag and Last-Modified, restarts if one of
///    them differs or the judgement restarts all, and is gone once a committed judgement did not observe the key.
/// 5. `stage` makes pack, entries and intents visible together.
/// 6. `send` refuses an entry that is not staged, and then marks none; an entry is sent at most once.
/// 7. `settle` writes the outcomes and their audit entries together; only `Sent` and `Staged` entries can be settled.
/// 8. Audit entries are numbered without gaps and chained; nothing removes or changes one.
/// 9. `unsettled` yields exactly the entries that are `Staged` or `Sent`.
/// 10. Keys are compared byte by byte.
/// 11. `move_pack` moves a pack on from the state that the caller expects, to one that this state leads to, together with
///     the audit of it, or does neither.
/// 12. No pack gets to `Pruning` while an entry of it is `Staged` or `Sent`, or while its key is held on its own beyond the
///     time of the new state; whoever holds a key before that keeps the pack.
/// 13. While a pack is `Pruning` or `Pruned`, its entries say since when, `vaulted` and `totals` leave it out, and `adopt`
///     does not take it up again. Back in `Kept`, all is as before.
#[async_trait]
pub trait Catalog: fmt::Debug + Send + Sync + 'static {
    /// Returns the name of the catalog for people, such as its path.
    fn name(&self) -> &str;

    /// Returns the id that the catalog was given when it was made.
    fn id(&self) -> CatalogId;

    // -- leases -------------------------------------------------------------------------------------------------------

    /// Reads the lease of a location.
    ///
    /// # Errors
    ///
    /// Any failure, as with every method here.
    async fn lease(&self, location: &Location) -> Result<Option<Lease>>;

    /// Writes the lease of a location if its epoch and heartbeat still are those of `expected` (`None`: if there is
    /// none), and tells whether it did.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn swap_lease(&self, location: &Location, expected: Option<&Lease>, new: &Lease) -> Result<bool>;

    // -- runs ---------------------------------------------------------------------------------------------------------

    /// Writes a run, new or known.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn put_run(&self, run: &RunRecord) -> Result<()>;

    /// Reads a run.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn run(&self, id: RunId) -> Result<Option<RunRecord>>;

    /// Lists runs, newest first.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn runs(&self, location: Option<&Location>, limit: u32) -> Result<Vec<RunRecord>>;

    /// Writes what is known of a plan, by its hash.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn put_plan(&self, plan: &PlanRecord) -> Result<()>;

    /// Reads what is known of a plan.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn plan(&self, hash: &crate::Digest) -> Result<Option<PlanRecord>>;

    // -- census and clocks --------------------------------------------------------------------------------------------

    /// Reads the last good census of a location.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn last_census(&self, location: &Location) -> Result<Option<CensusRecord>>;

    /// Writes a census as the last good one: a person accepted it.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn put_census(&self, location: &Location, census: &CensusRecord) -> Result<()>;

    /// Begins to move the clocks of a location; nothing is visible before `Judgement::commit`. With `restart_all`
    /// every clock starts anew at `at`.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn judge(
        &self,
        location: &Location,
        run: RunId,
        at: Timestamp,
        restart_all: bool,
    ) -> Result<Box<dyn Judgement>>;

    /// Reads the clocks of these keys, in their order.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn clocks(&self, location: &Location, keys: &[ObjectKey]) -> Result<Vec<Option<OrphanClock>>>;

    /// Erases the clocks of these keys.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn erase_clocks(&self, location: &Location, keys: &[ObjectKey]) -> Result<()>;

    // -- vault index, intents and outcomes ----------------------------------------------------------------------------

    /// Writes a verified pack with its entries, each with the intent to delete its object, in state `Staged`; returns
    /// their ids in order.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn stage(&self, pack: &PackRecord, entries: &[StagedEntry]) -> Result<Vec<EntryId>>;

    /// Marks staged entries as about to be sent at this time.
    ///
    /// # Errors
    ///
    /// If one of them is not `Staged`, or any other failure; then none is marked.
    async fn send(&self, entries: &[EntryId], at: Timestamp) -> Result<()>;

    /// Writes what became of entries, together with the audit of it.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn settle(&self, outcomes: &[Settlement], audit: Vec<AuditDraft>) -> Result<()>;

    /// Lists entries of a location that are `Staged` or `Sent`, after this id.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn unsettled(&self, location: &Location, after: EntryId, limit: u32) -> Result<Vec<EntryRecord>>;

    /// Lists the keys of the entries of a location that are `Deleted` and whose copies are in the vault, in order of their
    /// ids, after this id.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn vaulted(&self, location: &Location, after: EntryId, limit: u32) -> Result<Vec<(EntryId, ObjectKey)>> {
        let filter = EntryFilter {
            location: Some(location.clone()),
            states: vec![EntryState::Deleted],
            is_pruned: Some(false),
            ..EntryFilter::default()
        };
        let entries = self.entries(&filter, after, limit).await?;
        Ok(entries.into_iter().map(|entry| (entry.id, entry.entry.key)).collect())
    }

    /// Lists entries that match, in order of their ids, after this id.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn entries(&self, filter: &EntryFilter, after: EntryId, limit: u32) -> Result<Vec<EntryRecord>>;

    /// Writes that an entry was restored, erases the clock of its key, holds the key until `hold_until`, and appends
    /// the audit of it. One that is `Sent` is settled by it.
    ///
    /// # Errors
    ///
    /// If the entry is `Staged`, or any other failure.
    async fn restored(&self, entry: EntryId, at: Timestamp, hold_until: Timestamp, audit: AuditDraft) -> Result<()>;

    /// Writes a pack that was found in the vault and is not known (`vault reindex`): its entries become `Deleted`.
    /// Returns whether it was new. One that was pruned is known.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn adopt(&self, pack: &PackRecord, entries: &[StagedEntry]) -> Result<bool>;

    /// Lists the packs of the vault index, by name, after this one; those that were pruned, too.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn packs(&self, after: Option<&FileName>, limit: u32) -> Result<Vec<PackRecord>>;

    /// Moves a pack on its way out of the vault, with the audit of it; tells whether it did. It does not where the pack
    /// stands otherwise than `expected`, and where something keeps it from being pruned.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no such pack; if the one state does not lead to the other; any other failure.
    async fn move_pack(&self, pack: &FileName, expected: PackState, next: PackState, audit: AuditDraft)
    -> Result<bool>;

    // -- holds and pins -----------------------------------------------------------------------------------------------

    /// Writes a hold; returns its id.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn add_hold(&self, hold: &Hold) -> Result<i64>;

    /// Lists holds, expired ones too.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn holds(&self, location: Option<&Location>) -> Result<Vec<Hold>>;

    /// Removes a hold; tells whether there was one.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn remove_hold(&self, id: i64) -> Result<bool>;

    /// Holds a key on its own until then, or for longer if it is held for longer, and erases its clock.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn hold_key(&self, location: &Location, key: &ObjectKey, until: Timestamp) -> Result<()>;

    /// Lists keys that are held on their own beyond `now` (after a restore), in byte order, after this one.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn held_keys(
        &self,
        location: &Location,
        now: Timestamp,
        after: Option<&ObjectKey>,
        limit: u32,
    ) -> Result<Vec<ObjectKey>>;

    /// Reads all pins of a location.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn pins(&self, location: &Location) -> Result<Vec<Pin>>;

    /// Writes a pin.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn set_pin(&self, location: &Location, pin: &Pin) -> Result<()>;

    // -- audit --------------------------------------------------------------------------------------------------------

    /// Appends to the audit chain; returns the new head.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn append_audit(&self, drafts: Vec<AuditDraft>) -> Result<AuditHead>;

    /// Lists audit entries in order, after this number.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn audit(&self, filter: &AuditFilter, after: u64, limit: u32) -> Result<Vec<AuditEntry>>;

    /// Reads the head of the audit chain, as it is stored apart from the entries.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn audit_head(&self) -> Result<AuditHead>;

    // -- totals -------------------------------------------------------------------------------------------------------

    /// Adds up what was done, for one location or all.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn totals(&self, location: Option<&Location>) -> Result<Totals>;
}

/// A judgement in progress; dropped without `commit` it never happened.
#[async_trait]
pub trait Judgement: fmt::Debug + Send {
    /// Observes unreferenced objects; returns for each the start of its clock.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn observe(&mut self, seen: &[Seen]) -> Result<Vec<Timestamp>>;

    /// Keeps what was observed, forgets the clock of what was not, and writes the census, if there is one, as the last
    /// good one.
    ///
    /// # Errors
    ///
    /// Any failure.
    async fn commit(self: Box<Self>, census: Option<&CensusRecord>) -> Result<()>;
}

/// An unreferenced object, as a census saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The key.
    pub key: ObjectKey,
    /// The entity tag.
    pub etag: ETag,
    /// When it was last written.
    pub last_modified: Timestamp,
    /// The length of its bytes.
    pub size_bytes: u64,
}
