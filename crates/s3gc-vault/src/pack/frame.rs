//! Zstandard frames whose bytes are stored, not compressed (RFC 8878, section 3.1.1).
//!
//! Their length follows from the length of the content, so that one can be written before its content is known and be
//! filled in later; and they cost no time.

use xxhash_rust::xxh64::xxh64;

/// The largest block (RFC 8878, section 3.1.1.2.3).
const MAX_BLOCK: usize = 128 << 10;

/// Appends a frame with these bytes and a checksum; `content` is of less than 4 GiB.
pub(super) fn write_stored(content: &[u8], out: &mut Vec<u8>) {
    let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&zstd::zstd_safe::MAGICNUMBER.to_le_bytes());
    // Frame_Header_Descriptor: a content size of 4 bytes, a window descriptor, a checksum.
    out.push(0b1000_0100);
    // Window_Descriptor: 2^(10 + 7) bytes, one block.
    out.push(7 << 3);
    out.extend_from_slice(&size.to_le_bytes());
    let mut blocks = content.chunks(MAX_BLOCK).peekable();
    if blocks.peek().is_none() {
        push_block(&[], true, out);
    }
    while let Some(block) = blocks.next() {
        push_block(block, blocks.peek().is_none(), out);
    }
    let [a, b, c, d, ..] = xxh64(content, 0).to_le_bytes();
    out.extend_from_slice(&[a, b, c, d]);
}

/// Block_Header: Last_Block, Block_Type 0 (raw), Block_Size, in 3 bytes.
fn push_block(block: &[u8], last: bool, out: &mut Vec<u8>) {
    let size = u32::try_from(block.len()).unwrap_or(0);
    let [a, b, c, _] = ((size << 3) | u32::from(last)).to_le_bytes();
    out.extend_from_slice(&[a, b, c]);
    out.extend_from_slice(block);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_frame_is_a_zstd_frame() {
        for len in [0, 1, 512, MAX_BLOCK - 1, MAX_BLOCK, MAX_BLOCK + 1, 3 * MAX_BLOCK + 7] {
            let content: Vec<u8> = (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let mut frame = Vec::new();
            write_stored(&content, &mut frame);
            assert_eq!(zstd::decode_all(frame.as_slice()).unwrap(), content, "{len}");
            assert_eq!(frame.len(), len + 14 + 3 * len.div_ceil(MAX_BLOCK).max(1));
        }
    }

    #[test]
    fn a_flipped_bit_of_the_content_is_an_error() {
        let mut frame = Vec::new();
        write_stored(&[7; 1000], &mut frame);
        frame[500] ^= 1;
        assert!(zstd::decode_all(frame.as_slice()).is_err());
    }
}
