//! Writing a file: whole, or not at all.

use std::io;
use std::num::NonZeroU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    Error as StoreError, MultipartUpload, ObjectMeta, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions,
    PutPayload,
};
use s3gc_failpoint::{Point, hit};
use s3gc_vault::{Error, FileName, Result};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::body::Body;
use crate::http::takes_no_conditions;
use crate::vault::Inner;

/// The most parts of one upload, on S3 and on GCS; Azure takes more.
const MAX_PARTS: u64 = 10_000;
/// About how much of a file is in memory.
const IN_MEMORY_BYTES: u64 = 32 << 20;
/// The most parts of a file in memory.
const MAX_IN_MEMORY: u64 = 4;
/// How often a creation that met another one is tried.
const TRIES: u32 = 4;

const WRITING: &str = "writing";

impl Inner {
    pub(crate) async fn put(
        &self,
        name: &FileName,
        body: BoxStream<'static, io::Result<Bytes>>,
        size_bytes: u64,
    ) -> Result<()> {
        let path = self.path(name.as_str())?;
        let body = Body::new(body, size_bytes);
        if let Some(there) = self.find(name, &path).await? {
            if there.size != size_bytes {
                return Err(self.conflict(name));
            }
            let digest = body.read_through(self.part_bytes).await.map_err(|error| self.body_failed(name, &error))?;
            return self.compare(name, &path, size_bytes, digest).await;
        }
        hit(Point::VaultWriting);
        if size_bytes <= self.part_bytes {
            self.put_at_once(name, &path, body, size_bytes).await?;
        } else {
            self.put_in_parts(name, &path, body, size_bytes).await?;
        }
        hit(Point::VaultDurable);
        Ok(())
    }

    async fn put_at_once(&self, name: &FileName, path: &Path, mut body: Body, size_bytes: u64) -> Result<()> {
        let failed = |error: io::Error| self.body_failed(name, &error);
        let payload = body.part(self.part_bytes).await.map_err(failed)?.unwrap_or_default();
        if body.part(1).await.map_err(failed)?.is_some() {
            return Err(self.refuse(WRITING, name.as_str(), "the body is longer than announced"));
        }
        hit(Point::VaultWritten);
        for attempt in 1.. {
            let mode = if self.creates.load(Ordering::Relaxed) { PutMode::Create } else { PutMode::Overwrite };
            let options = PutOptions { mode, attributes: self.attributes.clone(), ..PutOptions::default() };
            let Err(error) = self.store.put_opts(path, payload.clone(), options).await else { break };
            if takes_no_conditions(&error) {
                self.creates.store(false, Ordering::Relaxed);
                // Another look, as late as can be.
                if self.find(name, path).await?.is_none() {
                    continue;
                }
            }
            match self.settle(name, path, size_bytes, body.digest(), &error).await? {
                Settled::Done => break,
                // Another creation was under way, and nothing came of it.
                Settled::Free if attempt < TRIES => tokio::time::sleep(Duration::from_millis(200) * attempt).await,
                Settled::Free => return Err(self.failure(WRITING, name.as_str(), &error)),
            }
        }
        Ok(())
    }

    async fn put_in_parts(&self, name: &FileName, path: &Path, mut body: Body, size_bytes: u64) -> Result<()> {
        let failed = |error: StoreError| self.failure(WRITING, name.as_str(), &error);
        let options = PutMultipartOptions { attributes: self.attributes.clone(), ..PutMultipartOptions::default() };
        let upload = self.store.put_multipart_opts(path, options).await.map_err(failed)?;
        let mut unfinished = Unfinished { upload: Some(upload) };
        let sent = self.send_parts(name, &mut unfinished, &mut body, size_bytes).await;
        // However much time the upload took: this is the last moment to see another file where no condition helps.
        let there = match sent {
            Ok(()) => self.find(name, path).await,
            Err(error) => Err(error),
        };
        match there {
            Ok(None) => {}
            Ok(Some(_)) => {
                unfinished.abort().await;
                return self.compare(name, path, size_bytes, body.digest()).await;
            }
            Err(error) => {
                unfinished.abort().await;
                return Err(error);
            }
        }
        hit(Point::VaultWritten);
        let Some(completed) = unfinished.complete().await else { return Ok(()) };
        // What was not answered may have been done, unless the upload is given up before.
        unfinished.abort().await;
        match self.settle(name, path, size_bytes, body.digest(), &completed).await? {
            Settled::Done => Ok(()),
            Settled::Free => Err(self.failure(WRITING, name.as_str(), &completed)),
        }
    }

    /// Uploads all parts, a few at a time.
    async fn send_parts(
        &self,
        name: &FileName,
        unfinished: &mut Unfinished,
        body: &mut Body,
        size_bytes: u64,
    ) -> Result<()> {
        let (part_bytes, in_memory) = plan(size_bytes, self.part_bytes);
        let mut sending = JoinSet::new();
        loop {
            // The next one is filled while the others are sent.
            while sending.len() >= in_memory {
                self.sent(name, sending.join_next().await)?;
            }
            let Some(part) = body.part(part_bytes).await.map_err(|error| self.body_failed(name, &error))? else {
                break;
            };
            if let Some(part) = unfinished.part(part) {
                sending.spawn(part);
            }
        }
        while !sending.is_empty() {
            self.sent(name, sending.join_next().await)?;
        }
        Ok(())
    }

    fn sent(
        &self,
        name: &FileName,
        outcome: Option<Result<object_store::Result<()>, tokio::task::JoinError>>,
    ) -> Result<()> {
        match outcome {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(self.failure(WRITING, name.as_str(), &error)),
            Some(Err(error)) => Err(self.refuse(WRITING, name.as_str(), error.to_string())),
        }
    }

    /// Looks for a file.
    async fn find(&self, name: &FileName, path: &Path) -> Result<Option<ObjectMeta>> {
        match self.store.head(path).await {
            Ok(meta) => Ok(Some(meta)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failure("looking for", name.as_str(), &error)),
        }
    }

    /// Finds out what became of a write that was refused, or not answered.
    async fn settle(
        &self,
        name: &FileName,
        path: &Path,
        size_bytes: u64,
        digest: blake3::Hash,
        error: &StoreError,
    ) -> Result<Settled> {
        let is_answer = matches!(error, StoreError::AlreadyExists { .. } | StoreError::Precondition { .. });
        match self.find(name, path).await {
            Ok(None) if is_answer => Ok(Settled::Free),
            Ok(Some(there)) if there.size != size_bytes => Err(self.conflict(name)),
            Ok(Some(_)) => self.compare(name, path, size_bytes, digest).await.map(|()| Settled::Done),
            // The first error says more.
            Ok(None) | Err(_) => Err(self.failure(WRITING, name.as_str(), error)),
        }
    }

    /// Reads a file through: it has to be the one with this digest.
    async fn compare(&self, name: &FileName, path: &Path, size_bytes: u64, digest: blake3::Hash) -> Result<()> {
        let failed = |error: StoreError| self.failure("comparing", name.as_str(), &error);
        let there = self.store.get(path).await.map_err(failed)?;
        if there.meta.size != size_bytes {
            return Err(self.conflict(name));
        }
        let (mut stream, mut hasher) = (there.into_stream(), blake3::Hasher::new());
        while let Some(piece) = stream.try_next().await.map_err(failed)? {
            hasher.update(&piece);
        }
        if hasher.finalize() == digest { Ok(()) } else { Err(self.conflict(name)) }
    }

    fn conflict(&self, name: &FileName) -> Error {
        Error::Conflict { vault: self.location.clone(), name: name.to_string() }
    }

    fn body_failed(&self, name: &FileName, error: &io::Error) -> Error {
        self.refuse("reading the body of", name.as_str(), error.to_string())
    }
}

/// What became of a write.
enum Settled {
    /// The file is there.
    Done,
    /// No file is there, though one was in the way.
    Free,
}

/// Chooses the size of the parts, and how many of them may be in memory while another one is read.
fn plan(size_bytes: u64, part_bytes: u64) -> (u64, usize) {
    let part_bytes = part_bytes.max(size_bytes.div_ceil(MAX_PARTS));
    let fit = NonZeroU64::new(part_bytes).map_or(1, |part| IN_MEMORY_BYTES / part);
    let in_memory = usize::try_from(fit.clamp(1, MAX_IN_MEMORY)).unwrap_or(1);
    (part_bytes, in_memory)
}

/// An upload in parts that is given up unless it ends.
struct Unfinished {
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Unfinished {
    fn part(&mut self, payload: PutPayload) -> Option<object_store::UploadPart> {
        self.upload.as_mut().map(|upload| upload.put_part(payload))
    }

    /// Ends it. Returns the error if it did not.
    async fn complete(&mut self) -> Option<StoreError> {
        let upload = self.upload.as_mut()?;
        match upload.complete().await {
            Ok(_) => {
                self.upload = None;
                None
            }
            Err(error) => Some(error),
        }
    }

    async fn abort(&mut self) {
        if let Some(upload) = self.upload.take() {
            give_up(upload).await;
        }
    }
}

impl Drop for Unfinished {
    /// Whoever waited for the upload went away.
    fn drop(&mut self) {
        if let (Some(upload), Ok(runtime)) = (self.upload.take(), Handle::try_current()) {
            drop(runtime.spawn(give_up(upload)));
        }
    }
}

async fn give_up(mut upload: Box<dyn MultipartUpload>) {
    match upload.abort().await {
        Ok(()) | Err(StoreError::NotFound { .. }) => {}
        Err(error) => tracing::warn!(%error, "an unfinished upload stays in the vault's bucket"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_with_the_file_and_memory_does_not() {
        const MIB: u64 = 1 << 20;
        assert_eq!(plan(64 * MIB, 8 * MIB), (8 * MIB, 4));
        assert_eq!(plan(80_000 * MIB, 8 * MIB), (8 * MIB, 4));
        let (part_bytes, in_memory) = plan(100_000 * MIB, 8 * MIB);
        assert_eq!((part_bytes, in_memory), (10 * MIB, 3));
        assert_eq!(plan(5 << 40, 8 * MIB), ((5_u64 << 40).div_ceil(10_000), 1));
        for size_bytes in [1, 8 * MIB + 1, 80_000 * MIB + 1, 123_456_789_012, 5 << 40] {
            assert!(size_bytes.div_ceil(plan(size_bytes, 8 * MIB).0) <= MAX_PARTS, "{size_bytes}");
        }
    }
}
