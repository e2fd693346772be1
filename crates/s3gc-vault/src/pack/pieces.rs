//! From a vault's asynchronous ranges to a decoder's synchronous reads.

use std::io::{self, Read};
use std::ops::Range;

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use crate::{Error, FileName, Result, VaultBackend};

/// How much is read from the vault at once; two such pieces wait for the decoder.
const PIECE_BYTES: u64 = 4 << 20;

/// A range of a file of a vault. It ends before its last byte only with an error.
pub(super) struct PieceReader {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
    left: u64,
}

/// Reads a range of a file piece by piece, and runs `work` on it on a blocking thread. What the vault fails with goes
/// before what `work` makes of it.
pub(super) async fn with_pieces<T: Send + 'static>(
    vault: &dyn VaultBackend,
    name: &FileName,
    range: Range<u64>,
    work: impl FnOnce(&mut PieceReader) -> T + Send + 'static,
) -> Result<T> {
    let (sender, pieces) = mpsc::channel(1);
    let mut reader = PieceReader { pieces, piece: Bytes::new(), left: range.end.saturating_sub(range.start) };
    let worker = tokio::task::spawn_blocking(move || work(&mut reader));
    let fed = feed(vault, name, range, sender).await;
    let done = worker.await;
    fed?;
    done.map_err(|source| worker_error(vault, name, source))
}

/// Runs work on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
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

async fn feed(vault: &dyn VaultBackend, name: &FileName, range: Range<u64>, sender: mpsc::Sender<Bytes>) -> Result<()> {
    let mut at = range.start;
    while at < range.end {
        let next = range.end.min(at.saturating_add(PIECE_BYTES));
        let piece = read_exactly(vault, name, at..next).await?;
        if sender.send(piece).await.is_err() {
            // The worker has seen enough.
            break;
        }
        at = next;
    }
    Ok(())
}

/// Reads a range, and does not trust the vault with its length.
pub(super) async fn read_exactly(vault: &dyn VaultBackend, name: &FileName, range: Range<u64>) -> Result<Bytes> {
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
