//! The trash: where a file waits, under no name that anybody uses, until it is known to be the one that was staged.
//!
//! `.s3gc/trash/<id>/` belongs to one call of `delete`: `keys` lists the keys of the call, durably before the first file
//! is moved, and the file `7` is that of the seventh key. The directory is locked while the call lives, so that the
//! leftovers of a crash can be told from it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, flock, fsync, mkdirat, openat, unlinkat};
use rustix::io::{self, Errno};
use s3gc_failpoint::{Point, hit};
use s3gc_store::{Error, ObjectKey, Result};
use uuid::Uuid;

use crate::dir::{is_absent, make_parent, make_private, open_dir, private, state_of};
use crate::error::failed;
use crate::path::KeyPath;
use crate::put::move_without_replacing;

const TRASH: &str = "trash";
const KEYS: &str = "keys";

/// The part of the trash that one call of `delete` uses.
#[derive(Debug)]
pub(crate) struct Trash {
    parent: OwnedFd,
    name: String,
    pub(crate) directory: OwnedFd,
}

impl Trash {
    /// Makes it, and notes the keys whose files may come into it.
    pub(crate) fn new(root: &OwnedFd, keys: &[ObjectKey]) -> std::io::Result<Self> {
        // A recovery may take a directory away that is not locked yet.
        let mut attempts = 3;
        loop {
            attempts -= 1;
            match Self::try_new(root, keys) {
                Err(error)
                    if attempts > 0 && matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::AGAIN)) => {}
                done => return done,
            }
        }
    }

    fn try_new(root: &OwnedFd, keys: &[ObjectKey]) -> std::io::Result<Self> {
        let parent = make_private(root, TRASH)?;
        let name = Uuid::now_v7().to_string();
        mkdirat(&parent, &name, Mode::from_raw_mode(0o700))?;
        let directory = open_dir(&parent, &name)?;
        let trash = Self { parent, name, directory };
        flock(&trash.directory, FlockOperation::NonBlockingLockExclusive)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&trash.directory, KEYS, flags, Mode::from_raw_mode(0o600))?);
        file.write_all(&serde_json::to_vec(keys)?)?;
        file.sync_all()?;
        fsync(&trash.directory)?;
        fsync(&trash.parent)?;
        hit(Point::TrashMade);
        Ok(trash)
    }
}

#[cfg(test)]
impl Trash {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Trash {
    fn drop(&mut self) {
        if let Err(error) = remove_if_empty(&self.parent, &self.name, &self.directory) {
            tracing::debug!(name = %self.name, %error, "a directory of the trash was not removed");
        }
    }
}

/// What came out of the trash after a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// The objects that were put back.
    pub put_back: Vec<ObjectKey>,
    /// The objects that stay in `.s3gc/trash`, because a newer one has their name.
    pub kept_in_trash: Vec<ObjectKey>,
}

/// Puts back what deletions that crashed have left in the trash. Nothing is deleted, and nothing replaced.
pub(crate) fn recover(root: &OwnedFd) -> Result<Recovery> {
    let fail = |error: Errno| failed("recover", ".s3gc/trash", error);
    let mut recovery = Recovery::default();
    let trash = match private(root, TRASH) {
        Ok(trash) => trash,
        Err(error) if is_absent(error) => return Ok(recovery),
        Err(error) => return Err(fail(error)),
    };
    for name in names(&trash).map_err(fail)? {
        let directory = match open_dir(&trash, &name) {
            Ok(directory) => directory,
            Err(error) if is_absent(error) => continue,
            Err(error) => return Err(fail(error)),
        };
        // Locked: a deletion is on its way, and not a crash.
        if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_ok() {
            put_back(root, &name, &directory, &mut recovery)?;
            remove_if_empty(&trash, &name, &directory).map_err(fail)?;
        }
    }
    Ok(recovery)
}

fn put_back(root: &OwnedFd, name: &str, directory: &OwnedFd, recovery: &mut Recovery) -> Result<()> {
    let files: Vec<_> = names(directory).map_err(|error| failed("recover", name, error))?;
    let files: Vec<_> = files.into_iter().filter(|file| file != KEYS).collect();
    if files.is_empty() {
        return Ok(());
    }
    let keys = read_keys(directory).map_err(|error| failed("read the keys of .s3gc/trash", name, error))?;
    for file in files {
        let key = file.parse().ok().and_then(|index: usize| keys.get(index)).ok_or_else(|| Error::Protocol {
            operation: "recover",
            object: format!(".s3gc/trash/{name}/{file}"),
            reason: "nobody knows where this file belongs: put it back by hand".to_owned(),
        })?;
        let fail = |error: Errno| failed("recover", key.as_str(), error);
        let path = KeyPath::new(key)?;
        let parent = make_parent(root, &path).map_err(fail)?;
        match move_without_replacing(directory, &file, &parent, &path.name) {
            Ok(()) => {
                fsync(&parent).map_err(fail)?;
                recovery.put_back.push(key.clone());
            }
            Err(Errno::EXIST) if is_same(directory, &file, &parent, &path.name).map_err(fail)? => {
                unlinkat(directory, &file, AtFlags::empty()).map_err(fail)?;
                recovery.put_back.push(key.clone());
            }
            Err(Errno::EXIST) => recovery.kept_in_trash.push(key.clone()),
            Err(error) => return Err(fail(error)),
        }
    }
    Ok(())
}

/// Tells whether two names are of the same file: a move in two steps was cut between them.
fn is_same(directory: &OwnedFd, file: &str, parent: &OwnedFd, name: &str) -> io::Result<bool> {
    let both = state_of(directory, file)?.zip(state_of(parent, name)?);
    Ok(both.is_some_and(|(ours, theirs)| ours == theirs))
}

fn read_keys(directory: &OwnedFd) -> std::io::Result<Vec<ObjectKey>> {
    let mut text = Vec::new();
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    File::from(openat(directory, KEYS, flags, Mode::empty())?).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Removes a directory of the trash and its list of keys, unless it holds a file.
fn remove_if_empty(parent: &OwnedFd, name: &str, directory: &OwnedFd) -> io::Result<()> {
    if names(directory)?.iter().any(|file| file != KEYS) {
        return Ok(());
    }
    match unlinkat(directory, KEYS, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error),
    }
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Reads the names in a directory of ours; foreign ones that are not UTF-8 are replaced, and then fit nothing.
fn names(directory: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    Ok(names)
}
