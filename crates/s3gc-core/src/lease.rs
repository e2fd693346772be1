//! The lease: one collector of a location at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use s3gc_failpoint::{Point, hit};
use s3gc_store::{SignRefused, Timestamp};
use s3gc_vault::LeaseRecord;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use crate::audit::{AuditHead, RememberedHead};
use crate::catalog::{AuditFilter, CatalogId, Lease};
use crate::gc::Parts;
use crate::host::Process;
use crate::{Clock, Digest, Error, Result, RunId};

/// How often the holder says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// For how long the holder may sign after its last heartbeat was written.
const TRUST: Duration = Duration::from_secs(60);
/// After how long without a heartbeat somebody else may take a lease over.
const STALE: Duration = Duration::from_secs(180);

/// Whether the lease is still ours, as the signing guard reads it.
#[derive(Debug)]
pub(crate) struct LeaseState {
    lost: AtomicBool,
    /// The boot clock of the last heartbeat that was written, in nanoseconds.
    beat: AtomicU64,
    /// The boot clock before which nothing may be signed, in nanoseconds: requests of a holder that is gone may still
    /// land.
    effects_after: u64,
}

impl LeaseState {
    pub(crate) fn new(now: Duration, effects_after: Duration) -> Self {
        Self { lost: AtomicBool::new(false), beat: AtomicU64::new(nanos(now)), effects_after: nanos(effects_after) }
    }

    /// Tells whether a deletion may be signed.
    pub(crate) fn check(&self, clock: &dyn Clock) -> Result<(), SignRefused> {
        let now = nanos(clock.boot());
        if self.lost.load(Ordering::Acquire) {
            return Err(SignRefused("the lease was lost".into()));
        }
        if now.saturating_sub(self.beat.load(Ordering::Acquire)) > nanos(TRUST) {
            return Err(SignRefused("the lease was not renewed in time".into()));
        }
        if now < self.effects_after {
            return Err(SignRefused("requests of the collector before may still land".into()));
        }
        Ok(())
    }

    /// How long to wait before the first effect.
    pub(crate) fn wait(&self, clock: &dyn Clock) -> Duration {
        Duration::from_nanos(self.effects_after.saturating_sub(nanos(clock.boot())))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The record in the vault, for collectors with other catalogs.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct VaultRecord {
    catalog: CatalogId,
    epoch: u64,
    audit_seq: u64,
    /// Its digest; records of before it was written have none.
    #[serde(default)]
    audit_hash: Option<Digest>,
    run: RunId,
    host: String,
    heartbeat_at: Timestamp,
    released: bool,
    /// As in the catalog's lease.
    #[serde(default)]
    effects_after: Option<Timestamp>,
}

/// A lease that we hold; its heartbeat runs until it is released or dropped.
#[derive(Debug)]
pub(crate) struct HeldLease {
    parts: Arc<Parts>,
    current: Arc<Mutex<Lease>>,
    vault: Arc<Mutex<Option<(LeaseRecord, VaultRecord)>>>,
    pub(crate) state: Arc<LeaseState>,
    /// What a person should know of it.
    pub(crate) note: Option<String>,
    heartbeat: AbortOnDropHandle<()>,
}

impl HeldLease {
    /// Takes the lease of the location, waiting up to `patience` while another holds it. With `in_vault` the vault's
    /// record is taken too, which writes to the vault.
    pub(crate) async fn acquire(parts: &Arc<Parts>, run: RunId, patience: Duration, in_vault: bool) -> Result<Self> {
        let deadline = parts.clock.boot() + patience;
        loop {
            match Self::try_acquire(parts, run, in_vault).await {
                Err(Error::Locked { .. }) if parts.clock.boot() < deadline => {
                    tokio::time::sleep(Duration::from_secs(1).min(patience)).await;
                }
                result => return result,
            }
        }
    }

    async fn try_acquire(parts: &Arc<Parts>, run: RunId, in_vault: bool) -> Result<Self> {
        let location = parts.store.location();
        let before = parts.catalog.lease(location).await?;
        let now = parts.clock.now();
        let mut must_wait = false;
        if let Some(lease) = before.as_ref().filter(|lease| lease.released_at.is_none()) {
            let holder = Process {
                host: lease.host.clone(),
                boot_id: lease.boot_id.clone(),
                pid_namespace: lease.pid_namespace.clone(),
                pid: lease.pid,
                pid_start: lease.pid_start,
            };
            // What the dead process had sent is in its intents, and their keys wait on their own.
            if !holder.is_dead() {
                if !is_stale(lease.heartbeat_at, now) {
                    let who =
                        format!("run {} on {} (pid {}), since {}", lease.run, lease.host, lease.pid, lease.acquired_at);
                    return Err(locked(parts, &who));
                }
                must_wait = true;
            }
        }
        let catalog_epoch = before.as_ref().map_or(0, |lease| lease.epoch);
        let vault_before = read_vault(parts).await?;
        let mut epoch = catalog_epoch;
        if let Some((_, record)) = &vault_before {
            check_vault_record(parts, record, catalog_epoch).await?;
            if !record.released && record.catalog != parts.catalog.id() {
                if !is_stale(record.heartbeat_at, now) {
                    let who = format!("run {} on {}, by its record in the vault", record.run, record.host);
                    return Err(locked(parts, &who));
                }
                must_wait = true;
            }
            epoch = epoch.max(record.epoch);
        }
        // A run that deletes nothing gives the lease back, and must not end the wait by it.
        let owed = [
            before.as_ref().and_then(|lease| lease.effects_after),
            vault_before.as_ref().and_then(|(_, record)| record.effects_after),
            must_wait.then(|| now.checked_add(parts.settings.settle_after).unwrap_or(Timestamp::MAX)),
        ];
        let owed = owed.into_iter().flatten().max().filter(|until| *until > now);
        let me = Process::current();
        let lease = Lease {
            epoch: epoch + 1,
            run,
            host: me.host,
            boot_id: me.boot_id,
            pid_namespace: me.pid_namespace,
            pid: me.pid,
            pid_start: me.pid_start,
            acquired_at: now,
            heartbeat_at: now,
            released_at: None,
            effects_after: owed,
        };
        hit(Point::LeaseTaking);
        if !parts.catalog.swap_lease(location, before.as_ref(), &lease).await? {
            return Err(locked(parts, "another run, which took it a moment ago"));
        }
        hit(Point::LeaseTaken);
        // Before any effect, so that a catalog from before this run is older than the vault. The catalog first: a death
        // between the two must not make the catalog look old.
        let vault = if in_vault { take_vault(parts, &lease, vault_before).await } else { Ok(None) };
        let (vault, note) = match vault {
            Ok(vault) => (vault, None),
            Err(Error::Vault(error @ s3gc_vault::Error::Unsupported { .. })) => {
                let chain = crate::report::chain(&error);
                let note = format!(
                    "{chain}: nothing in the vault keeps a collector with another catalog away, nor shows that a catalog \
                     was put back to an older state"
                );
                (None, Some(note))
            }
            Err(error) => {
                let released = Lease { released_at: Some(now), ..lease.clone() };
                parts.catalog.swap_lease(location, Some(&lease), &released).await?;
                return Err(error);
            }
        };
        hit(Point::EpochRecorded);
        let boot = parts.clock.boot();
        // By the boot clock from here on. A clock that was set back meanwhile must not make the wait endless.
        let left = owed.and_then(|until| Duration::try_from(until.duration_since(now)).ok()).unwrap_or_default();
        let effects_after = boot + left.min(parts.settings.settle_after);
        let state = Arc::new(LeaseState::new(boot, effects_after));
        let (current, vault) = (Arc::new(Mutex::new(lease)), Arc::new(Mutex::new(vault)));
        let beat = beat(Arc::clone(parts), Arc::clone(&current), Arc::clone(&vault), Arc::clone(&state));
        let heartbeat = AbortOnDropHandle::new(tokio::spawn(beat));
        Ok(Self { parts: Arc::clone(parts), current, vault, state, note, heartbeat })
    }

    /// Has the vault remember what the audit chain ends with now, and proves that the lease is still ours: a catalog from
    /// before this moment is then refused.
    pub(crate) async fn remember(&self) -> Result<()> {
        let now = self.parts.clock.now();
        renew_vault(&self.parts, &mut *self.vault.lock().await, now, false).await
    }

    /// Gives the lease back.
    pub(crate) async fn release(self) -> Result<()> {
        self.heartbeat.abort();
        let now = self.parts.clock.now();
        let current = self.current.lock().await;
        let released = Lease { released_at: Some(now), heartbeat_at: now, ..current.clone() };
        let mut vault = self.vault.lock().await;
        renew_vault(&self.parts, &mut vault, now, true).await?;
        hit(Point::EpochReleased);
        self.parts.catalog.swap_lease(self.parts.store.location(), Some(&current), &released).await?;
        hit(Point::LeaseReleased);
        Ok(())
    }
}

fn is_stale(heartbeat_at: Timestamp, now: Timestamp) -> bool {
    heartbeat_at.checked_add(STALE).is_ok_and(|end| end < now)
}

fn locked(parts: &Parts, holder: &str) -> Error {
    Error::Locked { location: parts.store.location().to_string(), holder: holder.to_owned() }
}

async fn beat(
    parts: Arc<Parts>,
    current: Arc<Mutex<Lease>>,
    vault: Arc<Mutex<Option<(LeaseRecord, VaultRecord)>>>,
    state: Arc<LeaseState>,
) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let mut lease = current.lock().await;
        // The time before the write: a write that hangs must not lengthen the trust.
        let (now, boot) = (parts.clock.now(), parts.clock.boot());
        let renewed = Lease { heartbeat_at: now, ..lease.clone() };
        match parts.catalog.swap_lease(parts.store.location(), Some(&lease), &renewed).await {
            Ok(true) => *lease = renewed,
            Ok(false) => {
                state.lost.store(true, Ordering::Release);
                return;
            }
            Err(error) => {
                tracing::warn!(error = %crate::report::chain(&error), "the lease could not be renewed");
                continue;
            }
        }
        drop(lease);
        match renew_vault(&parts, &mut *vault.lock().await, now, false).await {
            Ok(()) => state.beat.store(nanos(boot), Ordering::Release),
            Err(Error::Locked { .. }) => {
                state.lost.store(true, Ordering::Release);
                return;
            }
            Err(error) => {
                tracing::warn!(error = %crate::report::chain(&error), "the vault's lease could not be renewed");
            }
        }
    }
}

/// Refuses a catalog that is older than what the vault remembers of it, as a run would. Nothing is written.
pub(crate) async fn check_catalog(parts: &Parts) -> Result<()> {
    let epoch = parts.catalog.lease(parts.store.location()).await?.map_or(0, |lease| lease.epoch);
    match read_vault(parts).await? {
        Some((_, record)) => check_vault_record(parts, &record, epoch).await,
        None => Ok(()),
    }
}

/// A name that any backend can hold, from a location, which may have any character.
fn slot(parts: &Parts) -> String {
    let digest = Digest::of(parts.store.location().as_str().as_bytes()).to_string();
    digest[..32].to_owned()
}

async fn read_vault(parts: &Parts) -> Result<Option<(LeaseRecord, VaultRecord)>> {
    let Some(lease) = parts.vault.lease() else { return Ok(None) };
    let Some(record) = lease.read(&slot(parts)).await? else { return Ok(None) };
    let parsed = serde_json::from_slice(&record.0).map_err(|error| Error::Stop {
        name: "lease",
        reason: format!("the record of this bucket in the vault {} cannot be read: {error}", parts.vault.location()),
    })?;
    Ok(Some((record, parsed)))
}

/// A catalog that is older than what the vault remembers of it was restored or copied: its clocks, holds and intents
/// are not the last ones.
async fn check_vault_record(parts: &Parts, record: &VaultRecord, catalog_epoch: u64) -> Result<()> {
    if record.catalog != parts.catalog.id() {
        return Ok(());
    }
    let audit = parts.catalog.audit_head().await?;
    if record.epoch > catalog_epoch || record.audit_seq > audit.seq {
        return Err(Error::Stop {
            name: "catalog",
            reason: format!(
                "the catalog {} is older than the vault remembers it (epoch {catalog_epoch} of {}, audit entry {} of {}): \
                 it was restored or copied; bring back the newest catalog, or start a new one with `s3gc vault reindex`",
                parts.catalog.name(),
                record.epoch,
                audit.seq,
                record.audit_seq
            ),
        });
    }
    let remembered = AuditHead { seq: record.audit_seq, hash: record.audit_hash.unwrap_or(audit.hash) };
    if record.audit_hash.is_some() && !has_entry(parts, remembered).await? {
        return Err(Error::Stop {
            name: "catalog",
            reason: format!(
                "audit entry {} of the catalog {} is not the one that the vault remembers: the chain was rewritten; see \
                 `s3gc audit verify`",
                record.audit_seq,
                parts.catalog.name()
            ),
        });
    }
    Ok(())
}

/// Tells whether the chain has this entry at its place.
async fn has_entry(parts: &Parts, head: AuditHead) -> Result<bool> {
    if head.seq == 0 {
        return Ok(true);
    }
    let found = parts.catalog.audit(&AuditFilter::default(), head.seq - 1, 1).await?;
    Ok(found.first().is_some_and(|entry| entry.head() == head))
}

/// Reads what the vault remembers of the audit chain of this catalog.
pub(crate) async fn remembered_head(parts: &Parts) -> Result<Option<RememberedHead>> {
    let record = read_vault(parts).await?.map(|(_, record)| record);
    Ok(record
        .filter(|record| record.catalog == parts.catalog.id())
        .map(|record| RememberedHead { seq: record.audit_seq, hash: record.audit_hash }))
}

async fn take_vault(
    parts: &Parts,
    lease: &Lease,
    before: Option<(LeaseRecord, VaultRecord)>,
) -> Result<Option<(LeaseRecord, VaultRecord)>> {
    let Some(backend) = parts.vault.lease() else { return Ok(None) };
    let audit = parts.catalog.audit_head().await?;
    let record = VaultRecord {
        catalog: parts.catalog.id(),
        epoch: lease.epoch,
        audit_seq: audit.seq,
        audit_hash: Some(audit.hash),
        run: lease.run,
        host: lease.host.clone(),
        heartbeat_at: lease.heartbeat_at,
        released: false,
        effects_after: lease.effects_after,
    };
    let bytes = encode(&record)?;
    let expected = before.map(|(bytes, _)| bytes);
    if backend.swap(&slot(parts), expected.as_ref(), &bytes).await? {
        Ok(Some((bytes, record)))
    } else {
        Err(locked(parts, "another run, which took it in the vault a moment ago"))
    }
}

async fn renew_vault(
    parts: &Parts,
    held: &mut Option<(LeaseRecord, VaultRecord)>,
    now: Timestamp,
    released: bool,
) -> Result<()> {
    let (Some(backend), Some((bytes, record))) = (parts.vault.lease(), held.as_mut()) else { return Ok(()) };
    let audit = parts.catalog.audit_head().await?;
    let renewed = VaultRecord {
        heartbeat_at: now,
        audit_seq: audit.seq,
        audit_hash: Some(audit.hash),
        released,
        ..record.clone()
    };
    let new = encode(&renewed)?;
    if !backend.swap(&slot(parts), Some(bytes), &new).await? {
        return Err(locked(parts, "another run, which took the lease over in the vault"));
    }
    (*bytes, *record) = (new, renewed);
    Ok(())
}

fn encode(record: &VaultRecord) -> Result<LeaseRecord> {
    let bytes = serde_json::to_vec(record).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(LeaseRecord(Bytes::from(bytes)))
}
