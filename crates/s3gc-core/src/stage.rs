//! Stage: write what is due into the vault, and prove that it can be read back.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures::{StreamExt, TryStreamExt, stream};
use s3gc_failpoint::{Point, hit};
use s3gc_store::{ByteStream, Crc64Nvme, GetOptions, ObjectMeta, Readable, VersionId};
use s3gc_vault::pack::{self, FinishedPack, NewEntry, PackEntry, PackHeader, PackId, PackWriter};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::catalog::{EntryId, PackRecord, PackState, StagedEntry};
use crate::gc::{Parts, RunContext};
use crate::judge::{is_protected, is_same};
use crate::plan::PlanEntry;
use crate::progress::Phase;
use crate::report::{Skip, Skipped};
use crate::{Error, Result};

/// Objects up to this size are held in memory while they are fetched; larger ones go through in pieces.
const BUFFERED_BYTES: u64 = 1 << 20;

/// An object in the vault whose deletion may be asked for.
#[derive(Clone, Debug)]
pub(crate) struct StagedObject {
    pub(crate) id: EntryId,
    pub(crate) plan: PlanEntry,
    pub(crate) pack: String,
    pub(crate) content: Content,
    /// The version that was read, on a bucket that keeps versions.
    pub(crate) version: Option<VersionId>,
    /// The catalog says that its deletion is about to be sent.
    pub(crate) is_sent: bool,
}

/// What proves the bytes of a staged object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    /// They were read, packed and read back.
    Packed(crate::Digest),
    /// The store copied them, and computed this of both.
    Copied(Crc64Nvme),
}

impl Content {
    pub(crate) fn of(entry: &PackEntry) -> Self {
        entry.copied.map_or(Self::Packed(entry.blake3), Self::Copied)
    }

    /// Returns it as evidence shows it: the name of the digest, and its value.
    pub(crate) fn evidence(self) -> (&'static str, String) {
        match self {
            Self::Packed(blake3) => ("blake3", blake3.to_string()),
            Self::Copied(crc) => ("crc64nvme", crc.to_string()),
        }
    }
}

/// What came of staging.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    pub(crate) objects: Vec<StagedObject>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) packs: u64,
    pub(crate) vault_bytes: u64,
    pub(crate) original_bytes: u64,
}

/// Stages the objects of a wave. When it fails, what was staged before stays recorded, and is put back by the caller.
pub(crate) async fn stage(
    parts: &Arc<Parts>,
    run: &RunContext,
    wave: Vec<PlanEntry>,
    staged: &mut Staged,
) -> Result<()> {
    let (jobs, job_queue) = mpsc::channel(8);
    let (packs, mut pack_queue) = mpsc::channel(1);
    let packer = Packer { dir: run.work_dir.clone(), parts: Arc::clone(parts), audit_head: run.audit_head.clone() };
    let packer = AbortOnDropHandle::new(tokio::task::spawn_blocking(move || packer.run(job_queue, &packs)));
    // The packer ends when this block ends, and with it the last sender.
    let fetch = async move {
        let one_large = Semaphore::new(1);
        let fetches = stream::iter(wave)
            .map(|entry| fetch(parts, run, entry, &jobs, &one_large))
            .buffer_unordered(parts.settings.fetch_concurrency.max(1));
        let skipped: Vec<Option<Skipped>> = fetches.try_collect().await?;
        Ok::<_, Error>(skipped.into_iter().flatten().collect::<Vec<_>>())
    };
    let commit = async {
        while let Some(packed) = pack_queue.recv().await {
            commit(parts, run, packed, staged).await?;
        }
        Ok::<_, Error>(())
    };
    let (skipped, (), failed) = tokio::try_join!(fetch, commit, async { packer.await? })?;
    staged.skipped.extend(skipped);
    staged.skipped.extend(failed);
    Ok(())
}

struct Job {
    plan: PlanEntry,
    entry: NewEntry,
    body: Body,
}

enum Body {
    Whole(Bytes),
    Pieces(Pieces),
    /// It lies in the vault already, beside the pack of this id.
    Copied(PackId, Crc64Nvme),
}

/// Fetches one object and hands it to the packer; `Some` if it is not the planned one or cannot be read.
async fn fetch(
    parts: &Parts,
    run: &RunContext,
    plan: PlanEntry,
    jobs: &mpsc::Sender<Job>,
    one_large: &Semaphore,
) -> Result<Option<Skipped>> {
    if run.cancel.is_cancelled() {
        return Ok(Some(Skipped::new(&plan.key, Skip::PutBack, "the run was cancelled")));
    }
    if let Some(copies) = parts.settings.copies.filter(|copies| plan.size_bytes >= copies.min_bytes.max(1)) {
        match copy(parts, run, &plan).await {
            Ok(job) => {
                send(jobs, job).await.map_err(closed)?;
                return Ok(None);
            }
            Err(NotCopied::Kept(skipped)) => return Ok(Some(skipped)),
            Err(NotCopied::Unable(reason)) if !copies.or_pack => {
                return Ok(Some(Skipped::new(&plan.key, Skip::Failed, &format!("not copied: {reason}"))));
            }
            Err(NotCopied::Unable(reason)) => tracing::debug!(key = %plan.key, reason, "packed instead of copied"),
        }
    }
    let is_large = plan.size_bytes > BUFFERED_BYTES;
    // One large object at a time: the packer takes them one by one, and an idle connection would be closed.
    let _permit = if is_large {
        Some(one_large.acquire().await.map_err(|_| Error::Internal("a semaphore was closed".into()))?)
    } else {
        None
    };
    let opened = async {
        let (mut meta, body) = parts.store.get(&plan.key, GetOptions::if_match(plan.etag.clone())).await?;
        if meta.tags.is_none() {
            meta.tags = Some(parts.store.tags(&plan.key).await?);
        }
        let body = if is_large { Ok(body) } else { Err(s3gc_store::read_all(body).await?) };
        Ok::<_, s3gc_store::Error>((meta, body))
    };
    let (meta, body) = match opened.await {
        Ok(opened) => opened,
        Err(error) => return Ok(Some(Skipped::from_store(&plan.key, &error))),
    };
    if let Some(skipped) = refuse(&plan, &meta, parts.clock.now()) {
        return Ok(Some(skipped));
    }
    let entry = new_entry(parts, run, &plan, meta);
    match body {
        Err(bytes) => send(jobs, Job { plan, entry, body: Body::Whole(bytes) }).await.map_err(closed)?,
        Ok(body) => {
            let (pieces, reader) = mpsc::channel(4);
            let job = Job { plan, entry, body: Body::Pieces(Pieces { queue: reader, piece: Bytes::new() }) };
            send(jobs, job).await.map_err(closed)?;
            pump(body, pieces).await;
        }
    }
    Ok(None)
}

fn closed(_: ()) -> Error {
    Error::Internal("the packer ended early".into())
}

fn new_entry(parts: &Parts, run: &RunContext, plan: &PlanEntry, meta: ObjectMeta) -> NewEntry {
    NewEntry {
        location: parts.store.location().clone(),
        key: plan.key.clone(),
        meta,
        run: run.id.to_string(),
        staged_at: parts.clock.now(),
    }
}

enum NotCopied {
    /// It must not be deleted now.
    Kept(Skipped),
    /// The store cannot do it, or not with a checksum.
    Unable(&'static str),
}

/// Lets the store copy an object beside a pack that is still to be written; without a checksum of all its bytes it is not
/// even tried.
async fn copy(parts: &Parts, run: &RunContext, plan: &PlanEntry) -> Result<Job, NotCopied> {
    let id = PackId::at(parts.clock.now());
    let (Some(copier), Some(place)) = (parts.store.server_copy(), parts.vault.copy_place(&id.copy_name())) else {
        return Err(NotCopied::Unable("the store and the vault are not of one kind"));
    };
    let failed = |error: &s3gc_store::Error| match error {
        s3gc_store::Error::Unsupported { .. } => {
            NotCopied::Unable("the server of the store does not copy to the vault")
        }
        error => NotCopied::Kept(Skipped::from_store(&plan.key, error)),
    };
    let (meta, crc) = copier.look(&plan.key).await.map_err(|error| failed(&error))?;
    if let Some(skipped) = refuse(plan, &meta, parts.clock.now()) {
        return Err(NotCopied::Kept(skipped));
    }
    let crc = crc.ok_or(NotCopied::Unable("the store tells no CRC-64/NVME of all its bytes"))?;
    hit(Point::CopyWriting);
    copier.copy_out(&plan.key, &meta, crc, &place).await.map_err(|error| failed(&error))?;
    hit(Point::CopyWritten);
    let entry = new_entry(parts, run, plan, meta);
    Ok(Job { plan: plan.clone(), entry, body: Body::Copied(id, crc) })
}

async fn send(jobs: &mpsc::Sender<Job>, job: Job) -> Result<(), ()> {
    jobs.send(job).await.map_err(|_| ())
}

/// Checks what the store says of the object against the plan: it may ignore `If-Match`.
fn refuse(plan: &PlanEntry, meta: &ObjectMeta, now: s3gc_store::Timestamp) -> Option<Skipped> {
    if !is_same(plan, meta) {
        return Some(Skipped::new(&plan.key, Skip::Changed, "the object changed since the plan"));
    }
    if meta.readable != Readable::Yes {
        return Some(Skipped::new(
            &plan.key,
            Skip::Unreadable,
            "the object is archived or encrypted with its owner's key",
        ));
    }
    if is_protected(meta, meta.tags.as_ref().unwrap_or(&BTreeMap::new()), now) {
        let reason = "a lock or a legal hold of the store, or its tag s3gc:keep, protects the object";
        return Some(Skipped::new(&plan.key, Skip::Held, reason));
    }
    None
}

/// Hands the pieces of a body to the packer; a failure ends up in its reader.
async fn pump(mut body: ByteStream, pieces: mpsc::Sender<io::Result<Bytes>>) {
    while let Some(piece) = body.next().await {
        let is_last = piece.is_err();
        // A packer that gave up has the error already.
        if pieces.send(piece.map_err(io::Error::other)).await.is_err() || is_last {
            break;
        }
    }
}

/// A body as a blocking reader.
struct Pieces {
    queue: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.queue.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// Writes packs on a blocking thread.
struct Packer {
    dir: PathBuf,
    parts: Arc<Parts>,
    audit_head: Option<String>,
}

struct Packed {
    pack: FinishedPack,
    plans: Vec<PlanEntry>,
}

impl Packer {
    fn run(self, mut jobs: mpsc::Receiver<Job>, packs: &mpsc::Sender<Packed>) -> Result<Vec<Skipped>> {
        let (mut open, mut skipped) = (None, Vec::new());
        while let Some(mut job) = jobs.blocking_recv() {
            if let Body::Copied(id, crc) = job.body {
                let mut writer = self.create(id)?;
                writer.append_copied(job.entry, crc)?;
                self.finish((writer, vec![job.plan]), packs)?;
                continue;
            }
            let (writer, plans): &mut (PackWriter, Vec<PlanEntry>) = match &mut open {
                Some(open) => open,
                None => open.insert((self.create(PackId::at(self.parts.clock.now()))?, Vec::new())),
            };
            let body: &mut dyn Read = match &mut job.body {
                Body::Whole(bytes) => &mut bytes.reader(),
                Body::Pieces(pieces) => pieces,
                Body::Copied(..) => continue,
            };
            match writer.append(job.entry, body) {
                Ok(()) => plans.push(job.plan),
                Err(s3gc_vault::Error::Body { source, .. }) => {
                    skipped.push(Skipped::new(&job.plan.key, Skip::Failed, &source.to_string()));
                }
                Err(error) => return Err(error.into()),
            }
            if writer.is_full(self.parts.settings.pack_size_bytes)
                && let Some(full) = open.take()
            {
                self.finish(full, packs)?;
            }
        }
        if let Some(last) = open.take() {
            self.finish(last, packs)?;
        }
        Ok(skipped)
    }

    fn create(&self, id: PackId) -> Result<PackWriter> {
        hit(Point::PackWriting);
        let header = PackHeader {
            vault_id: self.parts.catalog.id().to_string(),
            id,
            created_at: self.parts.clock.now(),
            audit_head: self.audit_head.clone(),
        };
        let writer = PackWriter::create(&self.dir, header, Arc::clone(&self.parts.compressor))?;
        Ok(writer.with_jpeg_codec(self.parts.jpeg_codec.clone()))
    }

    fn finish(&self, (writer, plans): (PackWriter, Vec<PlanEntry>), packs: &mpsc::Sender<Packed>) -> Result<()> {
        if plans.is_empty() {
            return Ok(());
        }
        let pack = writer.finish()?.encrypt(&self.parts.recipients, &self.dir)?;
        hit(Point::PackWritten);
        packs
            .blocking_send(Packed { pack, plans })
            .map_err(|_| Error::Internal("the vault's writer ended early".into()))
    }
}

/// Stores a pack, reads it back whole, and only then records what is in it.
async fn commit(parts: &Arc<Parts>, run: &RunContext, packed: Packed, staged: &mut Staged) -> Result<()> {
    let Packed { mut pack, plans } = packed;
    pack.store(&*parts.vault).await?;
    hit(Point::PackStored);
    pack::read_back(Arc::clone(&parts.vault), &pack).await?;
    hit(Point::PackReadBack);
    if let Some(replica) = &parts.replica {
        pack.store(&**replica).await?;
        pack::read_back(Arc::clone(replica), &pack).await?;
    }
    pack.forget_key();
    if pack.entries.len() != plans.len() || !pack.entries.iter().zip(&plans).all(|(entry, plan)| entry.key == plan.key)
    {
        return Err(Error::Internal("a pack does not hold what was put into it".into()));
    }
    let record = PackRecord {
        name: pack.name.clone(),
        vault: parts.vault.location().to_owned(),
        run: run.id.to_string(),
        created_at: pack.header.created_at,
        size_bytes: pack.size_bytes,
        copied_bytes: pack.entries.iter().map(PackEntry::copied_bytes).sum(),
        blake3: pack.blake3,
        original_bytes: pack.original_bytes,
        objects: pack.entries.len() as u64,
        adopted: None,
        state: PackState::Kept,
    };
    let entries: Vec<StagedEntry> = pack
        .entries
        .iter()
        .zip(&plans)
        .map(|(entry, plan)| StagedEntry { entry: entry.clone(), unreferenced_since: plan.unreferenced_since })
        .collect();
    let ids = parts.catalog.stage(&record, &entries).await?;
    hit(Point::Staged);
    if ids.len() != plans.len() {
        return Err(Error::Internal("the catalog recorded another number of objects".into()));
    }
    for ((id, plan), entry) in ids.into_iter().zip(plans).zip(&pack.entries) {
        let (pack, content) = (pack.name.to_string(), Content::of(entry));
        let version = entry.meta.version.clone();
        staged.objects.push(StagedObject { id, plan, pack, content, version, is_sent: false });
    }
    staged.packs += 1;
    staged.vault_bytes += record.size_bytes + record.copied_bytes;
    staged.original_bytes += pack.original_bytes;
    run.progress.advance(Phase::Stage, staged.objects.len() as u64, staged.original_bytes);
    Ok(())
}
