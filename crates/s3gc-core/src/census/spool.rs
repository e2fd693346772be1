//! The listing on disk: it is read twice, and memory must not grow with the bucket.

use std::io;
use std::path::Path;

use s3gc_store::{ETag, ListEntry, ObjectKey, Readable, Timestamp};

use crate::sealed::{SealedFile, SealedReader, SealedWriter};

/// Writes a listing.
#[derive(Debug)]
pub(crate) struct ListSpoolWriter {
    file: SealedWriter,
    record: Vec<u8>,
    count: u64,
    bytes: u64,
}

impl ListSpoolWriter {
    pub(crate) fn create(dir: &Path) -> io::Result<Self> {
        Ok(Self { file: SealedWriter::create(dir)?, record: Vec::new(), count: 0, bytes: 0 })
    }

    /// Appends entries.
    pub(crate) fn push(&mut self, entries: &[ListEntry]) -> io::Result<()> {
        for entry in entries {
            self.record.clear();
            self.record.extend(entry.size_bytes.to_le_bytes());
            self.record.extend(entry.last_modified.as_nanosecond().to_le_bytes());
            self.record.push(match entry.readable {
                Readable::Yes => 0,
                Readable::Archived => 1,
                Readable::NeedsKey => 2,
            });
            let key = entry.key.as_str().as_bytes();
            let length = u16::try_from(key.len()).map_err(io::Error::other)?;
            self.record.extend(length.to_le_bytes());
            self.record.extend(key);
            self.record.extend(entry.etag.as_str().as_bytes());
            self.file.push(&self.record)?;
            self.count += 1;
            self.bytes += entry.size_bytes;
        }
        Ok(())
    }

    /// Returns how many entries were written.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the sum of the objects' lengths in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn finish(self) -> io::Result<ListSpool> {
        Ok(ListSpool { file: self.file.finish()? })
    }
}

/// A complete listing.
#[derive(Debug)]
pub(crate) struct ListSpool {
    file: SealedFile,
}

impl ListSpool {
    /// Returns how many entries there are.
    pub(crate) fn count(&self) -> u64 {
        self.file.count()
    }

    /// Reads from the beginning.
    pub(crate) fn reader(&mut self) -> io::Result<ListSpoolReader<'_>> {
        Ok(ListSpoolReader { file: self.file.reader()?, record: Vec::new() })
    }
}

/// Reads a listing.
pub(crate) struct ListSpoolReader<'a> {
    file: SealedReader<'a>,
    record: Vec<u8>,
}

impl ListSpoolReader<'_> {
    /// Reads up to `limit` entries; fewer only at the end, which is proven complete.
    pub(crate) fn next_chunk(&mut self, limit: usize) -> io::Result<Vec<ListEntry>> {
        let mut chunk = Vec::new();
        while chunk.len() < limit && self.file.next(&mut self.record)? {
            let entry = parse(&self.record)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a record of the spool is damaged"))?;
            chunk.push(entry);
        }
        Ok(chunk)
    }
}

fn parse(record: &[u8]) -> Option<ListEntry> {
    let (size, rest) = record.split_first_chunk::<8>()?;
    let (modified, rest) = rest.split_first_chunk::<16>()?;
    let (readable, rest) = rest.split_first()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (key, etag) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let key = ObjectKey::new(std::str::from_utf8(key).ok()?).ok()?;
    let etag = ETag::new(std::str::from_utf8(etag).ok()?);
    let modified = Timestamp::from_nanosecond(i128::from_le_bytes(*modified)).ok()?;
    let mut entry = ListEntry::new(key, u64::from_le_bytes(*size), etag, modified);
    entry.readable = match readable {
        0 => Readable::Yes,
        1 => Readable::Archived,
        2 => Readable::NeedsKey,
        _ => return None,
    };
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_comes_back_as_it_was() {
        let mut entries: Vec<ListEntry> = ["a", "a//b", " x\n", "é", "😀/%2F"]
            .iter()
            .enumerate()
            .map(|(n, key)| {
                let at = "2026-01-02T03:04:05.678Z".parse().unwrap();
                ListEntry::new(ObjectKey::new(*key).unwrap(), n as u64, ETag::new(&format!("e-{n}")), at)
            })
            .collect();
        entries[1].readable = Readable::Archived;
        let mut writer = ListSpoolWriter::create(&std::env::temp_dir()).unwrap();
        writer.push(&entries).unwrap();
        let mut spool = writer.finish().unwrap();
        let mut reader = spool.reader().unwrap();
        let mut read = reader.next_chunk(3).unwrap();
        assert_eq!(read.len(), 3);
        read.extend(reader.next_chunk(100).unwrap());
        assert_eq!(read, entries);
        assert!(reader.next_chunk(1).unwrap().is_empty());
    }
}
