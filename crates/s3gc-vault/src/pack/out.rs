//! The file of a pack that is being written: frames, one behind the other.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use s3gc_compress::Compressor;

use super::entry::CODEC_ZSTD;
use super::seek::{self, Frame};
use super::{Digest, frame, tar};
use crate::Error;

/// Objects over this size are cut over several frames; others are held in memory.
pub(super) const CUT_OVER: u64 = 16 << 20;
/// The length of each of the frames over which an object is cut, before compression; a multiple of a tar block.
pub(super) const CUT_BYTES: usize = 8 << 20;

/// The frames written so far. A frame that cannot be written leaves the pack as it was.
pub(super) struct Out {
    file: File,
    dir: PathBuf,
    name: String,
    /// Where the next frame goes; what a failed write left behind it is overwritten.
    pub(super) len: u64,
    /// `None` once a frame was replaced: then the file is read again at the end.
    hasher: Option<blake3::Hasher>,
    frames: Vec<Frame>,
    packed: Vec<u8>,
}

/// A state to go back to.
pub(super) struct Mark {
    len: u64,
    hasher: Option<blake3::Hasher>,
    frames: usize,
}

impl Out {
    pub(super) fn create(dir: &Path, name: &str) -> Result<Self, Error> {
        let file = tempfile::tempfile_in(dir).map_err(|source| write_error(dir, name, source))?;
        Ok(Self {
            file,
            dir: dir.to_owned(),
            name: name.to_owned(),
            len: 0,
            hasher: Some(blake3::Hasher::new()),
            frames: Vec::new(),
            packed: Vec::new(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Names the file in an error.
    pub(super) fn error(&self, source: io::Error) -> Error {
        write_error(&self.dir, &self.name, source)
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { len: self.len, hasher: self.hasher.clone(), frames: self.frames.len() }
    }

    pub(super) fn back_to(&mut self, mark: Mark) {
        self.len = mark.len;
        self.hasher = mark.hasher;
        self.frames.truncate(mark.frames);
    }

    /// Writes a frame, compressed by a codec whose output is zstd.
    pub(super) fn compressed(&mut self, pieces: &[&[u8]], zstd: &dyn Compressor) -> io::Result<()> {
        let mut content = Pieces { current: &[], rest: pieces };
        self.packed.clear();
        zstd.compress(&mut content, &mut self.packed)?;
        self.push_frame(pieces.iter().map(|piece| piece.len()).sum())
    }

    /// Writes a frame of stored bytes.
    pub(super) fn stored(&mut self, content: &[u8]) -> io::Result<()> {
        self.packed.clear();
        frame::write_stored(content, &mut self.packed);
        self.push_frame(content.len())
    }

    /// Writes other content of the same length into a frame of stored bytes.
    pub(super) fn replace_stored(&mut self, offset: u64, content: &[u8]) -> io::Result<()> {
        self.packed.clear();
        frame::write_stored(content, &mut self.packed);
        self.hasher = None;
        self.file.write_all_at(&self.packed, offset)
    }

    /// Writes the table of frames, and returns the digest of the file.
    pub(super) fn finish(&mut self) -> io::Result<Digest> {
        self.packed.clear();
        seek::write(&self.frames, &mut self.packed);
        self.write_packed()?;
        self.file.set_len(self.len)?;
        match &self.hasher {
            Some(hasher) => Ok(hasher.finalize().into()),
            None => self.digest(),
        }
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }

    fn push_frame(&mut self, content: usize) -> io::Result<()> {
        let too_long = |_| io::Error::new(io::ErrorKind::FileTooLarge, "a frame of a pack is over 4 GiB");
        let packed = u32::try_from(self.packed.len()).map_err(too_long)?;
        let content = u32::try_from(content).map_err(too_long)?;
        self.write_packed()?;
        self.frames.push(Frame { packed, content });
        Ok(())
    }

    fn write_packed(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.packed, self.len)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&self.packed);
        }
        self.len += u64::try_from(self.packed.len()).unwrap_or(0);
        Ok(())
    }

    fn digest(&self) -> io::Result<Digest> {
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; 1 << 20];
        let mut at = 0;
        while at < self.len {
            let n = self.file.read_at(&mut piece, at)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            hasher.update(&piece[..n]);
            at += u64::try_from(n).unwrap_or(0);
        }
        Ok(hasher.finalize().into())
    }
}

fn write_error(dir: &Path, name: &str, source: io::Error) -> Error {
    Error::from_io(&dir.display().to_string(), "packing", name, source)
}

/// Several slices, read one behind the other.
struct Pieces<'a> {
    current: &'a [u8],
    rest: &'a [&'a [u8]],
}

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            let Some((next, rest)) = self.rest.split_first() else { return Ok(0) };
            (self.current, self.rest) = (next, rest);
        }
        self.current.read(buf)
    }
}

/// Cuts what is written into frames.
pub(super) struct Cutter<'a> {
    out: &'a mut Out,
    codec: &'a dyn Compressor,
    compress: bool,
    raw: Vec<u8>,
    written: u64,
}

impl<'a> Cutter<'a> {
    pub(super) fn new(out: &'a mut Out, codec: &'a dyn Compressor, id: &str) -> Self {
        Self { out, codec, compress: id == CODEC_ZSTD, raw: Vec::with_capacity(CUT_BYTES), written: 0 }
    }

    /// Writes the last frame with the padding that tar asks for, and returns the length of the data.
    pub(super) fn end(mut self) -> io::Result<u64> {
        self.raw.resize(self.raw.len() + tar::padding(self.written), 0);
        if !self.raw.is_empty() {
            self.cut()?;
        }
        Ok(self.written)
    }

    fn cut(&mut self) -> io::Result<()> {
        if self.compress {
            self.out.compressed(&[&self.raw], self.codec)?;
        } else {
            self.out.stored(&self.raw)?;
        }
        self.raw.clear();
        Ok(())
    }
}

impl Write for Cutter<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.raw.len() == CUT_BYTES {
            self.cut()?;
        }
        let n = buf.len().min(CUT_BYTES - self.raw.len());
        self.raw.extend_from_slice(&buf[..n]);
        self.written += u64::try_from(n).unwrap_or(0);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A body of a known length, digested while it is read.
pub(super) struct Source<R> {
    rest: R,
    hasher: blake3::Hasher,
    left: u64,
    /// Why the body failed: a codec may wrap the error, or hide it.
    pub(super) failed: Option<io::Error>,
}

impl<R: Read> Source<R> {
    pub(super) fn new(rest: R, size_bytes: u64) -> Self {
        Self { rest, hasher: blake3::Hasher::new(), left: size_bytes, failed: None }
    }

    /// Makes sure that the body was read, and has no more bytes, and returns its digest.
    pub(super) fn end(mut self) -> io::Result<Digest> {
        if self.left > 0 {
            return Err(io::Error::other("the codec did not read the whole body"));
        }
        expect_end(&mut self.rest)?;
        Ok(self.hasher.finalize().into())
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        if limit == 0 {
            return Ok(0);
        }
        let read = match self.rest.read(&mut buf[..limit]) {
            Ok(0) => Err(short(self.left)),
            read => read,
        };
        match read {
            Ok(n) => {
                self.hasher.update(&buf[..n]);
                self.left -= u64::try_from(n).unwrap_or(0);
                Ok(n)
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Err(e),
            Err(e) => {
                let again = io::Error::new(e.kind(), "the body failed");
                self.failed = Some(e);
                Err(again)
            }
        }
    }
}

/// Reads a body that is exactly so long.
pub(super) fn read_exactly(body: &mut dyn Read, size_bytes: u64, content: &mut Vec<u8>) -> io::Result<()> {
    content.clear();
    body.take(size_bytes).read_to_end(content)?;
    let missing = size_bytes - u64::try_from(content.len()).unwrap_or(u64::MAX).min(size_bytes);
    if missing > 0 { Err(short(missing)) } else { expect_end(body) }
}

/// Encodes bytes, and decodes them again: `false` if that does not give them back, whatever the codec says.
pub(super) fn encode_proven(codec: &dyn Compressor, content: &[u8], encoded: &mut Vec<u8>) -> bool {
    let mut same = Same { rest: content };
    codec.compress(&mut &*content, encoded).is_ok()
        && codec.decompress(&mut encoded.as_slice(), &mut same).is_ok()
        && same.rest.is_empty()
}

fn short(missing: u64) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the body is {missing} bytes shorter than announced"))
}

fn expect_end(body: &mut dyn Read) -> io::Result<()> {
    match io::copy(&mut body.take(1), &mut io::sink())? {
        0 => Ok(()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the body is longer than announced")),
    }
}

/// Takes only the bytes that are expected.
struct Same<'a> {
    rest: &'a [u8],
}

impl Write for Same<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.rest =
            self.rest.strip_prefix(buf).ok_or_else(|| tar::damaged("the codec does not give the bytes back"))?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
