//! Lepton: JPEG files, byte for byte the same again, in some four fifths of their length.

mod limits;
mod memory;

use std::io::{self, Cursor, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use lepton_jpeg::{EnabledFeatures, LeptonError, SingleThreadPool};

use crate::Compressor;

/// Lepton, for JPEG files of up to 16 MiB; everything else is refused with an error.
///
/// Not every JPEG file can be encoded, and of a damaged one that was, other bytes may come back: whoever stores it decodes
/// and compares first. Neither direction takes more than 256 MiB, whatever the input, and the images that are coded at a time
/// take no more than that together: the others wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lepton;

/// The longest file that is encoded, in bytes.
const MAX_JPEG_BYTES: u64 = 16 << 20;

/// The longest stream that is decoded: it was encoded only if it is shorter than the file.
const MAX_ENCODED_BYTES: u64 = MAX_JPEG_BYTES;

/// How each JPEG file begins: SOI, and the marker after it.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

impl Compressor for Lepton {
    fn id(&self) -> &'static str {
        "lepton"
    }

    fn compress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        let jpeg = read_up_to(input, MAX_JPEG_BYTES)?;
        let header = jpeg.strip_prefix(&JPEG[..2]).filter(|_| jpeg.starts_with(&JPEG));
        let image = limits::image(header.ok_or_else(|| refused("it is no JPEG file"))?)?;
        let _room = memory::take(image.memory_bytes());
        let mut encoded = Cursor::new(Vec::with_capacity(jpeg.len()));
        caught(|| {
            lepton_jpeg::encode_lepton(&mut Cursor::new(&jpeg), &mut encoded, &features(), &SingleThreadPool::default())
        })?;
        output.write_all(encoded.get_ref())
    }

    fn decompress(&self, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
        let encoded = read_up_to(input, MAX_ENCODED_BYTES)?;
        let image = limits::stream(&encoded)?;
        let _room = memory::take(image.memory_bytes());
        let mut jpeg = Vec::with_capacity(image.file_bytes);
        caught(|| lepton_jpeg::decode_lepton(&mut &encoded[..], &mut jpeg, &features(), &SingleThreadPool::default()))?;
        output.write_all(&jpeg)
    }
}

/// The decoder takes what the encoder writes: one partition, no more threads than this one.
fn features() -> EnabledFeatures {
    EnabledFeatures {
        max_jpeg_width: u32::from(u16::MAX),
        max_jpeg_height: u32::from(u16::MAX),
        max_partitions: 1,
        max_processor_threads: 1,
        max_jpeg_file_size: u32::try_from(MAX_JPEG_BYTES).unwrap_or(u32::MAX),
        ..EnabledFeatures::compat_lepton_vector_write()
    }
}

fn read_up_to(input: &mut dyn Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(most + 1).read_to_end(&mut bytes)?;
    let is_too_long = u64::try_from(bytes.len()).map_or(true, |len| len > most);
    if is_too_long { Err(refused("it is too long")) } else { Ok(bytes) }
}

/// Takes a panic of the library for a refusal: it meets files that somebody else made.
fn caught<T>(work: impl FnOnce() -> Result<T, LeptonError>) -> io::Result<()> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(refused(error.message())),
        Err(_) => Err(refused("the library panicked")),
    }
}

fn refused(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("lepton: {reason}"))
}

#[cfg(test)]
mod tests;
