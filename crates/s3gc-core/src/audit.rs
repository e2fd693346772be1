//! The audit chain: each entry carries the digest of the one before it.

use s3gc_store::{Location, ObjectKey, Timestamp};
use serde::{Deserialize, Serialize};

use crate::catalog::{AuditFilter, Catalog};
use crate::{Digest, RunId};

/// What happened, before it has its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditDraft {
    /// When.
    pub at: Timestamp,
    /// In which run, if in one.
    pub run: Option<RunId>,
    /// To which store, if to one.
    pub location: Option<Location>,
    /// What kind of event: `delete`, `would_delete`, `restore`, `rescue`, `accept`, `run`, `hold`, ...
    pub kind: String,
    /// The key of the object, if it is about one.
    pub key: Option<String>,
    /// The evidence, as one JSON document.
    pub detail: serde_json::Value,
}

/// An entry of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its place: 1, 2, 3, ... without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// In which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// To which store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// What kind of event.
    pub kind: String,
    /// The key of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The evidence, as the exact JSON text that was hashed.
    pub detail: String,
    /// The digest of the entry before; of the first, 32 zero bytes.
    pub previous: Digest,
    /// The digest of this entry.
    pub hash: Digest,
}

/// The last entry of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// Its place; 0 for an empty chain.
    pub seq: u64,
    /// Its digest; 32 zero bytes for an empty chain.
    pub hash: Digest,
}

/// What the vault remembers of a chain, out of the reach of whoever edits the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedHead {
    /// The place of the entry that was the last one.
    pub seq: u64,
    /// Its digest, if the record has it.
    pub hash: Option<Digest>,
}

/// What the vault witnesses of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Witnesses {
    /// The head in the vault's record of the last run that deleted.
    pub record: Option<RememberedHead>,
    /// Packs, and the digest of the entry that was the last one when the run began that wrote them.
    pub packs: Vec<(String, Digest)>,
    /// Packs whose beginning cannot be read, and why.
    pub unreadable: Vec<(String, String)>,
    /// Packs that are encrypted, and whose key is missing or wrong.
    pub locked: Vec<String>,
}

impl Default for AuditHead {
    fn default() -> Self {
        Self { seq: 0, hash: Digest::new([0; 32]) }
    }
}

/// Tells whether the chain has an event of this kind about a key whose evidence `is_it`.
pub(crate) async fn is_told(
    catalog: &dyn Catalog,
    location: &Location,
    kind: &str,
    key: &ObjectKey,
    is_it: impl Fn(&serde_json::Value) -> bool + Send + Sync,
) -> crate::Result<bool> {
    const PAGE: u32 = 500;
    let filter = AuditFilter {
        key: Some(key.as_str().to_owned()),
        kind: Some(kind.to_owned()),
        location: Some(location.clone()),
        ..AuditFilter::default()
    };
    let mut after = 0;
    loop {
        let page = catalog.audit(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(false) };
        after = last.seq;
        let details = page.iter().filter_map(|entry| serde_json::from_str(&entry.detail).ok());
        if details.into_iter().any(|detail| is_it(&detail)) {
            return Ok(true);
        }
    }
}

impl AuditEntry {
    /// Gives a draft its place after `head`.
    #[must_use]
    pub fn link(head: &AuditHead, draft: AuditDraft) -> Self {
        let mut entry = Self {
            seq: head.seq + 1,
            at: draft.at,
            run: draft.run,
            location: draft.location,
            kind: draft.kind,
            key: draft.key,
            detail: draft.detail.to_string(),
            previous: head.hash,
            hash: head.hash,
        };
        entry.hash = entry.compute_hash();
        entry
    }

    /// Returns the head of a chain that ends here.
    #[must_use]
    pub fn head(&self) -> AuditHead {
        AuditHead { seq: self.seq, hash: self.hash }
    }

    /// Computes the digest from the fields: BLAKE3 over each field with its length before it, so that no two
    /// different entries have the same input.
    #[must_use]
    pub fn compute_hash(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("s3gc audit chain v1");
        let mut field = |value: Option<&[u8]>| match value {
            None => {
                hasher.update(&[0]);
            }
            Some(bytes) => {
                hasher.update(&[1]);
                hasher.update(&(bytes.len() as u64).to_le_bytes());
                hasher.update(bytes);
            }
        };
        field(Some(&self.seq.to_le_bytes()));
        field(Some(self.at.to_string().as_bytes()));
        field(self.run.map(|run| run.to_string()).as_deref().map(str::as_bytes));
        field(self.location.as_ref().map(|location| location.as_str().as_bytes()));
        field(Some(self.kind.as_bytes()));
        field(self.key.as_deref().map(str::as_bytes));
        field(Some(self.detail.as_bytes()));
        field(Some(self.previous.as_bytes()));
        Digest::new(*hasher.finalize().as_bytes())
    }
}

/// Checks a chain entry by entry.
#[derive(Clone, Debug, Default)]
pub struct ChainCheck {
    head: AuditHead,
}

/// Where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit entry {seq}: {reason}")]
pub struct ChainBroken {
    /// The entry at which it shows.
    pub seq: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl ChainCheck {
    /// Checks the next entry.
    ///
    /// # Errors
    ///
    /// [`ChainBroken`] if it was altered, or an entry before it was altered, removed or put elsewhere.
    pub fn next(&mut self, entry: &AuditEntry) -> Result<(), ChainBroken> {
        let broken = |reason: &str| ChainBroken { seq: entry.seq, reason: reason.to_owned() };
        if entry.seq != self.head.seq + 1 {
            return Err(broken(&format!("follows entry {}: entries are missing or out of order", self.head.seq)));
        }
        if entry.previous != self.head.hash {
            return Err(broken("does not follow from the entry before it"));
        }
        if entry.hash != entry.compute_hash() {
            return Err(broken("was altered"));
        }
        self.head = entry.head();
        Ok(())
    }

    /// Returns the head that was reached.
    #[must_use]
    pub fn head(&self) -> AuditHead {
        self.head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Vec<AuditEntry> {
        let mut head = AuditHead::default();
        let mut entries = Vec::new();
        for n in 0..4 {
            let draft = AuditDraft {
                at: Timestamp::UNIX_EPOCH,
                run: None,
                location: Some(Location::aws("b")),
                kind: "delete".into(),
                key: Some(format!("k{n}")),
                detail: serde_json::json!({"n": n}),
            };
            let entry = AuditEntry::link(&head, draft);
            head = entry.head();
            entries.push(entry);
        }
        entries
    }

    fn check(entries: &[AuditEntry]) -> Result<AuditHead, ChainBroken> {
        let mut check = ChainCheck::default();
        for entry in entries {
            check.next(entry)?;
        }
        Ok(check.head())
    }

    #[test]
    fn i08_a_whole_chain_is_accepted() {
        let entries = chain();
        assert_eq!(check(&entries).unwrap(), entries[3].head());
    }

    #[test]
    fn i08_an_altered_removed_or_swapped_entry_is_found() {
        let mut altered = chain();
        altered[1].detail = "{\"n\":7}".into();
        assert_eq!(check(&altered).unwrap_err().seq, 2);
        let mut rehashed = chain();
        rehashed[1].key = Some("other".into());
        rehashed[1].hash = rehashed[1].compute_hash();
        assert_eq!(check(&rehashed).unwrap_err().seq, 3);
        let mut removed = chain();
        removed.remove(1);
        assert_eq!(check(&removed).unwrap_err().seq, 3);
        let mut swapped = chain();
        swapped.swap(1, 2);
        assert!(check(&swapped).is_err());
    }
}
