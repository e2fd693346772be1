//! The probe: canary objects show what the store honours. Most S3-compatible servers delete despite a wrong entity
//! tag, so nothing is believed that was not seen.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use s3gc_failpoint::{Point, hit};
use s3gc_store::{
    DeleteMeans, DeleteOutcome, DeleteRequest, DeleteTarget, ETag, Error, ListItem, ListRequest, ObjectKey, ObjectMeta,
    ObjectStore, PROBE_PREFIX, PutMode, Result, StoreStatus, VersionEntry, Versioning,
};
use serde::Serialize;

use super::Always;
use crate::RunId;
use crate::report::chain;

/// How long to wait before the canaries are tried again, when the store failed for the moment: no store repeats a
/// creation by itself.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// What a store was seen to honour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Capabilities {
    /// `If-Match` on the deletion of one object.
    pub(crate) single_etag: bool,
    /// The entity tag of each object in a deletion of many.
    pub(crate) batch_etag: bool,
    /// `If-None-Match: *` on PUT.
    pub(crate) creates_only: bool,
}

/// Finds out what the store honours: from its own word where it is no server, else with canaries, which are removed.
///
/// # Errors
///
/// A failure of the store, or a stop where a bucket keeps versions and does not let us list and remove them: each
/// deletion there needs both, to see what its marker covers and to take it back.
pub(crate) async fn probe(store: &dyn ObjectStore, status: &StoreStatus, run: RunId) -> crate::Result<Capabilities> {
    if let Some(guarantees) = status.guarantees {
        return Ok(Capabilities {
            single_etag: guarantees.single_etag,
            batch_etag: guarantees.batch_etag,
            creates_only: guarantees.creates_only,
        });
    }
    let key = ObjectKey::new(format!("{PROBE_PREFIX}{run}")).map_err(Error::from)?;
    let mut found = try_canary(store, &key).await;
    for pause in PAUSES {
        if !found.as_ref().is_err_and(Error::is_transient) {
            break;
        }
        tokio::time::sleep(pause).await;
        found = try_canary(store, &key).await;
    }
    // The canary goes in any case.
    let cleaned = clean_up_all(store, &key, status.versioning).await;
    hit(Point::CanariesGone);
    let found = found?;
    match cleaned {
        Ok(()) => {}
        Err(error) if status.versioning == Versioning::Enabled => {
            return Err(crate::Error::Stop {
                name: "versions",
                reason: format!(
                    "{} keeps versions, and the versions of the canary {key} could not be listed and removed, so no \
                     deletion could be checked or taken back: allow s3:ListBucketVersions and s3:DeleteObjectVersion \
                     (s3gc check --print-policy): {}",
                    store.location(),
                    chain(&error)
                ),
            });
        }
        // What the probe found out is worth more than a failure to clean up.
        Err(error) => tracing::warn!(%key, error = %chain(&error), "a canary object could not be removed"),
    }
    Ok(found)
}

/// Removes this canary and those of runs that died: whoever probes holds the lease, so none of them is in use.
async fn clean_up_all(store: &dyn ObjectStore, key: &ObjectKey, versioning: Versioning) -> Result<()> {
    clean_up(store, key, versioning).await?;
    let mut items = store.list(ListRequest::new(PROBE_PREFIX));
    let mut left = Vec::new();
    while let Some(item) = items.next().await {
        if let ListItem::Page(page) = item? {
            left.extend(page.entries.into_iter().map(|entry| entry.key));
        }
    }
    for key in left {
        clean_up(store, &key, versioning).await?;
    }
    Ok(())
}

async fn try_canary(store: &dyn ObjectStore, key: &ObjectKey) -> Result<Capabilities> {
    let creates_only = probe_create(store, key).await?;
    let single_etag = probe_delete(store, key, DeleteMeans::SingleEtag).await?;
    let batch_etag = probe_delete(store, key, DeleteMeans::BatchEtag).await?;
    Ok(Capabilities { single_etag, batch_etag, creates_only })
}

/// A second creation must fail, and leave the first one's bytes.
async fn probe_create(store: &dyn ObjectStore, key: &ObjectKey) -> Result<bool> {
    let first = put(store, key, b"canary", PutMode::Replace).await?;
    match put(store, key, b"another canary", PutMode::Create).await {
        Err(Error::Precondition { .. }) => Ok(store.head(key).await?.size_bytes == first.size_bytes),
        // Some servers do not know the condition at all.
        Ok(_) | Err(Error::Protocol { .. } | Error::Unsupported { .. } | Error::Other { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A deletion with a wrong entity tag must be refused and leave the object, one with the right tag must work.
async fn probe_delete(store: &dyn ObjectStore, key: &ObjectKey, means: DeleteMeans) -> Result<bool> {
    let canary = put(store, key, b"canary", PutMode::Replace).await?;
    let wrong = match (delete(store, key, &ETag::new("00000000000000000000000000000000"), means).await?, means) {
        // Who may not delete has found out nothing, and must not go on with weaker means.
        (DeleteOutcome::Refused(error @ Error::AccessDenied { .. }), DeleteMeans::SingleEtag) => return Err(error),
        (outcome, _) => outcome,
    };
    let is_there = match store.head(key).await {
        Ok(meta) => meta.etag == canary.etag,
        Err(Error::NotFound { .. }) => false,
        Err(error) => return Err(error),
    };
    if !matches!(wrong, DeleteOutcome::Changed) || !is_there {
        return Ok(false);
    }
    let right = delete(store, key, &canary.etag, means).await?;
    let is_gone = store.head(key).await.is_err_and(|error| error.is_not_found());
    Ok(matches!(right, DeleteOutcome::Deleted { .. }) && is_gone)
}

async fn put(store: &dyn ObjectStore, key: &ObjectKey, body: &'static [u8], mode: PutMode) -> Result<ObjectMeta> {
    let stream = futures::stream::once(async move { Ok(Bytes::from_static(body)) }).boxed();
    hit(Point::CanaryWriting);
    let written = store.put(key, stream, &ObjectMeta::new(body.len() as u64), mode).await;
    hit(Point::CanaryWritten);
    written
}

async fn delete(store: &dyn ObjectStore, key: &ObjectKey, etag: &ETag, means: DeleteMeans) -> Result<DeleteOutcome> {
    let request = DeleteRequest { key: key.clone(), target: DeleteTarget::Current { if_match: etag.clone() } };
    #[expect(clippy::disallowed_methods, reason = "deletes the canary")]
    let outcomes = store.delete(&[request], means, &Always).await?;
    outcomes.into_iter().next().ok_or_else(|| super::protocol("no outcome"))
}

/// Removes the canary: on versioned buckets each of its versions and markers by id, since a marker would stay for ever.
async fn clean_up(store: &dyn ObjectStore, key: &ObjectKey, versioning: Versioning) -> Result<()> {
    let current = |etag: Option<ETag>| {
        let if_match = etag.unwrap_or_else(|| ETag::new(""));
        (DeleteTarget::Current { if_match }, DeleteMeans::Unconditional)
    };
    let targets = if versioning == Versioning::Off {
        // Without versions nobody needs the permission to list them.
        match store.head(key).await {
            Ok(meta) => vec![current(Some(meta.etag))],
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error),
        }
    } else {
        let versions = store.versions(key).await?.into_iter();
        let target = |entry: VersionEntry| match entry.version {
            Some(version) => (DeleteTarget::OwnMarker(version), DeleteMeans::Marker),
            None => current(entry.etag),
        };
        versions.map(target).collect()
    };
    for (target, means) in targets {
        #[expect(clippy::disallowed_methods, reason = "removes the canary")]
        let outcomes = store.delete(&[DeleteRequest { key: key.clone(), target }], means, &Always).await?;
        for outcome in outcomes {
            if let DeleteOutcome::Refused(error) | DeleteOutcome::Unknown(error) = outcome {
                return Err(error);
            }
        }
    }
    Ok(())
}
