//! A vault that shows encrypted packs decrypted.

use std::collections::HashMap;
use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use s3gc_store::CopyPlace;

use super::{Closed, Identities, NO_IDENTITY, unlock};
use crate::pack::pieces::{blocking, read_exactly};
use crate::{Error, FileName, Result, VaultBackend, VaultFile, VaultLease};

/// The length of age's chunks, plain (C2SP, age, "Payload").
const CHUNK_BYTES: u64 = 64 << 10;
/// What a chunk is longer when it is encrypted.
const TAG_BYTES: u64 = 16;
const STORED_CHUNK_BYTES: u64 = CHUNK_BYTES + TAG_BYTES;

/// Longer than the header of any pack: one of 600 recipients.
const MAX_HEADER_BYTES: u64 = 64 << 10;

/// How many headers are kept in memory.
const MAX_ENVELOPES: usize = 1024;

/// Shows the encrypted packs of a vault decrypted: `size` and `read_range` count as if they were plain. Each range is one
/// range of the vault beneath; the header is read once for each pack. Other files, and everything that is written, pass
/// through; `list` tells the lengths as they are stored.
///
/// Every byte that it gives was authenticated. That the file is whole shows only its end: whoever reads a pack finds the
/// end of the pack itself missing.
#[derive(Clone, Debug)]
pub struct AgeVault {
    inner: Arc<dyn VaultBackend>,
    identities: Identities,
    envelopes: Arc<Mutex<HashMap<FileName, Arc<Envelope>>>>,
}

/// What is known of an encrypted file.
#[derive(Debug)]
struct Envelope {
    /// Everything that stands before the first chunk.
    header: Bytes,
    /// The length of the file.
    stored_bytes: u64,
}

impl AgeVault {
    /// Opens the encrypted packs of this vault with these identities; without any, every such pack is locked.
    #[must_use]
    pub fn new(inner: Arc<dyn VaultBackend>, identities: Identities) -> Self {
        Self { inner, identities, envelopes: Arc::default() }
    }

    async fn envelope(&self, name: &FileName) -> Result<Arc<Envelope>> {
        if let Some(known) = self.envelopes().get(name) {
            return Ok(Arc::clone(known));
        }
        if self.identities.is_empty() {
            return Err(Closed::Locked(NO_IDENTITY).of(name));
        }
        let stored_bytes = self.inner.size(name).await?;
        let head = read_exactly(&*self.inner, name, 0..stored_bytes.min(MAX_HEADER_BYTES)).await?;
        let identities = self.identities.clone();
        let opened = blocking(&*self.inner, name, move || {
            let mut cursor = Cursor::new(head.as_ref());
            unlock(&mut cursor, &identities).map(drop)?;
            let end = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
            // A copy, so that the rest of what was read is not kept.
            Ok(Bytes::copy_from_slice(head.get(..end).unwrap_or_default()))
        });
        let header = opened.await?.map_err(|closed: Closed| closed.of(name))?;
        let envelope = Arc::new(Envelope { header, stored_bytes });
        let mut known = self.envelopes();
        if known.len() >= MAX_ENVELOPES {
            known.clear();
        }
        known.insert(name.clone(), Arc::clone(&envelope));
        Ok(envelope)
    }

    fn envelopes(&self) -> std::sync::MutexGuard<'_, HashMap<FileName, Arc<Envelope>>> {
        self.envelopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Envelope {
    fn header_bytes(&self) -> u64 {
        u64::try_from(self.header.len()).unwrap_or(u64::MAX)
    }

    /// The length of what is encrypted, if the file is whole.
    fn plain_bytes(&self) -> u64 {
        let payload = self.stored_bytes.saturating_sub(self.header_bytes());
        let rest = payload % STORED_CHUNK_BYTES;
        payload / STORED_CHUNK_BYTES * CHUNK_BYTES + rest.saturating_sub(TAG_BYTES)
    }

    /// The chunks in which a range lies, that is not empty, and where they are stored.
    fn stored(&self, plain: &Range<u64>) -> Range<u64> {
        let at = |chunk: u64| self.stored_bytes.min(self.header_bytes() + chunk * STORED_CHUNK_BYTES);
        at(plain.start / CHUNK_BYTES)..at(plain.end.div_ceil(CHUNK_BYTES))
    }

    fn decrypt(
        &self,
        chunks: Bytes,
        start: u64,
        plain: Range<u64>,
        identities: &Identities,
    ) -> Result<Vec<u8>, Closed> {
        let window = Window { header: self.header.clone(), chunks, start, end: self.stored_bytes, at: 0 };
        let mut reader = unlock(window, identities)?;
        let first = plain.start / CHUNK_BYTES * CHUNK_BYTES;
        let length = usize::try_from(plain.end - plain.start).map_err(|e| Closed::Damaged(e.to_string()))?;
        let mut read = || {
            if first > 0 {
                // To the second byte of the chunk: for the first one age looks at the end of the file, too.
                reader.seek(SeekFrom::Start(first + 1))?;
            }
            reader.seek(SeekFrom::Start(plain.start))?;
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes)?;
            io::Result::Ok(bytes)
        };
        read().map_err(|e| Closed::Damaged(format!("bytes {} to {} cannot be decrypted: {e}", plain.start, plain.end)))
    }
}

#[async_trait]
impl VaultBackend for AgeVault {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn put(&self, name: &FileName, body: BoxStream<'static, io::Result<Bytes>>, size_bytes: u64) -> Result<()> {
        self.inner.put(name, body, size_bytes).await
    }

    async fn read_range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes> {
        if !name.is_encrypted() {
            return self.inner.read_range(name, range).await;
        }
        let envelope = self.envelope(name).await?;
        let plain_bytes = envelope.plain_bytes();
        if range.start > range.end || range.end > plain_bytes {
            let source = format!("bytes {} to {} of {plain_bytes}", range.start, range.end).into();
            let (vault, name) = (self.location().to_owned(), name.to_string());
            return Err(Error::Io { vault, operation: "reading", name, source });
        }
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let stored = envelope.stored(&range);
        let start = stored.start;
        let chunks = read_exactly(&*self.inner, name, stored).await?;
        let identities = self.identities.clone();
        let decrypted =
            blocking(&*self.inner, name, move || envelope.decrypt(chunks, start, range, &identities)).await?;
        decrypted.map(Bytes::from).map_err(|closed| closed.of(name))
    }

    async fn size(&self, name: &FileName) -> Result<u64> {
        if name.is_encrypted() { Ok(self.envelope(name).await?.plain_bytes()) } else { self.inner.size(name).await }
    }

    fn list(&self, prefix: &str) -> BoxStream<'_, Result<VaultFile>> {
        self.inner.list(prefix)
    }

    #[expect(clippy::disallowed_methods, reason = "it passes through, for whoever may remove")]
    async fn remove(&self, name: &FileName) -> Result<()> {
        self.envelopes().remove(name);
        self.inner.remove(name).await
    }

    fn copy_place(&self, name: &FileName) -> Option<CopyPlace> {
        self.inner.copy_place(name)
    }

    fn lease(&self) -> Option<&dyn VaultLease> {
        self.inner.lease()
    }

    fn stored(&self) -> Option<&Arc<dyn VaultBackend>> {
        Some(&self.inner)
    }
}

/// An encrypted file of which the header and some chunks are in memory.
struct Window {
    header: Bytes,
    chunks: Bytes,
    /// Where the chunks begin in the file.
    start: u64,
    end: u64,
    at: u64,
}

impl Read for Window {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Window {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let within = |part: &Bytes, start: u64| {
            let offset = usize::try_from(self.at.checked_sub(start)?).ok()?;
            (offset < part.len()).then_some(offset)
        };
        if let Some(offset) = within(&self.header, 0) {
            return Ok(&self.header[offset..]);
        }
        if let Some(offset) = within(&self.chunks, self.start) {
            return Ok(&self.chunks[offset..]);
        }
        let chunks_end = self.start.saturating_add(u64::try_from(self.chunks.len()).unwrap_or(u64::MAX));
        if self.at == chunks_end || self.at >= self.end {
            Ok(&[])
        } else {
            Err(io::Error::other("this part was not read"))
        }
    }

    fn consume(&mut self, n: usize) {
        self.at = self.at.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the beginning of the file"))?;
        Ok(self.at)
    }
}
