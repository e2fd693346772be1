//! A pack that is written and not yet stored.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::{Codecs, Digest, PackEntry, PackHeader, PackId};
use crate::encryption::{Identities, Recipient};
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
    pub(super) codecs: Codecs,
    pub(super) file: Arc<File>,
    /// The length of the pack before it was encrypted.
    pub(super) plain_bytes: u64,
    /// What opens the file, where it is encrypted.
    pub(super) proof: Option<Identities>,
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

    /// Encrypts the pack, whole, to these recipients; without any it stays as it is. `size_bytes`, `blake3` and `name` are
    /// those of the encrypted file then, which is another temporary file in `dir`. It is synchronous: run it on a
    /// blocking thread.
    ///
    /// One more recipient is a key that is made here and is in memory alone, so that [`super::read_back`] can prove what
    /// was stored on a host that has none of the identities. It is gone with [`Self::forget_key`], or with the pack.
    ///
    /// # Errors
    ///
    /// If the temporary file cannot be written.
    pub fn encrypt(self, recipients: &[Recipient], dir: &Path) -> Result<Self> {
        if recipients.is_empty() {
            return Ok(self);
        }
        let mut plain = FileReader { file: &self.file, at: 0 };
        let sealed = crate::encryption::seal(&mut plain, recipients, dir).map_err(|source| {
            crate::Error::from_io(&dir.display().to_string(), "encrypting", self.name.as_str(), source)
        })?;
        let crate::encryption::Sealed { file, size_bytes, blake3, proof } = sealed;
        let (name, file) = (self.id.encrypted_file_name(), Arc::new(file));
        Ok(Self { name, size_bytes, blake3, file, proof: Some(proof), ..self })
    }

    /// Drops the key that an encrypted pack was proved with. What reads it from now on are its recipients.
    pub fn forget_key(&mut self) {
        self.proof = None;
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

/// The file, from its beginning.
struct FileReader<'a> {
    file: &'a File,
    at: u64,
}

impl io::Read for FileReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buf, self.at)?;
        self.at += u64::try_from(n).unwrap_or(0);
        Ok(n)
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
