//! Restore: bring deleted objects back, byte for byte, with their headers, metadata and tags.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use s3gc_failpoint::{Point, hit};
use s3gc_store::{ByteStream, ObjectKey, ObjectMeta, ObjectStore, PutMode, Timestamp, VersionId};
use s3gc_vault::encryption::check_key;
use s3gc_vault::{VaultBackend, pack};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::audit::AuditDraft;
use crate::catalog::{EntryFilter, EntryId, EntryRecord, EntryState};
use crate::gc::Parts;
use crate::judge::Tally;
use crate::progress::{Phase, Progress};
use crate::recover::dead_at;
use crate::report::chain;
use crate::stage::Content;
use crate::sweep::{is_staged, remove_own_marker};
use crate::{Error, Result, RunId};

/// How many objects are restored at a time.
const CONCURRENCY: usize = 16;
const PAGE: u32 = 500;
/// How long to wait before the restore of an object is tried again, when the store failed for the moment.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];

/// What to restore.
#[derive(Clone, Debug)]
pub enum RestoreWhat {
    /// These keys.
    Keys(Vec<ObjectKey>),
    /// Everything that this run deleted.
    Run(RunId),
    /// Everything with a key that begins so.
    Prefix(String),
    /// Everything that was deleted at or after one time, and before another.
    Since(Timestamp, Option<Timestamp>),
}

/// What to do where an object lives already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfExists {
    /// Leave it, and count the restore as skipped.
    Skip,
    /// Leave it, and count the restore as failed.
    Fail,
    /// Replace it.
    Overwrite,
}

/// How to restore.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// What to do where an object lives already; by default `Fail` for named keys and `Skip` for many.
    pub if_exists: Option<IfExists>,
    /// Only say what would be restored.
    pub dry_run: bool,
    /// Restore to this store instead of the object's own.
    pub to: Option<Arc<dyn ObjectStore>>,
    /// Takes events.
    pub progress: Progress,
    /// Ends the restore after the objects in flight.
    pub cancel: CancellationToken,
}

/// What a restore did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReport {
    /// What was restored, or would be.
    pub restored: Tally,
    /// What lives already, and was left.
    pub skipped: Tally,
    /// What could not be restored.
    pub failed: Tally,
    /// What was in the vault, and was pruned.
    pub pruned: Tally,
    /// Each object.
    pub objects: Vec<RestoredObject>,
}

/// One object of a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredObject {
    /// Its key.
    pub key: ObjectKey,
    /// The length of its bytes.
    pub size_bytes: u64,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// What became of it.
    pub outcome: RestoreOutcome,
}

/// What became of one object of a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "reason")]
pub enum RestoreOutcome {
    /// It is back.
    Restored,
    /// It would be restored.
    Planned,
    /// An object lives there, and was left.
    Exists,
    /// It failed.
    Failed(String),
    /// Its copy was pruned from the vault at this time.
    Pruned(Timestamp),
    /// Its pack is encrypted, and the key is missing or wrong.
    Locked(String),
}

/// Restores objects from the vault.
pub(crate) async fn restore(parts: &Arc<Parts>, what: &RestoreWhat, options: &RestoreOptions) -> Result<RestoreReport> {
    let default = if matches!(what, RestoreWhat::Keys(_)) { IfExists::Fail } else { IfExists::Skip };
    let if_exists = options.if_exists.unwrap_or(default);
    let mut report = RestoreReport::default();
    options.progress.phase(Phase::Restore, None);
    match what {
        RestoreWhat::Keys(keys) => {
            // Every key is looked up before the first is restored: a misspelt one then changes nothing.
            let mut entries = Vec::new();
            for key in keys {
                let entry = newest(parts, key).await?;
                if let Some(at) = pruned_for_good(parts, &entry, options.to.is_none()).await {
                    return Err(Error::NotFound(pruned_text(parts, key, at)));
                }
                entries.push(entry);
            }
            run_page(parts, entries, if_exists, options, &mut report).await?;
        }
        RestoreWhat::Run(_) | RestoreWhat::Prefix(_) | RestoreWhat::Since(..) => {
            let filter = filter(parts, what);
            let mut after = EntryId::default();
            let mut unanswered = HashSet::new();
            loop {
                let page = parts.catalog.entries(&filter, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.id;
                let page = newest_only(parts, page, &mut unanswered).await?;
                run_page(parts, page, if_exists, options, &mut report).await?;
                if options.cancel.is_cancelled() {
                    return Err(Error::Cancelled);
                }
            }
        }
    }
    options.progress.finished(Phase::Restore);
    Ok(report)
}

fn filter(parts: &Parts, what: &RestoreWhat) -> EntryFilter {
    let mut filter = EntryFilter {
        location: Some(parts.store.location().clone()),
        // Those that nobody answered are reported, too.
        states: vec![EntryState::Sent, EntryState::Deleted],
        ..EntryFilter::default()
    };
    match what {
        RestoreWhat::Keys(_) => {}
        RestoreWhat::Run(run) => filter.run = Some(*run),
        RestoreWhat::Prefix(prefix) => filter.prefix = Some(prefix.clone()),
        RestoreWhat::Since(since, until) => (filter.since, filter.until) = (Some(*since), *until),
    }
    filter
}

/// Finds the newest deletion of a key; one that was restored since may be restored again, from the same bytes. Not the
/// ids tell which is the newest: `vault reindex` takes packs up in any order.
async fn newest(parts: &Parts, key: &ObjectKey) -> Result<EntryRecord> {
    let found = find_newest(parts, key, &[EntryState::Sent, EntryState::Deleted, EntryState::Restored]).await?;
    found.ok_or_else(|| {
        Error::NotFound(format!(
            "{key}: the vault holds no deleted object with this key from {}",
            parts.store.location()
        ))
    })
}

/// Finds the newest copy of a key in the vault among those in these states.
pub(crate) async fn find_newest(parts: &Parts, key: &ObjectKey, states: &[EntryState]) -> Result<Option<EntryRecord>> {
    let filter = EntryFilter {
        location: Some(parts.store.location().clone()),
        key: Some(key.clone()),
        states: states.to_vec(),
        ..EntryFilter::default()
    };
    let mut newest: Option<EntryRecord> = None;
    let mut after = EntryId::default();
    loop {
        let page = parts.catalog.entries(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        newest = newest.into_iter().chain(page).max_by_key(|entry| (entry.entry.staged_at, entry.id));
    }
    Ok(newest)
}

/// Drops entries of a page whose key was deleted again later: the later state is the one to bring back. A later deletion
/// that was not answered takes their place once, to be reported.
async fn newest_only(
    parts: &Parts,
    page: Vec<EntryRecord>,
    unanswered: &mut HashSet<EntryId>,
) -> Result<Vec<EntryRecord>> {
    let mut kept = Vec::with_capacity(page.len());
    for entry in page {
        let newest = newest(parts, &entry.entry.key).await?;
        let is_kept =
            if newest.state == EntryState::Sent { unanswered.insert(newest.id) } else { newest.id == entry.id };
        if is_kept {
            kept.push(newest);
        }
    }
    Ok(kept)
}

async fn run_page(
    parts: &Arc<Parts>,
    entries: Vec<EntryRecord>,
    if_exists: IfExists,
    options: &RestoreOptions,
    report: &mut RestoreReport,
) -> Result<()> {
    let mut outcomes = stream::iter(entries)
        .take_while(|_| std::future::ready(!options.cancel.is_cancelled()))
        .map(|entry| async move {
            let outcome = restore_entry(parts, &entry, if_exists, options).await?;
            Ok::<_, Error>((entry, outcome))
        })
        .buffered(CONCURRENCY);
    while let Some((entry, outcome)) = outcomes.try_next().await? {
        let size_bytes = entry.entry.meta.size_bytes;
        match &outcome {
            RestoreOutcome::Restored | RestoreOutcome::Planned => report.restored.add(size_bytes),
            RestoreOutcome::Exists if if_exists == IfExists::Skip => report.skipped.add(size_bytes),
            RestoreOutcome::Exists | RestoreOutcome::Failed(_) | RestoreOutcome::Locked(_) => {
                report.failed.add(size_bytes);
            }
            RestoreOutcome::Pruned(_) => report.pruned.add(size_bytes),
        }
        options.progress.advance(Phase::Restore, report.restored.objects, report.restored.bytes);
        report.objects.push(RestoredObject { key: entry.entry.key, size_bytes, deleted_at: entry.settled_at, outcome });
    }
    Ok(())
}

/// Restores one entry. Failures of store and vault are outcomes; only the catalog's are errors.
pub(crate) async fn restore_entry(
    parts: &Arc<Parts>,
    entry: &EntryRecord,
    if_exists: IfExists,
    options: &RestoreOptions,
) -> Result<RestoreOutcome> {
    let mut pauses = PAUSES.iter();
    loop {
        match Box::pin(try_restore(parts, entry, if_exists, options)).await {
            // A store repeats no creation by itself: between two, somebody may have written the key.
            Err(Error::Store(error)) if error.is_transient() => match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Ok(RestoreOutcome::Failed(chain(&error))),
            },
            Err(Error::Catalog(error)) => return Err(error.into()),
            Err(Error::Vault(error @ s3gc_vault::Error::Locked { .. })) => {
                return Ok(RestoreOutcome::Locked(chain(&error)));
            }
            Err(error) => return Ok(RestoreOutcome::Failed(chain(&error))),
            Ok(outcome) => return Ok(outcome),
        }
    }
}

/// Tries once, from the look at the target on.
async fn try_restore(
    parts: &Arc<Parts>,
    entry: &EntryRecord,
    if_exists: IfExists,
    options: &RestoreOptions,
) -> Result<RestoreOutcome> {
    let target = options.to.as_ref().unwrap_or(&parts.store);
    let key = &entry.entry.key;
    match target.head(key).await {
        Ok(_) if if_exists != IfExists::Overwrite => return Ok(RestoreOutcome::Exists),
        Err(error) if !error.is_not_found() => return Err(error.into()),
        Ok(_) | Err(_) => {}
    }
    // After the HEAD: a collector may have deleted a newer state meanwhile.
    let found = newest(parts, key).await?;
    if let Some(reason) = refuse(parts, entry, &found) {
        return Ok(RestoreOutcome::Failed(reason));
    }
    let is_home = options.to.is_none();
    if let Some(at) = pruned_for_good(parts, &found, is_home).await {
        return Ok(RestoreOutcome::Pruned(at));
    }
    if options.dry_run {
        // An object under our own delete marker comes back without the vault.
        if !is_home || entry.marker.is_none() {
            check_key(&*parts.vault, &entry.pack).await?;
        }
        return Ok(RestoreOutcome::Planned);
    }
    if is_home {
        hold(parts, key).await?;
        // From here on no pack with this key begins to be pruned; one may have a moment ago.
        if let Some(at) = pruned_for_good(parts, &newest(parts, key).await?, is_home).await {
            return Ok(RestoreOutcome::Pruned(at));
        }
    }
    let mode = if if_exists == IfExists::Overwrite { PutMode::Replace } else { PutMode::Create };
    match bring_back(parts, entry, target, is_home, mode).await {
        Ok(how) => {
            record(parts, entry, &**target, how, is_home).await?;
            Ok(RestoreOutcome::Restored)
        }
        Err(Error::Store(s3gc_store::Error::Precondition { .. })) => Ok(RestoreOutcome::Exists),
        Err(error) => Err(error),
    }
}

/// Tells why an entry may not be restored: it is not the newest state of its key, or a deletion may still land on it.
fn refuse(parts: &Parts, entry: &EntryRecord, newest: &EntryRecord) -> Option<String> {
    if let Some(sent_at) = newest.sent_at.filter(|_| newest.state == EntryState::Sent) {
        let dead_at = dead_at(parts, sent_at);
        return Some(format!(
            "its last deletion was not answered: a run in execute mode after {dead_at} finds out, then restore it"
        ));
    }
    (newest.id != entry.id).then(|| "there is a newer state of it: restore it by its key".to_owned())
}

/// Tells since when an entry has no copy in the vault, unless the object itself still lies under our delete marker.
async fn pruned_for_good(parts: &Parts, entry: &EntryRecord, is_home: bool) -> Option<Timestamp> {
    let at = entry.pruned_at?;
    let is_covered = is_home && covered(parts, entry).await.is_some();
    (!is_covered).then_some(at)
}

/// Says that a copy is gone.
pub(crate) fn pruned_text(parts: &Parts, key: &ObjectKey, at: Timestamp) -> String {
    let days = parts.settings.keep.as_secs() / 86_400;
    format!(
        "{key}: its newest copy was pruned from the vault at {at:.0} ([vault] keep_days = {days}); s3gc vault show names \
         older ones, if there are any"
    )
}

/// Writes the object to the store, by the shortest way; says how.
pub(crate) async fn bring_back(
    parts: &Arc<Parts>,
    entry: &EntryRecord,
    target: &Arc<dyn ObjectStore>,
    is_home: bool,
    mode: PutMode,
) -> Result<&'static str> {
    hit(Point::RestoreWriting);
    if is_home && uncover(parts, entry).await {
        hit(Point::RestoreWritten);
        return Ok("marker removed");
    }
    upload(parts, entry, target, mode).await?;
    hit(Point::RestoreWritten);
    Ok("from the vault")
}

/// Removes our delete marker, if the object still lies under it: that gives back the very same version.
async fn uncover(parts: &Parts, entry: &EntryRecord) -> bool {
    let Some(marker) = covered(parts, entry).await else { return false };
    let key = &entry.entry.key;
    match remove_own_marker(parts, key, marker).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%key, error = %chain(&error), "our delete marker could not be removed; restoring from the vault");
            false
        }
    }
}

/// On a versioned bucket the object may still lie under our delete marker, which this returns.
async fn covered<'a>(parts: &Parts, entry: &'a EntryRecord) -> Option<&'a VersionId> {
    let marker = entry.marker.as_ref()?;
    let versions = parts.store.versions(&entry.entry.key).await.ok()?;
    let is_ours = versions.first().is_some_and(|latest| latest.is_marker() && latest.version.as_ref() == Some(marker));
    let is_same =
        versions.get(1).is_some_and(|covered| is_staged(covered, &entry.as_plan(), entry.entry.meta.version.as_ref()));
    (is_ours && is_same).then_some(marker)
}

/// Writes the object from the vault, or from its replica if the vault cannot give it.
async fn upload(parts: &Arc<Parts>, entry: &EntryRecord, target: &Arc<dyn ObjectStore>, mode: PutMode) -> Result<()> {
    match (upload_from(&parts.vault, entry, target, mode).await, &parts.replica) {
        (Err(error), Some(replica)) if is_of_vault(&error) => {
            tracing::warn!(key = %entry.entry.key, error = %chain(&error), "not readable in the vault; trying its replica");
            upload_from(replica, entry, target, mode).await
        }
        (uploaded, _) => uploaded,
    }
}

const READING: &str = "read from the vault";

/// Tells whether not the store failed, but the reading of what was to be written.
fn is_of_vault(error: &Error) -> bool {
    match error {
        // One that is locked may have a damaged header.
        Error::Vault(_) => true,
        Error::Store(s3gc_store::Error::Other { operation, .. }) => *operation == READING,
        _ => false,
    }
}

async fn upload_from(
    vault: &Arc<dyn VaultBackend>,
    entry: &EntryRecord,
    target: &Arc<dyn ObjectStore>,
    mode: PutMode,
) -> Result<()> {
    let mut meta: ObjectMeta = entry.entry.meta.clone();
    meta.version = None;
    if copy_in(vault, entry, target, &meta, mode).await? {
        return Ok(());
    }
    let body = pack::open(Arc::clone(vault), &entry.pack, &entry.entry).await?;
    let key = entry.entry.key.to_string();
    let body: ByteStream = body
        .map_err(move |error| s3gc_store::Error::Other {
            operation: READING,
            object: key.clone(),
            source: Box::new(error),
        })
        .boxed();
    let body = match mode {
        PutMode::Create => until_it_exists(body, Arc::clone(target), entry.entry.key.clone()),
        PutMode::Replace => body,
    };
    let written = target.put(&entry.entry.key, body, &meta, mode).await?;
    if written.size_bytes != meta.size_bytes {
        return Err(Error::Store(s3gc_store::Error::BodyLength {
            object: entry.entry.key.to_string(),
            expected_bytes: meta.size_bytes,
            actual_bytes: written.size_bytes,
        }));
    }
    Ok(())
}

/// Lets the store make the object of the copy in the vault, where it can; tells whether it did. It can also be read and
/// written like any other, so whatever goes wrong here is no end.
async fn copy_in(
    vault: &Arc<dyn VaultBackend>,
    entry: &EntryRecord,
    target: &Arc<dyn ObjectStore>,
    meta: &ObjectMeta,
    mode: PutMode,
) -> Result<bool> {
    let Some(crc) = entry.entry.copied else { return Ok(false) };
    let place = entry.pack.copy_beside().and_then(|copy| vault.copy_place(&copy));
    let (Some(copier), Some(place)) = (target.server_copy(), place) else { return Ok(false) };
    match copier.copy_in(&place, crc, &entry.entry.key, meta, mode).await {
        Ok(written) if written.size_bytes == meta.size_bytes => Ok(true),
        Ok(written) => Err(Error::Store(s3gc_store::Error::BodyLength {
            object: entry.entry.key.to_string(),
            expected_bytes: meta.size_bytes,
            actual_bytes: written.size_bytes,
        })),
        Err(error @ s3gc_store::Error::Precondition { .. }) => Err(error.into()),
        Err(error) => {
            tracing::warn!(key = %entry.entry.key, error = %chain(&error), "not copied from the vault; reading it");
            Ok(false)
        }
    }
}

/// Ends a body with an error if the key has an object before its last piece: most servers ignore `If-None-Match` on PUT,
/// and reading a large object from the vault takes minutes.
fn until_it_exists(mut body: ByteStream, target: Arc<dyn ObjectStore>, key: ObjectKey) -> ByteStream {
    async_stream::try_stream! {
        let mut last: Option<bytes::Bytes> = None;
        while let Some(piece) = body.try_next().await? {
            if let Some(before) = last.replace(piece) {
                yield before;
            }
        }
        match target.head(&key).await {
            Err(error) if error.is_not_found() => {}
            Err(error) => Err(error)?,
            Ok(_) => Err(s3gc_store::Error::Precondition { key: key.to_string() })?,
        }
        if let Some(last) = last {
            yield last;
        }
    }
    .boxed()
}

/// Holds a key for one retention, before its object comes back: the next run must not take it for an old orphan, even if
/// this process dies before it writes down that it is back.
pub(crate) async fn hold(parts: &Parts, key: &ObjectKey) -> Result<()> {
    Ok(parts.catalog.hold_key(parts.store.location(), key, hold_until(parts, parts.clock.now())).await?)
}

fn hold_until(parts: &Parts, restored_at: Timestamp) -> Timestamp {
    restored_at.checked_add(parts.settings.retention).unwrap_or(Timestamp::MAX)
}

/// Records that an object is back.
pub(crate) async fn record(
    parts: &Parts,
    entry: &EntryRecord,
    target: &dyn ObjectStore,
    how: &str,
    is_home: bool,
) -> Result<()> {
    let now = parts.clock.now();
    let (digest, value) = Content::of(&entry.entry).evidence();
    let audit = AuditDraft {
        at: now,
        run: entry.entry.run.parse().ok(),
        location: Some(parts.store.location().clone()),
        kind: "restore".into(),
        key: Some(entry.entry.key.as_str().to_owned()),
        detail: json!({
            "to": target.location(),
            "how": how,
            "pack": entry.pack,
            (digest): value,
            "size_bytes": entry.entry.meta.size_bytes,
        }),
    };
    if is_home {
        parts.catalog.restored(entry.id, now, hold_until(parts, now), audit).await?;
    } else {
        parts.catalog.append_audit(vec![audit]).await?;
    }
    hit(Point::RestoreRecorded);
    Ok(())
}
