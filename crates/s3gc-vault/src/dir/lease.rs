//! Mutable records: a small file each, changed under a lock.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::fs::{Mode, OFlags};
use s3gc_failpoint::{Point, hit};

use super::files::{Files, open_file, there};
use super::temporary::Temporary;
use crate::FileName;

impl Files {
    /// Reads a record.
    pub(super) fn read_record(&self, slot: &str) -> io::Result<Option<Vec<u8>>> {
        check(slot)?;
        let Some(mut file) = there(open_file(&self.records, slot))? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // A swap may be between its renaming and its syncing: what is told has to last.
        rustix::fs::fsync(&self.records)?;
        Ok(Some(bytes))
    }

    /// Replaces a record if it is still the expected one.
    pub(super) fn swap_record(&self, slot: &str, expected: Option<&[u8]>, new: &[u8]) -> io::Result<bool> {
        check(slot)?;
        // The lock is beside the record, which is replaced as a whole. No slot has a `~`.
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o640);
        let lock = File::from(rustix::fs::openat(&self.records, format!("{slot}~lock"), flags, mode)?);
        lock.lock()?;
        if self.read_record(slot)?.as_deref() != expected {
            return Ok(false);
        }
        let mut temporary = Temporary::create(&self.temporary)?;
        temporary.file.write_all(new)?;
        temporary.file.sync_all()?;
        hit(Point::RecordWritten);
        temporary.replace(&self.records, slot)?;
        hit(Point::RecordReplaced);
        rustix::fs::fsync(&self.records)?;
        Ok(true)
    }
}

fn check(slot: &str) -> io::Result<()> {
    match FileName::new(slot) {
        Ok(name) if !name.as_str().contains('/') => Ok(()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{slot:?} cannot name a record"))),
    }
}
