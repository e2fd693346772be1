//! Reading one object.

use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::decode::Region;
use super::out::CUT_OVER;
use super::pieces::{blocking, read_exactly, with_pieces};
use super::{Codecs, PackEntry, copied};
use crate::encryption::check_key;
use crate::{Error, FileName, Result, VaultBackend};

/// The most bytes that are held in memory for one object: what is larger is streamed.
const WHOLE_UP_TO: u64 = CUT_OVER + (1 << 20);

/// Opens an object with the built-in codecs: see [`open_with`].
///
/// # Errors
///
/// See [`open_with`].
pub async fn open(
    vault: Arc<dyn VaultBackend>,
    name: &FileName,
    entry: &PackEntry,
) -> Result<BoxStream<'static, io::Result<Bytes>>> {
    open_with(vault, name, entry, &Codecs::new()).await
}

/// Opens an object: a stream of its original bytes. An object of up to 16 MiB is one range read, and is checked before
/// its first byte comes; a larger one is checked while it streams, and the stream ends with an error, after bytes that
/// are not to be used, if length or BLAKE3 are not the original's. A copied object streams from beside the pack, and its
/// checksum is compared before the last piece.
///
/// # Errors
///
/// [`Error::Mismatch`] if the bytes are not the original, [`Error::Damaged`] if the entry cannot be true or the bytes
/// cannot be decrypted, [`Error::Locked`] if the key is missing or wrong, or what the vault fails with.
pub async fn open_with(
    vault: Arc<dyn VaultBackend>,
    name: &FileName,
    entry: &PackEntry,
    codecs: &Codecs,
) -> Result<BoxStream<'static, io::Result<Bytes>>> {
    let end = entry.frame_offset.checked_add(entry.frame_len).ok_or_else(|| Error::Damaged {
        name: name.to_string(),
        reason: format!("{}: the entry lies outside of any file", entry.key),
    })?;
    check_key(vault.as_ref(), name).await?;
    if let Some(crc) = entry.copied {
        return copied::open(vault, name, entry, crc);
    }
    let range = entry.frame_offset..end;
    let (entry, codecs) = (entry.clone(), codecs.clone());
    if entry.meta.size_bytes <= CUT_OVER && entry.frame_len <= WHOLE_UP_TO {
        let packed = read_exactly(vault.as_ref(), name, range).await?;
        let file = name.clone();
        let bytes = blocking(vault.as_ref(), name, move || decode_whole(&packed, &file, &entry, &codecs)).await??;
        return Ok(stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed());
    }
    let (sender, pieces) = mpsc::channel(2);
    let name = name.clone();
    let worker = tokio::spawn(async move {
        let file = name.clone();
        let decode = move |packed: &mut super::pieces::PieceReader| {
            decode_into(packed, &file, &entry, &codecs, &mut Sender { sender, piece: Vec::new() })
        };
        with_pieces(vault.as_ref(), &name, range, decode).await.flatten()
    });
    Ok(stream::unfold(Some((pieces, worker)), |state| async {
        let (mut pieces, worker) = state?;
        if let Some(piece) = pieces.recv().await {
            return Some((Ok(piece), Some((pieces, worker))));
        }
        // The pieces end in the same way whether the worker is done or has failed.
        let error = match worker.await {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => io::Error::other(error),
            Err(error) => io::Error::other(error),
        };
        Some((Err(error), None))
    })
    .boxed())
}

fn decode_whole(packed: &[u8], name: &FileName, entry: &PackEntry, codecs: &Codecs) -> Result<Bytes> {
    let mut original = Vec::with_capacity(usize::try_from(entry.meta.size_bytes).unwrap_or(0));
    decode_into(packed, name, entry, codecs, &mut original)?;
    Ok(original.into())
}

fn decode_into(
    packed: impl Read,
    name: &FileName,
    entry: &PackEntry,
    codecs: &Codecs,
    out: &mut dyn Write,
) -> Result<()> {
    Region::new(packed).and_then(|mut region| region.entry(entry, codecs, out)).map_err(|e| mismatch(name, entry, &e))
}

pub(super) fn mismatch(name: &FileName, entry: &PackEntry, error: &io::Error) -> Error {
    Error::Mismatch { name: name.to_string(), key: entry.key.to_string(), reason: error.to_string() }
}

/// Collects small writes into pieces for the stream.
struct Sender {
    sender: mpsc::Sender<Bytes>,
    piece: Vec<u8>,
}

/// How large the pieces of a stream are.
const SEND_BYTES: usize = 256 << 10;

impl Write for Sender {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(buf);
        if self.piece.len() >= SEND_BYTES {
            self.flush()?;
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.piece).into();
        self.sender.blocking_send(piece).map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads any more"))
    }
}
