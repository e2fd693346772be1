//! What the demo proves: each check compares with what was put there, past the collector.

use futures::TryStreamExt as _;
use s3gc_core::audit::ChainCheck;
use s3gc_core::catalog::AuditFilter;
use s3gc_core::store::GetOptions;
use s3gc_core::{Digest, Gc, ObjectKey, RestoreOptions, RestoreOutcome};

use super::setup::Stage;
use super::world::Fate;
use crate::error::{Error, Result};

/// A proof that did not work out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Disproved(String);

/// Ends the demo.
pub(super) fn disproved(what: &str, why: impl Into<String>) -> Error {
    Error::Other { what: format!("the demo's proof that {what}"), source: Disproved(why.into()).into() }
}

/// Checks that exactly the expected files are left, every byte as it was, beside the one that was restored. Returns how
/// many.
pub(super) fn left(stage: &Stage, restored: &str) -> Result<usize> {
    let refuse = |why: String| Err(disproved("what is left is what should be", why));
    let bucket = stage.bucket();
    let left = bucket.keys();
    let is_expected = |fate: Fate, key: &str| fate != Fate::Orphan || key == restored;
    let mut expected: Vec<&str> = stage
        .world
        .files
        .iter()
        .filter(|file| is_expected(file.fate, &file.key))
        .map(|file| file.key.as_str())
        .collect();
    expected.sort_unstable();
    if let Some(lost) = expected.iter().find(|key| left.binary_search_by(|k| k.as_str().cmp(key)).is_err()) {
        return refuse(format!("{lost} is gone"));
    }
    if let Some(more) = left.iter().find(|key| expected.binary_search(&key.as_str()).is_err()) {
        return refuse(format!("{more} is still there"));
    }
    for key in &left {
        let digest = bucket.object(key).map(|object| Digest::of(&object.bytes()));
        if digest.as_ref() != stage.digests.get(key) {
            return refuse(format!("{key} has other bytes"));
        }
    }
    Ok(left.len())
}

/// Restores a file, reads it over HTTP, and returns the digest of what came back.
pub(super) async fn restore(stage: &Stage, key: &str) -> Result<Digest> {
    let refuse = |why: &str| Err(disproved("a restored file is the same", format!("{key}: {why}")));
    if stage.bucket().object(key).is_some() {
        return refuse("was not deleted");
    }
    let report = Box::pin(stage.gc.restore_key(key, RestoreOptions::default())).await?;
    if report.objects.iter().any(|object| object.outcome != RestoreOutcome::Restored) || report.objects.is_empty() {
        return refuse(&format!("{:?}", report.objects));
    }
    let digest = fetch(&stage.gc, key).await?;
    if stage.digests.get(key) != Some(&digest) {
        return refuse(&format!("its BLAKE3 is {digest} now"));
    }
    Ok(digest)
}

async fn fetch(gc: &Gc, key: &str) -> Result<Digest> {
    let key = ObjectKey::new(key).map_err(|error| disproved("its keys are keys", error.to_string()))?;
    let (_, body) = gc.store().get(&key, GetOptions::default()).await?;
    let bytes = body.try_fold(Vec::new(), |mut bytes, piece| async move {
        bytes.extend_from_slice(&piece);
        Ok(bytes)
    });
    Ok(Digest::of(&bytes.await?))
}

/// Walks the audit chain to its head, and returns the number of its entries.
pub(super) async fn audit(gc: &Gc) -> Result<u64> {
    const PAGE: u32 = 1000;
    let what = "the audit chain is whole";
    let head = gc.catalog().audit_head().await?;
    let mut check = ChainCheck::default();
    loop {
        let page = gc.catalog().audit(&AuditFilter::default(), check.head().seq, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for entry in &page {
            check.next(entry).map_err(|broken| disproved(what, broken.to_string()))?;
        }
    }
    if check.head() != head || head.seq == 0 {
        return Err(disproved(what, format!("it ends at entry {} of {}", check.head().seq, head.seq)));
    }
    Ok(head.seq)
}
