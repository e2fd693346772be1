//! zstd, lz4, none.

use std::cell::RefCell;
use std::io::{self, Read, Write};

use lz4_flex::frame::{BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use crate::{Compressor, pump};

/// Zstandard (RFC 8878), at a level.
#[derive(Clone, Copy, Debug)]
pub struct Zstd {
    level: i32,
}

/// Inputs shorter than this are compressed at once: a frame of small objects in a pack, and every object that is not
/// large. The tables for a short input are small and quick to clear, and nothing is copied in between.
const AT_ONCE_BELOW: u64 = 2 << 20;

/// Levels above this one would ask whoever decompresses for more than 8 MiB.
const LAST_SMALL_WINDOW_LEVEL: i32 = 19;
const MAX_WINDOW_LOG: u32 = 23;

thread_local! {
    /// What compressed last on this thread, with its level: it takes as long to make one as to compress a small object.
    static AT_ONCE: RefCell<Option<(i32, zstd::bulk::Compressor<'static>)>> = const { RefCell::new(None) };
}

impl Zstd {
    /// The default level.
    pub const DEFAULT_LEVEL: i32 = 3;

    /// Compresses at this level; the library cuts it to what it knows.
    #[must_use]
    pub fn new(level: i32) -> Self {
        Self { level }
    }

    /// Returns the level.
    #[must_use]
    pub fn level(self) -> i32 {
        self.level
    }

    fn compress_at_once(self, input: &[u8]) -> io::Result<Vec<u8>> {
        AT_ONCE.with_borrow_mut(|last| {
            let (_, compressor) = match last.take() {
                Some(usable) if usable.0 == self.level => last.insert(usable),
                _ => last.insert((self.level, self.compressor()?)),
            };
            compressor.compress(input)
        })
    }

    fn compressor(self) -> io::Result<zstd::bulk::Compressor<'static>> {
        let mut compressor = zstd::bulk::Compressor::new(self.level)?;
        compressor.include_checksum(true)?;
        if self.level > LAST_SMALL_WINDOW_LEVEL {
            compressor.window_log(MAX_WINDOW_LOG)?;
        }
        Ok(compressor)
    }
}

impl Default for Zstd {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LEVEL)
    }
}

impl Compressor for Zstd {
    fn id(&self) -> &'static str {
        "zstd"
    }

    fn compress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        let mut start = Vec::new();
        (&mut *input).take(AT_ONCE_BELOW).read_to_end(&mut start)?;
        if u64::try_from(start.len()).is_ok_and(|len| len < AT_ONCE_BELOW) {
            return output.write_all(&self.compress_at_once(&start)?);
        }
        let mut encoder = zstd::Encoder::new(output, self.level)?;
        encoder.include_checksum(true)?;
        if self.level > LAST_SMALL_WINDOW_LEVEL {
            encoder.window_log(MAX_WINDOW_LOG)?;
        }
        encoder.write_all(&start)?;
        pump(input, &mut encoder)?;
        encoder.finish()?;
        Ok(())
    }

    fn decompress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        pump(&mut zstd::Decoder::new(input)?, output)?;
        Ok(())
    }
}

/// LZ4 frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lz4;

impl Compressor for Lz4 {
    fn id(&self) -> &'static str {
        "lz4"
    }

    fn compress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        let info = FrameInfo::new().block_size(BlockSize::Max256KB).content_checksum(true).block_checksums(true);
        let mut encoder = FrameEncoder::with_frame_info(info, output);
        pump(input, &mut encoder)?;
        encoder.finish().map_err(io::Error::other)?;
        Ok(())
    }

    fn decompress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        // An input cut between blocks ends without an error: the caller compares length and digest.
        pump(&mut FrameDecoder::new(Uninterrupted(input)), output)?;
        Ok(())
    }
}

/// Reads again after an interruption: lz4_flex 0.14 forgets the half of a header that it has read before one.
struct Uninterrupted<'a>(&'a mut dyn Read);

impl Read for Uninterrupted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buf) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

/// No compression.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Compressor for Plain {
    fn id(&self) -> &'static str {
        "none"
    }

    fn compress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        pump(input, output)?;
        Ok(())
    }

    fn decompress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        pump(input, output)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_level_asks_for_no_more_than_8_mib_to_decompress() {
        let original: Vec<u8> = (0..2_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut packed = Vec::new();
        Zstd::new(22).compress(&mut original.as_slice(), &mut packed).unwrap();
        let mut decoder = zstd::Decoder::new(packed.as_slice()).unwrap();
        decoder.window_log_max(MAX_WINDOW_LOG).unwrap();
        let mut back = Vec::new();
        pump(&mut decoder, &mut back).unwrap();
        assert!(back == original);
    }
}
