//! The database as the collector sees it: its values go through the real extractor.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use s3gc_source::extract::{ExtractConfig, Extractor, Kind, Readings};
use s3gc_source::{
    BatchBuilder, ColumnId, Drain, Error, Origin, ReferenceSource, Result, ScanEnd, ScanItem, ScanRequest,
    SourceIdentity, SourceLock, SourceStatus,
};

use crate::application::{BASE_URL, BUCKET};
use crate::database::{COLUMNS, Snapshot};
use crate::history::Fault;
use crate::world::Sim;

/// A source of one collector.
#[derive(Debug)]
pub(crate) struct SimSource {
    sim: Sim,
    who: usize,
    name: String,
    tables: Range<usize>,
    extractors: Vec<Extractor>,
}

impl SimSource {
    /// Makes the source of these tables.
    pub(crate) fn new(sim: &Sim, who: usize, tables: Range<usize>) -> Self {
        let config = |kind| ExtractConfig {
            bucket: BUCKET.into(),
            base_urls: vec![BASE_URL.into()],
            kind,
            ..ExtractConfig::default()
        };
        let extractor = |column: &&str| {
            let kind = if *column == "albums.dir" { Kind::Prefix } else { Kind::Auto };
            Extractor::new(config(kind)).unwrap()
        };
        let name = format!("tables {} to {}", tables.start, tables.end - 1);
        Self { sim: sim.clone(), who, name, tables, extractors: COLUMNS.iter().map(extractor).collect() }
    }

    fn items(&self, rows: &Snapshot, trace: bool) -> Vec<ScanItem> {
        let (mut items, mut ends, mut scratch) = (Vec::new(), Vec::new(), Readings::default());
        for (table, column) in COLUMNS.iter().enumerate().filter(|(table, _)| self.tables.contains(table)) {
            let column = ColumnId::new(column);
            let mut batch = BatchBuilder::new(column.clone());
            for (id, row) in rows.iter().filter(|(_, row)| row.table == table) {
                let origin = |value: &str| Origin { row: format!("id={id}"), value: value.to_owned() };
                let value = Some(row.value.as_bytes());
                self.extractors[table].extract_into(value, trace.then_some(origin), &mut scratch, &mut batch);
            }
            let batch = batch.finish();
            ends.push((column, batch.counts().clone()));
            if batch.counts().rows > 0 {
                items.push(ScanItem::Batch(batch));
            }
        }
        items.push(ScanItem::End(ScanEnd::new(ends)));
        items
    }
}

fn failed(operation: &str) -> Error {
    Error::Failed { source_name: "it".into(), operation: operation.into(), source: "the simulator says so".into() }
}

#[async_trait]
impl ReferenceSource for SimSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn scan(&self, request: ScanRequest) -> BoxStream<'_, Result<ScanItem>> {
        let (begin, op) = if request.newest { ("look.begin", "look") } else { ("scan.begin", "scan") };
        // The snapshot is taken at the first poll, not before.
        let begun = stream::once(async move {
            if self.sim.enter(self.who, begin).await.is_some() {
                return stream::iter([Err(failed(begin))]).left_stream();
            }
            let (rows, now) = {
                let mut world = self.sim.lock();
                if begin == "scan.begin" && !request.trace {
                    world.scanning(self.who);
                }
                world.db.tick();
                (world.db.rows_in(&self.tables), world.now())
            };
            let items = self.items(&rows, request.trace).into_iter();
            let items = stream::unfold(Some(items), move |items| {
                let rows = rows.clone();
                async move {
                    let mut items = items?;
                    match self.sim.enter(self.who, op).await {
                        None => {}
                        Some(Fault::Cut) => return None,
                        Some(_) => return Some((Err(failed(op)), None)),
                    }
                    let item = items.next()?;
                    let mut world = self.sim.lock();
                    if let (ScanItem::End(_), Some(run)) = (&item, world.runs.get_mut(self.who)) {
                        if request.newest {
                            run.looked.insert(self.tables.start, (rows, now));
                        } else {
                            run.census.insert(self.tables.start, rows);
                        }
                    }
                    let is_end = matches!(item, ScanItem::End(_));
                    Some((Ok(item), (!is_end).then_some(items)))
                }
            });
            items.right_stream()
        });
        begun.flatten().boxed()
    }

    async fn status(&self) -> Result<Option<SourceStatus>> {
        if self.sim.enter(self.who, "source.status").await.is_some() {
            return Err(failed("status"));
        }
        let world = self.sim.lock();
        let schema = COLUMNS[self.tables.clone()].iter().map(|column| format!("{column}\ttext\n")).collect();
        let (system, database) = ("simulated".into(), self.name.clone());
        let mut status = SourceStatus::new(SourceIdentity { system, database, timeline: None, schema });
        status.now = Some(world.now());
        status.position = Some(world.db.position);
        Ok(Some(status))
    }

    async fn drain(&self, patience: Duration) -> Result<Drain> {
        let (began, waits_for) = {
            let mut world = self.sim.lock();
            let began = world.db.tick();
            let open = world.db.open.iter().map(|(name, open)| (*name, open.wrote));
            (began, open.collect::<BTreeMap<_, _>>())
        };
        let mut waited = Duration::ZERO;
        loop {
            // Each look at what is open is a call of its own.
            if self.sim.enter(self.who, "drain").await.is_some() {
                return Err(failed("drain"));
            }
            {
                let mut world = self.sim.lock();
                let is_open =
                    |(name, wrote): (&u8, &u64)| world.db.open.get(name).is_some_and(|open| open.wrote == *wrote);
                let by = waits_for.iter().find(|entry| is_open(*entry)).map(|(name, _)| format!("transaction {name}"));
                match by {
                    None => {
                        if let Some(run) = world.runs.get_mut(self.who) {
                            run.drained.insert(self.tables.start, began);
                        }
                        return Ok(Drain::Done);
                    }
                    Some(by) if waited >= patience => return Ok(Drain::Blocked { by }),
                    Some(_) => {}
                }
            }
            let step = (patience / 6).max(Duration::from_millis(1));
            self.sim.pass(step).await;
            if !self.sim.is_paused() {
                tokio::time::sleep(step).await;
            }
            waited += step;
        }
    }

    async fn lock(&self, name: &str) -> Result<Option<Box<dyn SourceLock>>> {
        let mut world = self.sim.lock();
        if !world.kind.locks {
            return Ok(None);
        }
        // Each source has locks of its own.
        let lock = format!("{}: {name}", self.name);
        if world.db.is_locked.contains_key(&lock) {
            return Err(Error::Locked { source_name: self.name.clone(), lock: name.into() });
        }
        let id = world.db.tick();
        world.db.is_locked.insert(lock.clone(), id);
        Ok(Some(Box::new(SimLock { sim: self.sim.clone(), name: lock, id })))
    }
}

#[derive(Debug)]
struct SimLock {
    sim: Sim,
    name: String,
    id: u64,
}

#[async_trait]
impl SourceLock for SimLock {
    async fn is_held(&mut self) -> Result<()> {
        let is_held = self.sim.lock().db.is_locked.get(&self.name) == Some(&self.id);
        if is_held { Ok(()) } else { Err(failed("holding the lock")) }
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut world = self.sim.lock();
        if world.db.is_locked.get(&self.name) == Some(&self.id) {
            world.db.is_locked.remove(&self.name);
        }
    }
}
