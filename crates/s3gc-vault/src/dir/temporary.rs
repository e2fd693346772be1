//! Files that have no name yet.

use std::fs::{File, TryLockError};
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use uuid::{NoContext, Timestamp, Uuid};

use super::files::{open_file, rename_new, there};

/// A file that is removed when it is dropped without having been renamed. It is locked while it lives, so that another
/// process can tell it from what a crash left behind.
pub(super) struct Temporary<'a> {
    directory: &'a OwnedFd,
    name: Option<String>,
    pub(super) file: File,
}

impl<'a> Temporary<'a> {
    pub(super) fn create(directory: &'a OwnedFd) -> io::Result<Self> {
        loop {
            // Only the random part of the id matters.
            let name = Uuid::new_v7(Timestamp::from_unix(NoContext, 0, 0)).to_string();
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = File::from(rustix::fs::openat(directory, &name, flags, Mode::from_raw_mode(0o640))?);
            let created = Self { directory, name: Some(name), file };
            created.file.lock()?;
            // Between creation and lock, another process may have taken it for a leftover.
            if rustix::fs::fstat(&created.file)?.st_nlink > 0 {
                return Ok(created);
            }
        }
    }

    /// Gives the file its name; fails with `AlreadyExists` where the name is taken, and then stays temporary.
    pub(super) fn rename_into(&mut self, directory: &OwnedFd, name: &str) -> io::Result<()> {
        if let Some(temporary) = &self.name {
            rename_new(self.directory, temporary, directory, name)?;
        }
        self.name = None;
        Ok(())
    }

    /// Gives the file a name that another file may have until now.
    pub(super) fn replace(&mut self, directory: &OwnedFd, name: &str) -> io::Result<()> {
        if let Some(temporary) = &self.name {
            rustix::fs::renameat(self.directory, temporary, directory, name)?;
        }
        self.name = None;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name
            && let Err(error) = rustix::fs::unlinkat(self.directory, name, AtFlags::empty())
        {
            tracing::debug!(name, %error, "a temporary file stays until the vault is opened again");
        }
    }
}

/// Removes temporary files that nobody writes any more.
pub(super) fn remove_leftovers(directory: &OwnedFd) -> io::Result<()> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().ok().filter(|name| !matches!(*name, "." | "..")) else { continue };
        let Some(file) = there(open_file(directory, name))? else { continue };
        match file.try_lock() {
            Ok(()) => {
                there(rustix::fs::unlinkat(directory, name, AtFlags::empty()).map_err(io::Error::from))?;
                tracing::info!(name, "removed what an interrupted write left in the vault");
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(e)) => return Err(e),
        }
    }
    Ok(())
}
