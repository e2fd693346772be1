//! From frames back to the original bytes.

use std::io::{self, BufRead, BufReader, Read, Write};

use s3gc_compress::pump;

use super::{Codecs, Digest, PackEntry, tar};

/// The largest window that a frame of a pack has, as a power of two: an object cut over frames of 8 MiB. A damaged or
/// hostile frame that asks for more memory is an error.
const MAX_WINDOW_LOG: u32 = 24;

/// Some frames, one behind the other, that hold the data of entries.
pub(super) struct Region<R: Read> {
    decoder: zstd::Decoder<'static, BufReader<R>>,
    at: u64,
}

/// Begins to decompress frames.
pub(super) fn decoder<R: Read>(packed: R) -> io::Result<zstd::Decoder<'static, BufReader<R>>> {
    let mut decoder = zstd::Decoder::new(packed)?;
    decoder.window_log_max(MAX_WINDOW_LOG)?;
    Ok(decoder)
}

/// Decompresses one frame.
pub(super) type PieceDecoder<R> = zstd::Decoder<'static, R>;

/// Begins to decompress one frame, and reads nothing behind it.
pub(super) fn single_frame<R: BufRead>(packed: R) -> io::Result<PieceDecoder<R>> {
    let mut decoder = zstd::Decoder::with_buffer(packed)?.single_frame();
    decoder.window_log_max(MAX_WINDOW_LOG)?;
    Ok(decoder)
}

impl<R: Read> Region<R> {
    pub(super) fn new(packed: R) -> io::Result<Self> {
        Ok(Self { decoder: decoder(packed)?, at: 0 })
    }

    /// Writes the original bytes of the next entry, and makes sure that they are. What was written before an error is
    /// not to be trusted. Never more than the entry's length is written.
    ///
    /// Of an object that was copied nothing is here to be written.
    pub(super) fn entry(&mut self, entry: &PackEntry, codecs: &Codecs, out: &mut dyn Write) -> io::Result<()> {
        if entry.copied.is_some() {
            return match entry.member_bytes {
                0 => Ok(()),
                _ => Err(tar::damaged("an object that was copied has bytes in the pack, too")),
            };
        }
        let ahead = entry.offset_in_frame.checked_sub(self.at);
        tar::skip(&mut self.decoder, ahead.ok_or_else(|| tar::damaged("entries overlap"))?)?;
        self.at = entry.offset_in_frame;
        let mut member = (&mut self.decoder).take(entry.member_bytes);
        let mut original = Original { out, left: entry.meta.size_bytes, hasher: blake3::Hasher::new() };
        let decoded = decode(&mut member, entry, codecs, &mut original);
        // A codec may stop before the end of its input, and the next entry begins behind it.
        let drained = pump(&mut member, &mut io::sink());
        let missing = member.limit();
        self.at += entry.member_bytes - missing;
        decoded?;
        drained?;
        if missing > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the frames end within the object"));
        }
        original.end(entry.blake3)
    }

    /// Decompresses what is left, so that every checksum is compared, and returns the length of it all.
    pub(super) fn end(mut self) -> io::Result<u64> {
        Ok(self.at + pump(&mut self.decoder, &mut io::sink())?)
    }
}

fn decode(member: &mut dyn Read, entry: &PackEntry, codecs: &Codecs, out: &mut dyn Write) -> io::Result<()> {
    if entry.is_plain() {
        return pump(member, out).map(drop);
    }
    let unknown = || io::Error::new(io::ErrorKind::Unsupported, format!("no codec {:?} is known", entry.codec));
    codecs.get(&entry.codec).ok_or_else(unknown)?.decompress(member, out)
}

/// Takes an original as it comes out of the pack.
struct Original<'a> {
    out: &'a mut dyn Write,
    left: u64,
    hasher: blake3::Hasher,
}

impl Original<'_> {
    fn end(self, expected: Digest) -> io::Result<()> {
        if self.left > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{} bytes are missing", self.left)));
        }
        if Digest::from(self.hasher.finalize()) != expected {
            return Err(tar::damaged("the BLAKE3 digest differs"));
        }
        self.out.flush()
    }
}

impl Write for Original<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_all(buf)?;
        Ok(buf.len())
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        let left = u64::try_from(buf.len()).ok().and_then(|len| self.left.checked_sub(len));
        self.left = left.ok_or_else(|| tar::damaged("there are more bytes than the object had"))?;
        self.hasher.update(buf);
        self.out.write_all(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
