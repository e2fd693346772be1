//! Listing: one walk through the directory, in memory that does not grow with it.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Stat, statat};
use rustix::io;
use s3gc_store::{Error, ListEnd, ListEntry, ListItem, ListPage, MAX_KEY_BYTES, ObjectKey, Result, SkippedName};

use crate::dir::{Root, is_absent, open_dir};
use crate::error::failed;
use crate::path::PRIVATE;
use crate::state::FileState;

/// How many names a page holds; the same as on S3.
const PAGE: usize = 1000;

/// Walks through the store and hands over its objects, page by page, then the end.
///
/// `emit` returns false when nobody listens any more. Files come in the order in which the file system has them: to
/// sort them would need the names of a whole directory in memory, and a directory may hold millions.
pub(crate) fn walk(root: &Root, prefix: &str, emit: &mut dyn FnMut(ListItem) -> bool) -> Result<()> {
    let top = read_dir(root.open()?, root.location().as_str())?;
    let mut walk = Walk { prefix: prefix.as_bytes(), page: ListPage::default(), entries: 0, skipped: 0, emit };
    let mut levels = vec![Level { dir: top, path: Vec::new(), is_case_known: false }];
    while let Some(level) = levels.last_mut() {
        match walk.step(level)? {
            Step::Next => {}
            Step::Into(below) => levels.push(below),
            Step::Up => drop(levels.pop()),
            Step::Stop => return Ok(()),
        }
    }
    // The names that were read are all that there are only if the directory is still in its place.
    drop(root.open()?);
    walk.end();
    Ok(())
}

struct Walk<'a> {
    prefix: &'a [u8],
    page: ListPage,
    entries: u64,
    skipped: u64,
    emit: &'a mut dyn FnMut(ListItem) -> bool,
}

/// An open directory on the way, and its path with a slash at the end.
struct Level {
    dir: Dir,
    path: Vec<u8>,
    /// It is known that its names differ by case.
    is_case_known: bool,
}

enum Step {
    Next,
    Into(Level),
    Up,
    Stop,
}

impl Walk<'_> {
    fn step(&mut self, level: &mut Level) -> Result<Step> {
        let shown = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        let entry = match level.dir.read() {
            None => return Ok(Step::Up),
            Some(Err(error)) if is_absent(error) => return Ok(Step::Up),
            Some(entry) => entry.map_err(|error| failed("list", &shown(&level.path), error))?,
        };
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") || (level.path.is_empty() && name.to_bytes() == PRIVATE.as_bytes()) {
            return Ok(Step::Next);
        }
        let mut path = level.path.clone();
        path.extend_from_slice(name.to_bytes());
        // A directory on the way to the prefix may hold a part of it.
        let is_wanted = path.starts_with(self.prefix);
        if !is_wanted && !is_directory_of(&path, self.prefix) {
            return Ok(Step::Next);
        }

        let directory = level.dir.fd().map_err(|error| failed("list", &shown(&level.path), error))?;
        let stat = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // Gone since its name was read.
            Err(error) if is_absent(error) => return Ok(Step::Next),
            Err(error) => return Err(failed("list", &shown(&path), error)),
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Directory {
            if let Some(reason) = unfit(&path) {
                return Ok(self.skip(&path, reason));
            }
            let below = match open_dir(directory, name) {
                Ok(below) => below,
                Err(error) if is_absent(error) => return Ok(Step::Next),
                Err(error) => return Err(failed("list", &shown(&path), error)),
            };
            path.push(b'/');
            return Ok(Step::Into(Level { dir: read_dir(below, &shown(&path))?, path, is_case_known: false }));
        }
        if !level.is_case_known && kind == FileType::RegularFile {
            match ignores_case(directory, name, stat.st_ino, stat.st_nlink > 1) {
                Ok(None) => {}
                Ok(Some(false)) => level.is_case_known = true,
                Ok(Some(true)) => return Err(case_is_ignored(&shown(&path))),
                Err(error) => return Err(failed("list", &shown(&path), error)),
            }
        }
        // What lies behind a link on the way to the prefix is not listed, and that has to be said.
        if is_wanted || kind == FileType::Symlink { Ok(self.file(&path, &stat)) } else { Ok(Step::Next) }
    }

    fn file(&mut self, path: &[u8], stat: &Stat) -> Step {
        if let Some(reason) = unfit(path) {
            return self.skip(path, reason);
        }
        let Some(state) = FileState::new(stat) else {
            return self.skip(path, what_else(FileType::from_raw_mode(stat.st_mode)));
        };
        let Some(key) = str::from_utf8(path).ok().and_then(|path| ObjectKey::new(path).ok()) else {
            return self.skip(path, "not a key");
        };
        self.entries += 1;
        self.page.entries.push(ListEntry::new(key, state.size_bytes, state.etag(), state.last_modified()));
        self.next()
    }

    fn skip(&mut self, path: &[u8], reason: &str) -> Step {
        self.skipped += 1;
        let name = String::from_utf8_lossy(path).into_owned();
        self.page.skipped.push(SkippedName { name, reason: reason.to_owned() });
        self.next()
    }

    fn next(&mut self) -> Step {
        if self.page.entries.len() + self.page.skipped.len() < PAGE || self.flush() { Step::Next } else { Step::Stop }
    }

    fn flush(&mut self) -> bool {
        (self.emit)(ListItem::Page(std::mem::take(&mut self.page)))
    }

    fn end(mut self) {
        let is_empty = self.page.entries.is_empty() && self.page.skipped.is_empty();
        if is_empty || self.flush() {
            (self.emit)(ListItem::End(ListEnd { entries: self.entries, skipped: self.skipped }));
        }
    }
}

/// Tells whether a directory finds a file under a name of the other case too; `None` where this file cannot tell.
///
/// Such a directory is no store: a reference may name a file in another spelling than the one that is listed.
pub(crate) fn ignores_case(directory: impl AsFd, name: &CStr, inode: u64, has_links: bool) -> io::Result<Option<bool>> {
    let swapped: Vec<u8> =
        name.to_bytes().iter().map(|byte| byte ^ (u8::from(byte.is_ascii_alphabetic()) << 5)).collect();
    // With a second link, the other spelling may be a name of its own.
    if swapped == name.to_bytes() || has_links {
        return Ok(None);
    }
    let is_there = |name: &[u8]| match statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(stat.st_ino == inode),
        Err(error) if is_absent(error) => Ok(false),
        Err(error) => Err(error),
    };
    // The first name once more: the file may have been renamed to the other one meanwhile.
    Ok(Some(is_there(&swapped)? && is_there(name.to_bytes())?))
}

fn case_is_ignored(object: &str) -> Error {
    let reason =
        "this file system ignores case: a reference in another spelling would be missed; s3gc cannot collect it";
    Error::Protocol { operation: "list", object: object.to_owned(), reason: reason.to_owned() }
}

fn read_dir(directory: OwnedFd, path: &str) -> Result<Dir> {
    Dir::new(directory).map_err(|error| failed("list", path, error))
}

/// Tells whether `prefix` names something in the directory `path`.
fn is_directory_of(path: &[u8], prefix: &[u8]) -> bool {
    prefix.strip_prefix(path).is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// Why no key can have this path, or one below it.
fn unfit(path: &[u8]) -> Option<&'static str> {
    if str::from_utf8(path).is_err() {
        Some("the name is not UTF-8")
    } else if path.len() > MAX_KEY_BYTES {
        Some("the path is longer than a key can be")
    } else {
        None
    }
}

fn what_else(kind: FileType) -> &'static str {
    match kind {
        FileType::Symlink => "a symbolic link, which is never followed",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::RegularFile => "a file whose time is outside the calendar",
        _ => "not a regular file",
    }
}
