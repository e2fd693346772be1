//! The replica: a second place that has every pack of the vault.
//!
//! A run writes each pack to both before anything of it is deleted (`stage.rs`). What was written before there was a
//! replica, or lost in one of the two, is copied here.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_stream::try_stream;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use s3gc_vault::{FileName, VaultBackend};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::catalog::PackRecord;
use crate::gc::Parts;
use crate::progress::{Phase, Progress};
use crate::{Digest, Error, Result, vault_stats};

/// How much of a pack is read at a time.
const PIECE_BYTES: u64 = 8 << 20;

/// How to replicate.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReplicateOptions {
    /// Also read every pack that both have, and compare the two.
    pub verify: bool,
    /// Only say what would be copied.
    pub dry_run: bool,
    /// Takes events.
    pub progress: Progress,
    /// Ends it after the pack in hand.
    pub cancel: CancellationToken,
}

/// What replication did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplicaReport {
    /// The vault.
    pub vault: String,
    /// The replica.
    pub replica: String,
    /// How many packs one of them has.
    pub packs: u64,
    /// What was copied, or would be: into the replica, or into a vault that had lost a pack.
    pub copied: Vec<CopiedPack>,
    /// How many packs were read in both and compared.
    pub compared: u64,
    /// What is wrong.
    pub faults: Vec<ReplicaFault>,
}

/// A pack that was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedPack {
    /// Its file.
    pub pack: FileName,
    /// Its length.
    pub size_bytes: u64,
    /// Where it was missing.
    pub to: String,
}

/// A pack of which one place has another file, or a damaged one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaFault {
    /// Its file.
    pub pack: FileName,
    /// What is wrong, and the way out.
    pub reason: String,
}

/// Copies what one of vault and replica lacks; what both have is never replaced.
pub(crate) async fn replicate(parts: &Parts, options: &ReplicateOptions) -> Result<ReplicaReport> {
    let replica = parts
        .replica
        .as_ref()
        .ok_or_else(|| Error::Invalid(format!("{}: there is no replica: set [vault] replica", parts.settings.name)))?;
    let (vault, replica) = (stored(&parts.vault), stored(replica));
    let known: BTreeMap<FileName, PackRecord> =
        vault_stats::packs(parts).await?.into_iter().map(|pack| (pack.name.clone(), pack)).collect();
    // What the store copied before there was a replica.
    let copies: BTreeMap<FileName, &PackRecord> = known
        .values()
        .filter(|pack| pack.copied_bytes > 0)
        .filter_map(|pack| Some((pack.name.copy_beside()?, pack)))
        .collect();
    let mut files: BTreeMap<FileName, Pair> = BTreeMap::new();
    for prefix in ["packs/", "copies/"] {
        let mut list = vault.list(prefix);
        while let Some(file) = list.try_next().await? {
            files.entry(file.name).or_default().vault = Some(file.size_bytes);
        }
        let mut list = replica.list(prefix);
        while let Some(file) = list.try_next().await? {
            files.entry(file.name).or_default().replica = Some(file.size_bytes);
        }
    }
    let mut report = ReplicaReport {
        vault: vault.location().to_owned(),
        replica: replica.location().to_owned(),
        packs: files.len() as u64,
        ..ReplicaReport::default()
    };
    options.progress.phase(Phase::Replicate, Some(report.packs));
    let (mut done, mut bytes) = (0, 0);
    for (name, pair) in files {
        if options.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let pack = known.get(&name);
        let known = pack.or_else(|| copies.get(&name).copied());
        // What is on its way out is copied nowhere, nor what a run left that died.
        let is_left = known.is_none() && name.as_str().starts_with("copies/");
        if !is_left && known.is_none_or(|known| !known.state.is_gone()) {
            let expected = pack.map(|pack| pack.blake3);
            let step = Step { name: &name, expected, vault, replica, options };
            step.take(pair, known.is_some(), &mut report).await?;
        }
        done += 1;
        bytes += pair.vault.or(pair.replica).unwrap_or_default();
        options.progress.advance(Phase::Replicate, done, bytes);
    }
    options.progress.finished(Phase::Replicate);
    Ok(report)
}

/// The length of a pack in both places.
#[derive(Clone, Copy, Default)]
struct Pair {
    vault: Option<u64>,
    replica: Option<u64>,
}

struct Step<'a> {
    name: &'a FileName,
    /// What the catalog says of it.
    expected: Option<Digest>,
    vault: &'a Arc<dyn VaultBackend>,
    replica: &'a Arc<dyn VaultBackend>,
    options: &'a ReplicateOptions,
}

impl Step<'_> {
    async fn take(&self, pair: Pair, is_known: bool, report: &mut ReplicaReport) -> Result<()> {
        let (from, to, size_bytes) = match (pair.vault, pair.replica) {
            (Some(a), Some(b)) if a != b => {
                self.fault(report, format!("the vault has {a} bytes, the replica {b}"));
                return Ok(());
            }
            (Some(size_bytes), Some(_)) if self.options.verify => return self.compare(size_bytes, report).await,
            (Some(size_bytes), None) => (self.vault, self.replica, size_bytes),
            // Only what the catalog misses: other files of the replica are nobody's to bring back.
            (None, Some(size_bytes)) if is_known => (self.replica, self.vault, size_bytes),
            _ => return Ok(()),
        };
        if !self.options.dry_run
            && let Err(error) = self.copy(from, to, size_bytes).await
        {
            match error {
                s3gc_vault::Error::Damaged { reason, .. } => self.fault(report, reason),
                other => return Err(other.into()),
            }
            return Ok(());
        }
        let to = to.location().to_owned();
        report.copied.push(CopiedPack { pack: self.name.clone(), size_bytes, to });
        Ok(())
    }

    fn fault(&self, report: &mut ReplicaReport, reason: String) {
        let reason =
            format!("{reason}: s3gc vault verify tells which is sound; remove the other one, and replicate again");
        report.faults.push(ReplicaFault { pack: self.name.clone(), reason });
    }

    async fn compare(&self, size_bytes: u64, report: &mut ReplicaReport) -> Result<()> {
        let first = digest(self.vault, self.name, size_bytes).await?;
        let second = digest(self.replica, self.name, size_bytes).await?;
        report.compared += 1;
        match self.expected {
            _ if first != second && self.expected.is_none() => self.fault(report, "the two differ".to_owned()),
            Some(expected) if first != expected => self.fault(report, "the one in the vault is damaged".to_owned()),
            Some(expected) if second != expected => self.fault(report, "the one in the replica is damaged".to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// Copies a file, and reads the copy back. What is not what it should be never becomes a copy.
    async fn copy(
        &self,
        from: &Arc<dyn VaultBackend>,
        to: &Arc<dyn VaultBackend>,
        size_bytes: u64,
    ) -> s3gc_vault::Result<()> {
        let read = match self.expected {
            Some(expected) => expected,
            None => digest(from, self.name, size_bytes).await?,
        };
        let body = checked(Arc::clone(from), self.name.clone(), size_bytes, read);
        if let Err(error) = to.put(self.name, body, size_bytes).await {
            // Of a body that failed the place that was written to knows less than the one that was read.
            return match digest(from, self.name, size_bytes).await? == read {
                true => Err(error),
                false => Err(self.damaged(from)),
            };
        }
        match digest(to, self.name, size_bytes).await? == read {
            true => Ok(()),
            false => Err(self.damaged(to)),
        }
    }

    fn damaged(&self, place: &Arc<dyn VaultBackend>) -> s3gc_vault::Error {
        let reason = format!("its BLAKE3 in {} is not what it should be", place.location());
        s3gc_vault::Error::Damaged { name: self.name.to_string(), reason }
    }
}

/// The files of a vault as they are stored.
pub(crate) fn stored(vault: &Arc<dyn VaultBackend>) -> &Arc<dyn VaultBackend> {
    vault.stored().unwrap_or(vault)
}

fn pieces(
    vault: Arc<dyn VaultBackend>,
    name: FileName,
    size_bytes: u64,
) -> BoxStream<'static, s3gc_vault::Result<Bytes>> {
    try_stream! {
        let mut at = 0;
        while at < size_bytes {
            let end = size_bytes.min(at + PIECE_BYTES);
            yield vault.read_range(&name, at..end).await?;
            at = end;
        }
    }
    .boxed()
}

async fn digest(vault: &Arc<dyn VaultBackend>, name: &FileName, size_bytes: u64) -> s3gc_vault::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut pieces = pieces(Arc::clone(vault), name.clone(), size_bytes);
    while let Some(piece) = pieces.try_next().await? {
        hasher.update(&piece);
    }
    Ok(hasher.finalize().into())
}

/// The bytes of a file; fails before the last of them if they are not the expected ones.
fn checked(
    vault: Arc<dyn VaultBackend>,
    name: FileName,
    size_bytes: u64,
    expected: Digest,
) -> BoxStream<'static, std::io::Result<Bytes>> {
    try_stream! {
        let mut pieces = pieces(vault, name, size_bytes);
        let mut hasher = blake3::Hasher::new();
        let mut last = Bytes::new();
        while let Some(piece) = pieces.try_next().await.map_err(std::io::Error::other)? {
            hasher.update(&piece);
            let before = std::mem::replace(&mut last, piece);
            if !before.is_empty() {
                yield before;
            }
        }
        if Digest::from(hasher.finalize()) != expected {
            Err(std::io::Error::other("the BLAKE3 of what was read is not what it should be"))?;
        }
        yield last;
    }
    .boxed()
}
