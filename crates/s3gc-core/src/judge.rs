//! The judgement: a second pass over the listing, and for each object a verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use s3gc_store::{ListEntry, Location, ObjectKey, ObjectMeta, Readable, Timestamp};
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, EntryId, Hold, HoldKind, Judgement, Seen};
use crate::census::{Census, Referenced};
use crate::keyset::{KeySet, Salt};
use crate::plan::PlanEntry;
use crate::sealed::{SealedFile, SealedWriter};
use crate::settings::RetentionFrom;
use crate::{Error, KeyPrefix, Result, Settings, VariantRules};

/// How many first-level prefixes are counted apart.
const MAX_PREFIXES: usize = 1000;
/// How many objects are judged at a time; many more when each step reads a spilled key set from disk.
const CHUNK: usize = 16 * 1024;
const SPILLED_CHUNK: usize = 1024 * 1024;

/// Why an object is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It belongs to s3gc itself.
    Reserved,
    /// It is outside the claimed prefixes.
    Unclaimed,
    /// It is under an excluded prefix.
    Excluded,
    /// A hold covers it: a person's, or that of a recent restore.
    Held,
    /// An earlier deletion of it is not settled yet.
    Unsettled,
    /// It cannot be read without a restore from an archive.
    Archived,
    /// Something references it.
    Referenced,
    /// It is younger than the retention.
    Young,
}

impl Kept {
    /// Returns the reason as it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Unclaimed => "unclaimed",
            Self::Excluded => "excluded",
            Self::Held => "held",
            Self::Unsettled => "unsettled",
            Self::Archived => "archived",
            Self::Referenced => "referenced",
            Self::Young => "young",
        }
    }
}

/// A number of objects and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub objects: u64,
    /// The sum of their lengths.
    pub bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }
}

/// What the judgement counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgeCounts {
    /// Everything that was listed.
    pub listed: Tally,
    /// What is claimed and not reserved.
    pub claimed: Tally,
    /// What is kept, by reason.
    pub kept: BTreeMap<Kept, Tally>,
    /// Unreferenced objects whose retention is not over.
    pub waiting: Tally,
    /// Unreferenced objects that may go.
    pub due: Tally,
    /// Unreferenced objects that may go but lie outside the prefix of this run.
    pub out_of_scope: Tally,
    /// When the first of the waiting ones is due.
    pub next_due_at: Option<Timestamp>,
    /// Objects by first-level prefix.
    pub prefixes: BTreeMap<String, PrefixCounts>,
    /// Names that cannot be keys: kept.
    pub skipped: u64,
    /// Some of them, with the reason.
    pub skipped_samples: Vec<(String, String)>,
}

/// What was counted under one prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixCounts {
    /// Claimed objects.
    pub claimed: Tally,
    /// Unreferenced, waiting or due.
    pub unreferenced: Tally,
    /// Due.
    pub due: Tally,
}

impl JudgeCounts {
    /// Returns what was kept for this reason.
    #[must_use]
    pub fn kept(&self, reason: Kept) -> Tally {
        self.kept.get(&reason).copied().unwrap_or_default()
    }
}

/// What must be known to judge, beside the census.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) holds: HoldSet,
    /// Only what is under this prefix goes into the plan.
    pub(crate) only: Option<&'a KeyPrefix>,
    /// By the store's clock.
    pub(crate) now: Timestamp,
}

/// The outcome of a judgement: counts, and the due objects on disk. The clocks are not committed yet.
pub(crate) struct Judged {
    pub(crate) counts: JudgeCounts,
    pub(crate) due: SealedFile,
    pub(crate) clocks: Box<dyn Judgement>,
}

impl Judge<'_> {
    /// Judges every object of the census, marking those that sampled values name.
    pub(crate) async fn run(
        &mut self,
        census: &mut Census,
        mut clocks: Box<dyn Judgement>,
        work_dir: &std::path::Path,
        mut step: impl FnMut(u64),
    ) -> Result<Judged> {
        let spool_error = || Error::io("reading a spool in", work_dir);
        let mut counts = JudgeCounts {
            skipped: census.skipped,
            skipped_samples: census.skipped_samples.clone(),
            ..JudgeCounts::default()
        };
        let mut due = SealedWriter::create(work_dir).map_err(spool_error())?;
        let chunk_size = chunk_size(&census.keys, &census.prefixes);
        let Census { spool, keys, prefixes, matches, .. } = census;
        let total = spool.count();
        let mut references = References { keys, prefixes, variants: &self.settings.variants };
        let mut reader = spool.reader().map_err(spool_error())?;
        loop {
            let chunk = reader.next_chunk(chunk_size).map_err(spool_error())?;
            if chunk.is_empty() {
                break;
            }
            let referenced = references.look_up(&chunk, matches).map_err(spool_error())?;
            let mut candidates = Vec::new();
            for (entry, referenced) in chunk.into_iter().zip(referenced) {
                if let Some(entry) = self.sort_out(entry, referenced, &mut counts) {
                    candidates.push(entry);
                }
            }
            for candidates in candidates.chunks(1000) {
                let seen: Vec<Seen> = candidates.iter().map(as_seen).collect();
                let since = clocks.observe(&seen).await?;
                if since.len() != seen.len() {
                    return Err(Error::Internal("the catalog answered for another number of clocks".into()));
                }
                for (entry, since) in candidates.iter().zip(since) {
                    if let Some(planned) = self.plan(entry, since, &mut counts) {
                        let line = serde_json::to_vec(&planned).map_err(|e| Error::Internal(e.to_string()))?;
                        due.push(&line).map_err(Error::io("writing a plan in", work_dir))?;
                    }
                }
            }
            step(counts.listed.objects);
        }
        if counts.listed.objects != total {
            return Err(Error::Incomplete { reason: "the spool of the listing is shorter than the listing".into() });
        }
        let due = due.finish().map_err(Error::io("writing a plan in", work_dir))?;
        Ok(Judged { counts, due, clocks })
    }

    /// Counts an object, and returns it if nothing keeps it.
    fn sort_out(&mut self, entry: ListEntry, referenced: bool, counts: &mut JudgeCounts) -> Option<ListEntry> {
        counts.listed.add(entry.size_bytes);
        let reason = self.keep_reason(&entry, referenced);
        if !matches!(reason, Some(Kept::Reserved | Kept::Unclaimed)) {
            counts.claimed.add(entry.size_bytes);
            prefix_counts(counts, &entry.key).claimed.add(entry.size_bytes);
        }
        match reason {
            Some(reason) => {
                counts.kept.entry(reason).or_default().add(entry.size_bytes);
                None
            }
            None => Some(entry),
        }
    }

    fn keep_reason(&mut self, entry: &ListEntry, referenced: bool) -> Option<Kept> {
        let settings = self.settings;
        if Settings::is_reserved(&entry.key) {
            Some(Kept::Reserved)
        } else if !settings.is_claimed(&entry.key) {
            Some(Kept::Unclaimed)
        } else if settings.is_excluded(&entry.key) {
            Some(Kept::Excluded)
        } else if let Some(reason) = self.holds.reason(&entry.key, &settings.variants) {
            Some(reason)
        } else if entry.readable != Readable::Yes {
            Some(Kept::Archived)
        } else if referenced {
            Some(Kept::Referenced)
        } else if is_young(entry.last_modified, settings.retention, self.now) {
            Some(Kept::Young)
        } else {
            None
        }
    }

    /// Counts an unreferenced object, and returns it for the plan if it is due.
    fn plan(&self, entry: &ListEntry, since: Timestamp, counts: &mut JudgeCounts) -> Option<PlanEntry> {
        let due_at = due_at(self.settings, &entry.etag, entry.last_modified, since);
        let is_due = due_at.is_some_and(|due_at| due_at <= self.now);
        prefix_counts(counts, &entry.key).unreferenced.add(entry.size_bytes);
        if !is_due {
            counts.waiting.add(entry.size_bytes);
            counts.next_due_at = [counts.next_due_at, due_at].into_iter().flatten().min();
            return None;
        }
        if self.only.is_some_and(|only| !only.covers(&entry.key)) {
            counts.out_of_scope.add(entry.size_bytes);
            return None;
        }
        counts.due.add(entry.size_bytes);
        prefix_counts(counts, &entry.key).due.add(entry.size_bytes);
        Some(PlanEntry {
            key: entry.key.clone(),
            size_bytes: entry.size_bytes,
            etag: entry.etag.clone(),
            last_modified: entry.last_modified,
            unreferenced_since: since,
        })
    }
}

/// Tells whether the object itself says that it stays: by a lock or a legal hold of the store, or by its tag.
pub(crate) fn is_protected(meta: &ObjectMeta, tags: &BTreeMap<String, String>, now: Timestamp) -> bool {
    meta.hold.is_active(now) || tags.contains_key(Settings::KEEP_TAG)
}

/// Tells whether an object is younger than the retention; one from the future is.
pub(crate) fn is_young(last_modified: Timestamp, retention: Duration, now: Timestamp) -> bool {
    last_modified.checked_add(retention).map_or(true, |end| end > now)
}

/// Returns when an unreferenced object is due; `None` for a time that no calendar has.
pub(crate) fn due_at(
    settings: &Settings,
    etag: &s3gc_store::ETag,
    last_modified: Timestamp,
    since: Timestamp,
) -> Option<Timestamp> {
    let from = match settings.retention_from {
        RetentionFrom::Unreferenced => since.max(last_modified),
        // The Last-Modified of a multipart upload is its beginning, which may be days before its end.
        RetentionFrom::LastModified if etag.is_multipart() => since.max(last_modified),
        RetentionFrom::LastModified => last_modified,
    };
    from.checked_add(settings.retention).ok()
}

fn as_seen(entry: &ListEntry) -> Seen {
    Seen {
        key: entry.key.clone(),
        etag: entry.etag.clone(),
        last_modified: entry.last_modified,
        size_bytes: entry.size_bytes,
    }
}

fn prefix_counts<'a>(counts: &'a mut JudgeCounts, key: &ObjectKey) -> &'a mut PrefixCounts {
    let name = first_level(key.as_str());
    let name =
        if counts.prefixes.len() < MAX_PREFIXES || counts.prefixes.contains_key(name) { name } else { "(others)" };
    if !counts.prefixes.contains_key(name) {
        counts.prefixes.insert(name.to_owned(), PrefixCounts::default());
    }
    counts.prefixes.entry(name.to_owned()).or_default()
}

/// Returns the first-level prefix of a key, with its delimiter; empty for a key at the top.
pub(crate) fn first_level(key: &str) -> &str {
    key.find('/').map_or("", |at| &key[..=at])
}

/// Every prefix of a key that ends at a delimiter, shortest first.
pub(crate) fn prefixes_of(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices('/').map(move |(at, _)| &key[..=at])
}

/// How many keys to look up in references at a time.
pub(crate) fn chunk_size(keys: &KeySet, prefixes: &KeySet) -> usize {
    if keys.is_spilled() || prefixes.is_spilled() { SPILLED_CHUNK } else { CHUNK }
}

/// What the sources reference, with the rules of what is derived from it.
pub(crate) struct References<'a> {
    keys: &'a mut KeySet,
    prefixes: &'a mut KeySet,
    variants: &'a VariantRules,
}

impl<'a> References<'a> {
    /// Takes the references of a census.
    pub(crate) fn of(census: &'a mut Census, settings: &'a Settings) -> Self {
        Self { keys: &mut census.keys, prefixes: &mut census.prefixes, variants: &settings.variants }
    }

    /// Takes the references of a scan without a listing.
    pub(crate) fn among(scanned: &'a mut Referenced, settings: &'a Settings) -> Self {
        Self { keys: &mut scanned.keys, prefixes: &mut scanned.prefixes, variants: &settings.variants }
    }

    /// Tells for each key whether something references it, or what it is derived from.
    pub(crate) fn name(&mut self, keys: &[&ObjectKey]) -> std::io::Result<Vec<bool>> {
        let salt = self.keys.salt();
        let fingerprints: Vec<u64> = keys.iter().map(|key| salt.fingerprint(key.as_str())).collect();
        let mut referenced = self.keys.contains(&fingerprints)?;
        for (referenced, by_prefix) in referenced.iter_mut().zip(self.under_prefix(keys.iter().copied(), salt)?) {
            *referenced |= by_prefix.referenced;
        }
        if !self.variants.is_empty() {
            self.look_up_bases(keys, salt, &mut referenced)?;
        }
        Ok(referenced)
    }

    /// Tells for each object whether something references it, and marks the sampled values that name it.
    fn look_up(
        &mut self,
        chunk: &[ListEntry],
        matches: &mut crate::census::MatchSampler,
    ) -> std::io::Result<Vec<bool>> {
        let salt = self.keys.salt();
        let keys: Vec<u64> = chunk.iter().map(|entry| salt.fingerprint(entry.key.as_str())).collect();
        let mut referenced = self.keys.contains(&keys)?;
        let by_prefix = self.under_prefix(chunk.iter().map(|entry| &entry.key), salt)?;
        for (referenced, by_prefix) in referenced.iter_mut().zip(&by_prefix) {
            *referenced |= by_prefix.referenced;
        }
        if !self.variants.is_empty() {
            let keys: Vec<&ObjectKey> = chunk.iter().map(|entry| &entry.key).collect();
            self.look_up_bases(&keys, salt, &mut referenced)?;
        }
        for (index, fingerprint) in keys.iter().enumerate() {
            let prefixes = by_prefix.get(index).map_or(&[][..], |found| found.prefixes.as_slice());
            matches.mark(*fingerprint, prefixes, referenced[index]);
        }
        Ok(referenced)
    }

    /// Does the same for what nothing references itself, and that may be derived from what is referenced.
    fn look_up_bases(&mut self, keys: &[&ObjectKey], salt: Salt, referenced: &mut [bool]) -> std::io::Result<()> {
        let (mut bases, mut derived) = (Vec::new(), Vec::new());
        for (index, key) in keys.iter().enumerate().filter(|(index, _)| !referenced[*index]) {
            bases.extend(self.variants.bases(key));
            derived.resize(bases.len(), index);
        }
        let probes: Vec<u64> = bases.iter().map(|base| salt.fingerprint(base.as_str())).collect();
        let found = self.keys.contains(&probes)?;
        let by_prefix = self.under_prefix(bases.iter(), salt)?;
        for (position, index) in derived.into_iter().enumerate() {
            referenced[index] |= found[position] || by_prefix.get(position).is_some_and(|found| found.referenced);
        }
        Ok(())
    }

    /// Tells for each key which prefixes are above it, and whether one of them is referenced; nothing if none is.
    fn under_prefix<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k ObjectKey>,
        salt: Salt,
    ) -> std::io::Result<Vec<UnderPrefix>> {
        let mut probes = Vec::new();
        let mut found: Vec<UnderPrefix> = Vec::new();
        if self.prefixes.is_empty() {
            return Ok(found);
        }
        for key in keys {
            let prefixes: Vec<u64> = prefixes_of(key.as_str()).map(|prefix| salt.fingerprint(prefix)).collect();
            probes.extend(&prefixes);
            found.push(UnderPrefix { prefixes, referenced: false });
        }
        let mut hits = self.prefixes.contains(&probes)?.into_iter();
        for object in &mut found {
            object.referenced = hits.by_ref().take(object.prefixes.len()).fold(false, |any, hit| any | hit);
        }
        Ok(found)
    }
}

struct UnderPrefix {
    prefixes: Vec<u64>,
    referenced: bool,
}

/// What is set aside from deletion: globs of people, keys that were restored, keys with an unsettled deletion.
#[derive(Debug)]
pub(crate) struct HoldSet {
    globs: GlobSet,
    salt: Salt,
    restored: KeySet,
    unsettled: KeySet,
}

impl HoldSet {
    /// Reads the holds of a location. The sets of single keys hold fingerprints: a collision only keeps an object.
    pub(crate) async fn load(
        catalog: &dyn Catalog,
        location: &Location,
        settings: &Settings,
        work_dir: &std::path::Path,
        now: Timestamp,
    ) -> Result<Self> {
        let salt = Salt::random();
        let new_set = || crate::keyset::KeySetBuilder::new(salt, settings.memory_bytes / 8, work_dir);
        let (mut restored, mut unsettled) = (new_set(), new_set());
        let io = || Error::io("sorting holds in", work_dir);
        let mut after: Option<ObjectKey> = None;
        loop {
            let page = catalog.held_keys(location, now, after.as_ref(), 1000).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            for key in &page {
                restored.insert(key.as_str()).map_err(io())?;
            }
        }
        let mut after = EntryId::default();
        loop {
            let page = catalog.unsettled(location, after, 1000).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for entry in &page {
                unsettled.insert(entry.entry.key.as_str()).map_err(io())?;
            }
        }
        Ok(Self {
            globs: glob_holds(catalog, location, now).await?,
            salt,
            restored: restored.finish().map_err(io())?,
            unsettled: unsettled.finish().map_err(io())?,
        })
    }

    /// Returns why the key, or what it is derived from, may not be deleted.
    pub(crate) fn reason(&mut self, key: &ObjectKey, variants: &VariantRules) -> Option<Kept> {
        // Nearly always: then no key of the listing has to be compared with the rules.
        if self.globs.is_empty() && self.restored.is_empty() && self.unsettled.is_empty() {
            return None;
        }
        self.reason_of(key).or_else(|| variants.bases(key).find_map(|base| self.reason_of(&base)))
    }

    fn reason_of(&mut self, key: &ObjectKey) -> Option<Kept> {
        let fingerprint = self.salt.fingerprint(key.as_str());
        // A set that cannot be read holds every key: when in doubt, keep.
        let has = |set: &mut KeySet| !set.is_empty() && set.contains(&[fingerprint]).map_or(true, |found| found[0]);
        if has(&mut self.unsettled) {
            Some(Kept::Unsettled)
        } else if self.globs.is_match(key.as_str()) || has(&mut self.restored) {
            Some(Kept::Held)
        } else {
            None
        }
    }
}

/// Reads the holds that people set on a location.
pub(crate) async fn glob_holds(catalog: &dyn Catalog, location: &Location, now: Timestamp) -> Result<GlobSet> {
    compile(&catalog.holds(Some(location)).await?, now)
}

/// Compiles a glob of a hold: `*` stops at `/`, `**` does not.
///
/// # Errors
///
/// [`Error::Invalid`] if it is not a glob.
pub(crate) fn compile_glob(glob: &str) -> Result<globset::Glob> {
    GlobBuilder::new(glob)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|error| Error::Invalid(format!("{glob:?} is not a glob: {}", error.kind())))
}

fn compile(holds: &[Hold], now: Timestamp) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    // A migration is not a matter of keys: see `migration`.
    for hold in holds.iter().filter(|hold| hold.kind == HoldKind::Glob && hold.is_active(now)) {
        set.add(compile_glob(&hold.glob)?);
    }
    set.build().map_err(|error| Error::Invalid(format!("the holds cannot be compiled: {error}")))
}

/// Tells whether an object of the store still is the one that was listed.
pub(crate) fn is_same(entry: &PlanEntry, meta: &ObjectMeta) -> bool {
    meta.etag == entry.etag
        && meta.size_bytes == entry.size_bytes
        && ObjectMeta::is_same_instant(meta.last_modified, entry.last_modified)
}

#[cfg(test)]
mod tests;
