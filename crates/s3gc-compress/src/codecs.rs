//! zstd, lz4, none.

use std::io::{self, Read, Write};

use crate::Compressor;

/// Zstandard (RFC 8878), at a level.
#[derive(Clone, Copy, Debug)]
pub struct Zstd {
    level: i32,
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
        let mut encoder = zstd::Encoder::new(output, self.level)?;
        encoder.include_checksum(true)?;
        io::copy(input, &mut encoder)?;
        encoder.finish()?;
        Ok(())
    }

    fn decompress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        zstd::stream::copy_decode(input, output)
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
        let info = lz4_flex::frame::FrameInfo::new().content_checksum(true).block_checksums(true);
        let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, output);
        io::copy(input, &mut encoder)?;
        encoder.finish().map_err(io::Error::other)?;
        Ok(())
    }

    fn decompress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        // An input cut between blocks ends without an error: the caller compares length and digest.
        io::copy(&mut lz4_flex::frame::FrameDecoder::new(input), output)?;
        Ok(())
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
        io::copy(input, output)?;
        Ok(())
    }

    fn decompress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        io::copy(input, output)?;
        Ok(())
    }
}
