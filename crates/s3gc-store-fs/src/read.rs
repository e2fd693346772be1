//! Reading: `head`, `get`, `tags`.

use std::fs::File;
use std::ops::Range;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use rustix::fs::{Mode, OFlags, fstat, openat};
use s3gc_store::{ByteStream, Error, GetOptions, ObjectKey, ObjectMeta, Result};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::dir::{Root, is_absent, parent, state_of};
use crate::error::failed;
use crate::path::KeyPath;
use crate::sidecar::Sidecar;
use crate::state::FileState;

/// How many bytes are read at a time.
const PIECE: usize = 256 * 1024;

/// Reads what is known of an object.
pub(crate) fn head(root: &Root, key: &ObjectKey) -> Result<ObjectMeta> {
    let root = root.open()?;
    let state = state(&root, key)?.ok_or_else(|| not_found(key))?;
    Ok(Sidecar::read(&root, key, &state)?.into_meta(&state))
}

/// Reads the state of an object; `None` if it is not there.
pub(crate) fn state(root: &OwnedFd, key: &ObjectKey) -> Result<Option<FileState>> {
    // What cannot be a path is not there.
    let Ok(path) = KeyPath::new(key) else { return Ok(None) };
    match parent(root, &path).and_then(|directory| state_of(directory, &*path.name)) {
        Ok(state) => Ok(state),
        Err(error) if is_absent(error) => Ok(None),
        Err(error) => Err(failed("head", key.as_str(), error)),
    }
}

/// An object that is open for reading.
pub(crate) struct Opened {
    pub(crate) meta: ObjectMeta,
    file: File,
    state: FileState,
    range: Range<u64>,
}

/// Opens an object for reading.
pub(crate) fn open(root: &Root, key: &ObjectKey, options: &GetOptions) -> Result<Opened> {
    if options.version.is_some() {
        return Err(Error::Unsupported { operation: "get a version" });
    }
    let root = root.open()?;
    let path = KeyPath::new(key).map_err(|_| not_found(key))?;
    // Without NONBLOCK the opening of a named pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = parent(&root, &path)
        .and_then(|directory| openat(directory, &*path.name, flags, Mode::empty()))
        .and_then(|file| fstat(&file).map(|stat| (file, stat)));
    let (file, state) = match opened {
        Ok((file, stat)) => (file, FileState::new(&stat).ok_or_else(|| not_found(key))?),
        // NXIO: a socket.
        Err(error) if is_absent(error) || error == rustix::io::Errno::NXIO => return Err(not_found(key)),
        Err(error) => return Err(failed("get", key.as_str(), error)),
    };
    if options.if_match.as_ref().is_some_and(|etag| *etag != state.etag()) {
        return Err(Error::Precondition { key: key.to_string() });
    }
    let meta = Sidecar::read(&root, key, &state)?.into_meta(&state);
    let range = options.range.clone().unwrap_or(0..state.size_bytes);
    let range = range.start..range.end.min(state.size_bytes);
    if range.start > range.end {
        let reason = format!("the range begins after the object's {} bytes", state.size_bytes);
        return Err(Error::Protocol { operation: "get", object: key.to_string(), reason });
    }
    Ok(Opened { meta, file: File::from(file), state, range })
}

impl Opened {
    /// Streams the bytes, then proves that all came and that the file was not rewritten meanwhile.
    pub(crate) fn into_body(self, key: &ObjectKey) -> ByteStream {
        let expected_bytes = self.range.end - self.range.start;
        let reading = Reading {
            key: key.clone(),
            file: tokio::fs::File::from_std(self.file),
            state: self.state,
            start: Some(self.range.start),
            expected_bytes,
            left: expected_bytes,
        };
        stream::try_unfold(reading, Reading::next).boxed()
    }
}

struct Reading {
    key: ObjectKey,
    file: tokio::fs::File,
    state: FileState,
    /// Where to begin, as long as nothing was read.
    start: Option<u64>,
    expected_bytes: u64,
    left: u64,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        match self.read().await.map_err(|error| failed("get", self.key.as_str(), error))? {
            Some(piece) => Ok(Some((piece, self))),
            None if self.left > 0 => Err(Error::BodyLength {
                object: self.key.to_string(),
                expected_bytes: self.expected_bytes,
                actual_bytes: self.expected_bytes - self.left,
            }),
            None => {
                let now = fstat(&self.file).map_err(|error| failed("get", self.key.as_str(), error))?;
                match FileState::new(&now) {
                    Some(now) if now.has_content_of(&self.state) => Ok(None),
                    _ => Err(Error::Precondition { key: self.key.to_string() }),
                }
            }
        }
    }

    async fn read(&mut self) -> std::io::Result<Option<Bytes>> {
        if let Some(start) = self.start.take() {
            self.file.set_max_buf_size(PIECE);
            self.file.seek(std::io::SeekFrom::Start(start)).await?;
        }
        let mut piece = Vec::with_capacity(PIECE.min(usize::try_from(self.left).unwrap_or(PIECE)));
        if self.left > 0 {
            (&mut self.file).take(self.left).read_buf(&mut piece).await?;
        }
        self.left -= u64::try_from(piece.len()).map_err(std::io::Error::other)?;
        Ok(if piece.is_empty() { None } else { Some(piece.into()) })
    }
}

pub(crate) fn not_found(key: &ObjectKey) -> Error {
    Error::NotFound { key: key.to_string() }
}
