//! The files, synchronously.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use s3gc_failpoint::{Point, hit};

use super::temporary::Temporary;
use crate::{FileName, VaultFile};

/// Where files are written before they get their name. No [`FileName`] has a `~`, so no file of the vault can be in it.
const TEMPORARY: &str = "tmp~";
/// Where the mutable records are.
const RECORDS: &str = "leases~";

/// A directory, open.
#[derive(Debug)]
pub(super) struct Files {
    root: OwnedFd,
    pub(super) temporary: OwnedFd,
    pub(super) records: OwnedFd,
}

/// What became of a file.
pub(super) enum Placed {
    /// It is there, and survives a loss of power.
    Durable,
    /// Another file was there.
    Conflict,
}

impl Files {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        create_all(path)?;
        let root = rustix::fs::open(path, DIRECTORY, Mode::empty())?;
        let temporary = subdirectory(root.as_fd(), TEMPORARY, true)?;
        let records = subdirectory(root.as_fd(), RECORDS, true)?;
        super::temporary::remove_leftovers(&temporary)?;
        Ok(Self { root, temporary, records })
    }

    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.root)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Writes a file: `next` gives pieces, then `None` in a `Some` as the end; a plain `None` means that the body failed.
    pub(super) fn put(
        &self,
        name: &FileName,
        size_bytes: u64,
        mut next: impl FnMut() -> Option<Option<Bytes>>,
    ) -> io::Result<Placed> {
        let mut temporary = Temporary::create(&self.temporary)?;
        hit(Point::VaultWriting);
        let mut left = size_bytes;
        loop {
            match next() {
                None => return Err(io::Error::other("the body failed")),
                Some(None) => break,
                Some(Some(piece)) => {
                    let rest = u64::try_from(piece.len()).ok().and_then(|len| left.checked_sub(len));
                    left = rest.ok_or_else(|| body_length("longer"))?;
                    temporary.file.write_all(&piece)?;
                }
            }
        }
        if left > 0 {
            return Err(body_length("shorter"));
        }
        hit(Point::VaultWritten);
        temporary.file.sync_all()?;
        hit(Point::VaultSynced);
        let (parent, leaf) = self.parent(name, true)?;
        match temporary.rename_into(&parent, leaf) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let existing = open_file(&parent, leaf)?;
                if !is_same(&existing, &temporary.file, size_bytes)? {
                    return Ok(Placed::Conflict);
                }
                // Whoever wrote it may have died before this.
                existing.sync_all()?;
            }
            Err(e) => return Err(e),
        }
        hit(Point::VaultRenamed);
        rustix::fs::fsync(&parent)?;
        hit(Point::VaultDurable);
        Ok(Placed::Durable)
    }

    /// Reads a range; `None` if there is no such file.
    pub(super) fn read_range(&self, name: &FileName, range: Range<u64>) -> io::Result<Option<Bytes>> {
        let Some(file) = self.find(name)? else { return Ok(None) };
        let size_bytes = file.metadata()?.len();
        let wanted = range.end.checked_sub(range.start).filter(|_| range.end <= size_bytes);
        let wanted = wanted.and_then(|wanted| usize::try_from(wanted).ok()).ok_or_else(|| {
            let reason = format!("bytes {} to {} of a file of {size_bytes} bytes", range.start, range.end);
            io::Error::new(io::ErrorKind::InvalidInput, reason)
        })?;
        let mut bytes = vec![0; wanted];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok(Some(bytes.into()))
    }

    /// Returns the length of a file; `None` if there is no such file.
    pub(super) fn size(&self, name: &FileName) -> io::Result<Option<u64>> {
        self.find(name)?.map(|file| Ok(file.metadata()?.len())).transpose()
    }

    pub(super) fn list(&self, prefix: &str) -> io::Result<Vec<VaultFile>> {
        let mut found = Vec::new();
        list_into(&self.root, "", prefix, &mut found)?;
        Ok(found)
    }

    pub(super) fn remove(&self, name: &FileName) -> io::Result<()> {
        let Some((parent, leaf)) = there(self.parent(name, false))? else { return Ok(()) };
        if there(rustix::fs::unlinkat(&parent, leaf, AtFlags::empty()).map_err(io::Error::from))?.is_some() {
            hit(Point::VaultUnlinked);
        }
        // Also if it was gone already: whoever removed it may have died before this.
        rustix::fs::fsync(&parent)?;
        Ok(())
    }

    fn find(&self, name: &FileName) -> io::Result<Option<File>> {
        let Some((parent, leaf)) = there(self.parent(name, false))? else { return Ok(None) };
        there(open_file(&parent, leaf))
    }

    /// Opens the directory that holds a file, step by step, so that no symbolic link leads out of the vault.
    fn parent<'a>(&self, name: &'a FileName, create: bool) -> io::Result<(OwnedFd, &'a str)> {
        let (directories, leaf) = name.as_str().rsplit_once('/').unwrap_or(("", name.as_str()));
        let mut parent = self.root.try_clone()?;
        for directory in directories.split('/').filter(|part| !part.is_empty()) {
            parent = subdirectory(parent.as_fd(), directory, create)?;
        }
        Ok((parent, leaf))
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens a directory in another one, and creates it durably if that is wished.
fn subdirectory(parent: BorrowedFd<'_>, name: &str, create: bool) -> io::Result<OwnedFd> {
    if create {
        match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o750)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(e.into()),
        }
        // Also if it was there: whoever made it may not have come so far.
        rustix::fs::fsync(parent)?;
    }
    Ok(rustix::fs::openat(parent, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?)
}

/// Creates the vault's own directory and those above it, durably.
fn create_all(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_all(parent)?;
        match std::fs::create_dir(path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => File::open(parent)?.sync_all()?,
        }
    }
    Ok(())
}

/// Opens a regular file for reading.
pub(super) fn open_file(parent: &OwnedFd, name: &str) -> io::Result<File> {
    // Not to wait for a pipe that somebody put there.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(parent, name, flags, Mode::empty())?);
    match file.metadata()?.file_type() {
        kind if kind.is_file() => Ok(file),
        kind if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::other("it is not a regular file")),
    }
}

/// Tells whether there is no file of the name: a directory is none, and a file has nothing below it.
fn is_absence(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory)
}

/// Makes `None` of the error that says that something is not there.
pub(super) fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(e) if is_absence(e.kind()) => Ok(None),
        Err(e) => Err(e),
    }
}

fn list_into(directory: &OwnedFd, path: &str, prefix: &str, found: &mut Vec<VaultFile>) -> io::Result<()> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let Ok(part) = entry.file_name().to_str() else { continue };
        // `.`, `..`, the vault's own directories, and whatever somebody else put there.
        let Ok(name) = FileName::new(format!("{path}{part}")) else { continue };
        let stat = rustix::fs::statat(directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
        let Some(stat) = there(stat.map_err(io::Error::from))? else { continue };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile if name.as_str().starts_with(prefix) => {
                found.push(VaultFile { name, size_bytes: u64::try_from(stat.st_size).unwrap_or(0) });
            }
            FileType::Directory => {
                let below = format!("{name}/");
                let may_match = below.starts_with(prefix) || prefix.starts_with(&below);
                if may_match && let Some(inner) = there(subdirectory(directory.as_fd(), part, false))? {
                    list_into(&inner, &below, prefix, found)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_same(existing: &File, written: &File, size_bytes: u64) -> io::Result<bool> {
    if existing.metadata()?.len() != size_bytes {
        return Ok(false);
    }
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut at = 0;
    while at < size_bytes {
        let n = usize::try_from(size_bytes - at).unwrap_or(usize::MAX).min(a.len());
        existing.read_exact_at(&mut a[..n], at)?;
        written.read_exact_at(&mut b[..n], at)?;
        if a[..n] != b[..n] {
            return Ok(false);
        }
        at += u64::try_from(n).unwrap_or(0);
    }
    Ok(true)
}

fn body_length(how: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the body is {how} than announced"))
}

/// Renames without replacing anything.
pub(super) fn rename_new(from: &OwnedFd, name: &str, to: &OwnedFd, new: &str) -> io::Result<()> {
    match rustix::fs::renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            // Not every file system knows the flag (NFS): a second name replaces nothing either.
            rustix::fs::linkat(from, name, to, new, AtFlags::empty())?;
            Ok(rustix::fs::unlinkat(from, name, AtFlags::empty())?)
        }
        renamed => Ok(renamed?),
    }
}
