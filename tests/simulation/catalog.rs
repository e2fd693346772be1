//! A catalog in memory: every call is one transaction, and what it wrote lasts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use s3gc_core::audit::{AuditDraft, AuditEntry, AuditHead};
use s3gc_core::catalog::{
    self, AuditFilter, CatalogId, CensusRecord, EntryFilter, EntryId, EntryRecord, EntryState, Error, Hold, Judgement,
    Lease, OrphanClock, PackRecord, PackState, Pin, PlanRecord, Result, RunRecord, RunState, Seen, Settlement,
    StagedEntry, Totals,
};
use s3gc_core::{Digest, Location, ObjectKey, RunId, Timestamp};
use s3gc_vault::FileName;

type Clocks = BTreeMap<String, OrphanClock>;

/// What lasts.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) leases: BTreeMap<String, Lease>,
    runs: BTreeMap<RunId, RunRecord>,
    plans: BTreeMap<String, PlanRecord>,
    census: BTreeMap<String, CensusRecord>,
    pub(crate) clocks: BTreeMap<String, Clocks>,
    /// The judgement that is open, with its number.
    open: BTreeMap<String, (u64, Clocks)>,
    judgements: u64,
    packs: BTreeMap<FileName, PackRecord>,
    pub(crate) entries: Vec<EntryRecord>,
    holds: Vec<Hold>,
    next_hold: i64,
    held: BTreeMap<(String, String), Timestamp>,
    pins: BTreeMap<(String, String), Pin>,
    pub(crate) audit: Vec<AuditEntry>,
}

/// The catalog without points: what [`super::points::SimCatalog`] calls.
#[derive(Clone, Debug)]
pub(crate) struct MemoryCatalog(pub(crate) Arc<Mutex<Catalog>>);

impl MemoryCatalog {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Catalog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(reason: &str) -> Error {
    Error::Failed { catalog: "memory".into(), operation: "write", source: reason.into() }
}

impl Catalog {
    fn entry(&self, id: EntryId) -> Result<&EntryRecord> {
        let found = self.entries.iter().find(|entry| entry.id == id);
        found.ok_or_else(|| Error::NotFound { catalog: "memory".into(), what: "entry", id: id.0.to_string() })
    }

    fn entry_mut(&mut self, id: EntryId) -> &mut EntryRecord {
        self.entries.iter_mut().find(|entry| entry.id == id).unwrap()
    }

    fn head(&self) -> AuditHead {
        self.audit.last().map(AuditEntry::head).unwrap_or_default()
    }

    fn append(&mut self, drafts: Vec<AuditDraft>) {
        for draft in drafts {
            let entry = AuditEntry::link(&self.head(), draft);
            self.audit.push(entry);
        }
    }

    fn add(&mut self, pack: &PackRecord, entries: &[StagedEntry], state: EntryState) -> Result<Vec<EntryId>> {
        if self.packs.contains_key(&pack.name) {
            return Err(refused("the pack is known"));
        }
        self.packs.insert(pack.name.clone(), pack.clone());
        let mut ids = Vec::new();
        for staged in entries {
            let id = EntryId(i64::try_from(self.entries.len()).unwrap() + 1);
            let settled_at = (state == EntryState::Deleted).then_some(staged.entry.staged_at);
            self.entries.push(EntryRecord {
                id,
                pack: pack.name.clone(),
                entry: staged.entry.clone(),
                state,
                unreferenced_since: staged.unreferenced_since,
                sent_at: None,
                settled_at,
                marker: None,
                restored_at: None,
                pruned_at: None,
            });
            ids.push(id);
        }
        Ok(ids)
    }

    fn erase(&mut self, location: &str, keys: &[ObjectKey]) {
        for key in keys {
            if let Some(clocks) = self.clocks.get_mut(location) {
                clocks.remove(key.as_str());
            }
            if let Some((_, clocks)) = self.open.get_mut(location) {
                clocks.remove(key.as_str());
            }
        }
    }
}

fn is_unsettled(entry: &EntryRecord) -> bool {
    matches!(entry.state, EntryState::Staged | EntryState::Sent)
}

fn matches(filter: &EntryFilter, entry: &EntryRecord) -> bool {
    let at = entry.settled_at.or(entry.sent_at);
    filter.location.as_ref().is_none_or(|location| entry.entry.location == *location)
        && filter.key.as_ref().is_none_or(|key| entry.entry.key == *key)
        && filter.prefix.as_ref().is_none_or(|prefix| entry.entry.key.as_str().starts_with(prefix.as_str()))
        && filter.run.is_none_or(|run| entry.entry.run == run.to_string())
        && filter.since.is_none_or(|since| at.is_some_and(|at| at >= since))
        && filter.until.is_none_or(|until| at.is_some_and(|at| at < until))
        && filter.pack.as_ref().is_none_or(|pack| entry.pack == *pack)
        && filter.is_pruned.is_none_or(|is_pruned| entry.pruned_at.is_some() == is_pruned)
        && (filter.states.is_empty() || filter.states.contains(&entry.state))
}

fn page<T>(items: impl Iterator<Item = T>, limit: u32) -> Vec<T> {
    items.take(usize::try_from(limit).unwrap()).collect()
}

#[async_trait]
impl catalog::Catalog for MemoryCatalog {
    fn name(&self) -> &str {
        "memory"
    }

    fn id(&self) -> CatalogId {
        serde_json::from_str("\"01990000-0000-7000-8000-000000000001\"").unwrap()
    }

    async fn lease(&self, location: &Location) -> Result<Option<Lease>> {
        Ok(self.lock().leases.get(location.as_str()).cloned())
    }

    async fn swap_lease(&self, location: &Location, expected: Option<&Lease>, new: &Lease) -> Result<bool> {
        let mut catalog = self.lock();
        let of = |lease: &Lease| (lease.epoch, lease.heartbeat_at);
        let is_expected = catalog.leases.get(location.as_str()).map(of) == expected.map(of);
        if is_expected {
            catalog.leases.insert(location.as_str().to_owned(), new.clone());
        }
        Ok(is_expected)
    }

    async fn put_run(&self, run: &RunRecord) -> Result<()> {
        self.lock().runs.insert(run.id, run.clone());
        Ok(())
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRecord>> {
        Ok(self.lock().runs.get(&id).cloned())
    }

    async fn runs(&self, location: Option<&Location>, limit: u32) -> Result<Vec<RunRecord>> {
        let catalog = self.lock();
        let here = |run: &&RunRecord| location.is_none_or(|location| run.location == *location);
        Ok(page(catalog.runs.values().rev().filter(here).cloned(), limit))
    }

    async fn put_plan(&self, plan: &PlanRecord) -> Result<()> {
        self.lock().plans.insert(plan.hash.to_string(), plan.clone());
        Ok(())
    }

    async fn plan(&self, hash: &Digest) -> Result<Option<PlanRecord>> {
        Ok(self.lock().plans.get(&hash.to_string()).cloned())
    }

    async fn last_census(&self, location: &Location) -> Result<Option<CensusRecord>> {
        Ok(self.lock().census.get(location.as_str()).cloned())
    }

    async fn put_census(&self, location: &Location, census: &CensusRecord) -> Result<()> {
        self.lock().census.insert(location.as_str().to_owned(), census.clone());
        Ok(())
    }

    async fn judge(&self, location: &Location, run: RunId, at: Timestamp, anew: bool) -> Result<Box<dyn Judgement>> {
        let mut catalog = self.lock();
        catalog.judgements += 1;
        let id = catalog.judgements;
        catalog.open.insert(location.as_str().to_owned(), (id, Clocks::new()));
        drop(catalog);
        let location = location.as_str().to_owned();
        Ok(Box::new(MemoryJudgement { catalog: self.clone(), id, location, run, at, anew }))
    }

    async fn clocks(&self, location: &Location, keys: &[ObjectKey]) -> Result<Vec<Option<OrphanClock>>> {
        let catalog = self.lock();
        let clocks = catalog.clocks.get(location.as_str());
        Ok(keys.iter().map(|key| clocks?.get(key.as_str()).cloned()).collect())
    }

    async fn erase_clocks(&self, location: &Location, keys: &[ObjectKey]) -> Result<()> {
        self.lock().erase(location.as_str(), keys);
        Ok(())
    }

    async fn stage(&self, pack: &PackRecord, entries: &[StagedEntry]) -> Result<Vec<EntryId>> {
        self.lock().add(pack, entries, EntryState::Staged)
    }

    async fn send(&self, entries: &[EntryId], at: Timestamp) -> Result<()> {
        let mut catalog = self.lock();
        for (index, id) in entries.iter().enumerate() {
            if catalog.entry(*id)?.state != EntryState::Staged || entries[..index].contains(id) {
                return Err(refused("an entry is not staged"));
            }
        }
        for id in entries {
            let entry = catalog.entry_mut(*id);
            (entry.state, entry.sent_at) = (EntryState::Sent, Some(at));
        }
        Ok(())
    }

    async fn settle(&self, outcomes: &[Settlement], audit: Vec<AuditDraft>) -> Result<()> {
        let mut catalog = self.lock();
        for outcome in outcomes {
            let wrong = matches!(outcome.state, EntryState::Staged | EntryState::Sent | EntryState::Restored);
            if wrong || !is_unsettled(catalog.entry(outcome.entry)?) {
                return Err(refused("an entry cannot be settled so"));
            }
        }
        for outcome in outcomes {
            let entry = catalog.entry_mut(outcome.entry);
            (entry.state, entry.settled_at) = (outcome.state, Some(outcome.at));
            entry.marker.clone_from(&outcome.marker);
        }
        catalog.append(audit);
        Ok(())
    }

    async fn unsettled(&self, location: &Location, after: EntryId, limit: u32) -> Result<Vec<EntryRecord>> {
        let catalog = self.lock();
        let here = |entry: &&EntryRecord| entry.entry.location == *location && entry.id > after && is_unsettled(entry);
        Ok(page(catalog.entries.iter().filter(here).cloned(), limit))
    }

    async fn entries(&self, filter: &EntryFilter, after: EntryId, limit: u32) -> Result<Vec<EntryRecord>> {
        let catalog = self.lock();
        let found = catalog.entries.iter().filter(|entry| entry.id > after && matches(filter, entry));
        Ok(page(found.cloned(), limit))
    }

    async fn restored(&self, id: EntryId, at: Timestamp, hold_until: Timestamp, audit: AuditDraft) -> Result<()> {
        let mut catalog = self.lock();
        if catalog.entry(id)?.state == EntryState::Staged {
            return Err(refused("the entry was never sent"));
        }
        let entry = catalog.entry_mut(id);
        (entry.state, entry.restored_at) = (EntryState::Restored, Some(at));
        entry.settled_at = entry.settled_at.or(Some(at));
        let (location, key) = (entry.entry.location.as_str().to_owned(), entry.entry.key.clone());
        catalog.erase(&location, std::slice::from_ref(&key));
        let until = catalog.held.entry((location, key.as_str().to_owned())).or_insert(hold_until);
        *until = (*until).max(hold_until);
        catalog.append(vec![audit]);
        Ok(())
    }

    async fn adopt(&self, pack: &PackRecord, entries: &[StagedEntry]) -> Result<bool> {
        let mut catalog = self.lock();
        let is_new = !catalog.packs.contains_key(&pack.name);
        if is_new {
            catalog.add(pack, entries, EntryState::Deleted)?;
        }
        Ok(is_new)
    }

    async fn packs(&self, after: Option<&FileName>, limit: u32) -> Result<Vec<PackRecord>> {
        let catalog = self.lock();
        let later = catalog.packs.values().filter(|pack| after.is_none_or(|after| pack.name > *after));
        Ok(page(later.cloned(), limit))
    }

    async fn move_pack(
        &self,
        pack: &FileName,
        expected: PackState,
        next: PackState,
        audit: AuditDraft,
    ) -> Result<bool> {
        let mut catalog = self.lock();
        let missing = || Error::NotFound { catalog: "memory".into(), what: "pack", id: pack.to_string() };
        let state = catalog.packs.get(pack).ok_or_else(missing)?.state;
        if !expected.leads_to(next) {
            return Err(refused("the one state does not lead to the other"));
        }
        let is_held = |entry: &EntryRecord, at| {
            let key = (entry.entry.location.as_str().to_owned(), entry.entry.key.as_str().to_owned());
            catalog.held.get(&key).is_some_and(|until| *until > at)
        };
        let is_needed = |at| {
            let mut entries = catalog.entries.iter().filter(|entry| entry.pack == *pack);
            entries.any(|entry| is_unsettled(entry) || is_held(entry, at))
        };
        if state != expected || matches!(next, PackState::Pruning { at } if is_needed(at)) {
            return Ok(false);
        }
        catalog.packs.get_mut(pack).unwrap().state = next;
        let pruned_at = match next {
            PackState::Pruning { at } => Some(at),
            PackState::Kept | PackState::Marked { .. } | PackState::Pruned { .. } => None,
        };
        if !matches!(next, PackState::Pruned { .. }) {
            for entry in catalog.entries.iter_mut().filter(|entry| entry.pack == *pack) {
                entry.pruned_at = pruned_at;
            }
        }
        catalog.append(vec![audit]);
        Ok(true)
    }

    async fn add_hold(&self, hold: &Hold) -> Result<i64> {
        let mut catalog = self.lock();
        catalog.next_hold += 1;
        let id = catalog.next_hold;
        catalog.holds.push(Hold { id, ..hold.clone() });
        Ok(id)
    }

    async fn holds(&self, location: Option<&Location>) -> Result<Vec<Hold>> {
        let here =
            |hold: &&Hold| location.is_none_or(|location| hold.location.as_ref().is_none_or(|held| held == location));
        Ok(self.lock().holds.iter().filter(here).cloned().collect())
    }

    async fn remove_hold(&self, id: i64) -> Result<bool> {
        let mut catalog = self.lock();
        let before = catalog.holds.len();
        catalog.holds.retain(|hold| hold.id != id);
        Ok(catalog.holds.len() < before)
    }

    async fn hold_key(&self, location: &Location, key: &ObjectKey, until: Timestamp) -> Result<()> {
        let mut catalog = self.lock();
        catalog.erase(location.as_str(), std::slice::from_ref(key));
        let held = catalog.held.entry((location.as_str().to_owned(), key.as_str().to_owned())).or_insert(until);
        *held = (*held).max(until);
        Ok(())
    }

    async fn held_keys(
        &self,
        location: &Location,
        now: Timestamp,
        after: Option<&ObjectKey>,
        limit: u32,
    ) -> Result<Vec<ObjectKey>> {
        let catalog = self.lock();
        let is_held = |((there, key), until): (&(String, String), &Timestamp)| {
            let is_later = after.is_none_or(|after| key.as_str() > after.as_str());
            (there == location.as_str() && is_later && *until > now).then(|| ObjectKey::new(&**key).unwrap())
        };
        Ok(page(catalog.held.iter().filter_map(is_held), limit))
    }

    async fn pins(&self, location: &Location) -> Result<Vec<Pin>> {
        let catalog = self.lock();
        let here = catalog.pins.iter().filter(|((there, _), _)| there == location.as_str());
        Ok(here.map(|(_, pin)| pin.clone()).collect())
    }

    async fn set_pin(&self, location: &Location, pin: &Pin) -> Result<()> {
        self.lock().pins.insert((location.as_str().to_owned(), pin.name.clone()), pin.clone());
        Ok(())
    }

    async fn append_audit(&self, drafts: Vec<AuditDraft>) -> Result<AuditHead> {
        let mut catalog = self.lock();
        catalog.append(drafts);
        Ok(catalog.head())
    }

    async fn audit(&self, filter: &AuditFilter, after: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        let catalog = self.lock();
        let is_wanted = |entry: &&AuditEntry| {
            entry.seq > after
                && filter.run.is_none_or(|run| entry.run == Some(run))
                && filter.key.as_ref().is_none_or(|key| entry.key.as_ref() == Some(key))
                && filter.kind.as_ref().is_none_or(|kind| entry.kind == *kind)
                && filter.location.as_ref().is_none_or(|location| entry.location.as_ref() == Some(location))
        };
        Ok(page(catalog.audit.iter().filter(is_wanted).cloned(), limit))
    }

    async fn audit_head(&self) -> Result<AuditHead> {
        Ok(self.lock().head())
    }

    async fn totals(&self, location: Option<&Location>) -> Result<Totals> {
        let catalog = self.lock();
        let mut totals = Totals::default();
        let here = |there: &Location| location.is_none_or(|location| there == location);
        for run in catalog.runs.values().filter(|run| here(&run.location)) {
            totals.runs += 1;
            totals.failed_runs += u64::from(run.state == RunState::Failed);
        }
        for entry in catalog.entries.iter().filter(|entry| here(&entry.entry.location)) {
            let bytes = entry.entry.meta.size_bytes;
            totals.unsettled += u64::from(is_unsettled(entry));
            if matches!(entry.state, EntryState::Deleted | EntryState::Restored) {
                totals.deleted_objects += 1;
                totals.deleted_bytes += bytes;
            }
            if entry.state == EntryState::Restored {
                totals.restored_objects += 1;
                totals.restored_bytes += bytes;
            }
            if entry.state == EntryState::Deleted && entry.marker.is_some() {
                totals.hidden_objects += 1;
                totals.hidden_bytes += bytes;
            }
        }
        let holds = |pack: &PackRecord| {
            catalog.entries.iter().any(|entry| entry.pack == pack.name && here(&entry.entry.location))
        };
        let there = catalog.packs.values().filter(|pack| !pack.state.is_gone());
        for pack in there.filter(|pack| location.is_none() || holds(pack)) {
            totals.packs += 1;
            totals.vault_bytes += pack.size_bytes;
            totals.original_bytes += pack.original_bytes;
            totals.oldest_pack = Some(totals.oldest_pack.map_or(pack.created_at, |at| at.min(pack.created_at)));
            totals.newest_pack = totals.newest_pack.max(Some(pack.created_at));
        }
        Ok(totals)
    }
}

/// A judgement that is not committed.
#[derive(Debug)]
struct MemoryJudgement {
    catalog: MemoryCatalog,
    id: u64,
    location: String,
    run: RunId,
    at: Timestamp,
    anew: bool,
}

#[async_trait]
impl Judgement for MemoryJudgement {
    async fn observe(&mut self, seen: &[Seen]) -> Result<Vec<Timestamp>> {
        let mut catalog = self.catalog.lock();
        let before = catalog.clocks.get(&self.location).filter(|_| !self.anew).cloned().unwrap_or_default();
        let open = catalog.open.get_mut(&self.location).filter(|(id, _)| *id == self.id);
        let (_, clocks) = open.ok_or_else(|| refused("another judgement began"))?;
        let mut starts = Vec::new();
        for seen in seen {
            let known = before.get(seen.key.as_str());
            let goes_on = |clock: &&OrphanClock| clock.etag == seen.etag && clock.last_modified == seen.last_modified;
            let since = known.filter(goes_on).map_or(self.at, |clock| clock.since);
            let since = clocks.get(seen.key.as_str()).map_or(since, |clock| clock.since.max(since));
            clocks.insert(
                seen.key.as_str().to_owned(),
                OrphanClock {
                    etag: seen.etag.clone(),
                    last_modified: seen.last_modified,
                    size_bytes: seen.size_bytes,
                    since,
                    seen_in: self.run,
                },
            );
            starts.push(since);
        }
        Ok(starts)
    }

    async fn commit(self: Box<Self>, census: Option<&CensusRecord>) -> Result<()> {
        let mut catalog = self.catalog.lock();
        let open = catalog.open.remove(&self.location).filter(|(id, _)| *id == self.id);
        let (_, clocks) = open.ok_or_else(|| refused("another judgement began"))?;
        catalog.clocks.insert(self.location.clone(), clocks);
        if let Some(census) = census {
            catalog.census.insert(self.location.clone(), census.clone());
        }
        Ok(())
    }
}
