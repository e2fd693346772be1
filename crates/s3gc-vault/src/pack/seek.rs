//! The table of frames at the end of a pack.
//!
//! Zstandard's seekable format, version 0.1.0: a skippable frame with the lengths of all the frames before it
//! (facebook/zstd, `contrib/seekable_format/zstd_seekable_compression_format.md`).

/// The magic number of the skippable frame.
const SKIPPABLE_MAGIC: u32 = 0x184D_2A5E;
/// The last four bytes of a pack.
const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;
/// Magic number and length.
const HEADER_BYTES: u64 = 8;
/// Number of frames, descriptor, magic number.
const FOOTER_BYTES: usize = 9;
/// Two lengths for each frame, no checksums.
const ENTRY_BYTES: u64 = 8;
/// The most frames that are read: a table of 64 MiB, an object of 64 TiB.
const MAX_FRAMES: u64 = 8 << 20;

/// The lengths of a frame in the pack and decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) packed: u32,
    pub(super) content: u32,
}

/// Appends the table.
pub(super) fn write(frames: &[Frame], out: &mut Vec<u8>) {
    let count = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&SKIPPABLE_MAGIC.to_le_bytes());
    out.extend_from_slice(&count.saturating_mul(8).saturating_add(9).to_le_bytes());
    for frame in frames {
        out.extend_from_slice(&frame.packed.to_le_bytes());
        out.extend_from_slice(&frame.content.to_le_bytes());
    }
    out.extend_from_slice(&count.to_le_bytes());
    out.push(0);
    out.extend_from_slice(&SEEKABLE_MAGIC.to_le_bytes());
}

/// Returns the length of the table from the last bytes of a pack, or what is wrong with them.
pub(super) fn table_bytes(tail: &[u8]) -> Result<u64, &'static str> {
    let footer = tail.last_chunk::<FOOTER_BYTES>().ok_or("the pack is shorter than the end of a seek table")?;
    let [n0, n1, n2, n3, descriptor, m0, m1, m2, m3] = *footer;
    if u32::from_le_bytes([m0, m1, m2, m3]) != SEEKABLE_MAGIC || descriptor != 0 {
        return Err("the pack does not end with a seek table: it is cut, or not a pack");
    }
    let frames = u64::from(u32::from_le_bytes([n0, n1, n2, n3]));
    if frames > MAX_FRAMES {
        return Err("the seek table has too many frames");
    }
    Ok(HEADER_BYTES + frames * ENTRY_BYTES + 9)
}

/// Reads the table, of exactly the length that [`table_bytes`] tells, of a pack of `pack_bytes`.
pub(super) fn parse(table: &[u8], pack_bytes: u64) -> Result<Vec<Frame>, &'static str> {
    let word = |bytes: &[u8]| bytes.first_chunk::<4>().map(|b| u32::from_le_bytes(*b)).unwrap_or_default();
    let body = table.len().saturating_sub(8);
    let bytes = u64::try_from(table.len()).unwrap_or(u64::MAX);
    if table_bytes(table)? != bytes
        || word(table) != SKIPPABLE_MAGIC
        || table.get(4..8).map(word) != u32::try_from(body).ok()
    {
        return Err("the seek table does not begin where its end says");
    }
    let entries = table.get(8..table.len().saturating_sub(FOOTER_BYTES)).ok_or("the seek table is too short")?;
    let frames: Vec<Frame> =
        entries.chunks_exact(8).map(|entry| Frame { packed: word(entry), content: word(&entry[4..]) }).collect();
    let packed: u64 = frames.iter().map(|frame| u64::from(frame.packed)).sum();
    if packed.checked_add(bytes) != Some(pack_bytes) || frames.iter().any(|frame| frame.packed == 0) {
        return Err("the frames of the seek table are not as long as the pack");
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_back_and_zstd_skips_it() {
        let frames = [Frame { packed: 10, content: 100 }, Frame { packed: 7, content: 0 }];
        let mut table = Vec::new();
        write(&frames, &mut table);
        assert_eq!(table_bytes(&table), Ok(33));
        assert_eq!(parse(&table, 17 + 33).unwrap(), frames);
        assert_eq!(zstd::decode_all(table.as_slice()).unwrap(), b"");
    }

    #[test]
    fn a_damaged_table_is_never_believed() {
        let frames = [Frame { packed: 10, content: 100 }, Frame { packed: 7, content: 0 }];
        let mut table = Vec::new();
        write(&frames, &mut table);
        for at in 0..table.len() * 8 {
            let mut bad = table.clone();
            bad[at / 8] ^= 1 << (at % 8);
            let is_content = (12..16).contains(&(at / 8)) || (20..24).contains(&(at / 8));
            let read = table_bytes(&bad).and_then(|_| parse(&bad, 17 + 33));
            assert_eq!(read.is_ok(), is_content, "bit {at}: {read:?}");
        }
        assert!(parse(&[], 0).is_err());
        assert!(table_bytes(&[]).is_err());
    }
}
