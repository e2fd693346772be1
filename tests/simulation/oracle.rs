//! The oracle: what must hold, told from the world alone, and never from what the engine believes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use s3gc_core::audit::ChainCheck;
use s3gc_store::{DeleteRequest, DeleteTarget, ObjectMeta, PROBE_PREFIX, VersionId};
use s3gc_vault::FileName;
use s3gc_vault::pack;

use crate::application::KEYS;
use crate::bucket::Object;
use crate::database::{Snapshot, needs};
use crate::vault::{NOBODY, SimVault};
use crate::world::{Run, Sim, World};

/// How long an object stays unreferenced before it may be deleted.
pub(crate) const RETENTION: SignedDuration = SignedDuration::from_hours(24);
/// The longest gap between two censuses.
const MAX_GAP: SignedDuration = SignedDuration::from_hours(24 * 15);
/// How long a look may be relied on.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_secs(300);

/// What must hold.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// What does not hold: the number of the invariant or lesson, and what was seen.
    pub(crate) failures: Vec<(&'static str, String)>,
    /// The clocks, counted independently: entity tag, Last-Modified, start.
    clocks: BTreeMap<String, (String, i64, Timestamp)>,
    last_census: Option<Timestamp>,
    held: BTreeMap<String, Timestamp>,
    /// What the application uploaded and did not delete.
    live: BTreeSet<String>,
    uploads: BTreeMap<String, u32>,
    /// Keys that a transaction referred to in the documented gap.
    gaps: BTreeSet<String>,
    /// By run and key: the state that was to be deleted.
    signed: BTreeMap<(usize, String), (String, i64)>,
    removed: Vec<Removed>,
}

/// An object that a collector removed.
#[derive(Clone, Debug)]
struct Removed {
    key: String,
    object: Object,
    /// It lies under this marker.
    marker: Option<VersionId>,
    /// How many files the vault had at that moment.
    files: usize,
    /// How often the key had been uploaded.
    uploads: u32,
    class: Class,
    /// It was restored since: what became of it later is somebody else's doing.
    is_back: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// The very object that was to be deleted.
    Exact,
    /// It was written again in the last moment, with the same bytes.
    SameBytes,
    /// It was rewritten in the last moment, on a store that compares nothing.
    Unseen,
    /// It was rewritten, and must come back.
    MustReturn,
    /// It came back.
    Returned,
}

impl Oracle {
    pub(crate) fn uploaded(&mut self, key: &str) {
        self.live.insert(key.to_owned());
        *self.uploads.entry(key.to_owned()).or_default() += 1;
    }

    /// The application deleted it, or knows that it is not there.
    pub(crate) fn erased(&mut self, key: &str) {
        self.live.remove(key);
    }

    /// A marker was removed: what lies under it is back.
    pub(crate) fn unhidden(&mut self, key: &str, marker: &VersionId) {
        let is_it = |removed: &&mut Removed| removed.key == key && removed.marker.as_ref() == Some(marker);
        for removed in self.removed.iter_mut().filter(is_it) {
            removed.class = Class::Returned;
        }
    }
}

impl World {
    pub(crate) fn fail(&mut self, invariant: &'static str, what: fmt::Arguments<'_>) {
        self.note(format_args!("  FAILED {invariant}: {what}"));
        self.oracle.failures.push((invariant, what.to_string()));
    }

    /// A census was judged, and its clocks count.
    pub(crate) fn judged(&mut self, who: usize) {
        let sources = self.kind.sources().len();
        let run = &mut self.runs[who];
        let (census, listed) = (std::mem::take(&mut run.census), run.listed.take());
        let Some(listed) = listed.filter(|_| census.len() == sources) else {
            return self.fail("i04", format_args!("clocks moved, and the census was not complete"));
        };
        let census: Snapshot = census.into_values().flatten().collect();
        let (began, now) = (run.began, self.now());
        let oracle = &mut self.oracle;
        let gap = RETENTION.max(MAX_GAP);
        if oracle.last_census.is_some_and(|last| now.duration_since(last) > gap) {
            oracle.clocks.clear();
        }
        oracle.last_census = Some(now);
        let mut clocks = BTreeMap::new();
        for (key, (etag, modified)) in listed.into_iter().filter(|(key, _)| !needs(&census, key)) {
            let known = oracle.clocks.get(&key).filter(|known| (&known.0, known.1) == (&etag, modified));
            let since = known.map_or(began, |known| known.2);
            clocks.insert(key, (etag, modified, since));
        }
        oracle.clocks = clocks;
    }

    /// A key is held: its clock is gone.
    pub(crate) fn held(&mut self, key: &str) {
        let until = self.now() + RETENTION;
        self.oracle.clocks.remove(key);
        self.oracle.held.insert(key.to_owned(), until);
    }

    /// An entry was restored.
    pub(crate) fn restored(&mut self, key: &str) {
        self.stats.restored += 1;
        self.held(key);
        for removed in self.oracle.removed.iter_mut().filter(|removed| removed.key == key) {
            removed.is_back = true;
        }
    }

    /// A deletion is signed: from now on nobody can take it back.
    pub(crate) fn signed(&mut self, who: usize, request: &DeleteRequest) {
        let DeleteTarget::Current { if_match } = &request.target else { return };
        let key = request.key.as_str();
        if key.starts_with(PROBE_PREFIX) || who >= self.runs.len() {
            return;
        }
        self.check_look(who, key);
        self.check_alone(who, key);
        let now = self.now();
        match self.oracle.clocks.get(key).filter(|clock| clock.0 == if_match.as_str()).cloned() {
            None => self.fail("i03", format_args!("{key}: no census saw this state of it unreferenced")),
            Some((etag, modified, since)) => {
                // A minute for clocks that differ.
                let young = |from: Timestamp| from + RETENTION > now + SignedDuration::from_mins(1);
                let is_early = !self.kind.last_modified && young(since);
                if is_early || young(Timestamp::from_second(modified).unwrap()) {
                    self.fail("l17", format_args!("{key} is deleted before its time: unreferenced since {since}"));
                }
                self.oracle.signed.insert((who, key.to_owned()), (etag, modified));
            }
        }
        if self.oracle.held.get(key).is_some_and(|until| *until > now) {
            self.fail("i06", format_args!("{key} was restored, and is deleted again before its time"));
        }
    }

    /// Whoever was seen by the look, or was waited for, is safe.
    fn check_look(&mut self, who: usize, key: &str) {
        let (run, now) = (&self.runs[who], self.now());
        let mut failure = None;
        let mut is_gap = false;
        let has_looked = run.looked.len() == self.kind.sources().len();
        if run.looked.values().any(|(rows, _)| needs(rows, key)) {
            failure = Some("it was referenced at the look".to_owned());
        } else if run.looked.values().any(|(_, at)| now.duration_since(*at) > WINDOW) {
            failure = Some("the look is too old".to_owned());
        } else {
            let open = self.db.open.values().flat_map(|open| &open.inserts);
            let later = self.db.rows.values().map(|row| &**row).chain(open).filter(|row| row.needs(key));
            for row in later {
                let drained = run.drained.get(&self.kind.source_of(row.table));
                if !has_looked {
                    failure = Some(format!("it is referenced, and nobody looked: {:?}", row.value));
                } else if drained.is_none_or(|drained| row.wrote < *drained) {
                    failure =
                        Some(format!("a transaction had written before, and was not waited for: {:?}", row.value));
                } else {
                    is_gap = true;
                }
            }
        }
        if let Some(failure) = failure {
            self.fail("i01", format_args!("{key} is deleted: {failure}"));
        }
        if is_gap {
            self.stats.after_drain += 1;
            self.oracle.gaps.insert(key.to_owned());
        }
    }

    /// One collector at a time, and one request for a key.
    fn check_alone(&mut self, who: usize, key: &str) {
        if let Some(holder) = self.holder.filter(|holder| *holder != who) {
            self.fail("i09", format_args!("{key} is deleted by run {who} after run {holder} took over"));
        }
        // Of a run that died and whose host knows it, or that gave its lease back, only the keys without an answer wait.
        let is_over =
            |other: &Run| other.is_told_dead || other.ended.is_some_and(|ended| ended <= self.runs[who].began);
        if self.late.iter().any(|late| late.who != who && !is_over(&self.runs[late.who])) {
            self.fail("i09", format_args!("{key} is deleted while requests of the collector before may still land"));
        }
        if self.late.iter().any(|late| late.request.key.as_str() == key) {
            self.fail("i07", format_args!("{key} is deleted while an earlier deletion of it may still land"));
        }
    }

    /// A run that was asked to end has written down what came of every request, and left no lock.
    pub(crate) fn check_cancelled(&mut self, who: usize) {
        if !self.runs[who].was_cancelled {
            return;
        }
        let sent = self.runs[who].sent.len();
        if sent > 0 {
            self.fail("i07", format_args!("run {who} was asked to end, and left {sent} deletions unsettled"));
        }
        if !self.db.is_locked.is_empty() {
            self.fail("i09", format_args!("run {who} was asked to end, and left a lock"));
        }
    }

    /// A census begins to scan.
    pub(crate) fn scanning(&mut self, who: usize) {
        if self.runs.get(who).is_some_and(|run| !run.has_listed) {
            self.fail("l02", format_args!("the references were read before the listing began"));
        }
    }

    /// An object is gone, or hidden under a marker.
    pub(crate) fn removed(&mut self, who: usize, key: &str, object: Object, marker: Option<VersionId>, is_late: bool) {
        let signed = self.oracle.signed.get(&(who, key.to_owned())).cloned().unwrap_or_default();
        let is_same_tag = object.meta.etag.as_str() == signed.0;
        let class = if is_same_tag && object.meta.last_modified.as_second() == signed.1 {
            Class::Exact
        } else if marker.is_some() {
            Class::MustReturn
        } else {
            let seen = self.runs[who].heads.get(key).copied();
            // The documented gap: versions were suspended after the batch had asked for them.
            let gap = self.suspended.is_some_and(|at| self.now().duration_since(at) < SignedDuration::from_secs(1));
            let is_unseen = seen.is_none_or(|seen| object.written < seen);
            if !is_late && is_unseen && !gap {
                self.fail("i03", format_args!("{key} was rewritten before it was seen for the last time"));
            }
            if gap && is_unseen {
                self.stats.suspended_late += 1;
                Class::Unseen
            } else if is_same_tag {
                self.stats.same_bytes += 1;
                Class::SameBytes
            } else if self.kind.unconditional {
                self.stats.compared_nothing += 1;
                Class::Unseen
            } else {
                self.fail("i03", format_args!("{key} was rewritten, and is gone"));
                Class::Unseen
            }
        };
        let (files, uploads) = (self.vault.files.len(), self.oracle.uploads.get(key).copied().unwrap_or_default());
        self.oracle.removed.push(Removed {
            key: key.to_owned(),
            object,
            marker,
            files,
            uploads,
            class,
            is_back: false,
        });
    }
}

/// An object in the vault.
#[derive(Debug)]
struct Kept {
    place: usize,
    key: String,
    meta: ObjectMeta,
    body: Bytes,
}

/// What a restore gives back of an object.
fn content(meta: &ObjectMeta) -> ObjectMeta {
    let unset = ObjectMeta::new(meta.size_bytes);
    ObjectMeta { etag: unset.etag, last_modified: unset.last_modified, version: None, ..meta.clone() }
}

/// Reads all of the vault that can be read.
async fn read_vault(sim: &Sim) -> Vec<Kept> {
    let vault = Arc::new(SimVault::new(sim, NOBODY));
    let files: Vec<(String, usize)> =
        sim.lock().vault.files.iter().map(|(name, (place, _))| (name.clone(), *place)).collect();
    let mut kept = Vec::new();
    for (name, place) in files {
        let name = FileName::new(name).unwrap();
        // What cannot be read keeps nothing.
        let Ok(index) = pack::read_index(&*vault, &name).await else { continue };
        for entry in index.entries {
            let Ok(body) = pack::open(vault.clone(), &name, &entry).await else { continue };
            let Ok(pieces) = body.try_collect::<Vec<Bytes>>().await else { continue };
            let body = Bytes::from(pieces.concat());
            kept.push(Kept { place, key: entry.key.as_str().to_owned(), meta: entry.meta, body });
        }
    }
    kept
}

/// Checks the end: everything that was removed is in the vault, and everything that is needed is there.
pub(crate) async fn check_end(sim: &Sim) {
    let kept = read_vault(sim).await;
    let mut world = sim.lock();
    for removed in world.oracle.removed.clone() {
        let Removed { key, object, files, class, .. } = &removed;
        let is_it = |kept: &&Kept| kept.place < *files && kept.key == *key && kept.body == object.body;
        let is_whole = |kept: &Kept| {
            content(&kept.meta) == content(&object.meta)
                && kept.meta.etag == object.meta.etag
                && ObjectMeta::is_same_instant(kept.meta.last_modified, object.meta.last_modified)
        };
        match class {
            Class::Exact if !kept.iter().filter(is_it).any(is_whole) => {
                world.fail("i02", format_args!("{key} was deleted, and was not whole in the vault"));
            }
            Class::SameBytes if kept.iter().find(is_it).is_none() => {
                world.fail("i02", format_args!("the bytes of {key} are not in the vault"));
            }
            // What was uploaded over it since is what the application has.
            Class::MustReturn if world.oracle.uploads.get(key) == Some(&removed.uploads) => {
                world.fail("i03", format_args!("{key} was rewritten, and is still hidden"));
            }
            Class::Exact | Class::SameBytes | Class::Unseen | Class::MustReturn | Class::Returned => {}
        }
    }
    let lost: Vec<&str> = KEYS.into_iter().filter(|key| is_lost(&world, key)).collect();
    for key in lost {
        world.fail("i01", format_args!("{key} is referenced, and is not there at the end"));
    }
    check_audit(&mut world);
}

fn is_lost(world: &World, key: &str) -> bool {
    needs(&world.db.rows, key)
        && world.oracle.live.contains(key)
        && world.bucket.object(key).is_none()
        && !world.oracle.gaps.contains(key)
}

fn check_audit(world: &mut World) {
    let catalog = Arc::clone(&world.catalog);
    let catalog = catalog.lock().unwrap();
    let mut chain = ChainCheck::default();
    for entry in &catalog.audit {
        if let Err(broken) = chain.next(entry) {
            world.fail("i08", format_args!("{broken}"));
        }
    }
    for removed in world.oracle.removed.clone().iter().filter(|removed| removed.class == Class::Exact) {
        // What was uploaded since, while nobody knew the outcome, cannot be told from what was overwritten.
        let is_it = |entry: &&s3gc_core::audit::AuditEntry| {
            matches!(entry.kind.as_str(), "delete" | "unanswered")
                && entry.key.as_ref() == Some(&removed.key)
                && entry.detail.contains(removed.object.meta.etag.as_str())
        };
        if !catalog.audit.iter().any(|entry| is_it(&entry)) {
            world.fail("i08", format_args!("{} was deleted without a trace", removed.key));
        }
    }
}

/// Names what nobody needs and nobody collected.
pub(crate) fn garbage(world: &World) -> Vec<String> {
    let is_held = |key: &String| world.oracle.held.get(key).is_some_and(|until| *until > world.now());
    let live = world.bucket.live().map(|(key, _)| key);
    live.filter(|key| !needs(&world.db.rows, key) && !is_held(key) && !key.starts_with(PROBE_PREFIX)).cloned().collect()
}

/// What a restore of everything must bring back.
pub(crate) fn restorable(world: &World) -> BTreeMap<String, Object> {
    let mut newest = BTreeMap::new();
    for removed in world.oracle.removed.iter().filter(|removed| removed.class != Class::Returned) {
        newest.insert(removed.key.clone(), removed);
    }
    let is_due = |(key, removed): &(String, &Removed)| {
        let is_last = world.oracle.uploads.get(key).copied().unwrap_or_default() == removed.uploads;
        is_last && !removed.is_back && removed.class == Class::Exact && world.bucket.object(key).is_none()
    };
    newest.into_iter().filter(is_due).map(|(key, removed)| (key, removed.object.clone())).collect()
}

/// Compares what a restore brought back.
pub(crate) fn check_restored(world: &mut World, expected: BTreeMap<String, Object>) {
    for (key, object) in expected {
        let is_back = world
            .bucket
            .object(&key)
            .is_some_and(|back| back.body == object.body && content(&back.meta) == content(&object.meta));
        if !is_back {
            world.fail("i06", format_args!("{key} did not come back as it was"));
        }
    }
}
