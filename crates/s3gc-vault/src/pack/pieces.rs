//! From a vault's asynchronous ranges to a decoder's synchronous reads.

use std::io::{self, Read};
use std::ops::Range;

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use crate::{Error, FileName, Result, VaultBackend};

/// How much is read from the vault at once; two such pieces wait for the decoder.
const PIECE_BYTES: u64 = 4 << 20;

/// A range of a file of a vault. It ends before its last byte only with an error.
pub(crate) struct PieceReader {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
    left: u64,
}

/// How small a part of a damaged piece is read for itself: a chunk of an encrypted file.
const HOLE_BYTES: u64 = 64 << 10;

/// Reads a range of a file piece by piece, and runs `work` on it on a blocking thread. What the vault fails with goes
/// before what `work` makes of it.
pub(crate) async fn with_pieces<T: Send + 'static>(
    vault: &dyn VaultBackend,
    name: &FileName,
    range: Range<u64>,
    work: impl FnOnce(&mut PieceReader) -> T + Send + 'static,
) -> Result<T> {
    feed_to(vault, name, range, None, work).await
}

/// Reads a range as [`with_pieces`] does, and goes on behind what cannot be decrypted. `work` sees zeros there, which it
/// must not take for content; each hole is told.
pub(crate) async fn with_holes<T: Send + 'static>(
    vault: &dyn VaultBackend,
    name: &FileName,
    range: Range<u64>,
    work: impl FnOnce(&mut PieceReader) -> T + Send + 'static,
) -> Result<(T, Vec<String>)> {
    let mut holes = Vec::new();
    let done = feed_to(vault, name, range, Some(&mut holes), work).await?;
    Ok((done, holes))
}

async fn feed_to<T: Send + 'static>(
    vault: &dyn VaultBackend,
    name: &FileName,
    range: Range<u64>,
    holes: Option<&mut Vec<String>>,
    work: impl FnOnce(&mut PieceReader) -> T + Send + 'static,
) -> Result<T> {
    let (sender, pieces) = mpsc::channel(1);
    let mut reader = PieceReader { pieces, piece: Bytes::new(), left: range.end.saturating_sub(range.start) };
    let worker = tokio::task::spawn_blocking(move || work(&mut reader));
    let fed = feed(vault, name, range, holes, sender).await;
    let done = worker.await;
    fed?;
    done.map_err(|source| worker_error(vault, name, source))
}

/// Runs work on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(
    vault: &dyn VaultBackend,
    name: &FileName,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|source| worker_error(vault, name, source))
}

fn worker_error(vault: &dyn VaultBackend, name: &FileName, source: tokio::task::JoinError) -> Error {
    let (vault, name) = (vault.location().to_owned(), name.to_string());
    Error::Io { vault, operation: "decoding", name, source: source.into() }
}

async fn feed(
    vault: &dyn VaultBackend,
    name: &FileName,
    range: Range<u64>,
    mut holes: Option<&mut Vec<String>>,
    sender: mpsc::Sender<Bytes>,
) -> Result<()> {
    let mut at = range.start;
    while at < range.end {
        let next = range.end.min(at.saturating_add(PIECE_BYTES));
        let piece = match (read_exactly(vault, name, at..next).await, &mut holes) {
            (Err(Error::Damaged { .. }), Some(holes)) => read_around(vault, name, at..next, holes).await?,
            (piece, _) => piece?,
        };
        if sender.send(piece).await.is_err() {
            // The worker has seen enough.
            break;
        }
        at = next;
    }
    Ok(())
}

/// Reads a piece part by part, and puts zeros where one is damaged.
async fn read_around(
    vault: &dyn VaultBackend,
    name: &FileName,
    range: Range<u64>,
    holes: &mut Vec<String>,
) -> Result<Bytes> {
    let mut piece = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let next = range.end.min(at.saturating_add(HOLE_BYTES));
        match read_exactly(vault, name, at..next).await {
            Ok(part) => piece.extend_from_slice(&part),
            Err(Error::Damaged { reason, .. }) => {
                holes.push(reason);
                let zeros = usize::try_from(next - at).unwrap_or(0);
                piece.resize(piece.len() + zeros, 0);
            }
            Err(error) => return Err(error),
        }
        at = next;
    }
    Ok(piece.into())
}

/// Reads a range, and does not trust the vault with its length.
pub(crate) async fn read_exactly(vault: &dyn VaultBackend, name: &FileName, range: Range<u64>) -> Result<Bytes> {
    let expected = range.end.saturating_sub(range.start);
    let bytes = vault.read_range(name, range).await?;
    if u64::try_from(bytes.len()) == Ok(expected) {
        return Ok(bytes);
    }
    let source = format!("the vault gave {} bytes instead of {expected}", bytes.len()).into();
    Err(Error::Io { vault: vault.location().to_owned(), operation: "reading", name: name.to_string(), source })
}

impl Read for PieceReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buf.is_empty() {
            return Ok(0);
        }
        if self.piece.is_empty() {
            let piece = self.pieces.blocking_recv();
            self.piece = piece.ok_or_else(|| io::Error::other("the vault stopped in the middle of a file"))?;
        }
        let n = buf.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buf[..n]);
        self.left = self.left.saturating_sub(u64::try_from(n).unwrap_or(0));
        Ok(n)
    }
}
