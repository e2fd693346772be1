//! Proving that a pack can be read.

use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::Arc;

use futures::TryStreamExt;
use s3gc_store::ObjectKey;

use super::decode::Region;
use super::index::{Layout, read_index_and_layout};
use super::open::open_with;
use super::pieces::{PieceReader, with_holes, with_pieces};
use super::{Codecs, Digest, FinishedPack, PackEntry, PackHeader, copied, read_index};
use crate::encryption::{AgeVault, Identities, unlock};
use crate::{Error, FileName, Result, VaultBackend};

/// How much of a pack is read to verify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyLevel {
    /// Its table of frames and its index, and the length of an object that was copied beside it.
    Quick,
    /// The same, and about so many of a hundred objects, chosen by the seed.
    Sample {
        /// How many of a hundred.
        percent: u8,
        /// Another seed chooses others.
        seed: u64,
    },
    /// Every byte.
    Full,
}

/// What was found in a pack.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The pack's file.
    pub name: FileName,
    /// Its length.
    pub size_bytes: u64,
    /// What the pack tells of itself, if that can be read.
    pub header: Option<PackHeader>,
    /// The objects that the pack holds, sound or not.
    pub entries: Vec<PackEntry>,
    /// How many of them were decoded and compared.
    pub checked: usize,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// Something that is wrong with a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The object that is damaged, where it is one.
    pub key: Option<ObjectKey>,
    /// What is wrong, and where.
    pub reason: String,
}

/// Reads a pack back from the vault, every byte: decodes each object from these bytes, compares BLAKE3 and length with
/// what went in, then the file's own length and digest, then the index. `Ok` means that all are right. An object that is
/// a link to another one is proved with that one, whose place, length and digest are its own. One that the store copied
/// is looked up beside the pack: who copies it has compared the checksums.
///
/// An encrypted pack is decrypted with the key that was made for it, from the bytes that are stored, and their digest is
/// compared. It cannot be proved any more after [`FinishedPack::forget_key`].
///
/// # Errors
///
/// [`Error::Mismatch`] if an object is not the original, [`Error::Damaged`] for anything else that is wrong with the
/// pack, or what the vault fails with.
pub async fn read_back(vault: Arc<dyn VaultBackend>, expected: &FinishedPack) -> Result<()> {
    let name = &expected.name;
    let damaged = |reason: String| Error::Damaged { name: name.to_string(), reason };
    let stored = vault.stored().unwrap_or(&vault);
    let size_bytes = stored.size(name).await?;
    if size_bytes != expected.size_bytes {
        return Err(damaged(format!("it has {size_bytes} bytes instead of {}", expected.size_bytes)));
    }
    let proof = expected.proof.clone();
    if proof.is_none() && name.is_encrypted() {
        return Err(Error::Locked { name: name.to_string(), reason: "its key is dropped".into() });
    }
    let codecs = expected.codecs.clone();
    let (entries, plain_bytes) = (expected.entries.clone(), expected.plain_bytes);
    let seen = with_pieces(stored.as_ref(), name, 0..size_bytes, move |file| {
        check_stored(file, proof.as_ref(), &entries, plain_bytes, &codecs)
    });
    let seen = seen.await?.map_err(|e| damaged(e.to_string()))?;
    if let Some(fault) = seen.faults.into_iter().next() {
        return Err(match fault.key {
            Some(key) => Error::Mismatch { name: name.to_string(), key: key.to_string(), reason: fault.reason },
            None => damaged(fault.reason),
        });
    }
    if seen.blake3 != expected.blake3 {
        return Err(damaged(format!("its BLAKE3 is {} instead of {}", seen.blake3, expected.blake3)));
    }
    let index = read_index(opened(stored, expected).as_ref(), name).await?;
    for entry in &index.entries {
        // The store compared its bytes; that they are found in the vault is seen from here.
        if let Some(reason) = copied::check(stored, name, entry, false).await? {
            return Err(Error::Mismatch { name: name.to_string(), key: entry.key.to_string(), reason });
        }
    }
    match index.damage {
        Some(reason) => Err(damaged(reason)),
        None if index.header != expected.header || index.entries != expected.entries => {
            Err(damaged("the index does not list what is in the pack".to_owned()))
        }
        None => Ok(()),
    }
}

/// Shows the pack decrypted with its own key, where it is encrypted.
fn opened(stored: &Arc<dyn VaultBackend>, expected: &FinishedPack) -> Arc<dyn VaultBackend> {
    match &expected.proof {
        Some(proof) => Arc::new(AgeVault::new(Arc::clone(stored), proof.clone())),
        None => Arc::clone(stored),
    }
}

/// Reads a pack's file as it is stored, whole, and returns its length and digest: those of the catalog's record, which
/// can be compared without the key of an encrypted pack.
///
/// # Errors
///
/// What the vault fails with.
pub async fn stored_digest(vault: &dyn VaultBackend, name: &FileName) -> Result<(u64, Digest)> {
    let stored = vault.stored().map_or(vault, AsRef::as_ref);
    let size_bytes = stored.size(name).await?;
    let digest = |file: &mut PieceReader| {
        let mut hasher = blake3::Hasher::new();
        s3gc_compress::pump(file, &mut hasher).map(|_| Digest::from(hasher.finalize()))
    };
    let digested = with_pieces(stored, name, 0..size_bytes, digest).await?;
    let failed = |source: io::Error| Error::Io {
        vault: vault.location().to_owned(),
        operation: "reading",
        name: name.to_string(),
        source: source.into(),
    };
    Ok((size_bytes, digested.map_err(failed)?))
}

/// Verifies a pack with the built-in codecs: see [`verify_with`].
///
/// # Errors
///
/// What the vault fails with.
pub async fn verify(
    vault: Arc<dyn VaultBackend>,
    name: &FileName,
    level: VerifyLevel,
    expected: Option<Digest>,
) -> Result<VerifyReport> {
    verify_with(vault, name, level, expected, &Codecs::new()).await
}

/// Verifies a pack by its own index. `expected` is the file's digest from elsewhere; only `Full` compares it, for which it
/// reads an encrypted pack a second time, as it is stored.
///
/// # Errors
///
/// [`Error::Locked`] if the pack is encrypted and the key is missing or wrong: [`stored_digest`] is all that can be
/// compared then. What the vault fails with. What is wrong with the pack is in the report.
pub async fn verify_with(
    vault: Arc<dyn VaultBackend>,
    name: &FileName,
    level: VerifyLevel,
    expected: Option<Digest>,
    codecs: &Codecs,
) -> Result<VerifyReport> {
    let mut report = VerifyReport {
        name: name.clone(),
        size_bytes: 0,
        header: None,
        entries: Vec::new(),
        checked: 0,
        faults: Vec::new(),
    };
    report.size_bytes = vault.stored().unwrap_or(&vault).size(name).await?;
    let plain_bytes;
    let layout = match read_index_and_layout(vault.as_ref(), name).await {
        Ok((index, layout)) => {
            plain_bytes = index.size_bytes;
            report.header = Some(index.header);
            report.entries = index.entries;
            report.faults.extend(index.damage.map(Fault::of_pack));
            report.faults.extend(index.lost);
            layout
        }
        Err(Error::Damaged { reason, .. }) => {
            report.faults.push(Fault::of_pack(reason));
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    for entry in &report.entries {
        let fault = copied::check(&vault, name, entry, level == VerifyLevel::Full).await?;
        report.faults.extend(fault.map(|reason| Fault::of_object(entry, reason)));
    }
    match level {
        VerifyLevel::Quick => {}
        VerifyLevel::Sample { percent, seed } => sample(&vault, percent, seed, codecs, &mut report).await?,
        VerifyLevel::Full => full(&vault, 0..plain_bytes, layout, expected, codecs, &mut report).await?,
    }
    Ok(report)
}

async fn sample(
    vault: &Arc<dyn VaultBackend>,
    percent: u8,
    seed: u64,
    codecs: &Codecs,
    report: &mut VerifyReport,
) -> Result<()> {
    for entry in &report.entries {
        let draw = xxhash_rust::xxh64::xxh64(entry.member.as_bytes(), seed) % 100;
        if draw >= u64::from(percent) {
            continue;
        }
        report.checked += 1;
        match drain(vault, &report.name, entry, codecs).await {
            Ok(()) => {}
            Err(Error::Mismatch { reason, .. } | Error::Damaged { reason, .. }) => {
                report.faults.push(Fault::of_object(entry, reason));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn drain(vault: &Arc<dyn VaultBackend>, name: &FileName, entry: &PackEntry, codecs: &Codecs) -> Result<()> {
    let mut pieces = open_with(Arc::clone(vault), name, entry, codecs).await?;
    while let Some(piece) = pieces.try_next().await.transpose() {
        if let Err(error) = piece {
            return Err(error.downcast().unwrap_or_else(|error| super::open::mismatch(name, entry, &error)));
        }
    }
    Ok(())
}

async fn full(
    vault: &Arc<dyn VaultBackend>,
    all: Range<u64>,
    layout: Option<Layout>,
    expected: Option<Digest>,
    codecs: &Codecs,
    report: &mut VerifyReport,
) -> Result<()> {
    let frames_end = layout.as_ref().map_or(all.end, |layout| layout.frames_end);
    let (entries, codecs) = (report.entries.clone(), codecs.clone());
    let seen = with_holes(vault.as_ref(), &report.name, all, move |pack| check(pack, &entries, frames_end, &codecs));
    let (seen, holes) = seen.await?;
    report.faults.extend(holes.into_iter().map(Fault::of_pack));
    match seen {
        Err(e) => report.faults.push(Fault::of_pack(e.to_string())),
        Ok(seen) => {
            report.checked = report.entries.len();
            report.faults.extend(seen.faults);
            let content_bytes = layout.map(|layout| layout.content_bytes());
            if report.faults.is_empty() && content_bytes.is_some_and(|bytes| bytes != seen.content_bytes) {
                report.faults.push(Fault::of_pack("the seek table has wrong lengths".to_owned()));
            }
            let blake3 = match expected {
                // What was decrypted may be another pack: anybody can encrypt to a recipient.
                Some(_) if report.name.is_encrypted() && report.faults.is_empty() => {
                    stored_digest(vault.as_ref(), &report.name).await?.1
                }
                Some(expected) if report.name.is_encrypted() => expected,
                _ => seen.blake3,
            };
            if let Some(expected) = expected.filter(|expected| *expected != blake3) {
                let reason = format!("the file's BLAKE3 is {blake3} instead of {expected}");
                report.faults.push(Fault::of_pack(reason));
            }
        }
    }
    Ok(())
}

/// What one pass over a pack showed.
struct Seen {
    blake3: Digest,
    /// The length of all frames, decompressed.
    content_bytes: u64,
    faults: Vec<Fault>,
}

/// As [`check`], of the file as it is stored: where it is encrypted, it is decrypted with its own key, and the digest is
/// that of the file.
fn check_stored(
    file: &mut PieceReader,
    proof: Option<&Identities>,
    entries: &[PackEntry],
    plain_bytes: u64,
    codecs: &Codecs,
) -> io::Result<Seen> {
    match proof {
        Some(proof) => {
            let mut file = Digested { pack: file, hasher: blake3::Hasher::new(), at: 0 };
            let mut pack = unlock(BufReader::with_capacity(256 << 10, &mut file), proof)?;
            // To its end: only there age finds out whether something is missing.
            let seen = check(&mut pack, entries, plain_bytes, codecs)?;
            drop(pack);
            io::copy(&mut file, &mut io::sink())?;
            Ok(Seen { blake3: file.hasher.finalize().into(), ..seen })
        }
        None => check(file, entries, plain_bytes, codecs),
    }
}

/// Decompresses all frames, decodes and compares all entries, and digests the file. It goes on behind what is damaged;
/// an error means that the pack cannot be read on.
fn check(pack: &mut dyn Read, entries: &[PackEntry], frames_end: u64, codecs: &Codecs) -> io::Result<Seen> {
    let mut file = Digested { pack, hasher: blake3::Hasher::new(), at: 0 };
    let mut faults = Vec::new();
    let mut content_bytes = 0;
    let mut order: Vec<&PackEntry> = entries.iter().collect();
    // Entries that share their bytes come one behind the other.
    order.sort_by(|a, b| {
        let key = |entry: &PackEntry| (entry.frame_offset, entry.frame_len, entry.offset_in_frame, entry.member_bytes);
        let content = |entry: &PackEntry| (entry.meta.size_bytes, entry.blake3);
        key(a).cmp(&key(b)).then_with(|| content(a).cmp(&content(b))).then_with(|| a.codec.cmp(&b.codec))
    });
    for group in order.chunk_by(|a, b| (a.frame_offset, a.frame_len) == (b.frame_offset, b.frame_len)) {
        let Some(first) = group.first() else { continue };
        if first.frame_offset < file.at {
            faults.extend(group.iter().map(|entry| Fault::of_object(entry, "its frames overlap others".to_owned())));
            continue;
        }
        content_bytes += file.frames_until(first.frame_offset, &[], codecs, &mut faults)?;
        let end = first.frame_offset.saturating_add(first.frame_len);
        content_bytes += file.frames_until(end, group, codecs, &mut faults)?;
    }
    content_bytes += file.frames_until(frames_end, &[], codecs, &mut faults)?;
    io::copy(&mut file, &mut io::sink())?;
    Ok(Seen { blake3: file.hasher.finalize().into(), content_bytes, faults })
}

/// A pack that is read once from its beginning to its end.
struct Digested<'a> {
    pack: &'a mut dyn Read,
    hasher: blake3::Hasher,
    at: u64,
}

impl Digested<'_> {
    /// Reads on to `end`: these are whole frames that hold these entries.
    fn frames_until(
        &mut self,
        end: u64,
        entries: &[&PackEntry],
        codecs: &Codecs,
        faults: &mut Vec<Fault>,
    ) -> io::Result<u64> {
        let start = self.at;
        if start >= end && entries.is_empty() {
            return Ok(0);
        }
        let mut packed = self.take(end.saturating_sub(start));
        let mut region = Region::new(&mut packed)?;
        let mut sound = true;
        for same in entries.chunk_by(|a, b| a.shares_bytes_with(b)) {
            let Some(first) = same.first() else { continue };
            if let Err(e) = region.entry(first, codecs, &mut io::sink()) {
                faults.extend(same.iter().map(|entry| Fault::of_object(entry, e.to_string())));
                sound = false;
            }
        }
        let content = region.end();
        io::copy(&mut packed, &mut io::sink())?;
        match content {
            Ok(bytes) => return Ok(bytes),
            Err(e) if sound => faults.push(Fault::of_pack(format!("the frames from byte {start} to {end}: {e}"))),
            Err(_) => {}
        }
        Ok(0)
    }
}

impl Read for Digested<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.pack.read(buf)?;
        self.hasher.update(&buf[..n]);
        self.at += u64::try_from(n).unwrap_or(0);
        Ok(n)
    }
}

impl Fault {
    fn of_pack(reason: String) -> Self {
        Self { key: None, reason }
    }

    pub(super) fn of_object(entry: &PackEntry, reason: String) -> Self {
        Self { key: Some(entry.key.clone()), reason }
    }
}
