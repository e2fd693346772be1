//! Writing: into a temporary file first, then under its name in one step.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use rustix::fs::{
    AtFlags, FlockOperation, Mode, OFlags, RenameFlags, flock, fstat, fsync, linkat, openat, renameat, renameat_with,
    statat, unlinkat,
};
use rustix::io::{self, Errno};
use s3gc_failpoint::{Point, hit};
use s3gc_store::{ByteStream, Error, ObjectKey, ObjectMeta, PutMode, Result};
use uuid::Uuid;

use crate::dir::{Root, is_absent, make_parent, make_private, state_of};
use crate::error::failed;
use crate::path::KeyPath;
use crate::read::not_found;
use crate::sidecar::Sidecar;
use crate::state::FileState;
use crate::store::blocking;

pub(crate) const TMP: &str = "tmp";

/// Writes an object, whole or not at all.
pub(crate) async fn put(
    root: &Arc<Root>,
    key: &ObjectKey,
    mut body: ByteStream,
    meta: &ObjectMeta,
    mode: PutMode,
) -> Result<ObjectMeta> {
    let path = KeyPath::new(key)?;
    let expected_bytes = meta.size_bytes;
    let mut temporary = {
        let (root, path, key) = (Arc::clone(root), path.clone(), key.clone());
        blocking(move || {
            let opened = root.open()?;
            check_place(&opened, &path, &key, mode)?;
            Temporary::new(opened).map_err(|error| failed("put", key.as_str(), error))
        })
        .await?
    };
    let wrong_length = |actual_bytes| Error::BodyLength { object: key.to_string(), expected_bytes, actual_bytes };
    let mut written = 0;
    while let Some(piece) = body.next().await {
        let piece = piece?;
        written += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if written > expected_bytes {
            return Err(wrong_length(written));
        }
        temporary = blocking({
            let key = key.clone();
            move || temporary.append(&piece).map_err(|error| failed("put", key.as_str(), error))
        })
        .await?;
    }
    if written != expected_bytes {
        return Err(wrong_length(written));
    }
    let (key, sidecar) = (key.clone(), Sidecar::of(meta));
    blocking(move || temporary.publish(&path, &key, &sidecar, mode)).await
}

/// Refuses before a byte is written what cannot succeed.
fn check_place(root: &OwnedFd, path: &KeyPath, key: &ObjectKey, mode: PutMode) -> Result<()> {
    let mut directory = root.as_fd().try_clone_to_owned().map_err(|error| failed("put", key.as_str(), error))?;
    let refuse = |reason: &str| Error::UnsafeKey { key: key.to_string(), reason: reason.to_owned() };
    for name in &path.directories {
        directory = match crate::dir::open_dir(&directory, &**name) {
            Ok(below) => below,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) if is_absent(error) => {
                return Err(refuse(&format!(
                    "there is a file or a symbolic link in the place of the directory {name:?}"
                )));
            }
            Err(error) => return Err(failed("put", key.as_str(), error)),
        };
    }
    match statat(&directory, &*path.name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(failed("put", key.as_str(), error)),
        Ok(stat) if FileState::new(&stat).is_none() => {
            Err(refuse("there is a directory or something else than a file in its place"))
        }
        Ok(_) if mode == PutMode::Create => Err(Error::Precondition { key: key.to_string() }),
        Ok(_) => Ok(()),
    }
}

/// A file that is being written; it is removed unless it gets its name.
///
/// It is locked for as long as its writer lives, so that the leftovers of a crash can be told from it.
struct Temporary {
    root: OwnedFd,
    directory: OwnedFd,
    name: String,
    file: std::fs::File,
}

impl Temporary {
    fn new(root: OwnedFd) -> io::Result<Self> {
        let directory = make_private(&root, TMP)?;
        let name = Uuid::now_v7().to_string();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&directory, &name, flags, Mode::from_raw_mode(0o666))?.into();
        let temporary = Self { root, directory, name, file };
        flock(&temporary.file, FlockOperation::NonBlockingLockExclusive)?;
        // Somebody who sweeps up leftovers may have been faster than the lock.
        if fstat(&temporary.file)?.st_nlink == 0 { Err(Errno::AGAIN) } else { Ok(temporary) }
    }

    fn append(mut self, piece: &Bytes) -> std::io::Result<Self> {
        self.file.write_all(piece)?;
        Ok(self)
    }

    fn publish(self, path: &KeyPath, key: &ObjectKey, sidecar: &Sidecar, mode: PutMode) -> Result<ObjectMeta> {
        let fail = |error: Errno| failed("put", key.as_str(), error);
        self.file.sync_all().map_err(|error| failed("put", key.as_str(), error))?;
        hit(Point::FileWritten);
        let stat = fstat(&self.file).map_err(fail)?;
        let state = FileState::new(&stat).ok_or_else(|| fail(Errno::INVAL))?;
        let parent = make_parent(&self.root, path).map_err(fail)?;
        let replaced = state_of(&parent, &*path.name).map_err(fail)?;
        // Before the object: nobody sees it without what belongs to it.
        sidecar.write(&self.root, key, &state)?;
        let moved = match mode {
            PutMode::Create => move_without_replacing(&self.directory, &self.name, &parent, &path.name),
            PutMode::Replace => renameat(&self.directory, &self.name, &parent, &*path.name),
        };
        if let Err(error) = moved {
            Sidecar::remove(&self.root, key, &state);
            return Err(match error {
                Errno::EXIST => Error::Precondition { key: key.to_string() },
                other => fail(other),
            });
        }
        hit(Point::FilePublished);
        fsync(&parent).map_err(fail)?;
        if let Some(replaced) = replaced.filter(|replaced| mode == PutMode::Replace && !replaced.has_content_of(&state))
        {
            Sidecar::remove(&self.root, key, &replaced);
        }
        // The rename has changed the change time, and with it the entity tag.
        let stat = fstat(&self.file).map_err(fail)?;
        let state = FileState::new(&stat).ok_or_else(|| not_found(key))?;
        Ok(sidecar.clone().into_meta(&state))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        match unlinkat(&self.directory, &self.name, AtFlags::empty()) {
            // It has got its name.
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => tracing::debug!(name = %self.name, %error, "a temporary file was not removed"),
        }
    }
}

/// Moves a file where there is none of its new name.
pub(crate) fn move_without_replacing(from: impl AsFd, name: &str, to: impl AsFd, new_name: &str) -> io::Result<()> {
    match renameat_with(&from, name, &to, new_name, RenameFlags::NOREPLACE) {
        // Some file systems, such as NFS, cannot do it in one step.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            linkat(&from, name, &to, new_name, AtFlags::empty())?;
            unlinkat(&from, name, AtFlags::empty())
        }
        done => done,
    }
}

/// Removes what crashed writers left behind: files that nobody has locked.
pub(crate) fn remove_leftovers(root: &OwnedFd) -> io::Result<()> {
    let directory = match crate::dir::private(root, TMP) {
        Ok(directory) => directory,
        Err(error) if is_absent(error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in rustix::fs::Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match openat(&directory, name, flags, Mode::empty()) {
            Ok(file) if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() => {
                unlinkat(&directory, name, AtFlags::empty())?;
            }
            Ok(_) => {}
            Err(error) if is_absent(error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
