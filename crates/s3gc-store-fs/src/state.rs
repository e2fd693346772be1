//! What tells one state of a file from another.

use std::fmt;

use jiff::Timestamp;
use rustix::fs::{FileType, Stat};
use s3gc_store::ETag;

/// One state of a regular file.
///
/// The entity tag is made of all of it. The inode tells another file of the same name, the change time tells a rewrite
/// whose modification time was set back. A `chmod` or a rename also makes another state: the object then counts as
/// rewritten, which keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileState {
    inode: u64,
    pub(crate) size_bytes: u64,
    modified: Timestamp,
    changed: Timestamp,
}

impl FileState {
    /// Describes a regular file; `None` for anything else, and for times that no calendar holds.
    pub(crate) fn new(stat: &Stat) -> Option<Self> {
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return None;
        }
        let instant = |seconds: i64, nanoseconds: u64| Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok();
        Some(Self {
            inode: stat.st_ino,
            size_bytes: u64::try_from(stat.st_size).ok()?,
            modified: instant(stat.st_mtime, stat.st_mtime_nsec)?,
            changed: instant(stat.st_ctime, stat.st_ctime_nsec)?,
        })
    }

    pub(crate) fn etag(&self) -> ETag {
        ETag::new(&self.to_string())
    }

    /// The later of modification and change: an upload that keeps the time of its original is young all the same.
    pub(crate) fn last_modified(&self) -> Timestamp {
        self.modified.max(self.changed)
    }

    /// Tells whether two states have the same bytes as far as the file system can tell.
    ///
    /// The change time is left out, because our own rename into the trash changes it.
    pub(crate) fn has_content_of(&self, other: &Self) -> bool {
        self.content() == other.content()
    }

    /// What stays the same while the bytes do.
    pub(crate) fn content(&self) -> (u64, u64, Timestamp) {
        (self.inode, self.size_bytes, self.modified)
    }
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inode, size_bytes, modified, changed } = self;
        // Never `-` and digits at the end, which would be the tag of a multipart upload.
        write!(f, "fs.{inode:x}.{size_bytes:x}.{:x}.{:x}", modified.as_nanosecond(), changed.as_nanosecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(inode: u64, size_bytes: u64, modified: i64, changed: i64) -> FileState {
        let at = |ns| Timestamp::from_nanosecond(i128::from(ns)).unwrap();
        FileState { inode, size_bytes, modified: at(modified), changed: at(changed) }
    }

    #[test]
    fn every_part_of_the_state_is_in_the_tag() {
        let base = state(1, 2, 3, 4);
        for other in [state(9, 2, 3, 4), state(1, 9, 3, 4), state(1, 2, 9, 4), state(1, 2, 3, 9)] {
            assert_ne!(base.etag(), other.etag());
        }
        assert_eq!(base.etag(), state(1, 2, 3, 4).etag());
        assert!(!base.etag().is_multipart());
    }

    #[test]
    fn the_age_counts_from_the_later_of_modification_and_change() {
        assert_eq!(state(1, 2, 3, 4).last_modified(), state(1, 2, 4, 3).last_modified());
    }

    #[test]
    fn the_content_is_compared_without_the_change_time() {
        let base = state(1, 2, 3, 4);
        assert!(base.has_content_of(&state(1, 2, 3, 9)));
        for other in [state(9, 2, 3, 4), state(1, 9, 3, 4), state(1, 2, 9, 4)] {
            assert!(!base.has_content_of(&other));
        }
    }
}
