//! A pack that is written and not yet stored.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use s3gc_compress::Compressor;

use super::{Digest, PackEntry, PackHeader, PackId};
use crate::{FileName, Result, VaultBackend};

/// How much of the file is read at once.
const PIECE_BYTES: usize = 1 << 20;

/// A pack in a temporary file, which is gone when this is dropped.
pub struct FinishedPack {
    /// The id of the pack.
    pub id: PackId,
    /// The name that it has in the vault.
    pub name: FileName,
    /// The length of the file.
    pub size_bytes: u64,
    /// The digest of the file.
    pub blake3: Digest,
    /// The objects, in the order in which they were added.
    pub entries: Vec<PackEntry>,
    /// How long all the objects are together.
    pub original_bytes: u64,
    /// What the pack tells of itself.
    pub header: PackHeader,
    pub(super) codec: Arc<dyn Compressor>,
    pub(super) file: Arc<File>,
}

impl FinishedPack {
    /// Puts the pack into a vault. Once this returns, the pack is durable; whether it can be read is another question:
    /// see [`super::read_back`].
    ///
    /// # Errors
    ///
    /// What the vault fails with.
    pub async fn store(&self, vault: &dyn VaultBackend) -> Result<()> {
        vault.put(&self.name, self.bytes(), self.size_bytes).await
    }

    fn bytes(&self) -> BoxStream<'static, io::Result<Bytes>> {
        let start = (Arc::clone(&self.file), 0);
        stream::try_unfold(start, |(file, at)| async move {
            let reader = Arc::clone(&file);
            let piece =
                tokio::task::spawn_blocking(move || read_piece(&reader, at)).await.map_err(io::Error::other)??;
            let next = at + u64::try_from(piece.len()).unwrap_or(0);
            Ok((!piece.is_empty()).then_some((piece, (file, next))))
        })
        .boxed()
    }
}

fn read_piece(file: &File, at: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; PIECE_BYTES];
    let n = file.read_at(&mut piece, at)?;
    piece.truncate(n);
    Ok(piece.into())
}

impl fmt::Debug for FinishedPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FinishedPack")
            .field("name", &self.name)
            .field("size_bytes", &self.size_bytes)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}
