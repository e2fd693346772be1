//! Deletion: into the trash, look at what came there, and only then away.
//!
//! Nothing compares and deletes in one step on a file system. So a file loses its name first; if it then turns out not
//! to be the one that was staged, because somebody wrote it in the last moment, it gets its name back.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, renameat, unlinkat};
use rustix::io::Errno;
use s3gc_failpoint::{Point, hit};
use s3gc_store::{DeleteMeans, DeleteOutcome, DeleteRequest, DeleteTarget, ETag, Error, ObjectKey, Result, SignGuard};

use crate::dir::{Root, is_absent, parent, state_of};
use crate::error::failed;
use crate::path::KeyPath;
use crate::put::move_without_replacing;
use crate::sidecar::Sidecar;
use crate::state::FileState;
use crate::store::blocking;
use crate::trash::Trash;

/// Deletes objects, one after the other.
pub(crate) async fn delete(
    root: &Arc<Root>,
    batch: &[DeleteRequest],
    means: DeleteMeans,
    guard: &dyn SignGuard,
) -> Result<Vec<DeleteOutcome>> {
    if means == DeleteMeans::Marker {
        return Err(Error::Unsupported { operation: "delete by a marker" });
    }
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<_> = batch.iter().map(|request| request.key.clone()).collect();
    let trash = blocking({
        let root = Arc::clone(root);
        move || {
            let root = root.open()?;
            Trash::new(&root, &keys).map_err(|error| failed("delete", ".s3gc/trash", error))
        }
    })
    .await?;
    let trash = Arc::new(trash);
    let mut outcomes = Vec::with_capacity(batch.len());
    for (index, request) in batch.iter().enumerate() {
        outcomes.push(match &request.target {
            DeleteTarget::Current { if_match } => one(root, &trash, index, &request.key, if_match, guard).await,
            DeleteTarget::OwnMarker(_) => DeleteOutcome::Refused(Error::Unsupported { operation: "remove a marker" }),
        });
    }
    Ok(outcomes)
}

async fn one(
    root: &Arc<Root>,
    trash: &Arc<Trash>,
    index: usize,
    key: &ObjectKey,
    if_match: &ETag,
    guard: &dyn SignGuard,
) -> DeleteOutcome {
    let found = {
        let (root, key, if_match) = (Arc::clone(root), key.clone(), if_match.clone());
        blocking(move || Ok(find(&root, &key, &if_match))).await
    };
    let found = match found {
        Ok(Ok(found)) => found,
        Ok(Err(outcome)) => return outcome,
        Err(error) => return DeleteOutcome::Refused(error),
    };
    // The last word, immediately before the object loses its name.
    if let Err(refused) = guard.may_sign() {
        return DeleteOutcome::Refused(refused.into());
    }
    let (trash, key) = (Arc::clone(trash), key.clone());
    match blocking(move || Ok(found.remove(&trash, &index.to_string(), &key))).await {
        Ok(outcome) => outcome,
        Err(error) => DeleteOutcome::Unknown(error),
    }
}

/// The file that is to be deleted, in the state that was staged.
#[derive(Debug)]
pub(crate) struct Found {
    root: OwnedFd,
    directory: OwnedFd,
    name: Box<str>,
    staged: FileState,
}

pub(crate) fn find(root: &Root, key: &ObjectKey, if_match: &ETag) -> Result<Found, DeleteOutcome> {
    // What cannot be a path is not there.
    let path = KeyPath::new(key).map_err(|_| DeleteOutcome::AlreadyGone)?;
    let root = root.open().map_err(DeleteOutcome::Refused)?;
    let found = parent(&root, &path).and_then(|directory| Ok((state_of(&directory, &*path.name)?, directory)));
    match found {
        Ok((Some(staged), directory)) if staged.etag() == *if_match => {
            Ok(Found { root, directory, name: path.name, staged })
        }
        Ok((Some(_), _)) => Err(DeleteOutcome::Changed),
        Ok((None, _)) => Err(DeleteOutcome::AlreadyGone),
        Err(error) if is_absent(error) => Err(DeleteOutcome::AlreadyGone),
        Err(error) => Err(DeleteOutcome::Refused(failed("delete", key.as_str(), error))),
    }
}

impl Found {
    pub(crate) fn remove(self, trash: &Trash, slot: &str, key: &ObjectKey) -> DeleteOutcome {
        let fail = |error: Errno| failed("delete", key.as_str(), error);
        match renameat(&self.directory, &*self.name, &trash.directory, slot) {
            Ok(()) => {}
            Err(Errno::NOENT) => return DeleteOutcome::AlreadyGone,
            Err(error) => return DeleteOutcome::Refused(fail(error)),
        }
        hit(Point::FileTrashed);
        match state_of(&trash.directory, slot) {
            Ok(Some(state)) if state.has_content_of(&self.staged) => {}
            Ok(_) => return self.put_back(trash, slot, key, DeleteOutcome::Changed),
            Err(error) => return self.put_back(trash, slot, key, DeleteOutcome::Refused(fail(error))),
        }
        if let Err(error) = unlinkat(&trash.directory, slot, AtFlags::empty()) {
            return self.put_back(trash, slot, key, DeleteOutcome::Refused(fail(error)));
        }
        hit(Point::FileRemoved);
        Sidecar::remove(&self.root, key, &self.staged);
        DeleteOutcome::Deleted { marker: None }
    }

    pub(crate) fn put_back(&self, trash: &Trash, slot: &str, key: &ObjectKey, outcome: DeleteOutcome) -> DeleteOutcome {
        match move_without_replacing(&trash.directory, slot, &self.directory, &self.name) {
            Ok(()) => outcome,
            Err(Errno::EXIST) => {
                tracing::warn!(%key, "rewritten twice while it was being deleted: the older file stays in .s3gc/trash");
                DeleteOutcome::Changed
            }
            Err(error) => DeleteOutcome::Unknown(failed("put back", key.as_str(), error)),
        }
    }
}
