//! Local files that cannot be cut short unnoticed: records, then their count and a digest.
//!
//! Spools, spilled key sets and plans in the making are written and read back through this one format. A reader says
//! that it is at the end only after count and digest were right.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Marks the trailer; no record is as long.
const TRAILER: u32 = u32::MAX;

/// Writes a sealed file into an unnamed temporary file.
pub(crate) struct SealedWriter {
    out: zstd::Encoder<'static, BufWriter<File>>,
    hasher: blake3::Hasher,
    count: u64,
}

impl SealedWriter {
    /// Begins a file in this directory, which nobody else can open and which is gone when it is closed.
    pub(crate) fn create(dir: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(dir)?;
        let out = zstd::Encoder::new(BufWriter::with_capacity(1 << 16, file), 1)?;
        Ok(Self { out, hasher: blake3::Hasher::new(), count: 0 })
    }

    /// Appends a record.
    pub(crate) fn push(&mut self, record: &[u8]) -> io::Result<()> {
        let length = u32::try_from(record.len()).ok().filter(|length| *length != TRAILER);
        let length = length.ok_or_else(|| io::Error::other("a record of a spool is too long"))?.to_le_bytes();
        self.hasher.update(&length);
        self.hasher.update(record);
        self.out.write_all(&length)?;
        self.out.write_all(record)?;
        self.count += 1;
        Ok(())
    }

    /// Seals the file.
    pub(crate) fn finish(mut self) -> io::Result<SealedFile> {
        self.out.write_all(&TRAILER.to_le_bytes())?;
        self.out.write_all(&self.count.to_le_bytes())?;
        self.out.write_all(self.hasher.finalize().as_bytes())?;
        let file = self.out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(SealedFile { file, count: self.count })
    }
}

impl std::fmt::Debug for SealedWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedWriter").field("count", &self.count).finish_non_exhaustive()
    }
}

/// A sealed file.
#[derive(Debug)]
pub(crate) struct SealedFile {
    file: File,
    count: u64,
}

impl SealedFile {
    /// Returns how many records were written.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Reads from the beginning. One reader at a time: readers share the file's position.
    pub(crate) fn reader(&mut self) -> io::Result<SealedReader<'_>> {
        self.file.seek(SeekFrom::Start(0))?;
        let input = zstd::Decoder::new(&self.file)?;
        Ok(SealedReader { input, hasher: blake3::Hasher::new(), read: 0, expected: self.count, done: false })
    }
}

/// Reads a sealed file.
pub(crate) struct SealedReader<'a> {
    input: zstd::Decoder<'static, BufReader<&'a File>>,
    hasher: blake3::Hasher,
    read: u64,
    expected: u64,
    done: bool,
}

impl SealedReader<'_> {
    /// Reads the next record; `false` at the end, and only if count and digest are right.
    pub(crate) fn next(&mut self, record: &mut Vec<u8>) -> io::Result<bool> {
        if self.done {
            return Ok(false);
        }
        let mut length = [0; 4];
        self.input.read_exact(&mut length)?;
        if u32::from_le_bytes(length) == TRAILER {
            return self.check_trailer().map(|()| false);
        }
        self.hasher.update(&length);
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
        record.resize(length, 0);
        self.input.read_exact(record)?;
        self.hasher.update(record);
        self.read += 1;
        Ok(true)
    }

    fn check_trailer(&mut self) -> io::Result<()> {
        let (mut count, mut digest) = ([0; 8], [0; 32]);
        self.input.read_exact(&mut count)?;
        self.input.read_exact(&mut digest)?;
        let damaged = |what| Err(io::Error::new(io::ErrorKind::InvalidData, format!("a spool is damaged: {what}")));
        if u64::from_le_bytes(count) != self.read || self.read != self.expected {
            return damaged("records are missing");
        }
        if *self.hasher.finalize().as_bytes() != digest {
            return damaged("its digest is wrong");
        }
        self.done = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(records: &[&[u8]]) -> SealedFile {
        let mut writer = SealedWriter::create(&std::env::temp_dir()).unwrap();
        for record in records {
            writer.push(record).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(file: &mut SealedFile) -> io::Result<Vec<Vec<u8>>> {
        let mut reader = file.reader()?;
        let (mut all, mut record) = (Vec::new(), Vec::new());
        while reader.next(&mut record)? {
            all.push(record.clone());
        }
        Ok(all)
    }

    #[test]
    fn records_come_back_as_often_as_they_are_read() {
        let mut file = sealed(&[b"a", b"", b"ccc"]);
        for _ in 0..2 {
            assert_eq!(read(&mut file).unwrap(), [&b"a"[..], b"", b"ccc"]);
        }
    }

    #[test]
    fn i04_a_spool_that_lost_records_is_an_error() {
        let short = sealed(&[b"a"]);
        let mut file = SealedFile { file: short.file, count: 2 };
        assert!(read(&mut file).unwrap_err().to_string().contains("records are missing"));
        let mut cut = sealed(&[&b"abcdefgh"[..]; 1000]);
        let length = cut.file.metadata().unwrap().len();
        cut.file.set_len(length - 3).unwrap();
        assert!(read(&mut cut).is_err());
    }
}
