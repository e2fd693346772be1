//! What the vault witnesses of the audit chain, out of the reach of whoever edits the catalog.

use futures::StreamExt;
use s3gc_vault::{FileName, pack};

use crate::audit::Witnesses;
use crate::gc::Parts;
use crate::{Digest, Result, lease};

/// Reads the vault's record of the last run, and the beginning of every pack of this catalog.
pub(crate) async fn witnesses(parts: &Parts) -> Result<Witnesses> {
    let catalog = parts.catalog.id().to_string();
    let mut found = Witnesses { record: lease::remembered_head(parts).await?, ..Witnesses::default() };
    let mut files = parts.vault.list("packs/");
    while let Some(file) = files.next().await {
        let name = file?.name;
        match head(parts, &name, &catalog).await? {
            Ok(Some(digest)) => found.packs.push((name.to_string(), digest)),
            Ok(None) => {}
            Err(Unread::Damaged(reason)) => found.unreadable.push((name.to_string(), reason)),
            Err(Unread::Locked) => found.locked.push(name.to_string()),
        }
    }
    Ok(found)
}

/// Why a pack tells nothing.
enum Unread {
    Damaged(String),
    Locked,
}

/// The outer result is the vault's, the inner one the pack's.
async fn head(parts: &Parts, name: &FileName, catalog: &str) -> Result<Result<Option<Digest>, Unread>> {
    let header = match pack::read_header(&*parts.vault, name).await {
        Ok(header) => header,
        Err(s3gc_vault::Error::Damaged { reason, .. }) => return Ok(Err(Unread::Damaged(reason))),
        Err(s3gc_vault::Error::Locked { .. }) => return Ok(Err(Unread::Locked)),
        Err(error) => return Err(error.into()),
    };
    // Packs of other catalogs witness other chains.
    let Some(head) = header.audit_head.filter(|_| header.vault_id == catalog) else { return Ok(Ok(None)) };
    Ok(head.parse().map(Some).map_err(|_| Unread::Damaged(format!("{head:?} is no digest of an audit entry"))))
}
