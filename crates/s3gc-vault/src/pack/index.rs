//! Reading the index of a pack.

use std::io::{BufRead, BufReader, Read};
use std::ops::Range;

use bytes::Bytes;

use super::decode::decoder;
use super::entry::{FORMAT, IndexHeader};
use super::pieces::{read_exactly, with_holes, with_pieces};
use super::seek::{self, Frame};
use super::{Fault, PackEntry, PackHeader, readme, tar, walk};
use crate::encryption::check_key;
use crate::{Error, FileName, Result, VaultBackend};

/// How much of the end of a pack is read first: the table of frames and the index of most packs.
const TAIL_BYTES: u64 = 512 << 10;

/// More than the first frame of any pack is long.
const HEAD_BYTES: u64 = 64 << 10;

/// The longest index in bytes, decompressed: it has to fit in memory, here and wherever it is read.
pub(super) const MAX_INDEX_BYTES: u64 = 256 << 20;

/// The longest line of an index; key, headers, metadata and tags need some 10 kB.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// What a pack tells of its content.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PackIndex {
    /// What the pack tells of itself.
    pub header: PackHeader,
    /// The objects.
    pub entries: Vec<PackEntry>,
    /// The length of the pack, decrypted where it is encrypted.
    pub size_bytes: u64,
    /// Why the index could not be read; `entries` are then those that were found by walking through the frames.
    pub damage: Option<String>,
    /// The objects whose names were found by walking, and whose bytes were not: links to a member that is lost, or that
    /// was never there.
    pub lost: Vec<Fault>,
}

/// The end of a pack: its frames.
#[derive(Debug)]
pub(super) struct Layout {
    /// Where the table begins and the frames end.
    pub(super) frames_end: u64,
    pub(super) frames: Vec<Frame>,
}

impl Layout {
    /// Returns the length of all frames, decompressed.
    pub(super) fn content_bytes(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.content)).sum()
    }

    fn index_range(&self) -> Option<Range<u64>> {
        let last = self.frames.last()?;
        Some(self.frames_end - u64::from(last.packed)..self.frames_end)
    }
}

/// Reads what a pack holds: one range read at its end for most packs. Where table or index are damaged, the frames are
/// walked through instead, and [`PackIndex::damage`] tells why.
///
/// # Errors
///
/// [`Error::Damaged`] if not even the pack's first frame can be read, [`Error::Locked`] if it is encrypted and the key is
/// missing or wrong, or what the vault fails with.
pub async fn read_index(vault: &dyn VaultBackend, name: &FileName) -> Result<PackIndex> {
    let (index, _) = read_index_and_layout(vault, name).await?;
    Ok(index)
}

/// Reads what a pack tells of itself: one range read at its beginning, however many objects it holds.
///
/// # Errors
///
/// [`Error::Damaged`] if the pack's first frame cannot be read, [`Error::Locked`] if the pack is encrypted and the key is
/// missing or wrong, or what the vault fails with.
pub async fn read_header(vault: &dyn VaultBackend, name: &FileName) -> Result<PackHeader> {
    check_key(vault, name).await?;
    let head = 0..vault.size(name).await?.min(HEAD_BYTES);
    let header = with_pieces(vault, name, head, |pack| walk::header(pack)).await?;
    header.map_err(|e| Error::Damaged { name: name.to_string(), reason: format!("its first frame: {e}") })
}

pub(super) async fn read_index_and_layout(
    vault: &dyn VaultBackend,
    name: &FileName,
) -> Result<(PackIndex, Option<Layout>)> {
    check_key(vault, name).await?;
    let size_bytes = vault.size(name).await?;
    let mut layout = None;
    let reason = match read_tail(vault, name, size_bytes, &mut layout).await {
        Ok(Ok((header, entries))) => {
            return Ok((PackIndex { header, entries, size_bytes, damage: None, lost: Vec::new() }, layout));
        }
        // The vault itself finds damage only in what it decrypts.
        Ok(Err(reason)) | Err(Error::Damaged { reason, .. }) => reason,
        Err(error) => return Err(error),
    };
    tracing::warn!(%name, reason, "the index of a pack cannot be read; walking through its frames");
    let frames = layout.as_ref().map(|layout| layout.frames.clone());
    let walk = move |pack: &mut super::pieces::PieceReader| walk::walk(pack, frames.as_deref());
    // A frame with a hole in it fails its checksum.
    let (walked, holes) = with_holes(vault, name, 0..size_bytes, walk).await?;
    let reason = holes
        .into_iter()
        .next()
        .filter(|hole| *hole != reason)
        .map_or(reason.clone(), |hole| format!("{reason}; {hole}"));
    let walked = walked.map_err(|e| Error::Damaged { name: name.to_string(), reason: format!("{reason}; {e}") })?;
    let damage = walked.damage.as_ref().map_or_else(|| reason.clone(), |more| format!("{reason}; {more}"));
    let walk::Walked { header, entries, lost, .. } = walked;
    Ok((PackIndex { header, entries, size_bytes, damage: Some(damage), lost }, layout))
}

/// Reads table and index. The outer result is the vault's, the inner one the pack's.
async fn read_tail(
    vault: &dyn VaultBackend,
    name: &FileName,
    size_bytes: u64,
    found: &mut Option<Layout>,
) -> Result<Result<(PackHeader, Vec<PackEntry>), String>> {
    let tail = size_bytes.saturating_sub(TAIL_BYTES)..size_bytes;
    let tail_bytes = read_exactly(vault, name, tail.clone()).await?;
    let layout = match read_layout(vault, name, size_bytes, &tail_bytes).await? {
        Ok(layout) => found.insert(layout),
        Err(reason) => return Ok(Err(reason.to_owned())),
    };
    read_from_layout(vault, name, layout, &tail_bytes, tail.start).await
}

/// The outer result is the vault's, the inner one the pack's.
async fn read_layout(
    vault: &dyn VaultBackend,
    name: &FileName,
    size_bytes: u64,
    tail: &Bytes,
) -> Result<Result<Layout, &'static str>> {
    let table_bytes = match seek::table_bytes(tail) {
        Ok(bytes) if bytes <= size_bytes => bytes,
        Ok(_) => return Ok(Err("the seek table is longer than the pack")),
        Err(reason) => return Ok(Err(reason)),
    };
    let frames_end = size_bytes - table_bytes;
    let table = read_within(vault, name, frames_end..size_bytes, tail, size_bytes - length(tail)).await?;
    Ok(seek::parse(&table, size_bytes).map(|frames| Layout { frames_end, frames }))
}

async fn read_from_layout(
    vault: &dyn VaultBackend,
    name: &FileName,
    layout: &Layout,
    tail: &Bytes,
    tail_start: u64,
) -> Result<Result<(PackHeader, Vec<PackEntry>), String>> {
    let Some(range) = layout.index_range() else { return Ok(Err("the pack has no frames".to_owned())) };
    let frames_end = layout.frames_end;
    if range.start >= tail_start {
        let packed = read_within(vault, name, range, tail, tail_start).await?;
        return super::pieces::blocking(vault, name, move || parse(packed.as_ref(), frames_end)).await;
    }
    with_pieces(vault, name, range, move |packed| parse(packed, frames_end)).await
}

/// Takes a range from the tail where it lies in it.
async fn read_within(
    vault: &dyn VaultBackend,
    name: &FileName,
    range: Range<u64>,
    tail: &Bytes,
    tail_start: u64,
) -> Result<Bytes> {
    let local = |at: u64| at.checked_sub(tail_start).and_then(|at| usize::try_from(at).ok());
    match (local(range.start), local(range.end)) {
        (Some(start), Some(end)) if start <= end && end <= tail.len() => Ok(tail.slice(start..end)),
        _ => read_exactly(vault, name, range).await,
    }
}

fn parse(packed: impl Read, frames_end: u64) -> Result<(PackHeader, Vec<PackEntry>), String> {
    let mut content = decoder(packed).map_err(|e| e.to_string())?;
    let member = tar::read_member(&mut content).map_err(|e| format!("the index: {e}"))?;
    let Some(member) = member.filter(|member| member.name == readme::INDEX) else {
        return Err("the last frame is not the index".to_owned());
    };
    if member.size_bytes > MAX_INDEX_BYTES {
        return Err(format!("the index is too long: {} bytes", member.size_bytes));
    }
    let mut lines = BufReader::new(content.take(member.size_bytes));
    let mut line = Vec::new();
    let header: IndexHeader = next_line(&mut lines, &mut line)?.ok_or_else(|| "the index is empty".to_owned())?;
    if header.format != FORMAT {
        return Err(format!("format {} is not known; a newer s3gc may read it", header.format));
    }
    let mut entries = Vec::new();
    while let Some(entry) = next_line::<PackEntry>(&mut lines, &mut line)? {
        let end = entry.frame_offset.checked_add(entry.frame_len);
        if end.is_none_or(|end| end > frames_end) {
            return Err(format!("the index has {:?} outside of the pack", entry.key));
        }
        entries.push(entry);
    }
    let mut content = lines.into_inner();
    if content.limit() > 0 {
        return Err("the index is cut".to_owned());
    }
    // The frame's checksum is compared at its end.
    std::io::copy(content.get_mut(), &mut std::io::sink()).map_err(|e| format!("the index: {e}"))?;
    Ok((header.pack, entries))
}

fn next_line<T: serde::de::DeserializeOwned>(
    lines: &mut impl BufRead,
    line: &mut Vec<u8>,
) -> Result<Option<T>, String> {
    line.clear();
    match lines.take(MAX_LINE_BYTES).read_until(b'\n', line) {
        Ok(0) => Ok(None),
        Ok(_) if line.last() != Some(&b'\n') => Err("the index is cut".to_owned()),
        Ok(_) => serde_json::from_slice(line).map(Some).map_err(|e| format!("the index: {e}")),
        Err(e) => Err(format!("the index: {e}")),
    }
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
