//! A vault in memory.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use s3gc_core::Mode;
use s3gc_vault::{Error, FileName, LeaseRecord, Result, VaultBackend, VaultFile, VaultLease};

use crate::history::Fault;
use crate::world::{Sim, World};

/// The files, each with its place in the order of writing, and the records.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) files: BTreeMap<String, (usize, Bytes)>,
    pub(crate) records: BTreeMap<String, LeaseRecord>,
}

/// A vault of one collector.
#[derive(Debug)]
pub(crate) struct SimVault {
    sim: Sim,
    who: usize,
}

/// The oracle's own way to the files, without points.
pub(crate) const NOBODY: usize = usize::MAX;

impl SimVault {
    pub(crate) fn new(sim: &Sim, who: usize) -> Self {
        Self { sim: sim.clone(), who }
    }

    async fn enter(&self, op: &'static str) -> Option<Fault> {
        if self.who == NOBODY { None } else { self.sim.enter(self.who, op).await }
    }
}

fn missing(name: &FileName) -> Error {
    Error::NotFound { vault: "simulated".into(), name: name.to_string() }
}

fn failed(operation: &'static str, name: &str) -> Error {
    let source = "the simulator says so".into();
    Error::Io { vault: "simulated".into(), operation, name: name.to_owned(), source }
}

fn flip(bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    // So many that no part of a pack is spared.
    bytes.iter_mut().step_by(50).for_each(|byte| *byte ^= 4);
    bytes.into()
}

#[async_trait]
impl VaultBackend for SimVault {
    fn location(&self) -> &str {
        "simulated"
    }

    async fn put(
        &self,
        name: &FileName,
        body: BoxStream<'static, std::io::Result<Bytes>>,
        size_bytes: u64,
    ) -> Result<()> {
        let fault = self.enter("vault.put").await;
        if matches!(fault, Some(fault) if fault != Fault::Corrupt) {
            return Err(failed("write", name.as_str()));
        }
        let body: std::io::Result<Vec<Bytes>> = body.try_collect().await;
        let mut body = Bytes::from(body.map_err(|_| failed("write", name.as_str()))?.concat());
        if body.len() as u64 != size_bytes {
            return Err(failed("write", name.as_str()));
        }
        if fault.is_some() {
            body = flip(&body);
        }
        {
            let mut world = self.sim.lock();
            world.wrote_vault(self.who);
            let place = world.vault.files.len();
            match world.vault.files.get(name.as_str()) {
                Some((_, there)) if *there != body => {
                    return Err(Error::Conflict { vault: "simulated".into(), name: name.to_string() });
                }
                Some(_) => {}
                None => drop(world.vault.files.insert(name.as_str().to_owned(), (place, body))),
            }
        }
        self.sim.leave(self.who, "vault.put").await;
        Ok(())
    }

    async fn read_range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes> {
        let fault = self.enter("vault.read").await;
        if matches!(fault, Some(fault) if fault != Fault::Corrupt) {
            return Err(failed("read", name.as_str()));
        }
        let world = self.sim.lock();
        let (_, bytes) = world.vault.files.get(name.as_str()).ok_or_else(|| missing(name))?;
        if range.start > range.end || range.end > bytes.len() as u64 {
            return Err(failed("read", name.as_str()));
        }
        let piece = bytes.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap());
        Ok(if fault.is_some() { flip(&piece) } else { piece })
    }

    async fn size(&self, name: &FileName) -> Result<u64> {
        let world = self.sim.lock();
        world.vault.files.get(name.as_str()).map(|(_, bytes)| bytes.len() as u64).ok_or_else(|| missing(name))
    }

    fn list(&self, prefix: &str) -> BoxStream<'_, Result<VaultFile>> {
        let world = self.sim.lock();
        let under = world.vault.files.iter().filter(|(name, _)| name.starts_with(prefix));
        let file = |(name, (_, bytes)): (&String, &(usize, Bytes))| {
            Ok(VaultFile { name: FileName::new(&**name).unwrap(), size_bytes: bytes.len() as u64 })
        };
        stream::iter(under.map(file).collect::<Vec<_>>()).boxed()
    }

    async fn remove(&self, name: &FileName) -> Result<()> {
        let mut world = self.sim.lock();
        world.wrote_vault(self.who);
        world.vault.files.remove(name.as_str());
        Ok(())
    }

    fn lease(&self) -> Option<&dyn VaultLease> {
        Some(self)
    }
}

#[async_trait]
impl VaultLease for SimVault {
    async fn read(&self, slot: &str) -> Result<Option<LeaseRecord>> {
        Ok(self.sim.lock().vault.records.get(slot).cloned())
    }

    async fn swap(&self, slot: &str, expected: Option<&LeaseRecord>, new: &LeaseRecord) -> Result<bool> {
        // Not the heartbeat, which is a task: its calls come whenever they like.
        let is_run = tokio::task::try_id().is_none();
        if is_run {
            if self.enter("vault.lease").await.is_some() {
                return Err(failed("write", slot));
            }
        } else {
            self.sim.resume(self.who).await;
        }
        let is_swapped = {
            let mut world = self.sim.lock();
            world.wrote_vault(self.who);
            let is_expected = world.vault.records.get(slot) == expected;
            if is_expected {
                world.vault.records.insert(slot.to_owned(), new.clone());
            }
            is_expected
        };
        if is_run {
            self.sim.leave(self.who, "vault.lease").await;
        }
        Ok(is_swapped)
    }
}

impl World {
    fn wrote_vault(&mut self, who: usize) {
        let Some(run) = self.runs.get_mut(who) else { return };
        run.writes += 1;
        if run.mode != Mode::Execute {
            self.fail("i05", format_args!("the vault was written in a dry run or an audit"));
        }
    }
}
