//! Objects that the store copied beside their pack.

use std::io;
use std::sync::Arc;

use async_stream::try_stream;
use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use s3gc_store::Crc64Nvme;

use super::PackEntry;
use super::open::mismatch;
use super::pieces::read_exactly;
use crate::{Error, FileName, Result, VaultBackend};

/// How much of a copy is read at a time.
const PIECE_BYTES: u64 = 8 << 20;

/// Opens a copied object: its bytes, which end with an error before the last piece if length or checksum are not the
/// original's.
pub(super) fn open(
    vault: Arc<dyn VaultBackend>,
    name: &FileName,
    entry: &PackEntry,
    crc: Crc64Nvme,
) -> Result<BoxStream<'static, io::Result<Bytes>>> {
    let copy = place(name)?;
    let (pack, entry) = (name.clone(), entry.clone());
    Ok(try_stream! {
        let size_bytes = entry.meta.size_bytes;
        let wrong = |reason: String| io::Error::other(mismatch(&pack, &entry, &io::Error::other(reason)));
        let found = vault.size(&copy).await.map_err(io::Error::other)?;
        if found != size_bytes {
            Err(wrong(format!("{copy} has {found} bytes instead of {size_bytes}")))?;
        }
        let mut digest = crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme);
        let (mut last, mut at) = (Bytes::new(), 0);
        while at < size_bytes {
            let end = size_bytes.min(at + PIECE_BYTES);
            let piece = read_exactly(vault.as_ref(), &copy, at..end).await.map_err(io::Error::other)?;
            digest.update(&piece);
            at = end;
            let before = std::mem::replace(&mut last, piece);
            if !before.is_empty() {
                yield before;
            }
        }
        let found = Crc64Nvme(digest.finalize());
        if found != crc {
            Err(wrong(format!("the CRC-64/NVME of {copy} is {found} instead of {crc}")))?;
        }
        if !last.is_empty() {
            yield last;
        }
    }
    .boxed())
}

/// Compares a copied object with its entry, whole or by its length alone; returns what is wrong.
///
/// # Errors
///
/// What the vault fails with.
pub(super) async fn check(
    vault: &Arc<dyn VaultBackend>,
    name: &FileName,
    entry: &PackEntry,
    is_whole: bool,
) -> Result<Option<String>> {
    let Some(crc) = entry.copied else { return Ok(None) };
    if !is_whole {
        let copy = place(name)?;
        return match vault.size(&copy).await {
            Ok(found) if found == entry.meta.size_bytes => Ok(None),
            Ok(found) => Ok(Some(format!("{copy} has {found} bytes instead of {}", entry.meta.size_bytes))),
            Err(Error::NotFound { .. }) => Ok(Some(format!("{copy} is not there"))),
            Err(error) => Err(error),
        };
    }
    let mut pieces = open(Arc::clone(vault), name, entry, crc)?;
    loop {
        match pieces.try_next().await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(error) => match error.downcast::<Error>() {
                Ok(Error::Mismatch { reason, .. }) => return Ok(Some(reason)),
                Ok(Error::NotFound { name, .. }) => return Ok(Some(format!("{name} is not there"))),
                Ok(error) => return Err(error),
                Err(error) => return Ok(Some(error.to_string())),
            },
        }
    }
}

fn place(name: &FileName) -> Result<FileName> {
    let reason = "an object that was copied lies beside a pack, and this is not the name of one";
    name.copy_beside().ok_or_else(|| Error::Damaged { name: name.to_string(), reason: reason.to_owned() })
}
