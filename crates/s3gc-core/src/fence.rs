//! The write fences of the sources, around a wave: condemn, wait, mark, hold, settle; and the orders that come of it.
//!
//! Without a fence every step does nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use s3gc_source::{Condemned, Drain, Fenced, Order, Settled, SourceLock, WriteFence};
use s3gc_store::ObjectKey;

use crate::catalog::{EntryId, EntryState};
use crate::gc::{Parts, RunContext};
use crate::look::look;
use crate::plan::PlanEntry;
use crate::report::{Skip, Skipped, SweepReport};
use crate::restore::{IfExists, RestoreOptions, RestoreOutcome, find_newest, restore_entry};
use crate::stage::StagedObject;
use crate::{Error, Result};

/// How many entries of the catalog are read at a time.
const PAGE: u32 = 500;

/// One wave inside of the fences.
#[derive(Debug, Default)]
pub(crate) struct FencedWave {
    name: String,
    /// The keys that are condemned.
    keys: Vec<ObjectKey>,
    is_marked: bool,
    /// The keys whose deletion was taken up.
    swept: HashSet<ObjectKey>,
}

/// Refuses to delete anything while a fence that is turned on is not whole.
pub(crate) async fn check(parts: &Parts) -> Result<()> {
    for (name, fence) in fences(parts) {
        let status = fence.status(&owner(parts)).await?;
        if !status.is_whole() {
            let reason = format!(
                "the write fence of {name} is turned on and not whole: {}: run s3gc fence setup, or turn it off",
                status.faults.join("; ")
            );
            return Err(Error::Stop { name: "fence", reason });
        }
    }
    Ok(())
}

/// Settles what a run that died left in the fences, once nobody can delete it any more, and carries out orders.
pub(crate) async fn recover(parts: &Arc<Parts>, run: &RunContext, report: &mut SweepReport) -> Result<()> {
    if fences(parts).next().is_none() {
        return Ok(());
    }
    let open = unsettled(parts).await?;
    for (_, fence) in fences(parts) {
        fence.tidy(&owner(parts)).await?;
        let marked = fence.marked(&owner(parts)).await?;
        // Whether it was deleted or not: an order for what lives brings nothing back.
        let over = marked.iter().filter(|marked| !marked.is_gone && !open.contains(marked.key.as_str()));
        let over: Vec<&str> = over.map(|marked| marked.key.as_str()).collect();
        fence.settle(&owner(parts), &over, Settled::Gone).await?;
    }
    obey(parts, run, report).await
}

impl FencedWave {
    /// Condemns the objects of a wave, waits until everybody sees it, and returns those that are fenced.
    pub(crate) async fn begin(
        parts: &Parts,
        run: &RunContext,
        wave: Vec<PlanEntry>,
        report: &mut SweepReport,
    ) -> Result<(Self, Vec<PlanEntry>)> {
        if fences(parts).next().is_none() {
            return Ok((Self::default(), wave));
        }
        let name = format!("{} {}", run.id, wave.first().map(|entry| entry.key.as_str()).unwrap_or_default());
        let mut this = Self { name, ..Self::default() };
        this.keys = wave.iter().map(|entry| entry.key.clone()).collect();
        let begun = this.condemn(parts, run, &wave).await;
        let reasons = match begun {
            Ok(reasons) => reasons,
            Err(error) => {
                // What stays of it is taken out by the next run; the first failure is the one to tell.
                this.settle(parts, Settled::Kept, &this.keys).await.unwrap_or_default();
                return Err(error);
            }
        };
        let mut fenced = Vec::with_capacity(wave.len());
        let mut free = Vec::new();
        for (entry, reason) in wave.into_iter().zip(reasons) {
            match reason {
                None => {
                    report.fenced.add(entry.size_bytes);
                    fenced.push(entry);
                }
                Some(reason) => {
                    report.skip(Skipped::new(&entry.key, Skip::Unfenceable, reason), entry.size_bytes);
                    free.push(entry.key);
                }
            }
        }
        this.settle(parts, Settled::Kept, &free).await?;
        this.keys = fenced.iter().map(|entry| entry.key.clone()).collect();
        Ok((this, fenced))
    }

    async fn condemn(&self, parts: &Parts, run: &RunContext, wave: &[PlanEntry]) -> Result<Vec<Option<&'static str>>> {
        let variants = &parts.settings.variants;
        let bases = |key: &ObjectKey| variants.bases(key).map(|base| base.as_str().to_owned()).collect();
        let condemned = wave.iter().map(|entry| {
            let (key, bases) = (entry.key.as_str().to_owned(), bases(&entry.key));
            Condemned { key, bases }
        });
        let condemned: Vec<Condemned> = condemned.collect();
        let mut reasons = vec![None; wave.len()];
        for (name, fence) in fences(parts) {
            let fenced = fence.condemn(&owner(parts), &self.name, &condemned).await?;
            if fenced.len() != condemned.len() {
                return Err(Error::Internal(format!("the write fence of {name} answered for another number of keys")));
            }
            for (reason, fenced) in reasons.iter_mut().zip(fenced) {
                if let Fenced::No(why) = fenced {
                    *reason = Some(why);
                }
            }
        }
        for (name, fence) in fences(parts) {
            let waited = tokio::select! {
                waited = fence.wait(parts.settings.drain_patience) => waited?,
                () = run.cancel.cancelled() => return Err(Error::Cancelled),
            };
            if let Drain::Blocked { by } = waited {
                let reason =
                    format!("a transaction from before the write fence was closed is still open: {name}: {by}");
                return Err(Error::Stop { name: "fence", reason });
            }
        }
        Ok(reasons)
    }

    /// Marks what nobody is writing a reference to, and returns the rest.
    pub(crate) async fn mark(
        &mut self,
        parts: &Parts,
        left: &mut Vec<StagedObject>,
    ) -> Result<Vec<(StagedObject, Skipped)>> {
        if self.is_marked || fences(parts).next().is_none() {
            return Ok(Vec::new());
        }
        self.is_marked = true;
        let mut marks: HashMap<String, usize> = HashMap::new();
        let mut count = 0;
        for (_, fence) in fences(parts) {
            count += 1;
            for key in fence.mark(&owner(parts), &self.name).await? {
                *marks.entry(key).or_default() += 1;
            }
        }
        let (mut free, mut kept) = (Vec::with_capacity(left.len()), Vec::new());
        for object in left.drain(..) {
            if marks.get(object.plan.key.as_str()) == Some(&count) {
                free.push(object);
            } else {
                let reason = "a transaction that is still open refers to it, or may";
                let skipped = Skipped::new(&object.plan.key, Skip::Fenced, reason);
                kept.push((object, skipped));
            }
        }
        left.extend(free);
        let keys: Vec<ObjectKey> = kept.iter().map(|(object, _)| object.plan.key.clone()).collect();
        self.settle(parts, Settled::Kept, &keys).await?;
        Ok(kept)
    }

    /// Remembers what the sweep took up: everything that it was given and did not leave.
    pub(crate) fn swept(&mut self, given: Vec<ObjectKey>, left: &[StagedObject]) {
        let left: HashSet<&ObjectKey> = left.iter().map(|object| &object.plan.key).collect();
        self.swept.extend(given.into_iter().filter(|key| !left.contains(key)));
    }

    /// Takes out what stays, and remembers what is gone. A key whose deletion was not answered stays marked.
    pub(crate) async fn end(self, parts: &Parts) -> Result<()> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let open = if self.swept.is_empty() { HashSet::new() } else { unsettled(parts).await? };
        let (swept, kept): (Vec<ObjectKey>, Vec<ObjectKey>) =
            self.keys.iter().cloned().partition(|key| self.swept.contains(key));
        let gone: Vec<ObjectKey> = swept.into_iter().filter(|key| !open.contains(key.as_str())).collect();
        self.settle(parts, Settled::Kept, &kept).await?;
        self.settle(parts, Settled::Gone, &gone).await
    }

    async fn settle(&self, parts: &Parts, to: Settled, keys: &[ObjectKey]) -> Result<()> {
        let keys: Vec<&str> = keys.iter().map(ObjectKey::as_str).collect();
        for (_, fence) in fences(parts) {
            fence.settle(&owner(parts), &keys, to).await?;
        }
        Ok(())
    }
}

/// Takes the locks that keep the fences as they are, and checks that they are whole.
pub(crate) async fn hold(parts: &Parts) -> Result<Vec<Box<dyn SourceLock>>> {
    let mut holds = Vec::new();
    for (_, fence) in fences(parts) {
        holds.push(fence.hold(&owner(parts)).await?);
    }
    Ok(holds)
}

/// Brings back what a transaction has referred to while it was being deleted, or since.
pub(crate) async fn obey(parts: &Arc<Parts>, run: &RunContext, report: &mut SweepReport) -> Result<()> {
    for (name, fence) in fences(parts) {
        let orders = fence.orders(&owner(parts)).await?;
        if orders.is_empty() {
            continue;
        }
        let mut done = Vec::new();
        let (named, unnamed): (Vec<Order>, Vec<Order>) = orders.into_iter().partition(|order| order.key.is_some());
        let mut outcomes: HashMap<String, bool> = HashMap::new();
        for order in named {
            let key = order.key.unwrap_or_default();
            let is_done = match outcomes.get(&key) {
                Some(is_done) => *is_done,
                None => bring_back(parts, run, name, &key, report).await?,
            };
            outcomes.insert(key, is_done);
            if is_done {
                done.push(order.id);
            }
        }
        if !unnamed.is_empty() && bring_back_seen(parts, run, name, fence, report).await? {
            done.extend(unnamed.iter().map(|order| order.id));
        }
        fence.finish_orders(&owner(parts), &done).await?;
    }
    Ok(())
}

/// Only a scan can read what these orders are for.
async fn bring_back_seen(
    parts: &Arc<Parts>,
    run: &RunContext,
    name: &str,
    fence: &dyn WriteFence,
    report: &mut SweepReport,
) -> Result<bool> {
    let marked = fence.marked(&owner(parts)).await?;
    let keys: Vec<ObjectKey> = marked.iter().filter_map(|marked| ObjectKey::new(marked.key.as_str()).ok()).collect();
    let look = look(parts, run, &keys.iter().collect::<Vec<_>>()).await?;
    let mut is_done = true;
    for (key, _) in keys.iter().zip(look.referenced).filter(|(_, referenced)| *referenced) {
        is_done &= bring_back(parts, run, name, key.as_str(), report).await?;
    }
    Ok(is_done)
}

/// Restores one key, unless it lives or was never deleted; tells whether there is nothing left to do.
async fn bring_back(
    parts: &Arc<Parts>,
    run: &RunContext,
    name: &str,
    key: &str,
    report: &mut SweepReport,
) -> Result<bool> {
    let Ok(key) = ObjectKey::new(key) else { return Ok(true) };
    let states = [EntryState::Sent, EntryState::Deleted, EntryState::Restored];
    let Some(entry) = find_newest(parts, &key, &states).await? else { return Ok(true) };
    match restore_entry(parts, &entry, IfExists::Skip, &RestoreOptions::default()).await? {
        RestoreOutcome::Restored => {
            report.fence_restored.add(entry.entry.meta.size_bytes);
            run.progress.note(format!("{key}: {name} has a new reference to it: restored"));
            Ok(true)
        }
        RestoreOutcome::Exists if entry.state != EntryState::Sent => Ok(true),
        RestoreOutcome::Exists | RestoreOutcome::Planned => Ok(false),
        RestoreOutcome::Pruned(at) => {
            run.progress.note(format!("{key}: {name} has a new reference to it, and its copy was pruned at {at:.0}"));
            Ok(true)
        }
        RestoreOutcome::Failed(reason) | RestoreOutcome::Locked(reason) => {
            run.progress
                .note(format!("{key}: {name} has a new reference to it, and it could not be restored: {reason}"));
            Ok(false)
        }
    }
}

/// The keys whose deletion nobody knows the outcome of.
async fn unsettled(parts: &Parts) -> Result<HashSet<String>> {
    let mut keys = HashSet::new();
    let mut after = EntryId::default();
    loop {
        let page = parts.catalog.unsettled(parts.store.location(), after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(keys) };
        after = last.id;
        keys.extend(page.into_iter().map(|entry| entry.entry.key.as_str().to_owned()));
    }
}

pub(crate) fn fences(parts: &Parts) -> impl Iterator<Item = (&str, &dyn WriteFence)> {
    parts.sources.iter().filter_map(|source| Some((source.name(), source.fence()?)))
}

/// Several collectors may share a database: each owns what it condemns.
pub(crate) fn owner(parts: &Parts) -> String {
    parts.store.location().to_string()
}
