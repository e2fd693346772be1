#![doc = include_str!("../README.md")]

mod codecs;
#[cfg(feature = "lepton")]
mod lepton;

pub use codecs::{Lz4, Plain, Zstd};
#[cfg(feature = "lepton")]
pub use lepton::Lepton;

use std::fmt;
use std::io::{self, Read, Write};

/// Compresses and decompresses streams of bytes.
///
/// # Contract
///
/// 1. `decompress` of what `compress` wrote gives the same bytes, of any length, none included. A codec that is for one
///    kind of file alone refuses any other, and what is too long for it, with an error, and whoever stores what it wrote decodes it first
///    and compares.
/// 2. The id is a short lower-case word that never changes and is unlike any other codec's.
/// 3. A cut or damaged input is an error or gives other bytes than the original; the caller compares length and digest.
/// 4. Neither direction panics, whatever the input.
/// 5. Memory does not grow with the length of the input.
///
/// `s3gc-testkit` has one test for each clause.
pub trait Compressor: fmt::Debug + Send + Sync + 'static {
    /// Returns the stable id that is stored with every entry.
    fn id(&self) -> &'static str;

    /// Reads `input` to its end and writes it compressed.
    ///
    /// # Errors
    ///
    /// What reading or writing fails with.
    fn compress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()>;

    /// Reads compressed `input` to its end and writes the original.
    ///
    /// # Errors
    ///
    /// What reading or writing fails with, and any error for what is not such a stream.
    fn decompress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()>;
}

/// Returns the built-in codec of this id.
#[must_use]
pub fn by_id(id: &str) -> Option<Box<dyn Compressor>> {
    match id {
        "zstd" => Some(Box::new(Zstd::default())),
        "lz4" => Some(Box::new(Lz4)),
        "none" => Some(Box::new(Plain)),
        #[cfg(feature = "lepton")]
        "lepton" => Some(Box::new(Lepton)),
        _ => None,
    }
}

/// How much [`pump`] copies at once.
const PIECE_BYTES: usize = 128 << 10;

/// Copies `input` to its end in pieces of 128 KiB, and returns how many bytes there were: codecs are slow in the small
/// pieces of [`std::io::copy`].
///
/// # Errors
///
/// What reading or writing fails with.
pub fn pump(input: &mut dyn Read, output: &mut dyn Write) -> io::Result<u64> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut total = 0;
    loop {
        match input.read(&mut piece) {
            Ok(0) => return Ok(total),
            Ok(n) => {
                output.write_all(&piece[..n])?;
                total += u64::try_from(n).unwrap_or(0);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
