//! What the suite of catalogs needs, and records to write.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use s3gc_core::audit::{AuditDraft, AuditEntry, ChainCheck};
use s3gc_core::catalog::{
    AuditFilter, Catalog, CensusRecord, EntryFilter, EntryId, EntryRecord, EntryState, Lease, Mode, PackRecord,
    PackState, RunRecord, RunState, Seen, Settlement, StagedEntry,
};
use s3gc_core::{Digest, Location, ObjectKey, RunId, Timestamp};
use s3gc_store::{ETag, ObjectMeta};
use s3gc_vault::FileName;
use s3gc_vault::pack::PackEntry;

/// A catalog to test: it can be opened any number of times.
pub struct Fixture {
    open: Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Catalog>> + Send + Sync>,
}

impl Fixture {
    /// Takes what opens the catalog: each call opens the same storage again, empty at first, as a new process would.
    pub fn new<F, Fut>(open: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Arc<dyn Catalog>> + Send + 'static,
    {
        Self { open: Box::new(move || Box::pin(open())) }
    }

    /// Opens the catalog.
    pub async fn open(&self) -> Arc<dyn Catalog> {
        (self.open)().await
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").finish_non_exhaustive()
    }
}

/// The store of most records.
pub(super) fn here() -> Location {
    Location::aws("here")
}

/// Another store.
pub(super) fn there() -> Location {
    Location::aws("there")
}

/// A time so many seconds after a fixed one, with nanoseconds that must survive.
pub(super) fn time(seconds: i64) -> Timestamp {
    Timestamp::new(1_790_000_000 + seconds, 120_000_003).expect("a time of this century")
}

/// The same id for the same number, and they sort alike.
pub(super) fn run_id(number: i64) -> RunId {
    format!("{number:026}").parse().expect("digits are an id")
}

pub(super) fn key(key: &str) -> ObjectKey {
    ObjectKey::new(key).expect("a key")
}

pub(super) fn file_name(name: &str) -> FileName {
    FileName::new(name).expect("a file name")
}

pub(super) fn run(location: &Location, seconds: i64) -> RunRecord {
    RunRecord {
        id: run_id(seconds),
        location: location.clone(),
        mode: Mode::Execute,
        state: RunState::Running,
        started_at: time(seconds),
        ended_at: None,
        report: None,
        error: None,
    }
}

pub(super) fn lease(epoch: u64, seconds: i64) -> Lease {
    Lease {
        epoch,
        run: run_id(seconds),
        host: "host".into(),
        boot_id: "boot".into(),
        pid_namespace: "pid:[1]".into(),
        pid: u32::MAX,
        pid_start: 1 << 40,
        acquired_at: time(seconds),
        heartbeat_at: time(seconds),
        released_at: None,
        effects_after: None,
    }
}

pub(super) fn seen(name: &str, etag: &str, modified: i64) -> Seen {
    Seen { key: key(name), etag: ETag::new(etag), last_modified: time(modified), size_bytes: 5_000_000_000 }
}

pub(super) fn census(run: RunId, seconds: i64) -> CensusRecord {
    CensusRecord {
        run,
        completed_at: time(seconds),
        config_hash: Digest::of(&seconds.to_le_bytes()),
        counts: serde_json::json!({"objects": 3, "sources": [{"name": "main", "rows": 7}]}),
    }
}

pub(super) fn pack(name: &str) -> PackRecord {
    PackRecord {
        name: file_name(name),
        vault: "file:///vault".into(),
        run: run_id(0).to_string(),
        created_at: time(1),
        size_bytes: 1000,
        blake3: Digest::of(name.as_bytes()),
        original_bytes: 3000,
        objects: 3,
        adopted: None,
        copied_bytes: 0,
        state: PackState::Kept,
    }
}

/// Reads one pack of those that the catalog knows.
pub(super) async fn known(catalog: &dyn Catalog, name: &str) -> PackRecord {
    let packs = catalog.packs(None, 1000).await.expect("packs can be listed");
    packs.into_iter().find(|pack| pack.name.as_str() == name).expect("the pack is known")
}

/// Moves a pack, with an audit entry of it.
pub(super) async fn step(catalog: &dyn Catalog, name: &str, expected: PackState, next: PackState) -> bool {
    let moved = catalog.move_pack(&file_name(name), expected, next, draft("prune", name)).await;
    moved.expect("a pack can be moved on")
}

pub(super) fn staged(location: &Location, name: &str) -> StagedEntry {
    let mut meta = ObjectMeta::new(10);
    meta.etag = ETag::new("e1");
    meta.last_modified = time(-100);
    meta.user.insert("name".into(), "zoë\n".into());
    let entry = PackEntry {
        location: location.clone(),
        key: key(name),
        meta,
        run: run_id(0).to_string(),
        staged_at: time(1),
        blake3: Digest::of(name.as_bytes()),
        codec: "zstd".into(),
        member: "here/member".into(),
        frame_offset: 1,
        frame_len: 2,
        offset_in_frame: 3,
        member_bytes: 4,
        copied: None,
    };
    StagedEntry { entry, unreferenced_since: time(-50) }
}

/// Stages entries of these keys in a new pack.
pub(super) async fn stage(catalog: &dyn Catalog, location: &Location, name: &str, keys: &[&str]) -> Vec<EntryId> {
    let entries: Vec<_> = keys.iter().map(|name| staged(location, name)).collect();
    catalog.stage(&pack(name), &entries).await.expect("entries can be staged")
}

pub(super) fn outcome(entry: EntryId, state: EntryState) -> Settlement {
    Settlement { entry, state, marker: None, at: time(9) }
}

pub(super) fn draft(kind: &str, name: &str) -> AuditDraft {
    AuditDraft {
        at: time(5),
        run: Some(run_id(0)),
        location: Some(here()),
        kind: kind.into(),
        key: Some(name.into()),
        detail: serde_json::json!({"etag": "e1", "since": time(-50).to_string()}),
    }
}

/// All entries that match.
pub(super) async fn entries(catalog: &dyn Catalog, filter: &EntryFilter) -> Vec<EntryRecord> {
    catalog.entries(filter, EntryId::default(), 10_000).await.expect("entries can be listed")
}

pub(super) async fn states(catalog: &dyn Catalog) -> Vec<EntryState> {
    entries(catalog, &EntryFilter::default()).await.iter().map(|entry| entry.state).collect()
}

/// All of the audit chain, checked, with its head.
pub(super) async fn chain(catalog: &dyn Catalog) -> Vec<AuditEntry> {
    let entries = catalog.audit(&AuditFilter::default(), 0, 10_000).await.expect("the chain can be read");
    let mut check = ChainCheck::default();
    for entry in &entries {
        check.next(entry).expect("the chain is whole");
    }
    assert_eq!(check.head(), catalog.audit_head().await.expect("the head can be read"), "the head is the last entry");
    entries
}

/// Makes one committed judgement; returns the start of each clock.
pub(super) async fn judge(catalog: &dyn Catalog, at: i64, restart_all: bool, objects: &[Seen]) -> Vec<Timestamp> {
    let mut judgement = catalog.judge(&here(), run_id(at), time(at), restart_all).await.expect("it can be begun");
    let since = judgement.observe(objects).await.expect("objects can be observed");
    judgement.commit(Some(&census(run_id(at), at))).await.expect("it can be committed");
    since
}

/// The start of the clock of each key.
pub(super) async fn since(catalog: &dyn Catalog, names: &[&str]) -> Vec<Option<Timestamp>> {
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let clocks = catalog.clocks(&here(), &keys).await.expect("clocks can be read");
    clocks.into_iter().map(|clock| clock.map(|clock| clock.since)).collect()
}
