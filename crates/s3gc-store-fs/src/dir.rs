//! Directories by their descriptors: no step ever follows a symbolic link, and none can be made to.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstat, fsync, mkdirat, openat, statat};
use rustix::io::{self, Errno};
use s3gc_store::{Error, Location, Result};

use crate::error::failed;
use crate::path::{KeyPath, PRIVATE};
use crate::state::FileState;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The directory of the store, as it was when the store was opened.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    location: Location,
    device: u64,
    inode: u64,
}

impl Root {
    /// Takes a directory, and frees its path from symbolic links.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let shown = Location::directory(&path.to_string_lossy());
        let path = std::fs::canonicalize(path).map_err(|error| root_failed(&shown, error))?;
        let Some(utf8) = path.to_str() else {
            let reason = "the path of the directory is not UTF-8, so it cannot name the store".to_owned();
            return Err(Error::Protocol { operation: "open", object: shown.to_string(), reason });
        };
        let location = Location::directory(utf8);
        let stat = open_path(&path).and_then(fstat).map_err(|error| root_failed(&location, error))?;
        Ok(Self { location, path, device: stat.st_dev, inode: stat.st_ino })
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// Opens the directory, and proves that it is still the same: where a volume is not mounted any more, there is an
    /// empty directory of the same name, and nothing in it is gone.
    pub(crate) fn open(&self) -> Result<OwnedFd> {
        let opened = open_path(&self.path).and_then(|root| fstat(&root).map(|stat| (root, stat)));
        match opened {
            Ok((root, stat)) if (stat.st_dev, stat.st_ino) == (self.device, self.inode) => Ok(root),
            Ok(_) => Err(root_failed(&self.location, Errno::STALE)),
            Err(error) => Err(root_failed(&self.location, error)),
        }
    }
}

fn open_path(path: &Path) -> io::Result<OwnedFd> {
    openat(CWD, path, DIRECTORY, Mode::empty())
}

fn root_failed(location: &Location, error: impl Into<std::io::Error>) -> Error {
    let error = error.into();
    match Errno::from_io_error(&error) {
        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::STALE) => {
            Error::NoSuchStore { location: location.to_string() }
        }
        _ => failed("open", location.as_str(), error),
    }
}

/// Opens the directory that holds a key's file.
pub(crate) fn parent(root: impl AsFd, path: &KeyPath) -> io::Result<OwnedFd> {
    let root = duplicate(root)?;
    path.directories.iter().try_fold(root, |directory, name| open_dir(directory, &**name))
}

/// The same, and makes the directories that are missing.
pub(crate) fn make_parent(root: impl AsFd, path: &KeyPath) -> io::Result<OwnedFd> {
    let root = duplicate(root)?;
    path.directories.iter().try_fold(root, |directory, name| make_dir(directory, name, 0o777))
}

/// Opens a directory below `.s3gc`, if it is there.
pub(crate) fn private(root: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    open_dir(open_dir(root, PRIVATE)?, name)
}

/// The same, and makes it, so that nobody else can look into it: a web server may serve the store's directory.
pub(crate) fn make_private(root: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    make_dir(make_dir(root, PRIVATE, 0o700)?, name, 0o700)
}

/// Opens a directory in a directory.
pub(crate) fn open_dir(directory: impl AsFd, name: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    openat(directory, name, DIRECTORY, Mode::empty())
}

/// Opens a directory in a directory; makes it, durably, if it is missing.
pub(crate) fn make_dir(directory: impl AsFd, name: &str, mode: u32) -> io::Result<OwnedFd> {
    match mkdirat(&directory, name, Mode::from_raw_mode(mode)) {
        Ok(()) => fsync(&directory)?,
        Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    open_dir(directory, name)
}

/// Reads the state of a file; `None` if there is none of this name, or something that is not a regular file.
pub(crate) fn state_of(directory: impl AsFd, name: impl rustix::path::Arg) -> io::Result<Option<FileState>> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(FileState::new(&stat)),
        Err(error) if is_absent(error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tells whether an error means that there is no such object: no such name, or a file or a symbolic link on the way.
pub(crate) fn is_absent(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}

fn duplicate(fd: impl AsFd) -> io::Result<OwnedFd> {
    io::fcntl_dupfd_cloexec(fd, 0)
}
